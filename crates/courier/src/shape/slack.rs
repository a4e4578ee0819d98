//! A Slack incoming webhook, in blocks.

use monban_model::{Letter, Setting};
use serde_json::{Value, json};

use super::{Measure, Words, fit, plain, shown, text};

// Slack's limits: 50 blocks, 150 characters of a header, 3,000 of a text, 10 fields of 2,000. All
// blocks together are refused above about 13,000 characters (`msg_blocks_too_long`), which is not
// written anywhere; we stay below 10,000.
const HEADER_MAX: usize = 150;
const FIELDS_MAX: usize = 10;
const FIELD_MAX: usize = 400;
const LEAD_MAX: usize = 1500;
const TITLE_MAX: usize = 150;
const LINES_MAX: usize = 2000;
const BLOCKS_MAX: usize = 40;
const ALL_MAX: usize = 10_000;
const FALLBACK_MAX: usize = 2000;

/// The message. Texts are `plain_text` or preformatted, in which Slack reads no markup and no
/// mention; the fallback for notifications, and for servers that know no blocks, is escaped by
/// Slack's rule (`&`, `<`, `>`), without which `<!channel>` would call everybody.
pub fn json(letter: &Letter) -> Value {
    let words = Words::of(letter);
    let mut blocks = Vec::new();
    let mut room = ALL_MAX;
    let mut push = |block: Value, cost: usize| {
        let fits = cost <= room && blocks.len() < BLOCKS_MAX;
        if fits {
            room -= cost;
            blocks.push(block);
        }
        fits
    };
    let header = units(&letter.subject, HEADER_MAX);
    push(json!({ "type": "header", "text": plain_text(&header) }), HEADER_MAX);
    let kind = format!("{} · {}", words.kind(letter), text::short_lead(letter));
    let kind = fit(&kind, LEAD_MAX, Measure::Units, plain);
    push(json!({ "type": "section", "text": plain_text(&kind) }), Measure::Units.of(&kind));
    let origin = fit(&words.origin(letter), FIELD_MAX, Measure::Units, plain);
    let foot = json!({ "type": "context", "elements": [plain_text(&origin)] });
    let mut whole = true;
    for facts in letter.facts.chunks(FIELDS_MAX) {
        let fields: Vec<String> =
            facts.iter().map(|fact| field(&fact.label, &fact.value)).collect();
        let cost = fields.iter().map(|field| Measure::Units.of(field)).sum();
        let fields: Vec<Value> = fields.iter().map(|field| plain_text(field)).collect();
        whole &= push(json!({ "type": "section", "fields": fields }), cost);
    }
    for passage in &letter.passages {
        let title = units(&passage.title, TITLE_MAX);
        let mark = if passage.setting == Setting::List { "• " } else { "" };
        let lines = text::short_list(letter, &passage.lines, mark, LINES_MAX);
        let cost = Measure::Units.of(&title) + Measure::Units.of(&lines);
        whole &= push(rich(&title, passage.setting, &lines), cost);
    }
    if !whole {
        let cut = format!("… ({})", words.cut);
        blocks.push(json!({ "type": "context", "elements": [plain_text(&cut)] }));
    }
    blocks.push(foot);
    json!({
        "text": fit(&shown(&letter.subject), FALLBACK_MAX, Measure::Units, escape),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn field(label: &str, value: &str) -> String {
    fit(&format!("{}: {}", shown(label), shown(value)), FIELD_MAX, Measure::Units, plain)
}

fn units(text: &str, limit: usize) -> String {
    fit(&shown(text), limit, Measure::Units, plain)
}

/// Slack refuses a text without a character.
fn plain_text(text: &str) -> Value {
    let text = if text.trim().is_empty() { "-" } else { text };
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

fn rich(title: &str, setting: Setting, lines: &str) -> Value {
    let run =
        |text: &str| json!({ "type": "text", "text": if text.is_empty() { "-" } else { text } });
    let kind = match setting {
        Setting::List => "rich_text_section",
        Setting::Log | Setting::Commands => "rich_text_preformatted",
    };
    let mut heading = run(&format!("{title}\n"));
    heading["style"] = json!({ "bold": true });
    json!({
        "type": "rich_text",
        "elements": [
            { "type": "rich_text_section", "elements": [heading] },
            { "type": kind, "elements": [run(lines)] },
        ],
    })
}

fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// All texts of blocks that Slack would read for markup.
    fn marked_up(value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                map.get("type").is_some_and(|kind| kind == "mrkdwn") || map.values().any(marked_up)
            }
            Value::Array(all) => all.iter().any(marked_up),
            _ => false,
        }
    }

    #[test]
    fn a_stranger_calls_nobody() {
        let message = json(&samples::hostile());
        let text = message["text"].as_str().unwrap();
        assert!(!text.contains('<') && !text.contains('>'), "{text}");
        assert!(text.contains("&lt;!channel&gt;"));
        assert!(!marked_up(&message));
    }

    #[test]
    fn the_limits_of_slack_are_kept() {
        for letter in [samples::huge(), samples::hostile(), samples::alarm("ja")] {
            let message = json(&letter);
            let blocks = message["blocks"].as_array().unwrap();
            assert!(blocks.len() <= 50);
            assert!(blocks[0]["text"]["text"].as_str().unwrap().encode_utf16().count() <= 150);
            for block in blocks {
                assert!(block["fields"].as_array().is_none_or(|fields| fields.len() <= 10));
            }
            assert!(texts(&message["blocks"]) <= 11_000, "{}", texts(&message["blocks"]));
        }
        let huge = json(&samples::huge()).to_string();
        assert!(huge.contains("cut here"));
    }

    fn texts(value: &Value) -> usize {
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(name, value)| match value.as_str() {
                    Some(text) if name == "text" => text.encode_utf16().count(),
                    _ => texts(value),
                })
                .sum(),
            Value::Array(all) => all.iter().map(texts).sum(),
            _ => 0,
        }
    }
}
