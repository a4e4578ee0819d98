//! A letter in the forms that its readers and their services take: pure functions, one file each.
//!
//! Everything in a letter is data that a stranger may have typed. Each form escapes all of it by
//! its own rules, after [`shown`] has made visible what would be obeyed or hidden; each form says
//! the limits of its service, keeps below them and marks what it cut.

pub mod alertmanager;
pub mod command;
mod cut;
pub mod discord;
pub mod html;
pub mod json;
pub mod ntfy;
pub mod pagerduty;
pub mod slack;
pub mod syslog;
pub mod teams;
pub mod telegram;
pub mod text;
mod words;

use std::borrow::Cow;

pub(crate) use cut::{Measure, fit, plain};
pub(crate) use monban_model::shown;
pub(crate) use words::Words;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

/// The same line by line, for texts whose line ends are meant.
pub(crate) fn shown_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(shown)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
