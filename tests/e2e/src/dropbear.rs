//! The real dropbear, a small SSH server, and its own client.

use std::process::Command;
use std::time::Duration;

use crate::attacker::Knock;
use crate::command::{Ran, run_within};
use crate::machine::{SERVER_V4, World};
use crate::sshd::{ADMIN, PASSWORD};
use crate::trouble::Tried;
use crate::waiting::until_true;

/// Starts it and waits until it answers. The people of [`crate::sshd`] have to be there.
pub fn start(world: &World) -> Tried<()> {
    // -R: make host keys. It goes to the background by itself.
    world.server.shell("mkdir -p /etc/dropbear; dropbear -R -p 22 -P /run/dropbear.pid")?;
    until_true("dropbear answers", Duration::from_secs(20), || {
        Ok(world.attacker.knock("203.0.113.250", 22)? == Knock::Open)
    })?;
    Ok(())
}

/// The administrator logs in with its client, from an IPv4 address.
pub fn login(world: &World, from: &str) -> Tried<Ran> {
    let mut command = Command::new("nsenter");
    command.args(["--target", &world.attacker.pid().to_string(), "--net", "--"]);
    command.args(["dbclient", "-y", "-y", "-T", "-b", from, "-l", ADMIN, SERVER_V4, "echo in"]);
    command.env("DROPBEAR_PASSWORD", PASSWORD).env("HOME", world.server.folder());
    run_within(&mut command, Duration::from_secs(20))
}
