//! A jail that reads the systemd journal.

use std::thread;
use std::time::Duration;

use super::{Folder, answer, held, wait_found, wait_held};
use crate::checks::config;
use crate::guard::Guard;
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::{journal, sshd};

const ATTACKER: &str = "198.51.100.70";
/// Whom a local user would like to see banned.
const VICTIM: &str = "203.0.113.70";

/// The stock jail, by the names that systemd gives.
const JAILS: &str = "
[sshd]
enabled = true
backend = systemd
journalmatch = _COMM=sshd + _COMM=sshd-session
";

/// What a local user can say to journald.
const POSE: &str = r#"
line="Failed password for root from VICTIM port 22 ssh2"
for number in 1 2 3 4 5 6; do
    logger -t sshd "$line"
    printf '%s\n' "MESSAGE=$line" SYSLOG_IDENTIFIER=sshd _COMM=sshd _UID=0 _PID=$number |
        logger --journald
done
"#;

/// sshd's own entries count, over a restart too; those of a user who poses as sshd do not.
pub fn with_a_forger(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    journal::start(server)?;
    sshd::add_people(server)?;
    sshd::start(&world)?;
    let folder = Folder::new(server, JAILS)?;
    let sources = "[sources]\ndiscover = false\njournal = \"/run/log/journal\"\n";
    let jails = format!("[fail2ban]\nfolder = \"{}\"\nown_rules = false\n", folder.path.display());
    let config = format!("{sources}{jails}{}", config("10m"));
    let plan = setting.plan(server, &config, &[]);
    let guard = Guard::start(server, plan.clone())?;
    wrong(&world, 1)?;
    wait_found(&guard, "sshd", 1)?;
    let pose = POSE.replace("VICTIM", VICTIM).replace('\'', "'\\''");
    server.shell(&format!("runuser -u {} -- bash -c '{pose}'", sshd::VISITOR))?;
    guard.stop()?;
    wrong(&world, 1)?;
    let guard = Guard::start(server, plan)?;
    let text = answer(&guard, &["get", "sshd", "journalmatch"])?;
    must(text.contains("_COMM=sshd"), || text.clone())?;
    wait_found(&guard, "sshd", 1)?;
    let early = held(server, "sshd")?;
    must(early.is_empty(), || format!("after two failures are banned {early:?}"))?;
    let mut third = world.attacker.ssh_command(ATTACKER, sshd::ADMIN, "wrong", "true")?;
    let third =
        thread::spawn(move || crate::command::run_within(&mut third, Duration::from_secs(40)));
    wait_held(&guard, server, "sshd", ATTACKER)?;
    let banned = held(server, "sshd")?;
    must(banned.len() == 1, || format!("banned are {banned:?}"))?;
    let why = guard.monban(&["why", ATTACKER])?.out;
    let named = why.matches(&format!("from {ATTACKER} port")).count();
    // The jail keeps as many lines as it takes failures, and PAM's are among them.
    must(named >= 1 && why.contains("3 failures"), || format!("why: {why}"))?;
    answer(&guard, &["unban", "--all"])?;
    let _ = third.join();
    Ok("1 failure, 1 while monban was down, 1 more: banned by the journal in a folder; 12 entries \
        of a user who poses as sshd: not counted"
        .to_owned())
}

fn wrong(world: &World, count: usize) -> Tried<()> {
    (0..count).try_for_each(|_| world.attacker.ssh_wrong(ATTACKER, sshd::ADMIN))
}
