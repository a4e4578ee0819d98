//! `cargo xtask cost`: how many instructions a line takes, counted by valgrind, against bounds.
//! Times are noisy where others work too; instructions are not.

mod bounds;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::compare::harmless;
use crate::compare::log::{Made, Source};
use crate::fail2ban;
use crate::growth::written;
use crate::packages::is_installed;
use crate::part::Report;
use crate::usage::wrong;
use bounds::Bounds;

/// Lines of the shorter log; the longer has twice as many, so that all that is not for lines
/// falls out of the difference.
const LINES: u64 = 20_000;

/// How much more than its bound a path may cost.
const SLACK: f64 = 1.10;

/// What becomes of the table of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It stays as it is: for the gate.
    Nothing,
    /// The last figures are written.
    Figures,
    /// The figures become the bounds.
    Bounds,
}

/// The programs whose instructions are counted.
pub struct Programs {
    /// monban, built so that it does not lock itself: valgrind knows no seccomp.
    pub monban: PathBuf,
    /// The example `read` of the rules.
    pub read: PathBuf,
}

/// Something that is done with each line of a log.
struct Way {
    name: &'static str,
    what: &'static str,
    log: Log,
    work: Work,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    Sshd,
    Access,
    Syslog,
    /// Lines of ten rules that are written for it.
    Rules,
}

#[derive(Clone, Copy)]
enum Work {
    /// Rules alone.
    Read,
    /// `monban scan`: files, rules, engine, report.
    Scan,
    /// `monban scan` with so many rules more, all of the service of the lines.
    Rules(u64),
    /// `monban filter test` with a filter of fail2ban.
    Filter(&'static str),
}

const WAYS: &[Way] = &[
    Way { name: "read-sshd", what: "sshd attacked: rules", log: Log::Sshd, work: Work::Read },
    Way { name: "read-access", what: "nginx, quiet: rules", log: Log::Access, work: Work::Read },
    Way { name: "read-syslog", what: "syslog, quiet: rules", log: Log::Syslog, work: Work::Read },
    Way { name: "scan-sshd", what: "sshd attacked: scan", log: Log::Sshd, work: Work::Scan },
    Way { name: "scan-access", what: "nginx, quiet: scan", log: Log::Access, work: Work::Scan },
    Way { name: "scan-syslog", what: "syslog, quiet: scan", log: Log::Syslog, work: Work::Scan },
    Way { name: "rules-10", what: "scan, 10 rules", log: Log::Rules, work: Work::Rules(10) },
    Way {
        name: "rules-1000",
        what: "scan, 1,000 rules",
        log: Log::Rules,
        work: Work::Rules(1_000),
    },
    Way {
        name: "filter-sshd",
        what: "sshd attacked: fail2ban's filter sshd",
        log: Log::Sshd,
        work: Work::Filter("sshd"),
    },
];

/// Counts all ways and judges them.
pub fn run(report: &mut Report, folder: &Path, programs: &Programs, keep: Keep) {
    if !is_installed("valgrind") {
        report.leave_out("instructions", "valgrind is not installed");
        return;
    }
    if let Err(error) = all(report, folder, programs, keep) {
        report.judge("instructions", std::time::Duration::ZERO, Err(error.to_string()));
    }
}

fn all(report: &mut Report, folder: &Path, programs: &Programs, keep: Keep) -> io::Result<()> {
    println!("== instructions");
    fs::create_dir_all(folder)?;
    let config = fail2ban::corpus(report).join("fail2ban/config");
    let sshd = fail2ban::corpus(report).join("loghub/OpenSSH_2k.log");
    let mut bounds = Bounds::read(&report.root().join("benches/bounds.tsv"))?;
    for way in WAYS {
        let missing = match way.work {
            _ if way.log == Log::Sshd && !sshd.exists() => Some(&sshd),
            Work::Filter(_) if !config.exists() => Some(&config),
            _ => None,
        };
        if let Some(missing) = missing {
            report.leave_out(way.name, &format!("{} is missing", missing.display()));
            continue;
        }
        let start = Instant::now();
        let count = |lines: u64| -> io::Result<f64> {
            let log = folder.join("counted.log");
            let made = match way.log {
                Log::Sshd => Source::read(&sshd)?.repeat(&log, lines)?,
                Log::Access => harmless::access(&log, lines)?,
                Log::Syslog => harmless::syslog(&log, lines)?,
                Log::Rules => Made::of(&written::rules_log(&log, lines)?)?,
            };
            let mut command = command(report.root(), programs, way.work, &log, &config);
            if let Work::Rules(count) = way.work {
                let config = written::rules(&folder.join("rules"), count, true)?;
                command.arg("--config").arg(config);
            }
            Ok(instructions(&command)? as f64 / made.lines as f64)
        };
        // A filter takes so much that fewer lines tell as much.
        let lines = if matches!(way.work, Work::Filter(_)) { LINES / 10 } else { LINES };
        // Per line of the longer log: (2n * long - n * short) / n.
        let cost = 2.0 * count(2 * lines)? - count(lines)?;
        let verdict = bounds.judge(way.name, way.what, cost, SLACK);
        println!("{}", bounds.line(way.name));
        report.judge(
            way.name,
            start.elapsed(),
            if keep == Keep::Bounds { Ok(()) } else { verdict },
        );
    }
    match keep {
        Keep::Nothing => Ok(()),
        Keep::Figures => bounds.write(),
        Keep::Bounds => {
            bounds.accept();
            bounds.write()
        }
    }
}

fn command(root: &Path, programs: &Programs, work: Work, log: &Path, config: &Path) -> Command {
    let mut command;
    match work {
        Work::Read => {
            command = Command::new(&programs.read);
            command.arg(root.join("rules")).arg(log);
        }
        Work::Scan | Work::Rules(_) => {
            command = Command::new(&programs.monban);
            command.arg("scan").arg(log);
        }
        Work::Filter(name) => {
            command = Command::new(&programs.monban);
            command.args(["filter", "test", name]).arg(log).arg("--fail2ban").arg(config);
        }
    }
    command
}

/// All instructions of a process, of all its threads.
fn instructions(command: &Command) -> io::Result<u64> {
    let mut counted = Command::new("valgrind");
    counted.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    counted.arg(command.get_program()).args(command.get_args()).env("TZ", "UTC");
    let output = counted.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    // `filter test` ends with 1 where a line is not matched.
    if output.status.code().is_none_or(|code| code > 1) {
        return Err(wrong(format!("{counted:?}: {}: {told}", output.status)));
    }
    let line = told.lines().find_map(|line| line.split_once("Collected :"));
    let number = line.and_then(|(_, number)| number.trim().parse().ok());
    number.ok_or_else(|| wrong(format!("{counted:?} counted nothing: {told}")))
}
