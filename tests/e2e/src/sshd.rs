//! The real sshd, with PAM and passwords, and people who may log in.

use std::fs;
use std::time::Duration;

use crate::attacker::Knock;
use crate::command::run;
use crate::machine::{Machine, World};
use crate::trouble::Tried;
use crate::waiting::until_true;

/// May become root: he is in the group `sudo`.
pub const ADMIN: &str = "admin";
/// May not.
pub const VISITOR: &str = "visitor";
/// The password of both.
pub const PASSWORD: &str = "correct horse battery staple";

const CONF: &str = "
Port 22
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 100:30:200
Subsystem sftp internal-sftp
PidFile /run/sshd.pid
";

/// Adds the people to the server's own `/etc/passwd`.
pub fn add_people(machine: &Machine) -> Tried<()> {
    machine.shell(&format!(
        "getent group sudo >/dev/null || groupadd sudo\n\
         useradd -m -s /bin/bash -G sudo {ADMIN}\n\
         useradd -m -s /bin/bash {VISITOR}\n\
         printf '%s\\n' '{ADMIN}:{PASSWORD}' '{VISITOR}:{PASSWORD}' | chpasswd -c SHA256"
    ))?;
    Ok(())
}

/// Starts it and waits until it answers.
pub fn start(world: &World) -> Tried<()> {
    let server = &world.server;
    let mut conf = CONF.to_owned();
    // Since OpenSSH 9.8 sshd itself shuts out who fails often; here monban has to do it.
    let probe = "sshd -t -o PerSourcePenalties=no";
    server.shell("ssh-keygen -A >/dev/null")?;
    if server.shell(probe).is_ok() {
        conf.push_str("PerSourcePenalties no\n");
    }
    fs::write(server.folder().join("sshd_config"), conf)?;
    // sshd wants to be called by its full path, to start itself again.
    run(server.command("/usr/sbin/sshd").arg("-f").arg(server.folder().join("sshd_config")))?;
    until_true("sshd answers", Duration::from_secs(10), || {
        Ok(world.attacker.knock("203.0.113.250", 22)? == Knock::Open)
    })?;
    Ok(())
}
