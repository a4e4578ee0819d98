//! The rule files that monban ships: each holds, and none of them reports an address that an
//! attacker typed.

// A test that cannot go on ends.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use monban_model::{Kind, Line, ServiceId, SourceId, Stamp};
use monban_rules::{Clock, HostileLine, RuleSet, RuleText, Scratch, Share, TYPED_ADDRESS};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn shipped() -> Vec<RuleText> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let entries = std::fs::read_dir(&folder).expect("the folder of rule files");
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no rule file", folder.display());
    let read = |path: &std::path::PathBuf| RuleText {
        file: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

fn set() -> RuleSet {
    RuleSet::compile_unchecked(&shipped()).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    })
}

#[test]
fn shipped_rules_hold() {
    let problems = set().check();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// Every place of every pattern of every service, with texts in it that are put together from
/// parts of all patterns of that service.
#[test]
fn no_shipped_rule_reports_a_typed_address() {
    let set = set();
    for number in 0..set.services().count() {
        let service = ServiceId(number as u16);
        let pieces = set.hostile_texts(service);
        let text = prop::collection::vec(prop::sample::select(pieces), 1..4);
        let noise = prop::collection::vec(any::<u8>(), 0..20);
        let strategy = (text, noise);
        let places = set.hostile_places(service);
        let of = places.div_ceil(PLACES_A_CASE);
        let typed_into = RefCell::new(BTreeSet::new());
        for share in 0..of {
            let cases = CASES_A_PLACE.max(CASES_MIN.div_ceil(of as u32));
            let mut runner = TestRunner::new(Config::with_cases(cases));
            let result = runner.run(&strategy, |(parts, noise)| {
                let text: Vec<u8> = [parts.concat(), noise].concat();
                for line in set.hostile_lines(service, &[text], Share { number: share, of }) {
                    reports_no_typed_address(&set, service, &line)?;
                    typed_into.borrow_mut().insert(line.place);
                }
                Ok(())
            });
            if let Err(error) = result {
                panic!("{}: {error}", set.services().nth(number).unwrap().name);
            }
        }
        let name = &set.services().nth(number).unwrap().name;
        let typed_into = typed_into.into_inner().len();
        println!("{name}: typed into {typed_into} of {places} places");
        assert_eq!(typed_into, places, "{name}: places that nothing was typed into");
    }
}

/// Places that one case types into; the next ones take the others.
const PLACES_A_CASE: usize = 200;

/// Texts that are tried at each place, and for services with few places at least so many.
const CASES_A_PLACE: u32 = 6;
const CASES_MIN: u32 = 24;

fn reports_no_typed_address(
    set: &RuleSet,
    service: ServiceId,
    line: &HostileLine,
) -> Result<(), TestCaseError> {
    let address = set.read_message(service, &line.message).and_then(|found| found.address());
    prop_assert!(
        address != TYPED_ADDRESS.parse().ok() && (address.is_none() || address == line.truth),
        "`{}`, a line of rule {}, is read as about {:?}",
        line.message.escape_ascii(),
        set.services().nth(usize::from(service.0)).unwrap().rules[line.rule].id,
        address
    );
    Ok(())
}

#[test]
fn all_rules_are_compiled_in_time_for_the_start() {
    let texts = shipped();
    let start = std::time::Instant::now();
    let set = RuleSet::compile_unchecked(&texts);
    let taken = start.elapsed();
    println!("{} files in {taken:?}", texts.len());
    assert!(set.is_ok());
    // The start has 50 ms for everything, optimised; a debug build gets twenty times that.
    assert!(taken.as_millis() < 1000, "{taken:?}");
}

/// Lines as administrators showed them in articles: what they mean, and of which address.
#[test]
fn lines_from_articles_are_read_right() {
    let set = set();
    let cases = [
        (
            "Nov 26 08:23:07 ip-10-0-0-1 sshd[14178]: Accepted publickey for ec2-user from \
             10.0.0.167 port 52047 ssh2: RSA 00:11",
            Kind::LoginAccepted,
            Some("10.0.0.167"),
        ),
        (
            "Nov 26 08:23:07 ip-10-0-0-1 sshd[14178]: pam_unix(sshd:session): session opened for \
             user ec2-user by (uid=0)",
            Kind::SessionOpened,
            None,
        ),
        (
            "Nov 25 08:21:45 ip-10-0-0-1 sshd[14100]: Connection closed by 10.0.0.167 [preauth]",
            Kind::Probe,
            Some("10.0.0.167"),
        ),
        (
            "Nov 22 05:33:01 mx dovecot: pop3-login: Disconnected (auth failed, 1 attempts): \
             user=<x, rip=198.51.100.9, y>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.25",
            Kind::LoginFailed,
            Some("203.0.113.5"),
        ),
        (
            "Aug 10 14:25:01 main dovecot: pop3-login: Disconnected (auth failed, 1 attempts): \
             user=, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23",
            Kind::LoginFailed,
            Some("94.102.63.160"),
        ),
    ];
    for (text, kind, address) in cases {
        let (mut scratch, mut clock) = (Scratch::default(), clock());
        let reading = set.read(&line(text), &mut clock, &mut scratch);
        let sighting = reading.sighting.unwrap_or_else(|| panic!("not seen: {text}"));
        let address = address.map(|address| address.parse().unwrap());
        assert_eq!((sighting.kind, sighting.address), (kind, address), "{text}");
    }
    for text in [
        "Aug 10 14:25:01 main dovecot: pop3-login: Disconnected: Logged out user=<a> rip=192.0.2.1",
        "Aug 10 14:25:01 main dovecot: pop3(bob): Disconnected: Logged out top=0/0, retr=0/0, \
         del=0/0, size=0",
        "Nov 22 05:33:01 mx dovecot: pop3-login: Disconnected (no auth attempts in 1 secs): \
         user=<>, rip=203.0.113.5, lip=192.0.2.25, session=<a>",
    ] {
        let (mut scratch, mut clock) = (Scratch::default(), clock());
        let reading = set.read(&line(text), &mut clock, &mut scratch);
        let failed = reading.sighting.is_some_and(|sighting| sighting.kind.is_failure());
        assert!(!failed, "{text}");
    }
    // A HELO name that looks like the end of a reject line.
    let text = "Nov 22 05:33:01 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from \
                unknown[203.0.113.5]: 450 4.7.1 Client host rejected: cannot find your hostname, \
                [203.0.113.5]; from=<a@x.example> to=<b@mail.example> proto=ESMTP \
                helo=<[198.51.100.9]: 554>";
    let (mut scratch, mut clock) = (Scratch::default(), clock());
    let reading = set.read(&line(text), &mut clock, &mut scratch);
    let address = reading.sighting.and_then(|sighting| sighting.address);
    assert_eq!(address, Some("203.0.113.5".parse().unwrap()));
}

fn line(text: &str) -> Line<'_> {
    Line {
        bytes: text.as_bytes(),
        source: SourceId(0),
        position: 0,
        arrival: Stamp::from_s(1_795_325_600),
    }
}

fn clock() -> Clock {
    Clock::new("UTC", Stamp::from_s(1_795_325_600)).unwrap()
}
