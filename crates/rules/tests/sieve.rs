//! No line that tells something falls through the sieve of its log.

// A test that cannot go on ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use monban_model::{Line, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, RuleText, Scratch, Seen, Service, ShapeName, Share, Sieve};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn shipped() -> RuleSet {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| RuleText {
        file: path.display().to_string(),
        text: std::fs::read_to_string(&path).unwrap(),
    };
    let mut texts: Vec<RuleText> = files.map(text).collect();
    texts.sort_by(|a, b| a.file.cmp(&b.file));
    RuleSet::compile_unchecked(&texts).unwrap()
}

/// The message as the lines of its service carry it, with the shape of the log.
fn lines_of(service: &Service, message: &[u8]) -> Vec<(Option<ShapeName>, Vec<u8>)> {
    let mut lines = Vec::new();
    for program in &service.programs {
        let program = program.replace('*', "x");
        for head in [
            format!("Nov 22 05:33:01 h {program}[12]: "),
            format!("2026-11-22T05:33:01Z h {program}: "),
            format!("<86>1 2026-11-22T05:33:01Z h {program} 12 - - "),
        ] {
            lines.push((None, [head.as_bytes(), message].concat()));
        }
    }
    lines.extend(service.shape.map(|shape| (Some(shape), message.to_vec())));
    lines
}

/// Examples of all rules and hostile lines, as they stand in logs of their form.
fn all_lines(rules: &RuleSet) -> Vec<(Option<ShapeName>, Vec<u8>)> {
    let mut lines = Vec::new();
    for service in rules.services() {
        let id = rules.service(&service.name).unwrap();
        let examples = service.rules.iter().flat_map(|rule| rule.sees.iter().chain(&rule.not));
        let mut messages: Vec<Vec<u8>> =
            examples.map(|example| example.message.clone().into_bytes()).collect();
        let share = Share { number: 0, of: 2_000 };
        let hostile = rules.hostile_lines(id, &rules.hostile_texts(id), share);
        messages.extend(hostile.into_iter().map(|line| line.message));
        messages.retain(|message| !message.contains(&b'\n'));
        lines.extend(messages.iter().flat_map(|message| lines_of(service, message)));
    }
    lines
}

/// A sieve for each form of log.
fn sieves(rules: &RuleSet) -> Vec<(Option<ShapeName>, Sieve<'_>)> {
    let shapes = [ShapeName::Access, ShapeName::NginxError, ShapeName::ApacheError].map(Some);
    let all = [None].into_iter().chain(shapes);
    all.map(|shape| (shape, rules.sieve(shape).expect("a sieve"))).collect()
}

/// Reads lines one by one, as a scan does.
struct OneByOne<'r> {
    rules: &'r RuleSet,
    clock: Clock,
    scratch: Scratch,
}

impl<'r> OneByOne<'r> {
    fn new(rules: &'r RuleSet) -> Self {
        let clock = Clock::new("UTC", Stamp::from_s(1_795_325_600)).unwrap();
        Self { rules, clock, scratch: Scratch::default() }
    }

    /// Whether the line has a sighting, or says that something happened again, in a log of this
    /// shape; lines of another form count for nothing there.
    fn tells(&mut self, shape: Option<ShapeName>, line: &[u8]) -> bool {
        let line = Line { bytes: line, source: SourceId(0), position: 0, arrival: Stamp(0) };
        let reading = self.rules.read(&line, &mut self.clock, &mut self.scratch);
        let own = match reading.seen {
            _ if !reading.program.is_empty() || reading.repeats_last => None,
            Seen::Foreign => return false,
            Seen::Known(id) | Seen::Unknown(id) => {
                self.rules.services().nth(usize::from(id.0)).unwrap().shape
            }
        };
        let again = reading.repeats_last || reading.times > 1;
        own == shape && (again || reading.sighting.is_some())
    }
}

#[test]
fn what_tells_something_is_found_behind_what_tells_nothing() {
    let rules = shipped();
    let sieves = sieves(&rules);
    let mut one_by_one = OneByOne::new(&rules);
    let (mut telling, mut passed) = (0, 0);
    let before = b"Nov 22 05:33:01 h x: y\n".repeat(3);
    for (shape, line) in all_lines(&rules) {
        let (_, sieve) = sieves.iter().find(|(of, _)| *of == shape).unwrap();
        let tells = one_by_one.tells(shape, &line);
        let log = [&before[..], &line, b"\n"].concat();
        match sieve.find(&log) {
            Some(at) => assert!(at >= before.len(), "{}", log.escape_ascii()),
            None => {
                assert!(!tells, "{}", line.escape_ascii());
                passed += 1;
            }
        }
        telling += usize::from(tells);
    }
    println!("{telling} lines tell something, {passed} others are passed over");
    assert!(telling > 1000 && passed > 1000);
}

/// Lines that surround the others, harmless and near misses.
const AROUND: [&str; 12] = [
    "Nov 22 05:33:01 h systemd[1]: Started Session 4 of user backup.",
    "Nov 22 05:33:01 h CRON[12]: pam_unix(cron:session): session opened for user root by (uid=0)",
    "Nov 22 05:33:01 h postfix/smtpd[12]: connect from host.example[192.0.2.1]",
    "Nov 22 05:33:01 h sshd[12]: Server listening on 0.0.0.0 port 22.",
    "Nov 22 05:33:01 h last message repeated 3 times",
    "Nov 22 05:33:01 h cron[1]: message repeated 3 times: [ x]",
    "{\"MESSAGE\":\"x\",\"SYSLOG_IDENTIFIER\":\"ss\\u0068d\"}",
    "192.0.2.1 - - [22/Nov/2026:05:33:01 +0900] \"GET / HTTP/1.1\" 200 612 \"-\" \"curl/8\"",
    "192.0.2.1 - - [22/Nov/2026:05:33:01 +0900] \"POST /x HTTP/1.1\" 302 0",
    "",
    "\r",
    "no form \" 404 warning: reject: sshd",
];

