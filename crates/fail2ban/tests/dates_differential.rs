//! The dates that are found, against those of the installed fail2ban.
//!
//! `MONBAN_DATES_LINES` generated lines (default 8,000) and, where they are, the sample logs of
//! `MONBAN_FAIL2BAN_LOGS` (default `../shared/corpus/fail2ban/logs`), with the patterns of the
//! filters in `MONBAN_FAIL2BAN_CONFIG` (default `../shared/corpus/fail2ban/config`). Both sides
//! get the same lines in the same order, so what they learn from them must be the same, too.

mod made;
mod oracle;

use std::path::PathBuf;

use made::Maker;
use monban_fail2ban::dates::{DateFinder, Zone};
use oracle::{Answer, Order, Setting};

const RULE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

/// 2005-08-14T10:00:00Z, the time that the samples are read at.
const SAMPLES_NOW_S: i64 = 1_124_013_600;

fn real_now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("in range")
}

/// Our answers to the same orders.
fn ours(orders: &[Order]) -> Vec<Answer> {
    let mut finder: Option<DateFinder> = None;
    let answers = orders.iter().map(|order| match order {
        Order::New(setting) => {
            let zone = Zone::named(&setting.zone).expect("a zone");
            let (pattern, log_zone) = (setting.pattern.as_deref(), setting.log_zone.as_deref());
            match DateFinder::new(pattern, real_now_s(), zone, log_zone) {
                Ok(new) => {
                    let names = new.templates().map(|template| template.name.to_owned()).collect();
                    finder = Some(new);
                    Answer::Names(names)
                }
                Err(error) => {
                    finder = None;
                    Answer::Refused(error.message)
                }
            }
        }
        Order::Line { line, now_s } => {
            let Some(finder) = finder.as_mut() else { return Answer::Nothing };
            oracle::ours_of(line, finder.find(line, *now_s))
        }
    });
    answers.collect()
}

/// Compares all, shows the first differences, and counts them.
fn compare(orders: &[Order]) -> usize {
    let Some(theirs) = oracle::ask(orders) else { return 0 };
    let ours = ours(orders);
    let mut differences = 0;
    let mut setting = None;
    for ((order, ours), theirs) in orders.iter().zip(&ours).zip(&theirs) {
        if let Order::New(new) = order {
            setting = Some(new);
        }
        if !ours.equals(theirs) {
            differences += 1;
            if differences <= 20 {
                println!("{setting:?}\n{order:?}\n  ours   {ours:?}\n  theirs {theirs:?}");
            }
        }
    }
    let found = theirs.iter().filter(|answer| matches!(answer, Answer::Found { .. })).count();
    println!("{} orders, {found} dates found, {differences} differences", orders.len());
    assert_eq!(ours.len(), theirs.len());
    differences
}

fn setting(pattern: Option<&str>) -> Order {
    Order::New(Setting { pattern: pattern.map(str::to_owned), zone: RULE.into(), log_zone: None })
}

fn lines_wanted() -> usize {
    let text = std::env::var("MONBAN_DATES_LINES").unwrap_or_default();
    text.parse().unwrap_or(8_000)
}

