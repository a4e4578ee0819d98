//! Records of the ledger as people and machines read them.
//!
//! Everything a stranger wrote goes through [`printable`] before it reaches a terminal. Machines
//! get JSON with stable names and RFC 3339 times in UTC; people get their language and local time.
#![forbid(unsafe_code)]

mod bans;
mod clock;
mod entered;
mod jail_counts;
mod json;
mod narrate;
mod printable;
mod say;
mod sentences;
mod table;
mod texts;
mod why;
mod why_json;

pub use bans::{Causes, bans_json, bans_text, is_of_jail, made};
pub use clock::LocalClock;
pub use jail_counts::{JailCount, JailSpared};
pub use json::{address_json, block_json, notice_json, record_json, time_json};
pub use narrate::{Narrator, was_observed};
pub use printable::{json_line, printable, printable_lines, quoted, write_json};
pub use say::{Say, Tongue};
pub use table::{table, width};
pub use why::{Why, why_text};
pub use why_json::why_json;
