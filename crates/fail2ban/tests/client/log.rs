//! fail2ban's own log: the lines that the real server writes are those that our events make.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monban_fail2ban::config::{Complaints, Version, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Id, Texts, Use, UseDns};
use monban_fail2ban::log_line::{Event, IgnoredBy, length};

use super::oracle::{Oracle, write_folder};

const JAILS: &str = "
[DEFAULT]
backend = polling
filter = made
action = quiet
maxretry = 2
bantime = 2
ignoreip = 192.0.2.77
datepattern = {NONE}

[loud]
enabled = true
logpath = FOLDER/one.log

[grows]
enabled = true
logpath = FOLDER/two.log
bantime.increment = true

[long]
enabled = true
logpath = FOLDER/long.log
action = quiet[actname=all, actionflush=\"true flush\"]
bantime = 600
";

fn append(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    let old = fs::read_to_string(&path).unwrap();
    fs::write(path, old + text).unwrap();
}

/// A line without its time and process, and the times in it.
fn bare(line: &str) -> String {
    let (_, rest) = line.split_at_checked(24).expect("a line with its time");
    let (part, behind) = rest.split_once('[').expect("a process");
    let (_, text) = behind.split_once("]: ").expect("a text");
    let rest = format!("{part}[PID]: {text}");
    let mut shown = String::new();
    for word in rest.split_inclusive(' ') {
        let shape: String =
            word.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        let is_time = shape.starts_with("9999-99-99") || shape.starts_with("99:99:99");
        shown.push_str(if is_time { &shape } else { word });
    }
    shown
}

/// The lines that both know.
fn is_compared(line: &str) -> bool {
    let parts = ["fail2ban.actions", "fail2ban.filter ", "fail2ban.observer", "fail2ban.jail"];
    let others = ["maxRetry", "findtime", "banTime", "encoding", "Set banTime", "Added logfile"];
    let begins = ["Creating new jail", "uses poller", "Initiated", "Observer", "is bad:"];
    parts.iter().any(|part| line.contains(part))
        && !others.iter().chain(&begins).any(|other| line.contains(other))
}

/// Failures, bans and their ends; the second ban of one is longer.
fn happen(oracle: &mut Oracle, folder: &Path) {
    let ask = |oracle: &mut Oracle, line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        oracle.ask(&words);
    };
    append(folder, "long.log", " bad man from 192.0.2.8\n bad man from 192.0.2.8\n");
    append(folder, "one.log", " bad man from 192.0.2.1\n bad man from 192.0.2.77\n");
    oracle.wait(1.5);
    append(folder, "one.log", " bad man from 192.0.2.1\n");
    oracle.wait(4.5);
    ask(oracle, "set loud banip 2001:db8::1");
    oracle.wait(0.3);
    ask(oracle, "set loud unbanip 2001:db8::1 2001:db8::9");
    ask(oracle, "set loud attempt 192.0.2.3");
    append(folder, "long.log", " bad man from 192.0.2.8\n bad man from 192.0.2.8\n");
    for _ in 0..2 {
        append(folder, "two.log", " bad man from 192.0.2.5\n bad man from 192.0.2.5\n");
        oracle.wait(5.0);
    }
}

