//! No line that tells something falls through the sieve of its log.

// A test that cannot go on ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use monban_model::{Line, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, RuleText, Scratch, Service, ShapeName, Share};

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

#[test]
fn what_tells_something_is_found_behind_what_tells_nothing() {
    let rules = shipped();
    let mut clock = Clock::new("UTC", Stamp::from_s(1_795_325_600)).unwrap();
    let mut scratch = Scratch::default();
    let (mut telling, mut passed) = (0, 0);
    let shapes = [ShapeName::Access, ShapeName::NginxError, ShapeName::ApacheError].map(Some);
    let sieves = [None].into_iter().chain(shapes).map(|shape| (shape, rules.sieve(shape)));
    let sieves: Vec<_> = sieves.collect();
    for service in rules.services() {
        let id = rules.service(&service.name).unwrap();
        let examples = service.rules.iter().flat_map(|rule| &rule.sees);
        let mut messages: Vec<Vec<u8>> =
            examples.map(|example| example.message.clone().into_bytes()).collect();
        let share = Share { number: 0, of: 2_000 };
        let hostile = rules.hostile_lines(id, &rules.hostile_texts(id), share);
        messages.extend(hostile.into_iter().map(|line| line.message));
        for message in messages.iter().filter(|message| !message.contains(&b'\n')) {
            for (shape, line) in lines_of(service, message) {
                let known = sieves.iter().find(|(of, _)| *of == shape);
                let sieve = known.and_then(|(_, sieve)| sieve.as_ref()).expect("a sieve");
                let text =
                    Line { bytes: &line, source: SourceId(0), position: 0, arrival: Stamp(0) };
                let tells = rules.read(&text, &mut clock, &mut scratch).sighting.is_some();
                let before = b"Nov 22 05:33:01 h x: y\n".repeat(3);
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
        }
    }
    println!("{telling} lines tell something, {passed} others are passed over");
    assert!(telling > 1000 && passed > 100);
}

#[test]
fn lines_of_forms_that_hide_a_name_are_not_passed_over() {
    let rules = shipped();
    let sieve = rules.sieve(None).unwrap();
    for line in [
        &b"{\"MESSAGE\":\"x\"}\n"[..],
        b"Nov 22 05:33:01 h cron[1]: x\n{\"SYSLOG_IDENTIFIER\":\"ss\\u0068d\"}\n",
        b"Nov 22 05:33:01 h cron[1]: x\n<86>1 - h su 1 - - y\n",
        b"Nov 22 05:33:40 h last message repeated 3 times\n",
    ] {
        assert!(sieve.find(line).is_some(), "{}", line.escape_ascii());
    }
    assert_eq!(sieve.find(b"Nov 22 05:33:01 h cron[1]: (root) CMD (result)\n"), None);
}
