//! What a person asked for: a code that confirms a subscription, a test.

use monban_model::{Letter, Passage, Setting, Stamp, Theme};

use super::{Envelope, LetterWriter};

/// A code for the reader of a subscription.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// The subscription.
    pub subscription: &'a str,
    /// The code.
    pub code: &'a str,
}

impl LetterWriter {
    /// The letter that brings a code: whoever reads it may confirm the subscription.
    pub fn confirm(&self, envelope: &Envelope, now: Stamp, code: Code<'_>) -> Letter {
        let values = [("subscription", code.subscription), ("topic", &envelope.topic)];
        let title = self.say.text("letter-confirm", &values);
        let lead = self.say.text("letter-confirm-why", &values);
        let command = format!("monban subscription confirm {}", code.code);
        let passages = vec![self.next("letter-confirm-how", vec![command])];
        let facts = vec![
            self.fact("letter-subscription", code.subscription),
            self.fact("letter-code", code.code),
        ];
        let blank = self.blank(envelope, now);
        self.titled(&title, Letter { theme: Theme::Service, lead, facts, passages, ..blank })
    }

    /// Another subscription was left by its reader.
    pub fn left(&self, envelope: &Envelope, now: Stamp, subscription: &str) -> Letter {
        self.plain(envelope, now, "notify-left", &[("subscription", subscription)])
    }

    /// Another subscription cannot be delivered to.
    pub fn failing(&self, envelope: &Envelope, now: Stamp, to: &str, why: &str) -> Letter {
        let why = crate::printable(why.as_bytes());
        self.plain(envelope, now, "notify-failing", &[("subscription", to), ("why", &why)])
    }

    /// No subscription of a topic can be delivered to.
    pub fn dark(&self, envelope: &Envelope, now: Stamp, topic: &str) -> Letter {
        self.plain(envelope, now, "notify-dark", &[("topic", topic)])
    }

    /// Says in a letter how its reader can leave. It takes two commands on the host: nothing that
    /// opens links by itself can do it.
    pub fn sign(&self, letter: &mut Letter, code: Code<'_>) {
        let values = [("subscription", code.subscription), ("topic", letter.topic.as_str())];
        let title = self.say.text("letter-leave", &values);
        let command = format!("monban subscription leave {}", code.code);
        letter.passages.push(Passage { title, setting: Setting::Commands, lines: vec![command] });
    }

    fn plain(&self, envelope: &Envelope, now: Stamp, key: &str, values: &[(&str, &str)]) -> Letter {
        let text = self.say.text(key, values);
        let facts = vec![self.time_fact(now)];
        let blank = self.blank(envelope, now);
        let lead = text.clone();
        self.titled(&text, Letter { theme: Theme::Service, lead, facts, ..blank })
    }

    /// The letter of `monban notify test`.
    pub fn test(&self, envelope: &Envelope, now: Stamp) -> Letter {
        let title = self.say.text("letter-test", &[("topic", &envelope.topic)]);
        let lead = self.say.text("letter-test-why", &[]);
        let facts = vec![self.time_fact(now)];
        let blank = self.blank(envelope, now);
        self.titled(&title, Letter { theme: Theme::Service, lead, facts, ..blank })
    }
}
