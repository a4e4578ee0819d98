//! Microsoft Teams: an Adaptive Card for the webhook of a workflow.

use monban_model::{Letter, Setting, Severity, Standing};
use serde_json::{Value, json};

use super::{Measure, Words, fit, shown, text};

// Teams takes 28 KB for a message; what JSON escapes may take six bytes a character.
const ALL_MAX: usize = 22 * 1024;
const SUBJECT_MAX: usize = 255;
const LEAD_MAX: usize = 1500;
const VALUE_MAX: usize = 600;
const LINES_MAX: usize = 3000;

/// The message. All texts are runs of a `RichTextBlock`, in which no Markdown is read, and `{{` is
/// parted, so that no `{{DATE(..)}}` of a stranger is worked out.
pub fn json(letter: &Letter) -> Value {
    let words = Words::of(letter);
    let mut body = vec![
        block(&[run(&words.kind(letter), "Small", true, color(letter))]),
        block(&[run(&cut(&letter.subject, SUBJECT_MAX), "Large", true, "Default")]),
    ];
    let lead = fit(&text::short_lead(letter), LEAD_MAX, Measure::Units, escape);
    body.push(block(&[run(&lead, "Default", false, "Default")]));
    let origin = fit(&words.origin(letter), SUBJECT_MAX, Measure::Units, escape);
    let foot = block(&[run(&origin, "Small", false, "Default")]);
    let mark = block(&[run(&format!("… ({})", words.cut), "Small", false, "Default")]);
    let size = |value: &Value| value.to_string().len();
    let fixed = body.iter().chain([&foot, &mark]).map(size).sum::<usize>();
    let mut room = ALL_MAX.saturating_sub(fixed);
    let mut whole = true;
    let facts = letter.facts.iter().map(|fact| {
        let label = run(&format!("{}: ", cut(&fact.label, VALUE_MAX)), "Default", true, "Default");
        block(&[label, run(&cut(&fact.value, VALUE_MAX), "Default", false, "Default")])
    });
    let passages = letter.passages.iter().flat_map(|passage| {
        let title = run(&cut(&passage.title, VALUE_MAX), "Default", true, "Default");
        let mark = if passage.setting == Setting::List { "• " } else { "" };
        let lines = text::short_list(letter, &passage.lines, mark, LINES_MAX);
        let mut lines =
            run(&fit(&lines, LINES_MAX, Measure::Units, escape), "Default", false, "Default");
        if passage.setting != Setting::List {
            lines["fontType"] = json!("Monospace");
        }
        [block(&[title]), block(&[lines])]
    });
    for part in facts.chain(passages) {
        let cost = size(&part);
        if cost > room {
            whole = false;
            break;
        }
        room -= cost;
        body.push(part);
    }
    if !whole {
        body.push(mark);
    }
    body.push(foot);
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
            },
        }],
    })
}

fn color(letter: &Letter) -> &'static str {
    match (letter.standing, letter.severity) {
        (Standing::Resolved, _) => "Good",
        (_, Severity::Info) => "Default",
        (_, Severity::Notice) => "Accent",
        (_, Severity::Warning) => "Warning",
        (_, Severity::Critical) => "Attention",
    }
}

fn cut(text: &str, limit: usize) -> String {
    fit(&shown(text), limit, Measure::Units, escape)
}

fn escape(c: char, out: &mut String) {
    if c == '{' && out.ends_with('{') {
        out.push(' ');
    }
    out.push(c);
}

fn run(text: &str, size: &str, bold: bool, color: &str) -> Value {
    let weight = if bold { "Bolder" } else { "Default" };
    json!({ "type": "TextRun", "text": text, "size": size, "weight": weight, "color": color })
}

fn block(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn nothing_is_worked_out_and_the_limit_is_kept() {
        for letter in [samples::hostile(), samples::huge(), samples::alarm("ja")] {
            let text = json(&letter).to_string();
            assert!(text.len() <= 28 * 1024, "{}", text.len());
            assert!(!text.contains("{{"), "{text}");
            assert!(!text.contains("TextBlock\"") || text.contains("RichTextBlock"));
        }
        assert!(json(&samples::huge()).to_string().contains("cut here"));
        assert!(!json(&samples::alarm("en")).to_string().contains("cut here"));
    }
}
