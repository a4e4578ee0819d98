//! ntfy, as JSON that is posted to the root of its server.

use monban_model::{Letter, Severity, Standing, Theme};
use serde_json::{Value, json};

use super::{Measure, fit, plain, shown, text};

// ntfy makes a file of a message above 4,096 bytes (`message-size-limit`). Its titles have no limit
// of their own; a phone shows one line.
const MESSAGE_MAX: usize = 4096;
const TITLE_MAX: usize = 250;

/// The message for the topic `to`. ntfy reads it as plain text.
pub fn json(letter: &Letter, to: &str) -> Value {
    let message = text::short(letter, MESSAGE_MAX, Measure::Bytes);
    json!({
        "topic": to,
        "title": fit(&shown(&letter.subject), TITLE_MAX, Measure::Bytes, plain),
        // An empty message would be shown as "triggered".
        "message": if message.is_empty() { "-" } else { &message },
        "priority": priority(letter),
        "tags": [sign(letter), letter.theme.word(), letter.severity.word(), letter.standing.word()],
        "markdown": false,
    })
}

/// 5 wakes a phone up, 1 makes no sound.
fn priority(letter: &Letter) -> u8 {
    match (letter.standing, letter.severity) {
        (Standing::Resolved, _) => 3,
        (_, Severity::Info) => 2,
        (_, Severity::Notice) => 3,
        (_, Severity::Warning) => 4,
        (_, Severity::Critical) => 5,
    }
}

/// A short code of ntfy's that becomes a picture before the title.
fn sign(letter: &Letter) -> &'static str {
    match (letter.standing, letter.severity, letter.theme) {
        (Standing::Resolved, ..) => "white_check_mark",
        (_, Severity::Critical, _) => "rotating_light",
        (_, Severity::Warning, _) => "warning",
        (_, _, Theme::Login) => "key",
        (_, _, Theme::Block) => "no_entry",
        (_, _, Theme::Digest) => "bar_chart",
        _ => "information_source",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_urgent_wakes_up_and_what_is_over_does_not() {
        let mut letter = samples::alarm("en");
        let message = json(&letter, "ops");
        assert_eq!((&message["topic"], &message["priority"]), (&json!("ops"), &json!(5)));
        assert_eq!(message["tags"][0], "rotating_light");
        letter.standing = Standing::Resolved;
        assert_eq!(json(&letter, "ops")["priority"], 3);
    }

    #[test]
    fn the_limit_of_ntfy_is_kept() {
        for letter in [samples::huge(), samples::hostile()] {
            let message = json(&letter, "ops");
            assert!(message["message"].as_str().unwrap().len() <= 4096);
            assert!(message["title"].as_str().unwrap().len() <= 250);
            assert!(!message["title"].as_str().unwrap().chars().any(char::is_control));
        }
    }
}
