//! How a delivery ended.

use std::fmt;

use monban_model::limits::{DELIVERY_WHY_MAX, RETRY_AFTER_MAX_S};

use crate::shape::{Measure, fit, plain, shown};

/// The other side took the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// What it said to that, on one line; empty if it says nothing (syslog).
    pub said: String,
    /// Readers of a mail that the server refused while it took others.
    pub refused: Vec<Refused>,
}

/// A reader that a mail server did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The address.
    pub to: String,
    /// Whether it never will be taken: another try to this one is no use.
    pub permanent: bool,
    /// What the server said.
    pub why: String,
}

/// The letter was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether another try is no use before somebody changed something.
    pub permanent: bool,
    /// How long the other side wants to be left alone, in seconds; at most
    /// [`RETRY_AFTER_MAX_S`].
    pub retry_after_s: Option<u64>,
    /// The cause in a few words fit for a person: one line, no control characters, at most
    /// [`DELIVERY_WHY_MAX`] bytes.
    pub why: String,
}

impl Failure {
    /// One that stays until somebody changed something.
    pub fn permanent(why: impl AsRef<str>) -> Self {
        Self { permanent: true, retry_after_s: None, why: bounded(why.as_ref()) }
    }

    /// One that may be over the next time.
    pub fn transient(why: impl AsRef<str>) -> Self {
        Self { permanent: false, ..Self::permanent(why) }
    }

    /// The same with the wait that was asked for.
    pub fn after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after_s = seconds.map(|s| s.min(RETRY_AFTER_MAX_S));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Failure {}

/// What somebody said, as it may stand in a sentence of ours.
pub(crate) fn bounded(text: &str) -> String {
    fit(&shown(text.trim()), DELIVERY_WHY_MAX, Measure::Bytes, plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_one_bounded_line() {
        let failure = Failure::transient(format!("\u{1b}[2J550 no\r\n{}", "x".repeat(9999)));
        assert!(failure.why.starts_with("\\x1b[2J550 no\\x0d\\x0ax"));
        assert!(failure.why.len() <= DELIVERY_WHY_MAX && failure.why.ends_with('…'));
        assert_eq!(failure.after(Some(u64::MAX)).retry_after_s, Some(RETRY_AFTER_MAX_S));
    }
}
