//! The built monban, on the server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::command::{Ran, run_within};
use crate::machine::Machine;
use crate::memory::{arguments, children, family};
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::{until, until_true};

/// How long it may take to be ready.
const START: Duration = Duration::from_secs(20);
/// How long a command of the client may take.
const COMMAND: Duration = Duration::from_secs(60);

/// How monban is started.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program under test.
    pub binary: PathBuf,
    /// The text of its configuration.
    pub config: String,
    /// The logs it watches.
    pub logs: Vec<PathBuf>,
    /// Its state folder.
    pub state: PathBuf,
    /// The fail2ban configuration whose jails it runs, and nothing else then.
    pub fail2ban: Option<PathBuf>,
    /// Where it hears the hook in PAM.
    pub hook: Option<PathBuf>,
}

/// A running monban. It is killed when this value goes.
pub struct Guard<'a> {
    machine: &'a Machine,
    plan: Plan,
    enter: Child,
    /// The warden, as the outside numbers it.
    pub pid: i32,
}

impl<'a> Guard<'a> {
    /// Starts it and waits until it says that it is ready.
    pub fn start(machine: &'a Machine, plan: Plan) -> Tried<Self> {
        fs::create_dir_all(&plan.state)?;
        fs::write(config_path(&plan.state), &plan.config)?;
        let output = fs::File::options().create(true).append(true).open(said_path(&plan.state))?;
        let mut command = machine.command(&plan.binary);
        command.arg("run").arg("--state").arg(&plan.state);
        command.arg("--config").arg(config_path(&plan.state));
        for log in &plan.logs {
            command.arg("--log").arg(log);
        }
        if let Some(folder) = &plan.fail2ban {
            command.arg("--fail2ban").arg(folder);
        }
        if let Some(folder) = &plan.hook {
            command.arg("--hook-folder").arg(folder);
        }
        let mut enter =
            command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        let outer = i32::try_from(enter.id()).unwrap_or(0);
        let (pid, _) = until("monban starts", START, || {
            if let Some(status) = enter.try_wait()? {
                let said = fs::read_to_string(said_path(&plan.state)).unwrap_or_default();
                return Err(Trouble(format!("monban ended at once ({status}): {said}")));
            }
            Ok(children(outer).first().copied())
        })?;
        let guard = Self { machine, plan, enter, pid };
        guard.wait_ready()?;
        Ok(guard)
    }

    /// Waits until `status` ends with 0.
    pub fn wait_ready(&self) -> Tried<Duration> {
        until_true("monban is ready", START, || {
            Ok(self.monban(&["status", "--json"])?.code == Some(0))
        })
        .map_err(|trouble| Trouble(format!("{trouble}; it said: {}", self.said())))
    }

    /// Runs another command against the same state.
    pub fn monban(&self, arguments: &[&str]) -> Tried<Ran> {
        let mut command = self.machine.command(&self.plan.binary);
        command.args(arguments).arg("--state").arg(&self.plan.state);
        command.arg("--config").arg(config_path(&self.plan.state));
        run_within(&mut command, COMMAND)
    }

    /// Runs another command whose last arguments are not monban's.
    pub fn words(&self, arguments: &[&str]) -> Tried<Ran> {
        let mut command = self.machine.command(&self.plan.binary);
        command.arg("--state").arg(&self.plan.state).args(arguments);
        run_within(&mut command, COMMAND)
    }

    /// How it was started.
    pub fn plan(&self) -> Plan {
        self.plan.clone()
    }

    /// The same, with `--json`, read.
    pub fn json(&self, arguments: &[&str]) -> Tried<Value> {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ran = self.monban(&arguments)?;
        serde_json::from_str(&ran.out).map_err(|error| {
            Trouble(format!("monban {}: {error}: {}{}", arguments.join(" "), ran.out, ran.err))
        })
    }

    /// What it printed since it was first started with this state.
    pub fn said(&self) -> String {
        fs::read_to_string(said_path(&self.plan.state)).unwrap_or_default()
    }

    /// The process of the watcher.
    pub fn watcher(&self) -> Tried<i32> {
        let below = children(self.pid);
        let named = below.iter().find(|pid| arguments(**pid).contains("watcher"));
        let found = named.or_else(|| below.first()).copied();
        found.ok_or_else(|| Trouble("there is no watcher".to_owned()))
    }

    /// Kills the process that runs the commands of jails; the warden has to start another.
    pub fn kill_actor(&self) -> Tried<()> {
        let below =
            || children(self.pid).into_iter().find(|pid| arguments(*pid).contains(" actor"));
        let (actor, _) = until("an actor", Duration::from_secs(40), || Ok(below()))?;
        kill(actor)
    }

    /// Kills the process that delivers messages; the warden starts another when there are some.
    pub fn kill_courier(&self) -> Tried<()> {
        let below =
            || children(self.pid).into_iter().find(|pid| arguments(*pid).contains(" courier"));
        let (courier, _) = until("a courier", Duration::from_secs(10), || Ok(below()))?;
        kill(courier)
    }

