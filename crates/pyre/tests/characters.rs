//! Every character: what is a word, a digit, a space, and what is the same letter.
#![forbid(unsafe_code)]

mod oracle;

use monban_pyre::{Options, Regex};
use oracle::{Oracle, in_chars};
use regex_syntax::hir::{Class, HirKind};

/// The Unicode version of the oldest CPython with this syntax: newer characters are left out.
const AGE: &str = r"\p{age:14.0}";

fn old_enough(last: u32) -> Vec<char> {
    let hir = regex_syntax::parse(AGE).expect("an age");
    let HirKind::Class(Class::Unicode(set)) = hir.into_kind() else {
        panic!("a set");
    };
    let all = set.iter().flat_map(|range| range.start()..=range.end());
    all.take_while(|c| u32::from(*c) <= last).collect()
}

fn differences(
    oracle: &mut Oracle,
    pattern: &str,
    options: Options,
    chars: &[char],
) -> Vec<String> {
    let texts: Vec<(String, usize)> = chars.iter().map(|c| (c.to_string(), 0)).collect();
    let answer = oracle.ask(pattern, options, &texts);
    let regex = Regex::new(pattern, options).expect(pattern);
    let mut differences = Vec::new();
    for ((text, _), wanted) in texts.iter().zip(answer.as_array().expect("a list")) {
        let found = regex.search(text).expect("in bounds");
        let got = in_chars(text, &regex, found.as_ref());
        if got != *wanted {
            differences.push(format!("{pattern} on {text:?} ({:x?}): {got}", text.chars()));
        }
    }
    differences
}

#[test]
fn classes_have_cpythons_characters() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let chars = old_enough(0x1_ffff);
    let mut all = Vec::new();
    for pattern in [r"\w", r"\d", r"\s", "."] {
        all.extend(differences(&mut oracle, pattern, Options::default(), &chars));
    }
    assert!(all.is_empty(), "{} differ: {:.2000}", all.len(), all.join("\n"));
}

#[test]
fn letters_have_cpythons_cases() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let options = Options { ignore_case: true, ..Options::default() };
    let mut all = Vec::new();
    let known = old_enough(0x1_ffff);
    for &c in &known {
        let upper: Vec<char> = c.to_uppercase().collect();
        let mut family: Vec<char> = c.to_lowercase().chain(upper.iter().copied()).collect();
        family.extend(family.clone().iter().flat_map(|c| c.to_lowercase()));
        family.push('ſ');
        family.retain(|c| known.binary_search(c).is_ok());
        if family.iter().all(|other| *other == c || *other == 'ſ') {
            continue;
        }
        all.extend(differences(&mut oracle, &c.to_string(), options, &family));
        all.extend(differences(&mut oracle, &format!("[^{c}]"), options, &family));
    }
    assert!(all.is_empty(), "{} differ: {:.2000}", all.len(), all.join("\n"));
}
