//! Filters that read a log together find what each of them finds alone: those of the installed
//! fail2ban, over lines of all kinds.

use std::path::{Path, PathBuf};

use monban_fail2ban::config::{Complaints, Sourced, Version, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Reading, Texts, Together, Use, UseDns, When};

const NOW_S: i64 = 1_765_350_000;

/// The folder of the configuration, if it is there.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("MONBAN_FILTERS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from("/etc/fail2ban"));
    let is_there = folder.join("filter.d").is_dir();
    if !is_there {
        println!("left out: there is no {}", folder.display());
    }
    is_there.then_some(folder)
}

fn filter(folder: &Path, name: &str, zone: &Zone) -> Option<Filter> {
    let mut odd = Complaints::default();
    let spec = read_filter(folder, name, "auto", Version::default(), &mut odd).ok()?;
    let texts = |list: &[Sourced<String>]| -> Vec<String> {
        list.iter().map(|text| text.value.clone()).collect()
    };
    let (failregex, ignoreregex) = (texts(&spec.failregex), texts(&spec.ignoreregex));
    if failregex.is_empty() {
        return None;
    }
    let texts = Texts {
        prefregex: spec.prefregex.as_ref().map(|text| text.value.as_str()),
        failregex: &failregex,
        ignoreregex: &ignoreregex,
        maxlines: spec.maxlines.value as usize,
        usedns: UseDns::Warn,
    };
    let pattern = spec.datepattern.map(|text| text.value);
    let dates = DateFinder::new(pattern.as_deref(), NOW_S, zone.clone(), None).ok()?;
    Filter::new(&texts, dates, Use::default()).ok()
}

fn filters(folder: &Path, zone: &Zone) -> Vec<Filter> {
    let files = std::fs::read_dir(folder.join("filter.d")).expect("a folder").flatten();
    let names = files.filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names.iter().filter_map(|name| filter(folder, name, zone)).collect()
}

/// Lines in the order in which several logs would be written into one.
fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    let corpus = std::env::var_os("MONBAN_CORPUS").map(PathBuf::from);
    let corpus = corpus.unwrap_or_else(|| PathBuf::from("../../../shared/corpus"));
    let files = std::fs::read_dir(corpus.join("fail2ban/logs")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).filter(|f| f.is_file()).collect();
    files.sort();
    files.push(corpus.join("loghub/OpenSSH_2k.log"));
    for file in files {
        let text = std::fs::read(file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        lines.extend(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned));
    }
    if lines.is_empty() {
        println!("left out: the lines of MONBAN_CORPUS");
    }
    for number in 0..400_u32 {
        let text = match number % 8 {
            0 => "Dec 10 07:00:SS h sshd[7]: Failed password for root from 192.0.2.SS port 1 ssh2",
            1 => "192.0.2.SS - - [10/Dec/2025:07:00:SS +0000] \"GET /w00tw00t HTTP/1.1\" 404 1",
            2 => "[10/12/2025 07:00:SS] no date of a kind",
            3 => "h\u{e9} Dec 10 07:01:SS sshd[1]: Invalid user \u{e9} from 192.0.2.9",
            4 => "",
            5 => "2025-12-10 07:00:SS [1] 192.0.2.7 authentication failure",
            6 => "a line without a date, of 192.0.2.8 user root",
            _ => "Feb 30 07:00:SS h dovecot: auth failed rip=192.0.2.1, lip=192.0.2.2",
        };
        lines.push(text.replace("SS", &format!("{:02}", number % 60)));
    }
    // In another order, so that the forms of dates change from line to line.
    let mut chance = 7_u64;
    let mut mixed = lines.clone();
    for at in (1..mixed.len()).rev() {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        mixed.swap(at, (chance >> 33) as usize % (at + 1));
    }
    lines.extend(mixed);
    lines
}

