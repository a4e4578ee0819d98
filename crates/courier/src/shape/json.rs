//! monban's own JSON, for web hooks and commands.

use monban_model::{Letter, Setting};
use serde_json::{Map, Value, json};

/// The version of the form: it grows with a change that a reader of the old one would not
/// understand. New members do not change it.
pub const VERSION: u32 = 1;

/// The whole letter. It needs no limit of its own: a letter has at most 256 KiB.
///
/// Texts are as they are in the letter, also what a stranger typed: a program that prints them has
/// to make them harmless for its own place. Control characters are escaped, as JSON asks for.
pub fn json(letter: &Letter) -> Value {
    let labels: Map<String, Value> =
        letter.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let facts: Vec<Value> = letter
        .facts
        .iter()
        .map(|fact| json!({ "label": fact.label, "value": fact.value }))
        .collect();
    let passages: Vec<Value> = letter
        .passages
        .iter()
        .map(|passage| {
            let setting = match passage.setting {
                Setting::List => "list",
                Setting::Log => "log",
                Setting::Commands => "commands",
            };
            json!({ "title": passage.title, "setting": setting, "lines": passage.lines })
        })
        .collect();
    json!({
        "version": VERSION,
        "id": letter.id,
        "thread": letter.thread,
        "topic": letter.topic,
        "theme": letter.theme.word(),
        "severity": letter.severity.word(),
        "standing": letter.standing.word(),
        "time": letter.time.to_string(),
        "since": letter.since.to_string(),
        "host": letter.host,
        "lang": letter.lang,
        "subject": letter.subject,
        "lead": letter.lead,
        "facts": facts,
        "passages": passages,
        "labels": labels,
        "data": data(letter),
    })
}

/// The records as JSON within JSON; a text that is none stays a text.
fn data(letter: &Letter) -> Value {
    if letter.data.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&letter.data).unwrap_or_else(|_| Value::String(letter.data.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_login_has_all_that_the_letter_has() {
        let value = json(&samples::login("en"));
        assert_eq!(value["version"], 1);
        assert_eq!(value["theme"], "login");
        assert_eq!(value["time"], "2026-11-22T05:33:01Z");
        assert_eq!(value["labels"]["user"], "alice");
        assert_eq!(value["data"]["seq"], 42);
        assert_eq!(value["passages"][1]["setting"], "commands");
        assert_eq!(value["facts"][0], json!({ "label": "User", "value": "alice" }));
    }

    #[test]
    fn hostile_texts_come_back_as_they_were() {
        let letter = samples::hostile();
        let text = json(&letter).to_string();
        assert!(!text.bytes().any(|byte| byte < b' '), "control characters are escaped");
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["subject"], letter.subject.as_str());
        assert_eq!(back["data"], "{\"broken\": \"\\ud800\"", "what is no JSON stays a text");
    }
}
