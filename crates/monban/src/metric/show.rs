//! A test of a metric, for people and for machines.

use monban_rules::MetricReader;
use monban_views::{Say, printable, width};
use serde_json::{Value as Json, json};

use super::Wrong;
use super::explain;
use super::report::{Match, Report};
use crate::cli::MetricTestArgs;

/// Characters of a line that are shown.
const SHOWN_CHARS_MAX: usize = 400;

/// Something to know about a pattern, or about the lines it was tried on.
#[derive(Debug)]
pub struct Warning {
    /// Its name for machines, which stays.
    pub code: &'static str,
    /// What it is.
    pub text: String,
    /// What to write instead, or empty.
    pub instead: String,
}

/// All that there is to know, of the pattern first.
pub fn warnings(report: &Report, reader: &MetricReader, say: &Say) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for trap in reader.traps() {
        let values = trap.values();
        let clean: Vec<(&str, String)> =
            values.iter().map(|(name, value)| (*name, printable(value.as_bytes()))).collect();
        let clean: Vec<(&str, &str)> =
            clean.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let text = say.text(&format!("metric-trap-{}", trap.code()), &clean);
        let instead = clean.iter().find(|(name, _)| *name == "instead");
        let instead = instead.map_or_else(String::new, |(_, value)| (*value).to_owned());
        warnings.push(Warning { code: trap.code(), text, instead });
    }
    let mut counted = |code, key: &str, count: u64| {
        if count > 0 {
            let text = say.text(key, &[("count", &count.to_string())]);
            warnings.push(Warning { code, text, instead: String::new() });
        }
    };
    counted("json-behind-text", "metric-behind-text", report.behind_text);
    counted("no-value", "metric-skipped", report.skipped);
    warnings
}

/// The whole test.
pub fn text(report: &Report, reader: &MetricReader, say: &Say) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(
        &say.text("metric-pattern", &[("pattern", &printable(reader.pattern().text().as_bytes()))]),
    );
    for sentence in explain::lines(reader.pattern(), say) {
        line(&format!("  {sentence}"));
    }
    for warning in warnings(report, reader, say) {
        line("");
        line(&format!("{}: {}", say.text("problem-warning", &[]), warning.text));
        if !warning.instead.is_empty() {
            line(&say.text("metric-instead", &[("instead", &warning.instead)]));
            // There the double quotes are the shell's own, and it takes them away.
            if warning.instead.starts_with('"') {
                let quoted = warning.instead.replace('\'', "'\\''");
                line(&say.text("metric-in-shell", &[("instead", &quoted)]));
            }
        }
    }
    line("");
    for found in &report.shown {
        line(&say.text(
            "metric-line",
            &[("number", &found.number.to_string()), ("text", &cut(&found.line))],
        ));
        details(found, report.is_plain, say).iter().for_each(|text| line(&format!("    {text}")));
    }
    let left = report.matched - report.shown.len() as u64;
    if left > 0 && !report.shown.is_empty() {
        line(&say.text("filter-more", &[("count", &left.to_string())]));
    }
    if !report.shown.is_empty() {
        line("");
    }
    let (lines, matched) = (report.lines.to_string(), report.matched.to_string());
    line(&say.text("metric-counts", &[("lines", &lines), ("matched", &matched)]));
    let valued = (report.matched - report.skipped).to_string();
    line(&say.text("metric-values", &[("count", &valued), ("sum", &report.sum.to_string())]));
    if let Some(default) = &report.default {
        let others = (report.lines - report.matched).to_string();
        line(&say.text("metric-default", &[("count", &others), ("value", default)]));
    }
    line(&say.text("metric-source", &[]));
    out
}

