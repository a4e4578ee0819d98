//! Filter patterns and messages that nobody means well with: nothing panics, what is promised
//! holds, and time grows with the length of the message.

use std::time::{Duration, Instant};

use monban_model::limits::LINE_MAX;
use monban_rules::{MetricPattern, MetricReader, MetricReading, MetricScratch, MetricSet, ValueOf};
use proptest::prelude::*;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// Pieces of the language, put together by chance.
fn piece() -> impl Strategy<Value = String> + Clone {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        " ",
        "  ",
        ",",
        "...",
        "&&",
        "||",
        "=",
        "!=",
        "<",
        ">=",
        "==",
        "$.",
        "$.a",
        "$.a[0]",
        "$.*",
        "$.a[*].b",
        "['x y']",
        "a",
        "ERROR",
        "\"",
        "\"a b\"",
        "\\\"",
        "%",
        "%a+%",
        "%[a-z]{,3}%",
        "?",
        "-",
        "?a",
        "-\"b\"",
        "*",
        "4*",
        "1",
        "-1.5e3",
        "1e999",
        "IS",
        "NULL",
        "TRUE",
        "NOT EXISTS",
        "IS NOT",
        "null",
        "\u{9580}",
        "\u{0}",
        "status",
        "|",
        "{2,}",
        "\\x4",
        "\\d",
        "^",
        "$",
    ];
    prop_oneof![
        9 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

fn pattern_text() -> impl Strategy<Value = String> + Clone {
    let some = prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat());
    prop_oneof![
        some.clone(),
        some.clone().prop_map(|inner| format!("{{ $.a = 1 && {inner} }}")),
        some.clone().prop_map(|inner| format!("{{ $.a {inner} }}")),
        some.clone().prop_map(|inner| format!("[a, {inner}]")),
        some.prop_map(|inner| format!("%{inner}%")),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> + Clone {
    let words = [
        "{", "}", "[", "]", ",", ":", "\"a\":", "\"a\"", "\"b\":1", "null", "true", "1", "-0.5e3",
        "ERROR", " ", "\t", "\n", "\"", "\\", "\\u0061", "\\ud800", "a", "x y", "404",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    let some = prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat());
    prop_oneof![
        some.clone(),
        some.prop_map(|inner| [&b"{\"a\":"[..], &inner, b"}"].concat()),
        Just(br#"{"a":{"b":[1,"x",null]},"c":true}"#.to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn nothing_panics_and_promises_hold(text in pattern_text(), message in message()) {
        let pattern = match MetricPattern::parse(&text) {
            Ok(pattern) => pattern,
            Err(error) => {
                prop_assert!(error.offset <= text.len(), "{error:?}");
                prop_assert!(text.is_char_boundary(error.offset), "{error:?}");
                return Ok(());
            }
        };
        let mut scratch = MetricScratch::default();
        let found = pattern.matches(&message, &mut scratch);
        // A scratch that was used for something else changes nothing.
        pattern.matches(b"{\"a\":[[[\"zzz\"]]] } x [y \"z\"", &mut scratch);
        prop_assert_eq!(pattern.matches(&message, &mut scratch), found);
        let needed = pattern.needed_text().map(<[u8]>::to_vec);
        if let Some(needed) = needed.filter(|_| found) {
            prop_assert!(memchr::memmem::find(&message, &needed).is_some());
        }
        let captures = pattern.captures(&message, &mut scratch);
        prop_assert_eq!(captures.is_some(), found);
        for (_, value) in captures.into_iter().flatten() {
            prop_assert!(value.len() <= message.len());
        }
        for trap in pattern.traps() {
            prop_assert!(!trap.code().is_empty());
            trap.values();
        }
        pattern.explain();
        // What is shown of it is the same pattern.
        let again = MetricPattern::parse(pattern.text()).unwrap();
        prop_assert_eq!(again.explain(), pattern.explain());
    }

    /// Metrics together say what each says by itself.
    #[test]
    fn a_set_reads_what_its_metrics_read(
        texts in prop::collection::vec(pattern_text(), 1..30),
        messages in prop::collection::vec(message(), 1..6),
    ) {
        let few = ["a", "\"x y\"", "ERROR", "{ $.a = * }", "{ $.* = x* }", "[a, ...]", "404 -1"];
        let all = texts.iter().map(String::as_str).chain(few);
        let default = |at: usize| at.is_multiple_of(3).then_some(0.5);
        let readers = all.filter_map(|text| MetricPattern::parse(text).ok()).enumerate();
        let readers = readers.filter_map(|(at, pattern)| {
            let value = if pattern.is_of_json() { "$.a" } else { "1" };
            MetricReader::new(pattern, ValueOf::parse(value).ok()?, default(at), &[]).ok()
        });
        let set = MetricSet::new(readers.collect());
        let mut scratch = MetricScratch::default();
        for message in &messages {
            let mut together = Vec::new();
            set.read(message, &mut scratch, &mut |number, reading| {
                together.push((number, format!("{reading:?}")));
            });
            let each = set.readers().iter().enumerate().filter_map(|(number, reader)| {
                match reader.read(message, &mut MetricScratch::default()) {
                    MetricReading::Nothing => None,
                    reading => Some((number, format!("{reading:?}"))),
                }
            });
            prop_assert_eq!(together, each.collect::<Vec<_>>());
        }
    }

    #[test]
    fn values_are_read_or_refused(text in "[$.0-9a-z\\[\\]*e+-]{0,12}", message in message()) {
        let Ok(value) = ValueOf::parse(&text) else { return Ok(()) };
        let mut scratch = MetricScratch::default();
        for pattern in ["", "{ $.a = * }", "[..., a]", "[a, b]"] {
            let pattern = MetricPattern::parse(pattern).unwrap();
            let Ok(reader) = MetricReader::new(pattern, value.clone(), None, &[]) else { continue };
            if let MetricReading::Value { value, .. } = reader.read(&message, &mut scratch) {
                prop_assert!(value.is_finite());
            }
        }
    }

    /// What is a JSON object is one for another reader as well, and the other way round. That one
    /// refuses what is no UTF-8, and half of a pair of surrogates.
    #[test]
    fn objects_are_what_another_reader_takes_for_them(message in message()) {
        let text = String::from_utf8_lossy(&message).replace("\\ud8", "\\u00");
        let pattern = MetricPattern::parse("{ $.nothing NOT EXISTS }").unwrap();
        let ours = pattern.matches(text.as_bytes(), &mut MetricScratch::default());
        let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        // Nor does it take numbers that no float holds.
        let is_large = |error: &serde_json::Error| error.to_string().contains("out of range");
        if !theirs.as_ref().is_err_and(is_large) {
            prop_assert_eq!(ours, theirs.is_ok(), "{:?} {:?}", text, theirs);
        }
    }

    /// The same answers as the engine gives to the expression itself.
    #[test]
    fn expressions_mean_what_they_say(
        text in r"(\^?([a-c.]|\[\^?[a-c]-?\]|\\[dswDSW.\[x-]|\\x6[1-3])([?*+]\??|\{[0-3]?,[2-4]?\})?\|?){1,6}\$?",
        messages in prop::collection::vec("[a-d0. \\-\\[x\n]{0,8}", 1..8),
    ) {
        let Ok(ours) = MetricPattern::parse(&format!("%{text}%")) else { return Ok(()) };
        let theirs = text.replace("{,", "{0,");
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let config = Regex::config().utf8_empty(false);
        let theirs = Regex::builder().syntax(syntax).configure(config).build(&theirs).unwrap();
        let mut scratch = MetricScratch::default();
        for message in &messages {
            let found = ours.matches(message.as_bytes(), &mut scratch);
            prop_assert_eq!(found, theirs.is_match(message.as_bytes()), "{} {:?}", text, message);
            if let Some(needed) = ours.needed_text().filter(|_| found) {
                prop_assert!(memchr::memmem::find(message.as_bytes(), needed).is_some());
            }
        }
    }
}

/// The shortest of some runs, so that other work on the machine counts little.
fn time(pattern: &MetricPattern, message: &[u8]) -> Duration {
    let mut scratch = MetricScratch::default();
    let run = |_| {
        let start = Instant::now();
        pattern.matches(message, &mut scratch);
        start.elapsed()
    };
    (0..5).map(run).min().unwrap_or_default()
}

#[test]
fn time_grows_with_the_length_of_the_message() {
    let many: Vec<String> = (0..170).map(|number| format!("t{number:x}")).collect();
    let dots: Vec<&str> = std::iter::repeat_n("a", 100).collect();
    let patterns = [
        many.join(" "),
        many.iter()
            .map(|term| format!("?{term}"))
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(1000)
            .collect(),
        "aaaaaaaaaaaaaaaaaaaaab".to_owned(),
        "%a{0,20}a{0,20}b%".to_owned(),
        "%a*a*a*a*a*a*a*a*b%".to_owned(),
        "[a = *a*a*a*a*a*a*b*, ...]".to_owned(),
        format!("[{}, ...]", (0..200).map(|n| format!("f{n}")).collect::<Vec<_>>().join(",")),
        "[..., last = b]".to_owned(),
        "{ $.* = \"zz\" || $.a[*] = \"zz\" || $.b[*].c NOT EXISTS }".to_owned(),
        format!("{{ $.{} = 1 }}", dots.join(".")),
        "{ $.n > 1e99 && $.n != 5 }".to_owned(),
    ];
    let repeat = |unit: &str, count: usize| unit.repeat(count / unit.len() + 1)[..count].to_owned();
    let messages = |bytes: usize| {
        let members: String = (0..bytes / 9).map(|n| format!("\"{:x}\":\"zz\",", n % 97)).collect();
        [
            repeat("a", bytes),
            repeat("[", bytes),
            repeat("\"", bytes),
            repeat("[ ", bytes),
            repeat("\"x ]y ", bytes),
            repeat("a ", bytes),
            format!("{{\"a\":{}", "[".repeat(bytes)),
            format!("{{\"a\":{}{}}}", "[".repeat(bytes / 2), "]".repeat(bytes / 2)),
            format!("{{\"n\":{}}}", "9".repeat(bytes)),
            format!("{{\"n\":1e{}}}", "9".repeat(bytes)),
            format!("{{\"a\":\"{}\"}}", "\\u0061".repeat(bytes / 6)),
            format!("{{{members}\"a\":1}}"),
            format!("{{\"a\":[{}1]}}", "1,".repeat(bytes / 2)),
        ]
    };
    let (short, long) = (messages(LINE_MAX / 8), messages(LINE_MAX));
    for text in patterns {
        let pattern = MetricPattern::parse(&text).unwrap();
        for (short, long) in short.iter().zip(&long) {
            let (brief, whole) =
                (time(&pattern, short.as_bytes()), time(&pattern, long.as_bytes()));
            // Eight times as long; quadratic would be 64 times. What is fast enough is not judged.
            let most = (brief * 32).max(Duration::from_millis(4));
            let begins = &long[..20];
            assert!(whole < most, "{text} on {begins}..: {brief:?}, then {whole:?}");
        }
    }
}

#[test]
fn a_regular_expression_cannot_be_made_large() {
    assert!(MetricPattern::parse("%[a-z]{1,200}%").is_ok());
    for text in ["%.{60000}%", "%\\w{9999}\\w{9999}%", "%a{99999}%"] {
        let error = MetricPattern::parse(text).unwrap_err();
        assert_eq!(error.message, "Failed to compile regular expression.", "{text}");
    }
}

#[test]
fn parentheses_are_bounded() {
    let nested = |depth: usize| format!("{{ {}$.a = 1{} }}", "(".repeat(depth), ")".repeat(depth));
    assert!(MetricPattern::parse(&nested(60)).is_ok());
    assert!(MetricPattern::parse(&nested(400)).is_err());
}

#[test]
fn odd_json_is_judged_as_it_is() {
    let mut scratch = MetricScratch::default();
    let deep = format!("{{\"a\":1,\"d\":{}{}}}", "[".repeat(7000), "]".repeat(7000));
    let wide = format!("{{\"w\":[{}0],\"a\":1}}", "0,".repeat(7000));
    for (pattern, message, expected) in [
        ("{ $.a = 1 }", deep.as_bytes(), true),
        ("{ $.a = 1 }", wide.as_bytes(), true),
        ("{ $.a = \"\u{fffd}x\" }", br#"{"a":"\ud800x"}"#, true),
        ("{ $.a = \"\u{fffd}x\" }", br#"{"a":"\udc00x"}"#, true),
        ("{ $.a = \"\u{1f600}\" }", br#"{"a":"\ud83d\ude00"}"#, true),
        ("{ $.a = x* }", b"{\"a\":\"x\xff\xfe\"}", true),
        ("{ $.b = 1 }", b"{\"a\":\"\xff\",\"b\":1}", true),
        ("{ $.a > 1 }", br#"{"a":1e999999999999999999999}"#, true),
        ("{ $.a < 1 }", br#"{"a":-1e999999999999999999999}"#, true),
        ("{ $.a = 0 }", br#"{"a":-0.0e-5}"#, true),
        ("{ $.a = 1 }", br#"{"\u0061":1}"#, true),
        ("{ $.a = 1 }", br#"{"a":1}garbage"#, false),
        ("{ $.a = 1 }", b"\xef\xbb\xbf{\"a\":1}", false),
        ("{ $.a = 2 }", br#"{"a":1,"a":2}"#, true),
        ("{ $.a.b = 1 }", br#"{"a":{"b":1},"a":{}}"#, false),
    ] {
        let compiled = MetricPattern::parse(pattern).unwrap();
        let shown = String::from_utf8_lossy(&message[..message.len().min(60)]);
        assert_eq!(compiled.matches(message, &mut scratch), expected, "{pattern} on {shown}");
    }
}
