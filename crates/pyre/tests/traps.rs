//! Where Python's `re` and the crates for regular expressions differ in silence, one test each.
//! What is expected here is what CPython 3.11 answers, which is asked again where it is installed.
#![forbid(unsafe_code)]

mod oracle;

use std::sync::{LazyLock, Mutex, PoisonError};

use monban_pyre::{EngineKind, Options, Regex};
use oracle::{Oracle, in_chars};
use serde_json::{Value, json};

/// A pattern, a text, and the spans of all groups in characters.
type Case<'a> = (&'a str, &'a str, Value);

const NONE: Value = Value::Null;

/// Checks each case here and, where there is a python3, there.
fn check(options: Options, cases: &[Case]) {
    static ORACLE: LazyLock<Mutex<Option<Oracle>>> = LazyLock::new(|| Mutex::new(Oracle::start()));
    let mut oracle = ORACLE.lock().unwrap_or_else(PoisonError::into_inner);
    for (pattern, text, wanted) in cases {
        let regex = Regex::new(pattern, options).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        let found = regex.search(text).unwrap_or_else(|_| panic!("{pattern}: overrun"));
        let got = in_chars(text, &regex, found.as_ref());
        assert_eq!(got, *wanted, "{pattern:?} on {text:?}");
        if let Some(oracle) = &mut *oracle {
            let answer = oracle.ask(pattern, options, &[((*text).to_owned(), 0)]);
            assert_eq!(answer[0], *wanted, "CPython: {pattern:?} on {text:?}");
        }
    }
}

fn plain(cases: &[Case]) {
    check(Options::default(), cases);
}

fn ignoring_case(cases: &[Case]) {
    check(Options { ignore_case: true, ..Options::default() }, cases);
}

fn multiline(cases: &[Case]) {
    check(Options { multiline: true, ..Options::default() }, cases);
}

fn engine(pattern: &str) -> EngineKind {
    Regex::new(pattern, Options::default()).expect("it compiles").engine()
}

#[test]
fn r1_the_idle_look_behind_of_an_ipv6_address_stays_linear() {
    let ip6 = "(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))";
    assert_eq!(engine(ip6), EngineKind::Linear);
    // Where a round may end in something else, it says something.
    assert_eq!(engine("(?:a|:){1,7}(?<=:)b"), EngineKind::Backtracking);
    assert_eq!(engine("(?::)*(?<=:)b"), EngineKind::Backtracking);
    assert_eq!(engine("x(?<!:)b"), EngineKind::Linear);
    plain(&[
        (ip6, "from 2001:db8::1 port", json!([[5, 16], [5, 16]])),
        (ip6, "fe80::", json!([[0, 6], [0, 6]])),
        (ip6, ":", NONE),
        (ip6, "::", json!([[0, 2], [0, 2]])),
        (ip6, "1::: ", json!([[0, 4], [0, 4]])),
        ("(?:a|:){1,7}(?<=:)b", "a:ab:b", json!([[4, 6]])),
        ("x(?<!:)b", "xb", json!([[0, 2]])),
    ]);
}

#[test]
fn r2_escaped_angle_brackets_are_characters() {
    plain(&[(r"\<a\>", "<a>", json!([[0, 3]])), (r"\<a", "a", NONE), (r"a\>", "a", NONE)]);
}

#[test]
fn r3_a_repetition_may_leave_out_its_least_count() {
    plain(&[
        ("^a{,2}b", "aab", json!([[0, 3]])),
        ("^a{,2}b", "aaab", NONE),
        ("^a{,}b", "aaab", json!([[0, 4]])),
    ]);
}

#[test]
fn r4_brackets_and_doubled_signs_in_a_class_are_characters() {
    plain(&[
        ("[^[]+", "ab[", json!([[0, 2]])),
        ("[[]", "[", json!([[0, 1]])),
        ("[a&&b]+", "&a&b", json!([[0, 4]])),
        ("[+--]+", "+,-.", json!([[0, 3]])),
        ("[a~~b]+", "~b", json!([[0, 2]])),
        ("[a||b]+", "|a", json!([[0, 2]])),
        ("[[:alpha:]]", "a]", json!([[0, 2]])),
        ("[]x]+", "x]", json!([[0, 2]])),
        ("[^]x]+", "]ax", json!([[1, 2]])),
        ("[a-]+", "-a", json!([[0, 2]])),
        (r"[\w-]+", "a-b", json!([[0, 3]])),
    ]);
}

