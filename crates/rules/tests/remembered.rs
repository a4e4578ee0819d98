//! What was read before changes nothing of what is read now: a message is remembered, also where
//! another number stands at its end.

// A test that cannot go on ends.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use monban_model::{Line, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, RuleText, Scratch};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn shipped() -> RuleSet {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| RuleText {
        file: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    let texts: Vec<_> = paths.iter().map(read).collect();
    RuleSet::compile_unchecked(&texts).unwrap()
}

/// All that is read of a line.
fn told(set: &RuleSet, line: &str, scratch: &mut Scratch) -> String {
    let mut clock = Clock::new("UTC", Stamp::from_s(1_795_325_600)).unwrap();
    let (bytes, source) = (line.as_bytes(), SourceId(0));
    let arrival = Stamp::from_s(1_795_325_600);
    let line = Line { bytes, source, position: 0, arrival };
    format!("{:?}", set.read(&line, &mut clock, scratch))
}

/// Messages of which some differ in a number only, and their lines' heads.
fn messages(set: &RuleSet) -> impl Strategy<Value = Vec<String>> + use<> {
    let mut all = Vec::new();
    for service in set.services().filter(|service| service.shape.is_none()) {
        let Some(program) = service.programs.first() else { continue };
        let program = program.replace('*', "/x");
        for rule in &service.rules {
            for example in rule.sees.iter().chain(&rule.not) {
                all.push((program.clone(), example.message.clone()));
            }
        }
    }
    assert!(all.len() > 500, "{}", all.len());
    let number = prop_oneof!["[0-9]{1,6}", "[0-9]{13,16}", "1", "22", "2222:", "0x1"];
    let words = ["", " ", "port", "ssh2", "from 192.0.2.9", "12 [preauth]", "7 7", "3 from", "a9"];
    let tail = (number.clone(), prop::sample::select(words.to_vec()), any::<bool>());
    let message = (prop::sample::select(all), prop::collection::vec(tail, 1..5), any::<u8>());
    message.prop_map(|((program, message), tails, way)| {
        let mut words: Vec<String> = message.split(' ').map(str::to_owned).collect();
        let digits = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
        let place = words.iter().rposition(digits).unwrap_or(words.len() - 1);
        let vary = |(number, extra, behind): (String, &str, bool)| {
            words[place] = number;
            let message = words.join(" ");
            let message = match (way % 3, behind) {
                (0, _) => message,
                (1, true) => format!("{message} {extra}"),
                (1, false) => format!("{extra} {message}"),
                _ => format!("{message}{extra}"),
            };
            format!("Nov 22 05:33:01 h {program}[12]: {message}")
        };
        tails.into_iter().map(vary).collect()
    })
}

#[test]
fn a_line_tells_the_same_whatever_was_read_before() {
    let set = shipped();
    let mut scratch = Scratch::default();
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let told = |lines: Vec<String>| {
        for line in lines.iter().chain(&lines) {
            let remembered = told(&set, line, &mut scratch);
            assert_eq!(remembered, told(&set, line, &mut Scratch::default()), "{line}");
        }
        Ok(())
    };
    let strategy = messages(&set);
    let told = std::cell::RefCell::new(told);
    TestRunner::new(config).run(&strategy, |lines| (told.borrow_mut())(lines)).unwrap();
}
