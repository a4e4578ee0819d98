//! Work on files that are there: a log of attacks, quiet logs, archives.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Instant;

use super::equal::{self, Failures, difference, grepped, is_multiple, scanned, without};
use super::log::{Made, pack};
use super::table::{Cost, Must, OURS};
use super::{Contender, Row, Setting, harmless};
use crate::part::Report;
use crate::usage::{Ends, measure};

/// One regex that finds four lines in five of an sshd log under attack, with the address. It is
/// what a person would write, without what would only make it slower: no names, no anchors.
const REGEX: &str = concat!(
    r"(?:Failed password for .* from |Invalid user .* from |authentication failure;.* rhost=",
    r"|Received disconnect from |Connection closed by )(\d+\.\d+\.\d+\.\d+)"
);

/// Weeks of archives.
const WEEKS: u64 = 60;

/// Fails unless monban finds whom a grep finds, and in many copies exactly that many times as
/// much; says how the peers' lists differ.
pub fn equal_work(report: &mut Report, setting: &Setting) -> io::Result<()> {
    let start = Instant::now();
    let copy = setting.source.repeat(&setting.folder.join("sshd-one.log"), 1)?;
    let ours = scanned(&setting.binary, &[&copy.path])?;
    let grep = grepped(&fs::read_to_string(&copy.path)?);
    println!("\n== equal work: the attackers of one copy of the log ({} lines)", copy.lines);
    println!("monban: {} attackers, {} failures", ours.len(), ours.values().sum::<u64>());
    println!("grep: {}", difference(&ours, &grep));
    if let Some(theirs) = equal::of_fail2ban(&setting.peers, &copy.path)? {
        println!("fail2ban-regex: {}", difference(&ours, &theirs));
    }
    if let Some(theirs) = equal::of_sshguard(&setting.peers, &copy.path)? {
        println!("sshguard: {}", difference(&ours, &theirs));
    }
    let missing = without(&grep, &ours);
    let mut verdict = match missing.first() {
        Some(first) => Err(format!("{} attackers of grep, such as {first}", missing.len())),
        None => Ok(()),
    };
    if let (Ok(()), Some(copies)) = (&verdict, setting.copies) {
        let all = scanned(&setting.binary, &[&setting.log.path])?;
        verdict = is_multiple(&ours, &all, copies);
        let holds = if verdict.is_ok() { "exactly" } else { "not" };
        println!("monban: failures of {copies} copies are {holds} {copies} times those of one");
    }
    report.judge("equal work", start.elapsed(), verdict);
    Ok(())
}

/// A whole log of attacks.
pub fn scan<'a>(_: &mut Report, setting: &'a Setting) -> io::Result<Row<'a>> {
    let log = &setting.log;
    let mut contenders = vec![contender(OURS, log, scan_of(setting, &[&log.path]))];
    let mut notes = vec![
        "rg only counts lines: it keeps no address, no date, no count and no decision.".to_owned(),
        format!("rg's regex: {REGEX}"),
    ];
    if let Some(rg) = &setting.peers.rg {
        let mut command = Command::new(rg);
        command.args(["-c", "-e", REGEX]).arg(&log.path);
        contenders.push(contender("rg -c, one regex", log, command));
    }
    if let Some(parser) = &setting.peers.sshguard_parser {
        let fewer = setting.beginning(setting.scaled(1_000_000))?;
        let input = fewer.path.clone();
        let command = Command::new(parser);
        contenders.push(Contender {
            who: "sshguard's parser",
            lines: fewer.lines,
            bytes: fewer.bytes,
            run: Box::new(move || {
                measure(&command, Ends { input: Some(&input), output: None }, &[0])
            }),
        });
        notes
            .push("sshguard's parser reads fewer lines, no dates, and decides nothing.".to_owned());
    }
    if let Some((regex, filter)) = &setting.peers.fail2ban_regex {
        let fewer = setting.beginning(setting.scaled(100_000))?;
        let mut command = Command::new(regex);
        command.arg(&fewer.path).arg(filter).env("TZ", "UTC");
        contenders.push(contender("fail2ban-regex", &fewer, command));
        notes
            .push("fail2ban-regex reads fewer lines, with one filter, and bans nobody.".to_owned());
    }
    Ok(Row {
        id: "scan",
        title: "a whole sshd log under attack, all shipped rules".to_owned(),
        contenders,
        musts: vec![
            Must { who: "rg -c, one regex", of: Cost::Cpu, at_most: 1.0 },
            Must { who: "rg -c, one regex", of: Cost::Wall, at_most: 0.6 },
        ],
        notes,
        found: Rc::default(),
    })
}

