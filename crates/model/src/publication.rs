//! What is published to topics.

use crate::{Seq, Severity, Stamp, Standing, Theme};

/// Everything of an event that topics, groups, silences, rates and inhibition look at. What it
/// tells stands in the record with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The record it tells of.
    pub seq: Seq,
    /// When it happened.
    pub time: Stamp,
    /// What it is about.
    pub theme: Theme,
    /// How urgent it is.
    pub severity: Severity,
    /// Whether it lasts.
    pub standing: Standing,
    /// It is published again while it lasts, as often as whoever publishes it says; what is not,
    /// the topics tell again.
    pub repeats: bool,
    /// What it is about, the same each time: `alarm:NAME`, `login:USER`, `block:192.0.2.1`. What
    /// fires is resolved by the same key. At most [`crate::limits::PUBLICATION_KEY_MAX`] bytes; may
    /// hold what a stranger typed.
    pub key: String,
    /// Names (words of [`crate::Label`]) and values, sorted by name, each name once; values may
    /// hold what a stranger typed, at most [`crate::limits::LABEL_VALUE_MAX`] bytes each.
    pub labels: Vec<(String, String)>,
}
