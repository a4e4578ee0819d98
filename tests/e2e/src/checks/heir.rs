//! monban takes over from a fail2ban that ran on the same machine: its bans go on, and reading
//! goes on where it stopped.

use std::time::Duration;

use super::fail2ban::{Ask, Shared, Theirs, banned, monban};
use crate::guard::Killed;
use crate::lines::{Log, failed_password, harmless};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const BANNED: &str = "198.51.100.1";
const FREED: &str = "198.51.100.2";
const LATE: &str = "198.51.100.3";

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
    let is_over = || Ok(!theirs.ask(&["ping"])?.contains("pong"));
    until_true("fail2ban ends", Duration::from_secs(20), is_over)?;
    fails(FREED, 1)?;
    fails(LATE, 5)?;
    let mut guard = monban(setting, &machine, &shared)?;
    until_true("the late one is banned", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")?.contains(LATE))
    })?;
    let expected = [BANNED, LATE].map(str::to_owned).into();
    let found = banned(&guard, "sshd")?;
    must(found == expected, || format!("banned: {found:?}; it said: {}", guard.said()))?;
    let status = guard.ask(&["status", "sshd"])?;
    must(status.contains("Total failed:\t6"), || status.clone())?;
    // What was left out once is not forgotten over a kill, and not left out twice.
    fails(FREED, 3)?;
    guard = guard.kill_and_restart(Killed::Both)?;
    must(!banned(&guard, "sshd")?.contains(FREED), || "4 failures ban".to_owned())?;
    fails(FREED, 1)?;
    until_true("the freed one is banned again", Duration::from_secs(20), || {
        Ok(banned(&guard, "sshd")?.contains(FREED))
    })?;
    Ok("1 ban goes on, 10 judged lines left out, 6 lines between read".to_owned())
}
