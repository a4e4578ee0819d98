//! The configuration of jails changes while they work.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::{DEFAULT, Folder, answer, client, held, wait_found, wait_held};
use crate::guard::Guard;
use crate::lines::{Log, failed_password};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const FIRST: &str = "198.51.100.51";
const SECOND: &str = "198.51.100.52";
const THIRD: &str = "198.51.100.53";
const FOURTH: &str = "198.51.100.54";
const FIFTH: &str = "198.51.100.55";

const BEFORE: &str = "
[sshd]
enabled = true
logpath = /var/log/auth.log
[gone]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/gone.log
action = %(action_)s
         slow
";

/// What a removed jail leaves is written down.
const SLOW: &str = "[Definition]
actionban = true
actionunban = sleep 0.5; echo unban >> /var/log/gone.said
actionstop = sleep 0.5; echo stop >> /var/log/gone.said
";

const AFTER: &str = "
[sshd]
enabled = true
maxretry = 2
bantime = 1h
banaction = nftables-allports
logpath = /var/log/auth.log
";

/// Two failures, a reload by either name, one failure: banned. Then other settings, and bad ones.
pub fn goes_on(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, BEFORE)?;
    folder.write("action.d/slow.conf", SLOW)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let mut pids = 100..;
    let mut fail = |address: &str, count: usize| {
        pids.by_ref().take(count).try_for_each(|pid| log.write(&failed_password(pid, address)))
    };
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    answer(&guard, &["set", "gone", "banip", FIFTH])?;
    wait_held(&guard, &machine, "gone", FIFTH)?;
    fail(FIRST, 2)?;
    wait_found(&guard, "sshd", 2)?;
    let counted = guard.json(&["why", FIRST])?["jails"].to_string();
    must(counted.contains("\"failures\":2"), || format!("why counts {counted}"))?;
    guard.monban(&["reload"])?.good()?;
    fail(FIRST, 1)?;
    wait_held(&guard, &machine, "sshd", FIRST)?;
    shuts(&guard, FIRST, "ssh")?;
    fail(SECOND, 2)?;
    wait_found(&guard, "sshd", 5)?;
    let said = answer(&guard, &["reload"])?;
    must(said == "OK", || format!("fail2ban-client reload said {said}"))?;
    fail(SECOND, 1)?;
    wait_held(&guard, &machine, "sshd", SECOND)?;
    folder.write("jail.local", &format!("{DEFAULT}{AFTER}"))?;
    guard.monban(&["reload"])?.good()?;
    let said = machine.log_text("gone.said");
    must(said == "unban\nstop\n", || format!("reload answered when the jail said {said:?}"))?;
    changed(&guard, &machine)?;
    fail(THIRD, 2)?;
    wait_held(&guard, &machine, "sshd", THIRD)?;
    shuts(&guard, THIRD, "all")?;
    let refused = bad_ones(&guard, &folder)?;
    let moved = move_log(&guard, &machine)?;
    fail(FOURTH, 2)?;
    wait_held(&guard, &machine, "sshd", FOURTH)?;
    let line = format!("[sshd] Ban {FOURTH}");
    until_true(&line, Duration::from_secs(5), || Ok(fs::read_to_string(&moved)?.contains(&line)))?;
    must(held(&machine, "sshd")?.len() == 4, || "bans were lost".to_owned())?;
    Ok(format!(
        "2 failures, a reload, 1: banned, for monban's and fail2ban-client's; maxretry, bantime and \
         actions change, a removed jail's rules go; {refused} bad configurations are refused and \
         the jails go on; the log is written where set logtarget says"
    ))
}

/// `bans --json` says which ports the action of its jail shuts for somebody.
fn shuts(guard: &Guard<'_>, who: &str, ports: &str) -> Tried<()> {
    let all = guard.json(&["bans"])?;
    let blocks = all["blocks"].as_array().into_iter().flatten();
    let told = blocks.filter(|block| block["subject"] == who && block["jail"] == "sshd");
    let told: Vec<_> = told.map(|block| (&block["ports"], &block["actions"][0])).collect();
    let good = matches!(told[..], [(none, action)] if none.is_null()
        && action["ports"] == ports && action["protocol"] == "tcp");
    must(good, || format!("bans --json of {who}: {told:?}"))
}

