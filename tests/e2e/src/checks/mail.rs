//! Somebody tries a dictionary at the mail server.

use std::thread;
use std::time::{Duration, Instant};

use crate::attacker::Knock;
use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::machine::World;
use crate::mail::{self, Door};
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::{sshd, syslog};

/// Who tries a dictionary where.
const ATTACKS: &[(&str, Door)] =
    &[("198.51.100.41", Door::Imap), ("198.51.100.42", Door::Pop3), ("198.51.100.43", Door::Smtp)];
/// The words of the dictionary; nobody gets to its end.
const WORDS: usize = 12;
const ADMIN_FROM: &str = "203.0.113.40";

/// All three at once, beside an administrator who mistypes twice at each door.
pub fn dictionaries(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    syslog::start(&world.server)?;
    sshd::add_people(&world.server)?;
    mail::start(&world)?;
    let plan = setting.plan(&world.server, &config("10m"), &["mail.log"]);
    let _guard = Guard::start(&world.server, plan)?;
    let figures = thread::scope(|scope| {
        let attacks: Vec<_> = ATTACKS
            .iter()
            .map(|(from, door)| {
                let world = &world;
                scope.spawn(move || {
                    attack(world, from, *door).map(|tries| format!("{door:?} {tries}"))
                })
            })
            .collect();
        let admin = scope.spawn(|| mistype_twice(&world));
        let panicked = |_| Err(Trouble("a thread panicked".to_owned()));
        admin.join().unwrap_or_else(panicked)?;
        let joined = attacks.into_iter().map(|attack| {
            attack.join().unwrap_or_else(|_| Err(Trouble("a thread panicked".to_owned())))
        });
        joined.collect::<Tried<Vec<String>>>()
    })
    .map_err(|trouble| format!("{trouble}\n{}", world.server.log_text("mail.log")))?;
    let blocked = elements(&world.server)?;
    must(blocked.len() == ATTACKS.len(), || format!("blocked are {blocked:?}"))?;
    let knock = world.attacker.knock(ADMIN_FROM, 143)?;
    must(knock == Knock::Open, || format!("the administrator's knock: {knock:?}"))?;
    Ok(format!("tries until blocked: {}; the administrator is not", figures.join(", ")))
}

fn attack(world: &World, from: &str, door: Door) -> Tried<usize> {
    let start = Instant::now();
    for number in 1..=WORDS {
        match door.login(world, from, sshd::ADMIN, &format!("word{number}")) {
            Ok(came_in) => must(!came_in, || "a wrong password is right".to_owned())?,
            // A connection that gets no answer is what we wait for.
            Err(_) if elements(&world.server)?.contains(from) => {}
            Err(trouble) => return Err(trouble),
        }
        if elements(&world.server)?.contains(from) {
            must(number >= 5, || format!("{from} is blocked after {number} tries"))?;
            let knock = world.attacker.knock(from, door.port())?;
            must(knock == Knock::NoAnswer, || format!("{from} blocked: {knock:?}"))?;
            return Ok(number);
        }
    }
    wait_blocked(&world.server, from, Duration::from_secs(5))
        .map_err(|trouble| format!("{trouble} (after {:?} of tries)", start.elapsed()))?;
    Ok(WORDS)
}

fn mistype_twice(world: &World) -> Tried<()> {
    for door in [Door::Imap, Door::Pop3] {
        for word in ["mistyped", "mistyped again"] {
            let came_in = door.login(world, ADMIN_FROM, sshd::ADMIN, word)?;
            must(!came_in, || "a wrong password is right".to_owned())?;
        }
        let came_in = door.login(world, ADMIN_FROM, sshd::ADMIN, sshd::PASSWORD)?;
        must(came_in, || "the right password is wrong".to_owned())?;
    }
    Ok(())
}
