//! Jails that an operator made idle or stopped.

use std::time::Duration;

use super::{Folder, answer, held, wait_held};
use crate::guard::Guard;
use crate::lines::{Log, failed_password};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const FIRST: &str = "198.51.100.61";
const SECOND: &str = "198.51.100.62";

const JAILS: &str = "
[sshd]
enabled = true
logpath = /var/log/auth.log
[second]
enabled = true
filter = sshd
logpath = /var/log/auth.log
maxretry = 9
[broken]
enabled = true
filter = nosuch
logpath = /var/log/auth.log
";

/// Status names each jail that does not just run, and nothing that an idle one missed is lost.
pub fn wait_and_are_named(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let mut pids = 100..;
    let mut fail = |address: &str| {
        pids.by_ref().take(3).try_for_each(|pid| log.write(&failed_password(pid, address)))
    };
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    stands(&guard, "broken", "broken")?;
    stands(&guard, "sshd", "runs")?;
    answer(&guard, &["set", "sshd", "idle", "on"])?;
    fail(FIRST)?;
    waits(&guard, 3)?;
    must(held(&machine, "sshd")?.is_empty(), || "an idle jail banned".to_owned())?;
    answer(&guard, &["set", "sshd", "idle", "off"])?;
    wait_held(&guard, &machine, "sshd", FIRST)?;
    answer(&guard, &["stop", "second"])?;
    stands(&guard, "second", "stopped")?;
    answer(&guard, &["set", "sshd", "idle", "on"])?;
    fail(SECOND)?;
    waits(&guard, 3)?;
    // One jail is broken, so it exits with 1.
    guard.monban(&["reload"])?;
    wait_held(&guard, &machine, "sshd", SECOND)?;
    stands(&guard, "second", "runs")?;
    answer(&guard, &["set", "sshd", "dellogpath", "/var/log/auth.log"])?;
    until_true("status says who took the log off", Duration::from_secs(10), || {
        let status = guard.monban(&["status", "--lang", "en"])?.out;
        Ok(status.contains("[sshd] reads nothing: an operator took its log off"))
    })?;
    guard.monban(&["reload"])?;
    stands(&guard, "sshd", "runs")?;
    Ok("3 failures while idle: banned when that ends, and by a reload; status names a broken, an \
        idle and a stopped jail"
        .to_owned())
}

fn stands(guard: &Guard<'_>, jail: &str, state: &str) -> Tried<()> {
    let states = guard.json(&["status"])?["jail_states"].to_string();
    let mut all = states.split("},{").filter(|one| one.contains(&format!("\"jail\":\"{jail}\"")));
    let is_so = all.any(|one| one.contains(&format!("\"state\":\"{state}\"")));
    must(is_so, || format!("{jail} is not {state}: {states}"))
}

fn waits(guard: &Guard<'_>, lines: u64) -> Tried<()> {
    let wanted = format!("\"lines\":\"{lines}\"");
    until_true("lines wait", Duration::from_secs(10), || {
        Ok(guard.json(&["status"])?["jail_states"].to_string().contains(&wanted))
    })
    .map(drop)
}
