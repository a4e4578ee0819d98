//! Parts of monban are killed; nothing is lost and nothing is counted twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::checks::config;
use crate::guard::{Guard, Killed};
use crate::kernel::{elements, subject, wait_blocked};
use crate::lines::{Dice, Log, failed_password, harmless, many};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};

/// Attackers whose block shows that everything before it has been read.
const SENTINELS: u32 = 3_000_000;
/// Lines between two rotations.
const ROTATE_EVERY: usize = 200;
/// The load is spread over so much time for each kill, restart included.
const TIME_PER_KILL: Duration = Duration::from_millis(700);
/// A restart and what it has to catch up with may take this long.
const CATCH_UP: Duration = Duration::from_secs(30);

/// Two failures, a kill, two failures: not blocked. A fifth: blocked.
pub fn between_failures(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    let mut guard = Guard::start(&world.server, plan)?;
    let mut sentinel = SENTINELS;
    let kinds = [None, Some(Killed::Warden), Some(Killed::Both)];
    for (number, kind) in (0..).zip(kinds) {
        let address = many(number);
        let fail = |log: &mut Log, count: u32| -> Tried<()> {
            (0..count).try_for_each(|at| log.write(&failed_password(100 + at, &address)))
        };
        fail(&mut log, 2)?;
        let mut read_all = |log: &mut Log| {
            sentinel += 1;
            wait_until_read(&world, log, sentinel)
        };
        read_all(&mut log)?;
        match kind {
            None => guard.kill_watcher()?,
            Some(who) => guard = guard.kill_and_restart(who)?,
        }
        fail(&mut log, 2)?;
        read_all(&mut log)?;
        let blocked = elements(&world.server)?.contains(&subject(&address));
        must(!blocked, || format!("{address} is blocked after 2 + 2 failures ({kind:?})"))?;
        fail(&mut log, 1)?;
        wait_blocked(&world.server, &address, CATCH_UP)
            .map_err(|trouble| format!("{trouble}: the fifth failure after a kill ({kind:?})"))?;
    }
    Ok("2 + 2 failures around a kill of watcher, warden, both: not blocked; the 5th: blocked"
        .to_owned())
}

/// Kills at random instants while lines come and logs rotate; then the same lines without.
pub fn under_load(setting: &Setting) -> Tried<String> {
    let kills = setting.sized(9, 100);
    let load = Load::new(setting.sized(150, 1500));
    let (disturbed, rotations) = disturbed_run(setting, &load, kills)?;
    let undisturbed = undisturbed_run(setting, &load)?;
    let expected: Vec<String> = load.hits().map(|address| subject(&address)).collect();
    for (name, seen) in [("undisturbed", &undisturbed), ("disturbed", &disturbed)] {
        let missing = expected.iter().filter(|hit| !seen.blocked.contains(hit)).count();
        let extra = seen.blocked.len() + missing - expected.len();
        must(missing == 0 && extra == 0, || {
            format!("{name}: {missing} blocks are missing, {extra} are too many")
        })?;
    }
    must(disturbed.counts == undisturbed.counts, || {
        let pairs = disturbed.counts.iter().zip(&undisturbed.counts);
        let differ: Vec<_> = pairs.filter(|(one, other)| one != other).collect();
        format!("counts differ from those of the undisturbed run: {differ:?}")
    })?;
    Ok(format!(
        "{kills} kills, {rotations} rotations, {} lines: {} blocks and {} counts as undisturbed",
        load.steps.len(),
        expected.len(),
        disturbed.counts.len()
    ))
}

/// What a run left behind.
struct Seen {
    /// The subjects in the kernel, without the sentinel.
    blocked: Vec<String>,
    /// For some who are not blocked: what `why` counted.
    counts: Vec<(String, Option<u64>)>,
}

/// A sequence of lines in which half of the attackers fail five times and half four times.
struct Load {
    attackers: u32,
    /// Who fails; `None` is a harmless line.
    steps: Vec<Option<u32>>,
}

impl Load {
    fn new(attackers: u32) -> Self {
        let mut steps = Vec::new();
        for number in 0..attackers {
            let failures = if Self::is_hit(number) { 5 } else { 4 };
            steps.extend((0..failures).map(|_| Some(number)));
            steps.extend([None, None]);
        }
        Dice::new(7).shuffle(&mut steps);
        Self { attackers, steps }
    }

    /// Both families have hits and misses: the family alternates with each number.
    fn is_hit(number: u32) -> bool {
        (number / 2).is_multiple_of(2)
    }

