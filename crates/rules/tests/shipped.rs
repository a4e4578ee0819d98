//! The rule files that monban ships: each holds, and none of them reports an address that an
//! attacker typed.

use std::path::Path;

use monban_model::ServiceId;
use monban_rules::{RuleSet, RuleText, TYPED_ADDRESS};
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

/// Every pattern of every service, with texts in its fields that are put together from parts of
/// all patterns of that service.
#[test]
fn no_shipped_rule_reports_a_typed_address() {
    let set = set();
    let typed = TYPED_ADDRESS.parse().unwrap();
    for number in 0..set.services().count() {
        let service = ServiceId(number as u16);
        let pieces = set.hostile_texts(service);
        let text = prop::collection::vec(prop::sample::select(pieces), 1..4);
        let noise = prop::collection::vec(any::<u8>(), 0..20);
        let mut runner = TestRunner::new(Config::with_cases(24));
        let result = runner.run(&(text, noise), |(parts, noise)| {
            let text: Vec<u8> = [parts.concat(), noise].concat();
            for line in set.hostile_lines(service, &[text], 200) {
                let found = set.read_message(service, &line.message);
                let address = found.and_then(|found| found.address());
                prop_assert!(
                    address != Some(typed) && (address.is_none() || address == line.truth),
                    "`{}`, a line of rule {}, is read as about {:?}",
                    line.message.escape_ascii(),
                    set.services().nth(number).unwrap().rules[line.rule].id,
                    address
                );
            }
            Ok(())
        });
        if let Err(error) = result {
            panic!("{}: {error}", set.services().nth(number).unwrap().name);
        }
    }
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