/// The fields of a line, its value and its dimensions.
fn details(found: &Match, is_plain: bool, say: &Say) -> Vec<String> {
    let mut details = Vec::new();
    let pairs = |pairs: &[(String, Vec<u8>)]| {
        let shown = pairs.iter().map(|(name, value)| {
            format!("{}={}", printable(name.as_bytes()), monban_views::quoted(value))
        });
        cut(shown.collect::<Vec<_>>().join(" ").as_bytes())
    };
    if !found.fields.is_empty() {
        details.push(pairs(&found.fields));
    }
    if !is_plain {
        let value = match found.value {
            Some(value) => say.text("metric-value", &[("value", &value.to_string())]),
            None => say.text("metric-no-value", &[]),
        };
        details.push(format!("{value} {}", pairs(&found.dimensions)).trim_end().to_owned());
    }
    details
}

/// A text for a terminal, not without end.
fn cut(bytes: &[u8]) -> String {
    let text = printable(bytes);
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// What is wrong, with its place.
pub fn wrong_text(wrong: &Wrong, args: &MetricTestArgs, say: &Say) -> String {
    let (Wrong::Pattern(error) | Wrong::Transformation(error)) = wrong;
    let mut text = format!(
        "{}: {}\n",
        say.text("problem-error", &[]),
        printable(say.sentence(&error.message).as_bytes())
    );
    if let Wrong::Pattern(_) = wrong {
        let before = printable(args.pattern.get(..error.offset).unwrap_or_default().as_bytes());
        let shown = printable(args.pattern.as_bytes());
        // In a long pattern the place would be hard to find.
        if width(&shown) <= SHOWN_CHARS_MAX {
            text.push_str(&format!("  {shown}\n  {}^\n", " ".repeat(width(&before))));
        }
    }
    if !error.hint.is_empty() {
        let hint = printable(say.sentence(&error.hint).as_bytes());
        text.push_str(&format!("{}: {hint}\n", say.text("problem-hint", &[])));
    }
    text
}

/// The same for machines.
pub fn wrong_json(wrong: &Wrong, say: &Say) -> Json {
    let (offset, error) = match wrong {
        Wrong::Pattern(error) => (Some(error.offset), error),
        Wrong::Transformation(error) => (None, error),
    };
    json!({
        "valid": false,
        "error": say.sentence(&error.message),
        "matches": [],
        "warnings": [],
        "hint": say.sentence(&error.hint),
        "offset": offset,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use monban_views::Tongue;

    use super::*;
    use crate::cli::{Cli, Command, MetricAction};

    fn args(more: &[&str]) -> MetricTestArgs {
        let line = ["monban", "metric", "test"].iter().chain(more);
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Some(Command::Metric { action: MetricAction::Test(args) })) => args,
            other => panic!("{more:?}: {other:?}"),
        }
    }

    /// What is said of wrong patterns and values, in both languages.
    const WRONG: &[&[&str]] = &[
        &["ERR*"],
        &["a:b"],
        &["a\u{3000}b"],
        &["\u{201c}a\u{201d}"],
        &["\"ERROR"],
        &["%x"],
        &["%a% %b% %c%"],
        &["%(a)%"],
        &["%!%"],
        &["%門%"],
        &["%%"],
        &["%*%"],
        &["%a\\%"],
        &["%\\x1%"],
        &["%\\b%"],
        &["%[a%"],
        &["%[[]%"],
        &["%[b-a]%"],
        &["%a{x}%"],
        &["%a**%"],
        &["%.{60000}%"],
        &["$.a = 1"],
        &["-"],
        &["a\"b\""],
        &["%a%b"],
        &["{"],
        &["{ $.v = 1"],
        &["{ $.v = 1 } x"],
        &["{ $.v = 1 AND $.v = 2 }"],
        &["{ $.v = 1 OR $.v = 2 }"],
        &["{ $.v = 1, $.v = 2 }"],
        &["{ !($.v = 1) }"],
        &["{ v = 1 }"],
        &["{ $..v = 1 }"],
        &["{ $.a[-1] = 1 }"],
        &["{ $.@a = 1 }"],
        &["{ $.v == 1 }"],
        &["{ $.v > \"a\" }"],
        &["{ $.v = }"],
        &["{ $.v = a/b }"],
        &["{ $.v = null }"],
        &["{ $.v IS NOT NULL }"],
        &["{ $.v NOT NULL }"],
        &["{ $.v EXISTS }"],
        &["{ $.v }"],
        &["{ ($.v = 1 }"],
        &["{ $.*.* = 1 }"],
        &["{ $.*=1 || $.*=1 || $.*=1 || $.*=1 }"],
        &["[a b]"],
        &["[a] b"],
        &["[a, a]"],
        &["[..., ...]"],
        &["[a = 1 || b = 1]"],
        &["[a || a = 1]"],
        &["[=1]"],
        &["x", "--value", "$.a[*]"],
        &["x", "--value", "$.a"],
        &["x", "--value", "$a"],
        &["[a]", "--value", "$b"],
        &["x", "--default", "y"],
        &["x", "--dimension", "A"],
        &["x", "--dimension", "A=1"],
        &["x", "--dimension", "A=$.a", "--default", "0"],
        &["{ $.a = 1 }", "--dimension", "A=$.a", "--dimension", "A=$.b"],
    ];

    #[test]
    fn what_is_wrong_is_told_in_both_languages() {
        let (english, japanese) = (Say::new(Tongue::English), Say::new(Tongue::Japanese));
        for line in WRONG {
            let args = args(&[&line[..1], &["-"], &line[1..]].concat());
            let wrong = super::super::reader(&args).map(|_| ()).unwrap_err();
            let text = wrong_text(&wrong, &args, &english);
            assert!(text.starts_with("error: "), "{line:?}: {text}");
            let text = wrong_text(&wrong, &args, &japanese);
            let sentences = text.lines().filter(|text| !text.starts_with("  "));
            for sentence in sentences {
                let told = sentence.split_once(": ").map_or("", |(_, told)| told);
                assert!(!told.is_ascii(), "{line:?}: {text}");
            }
            let json = wrong_json(&wrong, &english);
            assert_eq!(json["valid"], false);
            assert_eq!(json["matches"], json!([]));
        }
    }

    /// Every sentence about a pattern is in the tables, with its values.
    #[test]
    fn how_a_pattern_is_read_is_told_in_both_languages() {
        let patterns = [
            "",
            "[preauth]",
            "[]",
            "?ERROR WARN -\" \"",
            "\" \"",
            "\"ERR*\"",
            "-a",
            "ab -a",
            "?a ?b",
            "%1.1.1.1%",
            "[a, , ..., b > 1 && (b < 5 || b = 3 || b != 4 || b = x*y)]",
            "[a, b >= 1 && b <= 2]",
            "[a, ...]",
            "{ $.a = true && $.b != x && $.c = * && $.d != * && $.e IS NULL && $.f IS TRUE }",
            "{ $.a IS FALSE || $.b NOT EXISTS || $.c = %x% || $.d != %x% || $.e = 1 || $.f != 1 }",
            "{ $.i[*].a = \"x\" && $.i[*].b != y* }",
        ];
        for (tongue, pattern) in [Tongue::English, Tongue::Japanese]
            .into_iter()
            .flat_map(|tongue| patterns.map(|pattern| (tongue, pattern)))
        {
            let (say, args) = (Say::new(tongue), args(&[pattern, "-", "--default", "0"]));
            let reader = super::super::reader(&args).unwrap_or_else(|_| panic!("{pattern}"));
            let mut report = Report::new(&args, false);
            let mut scratch = monban_rules::MetricScratch::default();
            for line in ["x WARN 1", "a: {\"a\":1}", "{\"a\":1}"] {
                report.take(&reader, line.as_bytes(), &mut scratch);
            }
            let text = text(&report, &reader, &say);
            assert!(!text.contains("metric-") && !text.contains("problem-"), "{text}");
            assert!(!text.contains('?') || pattern.contains('?'), "{text}");
        }
    }
}
