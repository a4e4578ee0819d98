//! Telegram's Bot API, `sendMessage` with HTML.

use monban_model::{Letter, Setting};
use serde_json::{Value, json};

use super::{Measure, Words, fit, shown, text};

// Telegram takes 4,096 characters after it has read the tags; we count the tags and escapes, too.
const ALL_MAX: usize = 4096;
const SUBJECT_MAX: usize = 300;
const LEAD_MAX: usize = 800;
const LINE_MAX: usize = 600;
const LINES_MAX: usize = 1500;

/// The message to the chat `to`. `&`, `<`, `>` and `"` are all that this form reads, so nothing of
/// a stranger's becomes a tag; previews of links are off.
pub fn json(letter: &Letter, to: &str) -> Value {
    json!({
        "chat_id": to,
        "text": html(letter),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    })
}

fn html(letter: &Letter) -> String {
    let words = Words::of(letter);
    let lead = fit(&text::short_lead(letter), LEAD_MAX, Measure::Units, escape);
    let subject = cut(&letter.subject, SUBJECT_MAX);
    let mut out = format!("<b>{subject}</b>\n{}\n\n{lead}\n\n", words.kind(letter));
    let foot = format!("\n<i>{}</i>", cut(&words.origin(letter), SUBJECT_MAX));
    let mark = format!("… ({})\n", words.cut);
    let fixed = [&out, &foot, &mark].map(|text| Measure::Units.of(text)).iter().sum::<usize>();
    let mut room = ALL_MAX.saturating_sub(fixed);
    let facts = letter.facts.iter().map(|fact| {
        format!("<b>{}</b>: {}\n", cut(&fact.label, LINE_MAX), cut(&fact.value, LINE_MAX))
    });
    let passages = letter.passages.iter().map(|passage| {
        let title = cut(&passage.title, LINE_MAX);
        let mark = if passage.setting == Setting::List { "• " } else { "" };
        let lines = text::short_list(letter, &passage.lines, mark, LINES_MAX);
        let lines = fit(&lines, LINES_MAX, Measure::Units, escape);
        match passage.setting {
            Setting::List => format!("\n<b>{title}</b>\n{lines}\n"),
            Setting::Log | Setting::Commands => format!("\n<b>{title}</b>\n<pre>{lines}</pre>\n"),
        }
    });
    for part in facts.chain(passages) {
        let cost = Measure::Units.of(&part);
        if cost > room {
            out.push_str(&mark);
            break;
        }
        room -= cost;
        out.push_str(&part);
    }
    out + &foot
}

fn cut(text: &str, limit: usize) -> String {
    fit(&shown(text), limit, Measure::Units, escape)
}

fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// The tags of a text, without what is between them.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
    }

    #[test]
    fn only_our_own_tags_are_there_and_each_has_its_end() {
        for letter in [samples::hostile(), samples::huge(), samples::alarm("ja")] {
            let text = html(&letter);
            assert!(text.encode_utf16().count() <= 4096);
            let mut open = Vec::new();
            for tag in tags(&text) {
                match tag.strip_prefix('/') {
                    Some(name) => assert_eq!(open.pop(), Some(name)),
                    None => {
                        assert!(["b", "i", "pre"].contains(&tag), "{tag}");
                        open.push(tag);
                    }
                }
            }
            assert!(open.is_empty());
        }
        assert!(html(&samples::huge()).contains("cut here"));
    }
}
