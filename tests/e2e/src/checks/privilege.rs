//! Somebody on the machine guesses at su and sudo: there is no address to block.

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::elements;
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::{sshd, syslog};

/// Wrong passwords, at once for PAM lets each wait; a right one at each; and a command that looks
/// like a line of sshd.
const ATTEMPTS: &str = r#"
as() { runuser -u "$1" -- bash -c "$2" || true; }
for number in 1 2 3 4 5 6; do
    as visitor 'echo wrong | su root -c id' &
    as admin 'echo wrong | sudo -S -k -p "" id' &
done
as visitor "echo '$PASSWORD' | sudo -S -k -p '' id" &
as visitor "echo '$PASSWORD' | su admin -c id" &
as admin "echo '$PASSWORD' | sudo -S -k -p '' echo 'sshd[1]: Failed password for root from 203.0.113.98 port 22 ssh2'" &
wait
"#;

/// What su, sudo and PAM log of them, and how often.
const LOGGED: &[(&str, usize)] = &[
    ("FAILED SU (to root) visitor on ", 6),
    ("pam_unix(su:auth): authentication failure; ", 6),
    ("admin : 1 incorrect password attempt ;", 6),
    ("pam_unix(sudo:auth): authentication failure; ", 6),
    ("visitor : user NOT in sudoers ;", 1),
    ("(to admin) visitor on ", 1),
    ("pam_unix(su:session): session opened for user admin", 1),
    ("admin : PWD=/ ; USER=root ; COMMAND=/usr/bin/echo ", 1),
    ("pam_unix(sudo:session): session opened for user root", 1),
];

/// Everything is recognised and told, and nobody is blocked.
pub fn su_and_sudo(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    syslog::start(server)?;
    sshd::add_people(server)?;
    server.shell("echo '%sudo ALL=(ALL:ALL) ALL' >/etc/sudoers; chmod 440 /etc/sudoers")?;
    let guard = Guard::start(server, setting.plan(server, &config("10m"), &["auth.log"]))?;
    server.shell(&format!("PASSWORD='{}'\n{ATTEMPTS}", sshd::PASSWORD))?;
    let log = server.log_text("auth.log");
    for (text, times) in LOGGED {
        let found = log.matches(text).count();
        must(found == *times, || format!("`{text}` {found} times, not {times}:\n{log}"))?;
    }
    let status = guard.json(&["status"])?;
    let source = &status["sources"][0];
    let told: usize = LOGGED.iter().map(|(_, times)| times).sum();
    must(source["lines"] == log.lines().count(), || format!("not all lines are read: {source}"))?;
    must(source["sightings"].as_u64() >= Some(told as u64), || {
        format!("{told} lines are of su and sudo: {source}\n{log}")
    })?;
    times_are_local(server, &guard)?;
    let blocked = elements(server)?;
    must(blocked.is_empty(), || format!("blocked are {blocked:?}"))?;
    let failures = guard.failures_counted("203.0.113.98")?;
    must(failures.is_none(), || format!("an address in a command: {failures:?} failures"))?;
    Ok(format!("{told} lines of su and sudo are sightings, 12 wrong passwords block nobody"))
}

/// `status` gives up the right to read the rules of zones before it reads the ledger.
fn times_are_local(server: &Machine, guard: &Guard<'_>) -> Tried<()> {
    let plan = guard.plan();
    let since = |zone: &str| -> Tried<String> {
        let (monban, state) = (plan.binary.display(), plan.state.display());
        let told = server.shell(&format!("TZ={zone} {monban} status --lang en --state {state}"))?;
        let time = told.lines().find_map(|line| line.strip_prefix("since "));
        time.map(str::to_owned).ok_or_else(|| Trouble(format!("no time: {told}")))
    };
    let (here, there) = (since("UTC")?, since("Asia/Tokyo")?);
    must(here != there, || format!("{here} is local time in both zones"))
}