#[test]
fn generated_lines_have_the_dates_that_fail2ban_finds() {
    let wanted = lines_wanted();
    let seed = std::env::var("MONBAN_DATES_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut maker = Maker::new(seed.unwrap_or(7));
    let (mut left, mut differences) = (wanted, 0);
    while left > 0 {
        let mut orders = Vec::new();
        let part = left.min(200_000);
        while orders.len() < part {
            orders.push(Order::New(maker.default_setting()));
            let lines = 1 + maker.below(400);
            let few = maker.below(3) > 0;
            let forms = maker.forms(if few { 3 } else { 40 });
            let mut now_s = maker.now_s();
            for _ in 0..lines {
                // A template that was not used for five minutes gives way to another one.
                now_s += i64::try_from(maker.below(60)).expect("a minute");
                orders.push(Order::Line { line: maker.line(&forms), now_s });
            }
        }
        left -= part;
        differences += compare(&orders);
    }
    assert_eq!(differences, 0);
}

#[test]
fn patterns_of_filters_find_what_fail2ban_finds() {
    let mut maker = Maker::new(11);
    let mut orders = Vec::new();
    for number in 0..(lines_wanted() / 200).max(made::PATTERNS.len()) {
        let (setting, mut forms) = maker.pattern(number);
        orders.push(Order::New(setting));
        if number % 3 == 0 {
            forms.append(&mut maker.forms(1));
        }
        let now_s = maker.now_s();
        for _ in 0..50 {
            orders.push(Order::Line { line: maker.line(&forms), now_s });
            let form = forms[maker.below(forms.len())];
            orders.push(Order::Line { line: maker.date(form), now_s });
        }
    }
    assert_eq!(compare(&orders), 0);
}

#[test]
fn odd_patterns_are_used_or_refused_as_by_fail2ban() {
    let mut maker = Maker::new(5);
    let mut orders = Vec::new();
    for _ in 0..lines_wanted().min(30_000) / 10 {
        orders.push(Order::New(maker.odd_pattern()));
        for form in ["%Y-%d %b a", "x%Y%H:%M", "%E x", " a%b%d - (%Y", "@4%X"] {
            orders.push(Order::Line { line: maker.date(form), now_s: SAMPLES_NOW_S });
        }
    }
    assert_eq!(compare(&orders), 0);
}

/// The folder of a variable, or its default beside the repository.
fn folder(variable: &str, default: &str) -> PathBuf {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/fail2ban");
    std::env::var_os(variable).map_or_else(|| PathBuf::from(shared).join(default), PathBuf::from)
}

/// The values of `datepattern` in the text of a filter, as far as they stand there literally.
fn patterns_of(text: &str) -> Vec<String> {
    let mut patterns: Vec<String> = Vec::new();
    let mut within = false;
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("datepattern = ") {
            patterns.push(value.to_owned());
            within = true;
        } else if within && line.starts_with(' ') {
            let last = patterns.last_mut().expect("one was pushed");
            *last = format!("{last}\n{}", line.trim());
        } else {
            within = false;
        }
    }
    patterns.retain(|pattern| !pattern.contains("%(") && !pattern.contains("<lt_"));
    patterns.iter().map(|pattern| pattern.replace("%%", "%")).collect()
}

#[test]
fn filters_find_the_dates_of_their_samples_as_fail2ban_does() {
    let logs = folder("MONBAN_FAIL2BAN_LOGS", "logs");
    let config = folder("MONBAN_FAIL2BAN_CONFIG", "config");
    let Ok(entries) = std::fs::read_dir(config.join("filter.d")) else {
        println!("left out: no filters in {}", config.display());
        return;
    };
    let mut maker = Maker::new(23);
    let mut orders = Vec::new();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "conf")) {
        let text = std::fs::read_to_string(path).expect("a readable filter");
        let sample = std::fs::read(logs.join(path.file_stem().unwrap_or_default()));
        let sample = String::from_utf8_lossy(&sample.unwrap_or_default()).into_owned();
        for pattern in patterns_of(&text) {
            orders.push(setting(Some(&pattern)));
            for line in sample.lines() {
                orders.push(Order::Line { line: line.to_owned(), now_s: SAMPLES_NOW_S });
            }
            let forms = maker.forms(8);
            for _ in 0..20 {
                orders.push(Order::Line { line: maker.line(&forms), now_s: SAMPLES_NOW_S });
            }
        }
    }
    assert_eq!(compare(&orders), 0);
}

#[test]
fn sample_logs_have_the_dates_that_fail2ban_finds() {
    let logs = folder("MONBAN_FAIL2BAN_LOGS", "logs");
    let Ok(entries) = std::fs::read_dir(&logs) else {
        println!("left out: no sample logs in {}", logs.display());
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut orders = Vec::new();
    let mut all = vec![setting(None)];
    for path in paths.iter().filter(|path| path.is_file()) {
        let bytes = std::fs::read(path).expect("a readable sample");
        let text = String::from_utf8_lossy(&bytes);
        for pattern in [None, Some("{^LN-BEG}")] {
            orders.push(setting(pattern));
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                orders.push(Order::Line { line: line.to_owned(), now_s: SAMPLES_NOW_S });
            }
        }
        for line in text.lines() {
            all.push(Order::Line { line: line.to_owned(), now_s: SAMPLES_NOW_S });
        }
    }
    orders.append(&mut all);
    assert_eq!(compare(&orders), 0);
}
