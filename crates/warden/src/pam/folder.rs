//! The folder of socket and spool.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

/// Where both lie, unless the line in `/etc/pam.d` names another folder.
pub const FOLDER: &str = "/run/monban";

/// Makes the folder, for all to enter and for this user alone to write to.
///
/// # Errors
/// If it cannot be made, or if what is there is no folder, or one that others may write to:
/// whoever could, would take the socket's name and hear of each login, or keep it from being told.
pub fn prepare(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o755))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let facts = fs::symlink_metadata(folder)?;
    let wrong = |what: &str| io::Error::other(format!("{}: {what}", folder.display()));
    if !facts.is_dir() {
        return Err(wrong("it is no folder"));
    }
    if facts.uid() != geteuid().as_raw() {
        return Err(wrong("it belongs to another user"));
    }
    if facts.mode() & 0o022 != 0 {
        return Err(wrong("others may write to it"));
    }
    Ok(())
}
