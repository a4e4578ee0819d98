//! All forms, with texts by chance and with the largest letter.

use std::time::{Duration, Instant};

use monban_model::{Fact, Letter, Passage, Setting, Severity, Stamp, Standing, Theme};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Texts of the characters that any form reads as more than text, and of any others.
fn wicked() -> impl Strategy<Value = String> {
    let signs: Vec<char> =
        "<>&\"'`*_~|\\[](){}@#:;=?!.$%^,/- \r\n\t\0\u{1b}\u{85}\u{202e}\u{2028}\u{feff}aF門😀"
            .chars()
            .collect();
    let made = prop::collection::vec(prop::sample::select(signs), 0..60);
    let made = made.prop_map(|all| all.into_iter().collect::<String>());
    prop_oneof![made, any::<String>(), Just("x".repeat(3000))]
}

fn letters() -> impl Strategy<Value = Letter> {
    let texts = || prop::collection::vec(wicked(), 0..6);
    let setting = prop_oneof![Just(Setting::List), Just(Setting::Log), Just(Setting::Commands)];
    let passages = prop::collection::vec((wicked(), setting, texts()), 0..4);
    let heads = (wicked(), wicked(), wicked(), wicked(), wicked(), wicked());
    let kinds = (0..7_usize, 0..4_usize, 0..3_usize, any::<i64>());
    (heads, kinds, texts(), passages, texts()).prop_map(
        |(heads, kinds, facts, passages, labels)| {
            let (id, thread, topic, host, subject, lead) = heads;
            let (theme, severity, standing, time) = kinds;
            let passage = |(title, setting, lines)| Passage { title, setting, lines };
            let mut letter = Letter {
                id,
                thread,
                topic,
                theme: Theme::ALL[theme],
                severity: Severity::ALL[severity],
                standing: Standing::ALL[standing],
                time: Stamp(time),
                since: Stamp(time),
                host,
                lang: "ja".to_owned(),
                subject,
                lead,
                facts: facts.iter().map(|t| Fact { label: t.clone(), value: t.clone() }).collect(),
                passages: passages.into_iter().map(passage).collect(),
                labels: labels.into_iter().map(|text| (text.clone(), text)).collect(),
                picture: None,
                data: String::new(),
            };
            letter.clip();
            letter
        },
    )
}

fn all_json(letter: &Letter) -> [(&'static str, Value); 8] {
    [
        ("json", json::json(letter)),
        ("alertmanager", alertmanager::json(letter)),
        ("slack", slack::json(letter)),
        ("discord", discord::json(letter)),
        ("teams", teams::json(letter)),
        ("ntfy", ntfy::json(letter, "ops")),
        ("telegram", telegram::json(letter, "1")),
        ("pagerduty", pagerduty::json(letter, "R0")),
    ]
}

fn check(letter: &Letter) {
    for (name, value) in all_json(letter) {
        let text = value.to_string();
        assert!(!text.bytes().any(|byte| byte < b' '), "{name}");
        assert!(text.len() < 2 * 1024 * 1024, "{name}: {}", text.len());
    }
    for text in [text::text(letter), html::html(letter)] {
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()));
    }
    for limit in [syslog::UDP_MAX, syslog::STREAM_MAX] {
        let message = String::from_utf8(syslog::rfc5424(letter, 10, limit)).unwrap();
        assert!(message.len() <= limit && !message.chars().any(char::is_control));
    }
    let to = ["a@example.com".to_owned()];
    let mail = crate::mail::compose(letter, "m@example.com", &to, letter.time).unwrap();
    let (head, _) = mail.text.split_once("\r\n\r\n").unwrap();
    let fields = head.split("\r\n").filter(|line| !line.starts_with(' ')).count();
    assert!((17..=19).contains(&fields), "{head}");
    assert!(mail.text.is_ascii() && head.split("\r\n").all(|line| !line.trim().is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_form_of_every_letter_is_whole(letter in letters()) {
        check(&letter);
    }
}

#[test]
fn the_largest_letter_costs_little() {
    let letter = samples::huge();
    let start = Instant::now();
    check(&letter);
    // Measured: 0.2 s without optimisation.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
