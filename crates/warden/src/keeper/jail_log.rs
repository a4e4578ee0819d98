//! fail2ban's own files: the warden opens them, the watcher writes the log and reads the bans.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use monban_model::wire::ToWatcher;

use super::Keeper;

impl Keeper<'_> {
    /// Opens the log and passes it on.
    pub(super) fn open_jail_log(&mut self) {
        let path = self.load.jail_log.clone().filter(|_| self.takes_descriptors());
        let Some(path) = path else {
            return self.post(&ToWatcher::JailLog { path: String::new() }, None);
        };
        if let Err(error) = self.pass_jail_log(&path) {
            let path = path.display().to_string();
            self.post(&ToWatcher::JailLog { path: path.clone() }, None);
            self.note("jail-log-failed", vec![("path", path), ("error", error.to_string())]);
        }
    }

    /// An operator has the log written elsewhere, until a reload. Its path comes from him and
    /// never from the watcher: a file that is opened here is written with a stranger's words.
    pub(super) fn move_jail_log(&mut self, path: &str) -> io::Result<()> {
        if !self.acts() || !path.starts_with('/') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let path = PathBuf::from(path);
        self.pass_jail_log(&path)?;
        self.load.jail_log = Some(path);
        Ok(())
    }

    /// A link that somebody put in the file's place is not followed.
    fn pass_jail_log(&mut self, path: &Path) -> io::Result<()> {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let mut options = File::options();
        options.append(true).create(true).mode(0o640);
        let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
        let path = path.display().to_string();
        self.post(&ToWatcher::JailLog { path }, Some(file.into()));
        Ok(())
    }

    /// Opens the database of fail2ban for reading. Without one nothing is to be taken over.
    pub(super) fn open_jail_database(&mut self) {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let open = |path| {
            File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path).ok()
        };
        let path = self.load.jail_database.as_ref().filter(|_| self.takes_descriptors());
        let file = path.and_then(open);
        self.post(&ToWatcher::JailDatabase, file.map(Into::into));
    }
}
