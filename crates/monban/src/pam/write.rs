//! A file of `/etc/pam.d` is written anew, whole or not at all: a half of one locks everybody out.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use monban_model::Stamp;
use rustix::fs::XattrFlags;

use super::stack::read_text;

/// What extended attributes (the label of SELinux, access lists) may take, in bytes.
const ATTRIBUTES_MAX: usize = 64 * 1024;

/// Puts `new` in the place of `old`, with the same owner, mode, label and access list. A link is
/// followed: what it points to is changed.
///
/// # Errors
/// If the file is not `old` any more, or anything cannot be written; it is as it was then.
pub fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let file = File::open(&path)?;
    if read_text(&path)? != old {
        return Err(io::Error::other("it was changed meanwhile"));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.monban-new"));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_beside(&file, &beside, new).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    File::open(folder)?.sync_all()
}

fn write_beside(like: &File, beside: &Path, text: &str) -> io::Result<()> {
    let mut out = File::options().write(true).create_new(true).mode(0o600).open(beside)?;
    out.write_all(text.as_bytes())?;
    let facts = like.metadata()?;
    std::os::unix::fs::fchown(&out, Some(facts.uid()), Some(facts.gid()))?;
    out.set_permissions(fs::Permissions::from_mode(facts.mode() & 0o7777))?;
    copy_attributes(like, &out)?;
    out.sync_all()
}

/// The label of SELinux is `security.selinux`, an access list `system.posix_acl_access`.
fn copy_attributes(from: &File, to: &File) -> io::Result<()> {
    let mut names = vec![0; ATTRIBUTES_MAX];
    let length = match rustix::fs::flistxattr(from, &mut names) {
        Ok(length) => length,
        // A file system without them.
        Err(rustix::io::Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; ATTRIBUTES_MAX];
        let length = rustix::fs::fgetxattr(from, name, &mut value)?;
        rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

/// Keeps a file's text as `FOLDER/NAME.TIME` and gives its path. The folder does not lie in
/// `/etc/pam.d`, where each file is a service.
///
/// # Errors
/// If it cannot be written.
pub fn keep(folder: &Path, name: &str, text: &str, now: Stamp) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let time = now.to_string().replace([':', '-'], "");
    let paths = (0..100).map(|number| match number {
        0 => folder.join(format!("{name}.{time}")),
        number => folder.join(format!("{name}.{time}.{number}")),
    });
    for path in paths {
        match File::options().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn owner_mode_and_attributes_stay_and_links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("sshd"), folder.path().join("link"));
        fs::write(&file, "old\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("sshd", &link).unwrap();
        let has_attributes =
            rustix::fs::setxattr(&file, "user.label", b"x", XattrFlags::empty()).is_ok();
        replace(&link, "old\n", "new\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
        let mut value = [0; 8];
        let label = rustix::fs::getxattr(&file, "user.label", &mut value);
        assert_eq!(label.is_ok(), has_attributes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_was_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sshd");
        fs::write(&file, "of a package\n").unwrap();
        assert!(replace(&file, "old\n", "new\n").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "of a package\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn each_old_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        let first = keep(&kept, "sshd", "a", Stamp(0)).unwrap();
        let second = keep(&kept, "sshd", "b", Stamp(0)).unwrap();
        assert!(first.ends_with("sshd.19700101T000000Z"), "{first:?}");
        assert_eq!(fs::read_to_string(first).unwrap(), "a");
        assert_eq!(fs::read_to_string(second).unwrap(), "b");
    }
}
