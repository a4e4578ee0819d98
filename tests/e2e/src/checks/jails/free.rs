//! monban's own commands and the bans of jails; and a monban that only observes.

use std::time::Duration;

use super::{Folder, answer, client, status, wait_held, wait_let_go};
use crate::command::run;
use crate::guard::{Guard, Plan};
use crate::lines::{Log, failed_password};
use crate::machine::Machine;
use crate::memory::{arguments, children};
use crate::runner::Setting;
use crate::trouble::{Tried, must};

const FIRST: &str = "198.51.100.41";
const SECOND: &str = "198.51.100.42";
const OWN: &str = "198.51.100.43";
const SIX: &str = "2001:db8:a:9::41";

/// Two jails ban on the same lines.
const JAILS: &str = "
[sshd]
enabled = true
logpath = /var/log/auth.log
[second]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/auth.log
";

/// `free`, `free --all` and `allow` end the bans of jails and say whose; `ban` is none of a jail.
/// Observing runs no command and writes no log.
pub fn by_monbans_own_words(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let mut pids = 100..;
    let mut fail = |address: &str, count: usize| {
        pids.by_ref().take(count).try_for_each(|pid| log.write(&failed_password(pid, address)))
    };
    let plan = folder.plan(setting, &machine);
    let guard = Guard::start(&machine, plan)?;
    let in_both = |address: &str| -> Tried<()> {
        ["sshd", "second"]
            .iter()
            .try_for_each(|jail| wait_held(&guard, &machine, jail, address).map(drop))
    };
    let in_none = |address: &str| -> Tried<()> {
        ["sshd", "second"]
            .iter()
            .try_for_each(|jail| wait_let_go(&guard, &machine, jail, address).map(drop))
    };
    for address in [FIRST, SECOND, SIX] {
        fail(address, 3)?;
        in_both(address)?;
    }
    let said = guard.monban(&["free", FIRST, "--lang", "en"])?.good()?.out;
    for jail in ["sshd", "second"] {
        must(said.contains(&format!("[{jail}] {FIRST} is free")), || said.clone())?;
    }
    in_none(FIRST)?;
    let again = guard.monban(&["free", FIRST])?;
    must(again.code == Some(1), || format!("freed twice: {again:?}"))?;
    let said = guard.monban(&["allow", SECOND, "--lang", "en"])?.good()?.out;
    must(said.contains(&format!("[second] {SECOND} is free")), || said.clone())?;
    in_none(SECOND)?;
    fail(SECOND, 4)?;
    let refused = answer(&guard, &["set", "sshd", "banip", SECOND])?;
    must(refused == "0", || format!("banip of an allowed address: {refused}"))?;
    guard.wait_said(&format!("[second] {SECOND} failed and is spared"), Duration::from_secs(5))?;
    guard.monban(&["ban", OWN])?.good()?;
    must(status(&guard, "sshd", "Currently banned")? == 1, || guard.said())?;
    let said = guard.monban(&["free", "--all", "--lang", "en"])?.good()?.out;
    must(said.contains("1 block ended") && said.contains("2 bans of jails ended"), || {
        said.clone()
    })?;
    in_none(SIX)?;
    let bans = guard.json(&["bans"])?["blocks"].to_string();
    must(bans == "[]", || format!("after free --all: {bans}"))?;
    guard.monban(&["allow", SECOND, "--remove"])?.good()?;
    fail(SECOND, 3)?;
    in_both(SECOND)?;
    let late = client(&guard, &["set", "sshd", "unbanip", FIRST])?;
    must(late.out.trim() == "0", || format!("unbanip of one who is free: {late:?}"))?;
    strangers(&machine, &guard)?;
    guard.stop()?;
    observes(setting)?;
    Ok("free, free --all and allow end what two jails hold and name it; whoever is allowed is \
        spared; observing starts no actor, bans nobody and writes no log"
        .to_owned())
}

/// Who may not ask is told so, whatever he asks.
fn strangers(machine: &Machine, guard: &Guard<'_>) -> Tried<()> {
    let plan = guard.plan();
    let (state, folder) = (plan.state.display(), machine.folder().display());
    machine.shell(&format!("chmod o+x {folder}; cp {} {folder}/monban", plan.binary.display()))?;
    for words in ["status", "bans", "why 192.0.2.1", "feed"] {
        let script = format!(
            "runuser -u nobody -- {folder}/monban {words} --state {state} --lang en 2>&1 || true"
        );
        let said = machine.shell(&script)?;
        let right = said.contains("only root and whoever started monban may do this");
        must(right && !said.contains("the disk does not take"), || {
            format!("{words} to nobody: {said}")
        })?;
    }
    Ok(())
}

/// On a machine of its own.
fn observes(setting: &Setting) -> Tried<()> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let plan = folder.plan(setting, &machine);
    let plan = Plan { config: format!("observe = true\n{}", plan.config), ..plan };
    let guard = Guard::start(&machine, plan)?;
    for pid in 100..103 {
        log.write(&failed_password(pid, FIRST))?;
    }
    guard.wait_said(&format!("[sshd] would ban {FIRST}"), Duration::from_secs(5))?;
    answer(&guard, &["set", "second", "banip", SECOND])?;
    guard.wait_said(&format!("[second] would ban {SECOND}"), Duration::from_secs(5))?;
    let roles: Vec<String> = children(guard.pid).into_iter().map(arguments).collect();
    must(!roles.iter().any(|role| role.contains(" actor")), || format!("observing: {roles:?}"))?;
    let rules = machine.shell("nft list ruleset")?;
    must(!rules.contains("f2b"), || format!("observing: {rules}"))?;
    let written = machine.log_text("fail2ban.log");
    must(written.is_empty(), || format!("observing: {written}"))?;
    let why = guard.monban(&["why", FIRST, "--lang", "en"])?.out;
    must(why.contains("would be blocked"), || format!("observing: {why}"))?;
    // Nothing left the firewall with it.
    let plan = guard.plan();
    guard.stop()?;
    let mut bans = machine.command(&plan.binary);
    let said = run(bans.args(["bans", "--lang", "en", "--state"]).arg(&plan.state))?.out;
    must(said.contains("which monban only observed"), || format!("after observing: {said}"))
}
