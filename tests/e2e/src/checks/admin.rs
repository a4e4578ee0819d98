//! I-9: the administrator who is logged in is never locked out.

use std::process::Stdio;
use std::time::Duration;

use crate::attacker::Knock;
use crate::checks::{config, ssh};
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::runner::Setting;
use crate::sshd;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const ADMIN_FROM: &str = "203.0.113.30";
const STRANGER_FROM: &str = "203.0.113.31";

/// A session is open; eight wrong passwords come from the same address, and from a stranger.
pub fn is_not_locked_out(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    let mut session = world
        .attacker
        .ssh_command(ADMIN_FROM, sshd::ADMIN, sshd::PASSWORD, "echo in >/tmp/in; cat")?
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    until_true("the administrator is logged in", Duration::from_secs(20), || {
        Ok(world.server.log_text("auth.log").contains("session opened for user admin"))
    })?;
    for _ in 0..8 {
        world.attacker.ssh_wrong(ADMIN_FROM, sshd::ADMIN)?;
    }
    // The stranger shows that the same number of failures does block.
    for _ in 0..5 {
        world.attacker.ssh_wrong(STRANGER_FROM, sshd::ADMIN)?;
    }
    wait_blocked(&world.server, STRANGER_FROM, Duration::from_secs(5))?;
    let blocked = elements(&world.server)?;
    must(!blocked.contains(ADMIN_FROM), || "the administrator is locked out".to_owned())?;
    let knock = world.attacker.knock(ADMIN_FROM, 22)?;
    must(knock == Knock::Open, || format!("the administrator's knock: {knock:?}"))?;
    let alive = session.try_wait()?.is_none();
    must(alive, || "the administrator's session ended".to_owned())?;
    let why = guard.monban(&["why", ADMIN_FROM])?;
    must(why.code == Some(0), || format!("why {ADMIN_FROM}: {why:?}"))?;
    // Without its input the session ends by itself.
    drop(session.stdin.take());
    session.wait()?;
    Ok("8 failures beside a live session: not blocked; 5 of a stranger: blocked".to_owned())
}
