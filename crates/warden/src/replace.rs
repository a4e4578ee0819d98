//! A small file of the state folder is written anew, whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes `text` beside `file` and renames it, so that an end in between loses nothing. What lies
/// beside it already, left by such an end or put there as a link, is removed and never written
/// to.
///
/// # Errors
/// If the folder cannot be written; `file` is as it was then.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let beside = file.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Of what came there in the meantime, a link included, this is an error.
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&beside)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_points_to_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (file, victim) = (folder.path().join("allow"), folder.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("allow.new")).unwrap();
        replace(&file, "192.0.2.1 forever\n").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
        fs::write(folder.path().join("allow.new"), "half of a li").unwrap();
        replace(&file, "192.0.2.2 forever\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "192.0.2.2 forever\n");
    }
}
