//! What an operator frees is free in the kernel, whatever monban does at that time.

use std::time::Duration;

use crate::checks::config;
use crate::command::run_within;
use crate::guard::{Guard, Plan};
use crate::kernel::elements;
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::trouble::{Tried, must};

const FIRST: &str = "203.0.113.61";
const SECOND: &str = "203.0.113.62";
/// Put into the table by somebody else.
const FOREIGN: &str = "203.0.113.63";

/// Blocks are made; then they are freed by a monban that only observes, by one that guards, and
/// without one.
pub fn in_every_mode(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    server.shell(": >/var/log/auth.log")?;
    let plan = setting.plan(server, &config("10m"), &["auth.log"]);
    let observes = Plan { config: format!("observe = true\n{}", plan.config), ..plan.clone() };

    let guard = Guard::start(server, plan.clone())?;
    for address in [FIRST, SECOND] {
        guard.monban(&["ban", address])?.good()?;
    }
    guard.stop()?;
    let guard = Guard::start(server, observes.clone())?;
    guard.monban(&["free", FIRST])?.good()?;
    let held = elements(server)?;
    must(!held.contains(FIRST) && held.contains(SECOND), || format!("after free: {held:?}"))?;
    add_foreign(server)?;
    guard.monban(&["free", "--all"])?.good()?;
    must_hold_nothing(server, "free --all while observing")?;
    guard.stop()?;

    let guard = Guard::start(server, plan.clone())?;
    guard.monban(&["ban", FIRST])?.good()?;
    add_foreign(server)?;
    guard.monban(&["free", "--all"])?.good()?;
    must_hold_nothing(server, "free --all while guarding")?;
    guard.monban(&["ban", SECOND])?.good()?;
    guard.stop()?;

    let mut command = server.command(&plan.binary);
    command.args(["free", "--all", "--lang", "en", "--state"]).arg(&plan.state);
    let ran = run_within(&mut command, Duration::from_secs(20))?.good()?;
    must(ran.out.contains("at the next start"), || format!("it said: {ran:?}"))?;
    let table = server.shell("nft list ruleset")?;
    must(!table.contains("monban"), || format!("after free --all without a daemon: {table}"))?;

    // A table that is not there is not made by a monban that only observes.
    let guard = Guard::start(server, observes)?;
    guard.monban(&["free", "--all"])?.good()?;
    let table = server.shell("nft list ruleset")?;
    must(!table.contains("monban"), || format!("made while observing: {table}"))?;
    guard.stop()?;
    Ok("freed while observing, while guarding, and without a daemon".to_owned())
}

fn add_foreign(server: &Machine) -> Tried<()> {
    server.shell(&format!("nft add element inet monban hosts4 '{{ {FOREIGN} }}'"))?;
    Ok(())
}

fn must_hold_nothing(server: &Machine, when: &str) -> Tried<()> {
    let held = elements(server)?;
    must(held.is_empty(), || format!("{when}: {held:?}"))
}
