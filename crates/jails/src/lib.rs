//! fail2ban's jails at work: lines in, bans out, as fail2ban decides it.
//!
//! A [`Jails`] is made of a configuration as `monban_fail2ban::config` resolved it. It takes lines
//! of files, entries of the journal, answers to its questions and the time, and gives orders to
//! the actions of jails, questions, changed rows for the ledger, and what is to be told. Like the
//! engine it has no clock, file, socket, thread or chance of its own.
//!
//! The facts are from the behaviour of fail2ban 1.0.2. Its counting is not a window that slides:
//! see the module `tickets`. What differs, on purpose:
//!
//! * failures are counted over restarts, where fail2ban forgets them;
//! * what is known of bad addresses is known without a database;
//! * a ban that grows is told to the actions at once, and not after some seconds;
//! * all bans of a jail are put back when its actions had to be repaired, and not each when its
//!   address fails again;
//! * a known bad address counts more, but its lines are not told twice;
//! * a failure about which `ignorecommand` could not be asked for want of room is not counted;
//! * a ban made by hand is not ended since a name of `ignoreip` has moved to its address;
//! * addresses of this machine and monban's own allow list are spared, whatever a jail says.
#![forbid(unsafe_code)]

mod bans;
mod cache;
mod held;
mod ignore;
mod jail;
mod jails;
mod journal;
mod known;
mod lack;
mod rows;
mod settings;
mod spared;
mod tickets;
mod told;

pub use jails::{
    Ask, Earlier, EarlierLog, Freed, Jails, Lame, Plan, Question, ReadLog, Setup, State,
};
pub use journal::{Entry, Matches};
pub use lack::{Lack, WhyNot};
pub use rows::{open_count, spared_count};
pub use spared::SparedCount;
pub use told::{News, Spared, Told, WhyFreed};