/// Lines that are written now, most of them harmless, with failures of several lines between them.
fn lines_of_now() -> Vec<String> {
    let line = |number: usize| {
        let text = match number % 23 {
            1 => "Dec 10, 2025 7:00:SS AM org.slf4j.impl.JCLLoggerAdapter warn",
            2 if number.is_multiple_of(2) => "Dec 10 07:00:SS h kernel: between",
            3 => "WARNING: Authentication attempt from 192.0.2.SS for user \"x\" failed.",
            5 => "2025-12-10T07:00:SS.110+0000 [conn7] Failed to authenticate root@test with x",
            8 => "2025-12-10T07:00:SS.894+0000 [conn7] end connection 192.0.2.SS:53276 (0 now)",
            11 => {
                "Dec 10 07:00:SS h slapd[1]: conn=8 fd=18 ACCEPT from IP=192.0.2.SS:53 (IP=0:389)"
            }
            14 if !number.is_multiple_of(3) => "a line without a date",
            17 => "Dec 10 07:00:SS h slapd[1]: conn=8 op=0 RESULT tag=97 err=49 text=",
            19 => "192.0.2.SS - - [10/Dec/2025:07:00:SS +0000] \"GET / HTTP/1.1\" 200 1",
            20 if number.is_multiple_of(7) => {
                "Dec 10 09:00:SS h sshd[7]: Failed password for x from 192.0.2.1"
            }
            21 => "Dec 10 07:00:SS h sshd[7]: Invalid user x from 192.0.2.SS port 4",
            _ => "Dec 10 07:00:SS h systemd[1]: Started session.",
        };
        text.replace("SS", &format!("{:02}", number / 4 % 60))
    };
    (0..2300).map(line).collect()
}

fn told(reading: &Reading) -> String {
    format!("{:?} {:?}", reading.hits, reading.odd)
}

fn joined(filters: &mut [Filter]) -> Together {
    let mut members: Vec<(&mut Filter, usize)> =
        filters.iter_mut().enumerate().map(|(at, one)| (one, at % 2)).collect();
    Together::new(&mut members)
}

fn joined_as_kin(filters: &mut [Filter]) -> Together {
    Together::new(&mut filters.iter_mut().map(|one| (one, 0)).collect::<Vec<_>>())
}

/// Reads all lines both ways. Now and then one filter reads a line that the others do not. In what
/// of the lines is there without the corpus, hardly a failure may be.
fn compare(when: When, zone: &str, lines: &[String]) {
    let (Some(folder), Some(zone)) = (folder(), Zone::named(zone)) else { return };
    let (mut alone, mut shared) = (filters(&folder, &zone), filters(&folder, &zone));
    let mut together = joined(&mut shared);
    let (mut hits, mut parted, mut called) = (0, 0, 0);
    for (number, line) in lines.iter().enumerate() {
        let now = NOW_S + number as i64 / 50;
        let is_told = number.is_multiple_of(3);
        if (number + 1).is_multiple_of(97) {
            let at = number % shared.len();
            let expected = told(&alone[at].read_when(line, now, when));
            assert_eq!(told(&shared[at].read_when(line, now, when)), expected, "{line}");
            continue;
        }
        if together.look(line, now, when == When::Now).is_err() {
            parted += 1;
            together = joined(&mut shared);
            together.look(line, now, when == When::Now).expect("nothing has parted them");
        }
        called += together.called().len();
        for (at, filter) in alone.iter_mut().enumerate() {
            let expected = filter.read_when(line, now, when);
            hits += expected.hits.len();
            let is_odd = together.odd(at, now, when) == expected.odd;
            assert!(is_odd, "filter {at}: {line}");
            // A jail that has to tell what is odd reads the line, too.
            if together.called().contains(&at) || is_told && expected.odd.is_some() {
                let found = together.read(at, &mut shared[at], line, now, when);
                assert_eq!(told(&found), told(&expected), "filter {at}: {line}");
            } else {
                assert!(expected.hits.is_empty(), "filter {at} was not called: {line}");
            }
        }
    }
    println!("{hits} hits, {called} calls, put together again {parted} times");
    assert!((hits > 50 || lines.len() < 1_000) && parted > 0);
}

const RULE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

#[test]
fn filters_find_together_what_each_finds_alone() {
    compare(When::Now, RULE, &lines().into_iter().step_by(2).collect::<Vec<_>>());
}

#[test]
fn so_they_do_with_lines_of_before() {
    compare(When::Within(600), RULE, &lines().into_iter().step_by(5).collect::<Vec<_>>());
}

#[test]
fn so_they_do_with_lines_that_are_written_now() {
    compare(When::Now, "UTC", &lines_of_now());
}

