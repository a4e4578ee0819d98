//! No line makes the search for its date panic, cut within a character or take long.

use std::time::{Duration, Instant};

use monban_fail2ban::dates::{DateFinder, Zone};
use proptest::prelude::*;

fn finder(pattern: Option<&str>) -> DateFinder {
    let zone = Zone::named("Australia/Lord_Howe").or_else(|| Zone::named("LHST-10:30LHDT-11"));
    DateFinder::new(pattern, 1_795_340_000, zone.expect("a zone"), None).expect("a pattern")
}

fn check(finder: &mut DateFinder, line: &str, now_s: i64) {
    if let Some(found) = finder.find(line, now_s) {
        assert!(line.get(found.cut.0..found.cut.1).is_some(), "{line:?} {found:?}");
        assert!(line.get(found.full.0..found.full.1).is_some(), "{line:?} {found:?}");
    }
}

/// Pieces of dates, so that most of a form is often there.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,4}",
        4 => "[-/.: ,T+@<>\\[\\](]",
        2 => proptest::sample::select(vec![
            "Jan", "feb", "Sep", "\u{17f}ep", "Mon", "fr\u{131}", "CET", "PDT", "UTC", "am", "PM",
            "audit(", "2005-01-23", "21:59:59", "23/Jan/2005", "1106513999", "@400000004",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
        1 => Just("\u{663}\u{1d7d9}".to_owned()),
        1 => "[\\x00-\\x20]{1,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_text_in_any_order(
        lines in prop::collection::vec(prop::collection::vec(piece(), 0..14), 1..8),
        now_s in prop_oneof![Just(i64::MIN), Just(i64::MAX), -1_i64..4_000_000_000],
        anchored in any::<bool>(),
    ) {
        let mut finder = finder(anchored.then_some("{^LN-BEG}"));
        for line in lines {
            check(&mut finder, &line.concat(), now_s);
        }
    }
}

/// Pieces of patterns.
fn pattern_piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "%",
        "%Y",
        "%ExY",
        "%b",
        "%%",
        "%Q",
        "{DATE}",
        "{EPOCH}",
        "{LEPOCH}",
        "{^LN-BEG}",
        "{UNB}",
        "{NONE}",
        "{DEFAULT}",
        "EPOCH",
        "TAI64N",
        "**",
        "(",
        ")",
        "(?",
        "(?i)",
        "(?iu)",
        "^",
        "$",
        "|",
        "\\",
        "\\b",
        "\\s",
        "[",
        "]",
        "a",
        "\u{e9}",
        "\u{131}",
        "\n",
        " ",
        "()",
        "(?:",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_pattern_is_refused_or_used(
        pattern in prop::collection::vec(pattern_piece(), 0..7),
        line in prop::collection::vec(piece(), 0..10),
    ) {
        let zone = Zone::utc();
        let finder = DateFinder::new(Some(&pattern.concat()), 1_795_340_000, zone, None);
        if let Ok(mut finder) = finder {
            check(&mut finder, &line.concat(), 1_124_013_600);
        }
    }
}

#[test]
fn lines_of_a_hundred_thousand_bytes_take_milliseconds() {
    let seeds = [
        "1",
        "12:",
        "audit(",
        "Jan ",
        "2005-01-23 ",
        "2005-01-23 21:59:59",
        " ",
        "[",
        "\u{663}",
        "2005-01-23 21:59:59 \t",
        "Jan 23 21:59:5",
        "zzz ",
        "+01 ",
        "23/Jan/2005",
        "@",
        "é",
        "audit(1106513999.",
        "mon jan ",
    ];
    for seed in seeds {
        for tail in ["", " 21:59:59"] {
            let line = seed.repeat(100_000 / seed.len()) + tail;
            for pattern in [None, Some("{^LN-BEG}"), Some("%Y-%m-%d %H:%M:%S")] {
                let mut finder = finder(pattern);
                let start = Instant::now();
                check(&mut finder, &line, 1_124_013_600);
                check(&mut finder, &line, 1_124_013_600);
                // Some 10 ms without optimisation; the rest is for a machine that is busy.
                assert!(start.elapsed() < Duration::from_secs(3), "{seed:?} {:?}", start.elapsed());
            }
        }
    }
}
