//! Random patterns and texts: the matcher says of each what a regular expression says.

use proptest::prelude::*;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use crate::field::Slot;
use crate::linear::Linear;
use crate::number;
use crate::pattern::variants;
use crate::scan::Captures;
use crate::tree::{Front, Shared};

/// Parts of patterns and what they are as regular expressions. The bytes are few, so that fields
/// and literals meet often.
const PARTS: &[(&str, &str)] = &[
    ("{user}", ".*"),
    ("{text}", ".*"),
    ("{word}", "[^ ]+"),
    ("{method}", "[^ ]+"),
    ("{text:b}", "[^b]*"),
    ("{word:a}", "[^a]+"),
    ("{int}", "-?[0-9]+"),
    ("{name}", "[A-Za-z0-9._-]+"),
    ("{hex}", "[0-9a-f]+"),
    ("{quoted}", r#"(?:[^"\\]|\\.)*"#),
    ("a", "a"),
    ("b", "b"),
    (" ", " "),
    ("-", "-"),
    ("1", "1"),
    ("\"", "\""),
    ("\\\\", r"\\"),
    ("[a ]", "(?:a )?"),
    ("[ {int}]", "(?: -?[0-9]+)?"),
    ("(1|b {word}|)", "(?:1|b [^ ]+|)"),
];

fn read(pattern: &str, text: &[u8]) -> bool {
    let all = variants(pattern).unwrap();
    all.iter().any(|variant| {
        let linear = Linear::compile(variant).unwrap();
        let start = linear.prefix.len();
        let prefixed = text.starts_with(&linear.prefix);
        let mut front = Front::default();
        front.add(linear, &mut Shared::default());
        prefixed && front.matches(text, start, &mut Captures::NONE.clone())
    })
}

/// All variants of one prefix in one tree, as they are used.
fn merged(pattern: &str) -> Vec<(Vec<u8>, Front)> {
    let mut fronts: Vec<(Vec<u8>, Front)> = Vec::new();
    for variant in variants(pattern).unwrap() {
        let linear = Linear::compile(&variant).unwrap();
        match fronts.iter_mut().find(|(prefix, _)| **prefix == *linear.prefix) {
            Some((_, front)) => front.add(linear, &mut Shared::default()),
            None => {
                let prefix = linear.prefix.to_vec();
                let mut front = Front::default();
                front.add(linear, &mut Shared::default());
                fronts.push((prefix, front));
            }
        }
    }
    fronts
}

fn read_merged(pattern: &str, text: &[u8]) -> bool {
    merged(pattern).iter().any(|(prefix, front)| captured(prefix, front, text).is_some())
}

fn captured(prefix: &[u8], front: &Front, text: &[u8]) -> Option<Captures> {
    let mut captures = Captures::NONE;
    let fits = text.starts_with(prefix) && front.matches(text, prefix.len(), &mut captures);
    fits.then_some(captures)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_matcher_agrees_with_a_regular_expression(
        parts in prop::collection::vec(prop::sample::select(PARTS), 1..7),
        texts in prop::collection::vec("[ab1 \"\\\\-]{0,12}", 8),
    ) {
        let pattern: String = parts.iter().map(|(pattern, _)| *pattern).collect();
        prop_assume!(variants(&pattern).is_ok());
        let body: String = parts.iter().map(|(_, regex)| *regex).collect();
        let syntax = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true);
        let regex = Regex::builder().syntax(syntax).build(&format!("^(?:{body})$")).unwrap();
        for text in &texts {
            let expected = regex.is_match(text.as_bytes());
            prop_assert_eq!(read(&pattern, text.as_bytes()), expected, "{} on {}", pattern, text);
            prop_assert_eq!(read_merged(&pattern, text.as_bytes()), expected);
        }
    }

    #[test]
    fn another_number_at_the_end_is_read_alike_where_that_is_said(
        parts in prop::collection::vec(prop::sample::select(PARTS), 1..8),
        starts in prop::collection::vec("[ab1 \"\\\\-]{0,12}", 12),
        tail in "( [ab1\"\\\\:-]{0,3})?",
    ) {
        let pattern: String = parts.iter().map(|(pattern, _)| *pattern).collect();
        prop_assume!(variants(&pattern).is_ok());
        for (prefix, front) in merged(&pattern) {
            if !number::may_be_any(&prefix, &front) {
                continue;
            }
            for start in &starts {
                let place = start.len() + 1;
                let read = |number: &str| {
                    let text = format!("{start} {number}{tail}");
                    let captures = captured(&prefix, &front, text.as_bytes())?;
                    let span = |(slot, _)| captures.span(slot);
                    Some((captures.end_before(place), Slot::NAMED.map(span)))
                };
                let first = read("1");
                for number in ["7", "11", "60022", "1111111"] {
                    let other = read(number);
                    let (is, was) = (other.is_some(), first.is_some());
                    prop_assert_eq!(is, was, "{} on {} {}", pattern, start, number);
                    if let (Some((true, first)), Some((_, other))) = (first, other) {
                        prop_assert_eq!(first, other, "{} on {} {}", pattern, start, number);
                    }
                }
            }
        }
    }
}
