//! The configuration: files, layers, interpolation, and what comes out of them.
//!
//! [`Configuration::read`] takes a folder such as `/etc/fail2ban`. The line of types:
//!
//! ```text
//! file -> Ini -> Layers -> Definition, Options -> Jail, FilterSpec, ActionSpec -> Command
//! ```
//!
//! Facts about the form are from the behaviour of fail2ban 1.0.2 and of Python's `configparser`.

mod action;
mod complaint;
mod definition;
mod expression;
mod files;
mod filter;
mod folder;
mod formula;
mod increment;
mod ini;
mod interpolate;
mod jail;
mod keys;
mod layers;
mod lists;
mod load;
mod log_paths;
mod modes;
mod number;
mod oddities;
mod options;
mod place;
mod reference;
mod resolved;
mod seconds;
mod server;
mod spared;
mod stream;
pub(crate) mod tags;
mod token;
mod unused;
mod version;
mod words;

pub use complaint::{Complaint, Complaints, Severity};
pub use expression::NotUnderstood;
pub use files::{Files, Foreign};
pub use formula::{DEFAULT_FORMULA, Formula};
pub use ini::Ini;
pub(crate) use keys::{is_yes, whole_number};
pub use load::{Configuration, Reading, read_filter};
pub use options::Options;
pub use place::{Place, Sourced, Text};
pub use reference::{Reference, Unreadable, split_references};
pub use resolved::{
    ActionKind, ActionSpec, FilterSpec, Increment, Jail, LogPath, ServerSettings, UseDns,
};
pub use seconds::{Seconds, Span};
pub use spared::can_spare;
pub use stream::{Command, Word, of_jail};
pub use version::Version;
pub(crate) use words::shell_words;
