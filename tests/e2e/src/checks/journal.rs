//! A machine whose only log is the systemd journal.

use std::thread;
use std::time::Duration;

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::{journal, sshd};

const ATTACKER: &str = "198.51.100.60";
/// Whom a local user would like to see blocked.
const VICTIM: &str = "203.0.113.60";

/// What a local user can say to journald, with VICTIM's address in every place.
const POSE: &str = r#"
line="Failed password for root from VICTIM port 22 ssh2"
for number in 1 2 3 4 5 6; do
    logger -t sshd "$line"
    logger -t "sshd[$number]: $line" x
    logger -t x "sshd[$number]: $line"
    printf '%s\n' "MESSAGE=$line" SYSLOG_IDENTIFIER=sshd _UID=0 _COMM=sshd _PID=$number |
        logger --journald
    printf '%s\n' MESSAGE=x "SYSLOG_IDENTIFIER=sshd: $line" "__CURSOR=x" | logger --journald
    # The same field twice is one value after the other; a value may have line ends.
    printf '%s\n' MESSAGE=x "MESSAGE=_UID=0" MESSAGE= "MESSAGE=SYSLOG_IDENTIFIER=sshd" \
        "MESSAGE=$line" | logger --journald
    logger "$(printf 'x\n\n__CURSOR=s=1\n_UID=0\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=%s\n' "$line")"
done
# More than monban takes of one entry, and in its value what looks like entries of root's.
{
    for number in 1 2 3 4 5 6; do
        printf 'MESSAGE=%s\n' x '' "__CURSOR=s=1;i=$number" _UID=0 SYSLOG_IDENTIFIER=sshd \
            _PID=$number "MESSAGE=$line" ''
    done
    printf MESSAGE=
    head -c 1200000 /dev/zero | tr '\0' A
    echo
} | logger --journald
"#;

/// The real sshd logs to the real journald; failures before, between and after two runs count
/// once each, and nobody but root is believed to be sshd.
pub fn of_journald(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    journal::start(&world.server)?;
    sshd::add_people(&world.server)?;
    sshd::start(&world)?;
    let plan = setting.plan(&world.server, &config("10m"), &[]);
    let guard = Guard::start(&world.server, plan.clone())?;
    wrong_passwords(&world, 2)?;
    guard.wait_counted(ATTACKER, 2)?;
    let pose = POSE.replace("VICTIM", VICTIM);
    world.server.shell(&format!("runuser -u {} -- bash -c '{}'", sshd::VISITOR, quoted(&pose)))?;
    guard.stop()?;
    wrong_passwords(&world, 1)?;
    let guard = Guard::start(&world.server, plan)?;
    guard.wait_counted(ATTACKER, 3)?;
    wrong_passwords(&world, 1)?;
    guard.wait_counted(ATTACKER, 4)?;
    let early = elements(&world.server)?;
    must(early.is_empty(), || format!("after 4 wrong passwords are blocked {early:?}"))?;
    // Whether the client hears that it is wrong, or nothing any more, is a race.
    let _ = world.attacker.ssh(ATTACKER, sshd::ADMIN, "wrong", "true")?;
    wait_blocked(&world.server, ATTACKER, Duration::from_secs(5))?;
    let why = guard.monban(&["why", ATTACKER])?;
    let named = why.out.matches("Failed password for admin from 198.51.100.60 port ").count();
    must(named == 5, || format!("why names {named} lines: {}", why.out))?;
    let posed = guard.failures_counted(VICTIM)?;
    must(posed.is_none(), || format!("{VICTIM}: {posed:?} failures that a user made up"))?;
    let blocked = elements(&world.server)?;
    must(blocked.len() == 1, || format!("blocked are {blocked:?}"))?;
    Ok("2 failures, 1 while monban was down, 2 more: blocked at the 5th; 43 entries of a user who \
        poses as sshd: not counted"
        .to_owned())
}

/// So many at once: PAM lets each wait.
fn wrong_passwords(world: &World, count: usize) -> Tried<()> {
    thread::scope(|scope| {
        let wrong = || world.attacker.ssh_wrong(ATTACKER, sshd::ADMIN);
        let clients: Vec<_> = (0..count).map(|_| scope.spawn(wrong)).collect();
        let panicked = |_| Err(Trouble("a thread panicked".to_owned()));
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(panicked))
    })
}

fn quoted(script: &str) -> String {
    script.replace('\'', "'\\''")
}
