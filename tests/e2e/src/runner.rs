//! Runs checks one after the other and prints a line for each.

use std::path::PathBuf;
use std::time::Instant;

use rustix::process::geteuid;

use crate::checks::{ALL, Check, Need};
use crate::command::is_installed;
use crate::guard::Plan;
use crate::machine::Machine;
use crate::trouble::{Tried, Trouble};

/// How much of a check is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A sample, for every change.
    Short,
    /// The counts that the capability promises.
    Full,
}

/// What all checks of a run share.
#[derive(Clone, Debug)]
pub struct Setting {
    /// How much is done.
    pub size: Size,
    /// The monban under test.
    pub binary: PathBuf,
    /// Logs from outside of the repository; checks that need them are left out without.
    pub corpus: PathBuf,
}

impl Setting {
    /// One of two counts.
    pub fn sized<T>(&self, short: T, full: T) -> T {
        if self.size == Size::Short { short } else { full }
    }

    /// What is told of a check whose goal is one of time. A whole run fails if it is not met; a
    /// short one may share the machine with others, and only says so.
    pub fn goal(&self, is_met: bool, told: String) -> Tried<String> {
        let told = format!("{told}: {}", if is_met { "met" } else { "NOT met" });
        match is_met || self.size == Size::Short {
            true => Ok(told),
            false => Err(Trouble(told)),
        }
    }

    /// How monban is started on a machine, watching these of its logs.
    pub fn plan(&self, machine: &Machine, config: &str, logs: &[&str]) -> Plan {
        Plan {
            binary: self.binary.clone(),
            config: config.to_owned(),
            logs: logs.iter().map(|log| PathBuf::from("/var/log").join(log)).collect(),
            state: machine.folder().join("state"),
            fail2ban: None,
            hook: None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Checks that held.
    pub passed: usize,
    /// Checks that did not.
    pub failed: usize,
    /// Checks that could not be done here.
    pub left_out: usize,
}

/// Runs every check whose name begins with one of `names` (all of them if there is none), and
/// prints one line for each. Those with a name of `but` are passed over.
pub fn run(setting: &Setting, names: &[String], but: &[String]) -> Totals {
    let mut totals = Totals::default();
    let chosen = |check: &&Check| {
        let begins = |name: &String| check.name.starts_with(name.as_str());
        (names.is_empty() || names.iter().any(begins)) && !but.iter().any(begins)
    };
    for check in ALL.iter().filter(chosen) {
        if let Some(missing) = missing(check, setting) {
            println!("left out: {:<18} {missing}", check.name);
            totals.left_out += 1;
            continue;
        }
        let start = Instant::now();
        let result = (check.run)(setting);
        let took_s = start.elapsed().as_secs_f64();
        match result {
            Ok(figures) => {
                println!("ok        {:<18} {took_s:6.1} s  {figures}", check.name);
                totals.passed += 1;
            }
            Err(trouble) => {
                println!("FAILED    {:<18} {took_s:6.1} s  {trouble}", check.name);
                totals.failed += 1;
            }
        }
    }
    totals
}

/// Why a check cannot be done here.
fn missing(check: &Check, setting: &Setting) -> Option<String> {
    check.needs.iter().find_map(|need| match need {
        Need::Root if !geteuid().is_root() => Some("needs root".to_owned()),
        Need::Program(program) if !is_installed(program) => {
            Some(format!("{program} is not installed"))
        }
        Need::Corpus if !setting.corpus.is_dir() => {
            Some(format!("no corpus at {} (MONBAN_CORPUS)", setting.corpus.display()))
        }
        Need::Moto if !crate::moto::program().is_file() => {
            let path = crate::moto::program().display().to_string();
            Some(format!("{path} is missing (pip install 'moto[server]', or MONBAN_MOTO)"))
        }
        Need::Monban if !setting.binary.is_file() => {
            Some(format!("{} is not built", setting.binary.display()))
        }
        _ => None,
    })
}
