//! Dates of each form: as they should be, nearly so, and hostile.

use monban_fail2ban::dates::{DateFinder, Found, Zone};

/// 2005-08-14T10:00:00Z, twelve o'clock in the zone of the tests.
const NOW_S: i64 = 1_124_013_600;
/// 2026-11-22: `%ExY` goes to 2029.
const REAL_NOW_S: i64 = 1_795_340_000;

fn finder(pattern: Option<&str>) -> DateFinder {
    let zone = Zone::named("CET-01CEST-02,M3.5.0,M10.5.0").expect("a zone");
    DateFinder::new(pattern, REAL_NOW_S, zone, None).expect("a pattern")
}

/// What is cut out of a line, and its moment.
fn cut(pattern: Option<&str>, line: &str) -> Option<(String, Option<i64>)> {
    let found = finder(pattern).find(line, NOW_S)?;
    Some((line[found.cut.0..found.cut.1].to_owned(), found.epoch))
}

/// The moment of the winter day that most forms are shown with: 2005-01-23T21:59:59 local.
const WINTER: i64 = 1_106_513_999;

#[test]
fn each_default_form_is_found_and_read() {
    let cases: &[(&str, &str, i64)] = &[
        ("2005-01-23 21:59:59 x", "2005-01-23 21:59:59", WINTER),
        ("[2005-01-23T21:59:59.981746+0300] x", "2005-01-23T21:59:59.981746+0300", WINTER - 7200),
        ("2005/01/23  21:59:59,5 Z x", "2005/01/23  21:59:59,5 Z", WINTER + 3600),
        ("2005.1.23 21:59:59", "2005.1.23 21:59:59", WINTER),
        ("Jan 23 21:59:59 x", "Jan 23 21:59:59", WINTER),
        ("sun JAN 23 21:59:59.011 2005 x", "sun JAN 23 21:59:59.011 2005", WINTER),
        ("Sun Jan 23 2005 21:59:59.011", "Sun Jan 23 2005 21:59:59.011", WINTER),
        ("23/01/2005 21:59:59", "23/01/2005 21:59:59", WINTER),
        ("x 23-01-05 21:59:59", "23-01-05 21:59:59", WINTER),
        ("192.0.2.1 - - [23/Jan/2005:21:59:59 +0100] \"x", "23/Jan/2005:21:59:59 +0100", WINTER),
        ("23-Jan-2005 21:59:59.252 x", "23-Jan-2005 21:59:59.252", WINTER),
        ("01/23/2005:21:59:59 x", "01/23/2005:21:59:59", WINTER),
        ("01-23-2005 21:59:59.252 x", "01-23-2005 21:59:59.252", WINTER),
        ("1106513999 x", "1106513999", WINTER),
        ("[1106513999.500] x", "1106513999.500", WINTER),
        ("type=A msg=audit(1106513999.123:55): x", "1106513999.123", WINTER),
        ("<01/23/05@21:59:59> x", "<01/23/05@21:59:59>", WINTER),
        ("050123 21:59:59 x", "050123 21:59:59", WINTER),
        ("050123  9:59:59 x", "050123  9:59:59", WINTER - 43_200),
        ("Jan 23, 2005 9:59:59 PM x", "Jan 23, 2005 9:59:59 PM", WINTER),
        ("Jan-23-05 21:59:59 x", "Jan-23-05 21:59:59", WINTER),
        ("20050123T215959Z x", "20050123T215959Z", WINTER + 3600),
        ("20050123 215959.5 x", "20050123 215959.5", WINTER),
        ("PST Jan 23 12:59:59 x", "PST Jan 23 12:59:59", WINTER),
        ("+00:00 Jan 23 20:59:59 x", "+00:00 Jan 23 20:59:59", WINTER),
        ("x @4000000041f41b8f2a6a1b2c y", "@4000000041f41b8f2a6a1b2c", 1_106_516_879),
        // A time alone: today, or yesterday if it would be ahead.
        ("11:59:59 x", "11:59:59", NOW_S - 1),
        ("12:00:01 x", "12:00:01", NOW_S + 1 - 86_400),
    ];
    for &(line, text, epoch) in cases {
        assert_eq!(cut(None, line), Some((text.to_owned(), Some(epoch))), "{line}");
    }
}

#[test]
fn a_year_that_is_missing_is_the_last_one_if_the_date_would_be_ahead() {
    let epoch = |line| cut(None, line).and_then(|(_, epoch)| epoch);
    assert_eq!(epoch("Aug 15 11:59:59 x"), Some(NOW_S + 86_399));
    assert_eq!(epoch("Aug 15 12:00:01 x"), Some(NOW_S + 86_401 - 365 * 86_400));
    assert_eq!(epoch("Dec 31 23:59:59 x"), Some(1_104_533_999));
    // 2005 had no February 29, and 2004's is not tried.
    assert_eq!(cut(None, "Feb 29 10:00:00 x"), Some(("Feb 29 10:00:00".into(), None)));
}

#[test]
fn what_looks_like_a_date_and_is_none_is_cut_without_a_moment() {
    for line in [
        "2005-02-30 10:00:00 x",
        "Apr 31 10:00:00 2005 x",
        "Jan 23 24:00:00 x",
        "2005-01-23 21:59:60 x",
        "2005-01-23 21:59:61 x",
        "00/01/2005 10:00:00 x",
    ] {
        if let Some((_, epoch)) = cut(None, line) {
            assert_eq!(epoch, None, "{line}");
        }
    }
}

