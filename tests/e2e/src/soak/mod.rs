//! A long run: mixed logs, rotations and floods as fast as monban reads them, while its memory,
//! descriptors, lag, ledger and processor time are watched.

mod logs;
mod series;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::checks::config;
use crate::guard::Guard;
use crate::machine::World;
use crate::memory::{cpu_s, descriptors, family, pss_kib, rss_kib};
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;
pub use logs::Logs;
pub use series::{Sample, Series};

/// Lines that the writer may be ahead of what the ledger says was read.
const AHEAD: u64 = 400_000;
/// Between two looks. A look starts a `monban status`, whose time is not monban's own.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Small, so that a short run fills it as well.
const LEDGER_MIB: u64 = 32;
/// The log beside the ledger's file, which SQLite moves into it at about 16 MiB, and what a commit
/// of up to 3 MiB of rows adds to both, in pages, before that and before the file is trimmed.
const LEDGER_SPARE_MIB: u64 = 16 + 8;
/// All roles together, whatever happens.
const PSS_MIB_MAX: f64 = 64_000_000.0 / 1_048_576.0;
/// What was written is read within this after the last line.
const CATCH_UP: Duration = Duration::from_secs(60);

/// A soak as a check: long enough for rotations, floods and a full ledger, too short to tell a
/// slope from noise.
pub fn sample(setting: &Setting) -> Tried<String> {
    let length = Duration::from_secs(setting.sized(25, 120));
    let series = run(setting, length, |_| {})?;
    Ok(series.summary())
}

/// Runs for so long. `tell` hears each sample.
///
/// # Errors
/// If monban does not start, loses a line, or goes over a limit.
pub fn run(setting: &Setting, length: Duration, mut tell: impl FnMut(&Sample)) -> Tried<Series> {
    let world = World::new()?;
    let mut logs = Logs::open(world.server.log("").as_path())?;
    let text = format!("ledger_mib = {LEDGER_MIB}\n{}", config("10m"));
    let plan = setting.plan(&world.server, &text, &Logs::NAMES);
    let guard = Guard::start(&world.server, plan)?;
    let ledger = world.server.folder().join("state/watcher/ledger.db");
    let (stop, written, read) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    let mut series = Series::default();
    let watched = thread::scope(|scope| {
        let writer = scope.spawn(|| -> Tried<()> {
            while !stop.load(Ordering::Relaxed) {
                if written.load(Ordering::Relaxed) > read.load(Ordering::Relaxed) + AHEAD {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                }
                written.fetch_add(logs.write_some()?, Ordering::Relaxed);
            }
            Ok(())
        });
        let watched = (|| -> Tried<()> {
            while start.elapsed() < length && !writer.is_finished() {
                thread::sleep(LOOK_EVERY);
                read.store(lines_read(&guard)?, Ordering::Relaxed);
                let lines = [&written, &read].map(|lines| lines.load(Ordering::Relaxed));
                let sample = look(guard.pid, &ledger, start, lines);
                tell(&sample);
                series.add(sample);
            }
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        let done = writer.join().unwrap_or_else(|_| Err(Trouble("the writer".to_owned())));
        watched.and(done)
    });
    watched?;
    let written = written.into_inner();
    let mut read = 0;
    until_true("all lines are read", CATCH_UP, || {
        read = lines_read(&guard)?;
        Ok(read >= written)
    })
    .map_err(|trouble| Trouble(format!("{trouble}: {read} of {written}; {}", guard.said())))?;
    must(read == written, || format!("{read} lines were read of {written}"))?;
    series.rotations = logs.rotations;
    let peak = series.peak(|sample| sample.pss_mib);
    must(peak <= PSS_MIB_MAX, || format!("the peak of PSS is {peak:.1} MiB"))?;
    let ledger = series.peak(|sample| sample.ledger_mib);
    let most = (LEDGER_MIB + LEDGER_SPARE_MIB) as f64;
    must(ledger <= most, || format!("the ledger has {ledger:.1} MiB of {LEDGER_MIB}"))?;
    Ok(series)
}

/// Lines of all logs that the ledger knows as read.
fn lines_read(guard: &Guard<'_>) -> Tried<u64> {
    let status = guard.json(&["status"])?;
    let sources = status["sources"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(sources.iter().filter_map(|source| source["lines"].as_u64()).sum())
}

fn look(pid: i32, ledger: &Path, start: Instant, [written, read]: [u64; 2]) -> Sample {
    let roles = family(pid);
    let sum = |of: fn(i32) -> u64| roles.iter().map(|pid| of(*pid)).sum::<u64>();
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let log = ledger.with_extension("db-wal");
    Sample {
        at_s: start.elapsed().as_secs_f64(),
        written,
        read,
        pss_mib: sum(pss_kib) as f64 / 1024.0,
        rss_mib: sum(rss_kib) as f64 / 1024.0,
        descriptors: sum(descriptors),
        ledger_mib: (bytes(ledger) + bytes(&log)) as f64 / 1_048_576.0,
        cpu_s: cpu_s(pid),
    }
}
