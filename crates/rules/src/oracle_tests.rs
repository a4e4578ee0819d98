//! Random patterns and texts: the matcher says of each what a regular expression says.

use proptest::prelude::*;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use crate::linear::Linear;
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

/// The same with all variants of one prefix in one tree, as they are used.
fn read_merged(pattern: &str, text: &[u8]) -> bool {
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
    fronts.iter().any(|(prefix, front)| {
        text.starts_with(prefix) && front.matches(text, prefix.len(), &mut Captures::NONE.clone())
    })
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
}
