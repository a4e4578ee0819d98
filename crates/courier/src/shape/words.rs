//! The few words that a form adds to a letter, in the language of the letter.

use monban_model::{Letter, Severity, Standing};

/// The words of one language.
pub(crate) struct Words {
    /// What a letter of this urgency is called, by the order of [`Severity::ALL`].
    severities: [&'static str; 4],
    firing: &'static str,
    resolved: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) host: &'static str,
    pub(crate) cut: &'static str,
}

const ENGLISH: Words = Words {
    severities: ["Information", "Notice", "Warning", "Critical"],
    firing: "ongoing",
    resolved: "Resolved",
    topic: "topic",
    host: "host",
    cut: "cut here, the message was too long",
};

const JAPANESE: Words = Words {
    severities: ["情報", "お知らせ", "警告", "緊急"],
    firing: "継続中",
    resolved: "解消",
    topic: "トピック",
    host: "ホスト",
    cut: "長すぎるため、ここで省略しました",
};

impl Words {
    /// Those of the letter's language; English for one that has none.
    pub(crate) fn of(letter: &Letter) -> &'static Self {
        match letter.lang.split(['-', '_']).next() {
            Some("ja") => &JAPANESE,
            _ => &ENGLISH,
        }
    }

    /// What kind of message it is, in a word or two.
    pub(crate) fn kind(&self, letter: &Letter) -> String {
        let severity = match letter.severity {
            Severity::Info => self.severities[0],
            Severity::Notice => self.severities[1],
            Severity::Warning => self.severities[2],
            Severity::Critical => self.severities[3],
        };
        match letter.standing {
            Standing::Once => severity.to_owned(),
            Standing::Firing => format!("{severity} · {}", self.firing),
            Standing::Resolved => self.resolved.to_owned(),
        }
    }

    /// Where a letter came from, on one line.
    pub(crate) fn origin(&self, letter: &Letter) -> String {
        let (host, topic) = (super::shown(&letter.host), super::shown(&letter.topic));
        let (time, id) = (letter.time, super::shown(&letter.id));
        format!("monban · {} {host} · {} {topic} · {time} · {id}", self.host, self.topic)
    }
}