#[test]
fn r5_a_brace_that_repeats_nothing_is_a_character() {
    plain(&[
        ("{a", "{a", json!([[0, 2]])),
        ("a{", "a{", json!([[0, 2]])),
        ("a{}", "a{}", json!([[0, 3]])),
        ("a{1", "a{1", json!([[0, 3]])),
        ("a{1,b}", "a{1,b}", json!([[0, 6]])),
        ("a{x}", "a{x}", json!([[0, 4]])),
    ]);
}

#[test]
fn r6_a_condition_names_a_group() {
    plain(&[
        ("^(?P<q>\")?abc(?(q)\"|;)$", "\"abc\"", json!([[0, 5], [0, 1]])),
        ("^(?P<q>\")?abc(?(q)\"|;)$", "abc;", json!([[0, 4], null])),
        ("^(?P<q>\")?abc(?(q)\"|;)$", "\"abc;", NONE),
        ("^(a)?(?(1)b)$", "ab", json!([[0, 2], [0, 1]])),
        ("^(a)?(?(1)b)$", "", json!([[0, 0], null])),
    ]);
}

#[test]
fn a_dollar_stands_before_a_last_newline_too() {
    plain(&[
        ("a$", "a\n", json!([[0, 1]])),
        ("a$", "a", json!([[0, 1]])),
        ("a$", "a\n\n", NONE),
        ("a$", "a\nb", NONE),
        ("a$", "a\nb\na\n", json!([[4, 5]])),
        ("a$\n", "a\n", json!([[0, 2]])),
        (r"a\s*$", "a \n", json!([[0, 3]])),
        (r"a\s*?$", "a \n", json!([[0, 2]])),
        ("$", "", json!([[0, 0]])),
        ("$", "\n", json!([[0, 0]])),
        ("a$", "a\r\n", NONE),
    ]);
}

#[test]
fn a_capital_z_is_the_very_end() {
    plain(&[
        (r"a\Z", "a\n", NONE),
        (r"a\Z", "a", json!([[0, 1]])),
        (r"a\Z\Z", "ba", json!([[1, 2]])),
    ]);
}

#[test]
fn lines_end_at_newlines_only() {
    multiline(&[
        ("^b$", "a\nb\nc", json!([[2, 3]])),
        ("^b", "a\rb", NONE),
        ("^b", "a\u{2028}b", NONE),
        ("a$", "a\r\n", NONE),
        ("a$", "a\n\n", json!([[0, 1]])),
        ("^$", "a\n", json!([[2, 2]])),
        (r"\Ab", "a\nb", NONE),
        (r"a\Z", "a\nb", NONE),
    ]);
}

#[test]
fn a_dot_is_anything_but_a_newline() {
    plain(&[
        ("a.b", "a\nb", NONE),
        ("a.b", "a\rb", json!([[0, 3]])),
        ("a.b", "a\u{2028}b", json!([[0, 3]])),
        ("(?s)a.b", "a\nb", json!([[0, 3]])),
        ("(?s:a.)b.", "a\nb\n", NONE),
    ]);
}

#[test]
fn white_space_has_the_four_separators() {
    let spaces = "\x1c\x1d\x1e\x1f\u{85}\u{a0}\u{3000}\x0b\r";
    plain(&[(r"^\s+$", spaces, json!([[0, 9]])), (r"\S", spaces, NONE)]);
    plain(&[(r"\s", "\u{200b}", NONE), (r"(?a)\s", "\x1c", NONE), (r"(?a)\s", "\u{a0}", NONE)]);
}

#[test]
fn digits_and_words_are_unicodes() {
    plain(&[
        (r"^\d$", "٣", json!([[0, 1]])),
        (r"\d", "²", NONE),
        (r"^\w+$", "é²½Ⅷ中_", json!([[0, 6]])),
        // Letters and numbers only: no mark that combines, no other connector, no joiner.
        (r"\w", "\u{301}", NONE),
        (r"\w", "‿\u{200d}", NONE),
        (r"(?a)\w", "é", NONE),
        (r"(?a)\d", "٣", NONE),
    ]);
}

