//! Patterns and texts that are made to hurt: everything ends, soon, and says so.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use monban_model::limits::{REGEX_DEPTH_MAX, REGEX_GROUPS_MAX, REGEX_TEXT_MAX};
use monban_pyre::{EngineKind, Error, Hint, Options, Regex};

/// Far more than any search may take, for builds without optimisation on busy machines.
const BOUND: Duration = Duration::from_secs(5);

fn compiled(pattern: &str) -> Result<Regex, Error> {
    Regex::new(pattern, Options::default())
}

fn message(pattern: &str) -> String {
    compiled(pattern).expect_err(pattern).to_string()
}

fn hint(pattern: &str) -> Option<Hint> {
    compiled(pattern).expect_err(pattern).hint
}

/// Searches, and says how long it took and whether the bound was reached.
fn timed(pattern: &str, text: &str) -> (Duration, bool) {
    let regex = compiled(pattern).expect(pattern);
    let start = Instant::now();
    let overrun = regex.search(text).is_err();
    let took = start.elapsed();
    println!("{took:?}{} {pattern:.60}", if overrun { ", overrun" } else { "" });
    assert!(took < BOUND, "{took:?} for {pattern}");
    (took, overrun)
}

#[test]
fn a_name_that_a_web_page_ate_is_guessed() {
    assert_eq!(hint("^fail from (?P\\S+)$"), Some(Hint::NameLost));
    assert_eq!(hint("(?P<>a)"), Some(Hint::NameLost));
    assert!(message("(?P\\S+)").contains("`<host>`"));
    assert_eq!(hint("(?<name>a)"), Some(Hint::NameNeedsP));
    assert_eq!(hint("a(?i)b"), Some(Hint::FlagsInFront));
    assert_eq!(hint("*.log"), Some(Hint::NotAShellPattern));
    assert_eq!(hint("(?<=a|bc)d"), Some(Hint::FixLength));
    assert_eq!(hint(r"\N{EM DASH}"), Some(Hint::WriteCode));
}

#[test]
fn an_error_tells_its_place_in_characters() {
    let error = compiled("éé(").expect_err("unterminated");
    assert_eq!((error.offset, error.message.as_str()), (2, "missing ), unterminated subpattern"));
    assert_eq!(
        message("é[a"),
        "unterminated character set at position 1 (for the bracket itself \
         write a backslash before it)"
    );
}

#[test]
fn depth_length_and_groups_have_limits() {
    let nested = |depth: usize| "(?:".repeat(depth) + "a" + &")".repeat(depth);
    assert!(compiled(&nested(REGEX_DEPTH_MAX - 1)).is_ok());
    assert!(message(&nested(REGEX_DEPTH_MAX)).contains("nested deeper"));
    assert!(message(&"(".repeat(60_000)).contains("nested deeper"));
    assert!(message(&"a".repeat(REGEX_TEXT_MAX + 1)).contains("longer than"));
    for part in ["a", r"\w", r"[^\w]", ".*", "(?i:k)", r"\b(?=\S)"] {
        let start = Instant::now();
        assert!(compiled(&part.repeat(REGEX_TEXT_MAX / part.len())).is_ok(), "{part}");
        println!("{:?} for 64 KiB of {part}", start.elapsed());
    }
    assert!(compiled(&"()".repeat(REGEX_GROUPS_MAX)).is_ok());
    assert!(message(&"()".repeat(REGEX_GROUPS_MAX + 1)).contains("groups"));
}

#[test]
fn a_deep_pattern_fits_a_small_stack() {
    let pattern = "(?:a|(?=b(".repeat(32) + "c" + &")*))".repeat(32);
    let small = std::thread::Builder::new().stack_size(1024 * 1024);
    let worker = small.spawn(move || {
        let regex = compiled(&pattern).expect("it compiles");
        regex.search(&"ab".repeat(1000)).is_ok()
    });
    assert!(worker.expect("a thread").join().expect("it returns"));
}