    fn hits(&self) -> impl Iterator<Item = String> {
        (0..self.attackers).filter(|number| Self::is_hit(*number)).map(many)
    }

    fn misses(&self) -> impl Iterator<Item = String> {
        (0..self.attackers).filter(|number| !Self::is_hit(*number)).map(many)
    }

    fn line(&self, at: usize) -> String {
        // Every line is of a process of its own, so that each counts by itself.
        let pid = u32::try_from(at).unwrap_or(0) % 4_000_000 + 300;
        match self.steps[at] {
            Some(number) => failed_password(pid, &many(number)),
            None => harmless(pid),
        }
    }
}

fn undisturbed_run(setting: &Setting, load: &Load) -> Tried<Seen> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("1h"), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    for at in 0..load.steps.len() {
        log.write(&load.line(at))?;
    }
    wait_until_read(&world, &mut log, SENTINELS)?;
    look(&world, &guard, load)
}

fn disturbed_run(setting: &Setting, load: &Load, kills: usize) -> Tried<(Seen, usize)> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("1h"), &["auth.log"]);
    let mut guard = Guard::start(&world.server, plan)?;
    let stop = AtomicBool::new(false);
    let spread = TIME_PER_KILL * u32::try_from(kills).unwrap_or(1);
    let pause = spread / u32::try_from(load.steps.len()).unwrap_or(u32::MAX);
    let mut dice = Dice::new(11);
    let (rotations, restarted) = thread::scope(|scope| {
        let writer = scope.spawn(|| write_and_rotate(load, &mut log, pause, &stop));
        let kill_all = || -> Tried<Guard<'_>> {
            for _ in 0..kills {
                let wait_ms = 20 + u64::try_from(dice.below(500)).unwrap_or(0);
                thread::sleep(Duration::from_millis(wait_ms));
                match dice.below(3) {
                    0 => guard.kill_watcher()?,
                    1 => guard = guard.kill_and_restart(Killed::Warden)?,
                    _ => guard = guard.kill_and_restart(Killed::Both)?,
                }
            }
            Ok(guard)
        };
        let restarted = kill_all();
        stop.store(true, Ordering::Relaxed);
        let rotations = writer.join().unwrap_or_else(|_| Err(Trouble("the writer".to_owned())));
        (rotations, restarted)
    });
    let guard = restarted?;
    let rotations = rotations?;
    wait_until_read(&world, &mut log, SENTINELS)?;
    Ok((look(&world, &guard, load)?, rotations))
}

/// Writes the load, and then harmless lines for as long as there are kills.
fn write_and_rotate(
    load: &Load,
    log: &mut Log,
    pause: Duration,
    stop: &AtomicBool,
) -> Tried<usize> {
    let mut rotations = 0;
    let mut at = 0;
    while at < load.steps.len() || !stop.load(Ordering::Relaxed) {
        let is_load = at < load.steps.len();
        log.write(&if is_load { load.line(at) } else { harmless(299) })?;
        at += 1;
        if at % ROTATE_EVERY == 0 {
            log.rotate()?;
            rotations += 1;
        }
        thread::sleep(pause);
    }
    Ok(rotations)
}

/// Everything before the fifth failure of a sentinel is read when the sentinel is blocked.
fn wait_until_read(world: &World, log: &mut Log, sentinel: u32) -> Tried<()> {
    let address = many(sentinel);
    for at in 0..5 {
        log.write(&failed_password(200 + at, &address))?;
    }
    wait_blocked(&world.server, &address, CATCH_UP).map(drop)
}

fn look(world: &World, guard: &Guard<'_>, load: &Load) -> Tried<Seen> {
    let sentinel = subject(&many(SENTINELS));
    let blocked = elements(&world.server)?.into_iter().filter(|element| *element != sentinel);
    let mut counts = Vec::new();
    for address in load.misses().take(50) {
        let count = guard.failures_counted(&address)?;
        counts.push((address, count));
    }
    Ok(Seen { blocked: blocked.collect(), counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_has_five_failures_of_a_hit_and_four_of_a_miss() {
        let load = Load::new(8);
        let count = |number| load.steps.iter().filter(|step| **step == Some(number)).count();
        assert_eq!((0..8).map(count).collect::<Vec<_>>(), [5, 5, 4, 4, 5, 5, 4, 4]);
        assert_eq!((load.hits().count(), load.misses().count()), (4, 4));
    }
}
