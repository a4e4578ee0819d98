//! The ledger, read as the watcher would: with its uid, in its folder, locked, nothing else.

use monban_ledger::{LedgerError, Reader};

use super::Context;
use crate::place::is_root;
use crate::roles::sandbox;

/// Opens the ledger for reading. Rights are given up first, for good, as strangers' bytes are in
/// it: whatever else a command needs it opens before.
///
/// # Errors
/// A text for people if there is none or it cannot be read.
pub fn open(context: &Context<'_>) -> Result<Reader, String> {
    let corner = context.place.watcher();
    let path = corner.display().to_string();
    let no_ledger = || context.say.text("no-ledger", &[("path", &path)]);
    let refuse = |error: &dyn std::fmt::Display| {
        context.say.text(
            "no-access",
            &[("path", &path), ("error", &context.say.sentence(&error.to_string()))],
        )
    };
    if !corner.exists() && std::fs::metadata(&context.place.state).is_ok() {
        return Err(no_ledger());
    }
    let is_denied = |error: &std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    if std::fs::read_dir(&corner).is_err_and(|error| is_denied(&error)) {
        return Err(context.say.text("not-allowed", &[]));
    }
    // The zone's rules lie outside of what can be read from here on.
    let _ = monban_zone::of_the_process();
    let mut folder = corner.clone();
    if is_root() {
        use std::os::unix::fs::MetadataExt;
        let facts = std::fs::metadata(&corner).map_err(|_| no_ledger())?;
        if facts.uid() != 0 {
            sandbox::become_nobody_in(&corner, (facts.uid(), facts.gid()))
                .map_err(|error| refuse(&error))?;
            folder = "/".into();
        }
    }
    sandbox::lock_reading_ledger(&folder).map_err(|error| refuse(&error))?;
    let reader = Reader::open(&folder).map_err(|error| match error {
        LedgerError::Missing(_) => no_ledger(),
        error => refuse(&error),
    })?;
    if reader.misses_latest() {
        eprintln!("{}", context.say.text("ledger-misses-latest", &[]));
    }
    Ok(reader)
}
