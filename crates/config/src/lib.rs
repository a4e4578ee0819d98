//! The configuration: what was written becomes what it means, or all its problems at once.
//!
//! `monban.toml` is complete without being needed: everything has a default, and the defaults
//! are a configuration themselves (`default.toml`), read by the same code.
#![forbid(unsafe_code)]

mod bundle;
mod config;
mod policies;
mod written;

pub use bundle::{Bundle, Fail2ban, SourceFile};
pub use config::{Config, JournalUse};
pub use monban_model::closest;

/// The shipped defaults, with comments, as text.
pub const DEFAULTS: &str = include_str!("default.toml");