#[test]
fn what_is_nearly_a_date_is_not_cut() {
    for line in [
        "",
        " ",
        "x",
        "2005-01-23",
        "1999-01-23 21:59:59 x",
        "2030-01-23 21:59:59 x",
        "2005-01/23 21-59:59 x",
        "Jam 23 21:59:59 x",
        "x12005-01-23 21:59:59",
        "110651399 x",
        "110651399912 x",
        "audit[1106513999:55]",
        "xaudit(1106513999:55)",
        "x 12:00:00",
        "@4000000041f41b8f2a6a1b2",
        "@4000000041F41B8F2A6A1B2C",
        "20051323T215959",
        "::::::::::::",
        "\u{663}\u{663}:\u{663}",
    ] {
        assert_eq!(cut(None, line), None, "{line}");
    }
}

#[test]
fn a_zone_that_nobody_knows_drops_the_line() {
    let found = finder(None).find("FOO Jan 23 21:59:59 x", NOW_S).expect("a date");
    assert!(found.stumbles && found.epoch.is_none());
    let found = finder(Some("%Y-%m-%d %z")).find("0001-01-01 +0100", NOW_S).expect("a date");
    assert!(found.stumbles && found.epoch.is_none());
}

#[test]
fn the_place_of_the_last_date_is_preferred() {
    let mut finder = finder(None);
    let mut find = |line: &str| {
        let found: Found = finder.find(line, NOW_S).expect("a date");
        line[found.cut.0..found.cut.1].to_owned()
    };
    let line = "192.0.2.1 [23/Jan/2005:21:59:59 +0100] \"GET /2005-01-23 21:59:59\"";
    for _ in 0..3 {
        assert_eq!(find(line), "23/Jan/2005:21:59:59 +0100");
    }
    // A stranger's date further right does not win over the one of the log.
    assert_eq!(
        find("192.0.2.1 [23/Jan/2005:21:59:59 +0100] \"2005-01-23 21:59:59"),
        "23/Jan/2005:21:59:59 +0100"
    );
    assert_eq!(find("2005-01-23 21:59:59 x"), "2005-01-23 21:59:59");
}

#[test]
fn hits_are_counted_and_move_a_template_to_the_front() {
    let mut finder = finder(None);
    assert_eq!(finder.templates().count(), 31);
    for _ in 0..3 {
        finder.find("23-Jan-2005 21:59:59 x", NOW_S);
    }
    let first = finder.templates().next().expect("a template");
    assert_eq!((first.hits, first.template), (3, 4));
    assert!(first.name.starts_with("{^LN-BEG}Day"));
}

#[test]
fn patterns_and_zones_that_cannot_be_are_refused_with_a_reason() {
    let zone = Zone::utc;
    for (pattern, zone_name) in
        [("%Q", None), ("(%Y", None), ("%Y\n%Y", None), ("%Y", Some("nowhere")), ("%", None)]
    {
        let Err(error) = DateFinder::new(Some(pattern), REAL_NOW_S, zone(), zone_name) else {
            panic!("{pattern} is accepted");
        };
        assert!(!error.to_string().is_empty());
    }
    let finder = DateFinder::new(None, REAL_NOW_S, zone(), Some("+02:00"));
    let found = finder.expect("a zone").find("2005-01-23 21:59:59", NOW_S);
    assert_eq!(found.and_then(|found| found.epoch), Some(WINTER + 3600 - 7200));
}

#[test]
fn lines_without_a_date_are_accepted_where_a_pattern_says_so() {
    let found = finder(Some("{NONE}")).find("anything", NOW_S).expect("a match");
    assert_eq!((found.cut, found.epoch, found.stumbles), ((0, 0), None, false));
    assert!(finder(Some("{NONE}")).find("", NOW_S).is_some_and(|found| found.stumbles));
    let found = finder(Some("^WARNING:()**\n{^LN-BEG}")).find("WARNING: x", NOW_S);
    assert_eq!(found.expect("a match").cut, (8, 8));
}

/// Runs itself again with another `TZ`, as a variable is read once.
#[test]
fn the_zone_of_the_process_may_be_a_rule() {
    const CHILD: &str = "MONBAN_TEST_ZONE_MOMENT";
    if let Ok(expected) = std::env::var(CHILD) {
        let zone = Zone::of_the_process();
        let mut finder = DateFinder::new(None, REAL_NOW_S, zone, None).expect("a finder");
        let found = finder.find("2005-01-23 21:59:59 x", NOW_S).expect("a date");
        assert_eq!(found.epoch.map(|epoch| epoch.to_string()), Some(expected));
        return;
    }
    for (zone, moment) in [
        ("CET-01CEST-02,M3.5.0,M10.5.0", WINTER),
        ("JST-9", WINTER - 8 * 3600),
        ("UTC0", WINTER + 3600),
        ("", WINTER + 3600),
    ] {
        let child = std::process::Command::new(std::env::current_exe().expect("a path"))
            .args(["--exact", "the_zone_of_the_process_may_be_a_rule"])
            .env("TZ", zone)
            .env(CHILD, moment.to_string())
            .output()
            .expect("it runs");
        assert!(child.status.success(), "{zone}: {}", String::from_utf8_lossy(&child.stdout));
    }
}
