//! What a filter makes of lines: connections, several lines, what is ignored, dates that carry on.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Id, Reading, Texts, Use, UseDns};

/// 2005-08-14T10:00:00Z.
const NOW: i64 = 1_124_013_600;

#[derive(Clone, Default)]
struct Made<'t> {
    prefregex: Option<&'t str>,
    failregex: &'t [&'t str],
    ignoreregex: &'t [&'t str],
    maxlines: usize,
    usedns: UseDns,
    all: bool,
}

impl Made<'_> {
    fn filter(&self) -> Filter {
        let own = |list: &[&str]| -> Vec<String> { list.iter().map(|t| (*t).to_owned()).collect() };
        let (failregex, ignoreregex) = (own(self.failregex), own(self.ignoreregex));
        let texts = Texts {
            prefregex: self.prefregex,
            failregex: &failregex,
            ignoreregex: &ignoreregex,
            maxlines: self.maxlines,
            usedns: self.usedns,
        };
        let dates = DateFinder::new(None, NOW, Zone::utc(), None).unwrap();
        match Filter::new(&texts, dates, Use { all: self.all }) {
            Ok(filter) => filter,
            Err(misfits) => panic!("{misfits:?}"),
        }
    }
}

fn who(reading: &Reading) -> Vec<String> {
    let name = |id: &Option<Id>| id.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    reading.hits.iter().map(|hit| name(&hit.id)).collect()
}

#[test]
fn the_first_expression_that_matches_is_the_one() {
    let made = Made { failregex: &["^ a <HOST>", "^ b <HOST>$", "<HOST>"], ..Made::default() };
    let mut filter = made.filter();
    let reading = filter.read("Aug 14 09:59:58 b 192.0.2.1", NOW);
    assert_eq!(who(&reading), ["192.0.2.1"]);
    assert_eq!(reading.hits[0].regex, 1);
    assert_eq!(reading.hits[0].time, Some(NOW - 2));
    assert_eq!(reading.hits[0].failure.attempts(), 1);
}

#[test]
fn addresses_are_read_as_the_system_reads_them() {
    let mut filter = Made { failregex: &["^<HOST>$"], ..Made::default() }.filter();
    for (text, id) in [
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.030.0.6", "192.030.0.6"),
        ("999.1.1.1", "999.1.1.1"),
    ] {
        assert_eq!(who(&filter.read(text, NOW)), [id], "{text}");
    }
    let reading = filter.read("attacker.example", NOW);
    assert_eq!(reading.hits[0].id, Some(Id::Name("attacker.example".to_owned())));
    let mut no = Made { failregex: &["^<HOST>$"], usedns: UseDns::No, ..Made::default() }.filter();
    assert!(no.read("attacker.example", NOW).hits.is_empty());
}

#[test]
fn the_old_name_of_the_group_still_names_who_failed() {
    let regex = r"^rip=(?P<host>\S*),";
    let mut filter = Made { failregex: &[regex], ..Made::default() }.filter();
    assert_eq!(who(&filter.read("rip=192.0.2.1, x", NOW)), ["192.0.2.1"]);
    let reading = filter.read("rip=attacker.example, x", NOW);
    assert_eq!(reading.hits[0].id, Some(Id::Name("attacker.example".to_owned())));
}

#[test]
fn a_prefix_hands_on_its_content_and_its_groups() {
    let made = Made {
        prefregex: Some("^svc <F-USER>\\w+</F-USER>: <F-CONTENT>.+</F-CONTENT>$"),
        failregex: &["^bad <HOST>$"],
        ..Made::default()
    };
    let mut filter = made.filter();
    let reading = filter.read("svc eve: bad 192.0.2.1", NOW);
    assert_eq!(reading.hits[0].failure.text("user"), Some("eve"));
    assert!(filter.read("other eve: bad 192.0.2.1", NOW).hits.is_empty());
}

#[test]
fn one_name_stands_in_for_another_that_is_empty() {
    let regex = "^(?:u=<F-USER>\\w+</F-USER>|a=<F-ALT_USER>\\w+</F-ALT_USER>) <HOST>$";
    let mut filter = Made { failregex: &[regex], ..Made::default() }.filter();
    for line in ["u=eve 192.0.2.1", "a=eve 192.0.2.1"] {
        assert_eq!(filter.read(line, NOW).hits[0].failure.text("user"), Some("eve"), "{line}");
    }
}

/// sshd's way: an address in one line, the failure in another, and a login that settles it.
const SESSION: &[&str] = &[
    "^<F-MLFID>\\d+</F-MLFID> <F-NOFAIL>from</F-NOFAIL> <HOST>$",
    "^<F-MLFID>\\d+</F-MLFID> wrong <F-USER>\\w+</F-USER>$",
    "^<F-MLFID>\\d+</F-MLFID> <F-MLFGAINED>in</F-MLFGAINED> as <F-USER>\\w+</F-USER>$",
    "^<F-MLFID>\\d+</F-MLFID> <F-NOFAIL><F-MLFFORGET>end</F-MLFFORGET></F-NOFAIL>$",
];