#[test]
fn of_lines_in_any_order_and_cut_anywhere_none_that_tells_something_is_passed_over() {
    let rules = shipped();
    let sieves = sieves(&rules);
    let lines = all_lines(&rules);
    let one_by_one = OneByOne::new(&rules);
    let any_line = (any::<prop::sample::Index>(), 0..AROUND.len() * 2, 0..200usize, 0..8u8);
    let logs = (0..sieves.len(), prop::collection::vec(any_line, 1..24));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let one_by_one = std::cell::RefCell::new(one_by_one);
    let run = runner.run(&logs, |(which, picks)| {
        let (shape, sieve) = &sieves[which];
        let of_form: Vec<_> = lines.iter().filter(|(of, _)| of == shape).collect();
        let mut log = Vec::new();
        for (index, around, at, how) in picks {
            let mut line = match AROUND.get(around) {
                Some(text) => text.as_bytes().to_vec(),
                None => index.get(&of_form).1.clone(),
            };
            match how {
                0 => line.truncate(at),
                1 => drop(line.drain(..at.min(line.len()))),
                2 => line.push(b'\r'),
                _ => {}
            }
            log.extend(line);
            log.push(b'\n');
        }
        let mut rest = &log[..];
        while !rest.is_empty() {
            let found = sieve.find(rest).unwrap_or(rest.len());
            let start = memchr::memrchr(b'\n', &rest[..found]).map_or(0, |end| end + 1);
            for passed in rest[..start].split(|byte| *byte == b'\n') {
                prop_assert!(
                    !one_by_one.borrow_mut().tells(*shape, passed),
                    "{}",
                    passed.escape_ascii()
                );
            }
            let end =
                memchr::memchr(b'\n', &rest[start..]).map_or(rest.len(), |end| start + end + 1);
            rest = &rest[end..];
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn lines_of_forms_that_hide_a_name_are_not_passed_over() {
    let rules = shipped();
    let sieve = rules.sieve(None).unwrap();
    for line in [
        &b"{\"MESSAGE\":\"x\"}\n"[..],
        b"Nov 22 05:33:01 h cron[1]: x\n{\"SYSLOG_IDENTIFIER\":\"ss\\u0068d\"}\n",
        b"h cron[1]: x\n<86>1 - h su 1 - - pam_unix(su:session): session closed for user root\n",
        b"h cron[1]: x\n<86>su: pam_unix(su:session): session closed for user root\n",
        b"Nov 22 05:33:40 h last message repeated 3 times\n",
    ] {
        assert!(sieve.find(line).is_some(), "{}", line.escape_ascii());
    }
    assert_eq!(sieve.find(b"Nov 22 05:33:01 h cron[1]: (root) CMD (result)\n"), None);
    for braces in 0..40 {
        let before = format!("h cron[1]: {}\n", "{".repeat(braces));
        assert_eq!(sieve.find(before.as_bytes()), None);
        let log = before + "{\"MESSAGE\":\"x\"}\nh cron[1]: x\n";
        assert_eq!(sieve.find(log.as_bytes()), Some(12 + braces));
    }
}

fn compiled(text: &str) -> RuleSet {
    let text = RuleText { file: "x.toml".to_owned(), text: text.to_owned() };
    RuleSet::compile_unchecked(&[text]).unwrap()
}

#[test]
fn rules_that_need_no_text_are_sought_by_their_programs() {
    let rules = compiled(
        "service = 'x'\nprograms = ['x']\n[[rule]]\nid = 'a'\nkind = 'login-failed'\n\
         regex = '^(?P<user>[^ ]+) no'\nsees = ['bob no => user=bob']\n",
    );
    let sieve = rules.sieve(None).unwrap();
    for head in ["Nov 22 05:33:01 h x[1]:", "<86>x:", "<86>1 - h x - - -", "<86>Nov 22 05:33:01 x:"]
    {
        let lines = format!("Nov 22 05:33:01 h y: bob no\n{head} bob no\n");
        assert!(sieve.find(lines.as_bytes()).is_some_and(|at| at > 28), "{head}");
        assert_eq!(sieve.find(format!("{head} bob yes\n").as_bytes()), None, "{head}");
    }
}

#[test]
fn rules_of_any_number_are_sought_by_their_programs_if_nothing_else_does() {
    let rules = |programs: &str, count| {
        let line = (0..count).map(|n| format!("'{n:03}: {{address}}'")).collect::<Vec<_>>();
        compiled(&format!(
            "service = 'x'\nprograms = [{programs}]\n[[rule]]\nid = 'a'\n\
             kind = 'login-failed'\nline = [{}]\nsees = ['000: 192.0.2.1']\n",
            line.join(", ")
        ))
    };
    let names = (0..80).map(|n| format!("'p{n}rogram'")).collect::<Vec<_>>().join(", ");
    for (rules, is_sought) in
        [(rules("'x*'", 40), true), (rules("'x*'", 80), true), (rules(&names, 80), false)]
    {
        let sieve = rules.sieve(None);
        assert_eq!(sieve.is_some(), is_sought);
        let Some(sieve) = sieve else { continue };
        let lines = b"Nov 22 05:33:01 h yz: 007: 192.0.2.1\nNov 22 05:33:01 h xy: 007: 192.0.2.1\n";
        assert!(sieve.find(lines).is_some_and(|at| at > 36));
    }
}
