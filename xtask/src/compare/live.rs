//! Lines that are written while a daemon watches.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::daemons::{Daemon, Plan, fail2ban, fail2ban_rs, monban, sshguard};
use super::equal::grepped;
use super::processes::{cpu_s, pss_kib};
use super::stamps::{Civil, now_s};
use super::table::{Cost, Must, OURS};
use super::{Contender, Row, Setting};
use crate::packages::{is_installed, is_root};
use crate::part::Report;
use crate::usage::{Usage, wrong};

/// The last one to attack: when he is banned, all before him was read.
const LAST: &str = "203.0.113.99";

/// How often he fails.
const LAST_LINES: u64 = 6;

/// Whoever has so many lines of failures within ten minutes is banned: at most three tell of one
/// attempt, and five attempts are enough.
const LINES_MAX: u64 = 15;

/// How long a daemon may take for its lines.
const WORK: Duration = Duration::from_secs(300);

/// Lines of a minute ago are read in another way than those of now.
const MADE_MAX_S: i64 = 30;

/// Lines that are written at once.
const CHUNK: u64 = 2_000;

/// It has no other part in the time of a line.
const PARSER: &str = "sshguard's parser";

/// Makes the plan of a daemon, with a folder and a log.
type Make = fn(&Setting, &Path, &Path) -> io::Result<Plan>;

/// Every daemon, and of sshguard the parser.
pub fn row<'a>(report: &mut Report, setting: &'a Setting) -> io::Result<Row<'a>> {
    let found = Rc::new(RefCell::new(Vec::new()));
    let mut contenders = Vec::new();
    let daemons: [(&'static str, u64, Make); 4] = [
        (OURS, 2_000_000, monban),
        ("fail2ban-rs", 500_000, fail2ban_rs),
        ("fail2ban", 50_000, fail2ban),
        (PARSER, 500_000, sshguard),
    ];
    if is_root() && is_installed("unshare") && is_installed("ip") {
        for (who, lines, make) in daemons {
            contenders.push(contender(setting, who, setting.scaled(lines), make, &found));
        }
    } else {
        report.leave_out("live", "only root makes network namespaces, with unshare and ip");
    }
    let must = |who, at_most| Must { who, of: Cost::Cpu, at_most };
    Ok(Row {
        id: "live",
        title: "the same lines, of this moment, through running daemons".to_owned(),
        contenders,
        musts: vec![
            must("fail2ban", 1.0 / 200.0),
            must(PARSER, 1.0 / 10.0),
            must("fail2ban-rs", 1.0 / 5.0),
            Must { who: OURS, of: Cost::PeakMib, at_most: 15.0 },
        ],
        notes: vec![
            "CPU: all processes of a daemon, from the first line until it is idle; start, end and \
             the making of the lines are not in it. Wall: until the last attacker is banned, with \
             up to 1 s of polling in fail2ban. Peak: PSS of all processes."
                .to_owned(),
            "monban: all shipped rules, engine, ledger; it observes. fail2ban: its sshd jail, an \
             action without commands, no DNS. fail2ban-rs: two expressions, the command `true`. \
             They have no rules for other services."
                .to_owned(),
            "sshguard's parser reads the pipe of `tail -F`, as in sshguard, but no dates, and decides \
             nothing; tail's time is not counted."
                .to_owned(),
        ],
        found,
    })
}

