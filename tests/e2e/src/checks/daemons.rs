//! The harness itself: what the other checks rest on, without monban.

use std::time::{Duration, Instant};

use crate::attacker::Knock;
use crate::kernel::{Ear, elements};
use crate::machine::World;
use crate::mail::{self, Door};
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;
use crate::{sshd, syslog, web};

/// The address that the harness fails from.
const FROM: &str = "198.51.100.7";

/// Logs in and fails at every daemon, and reads what each of them logged.
pub fn log_what_happens(_: &Setting) -> Tried<String> {
    let world = World::new()?;
    syslog::start(&world.server)?;
    sshd::add_people(&world.server)?;
    sshd::start(&world)?;
    mail::start(&world)?;
    web::start(&world)?;
    ssh_logins(&world)?;
    mail_logins(&world)?;
    web_requests(&world)?;
    logged(&world, "auth.log", "Failed password for admin from 198.51.100.7 port ")?;
    logged(&world, "auth.log", "Failed password for admin from 2001:db8:a::7 port ")?;
    logged(&world, "auth.log", "Accepted password for admin from 198.51.100.7 port ")?;
    logged(&world, "mail.log", "imap-login: ")?;
    logged(&world, "mail.log", "pop3-login: ")?;
    logged(&world, "mail.log", "rip=198.51.100.7")?;
    logged(&world, "mail.log", "unknown[198.51.100.7]: SASL PLAIN authentication failed")?;
    logged(&world, "nginx/access.log", "\"GET /gone HTTP/1.0\" 404")?;
    let heard = kernel_answers(&world)?;
    let lines = ["auth.log", "mail.log", "nginx/access.log"]
        .map(|name| world.server.log_text(name).lines().count());
    Ok(format!(
        "auth.log {}, mail.log {}, access.log {} lines; an element is heard of in {:.1} ms",
        lines[0],
        lines[1],
        lines[2],
        heard.as_secs_f64() * 1e3
    ))
}

fn logged(world: &World, log: &str, text: &str) -> Tried<()> {
    until_true(&format!("{log} has `{text}`"), Duration::from_secs(10), || {
        Ok(world.server.log_text(log).contains(text))
    })
    .map(drop)
    .map_err(|trouble| format!("{trouble}; it has:\n{}", world.server.log_text(log)).into())
}

fn ssh_logins(world: &World) -> Tried<()> {
    for from in [FROM, "2001:db8:a::7"] {
        world.attacker.ssh_wrong(from, sshd::ADMIN)?;
        let right = world.attacker.ssh(from, sshd::ADMIN, sshd::PASSWORD, "echo in")?;
        must(right.out == "in\n", || format!("the right password over ssh: {right:?}"))?;
    }
    Ok(())
}

fn mail_logins(world: &World) -> Tried<()> {
    for door in Door::ALL {
        must(!door.login(world, FROM, sshd::ADMIN, "wrong")?, || {
            "a wrong password is right".into()
        })?;
        let right = door.login(world, FROM, sshd::ADMIN, sshd::PASSWORD)?;
        let log = || format!("the right password is wrong: {}", world.server.log_text("mail.log"));
        must(right, log)?;
    }
    Ok(())
}

fn web_requests(world: &World) -> Tried<()> {
    for (path, status) in [("/", 200), ("/gone", 404), ("/private/", 401)] {
        let got = world.attacker.get(FROM, path)?;
        must(got == Some(status), || format!("GET {path}: {got:?}"))?;
    }
    Ok(())
}

/// A block by hand: the ear hears it, the list shows it, the attacker gets no answer.
fn kernel_answers(world: &World) -> Tried<Duration> {
    let server = &world.server;
    server.shell(
        "nft -f - <<'X'\n\
         table inet monban {\n\
           set by_hand { type ipv4_addr; flags timeout; }\n\
           chain c { type filter hook prerouting priority raw; ip saddr @by_hand drop; }\n\
         }\nX",
    )?;
    let mut ear = Ear::on(server)?;
    let start = Instant::now();
    server.shell(&format!("nft add element inet monban by_hand {{ {FROM} timeout 1m }}"))?;
    let heard = ear.wait_for(FROM, Duration::from_secs(5))?.duration_since(start);
    let listed = elements(server)?;
    must(listed.contains(FROM), || format!("nft lists {listed:?}"))?;
    let knock = world.attacker.knock(FROM, 22)?;
    must(knock == Knock::NoAnswer, || format!("a blocked knock: {knock:?}"))?;
    let other = world.attacker.knock("198.51.100.8", 22)?;
    must(other == Knock::Open, || format!("another's knock: {other:?}"))?;
    let closed = world.attacker.knock("198.51.100.8", 81)?;
    must(closed == Knock::Refused, || format!("a knock at a closed port: {closed:?}"))?;
    Ok(heard)
}
