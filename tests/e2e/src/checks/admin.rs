//! I-9: the administrator who is logged in is never locked out.

use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use crate::attacker::Knock;
use crate::checks::{config, ssh};
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::machine::{SERVER_V4, inside};
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

/// The server's port that `ssh -R` opens to the world.
const FORWARDED: u16 = 8088;
/// Where a tunnel of `ssh -L` leads.
const TARGET: &str = "203.0.113.32";

/// root has only a tunnel open (`ssh -N`), at an sshd without PAM, so without a login uid. A
/// stranger uses its forwarded port, and it leads to another: they can be blocked, root cannot.
pub fn forwards(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let server = &world.server;
    server.shell(&format!(
        "echo 'root:{}' | chpasswd -c SHA256\n\
         /usr/sbin/sshd -f /dev/null -p 2222 -o UsePAM=no -o PermitRootLogin=yes \
         -o GatewayPorts=yes -o PidFile=/run/tunnel.pid",
        sshd::PASSWORD
    ))?;
    let guard = Guard::start(server, setting.plan(server, &config("10m"), &["auth.log"]))?;
    let target = inside(world.attacker.pid(), || Ok(TcpListener::bind((TARGET, 4433))?))?;
    let mut tunnel = world
        .attacker
        .ssh_command(ADMIN_FROM, "root", sshd::PASSWORD, "-N")?
        .args(["-p", "2222", "-o", "ExitOnForwardFailure=yes"])
        .args(["-R", &format!("0.0.0.0:{FORWARDED}:192.0.2.1:22")])
        .args(["-L", &format!("127.0.0.1:7000:{TARGET}:4433")])
        .stdin(Stdio::null())
        .spawn()?;
    until_true("the tunnel is open", Duration::from_secs(20), || {
        Ok(world.attacker.knock(STRANGER_FROM, FORWARDED)? == Knock::Open)
    })?;
    let _client = world.attacker.connect(STRANGER_FROM, FORWARDED)?;
    let _through = inside(world.attacker.pid(), || Ok(TcpStream::connect(("127.0.0.1", 7000))?))?;
    // It is sshd who connects: the stranger's side sees the server.
    let (_accepted, from) = target.accept()?;
    must(from.ip().to_string() == SERVER_V4, || format!("the target is called by {from}"))?;
    for stranger in [STRANGER_FROM, TARGET] {
        let ran = guard.monban(&["ban", stranger])?;
        must(ran.code == Some(0), || format!("ban {stranger}: {ran:?}"))?;
    }
    let ran = guard.monban(&["ban", ADMIN_FROM])?;
    must(ran.code != Some(0), || format!("ban {ADMIN_FROM}: {ran:?}"))?;
    let blocked = elements(server)?;
    must(!blocked.contains(ADMIN_FROM), || format!("blocked: {blocked:?}"))?;
    // Without its server the session is known by its first socket.
    server.shell("kill $(cat /run/tunnel.pid)")?;
    std::thread::sleep(Duration::from_millis(300));
    let ran = guard.monban(&["ban", ADMIN_FROM])?;
    must(ran.code != Some(0), || format!("ban {ADMIN_FROM} without its server: {ran:?}"))?;
    let alive = tunnel.try_wait()?.is_none();
    tunnel.kill()?;
    tunnel.wait()?;
    must(alive, || "the tunnel ended".to_owned())?;
    Ok("root's tunnel is spared; its forwarded clients and targets are not".to_owned())
}