#[test]
fn word_edges_follow_the_words() {
    plain(&[
        (r"\bé", "aé é", json!([[3, 4]])),
        (r"a\b", "a\u{301}", json!([[0, 1]])),
        (r"a\b", "a²", NONE),
        (r"(?a)a\b", "aé", json!([[0, 1]])),
        (r"\b", "", NONE),
        (r"\B", "", NONE),
        (r"\B", "é", NONE),
        (r"\B", "-", json!([[0, 0]])),
        (r"(?a)\B", "é", json!([[0, 0]])),
    ]);
}

#[test]
fn letters_without_regard_to_case() {
    ignoring_case(&[
        ("k", "\u{212a}", json!([[0, 1]])),
        ("s", "ſ", json!([[0, 1]])),
        ("ſ", "S", json!([[0, 1]])),
        ("i", "İ", json!([[0, 1]])),
        ("İ", "i", json!([[0, 1]])),
        ("i", "ı", json!([[0, 1]])),
        ("ı", "I", json!([[0, 1]])),
        ("ß", "ẞ", json!([[0, 1]])),
        ("ß", "ss", NONE),
        ("µ", "Μ", json!([[0, 1]])),
        ("[ﬅ]", "ﬆ", json!([[0, 1]])),
        ("[^k]", "\u{212a}", NONE),
        ("[A-Z]", "ſ", json!([[0, 1]])),
        ("(?-i:k)", "K", NONE),
        ("(?a)k", "\u{212a}", NONE),
        (r"(ſ)\1", "ſS", NONE),
        (r"(k)\1", "k\u{212a}", json!([[0, 2], [0, 1]])),
    ]);
}

#[test]
fn a_loop_over_nothing_captures_as_in_cpython() {
    plain(&[
        ("(a*)*", "b", json!([[0, 0], [0, 0]])),
        ("(a*)*", "aa", json!([[0, 2], [2, 2]])),
        ("(a*)+", "aa", json!([[0, 2], [2, 2]])),
        ("(a|b*)*", "ab", json!([[0, 2], [2, 2]])),
        ("(?:|a)*", "aa", json!([[0, 0]])),
        ("(|a)*b", "aab", json!([[0, 3], [2, 2]])),
        ("(a??)*?b", "aab", json!([[0, 3], [1, 2]])),
        ("(?:a?){3}b", "aab", json!([[0, 3]])),
        ("(a?){2}", "a", json!([[0, 1], [1, 1]])),
        ("(a|)+?$", "aa", json!([[0, 2], [1, 2]])),
    ]);
    assert_eq!(engine("(a*)*"), EngineKind::Backtracking);
    assert_eq!(engine("(a*)?"), EngineKind::Linear);
}

#[test]
fn a_loop_keeps_what_an_earlier_round_captured() {
    plain(&[
        ("(?:(a)|b)*", "ab", json!([[0, 2], [0, 1]])),
        ("(?:(a)|(b))*", "ab", json!([[0, 2], [0, 1], [1, 2]])),
        ("(a|ab)(c|bcd)(d*)", "abcd", json!([[0, 4], [0, 1], [1, 4], [4, 4]])),
        ("(a)|b", "b", json!([[0, 1], null])),
        ("(?:(a)b)?a", "aa", json!([[0, 1], null])),
    ]);
}

#[test]
fn an_unset_group_is_not_found_again() {
    plain(&[
        (r"(a)?\1b", "b", NONE),
        (r"(a)?(?:\1)?b", "b", json!([[0, 1], null])),
        (r"(?:(a)|b\1)+", "bab", json!([[1, 2], [1, 2]])),
        (r"(?:(a)|b\1)+", "aba", json!([[0, 3], [0, 1]])),
        (r"(?P<x>a|b)c(?P=x)", "acb bcbc", json!([[4, 7], [4, 5]])),
        (r"()\1", "", json!([[0, 0], [0, 0]])),
    ]);
}

#[test]
fn conditions_in_loops_see_earlier_rounds() {
    plain(&[
        ("(?:(a)|(?(1)b|c))*", "cab", json!([[0, 3], [1, 2]])),
        ("(?:(?(1)b|(a)))+", "abb", json!([[0, 3], [0, 1]])),
        ("(?(1)a|b)(c)?", "bc", json!([[0, 2], [1, 2]])),
    ]);
}

