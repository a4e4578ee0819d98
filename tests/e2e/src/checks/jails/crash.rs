//! Parts of monban are killed while jails work; no ban and no count is lost or doubled.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Folder, answer, held};
use crate::guard::{Guard, Killed};
use crate::lines::{Dice, Log, failed_password, harmless, many};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

/// Three failures ban.
const JAILS: &str = "
[sshd]
enabled = true
bantime = 1h
logpath = /var/log/auth.log
";

/// The load is spread over so much time for each kill, restart included.
const TIME_PER_KILL: Duration = Duration::from_millis(700);
/// A restart and what it has to catch up with may take this long.
const CATCH_UP: Duration = Duration::from_secs(40);

/// Kills at random instants under load; then a failure for each who has one too few; then an
/// orderly end and a start.
pub fn under_load(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    let kills = setting.sized(10, 50);
    let attackers = setting.sized(100, 1000);
    let mut log = Log::open(&machine.log("auth.log"))?;
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    let guard = disturbed(&mut log, guard, attackers, kills)?;
    let hits: BTreeSet<String> = (0..attackers).filter(|one| is_hit(*one)).map(many).collect();
    same(&guard, &machine, &hits, "after the kills")?;
    // Whoever has two failures has neither lost one nor got one twice.
    let misses = (0..attackers).filter(|one| !is_hit(*one));
    let mut pids = 500_000..;
    for (address, pid) in misses.map(many).zip(&mut pids) {
        log.write(&failed_password(pid, &address))?;
    }
    let all: BTreeSet<String> = (0..attackers).map(many).collect();
    same(&guard, &machine, &all, "after one more failure")?;
    let plan = guard.plan();
    guard.stop()?;
    let left = machine.shell("nft list ruleset")?;
    must(!left.contains("f2b"), || format!("left after the end: {left}"))?;
    let guard = Guard::start(&machine, plan)?;
    same(&guard, &machine, &all, "after an end and a start")?;
    Ok(format!(
        "{kills} kills: {} bans as undisturbed, {} counts of 2 whole; nothing left after the end, \
         all back after the start",
        hits.len(),
        all.len() - hits.len()
    ))
}

/// Half of them fail three times, in both families, and half twice.
const fn is_hit(number: u32) -> bool {
    (number / 2).is_multiple_of(2)
}

fn disturbed<'m>(
    log: &mut Log,
    mut guard: Guard<'m>,
    attackers: u32,
    kills: u32,
) -> Tried<Guard<'m>> {
    let mut steps: Vec<u32> =
        (0..attackers).flat_map(|one| vec![one; if is_hit(one) { 3 } else { 2 }]).collect();
    Dice::new(17).shuffle(&mut steps);
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let pause = TIME_PER_KILL * kills / count;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| -> Tried<()> {
            for (attacker, pid) in steps.into_iter().zip(1000..) {
                log.write(&failed_password(pid, &many(attacker)))?;
                thread::sleep(pause);
            }
            while !stop.load(Ordering::Relaxed) {
                log.write(&harmless(999))?;
                thread::sleep(pause);
            }
            Ok(())
        });
        let mut dice = Dice::new(23);
        let kill_all = || -> Tried<Guard<'m>> {
            // The watcher is the last: what follows must still reach the kernel.
            for number in (0..kills).rev() {
                thread::sleep(Duration::from_millis(20 + dice.below(500) as u64));
                if number % 4 < 2 {
                    // What is killed then has another configuration than that of its start.
                    let reloaded = || Ok(guard.monban(&["reload"])?.good().is_ok());
                    until_true("a reload", Duration::from_secs(20), reloaded)?;
                }
                match number % 4 {
                    0 => guard.kill_watcher()?,
                    1 => guard.kill_actor()?,
                    2 => guard = guard.kill_and_restart(Killed::Warden)?,
                    _ => guard = guard.kill_and_restart(Killed::Both)?,
                }
            }
            Ok(guard)
        };
        let killed = kill_all();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap_or_else(|_| Err(Trouble("the writer".to_owned())))?;
        killed
    })
}

/// Jail and kernel hold exactly these, and go on to.
fn same(guard: &Guard<'_>, machine: &Machine, wanted: &BTreeSet<String>, when: &str) -> Tried<()> {
    let mut seen = (BTreeSet::new(), BTreeSet::new());
    let mut look = || -> Tried<bool> {
        let text = answer(guard, &["get", "sshd", "banip"]).unwrap_or_default();
        seen = (text.split_whitespace().map(str::to_owned).collect(), held(machine, "sshd")?);
        Ok(seen.0 == *wanted && seen.1 == *wanted)
    };
    let waited = until_true("", CATCH_UP, &mut look);
    // What comes late would be too much.
    thread::sleep(Duration::from_millis(500));
    if waited.is_ok() && look()? {
        return Ok(());
    }
    let apart = |name: &str, seen: &BTreeSet<String>| {
        let missing: Vec<_> = wanted.difference(seen).take(5).collect();
        let extra: Vec<_> = seen.difference(wanted).take(5).collect();
        format!(
            "{name} has {} of {}, without {missing:?}, beside {extra:?}",
            seen.len(),
            wanted.len()
        )
    };
    let told = [apart("the jail", &seen.0), apart("the kernel", &seen.1)].join("; ");
    Err(format!("{when}: {told}; it said: {}", guard.said()).into())
}