#[test]
fn huge_repetitions_are_refused_or_small() {
    let start = Instant::now();
    assert!(message("(?:a{60000}){60000}").contains("too large"));
    assert!(message("(?:(?:a{200}){200}){300}").contains("too large"));
    assert!(message("a{60000}{60000}").contains("multiple repeat"));
    assert!(message("a{4294967295}").contains("the repetition number is too large"));
    assert!(message("a{99999999999999999999}").contains("the repetition number is too large"));
    for pattern in
        ["a{60000}", r"(?:\w{1,100}){1,100}", "(?:a?){60000}", r"[\w.]{1,4000}x", r"[\w.]{1,2900}x"]
    {
        timed(pattern, &"a".repeat(16_000));
        timed(pattern, &"a".repeat(1_000));
    }
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn catastrophic_patterns_end() {
    let a = "a".repeat(16_000);
    for pattern in [
        r"^(a+)+$",
        r"^(?:a|a)*b",
        r"^(?:a*)*b",
        r"(?=a)(a+)+b",
        r"(a*)*\1b",
        r"(?:a?){30}a{30}(?!a)b",
    ] {
        timed(pattern, &a);
    }
    assert!(timed(r"^(?:a|aa|(?<=a)a)+$", &format!("{}!", "a".repeat(40))).0 < BOUND);
    // Without the end that no text can have here, the filter cannot help: the bound does.
    assert!(timed(r"^(?:a|aa|(?<=a)a)+(?!a)(?<!a)", &a).1);
    assert!(timed(r"^(?:(a)|b|ab)*(?!a)\1c", &format!("{}c", "ab".repeat(8000))).1);
    for pattern in [r"(?:.*,){20}.*(?!x)y", r".*.*.*(?=x)y", r"(\w+\s?)+\1;", r"(?<=a).*?(?<!b)b"] {
        timed(pattern, &"a, ".repeat(5000));
    }
}

/// Debian 12's fail2ban freezes on this one; see GHSA-33wh-ccjc-p397.
#[test]
fn the_line_that_freezes_fail2ban_takes_no_time() {
    let host = r"(?:\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?|(?P<dns>[\w\-.^_]*\w))";
    let pattern = format!(
        r"^(?:\[[^\]]+\])?\s*smtp: (?:[^\[]+ )*\[?{host}\]? authentication failure using internet password\s*$"
    );
    assert_eq!(compiled(&pattern).expect("it compiles").engine(), EngineKind::Linear);
    let short = format!("smtp: {}192.0.2.5 authentication", "A ".repeat(16));
    assert_eq!(short.len(), 62);
    assert!(!timed(&pattern, &format!("{short}\n")).1);
    let long = format!("smtp: {}192.0.2.5 authentication", "A ".repeat(8000));
    assert!(!timed(&pattern, &long).1);
    // Nor with the engine that goes back.
    timed(&format!("(?!x){pattern}"), &long);
}

#[test]
fn a_pattern_may_tell_many_characters_apart() {
    let many: String = ('\u{4e00}'..'\u{4f00}').collect();
    let regex = compiled(&many).expect("it compiles");
    assert_eq!(regex.engine(), EngineKind::Backtracking);
    let found = regex.search(&format!("ü{many}")).expect("in bounds").expect("a match");
    assert_eq!(found.span(0), Some((2, 2 + many.len())));
    let few: String = ('\u{4e00}'..'\u{4e78}').collect();
    let regex = compiled(&few).expect("it compiles");
    assert_eq!(regex.engine(), EngineKind::Linear);
    let found = regex.search(&format!("ü{few}ü")).expect("in bounds").expect("a match");
    assert_eq!(found.span(0), Some((2, 2 + few.len())));
}

#[test]
fn junk_texts_do_no_harm() {
    let regex = compiled(r"(?i)\b(?:é|[^\W\d]+)(?!ß)(\S)\1?$").expect("it compiles");
    for text in ["", "\n", "\0", "é", "\u{10ffff}", "ﬆ\n", "\u{301}\u{301}", "a\u{feff}\n\n"] {
        for start in 0..=text.len() + 1 {
            assert!(regex.search_at(text, start).is_ok());
        }
    }
}

#[test]
fn a_way_that_is_reached_from_each_place_of_a_long_text_is_not_searched_for_each_time() {
    let pattern = r"^(?P<ip>\S+) (?!.*okbot).*(?:GET \S*/wp-login\.php|POST \S*/xmlrpc\.php)";
    let regex = compiled(pattern).expect("it compiles");
    assert_eq!(regex.engine(), EngineKind::Backtracking);
    for length in [30, 3000, 8000, 15_000] {
        let asked = "G".repeat(length);
        let line = format!("192.0.2.7 - - [d] \"GET /wp-login.php?{asked} HTTP/1.1\" 404");
        let found = regex.search(&line).expect("in bounds").expect("a match");
        assert_eq!(found.span(1), Some((0, 9)), "{length}");
        let other = format!("192.0.2.7 - - [d] \"GET /{asked} HTTP/1.1\" 404");
        assert!(regex.search(&other).expect("in bounds").is_none(), "{length}");
    }
}
