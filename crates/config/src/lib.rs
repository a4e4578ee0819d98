//! The configuration: what was written becomes what it means, or all its problems at once.
//!
//! `monban.toml` is complete without being needed: everything has a default, and the defaults
//! are a configuration themselves (`default.toml`), read by the same code.
#![forbid(unsafe_code)]

mod alarms;
mod aws;
mod bundle;
mod config;
mod notify;
mod origins;
mod policies;
mod reports;
mod unknown;
mod words;
mod written;

pub use alarms::{SimulatedPoint, Simulation};
pub use bundle::{Bundle, Fail2ban, SourceFile};
pub use config::{Config, JournalUse};
pub use monban_model::closest;

/// The shipped defaults, with comments, as text.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The name of an encoding in WHATWG's list, for any label that it knows.
pub fn encoding_name(label: &str) -> Option<&'static str> {
    encoding_rs::Encoding::for_label(label.as_bytes()).map(encoding_rs::Encoding::name)
}

/// Whether this is a path, or a pattern for paths, that logs are looked for by.
pub fn is_log_pattern(text: &str) -> bool {
    config::read_pattern(text).is_ok()
}

/// Whether this is a regular expression as `event_start` takes it.
pub fn is_expression(text: &str) -> bool {
    regex_automata::meta::Regex::new(text).is_ok()
}