#[test]
fn a_line_that_is_only_read_to_tell_of_its_time_is_kept_once() {
    let failregex = [r"^ other\n from <HOST>\n failed now altogether$".to_owned()];
    let texts = Texts { failregex: &failregex, maxlines: 3, ..Texts::default() };
    let dates = DateFinder::new(None, NOW_S, Zone::utc(), None).expect("no pattern");
    let mut filters = [Filter::new(&texts, dates, Use::default()).expect("a filter")];
    let mut together = joined(&mut filters);
    let mut hits = 0;
    for (line, is_read) in [
        ("Dec 10 07:00:00 before", false),
        ("Dec 10 07:00:00 other", false),
        ("Dec 10 09:00:00 from 192.0.2.1", true),
        ("Dec 10 07:00:01 failed now altogether", true),
    ] {
        together.look(line, NOW_S, true).expect("nothing has parted them");
        let is_odd = together.odd(0, NOW_S, When::Now).is_some();
        assert_eq!(!together.called().is_empty() || is_odd, is_read, "{line}");
        if is_read {
            hits += together.read(0, &mut filters[0], line, NOW_S, When::Now).hits.len();
        }
    }
    assert_eq!(hits, 1);
}

/// A filter that is called for each of the lines below, and finds a date anywhere in them.
fn of_openhab() -> Filter {
    let failregex = ["from <HOST>".to_owned()];
    let texts = Texts { failregex: &failregex, maxlines: 1, ..Texts::default() };
    let pattern = r"%d/%b[^/]*/%Y:%H:%M:%S %z";
    let dates = DateFinder::new(Some(pattern), NOW_S, Zone::utc(), None).expect("a pattern");
    Filter::new(&texts, dates, Use::default()).expect("a filter")
}

#[test]
fn a_date_that_stands_anywhere_is_looked_for_where_it_was() {
    let dates = [
        "10/Dec/2025:07:00:01 +0000",
        "10/Dec/2025:07:00:02 +0000",
        "9/Dec/2025:07:00:02 +00:00",
        "30/Feb/2025:07:00:02 +0000",
        "10/December/2025:07:00:03 Z",
        "\u{661}0/Dec/2025:07:00:04 +0000",
        "no date is in this place",
    ];
    let before =
        ["[", "192 - [", "1921 - [", "/usr/x [", "[09/Dec/2025:07:00:01 +0000] [", "1/J ["];
    let behind = ["]", "] 10/Dec/2025:07:00:09 +0000", "/"];
    let mut chance = 1_u64;
    let mut one_of = |list: &[&'static str]| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The first one more often, so that dates stand still for a while.
        let at = (chance >> 33) as usize % (list.len() * 3);
        list.get(at).copied().unwrap_or(list[0])
    };
    let mut parted = 0;
    for round in 0..20 {
        let (mut alone, mut shared) = ([of_openhab(), of_openhab()], [of_openhab(), of_openhab()]);
        let mut together = joined_as_kin(&mut shared);
        for number in 0..600 {
            let line =
                format!("{}{}{} from 192.0.2.1", one_of(&before), one_of(&dates), one_of(&behind));
            let read = |filter: &mut Filter| told_all(&filter.read_when(&line, NOW_S, When::Now));
            if number % 20 == 10 {
                assert_eq!(read(&mut shared[round % 2]), read(&mut alone[round % 2]));
                continue;
            }
            if together.look(&line, NOW_S, true).is_err() {
                parted += 1;
                together = joined_as_kin(&mut shared);
                together.look(&line, NOW_S, true).expect("nothing has parted them");
            }
            for (at, filter) in shared.iter_mut().enumerate() {
                let found = told_all(&together.read(at, filter, &line, NOW_S, When::Now));
                assert_eq!(found, read(&mut alone[at]), "{number} {line}");
            }
        }
        for (one, other) in alone.iter().zip(&shared) {
            assert!(one.dates().templates().eq(other.dates().templates()));
        }
    }
    assert!(parted >= 20, "{parted}");
}

#[test]
fn those_who_saw_dates_in_other_places_go_on_to_see_them_there() {
    let date = "[10/Dec/2025:07:00:01 +0000]";
    let left = format!("{date} from 192.0.2.1");
    let right = format!("{:28} {date} from 192.0.2.1", "");
    let both = format!("{date} {date} from 192.0.2.1");
    let mut filters = [of_openhab(), of_openhab()];
    let mut together = joined_as_kin(&mut filters);
    together.look(&left, NOW_S, true).expect("nothing has parted them");
    filters[0].read(&right, NOW_S);
    assert!(together.look(&both, NOW_S, true).is_err());
    together = joined_as_kin(&mut filters);
    for _ in 0..3 {
        together.look(&both, NOW_S, true).expect("nothing has parted them");
        for (at, start) in [(0, 30), (1, 1)] {
            let found = together.read(at, &mut filters[at], &both, NOW_S, When::Now);
            assert_eq!(found.date.map(|date| date.cut.0), Some(start));
        }
    }
}

fn told_all(reading: &Reading) -> String {
    format!("{reading:?}")
}
