//! More lines than can be read at once.

use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::wait_blocked;
use crate::lines::{Log, failed_password, many};
use crate::machine::World;
use crate::runner::Setting;
use crate::traffic::{Attackers, Daemon, Traffic};
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

/// Lines of one write.
const PIECE: usize = 1000;
/// Rotations while nothing is read.
const ROTATIONS: usize = 4;
/// What has piled up is read within this.
const CATCH_UP: Duration = Duration::from_secs(120);

/// The watcher stands still while lines come and the log rotates. Afterwards it says how far
/// behind it is, reads every line once, and counts what was before the stop with what came after.
pub fn after_a_stop(setting: &Setting) -> Tried<String> {
    let pieces: usize = setting.sized(300, 1000);
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("1h"), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    let (blocked, spared) = (many(0), many(1));
    for address in [&blocked, &spared] {
        (0..2).try_for_each(|at| log.write(&failed_password(100 + at, address)))?;
    }
    guard.wait_counted(&blocked, 2)?;
    let watcher = guard.watcher()?;
    signal(watcher, Signal::STOP)?;
    let attackers = Attackers { known: 100, strangers: 5000, stranger_in: 10 };
    let (mut traffic, mut text) = (Traffic::new(9, attackers), String::new());
    for piece in 0..pieces {
        text.clear();
        traffic.write(Daemon::Sshd, PIECE, &mut text);
        log.write(&text)?;
        if piece % (pieces / ROTATIONS) == pieces / ROTATIONS / 2 {
            log.rotate()?;
        }
    }
    for (address, count) in [(&blocked, 3), (&spared, 2)] {
        (0..count).try_for_each(|at| log.write(&failed_password(200 + at, address)))?;
    }
    let written = (pieces * PIECE + 2 * 2 + 3 + 2) as u64;
    signal(watcher, Signal::CONT)?;
    let mut read = 0;
    let took = until_true("every line is read", CATCH_UP, || {
        let status = guard.json(&["status"])?;
        let sources = status["sources"].as_array().map_or(&[][..], Vec::as_slice);
        read = sources.iter().filter_map(|source| source["lines"].as_u64()).sum();
        Ok(read >= written)
    })?;
    // What is counted twice may come late.
    thread::sleep(Duration::from_secs(1));
    must(read == written, || format!("{read} lines were read of {written}"))?;
    wait_blocked(&world.server, &blocked, Duration::from_secs(10))?;
    guard.wait_counted(&spared, 4)?;
    let said = guard.said();
    must(said.contains("lines wait to be read") && said.contains("the backlog is read"), || {
        format!("nothing was said of a backlog: {said}")
    })?;
    Ok(format!(
        "{written} lines and {ROTATIONS} rotations while it stood still: all read once, in {:.1} s",
        took.as_secs_f64()
    ))
}

/// The watcher alone is stopped: it is who reads, and the warden goes on telling it of changes.
fn signal(watcher: i32, signal: Signal) -> Tried<()> {
    let pid = Pid::from_raw(watcher).ok_or("there is no watcher")?;
    Ok(kill_process(pid, signal)?)
}
