//! Records of the ledger as people and machines read them.
//!
//! Everything a stranger wrote goes through [`printable`] before it reaches a terminal. Machines
//! get JSON with stable names and RFC 3339 times in UTC; people get their language and local time.
#![forbid(unsafe_code)]

mod abuse;
mod alarms;
mod alarms_json;
mod bans;
mod clock;
mod digest;
mod entered;
mod jail_counts;
mod json;
mod letter;
mod narrate;
mod next;
mod own_texts;
mod printable;
mod publish;
mod say;
mod sentences;
mod table;
mod texts;
mod who;
mod why;
mod why_json;

pub use abuse::AbuseReport;
pub use alarms::{
    AlarmView, alarm_line, alarm_line_since, alarm_reason, alarm_text, alarm_threshold,
    alarms_text, bars,
};
pub use alarms_json::{alarm_change_json, alarms_json, watched_json};
pub use bans::{Causes, bans_json, bans_text, is_of_jail, made};
pub use clock::LocalClock;
pub use digest::{Digest, Failing, digest_json, digest_text};
pub use jail_counts::{JailCount, JailSpared};
pub use json::{address_json, block_json, by_origin_json, notice_json, record_json, time_json};
pub use letter::{Code, Envelope, Here, Known, LetterWriter, Whereabouts, named_addresses};
pub use narrate::{Narrator, was_observed};
pub use own_texts::{MessageText, OwnTexts};
pub use printable::{json_line, printable, printable_lines, quoted, write_json};
pub use publish::publication;
pub use say::{Say, Tongue};
pub use table::{table, width};
pub use who::{WhoCard, who_json, who_text};
pub use why::{Why, WhyOrigin, why_text};
pub use why_json::why_json;