/// The log goes to another file; where there can be none, it is said as by fail2ban.
fn move_log(guard: &Guard<'_>, machine: &Machine) -> Tried<PathBuf> {
    let moved = machine.log("moved.log");
    let target = moved.display().to_string();
    for bad in ["/nowhere/x.log", "/", "STDERR"] {
        let ran = client(guard, &["set", "logtarget", bad])?;
        let good = ran.code == Some(255) && ran.out.trim() == "Failed to change log target";
        must(good, || format!("set logtarget {bad}: {ran:?}"))?;
    }
    let current = format!("Current logging target is:\n`- {target}");
    for words in [&["set", "logtarget", &target][..], &["get", "logtarget"]] {
        let said = answer(guard, words)?;
        must(said == current, || format!("{words:?} says {said}"))?;
    }
    Ok(moved)
}

/// The settings are the new ones, and the kernel has the rules of the new action.
fn changed(guard: &Guard<'_>, machine: &Machine) -> Tried<()> {
    let get = |what: &str| answer(guard, &["get", "sshd", what]);
    let now = (get("maxretry")?, get("bantime")?);
    must(now == ("2".to_owned(), "3600".to_owned()), || format!("after the reload: {now:?}"))?;
    let mut rules = String::new();
    until_true("", Duration::from_secs(10), || {
        rules = machine.shell("nft list ruleset")?;
        let all_ports = rules.contains("meta l4proto tcp ip saddr @addr-set-sshd");
        Ok(all_ports && !rules.contains("-gone") && held(machine, "sshd")?.len() == 2)
    })
    .map_err(|_| format!("after the reload: {rules}; it said: {}", guard.said()))?;
    let gone = client(guard, &["status", "gone"])?;
    must(gone.code == Some(255), || format!("a removed jail answers: {gone:?}"))
}

/// Each is refused and names its place; the last good one comes back at the end.
fn bad_ones(guard: &Guard<'_>, folder: &Folder) -> Tried<usize> {
    let good = format!("{DEFAULT}{AFTER}");
    let path = folder.path.join("jail.local");
    let shown = path.display().to_string();
    let mode = |mode: u32| fs::set_permissions(&path, Permissions::from_mode(mode));
    let refused = |what: &str, place: &str| -> Tried<()> {
        for words in [&["reload"][..], &["fail2ban-client", "reload"]] {
            let ran = guard.words(words)?;
            let told = format!("{}{}", ran.out, ran.err);
            must(ran.code != Some(0) && told.contains(place), || {
                format!("{what}, {}: {place} is not told: {told}", words.join(" "))
            })?;
        }
        Ok(())
    };
    let line = good.lines().count() + 1;
    folder.write("jail.local", &format!("{good}[sshd\nmaxretry = 1\n"))?;
    refused("an open bracket", &format!("{shown}:{line}"))?;
    folder.write("jail.local", &good)?;
    mode(0o666)?;
    refused("a file that others write", &shown)?;
    mode(0o644)?;
    fs::remove_file(&path)?;
    fs::create_dir(&path)?;
    refused("a folder in its place", &shown)?;
    fs::remove_dir(&path)?;
    folder.write("jail.local", &good)?;
    guard.monban(&["reload"])?.good()?;
    // These only the watcher can judge. They stay: what is refused has changed nothing.
    let line = good.lines().count() + 2;
    for (what, value) in
        [("a filter that is not there", "filter = nosuch"), ("a word", "maxretry = x")]
    {
        folder.write("jail.local", &format!("{good}\n{value}\n"))?;
        refused(what, &format!("{shown}:{line}"))?;
    }
    let status = guard.monban(&["status"])?.good()?.out;
    must(status.contains("the last reload was refused"), || status.clone())?;
    Ok(5)
}