    /// Whether the warden runs.
    pub fn is_running(&self) -> bool {
        !arguments(self.pid).is_empty()
    }

    /// Kills the watcher; the warden has to start another.
    pub fn kill_watcher(&self) -> Tried<()> {
        // After a kill the warden waits for a moment before it starts another.
        let (watcher, _) = until("a watcher", Duration::from_secs(10), || Ok(self.watcher().ok()))?;
        kill(watcher)
    }

    /// Kills the warden, and at once everything below it if `all`. Then monban is started again
    /// with the same state, as an init system does it.
    pub fn kill_and_restart(self, who: Killed) -> Tried<Self> {
        let machine = self.machine;
        Guard::start(machine, self.kill(who)?)
    }

    /// Kills the warden, and at once everything below it if `all`. Gives back how it was started.
    pub fn kill(mut self, who: Killed) -> Tried<Plan> {
        let everybody = family(self.pid);
        kill(self.pid)?;
        if who == Killed::Both {
            for pid in &everybody[1..] {
                kill(*pid)?;
            }
        }
        self.enter.wait()?;
        // Nothing of it is left to be killed when `self` goes.
        self.pid = 0;
        Ok(self.plan())
    }

    /// Asks it to end, and waits for that.
    pub fn stop(mut self) -> Tried<Duration> {
        let pid = Pid::from_raw(self.pid).ok_or("monban has no process")?;
        kill_process(pid, Signal::TERM)?;
        let enter = &mut self.enter;
        until_true("monban ends", Duration::from_secs(10), || Ok(enter.try_wait()?.is_some()))
    }

    /// Writes another configuration and runs `reload`.
    pub fn reload(&self, config: &str) -> Tried<Ran> {
        fs::write(config_path(&self.plan.state), config)?;
        self.monban(&["reload"])
    }

    /// Waits until it has printed a text.
    pub fn wait_said(&self, text: &str, at_most: Duration) -> Tried<Duration> {
        until_true(&format!("monban says `{text}`"), at_most, || Ok(self.said().contains(text)))
            .map_err(|trouble| Trouble(format!("{trouble}; it said: {}", self.said())))
    }

    /// Waits until `why` counts so many failures of an address that is not blocked.
    pub fn wait_counted(&self, address: &str, failures: u64) -> Tried<()> {
        let mut counted = None;
        until_true("", Duration::from_secs(10), || {
            counted = self.failures_counted(address)?;
            Ok(counted == Some(failures))
        })
        .map(drop)
        .map_err(|_| format!("{address}: {counted:?} failures, not {failures}; {}", self.said()))?;
        Ok(())
    }

    /// What `why` counted for a subject that is not blocked.
    pub fn failures_counted(&self, address: &str) -> Tried<Option<u64>> {
        Ok(largest(&self.json(&["why", address])?["open"], "failures"))
    }

    /// Fails unless `why` speaks of this many of the lines that `log` has.
    pub fn why_names(&self, address: &str, log: &str, lines: usize) -> Tried<()> {
        let ran = self.monban(&["why", address])?;
        let shown = log.lines().filter(|line| !line.is_empty() && ran.out.contains(line)).count();
        must(shown >= lines, || {
            format!("`why {address}` shows {shown} lines, not {lines}: {}{}", ran.out, ran.err)
        })?;
        // The same in the form for programs.
        let json = self.json(&["why", address])?.to_string();
        must(json.contains(address), || format!("`why {address} --json`: {json}"))
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        for pid in family(self.pid) {
            let _ = kill(pid);
        }
        let _ = self.enter.wait();
    }
}

/// Who is killed with the warden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// Nobody else: the watcher has to notice and end.
    Warden,
    /// All at once.
    Both,
}

/// The largest number under a key, anywhere in a JSON text.
pub fn largest(json: &Value, key: &str) -> Option<u64> {
    let mut found = json.get(key).and_then(Value::as_u64);
    let below: Box<dyn Iterator<Item = &Value>> = match json {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => return found,
    };
    for value in below {
        found = found.max(largest(value, key));
    }
    found
}

fn kill(pid: i32) -> Tried<()> {
    match Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL)) {
        None | Some(Ok(()) | Err(rustix::io::Errno::SRCH)) => Ok(()),
        Some(Err(error)) => Err(error.into()),
    }
}

fn config_path(state: &Path) -> PathBuf {
    state.with_extension("toml")
}

fn said_path(state: &Path) -> PathBuf {
    state.with_extension("out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_under_a_key_is_found() {
        let json =
            serde_json::json!({"a": [{"failures": 3}, {"b": {"failures": 5}}], "failures": 1});
        assert_eq!(largest(&json, "failures"), Some(5));
        assert_eq!(largest(&json, "blocks"), None);
    }
}