#[test]
fn a_failure_without_an_address_waits_for_its_connection() {
    let mut filter = Made { failregex: SESSION, ..Made::default() }.filter();
    assert!(filter.read("7 wrong root", NOW).hits.is_empty(), "nobody is known yet");
    let reading = filter.read("7 from 192.0.2.1", NOW);
    assert_eq!(who(&reading), ["192.0.2.1"], "a line that is no failure brings the address");
    assert_eq!(reading.hits[0].failure.attempts(), 2);
    assert_eq!(reading.hits[0].failure.text("user"), Some("root"));
    assert!(filter.read("8 from 192.0.2.2", NOW).hits.is_empty());
    assert_eq!(who(&filter.read("8 wrong eve", NOW)), ["192.0.2.2"]);
}

#[test]
fn a_login_settles_what_one_user_tried_and_not_what_several_did() {
    let mut filter = Made { failregex: SESSION, ..Made::default() }.filter();
    filter.read("7 wrong eve", NOW);
    assert!(filter.read("7 in as eve", NOW).hits.is_empty());
    assert!(filter.read("7 from 192.0.2.1", NOW).hits.is_empty(), "it was settled");
    filter.read("8 wrong root", NOW);
    filter.read("8 in as eve", NOW);
    assert_eq!(who(&filter.read("8 from 192.0.2.1", NOW)), ["192.0.2.1"], "two users were tried");
}

#[test]
fn connections_are_forgotten_when_they_end_or_are_old_or_too_many() {
    let mut filter = Made { failregex: SESSION, ..Made::default() }.filter();
    filter.read("7 wrong root", NOW);
    filter.read("7 end", NOW);
    assert!(filter.read("7 from 192.0.2.1", NOW).hits.is_empty());
    filter.read("8 wrong root", NOW);
    assert!(filter.read("8 from 192.0.2.1", NOW + 301).hits.is_empty());
    filter.read("9 wrong root", NOW);
    for n in 1000..1100 {
        filter.read(&format!("{n} wrong root"), NOW);
    }
    assert!(filter.read("9 from 192.0.2.1", NOW).hits.is_empty());
}

#[test]
fn an_ignoreregex_goes_first_only_where_there_are_few_of_them() {
    let few = Made {
        failregex: &["^a <HOST>", "^b <HOST>", "^c <HOST>", "^d <HOST>"],
        ignoreregex: &["192\\.0\\.2\\.1"],
        ..Made::default()
    };
    let mut filter = few.filter();
    assert_eq!(filter.read("nothing 192.0.2.1", NOW).ignored, Some(0), "before any expression");
    let many = Made { failregex: &["^a <HOST>"], ..few };
    let mut filter = many.filter();
    assert_eq!(filter.read("nothing 192.0.2.1", NOW).ignored, None, "only what matched");
    let reading = filter.read("a 192.0.2.1", NOW);
    assert!(reading.hits.is_empty() && reading.ignored == Some(0));
    assert_eq!(who(&filter.read("a 192.0.2.2", NOW)), ["192.0.2.2"]);
}

#[test]
fn several_lines_are_one_failure_and_skipped_ones_stay() {
    let made =
        Made { failregex: &["^from <HOST>$<SKIPLINES>^wrong$"], maxlines: 5, ..Made::default() };
    let mut filter = made.filter();
    for line in ["from 192.0.2.1", "from 192.0.2.2", "something"] {
        assert!(filter.read(line, NOW).hits.is_empty());
    }
    let reading = filter.read("wrong", NOW);
    assert_eq!(who(&reading), ["192.0.2.1"]);
    assert_eq!(reading.hits[0].failure.attempts(), 2, "its own two lines");
    assert_eq!(who(&filter.read("wrong", NOW)), ["192.0.2.2"], "the skipped line was kept");
}

#[test]
fn a_line_without_a_date_has_the_last_one_for_a_minute() {
    let mut filter = Made { failregex: &["^<HOST>$"], ..Made::default() }.filter();
    assert_eq!(filter.read("192.0.2.1", NOW).hits[0].time, None);
    filter.read("Aug 14 09:59:58 192.0.2.1", NOW);
    assert_eq!(filter.read("192.0.2.1", NOW).hits[0].time, Some(NOW - 2));
    assert_eq!(filter.read("192.0.2.1", NOW + 70).hits[0].time, None);
}

#[test]
fn every_expression_is_tried_in_a_test() {
    let made = Made { failregex: &["^a <HOST>", "<HOST>$", "^b"], all: true, ..Made::default() };
    let wrong = Filter::new(
        &Texts { failregex: &["^b".to_owned()], ..Texts::default() },
        DateFinder::new(None, NOW, Zone::utc(), None).unwrap(),
        Use::default(),
    );
    assert!(wrong.is_err(), "an expression that names nobody is refused");
    let made = Made { failregex: &made.failregex[..2], ..made };
    let mut filter = made.filter();
    let reading = filter.read("a 192.0.2.1", NOW);
    assert_eq!(reading.hits.iter().map(|hit| hit.regex).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(filter.costs()[0].searches, 1);
}

#[test]
fn hostile_lines_end_in_time_and_nothing_grows() {
    let mut filter = Made { failregex: SESSION, maxlines: 3, ..Made::default() }.filter();
    let long = "9".repeat(100_000);
    let started = std::time::Instant::now();
    for n in 0..20 {
        filter.read(&format!("{long}{n} wrong \u{fffd}\u{1b}[2J"), NOW);
        filter.read("\u{0}\n\r", NOW);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
