//! A damaged file is kept, moved aside, and what can be read of it is taken along.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use monban_model::limits::LEDGER_DAMAGED_KEPT;
use rusqlite::{Connection, OpenFlags};

use crate::{LedgerError, Saved, schema};

/// Whether the file is sound, as far as `PRAGMA quick_check` tells: every page of every table,
/// but not that the indexes agree with them. It reads the whole file, so it is only done after
/// an end that was not clean.
///
/// # Errors
/// [`LedgerError::Damaged`] with the first thing that is wrong.
pub(crate) fn check(db: &Connection) -> Result<(), LedgerError> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(LedgerError::Damaged(found))
}

/// Moves the file and its log to `<name>.damaged-<n>`; the highest number is the newest. Only
/// the last [`LEDGER_DAMAGED_KEPT`] are kept: a failing disk must not fill itself with them.
///
/// # Errors
/// [`LedgerError::Disk`] if the folder cannot be changed.
pub(crate) fn move_aside(path: &Path) -> Result<PathBuf, LedgerError> {
    let slot = |n: u32| with_suffix(path, &format!(".damaged-{n}"));
    let free = (1..=LEDGER_DAMAGED_KEPT).find(|n| fs::symlink_metadata(slot(*n)).is_err());
    let target = slot(free.unwrap_or(LEDGER_DAMAGED_KEPT));
    if free.is_none() {
        for n in 1..LEDGER_DAMAGED_KEPT {
            rename(&slot(n + 1), &slot(n))?;
        }
    }
    rename(path, &target)?;
    // The index of the log is made anew from the log by whoever opens it.
    let _ = fs::remove_file(with_suffix(path, "-shm"));
    Ok(target)
}

/// What can still be read of the file that was moved aside. It may be of an older form: then the
/// damage was found while it was brought over, and what that form keeps elsewhere is missing.
pub(crate) fn rescue(moved: &Path) -> Saved {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(moved, flags)
        .ok()
        .filter(|db| schema::set_up(db).is_ok())
        .filter(|db| schema::form(db).is_ok_and(|form| (1..=schema::FORM).contains(&form)))
        .map_or_else(Saved::empty, |db| Saved::rescue(&db))
}

/// The path with something put behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Renames a database and its log. The log goes first: a database under the old name beside a
/// log of another would be read together with it.
fn rename(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let log = with_suffix(to, "-wal");
    if fs::rename(with_suffix(from, "-wal"), &log).is_err() {
        let _ = fs::remove_file(&log);
    }
    fs::rename(from, to).map_err(|error| LedgerError::io(from, "moving aside", &error))
}
