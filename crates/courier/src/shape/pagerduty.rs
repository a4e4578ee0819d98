//! PagerDuty's Events API v2.

use monban_model::{Letter, Severity, Standing};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::{Measure, fit, plain, shown, text};

// PagerDuty's limits: summary 1,024 characters, dedup_key 255, 512 KB for the event.
const SUMMARY_MAX: usize = 1024;
const KEY_MAX: usize = 255;
const VALUE_MAX: usize = 1024;
const LINES_MAX: usize = 4096;

/// The event under this routing key: what happens once or lasts triggers, what is over resolves.
pub fn json(letter: &Letter, routing_key: &str) -> Value {
    let value = |text: &str| fit(&shown(text), VALUE_MAX, Measure::Units, plain);
    let action = match letter.standing {
        Standing::Once | Standing::Firing => "trigger",
        Standing::Resolved => "resolve",
    };
    let mut details = Map::new();
    details.insert(
        "lead".to_owned(),
        json!(fit(&text::short_lead(letter), LINES_MAX, Measure::Units, plain)),
    );
    for fact in &letter.facts {
        details.insert(value(&fact.label), json!(value(&fact.value)));
    }
    for passage in &letter.passages {
        let lines = text::short_list(letter, &passage.lines, "", LINES_MAX);
        details.insert(value(&passage.title), json!(lines));
    }
    let summary = fit(&shown(&letter.subject), SUMMARY_MAX, Measure::Units, plain);
    json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(letter),
        "client": "monban",
        "payload": {
            // Both are required and may not be empty.
            "summary": if summary.is_empty() { "monban" } else { &summary },
            "source": if letter.host.is_empty() { "monban".to_owned() } else { value(&letter.host) },
            "severity": severity(letter.severity),
            "timestamp": letter.time.to_string(),
            "component": value(&letter.topic),
            "group": value(&letter.thread),
            "class": letter.theme.word(),
            "custom_details": details,
        },
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Notice => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// What lasts has the key of its matter, so that its end finds it; what happens once has its own,
/// so that two logins are two incidents and a second try to deliver is none.
fn dedup_key(letter: &Letter) -> String {
    let matter = match letter.standing {
        Standing::Once => &letter.id,
        Standing::Firing | Standing::Resolved => &letter.thread,
    };
    let key = format!("monban/{}/{}", letter.host, matter);
    let fits = Measure::Units.of(&key) <= KEY_MAX && shown(&key) == key;
    if fits {
        key
    } else {
        format!("monban/{}", super::hex(digest(&SHA256, key.as_bytes()).as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_end_finds_what_began() {
        let firing = samples::alarm("ja");
        let mut over = firing.clone();
        over.id = "web1-00000108".to_owned();
        over.standing = Standing::Resolved;
        let (first, last) = (json(&firing, "R0"), json(&over, "R0"));
        assert_eq!(
            (&first["event_action"], &last["event_action"]),
            (&json!("trigger"), &json!("resolve"))
        );
        assert_eq!(first["dedup_key"], last["dedup_key"]);
        assert_eq!(first["payload"]["severity"], "critical");
        let mut login = samples::login("en");
        let one = json(&login, "R0");
        assert_eq!(one, json(&login, "R0"), "a second try is the same event");
        login.id = "web1-00000043".to_owned();
        assert_ne!(one["dedup_key"], json(&login, "R0")["dedup_key"]);
    }

    #[test]
    fn the_limits_of_pagerduty_are_kept() {
        for letter in [samples::huge(), samples::hostile()] {
            let event = json(&letter, "R0");
            assert!(event.to_string().len() <= 512 * 1024);
            let key = event["dedup_key"].as_str().unwrap();
            assert!(key.len() <= 255 && !key.chars().any(char::is_control), "{key}");
            let summary = event["payload"]["summary"].as_str().unwrap();
            assert!(summary.encode_utf16().count() <= 1024);
        }
    }
}
