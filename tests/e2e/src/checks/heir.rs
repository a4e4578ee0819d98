//! monban takes over from a fail2ban that ran on the same machine: its bans go on, and reading
//! goes on where it stopped; and so when fail2ban has run once more.

use std::time::Duration;

use super::fail2ban::{Ask, Shared, Theirs, banned, plan_of};
use crate::guard::{Guard, Killed, Plan};
use crate::lines::{Log, failed_password, harmless};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const BANNED: &str = "198.51.100.1";
const FREED: &str = "198.51.100.2";
const LATE: &str = "198.51.100.3";
const LATER: &str = "198.51.100.4";

/// Nobody that an operator had freed is banned again by lines that were judged, and nobody who
/// failed between the two goes unseen.
pub fn takes_over(setting: &Setting) -> Tried<String> {
    let (shared, machine) = (Shared::new()?, Machine::new()?);
    let mut log = Log::open(&shared.log("auth.log"))?;
    log.write(&harmless(1))?;
    let theirs = Theirs::start(&machine, &shared)?;
    let mut fails = |who: &str, times: u32| -> Tried<()> {
        (0..times).try_for_each(|number| log.write(&failed_password(number + 1000, who)))
    };
    fails(BANNED, 5)?;
    fails(FREED, 5)?;
    until_true("fail2ban bans", Duration::from_secs(20), || {
        Ok(banned(&theirs, "sshd")?.len() == 2)
    })?;
    theirs.ask(&["set", "sshd", "unbanip", FREED])?;
    theirs.ask(&["stop"])?;
    // Its last writes come after it has stopped to answer.
    let is_over = || Ok(!theirs.runs());
    until_true("fail2ban ends", Duration::from_secs(20), is_over)?;
    fails(FREED, 1)?;
    fails(LATE, 5)?;
    // Whoever tries it first without guarding loses nothing by it.
    let plan = plan_of(setting, &machine, &shared);
    let observer = Guard::start(
        &machine,
        Plan { config: format!("observe = true\n{}", plan.config), ..plan.clone() },
    )?;
    until_true("the late one would be banned", Duration::from_secs(20), || {
        Ok(banned(&observer, "sshd")?.contains(LATE))
    })?;
    must(!banned(&observer, "sshd")?.contains(FREED), || "would ban who is free".to_owned())?;
    let status = observer.ask(&["status", "sshd"])?;
    must(status.contains("Total failed:\t6"), || status.clone())?;
    observer.stop()?;
    let mut guard = Guard::start(&machine, plan)?;
    until_true("the late one is banned", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")?.contains(LATE))
    })
    .map_err(|trouble| format!("{trouble}; it said: {}", guard.said()))?;
    let expected = [BANNED, LATE].map(str::to_owned).into();
    let found = banned(&guard, "sshd")?;
    must(found == expected, || format!("banned: {found:?}; it said: {}", guard.said()))?;
    // What was left out once is not forgotten over a kill, and not left out twice.
    fails(FREED, 3)?;
    guard = guard.kill_and_restart(Killed::Both)?;
    must(!banned(&guard, "sshd")?.contains(FREED), || "4 failures ban".to_owned())?;
    fails(FREED, 1)?;
    until_true("the freed one is banned again", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")?.contains(FREED))
    })?;
    guard.stop()?;
    // Back to fail2ban for a while, and to monban again.
    let theirs = Theirs::start(&machine, &shared)?;
    theirs.ask(&["set", "sshd", "banip", LATER])?;
    theirs.ask(&["stop"])?;
    until_true("fail2ban ends", Duration::from_secs(20), || Ok(!theirs.runs()))?;
    let plan = plan_of(setting, &machine, &shared);
    let guard = Guard::start(&machine, plan)?;
    until_true("its ban goes on", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")?.contains(LATER))
    })?;
    Ok("1 ban goes on, 10 judged lines left out, 6 lines between read".to_owned())
}

/// Whoever watches both for a while and then lets monban guard, without a new start, gets what
/// fail2ban knew, and what came after it.
pub fn takes_over_by_reload(setting: &Setting) -> Tried<String> {
    let (shared, machine) = (Shared::new()?, Machine::new()?);
    let mut log = Log::open(&shared.log("auth.log"))?;
    log.write(&harmless(1))?;
    let theirs = Theirs::start(&machine, &shared)?;
    let plan = plan_of(setting, &machine, &shared);
    let observes = format!("observe = true\n{}", plan.config);
    let guard = Guard::start(&machine, Plan { config: observes.clone(), ..plan.clone() })?;
    let mut fails = |who: &str| -> Tried<()> {
        (0..5).try_for_each(|number| log.write(&failed_password(number + 1000, who)))
    };
    fails(BANNED)?;
    fails(FREED)?;
    for who in [&theirs as &dyn Ask, &guard] {
        until_true(
            "both see two",
            Duration::from_secs(20),
            || Ok(banned(who, "sshd")?.len() == 2),
        )?;
    }
    theirs.ask(&["set", "sshd", "unbanip", FREED])?;
    theirs.ask(&["stop"])?;
    until_true("fail2ban ends", Duration::from_secs(20), || Ok(!theirs.runs()))?;
    // What it judged and what came after it are told apart by the second of its last write.
    std::thread::sleep(Duration::from_millis(1100));
    fails(LATE)?;
    until_true("the late one would be banned", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")?.contains(LATE))
    })?;
    guard.reload(&plan.config)?.good()?;
    let expected: std::collections::BTreeSet<String> = [BANNED, LATE].map(str::to_owned).into();
    until_true("the two are banned", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")? == expected)
    })
    .map_err(|trouble| format!("{trouble}; it said: {}", guard.said()))?;
    let bans = guard.json(&["bans"])?;
    let taken = bans["blocks"].as_array().into_iter().flatten();
    let taken = taken.filter(|row| row["taken_over"] == true).map(|row| row["subject"].as_str());
    let taken: Vec<_> = taken.flatten().collect();
    must(matches!(&taken[..], [one] if one.starts_with(BANNED)), || format!("{bans}"))?;
    guard.stop()?;
    // Back to fail2ban for a while: monban observes, and what only it would ban is no ban later.
    let theirs = Theirs::start(&machine, &shared)?;
    let observer = Guard::start(&machine, Plan { config: observes, ..plan.clone() })?;
    fails(LATER)?;
    for who in [&theirs as &dyn Ask, &observer] {
        until_true("both see one more", Duration::from_secs(20), || {
            Ok(banned(who, "sshd")?.contains(LATER))
        })?;
    }
    theirs.ask(&["set", "sshd", "unbanip", LATER])?;
    theirs.ask(&["stop"])?;
    until_true("fail2ban ends", Duration::from_secs(20), || Ok(!theirs.runs()))?;
    observer.stop()?;
    let guard = Guard::start(&machine, plan)?;
    until_true("the two are banned again", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")? == expected)
    })
    .map_err(|trouble| format!("{trouble}; it said: {}", guard.said()))?;
    guard.stop()?;
    Ok("1 ban taken over, 1 of its own, 1 would-ban that fail2ban had ended forgotten, and 1 after \
        another trial"
        .to_owned())
}
