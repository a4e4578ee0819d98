//! A guard with nothing to do.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::checks::config;
use crate::guard::Guard;
use crate::lines::{Log, failed_password, many};
use crate::machine::World;
use crate::memory::{arguments, family, pss_kib, waits};
use crate::runner::Setting;
use crate::trouble::{Tried, must};

/// What the design allows each process a second ...
const WAITS_PER_S_MAX: f64 = 1.0;
/// ... and in all besides: the second may begin with one.
const WAITS_BESIDE: f64 = 2.0;
/// A start is over after so long.
const SETTLED: Duration = Duration::from_secs(3);

/// After a start and one failure no process wakes more often than once a second.
pub fn no_waking(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("1h"), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    log.write(&failed_password(900, &many(2)))?;
    guard.wait_counted(&many(2), 1)?;
    sleep(SETTLED);
    let processes = family(guard.pid);
    let before: Vec<u64> = processes.iter().map(|pid| waits(*pid)).collect();
    let start = Instant::now();
    sleep(Duration::from_secs(setting.sized(5, 20)));
    let took_s = start.elapsed().as_secs_f64();
    let mut told = Vec::new();
    for (pid, before) in processes.iter().zip(before) {
        // A thread that ended has taken its number with it.
        let count = waits(*pid).saturating_sub(before) as f64;
        let mib = pss_kib(*pid) as f64 / 1024.0;
        let name = arguments(*pid).split(' ').nth(1).unwrap_or_default().to_owned();
        must(count <= WAITS_PER_S_MAX * took_s + WAITS_BESIDE, || {
            format!("`{name}` woke {count} times in {took_s:.0} s")
        })?;
        told.push(format!("{name} {:.1} a second, {mib:.1} MiB", count / took_s));
    }
    Ok(told.join("; "))
}
