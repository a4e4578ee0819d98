//! Messages as people read them: subjects that fit a phone, facts, and what to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod alarms;
mod blocks;
mod logins;

use std::collections::HashMap;

use monban_model::*;
use monban_views::{Envelope, Here, Known, LetterWriter, Say, Tongue, Whereabouts};

const ALICE: &str = "203.0.113.9";

const NOW: Stamp = Stamp::from_s(1_800_000_001);

fn writer(tongue: Tongue, home: &str) -> LetterWriter {
    let here = Here { host: "web1".to_owned(), home: home.parse().ok(), guards: true };
    LetterWriter::new(Say::new(tongue), here)
}

/// Where one address is; nothing is known of others.
fn known() -> Known {
    let origin = Origin { country: "JP".parse().ok(), asn: Some(Asn(4713)) };
    let place = Whereabouts {
        origin,
        network: "OCN".to_owned(),
        name: "host.example".to_owned(),
        name_confirmed: true,
        abuse: "abuse@provider.example".to_owned(),
    };
    Known { places: HashMap::from([(ALICE.parse().unwrap(), place)]), ..Known::default() }
}

fn envelope(more: u64) -> Envelope {
    Envelope {
        id: "7-first.web1".to_owned(),
        thread: "login:alice".to_owned(),
        topic: "default".to_owned(),
        severity: Severity::Warning,
        standing: Standing::Once,
        more,
        again: false,
    }
}

fn record(event: Event) -> Record {
    Record { seq: Seq(7), time: Stamp::from_s(1_800_000_000), event }
}

fn write(tongue: Tongue, home: &str, records: &[Record]) -> Letter {
    writer(tongue, home).write(records, &envelope(0), &known(), NOW)
}

/// Labels and values of the facts.
fn facts(letter: &Letter) -> Vec<(&str, &str)> {
    letter.facts.iter().map(|fact| (fact.label.as_str(), fact.value.as_str())).collect()
}

/// The commands that it names.
fn commands(letter: &Letter) -> Vec<&str> {
    let of_commands = |passage: &&Passage| passage.setting == Setting::Commands;
    let passages = letter.passages.iter().filter(of_commands);
    passages.flat_map(|passage| &passage.lines).map(String::as_str).collect()
}

/// All that people read of it.
fn texts(letter: &Letter) -> Vec<&str> {
    let of_facts = letter.facts.iter().flat_map(|fact| [&fact.label, &fact.value]);
    let of_passages =
        letter.passages.iter().flat_map(|one| std::iter::once(&one.title).chain(&one.lines));
    let heads = [&letter.subject, &letter.lead];
    heads.into_iter().chain(of_facts).chain(of_passages).map(String::as_str).collect()
}

/// Nothing that a stranger typed is obeyed by a terminal, and no text is missing.
fn check_texts(letter: &Letter) {
    for text in texts(letter) {
        assert!(!text.chars().any(is_hidden), "{text:?}");
        assert!(!text.contains("letter-") && !text.is_empty(), "{text:?}");
    }
}
