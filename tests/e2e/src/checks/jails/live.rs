//! The stock jail for sshd with the real sshd, and jails beside it that cannot run.

use std::thread;
use std::time::Duration;

use super::{Folder, answer, held, status, wait_held, wait_let_go};
use crate::attacker::Knock;
use crate::checks::ssh;
use crate::command::run_within;
use crate::guard::Guard;
use crate::lines::{Log, failed_password};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const FOUR: &str = "198.51.100.30";
const SIX: &str = "2001:db8:a:7::30";
const SPARED: &str = "203.0.113.30";
const LATE: &str = "203.0.113.31";

const JAILS: &str = "
ignoreip = 203.0.113.30
[sshd]
enabled = true
maxretry = 5
[recidive]
enabled = true
maxretry = 3
[late]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/late.log
maxretry = 2
[broken]
enabled = true
filter = broken
port = ssh
logpath = /var/log/auth.log
";

const BROKEN: &str = "[Definition]\nfailregex = ^(never closed <HOST>\n";

/// Wrong passwords over both families, whoever is spared, and whoever comes back.
pub fn guesses(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let server = &world.server;
    let folder = Folder::new(server, JAILS)?;
    folder.write("filter.d/broken.conf", BROKEN)?;
    let guard = Guard::start(server, folder.plan(setting, server))?;
    guard.wait_said("[broken]", Duration::from_secs(5))?;
    let clients = thread::scope(|scope| -> Tried<_> {
        let mut clients = Vec::new();
        for from in [FOUR, SIX, SPARED].into_iter().flat_map(|from| [from; 5]) {
            let mut command = world.attacker.ssh_command(from, "root", "wrong", "true")?;
            // Whoever is shut out before his answer waits for it in vain.
            clients.push(scope.spawn(move || run_within(&mut command, Duration::from_secs(40))));
        }
        wait_held(&guard, server, "sshd", FOUR)?;
        wait_held(&guard, server, "sshd", SIX)?;
        for from in [FOUR, SIX] {
            must_knock(&world, from, Knock::Refused)?;
        }
        must_knock(&world, "203.0.113.77", Knock::Open)?;
        let status = answer(&guard, &["status", "sshd"])?;
        must(status.contains("Currently banned:\t2") && status.contains(FOUR), || status)?;
        for from in [FOUR, SIX] {
            let said = answer(&guard, &["set", "sshd", "unbanip", from])?;
            must(said == "1", || format!("unbanip said {said}"))?;
            wait_let_go(&guard, server, "sshd", from)?;
            must_knock(&world, from, Knock::Open)?;
        }
        Ok(clients.into_iter().map(|client| client.join().is_ok()).filter(|ok| *ok).count())
    })?;
    must(clients == 15, || format!("{clients} clients ended"))?;
    let banned = status(&guard, "sshd", "Total banned")?;
    must(banned == 2, || format!("{banned} bans: {}", guard.said()))?;
    must_knock(&world, SPARED, Knock::Open)?;
    must(guard.said().contains(&format!("{SPARED} failed and is spared")), || guard.said())?;
    late(&world, &guard)?;
    recidive(&world, &guard)?;
    Ok("5 wrong passwords each over IPv4 and IPv6: banned and refused, unbanip frees; ignoreip is \
        spared; a broken jail and a missing log stop nobody, the log that comes later is read; \
        the third ban is recidive's"
        .to_owned())
}

fn must_knock(world: &World, from: &str, wanted: Knock) -> Tried<()> {
    let knock = world.attacker.knock(from, 22)?;
    must(knock == wanted, || format!("{from} knocks: {knock:?}, not {wanted:?}"))
}

/// The log of a jail was not there at the start.
fn late(world: &World, guard: &Guard<'_>) -> Tried<()> {
    let mut log = Log::open(&world.server.log("late.log"))?;
    for pid in 500..502 {
        log.write(&failed_password(pid, LATE))?;
    }
    wait_held(guard, &world.server, "late", LATE).map(drop)
}

/// The first ban of an address was for wrong passwords; two by hand follow.
fn recidive(world: &World, guard: &Guard<'_>) -> Tried<()> {
    for number in 2..=3 {
        let early = held(&world.server, "recidive")?;
        must(early.is_empty(), || format!("recidive before ban {number}: {early:?}"))?;
        answer(guard, &["set", "sshd", "banip", FOUR])?;
        wait_held(guard, &world.server, "sshd", FOUR)?;
        if number < 3 {
            // Before it are one ban by `late` and two by `sshd`.
            until_true("recidive reads its log", Duration::from_secs(5), || {
                Ok(status(guard, "recidive", "Total failed")? >= number + 2)
            })?;
            answer(guard, &["set", "sshd", "unbanip", FOUR])?;
        }
    }
    wait_held(guard, &world.server, "recidive", FOUR).map(drop)
}