fn contender<'a>(
    setting: &'a Setting,
    who: &'static str,
    lines: u64,
    make: Make,
    found: &Rc<RefCell<Vec<String>>>,
) -> Contender<'a> {
    let found = Rc::clone(found);
    // As long as the lines of the corpus, but for numbers of processes.
    let bytes = setting.log.bytes * lines / setting.log.lines;
    let run = move || {
        let folder = setting.folder.join("live");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        let log = folder.join("auth.log");
        // A first line, as some take an empty file for one that was rotated.
        let first = format!("{} server rsyslogd: start\n", Civil::of(now_s()).syslog());
        fs::write(&log, first)?;
        let daemon = Daemon::start(make(setting, &folder, &log)?)?;
        let usage = feed(setting, &daemon, &log, lines)?;
        if who == OURS {
            // And the first line, which stood there when it started.
            check_read(setting, &folder, 1 + lines + LAST_LINES)?;
        }
        let banned = daemon.banned();
        let mut text = format!("{who}: {} addresses banned after {lines} lines", banned.len());
        if who == OURS {
            let due = check_banned(setting, &banned, lines)?;
            text += &format!(", all {due} whom a grep finds often enough among them");
        }
        // It bans nobody: it names each attack.
        if who != PARSER && !found.borrow().contains(&text) {
            found.borrow_mut().push(text);
        }
        Ok(usage)
    };
    Contender { who, lines, bytes, run: Box::new(run) }
}

fn feed(setting: &Setting, daemon: &Daemon, log: &Path, lines: u64) -> io::Result<Usage> {
    // Made before, as it is for the parser: on most machines whoever makes them would share a core
    // with the daemon, whose time would be the longer for it.
    let began_s = now_s();
    let starts = (0..lines).step_by(CHUNK as usize);
    let chunks = starts.map(|from| setting.source.of_now(from, CHUNK.min(lines - from)));
    let chunks: Vec<String> = chunks.collect();
    let took_s = now_s() - began_s;
    if took_s > MADE_MAX_S {
        return Err(wrong(format!(
            "made in {took_s} s, the lines are not of this moment any more"
        )));
    }
    let mut file = fs::File::options().append(true).open(log)?;
    let before = cpu_s(daemon.pid());
    let start = Instant::now();
    for chunk in &chunks {
        file.write_all(chunk.as_bytes())?;
    }
    let date = Civil::of(now_s()).syslog();
    for port in 1..=LAST_LINES {
        let text = format!("Failed password for root from {LAST} port {port} ssh2");
        writeln!(file, "{date} LabSZ sshd[{}]: {text}", 4_100_000 + port)?;
    }
    let mut peak_kib = 0;
    while !daemon.has_banned(LAST) {
        if start.elapsed() > WORK {
            return Err(wrong(format!("not done after {WORK:?}")));
        }
        peak_kib = peak_kib.max(pss_kib(daemon.pid()));
        sleep(Duration::from_millis(50));
    }
    let wall_s = start.elapsed().as_secs_f64();
    daemon.settle();
    peak_kib = peak_kib.max(pss_kib(daemon.pid()));
    let after = cpu_s(daemon.pid());
    Ok(Usage {
        user_s: after.0 - before.0,
        system_s: after.1 - before.1,
        wall_s,
        peak_kib: peak_kib as f64,
    })
}

/// Fails unless all are banned whom a grep finds often enough; says how many these are.
fn check_banned(setting: &Setting, banned: &[String], lines: u64) -> io::Result<usize> {
    let length = setting.source.len();
    let attackers = grepped(&setting.source.of_now(0, length));
    let is_due = |(_, failures): &(&String, &u64)| *failures * (lines / length) >= LINES_MAX;
    let due: Vec<&String> = attackers.iter().filter(is_due).map(|(address, _)| address).collect();
    match due.iter().filter(|address| !banned.contains(address)).collect::<Vec<_>>()[..] {
        [] => Ok(due.len()),
        [first, ..] => Err(wrong(format!(
            "monban did not ban {first}, of {} attackers whom a grep finds",
            due.len()
        ))),
    }
}

/// Fails unless monban itself says that it read every line.
fn check_read(setting: &Setting, folder: &Path, lines: u64) -> io::Result<()> {
    let mut command = Command::new(&setting.binary);
    command.args(["status", "--json", "--state"]).arg(folder.join("state"));
    command.arg("--config").arg(folder.join("monban.toml"));
    let text = String::from_utf8_lossy(&command.output()?.stdout).into_owned();
    let number = text.split_once("\"lines\":").map_or("", |(_, rest)| rest);
    let number = number.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    if number.parse() == Ok(lines) {
        return Ok(());
    }
    Err(wrong(format!("monban read `{number}` lines and not {lines}: {text}")))
}
