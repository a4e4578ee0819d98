//! A Discord webhook, with one embed.

use monban_model::{Letter, Setting, Severity, Standing};
use serde_json::{Value, json};

use super::{Measure, Words, fit, plain, shown, text};

// Discord's limits: title 256, description 4,096, 25 fields of 256 and 1,024, footer 2,048, and
// 6,000 for all texts of the embeds of a message.
const TITLE_MAX: usize = 256;
const LEAD_MAX: usize = 1024;
const FIELDS_MAX: usize = 25;
const NAME_MAX: usize = 128;
const VALUE_MAX: usize = 1024;
const FOOT_MAX: usize = 300;
const ALL_MAX: usize = 5800;

/// The message. Nobody is called by it (`allowed_mentions`), and what Discord would read as
/// Markdown is escaped.
pub fn json(letter: &Letter) -> Value {
    let words = Words::of(letter);
    let title = fit(&shown(&letter.subject), TITLE_MAX, Measure::Units, escape);
    let lead = format!("{} · {}", words.kind(letter), text::short_lead(letter));
    let lead = fit(&lead, LEAD_MAX, Measure::Units, escape);
    let foot = fit(&words.origin(letter), FOOT_MAX, Measure::Units, plain);
    let cut = format!("… ({})", words.cut);
    let mut room = ALL_MAX
        - [&title, &lead, &foot, &cut].map(|text| Measure::Units.of(text)).iter().sum::<usize>();
    let mut fields = Vec::new();
    let facts = letter.facts.iter().map(|fact| {
        let value = fit(&shown(&fact.value), VALUE_MAX, Measure::Units, escape);
        (name(&fact.label), value, fact.value.chars().count() < 40)
    });
    let passages = letter.passages.iter().map(|passage| {
        let value = match passage.setting {
            Setting::List => list(letter, &passage.lines),
            Setting::Log | Setting::Commands => code(letter, &passage.lines),
        };
        (name(&passage.title), value, false)
    });
    let mut whole = true;
    for (name, value, inline) in facts.chain(passages) {
        let cost = Measure::Units.of(&name) + Measure::Units.of(&value);
        if cost > room || fields.len() >= FIELDS_MAX {
            whole = false;
            break;
        }
        room -= cost;
        fields.push(json!({ "name": name, "value": value, "inline": inline }));
    }
    let foot = if whole { foot } else { format!("{cut} {foot}") };
    json!({
        "content": "",
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            "title": title,
            "description": lead,
            "color": color(letter),
            "fields": fields,
            "footer": { "text": foot },
            "timestamp": letter.time.to_string(),
        }],
    })
}

fn color(letter: &Letter) -> u32 {
    match (letter.standing, letter.severity) {
        (Standing::Resolved, _) => 0x2e_8b57,
        (_, Severity::Info) => 0x6b_7280,
        (_, Severity::Notice) => 0x25_63eb,
        (_, Severity::Warning) => 0xd9_7706,
        (_, Severity::Critical) => 0xdc_2626,
    }
}

/// Discord refuses an empty name or value.
fn name(label: &str) -> String {
    let name = fit(&shown(label), NAME_MAX, Measure::Units, escape);
    if name.trim().is_empty() { "-".to_owned() } else { name }
}

fn list(letter: &Letter, lines: &[String]) -> String {
    // An escaped text is at most twice as long.
    let lines = text::short_list(letter, lines, "• ", VALUE_MAX / 2);
    fit(if lines.is_empty() { "-" } else { &lines }, VALUE_MAX, Measure::Units, escape)
}

/// Lines in a block of code. Nothing is read there but its end, so a backtick becomes `'`.
fn code(letter: &Letter, lines: &[String]) -> String {
    let lines = text::short_list(letter, lines, "", VALUE_MAX - 10).replace('`', "'");
    format!("```\n{lines}\n```")
}

fn escape(c: char, out: &mut String) {
    // A `:` parts the address of a link, which would be made one without any other mark.
    if "\\*_~`|<>#[]()@:".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn nobody_is_called_and_markdown_is_text() {
        let message = json(&samples::hostile());
        assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
        let title = message["embeds"][0]["title"].as_str().unwrap();
        assert!(title.contains("\\<h1\\>hi"), "{title}");
        let lead = message["embeds"][0]["description"].as_str().unwrap();
        assert!(lead.contains("\\@everyone \\<\\@&1234\\>"), "{lead}");
        assert!(lead.contains("\\*\\*bold\\*\\*"), "{lead}");
    }

    #[test]
    fn a_block_of_code_ends_where_we_end_it() {
        let block = code(&samples::login("en"), &["a``` @everyone".to_owned()]);
        assert_eq!(block, "```\na''' @everyone\n```");
    }

    #[test]
    fn the_limits_of_discord_are_kept() {
        for letter in [samples::huge(), samples::hostile(), samples::alarm("ja")] {
            let message = json(&letter);
            let embed = &message["embeds"][0];
            let count = |value: &Value| value.as_str().unwrap_or_default().encode_utf16().count();
            let fields = embed["fields"].as_array().unwrap();
            assert!(fields.len() <= 25 && count(&embed["title"]) <= 256);
            let mut all = count(&embed["title"]) + count(&embed["description"]);
            all += count(&embed["footer"]["text"]);
            for field in fields {
                assert!(count(&field["name"]) <= 256 && count(&field["value"]) <= 1024);
                assert!(count(&field["name"]) > 0 && count(&field["value"]) > 0);
                all += count(&field["name"]) + count(&field["value"]);
            }
            assert!(all <= 6000, "{all}");
        }
    }
}