#[test]
fn possessive_and_atomic_give_nothing_back() {
    plain(&[
        ("a*+a", "aaa", NONE),
        ("(?>a*)a", "aaa", NONE),
        ("(?>a|ab)c", "abc", NONE),
        ("a?+b", "ab", json!([[0, 2]])),
        ("(?:ab){1,2}+a", "ababab", json!([[0, 5]])),
        ("(?:a|ab)++c", "abc", NONE),
        ("[ab]{2,}+b", "abab", NONE),
        ("(?:a?)*+b", "aab", json!([[0, 3]])),
    ]);
}

#[test]
fn looks_around() {
    plain(&[
        ("a(?=b)", "ab", json!([[0, 1]])),
        ("a(?=(b))", "ab", json!([[0, 1], [1, 2]])),
        ("a(?!b)", "aba", json!([[2, 3]])),
        ("(?<=ab)c", "abc", json!([[2, 3]])),
        ("(?<!a)b", "abb", json!([[2, 3]])),
        ("(?<=é.)b", "éab", json!([[2, 3]])),
        ("(?!(a)b)a", "ac", json!([[0, 1], null])),
        (r"(a)(?<=\1)b", "ab", json!([[0, 2], [0, 1]])),
    ]);
}

#[test]
fn a_look_ahead_at_the_end_stays_linear() {
    assert_eq!(engine("a+(?=[ :]|$)"), EngineKind::Linear);
    assert_eq!(engine("a(?=b)|c(?![a-z])"), EngineKind::Linear);
    assert_eq!(engine("(a(?=b))"), EngineKind::Backtracking);
    plain(&[
        ("a+(?=[ :]|$)", "aab aa\n", json!([[4, 6]])),
        ("(a+)(?=(b)|c)", "aac", json!([[0, 2], [0, 2], null])),
        ("a(?=b)|c(?![a-z])", "acz c", json!([[4, 5]])),
        ("c(?!é)", "cé c", json!([[3, 4]])),
        ("c(?!d)", "c", json!([[0, 1]])),
        ("a*?(?=ab)", "aaab", json!([[0, 2]])),
    ]);
}

#[test]
fn characters_by_code() {
    plain(&[
        (r"\x41\u00e9\U0001f600", "Aé😀", json!([[0, 3]])),
        (r"\101\0a\012", "A\0a\n", json!([[0, 4]])),
        (r"[\101-\103\08]+", "B8\0", json!([[0, 3]])),
        (r"(a)\1", "aa", json!([[0, 2], [0, 1]])),
        (r"[\b]\a\f\v", "\x08\x07\x0c\x0b", json!([[0, 4]])),
        (r"\-\:\é", "-:é", json!([[0, 3]])),
    ]);
}

#[test]
fn a_verbose_pattern_skips_white_space_and_comments() {
    plain(&[
        ("(?x) a b # c\n [ #]+ \\ d", "ab # d", json!([[0, 6]])),
        ("(?x:a b) c", "ab c", json!([[0, 4]])),
        ("(?x)a(?-x: )b +", "a bb", json!([[0, 4]])),
        ("a(?#b)c", "ac", json!([[0, 2]])),
    ]);
}

#[test]
fn the_first_alternative_wins_and_the_leftmost_place() {
    plain(&[
        ("a|ab", "xab", json!([[1, 2]])),
        ("(a|ab)(c|bcd)?", "abcd", json!([[0, 4], [0, 1], [1, 4]])),
        ("b|a.*", "ab", json!([[0, 2]])),
        ("(.*?)(b|$)", "aab", json!([[0, 3], [0, 2], [2, 3]])),
    ]);
}

#[test]
fn a_search_from_within_sees_what_is_before() {
    let at = |pattern: &str, text: &str, start| {
        let regex = Regex::new(pattern, Options::default()).expect("it compiles");
        regex.search_at(text, start).expect("in bounds").and_then(|found| found.span(0))
    };
    assert_eq!(at("^b", "ab", 1), None);
    assert_eq!(at("(?<=a)b", "ab", 1), Some((1, 2)));
    assert_eq!(at(r"\bb", "ab", 1), None);
    assert_eq!(at("(?m)^b", "a\nb", 2), Some((2, 3)));
    assert_eq!(at("(?m)^(?=b)b", "a\nb", 2), Some((2, 3)));
    assert_eq!(at("(?m)^(?=b)b", "ab\nb", 1), Some((3, 4)));
    assert_eq!(at("$", "ab", 9), Some((2, 2)));
    assert_eq!(at("b|", "éb", 1), Some((2, 3)));
}
