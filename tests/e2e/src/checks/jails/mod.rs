//! `monban run --fail2ban DIR` on a machine with real parts.

mod asks;
mod crash;
mod ends;
mod free;
mod idle;
mod journal;
mod lame;
mod live;
mod mail;
mod reload;
mod repair;
mod slow;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub use asks::of_commands_and_names;
pub use crash::under_load;
pub use ends::come_after_kills;
pub use free::by_monbans_own_words;
pub use idle::wait_and_are_named;
pub use journal::with_a_forger;
pub use lame::are_named;
pub use live::guesses;
pub use mail::over_postfix;
pub use reload::goes_on;
pub use repair::of_what_others_removed;
pub use slow::beside_a_quick_one;

use crate::checks::config;
use crate::command::{Ran, run};
use crate::guard::{Guard, Plan};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

/// What every jail here begins with.
const DEFAULT: &str = "
[DEFAULT]
bantime = 10m
findtime = 10m
maxretry = 3
backend = auto
banaction = nftables-multiport
banaction_allports = nftables-allports
";

/// A copy of the stock configuration, on a machine.
struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Its jails are those of the text, and no other.
    fn new(machine: &Machine, jails: &str) -> Tried<Self> {
        let path = machine.folder().join("fail2ban");
        // By path: these files are under another licence and no part of the repository.
        run(Command::new("cp").args(["-r", "/etc/fail2ban"]).arg(&path))?;
        for own in fs::read_dir(path.join("jail.d"))? {
            fs::remove_file(own?.path())?;
        }
        let folder = Self { path };
        folder.write("fail2ban.local", "[Definition]\ndbfile = None\n")?;
        folder.write("jail.local", &format!("{DEFAULT}{jails}"))?;
        Ok(folder)
    }

    fn write(&self, name: &str, text: &str) -> Tried<()> {
        Ok(fs::write(self.path.join(name), text)?)
    }

    fn plan(&self, setting: &Setting, machine: &Machine) -> Plan {
        Plan { fail2ban: Some(self.path.clone()), ..setting.plan(machine, &config("10m"), &[]) }
    }
}

/// The addresses in the sets of a jail, of both families, as the kernel has them.
fn held(machine: &Machine, jail: &str) -> Tried<BTreeSet<String>> {
    let list = |set: &str| {
        let script = format!("nft list set inet f2b-table {set}-{jail} 2>/dev/null || true");
        machine.shell(&script)
    };
    let text = list("addr-set")? + &list("addr6-set")?;
    let elements = text.split("elements = {").skip(1).filter_map(|rest| rest.split('}').next());
    let words = elements.flat_map(|inner| inner.split(','));
    let mut found = BTreeSet::new();
    for word in words.filter_map(|word| word.split_whitespace().next()) {
        must(found.insert(word.to_owned()), || format!("{word} is in the kernel twice"))?;
    }
    Ok(found)
}

fn wait_held(guard: &Guard<'_>, machine: &Machine, jail: &str, who: &str) -> Tried<Duration> {
    until_true(&format!("{jail} bans {who}"), Duration::from_secs(20), || {
        Ok(held(machine, jail)?.contains(who))
    })
    .map_err(|trouble| format!("{trouble}; it said: {}", guard.said()).into())
}

fn wait_let_go(guard: &Guard<'_>, machine: &Machine, jail: &str, who: &str) -> Tried<Duration> {
    until_true(&format!("{jail} lets {who} go"), Duration::from_secs(20), || {
        Ok(!held(machine, jail)?.contains(who))
    })
    .map_err(|trouble| format!("{trouble}; it said: {}", guard.said()).into())
}

/// Runs a command of `fail2ban-client`.
fn client(guard: &Guard<'_>, words: &[&str]) -> Tried<Ran> {
    guard.words(&[&["fail2ban-client"], words].concat())
}

/// Its output, trimmed; fails unless it ends with 0.
fn answer(guard: &Guard<'_>, words: &[&str]) -> Tried<String> {
    Ok(client(guard, words)?.good()?.out.trim().to_owned())
}

/// A number of `fail2ban-client status JAIL`, by the words before it.
fn status(guard: &Guard<'_>, jail: &str, label: &str) -> Tried<u64> {
    let text = answer(guard, &["status", jail])?;
    let line = text.lines().find(|line| line.contains(label));
    let number = line.and_then(|line| line.rsplit(':').next()?.trim().parse().ok());
    number.ok_or_else(|| format!("no `{label}` in {text}").into())
}

/// Waits until a jail has counted so many failures in all.
fn wait_found(guard: &Guard<'_>, jail: &str, count: u64) -> Tried<()> {
    let mut seen = 0;
    until_true("", Duration::from_secs(10), || {
        seen = status(guard, jail, "Total failed")?;
        Ok(seen == count)
    })
    .map(drop)
    .map_err(|_| format!("{jail}: {seen} failures, not {count}: {}", guard.said()).into())
}
