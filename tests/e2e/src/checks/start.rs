//! From the command to a guard that is ready.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::checks::config;
use crate::command::run;
use crate::lines::Log;
use crate::machine::{Machine, World};
use crate::memory::children;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};

/// What the design asks for: half of the starts within this.
const START_MAX: Duration = Duration::from_millis(50);
/// More than this is a defect on any machine.
const START_BROKEN: Duration = Duration::from_secs(5);
/// What is changed of fail2ban's configuration: each of its jails runs.
const ALL_JAILS: &str = "[DEFAULT]\nenabled = true\nbackend = auto\n";

/// Starts with monban's own rules, and with every jail of fail2ban's configuration.
pub fn to_ready(setting: &Setting) -> Tried<String> {
    let rules = median(setting, false)?;
    let stock = median(setting, true)?;
    for (what, took) in [("its rules", rules), ("the jails", stock)] {
        must(took < START_BROKEN, || format!("a start with {what} took {took:?}"))?;
    }
    let told = format!(
        "median with all rules {rules:.1?}, with all jails of fail2ban {stock:.1?} (goal \
         {START_MAX:?})"
    );
    setting.goal(rules.max(stock) <= START_MAX, told)
}

/// The median of some starts, each with a new ledger.
fn median(setting: &Setting, jails: bool) -> Tried<Duration> {
    let mut all = Vec::new();
    for _ in 0..setting.sized(5, 15) {
        all.push(once(setting, jails)?);
    }
    all.sort_unstable();
    Ok(all[all.len() / 2])
}

fn once(setting: &Setting, jails: bool) -> Tried<Duration> {
    let world = World::new()?;
    Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    fs::create_dir_all(&plan.state)?;
    let (config, said) = (plan.state.join("start.toml"), plan.state.join("start.said"));
    fs::write(&config, &plan.config)?;
    let output = fs::File::create(&said)?;
    let mut command = world.server.command(&plan.binary);
    command.arg("run").arg("--lang").arg("en").arg("--state").arg(&plan.state);
    command.arg("--config").arg(&config);
    match jails {
        true => command.arg("--fail2ban").arg(all_jails(&world.server)?),
        false => command.arg("--log").arg(&plan.logs[0]),
    };
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let start = Instant::now();
    let mut enter = command.spawn()?;
    let took = loop {
        let told = fs::read_to_string(&said).unwrap_or_default();
        if told.lines().any(|line| line == "ready") {
            break Ok(start.elapsed());
        }
        if start.elapsed() > START_BROKEN {
            break Err(Trouble(format!("not ready after {START_BROKEN:?}: {told}")));
        }
        sleep(Duration::from_millis(1));
    };
    for pid in children(i32::try_from(enter.id()).unwrap_or(0)) {
        if let Some(pid) = Pid::from_raw(pid) {
            kill_process(pid, Signal::TERM)?;
        }
    }
    enter.wait()?;
    took
}

/// fail2ban's configuration with every jail switched on.
fn all_jails(machine: &Machine) -> Tried<PathBuf> {
    let folder = machine.folder().join("fail2ban");
    run(Command::new("cp").args(["-r", "/etc/fail2ban"]).arg(&folder))?;
    // Of the distribution: it would switch them off again.
    let _ = fs::remove_file(folder.join("jail.d/defaults-debian.conf"));
    fs::write(folder.join("jail.local"), ALL_JAILS)?;
    Ok(folder)
}
