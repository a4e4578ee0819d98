//! The durable state of monban, in one SQLite file: `ledger.db` in the state folder.
//!
//! [`Ledger`] is the one writer, in the watcher: it gives back what was [`Saved`] and then
//! commits a [`Batch`] at a time (records, changed rows of the open state, positions of the
//! sources), each in one transaction, so that an end at any instant loses nothing and counts
//! nothing twice. [`Reader`] is everybody else: it reads while the writer writes and when there
//! is none. The tables are in `schema/1.sql`; people may look into them with `sqlite3`.
//!
//! Absent on purpose: sightings (a million lines must not be a million rows), any clock, any
//! thread, and any file outside the folder.
#![forbid(unsafe_code)]

mod alarms;
mod cause;
mod codec;
mod damage;
mod digest;
mod entered;
mod error;
mod fail2ban;
mod ledger;
mod notify;
mod packed;
mod places;
mod reader;
mod records;
mod saved;
mod schema;
mod shards;
mod state;
mod sums;
mod trim;
mod words;

pub use cause::{Cause, Caused};
pub use digest::{
    Compared, DigestAttacker, DigestBlocks, DigestCounts, DigestLogin, DigestName, DigestRows,
    DigestSpan, DigestThing, QUARTER_MS,
};
pub use error::LedgerError;
pub use fail2ban::{
    Fail2banBan, Fail2banBans, Fail2banError, Fail2banLength, Fail2banLog, Fail2banRows,
};
pub use ledger::{Batch, FILE_NAME, Ledger};
pub use packed::Packed;
pub use reader::{Counts, Reader, Unmade};
pub use saved::Saved;
pub use trim::Trimmed;
