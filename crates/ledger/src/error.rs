//! What can go wrong, told apart by what the caller can do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the ledger did not do what was asked. Whatever it is, the file is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerError {
    /// The disk takes nothing now: full, read-only, over quota, or broken. Go on from memory and
    /// try the same again later; [`crate::Ledger::commit`] works again as soon as the disk does.
    Disk(String),
    /// The file is damaged. Open the ledger again: a damaged file is moved aside then.
    Damaged(String),
    /// Somebody else holds the file for longer than the busy timeout. Try again.
    Busy(String),
    /// The file was written by a newer monban. Nothing was changed.
    NewerSchema {
        /// The schema version of the file.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// The file was written by an older monban and this reader may not change it. The daemon
    /// brings it to the present form when it starts.
    OlderSchema {
        /// The schema version of the file.
        found: i64,
        /// The one that this program reads.
        known: i64,
    },
    /// There is something else under the ledger's name. It is left alone.
    NotALedger {
        /// Where.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// There is no ledger in this folder (yet).
    Missing(PathBuf),
    /// A value in the file cannot be understood.
    Unreadable(String),
    /// The batch contradicts the ledger or itself, such as a number that is taken.
    Refused(String),
}

impl LedgerError {
    /// Whether the same call may succeed later without anybody changing the program: the caller
    /// keeps what it wanted to write and tries again.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Disk(_) | Self::Busy(_))
    }

    pub(crate) fn io(path: &Path, what: &str, error: &std::io::Error) -> Self {
        Self::Disk(format!("{what} {}: {error}", path.display()))
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(why) => write!(f, "the disk does not take the ledger: {why}"),
            Self::Damaged(why) => write!(f, "the ledger is damaged: {why}"),
            Self::Busy(why) => write!(f, "the ledger is held by another process: {why}"),
            Self::NewerSchema { found, known } => write!(
                f,
                "the ledger was written by a newer monban (form {found}; this one knows {known}); \
                 install that version again, or move ledger.db away to begin a new one"
            ),
            Self::OlderSchema { found, known } => write!(
                f,
                "the ledger has the older form {found} (this program reads {known}); \
                 start the daemon once to renew it"
            ),
            Self::NotALedger { path, why } => {
                write!(f, "{} is not a ledger of monban: {why}", path.display())
            }
            Self::Missing(path) => write!(f, "there is no ledger at {}", path.display()),
            Self::Unreadable(why) => write!(f, "a row of the ledger cannot be read: {why}"),
            Self::Refused(why) => write!(f, "the ledger refused a batch: {why}"),
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::NoLargeFileSupport,
            ) => Self::Disk(with_code(&error, text)),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(text),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Busy(text),
            Some(_) => Self::Refused(text),
            None => Self::Unreadable(text),
        }
    }
}

/// Adds SQLite's extended code: `disk I/O error` alone does not tell which of thirty it was.
fn with_code(error: &rusqlite::Error, text: String) -> String {
    match error.sqlite_error() {
        Some(inner) => format!("{text} (SQLite {})", inner.extended_code),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_errors_are_told_apart_by_what_can_be_done() {
        use rusqlite::ffi;
        let of =
            |code| LedgerError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_IOERR_WRITE] {
            assert!(matches!(of(code), LedgerError::Disk(_)), "{code}");
            assert!(of(code).is_passing());
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT_INDEX] {
            assert!(matches!(of(code), LedgerError::Damaged(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_BUSY), LedgerError::Busy(_)));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT), LedgerError::Refused(_)));
    }
}
