//! Jails whose actions cannot shut anybody out.

use std::time::Duration;

use super::{DEFAULT, Folder, held, wait_held};
use crate::guard::Guard;
use crate::lines::{Log, failed_password};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const FIRST: &str = "198.51.100.81";
const SECOND: &str = "198.51.100.82";

const JAILS: &str = "
[mail]
enabled = true
filter = sshd
port = imap,impas
logpath = /var/log/mail.log
[python]
enabled = true
filter = sshd
logpath = /var/log/other.log
action = badips.py[category=\"ssh\"]
[nothing]
enabled = true
filter = sshd
logpath = /var/log/other.log
action =
";

/// A ban that no action makes is called none, until the configuration is mended.
pub fn are_named(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    let mut log = Log::open(&machine.log("mail.log"))?;
    let mut other = Log::open(&machine.log("other.log"))?;
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    guard.wait_said("jails have no action that runs here (python, nothing)", SOON)?;
    check(&guard, &folder)?;
    says(&guard, &["status"], "jails have no action that runs here (nothing, python)")?;
    for pid in 100..103 {
        log.write(&failed_password(pid, FIRST))?;
        other.write(&failed_password(pid, SECOND))?;
    }
    says(&guard, &["status"], "[mail] its action fails: ")?;
    says(&guard, &["status"], "block nobody, as no action of theirs works: 3")?;
    says(&guard, &["status"], "blocks in force: 0")?;
    says(&guard, &["why", FIRST], &format!("{FIRST} is NOT BLOCKED, though a jail banned it"))?;
    says(&guard, &["why", FIRST], "[mail] its action fails: ")?;
    says(&guard, &["why", SECOND], "has no action that runs here")?;
    for jail in ["mail", "python", "nothing"] {
        says(
            &guard,
            &["bans"],
            &format!("(jail {jail}); NOT BLOCKED: no action of the jail works"),
        )?;
    }
    must(guard.json(&["why", FIRST])?["blocked"] == false, || "json calls it blocked".to_owned())?;
    // Mended: the bans of before are made.
    let mended = JAILS.replace("impas", "imaps");
    folder.write("jail.local", &format!("{DEFAULT}{mended}"))?;
    let reloaded = guard.monban(&["reload"])?.good()?;
    let told = reloaded.out + &reloaded.err;
    must(told.contains("no action that runs here"), || format!("a reload says {told}"))?;
    wait_held(&guard, &machine, "mail", FIRST)?;
    says(&guard, &["why", FIRST], &format!("{FIRST} is BLOCKED until"))?;
    says(&guard, &["status"], "blocks in force: 1")?;
    let status = guard.monban(&["status"])?.out;
    must(!status.contains("its action fails"), || status.clone())?;
    must(held(&machine, "python")?.is_empty(), || "python bans".to_owned())?;
    Ok("a service that is none, an action in Python and no action: named at the start, by check, \
        status, bans and why; once mended its ban is made"
        .to_owned())
}

const SOON: Duration = Duration::from_secs(20);

fn says(guard: &Guard<'_>, arguments: &[&str], text: &str) -> Tried<()> {
    let mut said = String::new();
    until_true("", SOON, || {
        said = guard.monban(arguments)?.out;
        Ok(said.contains(text))
    })
    .map(drop)
    .map_err(|_| format!("{arguments:?} does not say `{text}`: {said}; {}", guard.said()).into())
}

fn check(guard: &Guard<'_>, folder: &Folder) -> Tried<()> {
    let path = folder.path.display().to_string();
    let ran = guard.words(&["fail2ban", "check", &path])?;
    let names = ran.out.contains("`impas` in the ports of action");
    let differs = |line: &str| !line.starts_with("jail  ") || line.contains("differs here");
    let contradicts = !ran.out.lines().all(differs);
    must(ran.code == Some(2) && names && !contradicts, || format!("check says {}", ran.out))
}
