//! A jail whose commands are slow, with many bans, beside one whose bans are quick.

use std::time::{Duration, Instant};

use super::{Folder, answer, held, status};
use crate::guard::Guard;
use crate::lines::{Log, failed_password, many};
use crate::machine::Machine;
use crate::memory::PeakPss;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const JAILS: &str = "
[sshd]
enabled = true
maxretry = 1
logpath = /var/log/auth.log
[slow]
enabled = true
filter = sshd
maxretry = 1
bantime = 1h
logpath = /var/log/slow.log
action = slow
";

/// What it did is written down.
const SLOW: &str = "[Definition]
actionban = sleep 0.5; echo ban >> /var/log/slow.said
actionunban = echo unban >> /var/log/slow.said
actionstop = echo stop >> /var/log/slow.said
";

/// A ban of the quick jail is in the kernel by then.
const QUICK: Duration = Duration::from_secs(1);

/// The slow jail ends in this time: what it made is taken back, and what waits is not made.
const END: Duration = Duration::from_secs(10);

/// All processes together, in MiB.
const MEMORY_MIB: f64 = 120.0;

/// While thousands of bans wait for slow commands, also after a start that makes them all again, a
/// ban of another jail is quick; the end of the slow jail is, too, and takes back all that it made.
pub fn beside_a_quick_one(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    folder.write("action.d/slow.conf", SLOW)?;
    let count = setting.sized(10_000, 50_000);
    let (mut slow, mut quick) =
        (Log::open(&machine.log("slow.log"))?, Log::open(&machine.log("auth.log"))?);
    let mut guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    let mut peak = PeakPss::of(guard.pid);
    let mut memory: f64 = 0.0;
    for (pid, number) in (1000..).zip(0..count) {
        slow.write(&failed_password(pid, &many(number)))?;
    }
    let mut times = Vec::new();
    for (round, address) in ["198.51.100.41", "198.51.100.42"].into_iter().enumerate() {
        if round > 0 {
            let plan = guard.plan();
            guard.stop()?;
            guard = Guard::start(&machine, plan)?;
            memory = std::mem::replace(&mut peak, PeakPss::of(guard.pid)).stop_mib();
        }
        until_true("the slow jail bans all", Duration::from_secs(120), || {
            Ok(status(&guard, "slow", "Currently banned")? == u64::from(count))
        })?;
        let begun = Instant::now();
        quick.write(&failed_password(500, address))?;
        until_true("the quick jail bans", Duration::from_secs(20), || {
            Ok(held(&machine, "sshd")?.contains(address))
        })?;
        times.push(begun.elapsed());
    }
    must(times.iter().all(|time| *time < QUICK), || format!("quick bans took {times:?}"))?;
    let said = || machine.log_text("slow.said");
    let stops = said().matches("stop").count();
    let begun = Instant::now();
    answer(&guard, &["stop", "slow"])?;
    let end = begun.elapsed();
    must(said().matches("stop").count() > stops, || "stop answered before the end".to_owned())?;
    must(end < END, || format!("the slow jail ended after {end:?}"))?;
    let memory = memory.max(peak.stop_mib());
    must(memory < MEMORY_MIB, || format!("{memory:.0} MiB"))?;
    guard.stop()?;
    let said = said();
    let lines = |word: &str| said.lines().filter(|line| *line == word).count();
    let (bans, ends) = (lines("ban"), lines("unban"));
    must(bans == ends && bans > 0, || format!("{bans} bans made, {ends} ended"))?;
    Ok(format!(
        "{count} bans in a jail of 2 a second: one of another jail is in the kernel after {} ms, \
         after a start {} ms; the slow jail ended after {} ms, all {bans} bans that it made taken \
         back; at most {memory:.0} MiB",
        times[0].as_millis(),
        times[1].as_millis(),
        end.as_millis()
    ))
}
