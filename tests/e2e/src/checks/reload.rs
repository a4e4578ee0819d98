//! The configuration changes in the middle of an attack.

use std::time::Duration;

use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::lines::{Log, failed_password};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};

const ADDRESS: &str = "198.51.100.90";
const AFTER: &str = "198.51.100.91";
const LAST: &str = "198.51.100.92";

/// Three failures, another configuration, a bad one, and two failures, the last in a log that the
/// reload added: blocked, for as long as the last good one says. A removed log is told.
pub fn loses_nothing(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    let mut one = Log::open(&server.log("one.log"))?;
    let mut two = Log::open(&server.log("two.log"))?;
    let guard = Guard::start(server, setting.plan(server, &watching("10m", "one"), &[]))?;
    let mut pids = 100..;
    let mut fail = |log: &mut Log, address: &str, count: usize| -> Tried<()> {
        pids.by_ref().take(count).try_for_each(|pid| log.write(&failed_password(pid, address)))
    };
    fail(&mut one, ADDRESS, 3)?;
    guard.wait_counted(ADDRESS, 3)?;
    let good = guard.reload(&watching("2h", "*"))?;
    must(good.code == Some(0), || format!("the good one is refused: {good:?}"))?;
    let bad = guard.reload("[policy.default]\nblock = \"5m\"\nfailures = \"many\"\nwithn = 3\n")?;
    let told = format!("{}{}", bad.out, bad.err);
    must(bad.code != Some(0), || format!("the bad one is taken over: {told}"))?;
    for place in ["state.toml:3", "state.toml:4"] {
        must(told.contains(place), || format!("{place} is not told: {told}"))?;
    }
    fail(&mut one, ADDRESS, 1)?;
    guard.wait_counted(ADDRESS, 4)?;
    let early = elements(server)?;
    must(early.is_empty(), || format!("blocked after 4 failures: {early:?}"))?;
    fail(&mut two, ADDRESS, 1)?;
    wait_blocked(server, ADDRESS, Duration::from_secs(5))?;
    let rules = server.shell("nft list table inet monban")?;
    must(rules.contains("expires 1h59m"), || format!("not the last good block: {rules}"))?;
    let fewer = guard.reload(&watching("2h", "two"))?;
    must(fewer.code == Some(0), || format!("fewer logs are refused: {fewer:?}"))?;
    guard.wait_said("/var/log/one.log is no longer watched", Duration::from_secs(5))?;
    fail(&mut one, AFTER, 5)?;
    fail(&mut two, LAST, 5)?;
    wait_blocked(server, LAST, Duration::from_secs(5))?;
    let unwatched = guard.failures_counted(AFTER)?;
    must(unwatched.is_none(), || format!("a removed log is read: {unwatched:?}"))?;
    Ok("3 failures, a reload, a bad file refused, 1: not blocked; the 5th, in an added log: \
        blocked; a removed log is told and not read"
        .to_owned())
}

/// A configuration with a first block of this length and one log, or both.
fn watching(block: &str, log: &str) -> String {
    let sources = "[sources]\ndiscover = false\njournal = \"off\"\n";
    format!("{sources}logs = [\"/var/log/{log}.log\"]\n[policy.default]\nblock = \"{block}\"\n")
}
