//! What jails have to ask others: `ignorecommand`, and the addresses of names.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::{Folder, held, status, wait_found, wait_held};
use crate::guard::Guard;
use crate::lines::{Log, failed_password, iso_time};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};

const SPARED: &str = "198.51.100.61";
const OTHER: &str = "198.51.100.62";
const NAMED: &str = "198.51.100.63";
const HOME: &str = "198.51.100.64";

const JAILS: &str = "
[asked]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/auth.log
ignorecommand = SCRIPT <ip>
ignorecache = key=\"<ip>\", max-count=100, max-time=5m
[yes]
enabled = true
filter = named
port = ssh
usedns = yes
logpath = /var/log/named.log
[home]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/home.log
ignoreip = home.example
[no]
enabled = true
filter = named
port = ssh
usedns = no
logpath = /var/log/named.log
";

const FILTER: &str = "[Definition]\nfailregex = named: refused <HOST>$\n";

/// Spares one address, takes its time, and writes down who it was asked about.
const SCRIPT: &str = "#!/bin/sh\nsleep 0.2\necho \"$1\" >>ASKED\n[ \"$1\" = SPARED ]\n";

/// One address is spared by a command that takes 0.2 s; a name in a log is an address, or nobody;
/// whoever has a name of `ignoreip` is spared also by the first lines that are read.
pub fn of_commands_and_names(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let (script, asked) = (machine.folder().join("spares"), machine.folder().join("asked"));
    let text = SCRIPT.replace("ASKED", &asked.display().to_string()).replace("SPARED", SPARED);
    fs::write(&script, text)?;
    fs::set_permissions(&script, Permissions::from_mode(0o755))?;
    fs::write(&asked, "")?;
    let folder = Folder::new(&machine, &JAILS.replace("SCRIPT", &script.display().to_string()))?;
    folder.write("filter.d/named.conf", FILTER)?;
    for (address, name) in [(NAMED, "guesser"), (HOME, "home")] {
        machine.shell(&format!("echo '{address} {name}.example' >>/etc/hosts"))?;
    }
    let mut home = Log::open(&machine.log("home.log"))?;
    for pid in 600..606 {
        home.write(&failed_password(pid, HOME))?;
        home.write(&failed_password(pid + 100, OTHER))?;
    }
    let mut log = Log::open(&machine.log("auth.log"))?;
    let mut named = Log::open(&machine.log("named.log"))?;
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    for pid in 100..104 {
        log.write(&failed_password(pid, SPARED))?;
        log.write(&failed_password(pid + 100, OTHER))?;
    }
    let took = wait_held(&guard, &machine, "asked", OTHER)?;
    guard.wait_said(&format!("[asked] {SPARED} failed and is spared"), Duration::from_secs(5))?;
    wait_found(&guard, "asked", 4)?;
    wait_held(&guard, &machine, "home", OTHER)?;
    // Whether the lines or the names come first is chance; the address is spared either way.
    let home = held(&machine, "home")?;
    must(home.len() == 1, || format!("in home are {home:?}"))?;
    must(!guard.said().contains(&format!("[home] BANNED {HOME}")), || guard.said())?;
    // What is kept is not asked for again.
    log.write(&failed_password(500, SPARED))?;
    for _ in 0..3 {
        let time = iso_time(std::time::SystemTime::now());
        named.write(&format!("{time} server named: refused guesser.example\n"))?;
    }
    wait_held(&guard, &machine, "yes", NAMED)?;
    let mut heard: Vec<String> = fs::read_to_string(&asked)?.lines().map(str::to_owned).collect();
    heard.sort();
    must(heard == [SPARED, OTHER], || format!("ignorecommand was asked about {heard:?}"))?;
    let banned = held(&machine, "asked")?;
    must(banned.len() == 1, || format!("banned are {banned:?}"))?;
    must(status(&guard, "no", "Total failed")? == 0, || guard.said())?;
    must(held(&machine, "no")?.is_empty(), || "usedns = no bans a name".to_owned())?;
    Ok(format!(
        "ignorecommand spares one and is asked once for each, the other is banned after {} ms; \
         usedns = yes finds a name in /etc/hosts, no does not look; a name of ignoreip spares its \
         address from the first line on",
        took.as_millis()
    ))
}
