//! What is kept over a restart of logins of which one witness told.

use crate::{Address, Origin, Stamp};

/// How far it is with a login of which one witness told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryStage {
    /// The hook told of it, and it is not told yet: its line is waited for.
    Waits,
    /// It was told by the hook's word, and its line may follow.
    Told,
    /// It was told by its line, and the hook's word may follow.
    Line,
}

/// A login of which one witness told, and the other may yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// How far it is.
    pub stage: EntryStage,
    /// Since when the other witness is waited for, by the clock of this machine.
    pub since: Stamp,
    /// When it happened.
    pub time: Stamp,
    /// The service, by the name that this witness has for it.
    pub service: String,
    /// The account that was entered; the hook always names it.
    pub user: Option<Vec<u8>>,
    /// The account that was left for it.
    pub by: Option<Vec<u8>>,
    /// From where.
    pub address: Option<Address>,
    /// Where that is, as far as it was known.
    pub origin: Origin,
    /// The terminal.
    pub terminal: Option<Vec<u8>>,
    /// How.
    pub method: Option<Vec<u8>>,
    /// The key that was shown: its kind and fingerprint.
    pub key: Option<Vec<u8>>,
}