/// A quiet access log.
pub fn access<'a>(report: &mut Report, setting: &'a Setting) -> io::Result<Row<'a>> {
    let path = setting.folder.join("access.log");
    let log = harmless::access(&path, setting.scaled(2_000_000))?;
    quiet(report, setting, &log, "access", harmless::WEB_LITERALS)
}

/// A quiet syslog.
pub fn syslog<'a>(report: &mut Report, setting: &'a Setting) -> io::Result<Row<'a>> {
    let log = harmless::syslog(&setting.folder.join("syslog"), setting.scaled(2_000_000))?;
    quiet(report, setting, &log, "syslog", harmless::SYSLOG_LITERALS)
}

fn quiet<'a>(
    report: &mut Report,
    setting: &'a Setting,
    log: &Made,
    id: &'static str,
    literals: [&str; 4],
) -> io::Result<Row<'a>> {
    let start = Instant::now();
    let found = scanned(&setting.binary, &[&log.path])?;
    // In a short log not all of them have had their turn.
    let attacks = log.lines / harmless::ATTACK_EVERY;
    let expected: Failures = (0..attacks)
        .filter_map(|nth| harmless::attackers().get(usize::try_from(nth / 4).ok()? % 20).cloned())
        .map(|address| (address, 1))
        .collect();
    let verdict = if without(&expected, &found).is_empty() && without(&found, &expected).is_empty()
    {
        Ok(())
    } else {
        Err(difference(&found, &expected))
    };
    report.judge(&format!("{id}: attackers"), start.elapsed(), verdict);
    let mut contenders = vec![contender(OURS, log, scan_of(setting, &[&log.path]))];
    if let Some(rg) = &setting.peers.rg {
        let mut command = Command::new(rg);
        command.args(["-c", "-F"]);
        for literal in literals {
            command.args(["-e", literal]);
        }
        command.arg(&log.path);
        contenders.push(contender("rg -c, four literals", log, command));
    }
    let mut command = Command::new("wc");
    command.arg("-l").arg(&log.path);
    contenders.push(contender("wc -l", log, command));
    let attackers = expected.len();
    Ok(Row {
        id,
        title: format!(
            "one line in {} is an attack, of {attackers} addresses",
            harmless::ATTACK_EVERY
        ),
        contenders,
        musts: vec![Must { who: "rg -c, four literals", of: Cost::Cpu, at_most: 2.0 }],
        notes: vec![
            format!("rg's literals: {}", literals.join(", ")),
            "rg and wc skip what is not theirs; monban reads the head of every line.".to_owned(),
        ],
        found: Rc::default(),
    })
}

/// One large packed log.
pub fn archive<'a>(_: &mut Report, setting: &'a Setting) -> io::Result<Row<'a>> {
    let path = setting.folder.join("sshd.log.gz");
    let mut log = fs::File::open(&setting.log.path)?;
    pack(&path, |out| io::copy(&mut log, out))?;
    let made = Made { path: path.clone(), ..setting.log.clone() };
    packed(setting, "gz-one", "one packed log", &made, &[&path])
}

/// Many packed logs.
pub fn archives<'a>(_: &mut Report, setting: &'a Setting) -> io::Result<Row<'a>> {
    let made = setting.source.weekly(&setting.folder.join("weeks"), setting.log.lines, WEEKS)?;
    let paths: Vec<&Path> = made.iter().map(|one| one.path.as_path()).collect();
    let all = Made {
        path: setting.folder.clone(),
        lines: made.iter().map(|one| one.lines).sum(),
        bytes: made.iter().map(|one| one.bytes).sum(),
    };
    packed(setting, "gz-weeks", &format!("{WEEKS} weekly packed logs"), &all, &paths)
}

fn packed<'a>(
    setting: &'a Setting,
    id: &'static str,
    title: &str,
    all: &Made,
    paths: &[&Path],
) -> io::Result<Row<'a>> {
    let mut zcat = Command::new("sh");
    zcat.args(["-c", "zcat -- \"$@\" | wc -l", "sh"]).args(paths);
    let contenders =
        vec![contender(OURS, all, scan_of(setting, paths)), contender("zcat | wc -l", all, zcat)];
    Ok(Row {
        id,
        title: title.to_owned(),
        contenders,
        musts: vec![Must { who: "zcat | wc -l", of: Cost::Wall, at_most: 1.3 }],
        notes: vec!["zcat and wc are two processes side by side, and count lines only.".to_owned()],
        found: Rc::default(),
    })
}

fn scan_of(setting: &Setting, paths: &[&Path]) -> Command {
    let mut command = Command::new(&setting.binary);
    command.arg("scan").args(paths).env("TZ", "UTC");
    command
}

fn contender<'a>(who: &'static str, log: &Made, command: Command) -> Contender<'a> {
    let run = move || measure(&command, Ends::default(), &[0]);
    Contender { who, lines: log.lines, bytes: log.bytes, run: Box::new(run) }
}
