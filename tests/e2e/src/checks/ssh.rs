//! Somebody guesses passwords over ssh.

use std::thread;
use std::time::Duration;

use crate::attacker::Knock;
use crate::checks::config;
use crate::command::run_within;
use crate::guard::Guard;
use crate::kernel::{elements, subject, wait_blocked, wait_free};
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::{sshd, syslog};

/// How long the block is; long enough to look at it, short enough to wait for its end.
const BLOCK: &str = "20s";

/// From an IPv4 address.
pub fn over_ipv4(setting: &Setting) -> Tried<String> {
    attack(setting, "198.51.100.20", "root")
}

/// From an IPv6 address; its /64 is blocked.
pub fn over_ipv6(setting: &Setting) -> Tried<String> {
    attack(setting, "2001:db8:a:5::20", "root")
}

/// With a name that holds another's address, as the end of sshd's line would.
pub fn with_a_hostile_name(setting: &Setting) -> Tried<String> {
    attack(setting, "203.0.113.20", "x from 198.51.100.1 port 22")
}

/// A server with rsyslogd, sshd and people.
pub fn server() -> Tried<World> {
    server_with(syslog::start)
}

/// The same with times of a millionth of a second in the logs.
pub fn precise_server() -> Tried<World> {
    server_with(syslog::start_precise)
}

fn server_with(start_syslog: fn(&Machine) -> Tried<()>) -> Tried<World> {
    let world = World::new()?;
    start_syslog(&world.server)?;
    sshd::add_people(&world.server)?;
    sshd::start(&world)?;
    Ok(world)
}

fn attack(setting: &Setting, from: &str, user: &str) -> Tried<String> {
    let world = server()?;
    let plan = setting.plan(&world.server, &config(BLOCK), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    for _ in 1..=4 {
        world.attacker.ssh_wrong(from, user)?;
    }
    guard.wait_counted(from, 4)?;
    let early = elements(&world.server)?.contains(&subject(from));
    must(!early, || "blocked after 4 wrong passwords".to_owned())?;
    // The fifth may be shut out before its client has an answer: an unknown name is told at once.
    let mut fifth = world.attacker.ssh_command(from, user, "wrong", "true")?;
    let fifth = thread::spawn(move || run_within(&mut fifth, Duration::from_secs(20)));
    let blocked = wait_blocked(&world.server, from, Duration::from_secs(20))?;
    let knock = world.attacker.knock(from, 22)?;
    must(knock == Knock::NoAnswer, || format!("the 6th connection: {knock:?}"))?;
    let other = world.attacker.knock("203.0.113.77", 22)?;
    must(other == Knock::Open, || format!("somebody else's connection: {other:?}"))?;
    let all = elements(&world.server)?;
    must(all.len() == 1, || format!("more than {from} is blocked: {all:?}"))?;
    guard.why_names(from, &world.server.log_text("auth.log"), 5)?;
    let free = wait_free(&world.server, from, Duration::from_secs(60))?;
    let knock = world.attacker.knock(from, 22)?;
    must(knock == Knock::Open, || format!("after the block: {knock:?}"))?;
    let fifth = fifth.join().map_err(|_| "the 5th client's thread panicked")??;
    must(fifth.code != Some(0), || format!("the 5th client came in: {fifth:?}"))?;
    Ok(format!(
        "blocked {} ms after the 5th client started, no 6th answer, why names 5 lines, free by \
         itself {:.0} s later",
        blocked.as_millis(),
        free.as_secs_f64()
    ))
}
