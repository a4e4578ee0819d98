//! What the process that reads strangers' lines has got from whoever started monban: nothing.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::machine::Machine;
use crate::memory::{arguments, family};
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until;

/// Started from a terminal of its own (`script`), with a file left open.
pub fn watcher(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = machine.folder();
    fs::write(machine.log("auth.log"), "")?;
    let run = format!(
        "exec 9</etc/shadow; exec '{}' run --observe --state '{}' --log /var/log/auth.log",
        setting.binary.display(),
        folder.join("state").display(),
    );
    let mut command = machine.command("script");
    let typed = folder.join("typed");
    command.args(["-qec", &run]).arg(&typed).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut terminal = command.spawn()?;
    let outer = i32::try_from(terminal.id()).unwrap_or(0);
    let (watcher, _) = until("a locked watcher", Duration::from_secs(20), || {
        let all = family(outer);
        let watcher = all.into_iter().find(|pid| arguments(*pid).contains("watcher"));
        Ok(watcher.filter(|pid| status(*pid, "Seccomp:").as_deref() == Some("2")))
    })?;
    let warden = parent(watcher)?;
    // The terminal of the warden shows that the test is one.
    let (own, its) = (session_and_terminal(warden)?, session_and_terminal(watcher)?);
    must(own.1 != 0, || "the warden has no terminal here".to_owned())?;
    must(own.0 != its.0 && its.1 == 0, || {
        format!("session and terminal: of the warden {own:?}, of the watcher {its:?}")
    })?;
    let left_open = |pid: i32| -> Tried<bool> {
        let links = fs::read_dir(format!("/proc/{pid}/fd"))?.flatten();
        Ok(links.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|to| to.ends_with("shadow")))
    };
    must(left_open(warden)?, || "the caller left nothing open".to_owned())?;
    must(!left_open(watcher)?, || "the watcher has the caller's open file".to_owned())?;
    terminal.kill()?;
    terminal.wait()?;
    Ok("a session of its own without a terminal, no file of the caller, seccomp".to_owned())
}

/// A line of `/proc/PID/status`.
fn status(pid: i32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

fn parent(pid: i32) -> Tried<i32> {
    Ok(status(pid, "PPid:").and_then(|text| text.parse().ok()).ok_or("no parent")?)
}

/// The sixth and seventh field of `/proc/PID/stat`.
fn session_and_terminal(pid: i32) -> Tried<(i32, i32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = text.rsplit_once(") ").ok_or("no stat")?.1;
    let mut fields = after.split(' ').skip(3).map(|field| field.parse().unwrap_or(0));
    Ok((fields.next().unwrap_or(0), fields.next().unwrap_or(0)))
}
