//! Bans that end while whoever would have to end them is killed.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::{Folder, answer};
use crate::guard::{Guard, Killed};
use crate::lines::{Log, failed_password};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const BANTIME: Duration = Duration::from_secs(6);

/// A ban is in the ledger by then; one whose line was read just before a kill is made anew from the
/// line, unless it is over by then.
const COMMITTED: Duration = Duration::from_millis(500);

const JAILS: &str = "
[ends]
enabled = true
filter = sshd
maxretry = 1
bantime = 6
logpath = /var/log/auth.log
action = ends
";

/// What it does is written down; nothing of it is in the kernel.
const ENDS: &str = "[Definition]
actionban = echo ban <ip> >> /var/log/ends.said
actionunban = sleep 1; echo unban <ip> >> /var/log/ends.said
";

const SLOW_BANS: &str = "[Definition]
actionban = sleep 0.4; echo ban <ip> >> /var/log/ends.said
actionunban = echo unban <ip> >> /var/log/ends.said
";

/// The actor is killed while three bans end one after the other; then everything is, and the bans
/// are over before it is started again.
pub fn come_after_kills(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    folder.write("action.d/ends.conf", ENDS)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    let mut ban = |hosts: [u32; 3]| -> Tried<()> {
        for (pid, host) in (1000..).zip(hosts) {
            log.write(&failed_password(pid, &format!("198.51.100.{host}")))?;
        }
        Ok(())
    };
    ban([1, 2, 3])?;
    wait_words(&machine, "three bans", "ban", 3)?;
    until_true("the first ban ends", Duration::from_secs(20), || {
        Ok(words(&machine).values().any(|word| word == "unban"))
    })?;
    guard.kill_actor()?;
    let after_actor = wait_words(&machine, "three ends after the actor was killed", "unban", 3)?;
    ban([4, 5, 6])?;
    wait_words(&machine, "three more bans", "ban", 3)?;
    thread::sleep(COMMITTED);
    let plan = guard.kill(Killed::Both)?;
    thread::sleep(BANTIME + Duration::from_secs(1));
    // The command of one end may have begun when the actor saw that the warden is gone.
    must(count(&machine, "ban") >= 2, || format!("ended by nobody: {:?}", words(&machine)))?;
    let guard = Guard::start(&machine, plan)?;
    let after_all = wait_words(&machine, "all ends after everything was killed", "unban", 6)?;
    let left = answer(&guard, &["get", "ends", "banip"])?;
    must(left.is_empty(), || format!("still banned: {left}"))?;
    guard.stop()?;
    let made_again = come_after_a_stop(setting)?;
    Ok(format!(
        "three ends of 1 s each: all done {} ms after the actor was killed, and {} ms after a start \
         that follows a kill of everything; after a kill and a stop that came when {made_again} of \
         12 bans were made again, the next start ended all",
        after_actor.as_millis(),
        after_all.as_millis()
    ))
}

/// Everything is killed, and what is started then is stopped before it has made all bans again.
/// They are over when it is started once more. How many were made again.
fn come_after_a_stop(setting: &Setting) -> Tried<usize> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, &JAILS.replace("bantime = 6", "bantime = 12"))?;
    folder.write("action.d/ends.conf", SLOW_BANS)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    for host in 1..=12 {
        log.write(&failed_password(1000 + host, &format!("198.51.100.{host}")))?;
    }
    wait_words(&machine, "twelve bans", "ban", 12)?;
    thread::sleep(COMMITTED);
    let plan = guard.kill(Killed::Both)?;
    let made = || machine.log_text("ends.said").lines().count();
    let before = made();
    let guard = Guard::start(&machine, plan)?;
    until_true("some bans are made again", Duration::from_secs(10), || Ok(made() > before + 3))?;
    let plan = guard.plan();
    guard.stop()?;
    let again = 12 - count(&machine, "ban");
    must((1..12).contains(&again), || format!("{again} of 12 bans were made again"))?;
    thread::sleep(Duration::from_secs(12));
    let guard = Guard::start(&machine, plan)?;
    wait_words(&machine, "all ends after a stop", "unban", 12)?;
    guard.stop()?;
    Ok(again)
}

/// The last word on each address.
fn words(machine: &Machine) -> BTreeMap<String, String> {
    let said = machine.log_text("ends.said");
    let pairs = said.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(word, who)| (who.to_owned(), word.to_owned())).collect()
}

fn count(machine: &Machine, wanted: &str) -> usize {
    words(machine).values().filter(|word| *word == wanted).count()
}

fn wait_words(machine: &Machine, what: &str, word: &str, wanted: usize) -> Tried<Duration> {
    until_true(what, Duration::from_secs(20), || Ok(count(machine, word) == wanted))
        .map_err(|trouble| format!("{trouble}: {:?}", words(machine)).into())
}
