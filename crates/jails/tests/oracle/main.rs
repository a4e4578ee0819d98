//! The same failures at the same times lead to the same bans as in fail2ban's own classes.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use jiff::tz::TimeZone;
use monban_fail2ban::config::{Configuration, Reading};
use monban_fail2ban::dates::Zone;
use monban_jails::{Jails, News, Setup, Told};
use monban_model::{Line, SourceId, Stamp};

const PACKAGE: &str = "/usr/lib/python3/dist-packages/fail2ban/server/jail.py";

/// Random numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as i64
    }
}

fn jails(folder: &Path, options: &str, now: i64) -> Jails {
    fs::create_dir_all(folder.join("filter.d")).unwrap();
    fs::write(folder.join("filter.d/x.conf"), "[Definition]\nfailregex = ^ no <HOST>$\n").unwrap();
    let jail = format!(
        "[x]\nenabled = yes\nfilter = x\nlogpath = /a\nmaxmatches = 2\nignoreself = no\n{options}"
    );
    fs::write(folder.join("jail.conf"), jail).unwrap();
    let configuration = Configuration::read(folder, &Reading::default());
    let mut jails = Jails::new(Zone::utc(), TimeZone::UTC, 1, 1);
    let setup = Setup {
        configuration: &configuration,
        file: &|_| None,
        guards: false,
        now: Stamp(now * 1000),
    };
    let plan = jails.plan(&setup).unwrap();
    assert_eq!(plan.lacks, []);
    jails.set_up(plan);
    jails.take_news();
    jails
}

/// What happened, in fail2ban's words.
fn said(news: &News) -> Vec<String> {
    let Some(id) = news.id.as_ref() else { return Vec::new() };
    let one = match &news.told {
        Told::Banned { failures, .. } => {
            let given = format!("[x] Given {id}, failures {failures}");
            return vec![format!("[x] Ban {id}"), given];
        }
        Told::Freed(_) => format!("[x] Unban {id}"),
        Told::Already { .. } => format!("[x] {id} already banned"),
        Told::Expired => format!("[x] Ignore {id}, expired bantime"),
        Told::Increased { count, .. } => format!("[x] Increase Ban {id} ({count} #"),
        Told::Bad { bans, counts, enough, .. } => {
            let ban = if *enough { ", Ban" } else { "" };
            format!("[x] Found {id}, bad - {bans} # -> {counts}{ban}")
        }
        _ => return Vec::new(),
    };
    vec![one]
}

/// The same of what fail2ban says: dates, times and numbers with a point are left out.
fn cut(said: &str) -> String {
    if let Some((head, _)) = said.split_once(" # ").filter(|_| said.contains("Increase Ban")) {
        return format!("{head} #");
    }
    match said.split_once(", bad - ") {
        Some((head, rest)) => {
            let (_, counts) = rest.split_once(", ").unwrap();
            // Whether a ban follows is told from another number there.
            let counts = counts.replace(".0", "").replace(".5", "");
            format!("{head}, bad - {counts}")
        }
        None => said.to_owned(),
    }
}

fn oracle() -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/bans.py");
    let mut command = Command::new("/usr/bin/python3");
    command.arg(script).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

struct Case {
    maxretry: i64,
    findtime: i64,
    bantime: i64,
    extra: &'static [(&'static str, &'static str)],
}

const GROWING: &[(&str, &str)] = &[("increment", "true"), ("maxtime", "1h")];
const MULTIPLIED: &[(&str, &str)] = &[("increment", "true"), ("multipliers", "1 5 30")];

const CASES: &[Case] = &[
    Case { maxretry: 5, findtime: 600, bantime: 300, extra: &[] },
    Case { maxretry: 1, findtime: 10, bantime: 30, extra: &[] },
    Case { maxretry: 0, findtime: 10, bantime: 30, extra: GROWING },
    Case { maxretry: 3, findtime: 60, bantime: -1, extra: &[] },
    Case { maxretry: 8, findtime: 200, bantime: 60, extra: GROWING },
    Case { maxretry: 4, findtime: 900, bantime: 20, extra: MULTIPLIED },
];

fn options(case: &Case) -> String {
    let mut text = format!(
        "maxretry = {}\nfindtime = {}\nbantime = {}\n",
        case.maxretry, case.findtime, case.bantime
    );
    for (option, value) in case.extra {
        text.push_str(&format!("bantime.{option} = {value}\n"));
    }
    text
}

fn compare(case: &Case, seed: u64, steps: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut now = 1_700_000_000;
    let mut jails = jails(folder.path(), &options(case), now);
    let mut child = oracle();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    let extra: Vec<String> =
        case.extra.iter().map(|(option, value)| format!("[\"{option}\",\"{value}\"]")).collect();
    let setup = format!(
        "{{\"now\":{now},\"maxretry\":{},\"findtime\":{},\"bantime\":{},\"extra\":[{}]}}",
        case.maxretry,
        case.findtime,
        case.bantime,
        extra.join(",")
    );
    writeln!(to, "{setup}").unwrap();
    let mut dice = Dice(seed);
    let mut bans = 0;
    for step in 0..steps {
        now += if dice.below(10) == 0 { dice.below(case.findtime) } else { dice.below(4) };
        let time = now - if dice.below(5) == 0 { dice.below(2 * case.findtime) } else { 0 };
        let address = match dice.below(20) {
            0 => String::new(),
            number => format!("192.0.2.{}", number % 5),
        };
        writeln!(to, "[{now},{time},\"{address}\"]").unwrap();
        jails.tick(Stamp(now * 1000));
        if !address.is_empty() {
            let line = format!("{time} no {address}");
            let (bytes, arrival) = (line.as_bytes(), Stamp(now * 1000));
            jails.line("/a", &Line { bytes, source: SourceId(0), position: 0, arrival }, true);
        }
        let mut theirs = String::new();
        from.read_line(&mut theirs).unwrap();
        let theirs: Vec<String> = serde_json::from_str(&theirs).unwrap();
        let mut theirs: Vec<String> = theirs.iter().map(|one| cut(one)).collect();
        let news = jails.take_news();
        bans += news.iter().filter(|one| matches!(one.told, Told::Banned { .. })).count();
        let mut ours: Vec<String> = news.iter().flat_map(said).collect();
        // Several that end in the same second have no order.
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "step {step} of seed {seed}: {options}", options = options(case));
    }
    drop(to);
    child.wait().unwrap();
    bans
}

#[test]
fn bans_are_those_of_fail2ban() {
    if !Path::new(PACKAGE).exists() {
        return println!("left out: fail2ban is not installed");
    }
    let steps = std::env::var("MONBAN_STEPS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    for (number, case) in (1..).zip(CASES) {
        let bans = compare(case, 0x9e37_79b9 * number, steps);
        assert!(bans > 3, "{bans} bans");
        println!("{steps} steps, {bans} bans");
    }
}
