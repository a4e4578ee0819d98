//! Somebody guesses passwords at dropbear.

use std::thread;
use std::time::Duration;

use crate::attacker::Knock;
use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{elements, subject, wait_blocked};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::{dropbear, sshd, syslog};

const HONEST: &str = "203.0.113.70";

/// Wrong passwords of an account, names that nobody has, and somebody who mistypes twice.
pub fn guessing(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    syslog::start(&world.server)?;
    sshd::add_people(&world.server)?;
    dropbear::start(&world)?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    // Its own client would try a wrong password again and again.
    for _ in 0..2 {
        world.attacker.ssh_wrong(HONEST, sshd::ADMIN)?;
    }
    let right = dropbear::login(&world, HONEST)?;
    must(right.out == "in\n", || format!("the honest client: {right:?}"))?;
    thread::scope(|scope| {
        let attackers = [("198.51.100.70", sshd::ADMIN), ("2001:db8:a:70::1", "oracle")];
        let (world, guard) = (&world, &guard);
        let attacks =
            attackers.map(|(from, user)| scope.spawn(move || attack(world, guard, from, user)));
        let panicked = |_| Err(Trouble("a thread panicked".to_owned()));
        attacks.into_iter().try_for_each(|attack| attack.join().unwrap_or_else(panicked))
    })
    .map_err(|trouble| format!("{trouble}\n{}", world.server.log_text("auth.log")))?;
    let blocked = elements(&world.server)?;
    must(blocked.len() == 2, || format!("blocked are {blocked:?}"))?;
    let again = dropbear::login(&world, HONEST)?;
    must(again.out == "in\n", || format!("the honest client: {again:?}"))?;
    Ok("blocked at the 5th wrong password and the 5th unknown name; 2 mistypes are not".to_owned())
}

fn attack(world: &World, guard: &Guard<'_>, from: &str, user: &str) -> Tried<()> {
    for _ in 0..4 {
        world.attacker.ssh_wrong(from, user)?;
    }
    guard.wait_counted(from, 4)?;
    let early = elements(&world.server)?.contains(&subject(from));
    must(!early, || format!("{from} is blocked after 4 wrong passwords"))?;
    let fifth = world.attacker.ssh(from, user, "wrong", "true")?;
    must(fifth.code != Some(0), || format!("the 5th client came in: {fifth:?}"))?;
    wait_blocked(&world.server, from, Duration::from_secs(5))?;
    let knock = world.attacker.knock(from, 22)?;
    must(knock == Knock::NoAnswer, || format!("{from} blocked: {knock:?}"))?;
    guard.why_names(from, &world.server.log_text("auth.log"), 5)
}