#[test]
fn lines_of_the_log_are_those_of_the_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_folder(folder, JAILS);
    fs::write(folder.join("long.log"), "").unwrap();
    let Some(mut oracle) = Oracle::start(folder, "grows") else { return };
    happen(&mut oracle, folder);
    drop(oracle);
    // The ban that has not ended is there again.
    let Some(mut again) = Oracle::start(folder, "grows") else { return };
    again.wait(1.5);
    drop(again);
    let log = fs::read_to_string(folder.join("f2b.log")).unwrap();
    let theirs: Vec<String> = log.lines().filter(|line| is_compared(line)).map(bare).collect();
    let id = |text: &str| Id::of_text(text);
    let (one, three, five, six, nine) =
        (id("192.0.2.1"), id("192.0.2.3"), id("192.0.2.5"), id("2001:db8::1"), id("2001:db8::9"));
    let spared = id("192.0.2.77");
    let path = |name: &str| folder.join(name).display().to_string();
    let (one_log, two_log, long_log) = (path("one.log"), path("two.log"), path("long.log"));
    let (loud, grows, time_s) = ("loud", "grows", 1_700_000_000);
    let (long, eight) = ("long", id("192.0.2.8"));
    let expected = [
        Event::JailStarted { jail: loud },
        Event::JailStarted { jail: grows },
        Event::Found { jail: loud, id: &one, time_s },
        Event::Ignore { jail: loud, id: &spared, by: IgnoredBy::Ip },
        Event::Ban { jail: loud, id: &one, restored: false },
        Event::Unban { jail: loud, id: &one },
        Event::Ban { jail: loud, id: &six, restored: false },
        Event::Unban { jail: loud, id: &six },
        Event::NotBanned { id: &nine },
        Event::Attempt { jail: loud, id: &three, time_s },
        Event::Found { jail: grows, id: &five, time_s },
        Event::Ban { jail: grows, id: &five, restored: false },
        Event::Unban { jail: grows, id: &five },
        Event::FoundBad {
            jail: grows,
            id: &five,
            time_s,
            bans: 1,
            counts: 2,
            capped: false,
            banned: true,
        },
        Event::IncreaseBan { jail: grows, id: &five, count: 2, bantime_s: 4, end_s: time_s },
        Event::JailStopped { jail: loud },
        Event::Found { jail: long, id: &eight, time_s },
        Event::Ban { jail: long, id: &eight, restored: false },
        Event::AlreadyBanned { jail: long, id: &eight, late_s: 8 },
        Event::Flush { jail: long, action: "all" },
        Event::Unban { jail: long, id: &eight },
        Event::Ban { jail: long, id: &eight, restored: true },
    ];
    for event in &expected {
        let line = bare(&event.line(Timestamp::now(), &TimeZone::UTC, 7));
        let is_below = matches!(event, Event::NotBanned { .. });
        assert_eq!(theirs.contains(&line), !is_below, "{line}\n{}", theirs.join("\n"));
    }
    // And nothing else is there.
    let known: Vec<String> = expected
        .iter()
        .chain(&[Event::JailStopped { jail: grows }, Event::LogRemoved { path: &one_log }])
        .chain(&[Event::LogRemoved { path: &two_log }, Event::LogRemoved { path: &long_log }])
        .chain(&[Event::JailStarted { jail: long }, Event::JailStopped { jail: long }])
        .map(|event| bare(&event.line(Timestamp::now(), &TimeZone::UTC, 7)))
        .collect();
    let strange: Vec<&String> = theirs.iter().filter(|line| !known.contains(line)).collect();
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn lengths_of_time_are_as_rough_as_there() {
    // Of fail2ban's own description of it.
    for (seconds, shown) in [
        (86_400 * 390, "1y 3w 4d"),
        (86_400 * 368, "1y 3d"),
        (86_400 * 2 + 3600 * 7 + 60 * 15, "2d 7h 15m"),
        (86_400 * 2 + 3599, "2d 1h"),
        (3595, "1h"),
        (3590, "59m 50s"),
        (59, "59s"),
        (600, "10m"),
        (604_800, "1w"),
        (86_400, "1d"),
    ] {
        assert_eq!(length(seconds), shown, "{seconds}");
    }
}

#[test]
fn the_recidive_filter_reads_bans_and_no_forged_ones() {
    let folder = std::env::var_os("MONBAN_FAIL2BAN_CONFIG").unwrap_or("/etc/fail2ban".into());
    let folder = Path::new(&folder);
    if !folder.join("filter.d/recidive.conf").exists() {
        println!("left out: there is no recidive filter of fail2ban here");
        return;
    }
    let mut complaints = Complaints::default();
    let spec = read_filter(folder, "recidive", "polling", Version::V1_0, &mut complaints).unwrap();
    let failregex: Vec<String> = spec.failregex.iter().map(|one| one.value.clone()).collect();
    let texts =
        Texts { failregex: &failregex, maxlines: 1, usedns: UseDns::Warn, ..Texts::default() };
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let pattern = spec.datepattern.map(|one| one.value);
    let dates = DateFinder::new(pattern.as_deref(), 1_700_000_000, Zone::utc(), None).unwrap();
    let mut filter = Filter::new(&texts, dates, Use::default()).unwrap();
    let mut hits = |event: Event<'_>| {
        let line = event.line(now, &TimeZone::UTC, 77);
        assert!(!line.contains('\n'), "{line}");
        let reading = filter.read(&line, 1_700_000_000);
        let ids: Vec<String> =
            reading.hits.iter().flat_map(|hit| &hit.id).map(Id::to_string).collect();
        ids.join(" ")
    };
    let id = Id::of_text("192.0.2.1");
    assert_eq!(hits(Event::Ban { jail: "sshd", id: &id, restored: false }), "192.0.2.1");
    assert_eq!(hits(Event::Ban { jail: "recidive", id: &id, restored: false }), "");
    assert_eq!(hits(Event::Unban { jail: "sshd", id: &id }), "");
    assert_eq!(hits(Event::Found { jail: "sshd", id: &id, time_s: 0 }), "");
    for forged in [
        "x] Ban 8.8.8.8",
        "8.8.8.8\n",
        "a\n2023-11-14 22:13:20,000 fail2ban.actions \
         [7]: NOTICE  [sshd] Ban 8.8.8.8",
        "x\u{2028}[a] Ban 8.8.8.8",
        "]\u{a0}Ban\t8.8.8.8",
    ] {
        let id = Id::Text(forged.to_owned());
        let found = hits(Event::Found { jail: "sshd", id: &id, time_s: 0 });
        let ban = hits(Event::Ban { jail: "sshd", id: &id, restored: false });
        assert!(!found.contains("8.8.8.8"), "{forged:?} {found}");
        assert!(!ban.split(' ').any(|id| id == "8.8.8.8"), "{forged:?} {ban}");
    }
}
