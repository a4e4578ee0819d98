//! fail2ban's own files: the warden opens them, the watcher writes the log and reads the bans.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;

use monban_model::wire::ToWatcher;

use super::Keeper;

impl Keeper<'_> {
    /// Opens the log and passes it on. A link that somebody put in its place is not followed.
    pub(super) fn open_jail_log(&mut self) {
        let Some(path) = self.load.jail_log.clone() else { return };
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let mut options = File::options();
        options.append(true).create(true).mode(0o640);
        let opened = options.custom_flags(flags.bits().cast_signed()).open(&path);
        match opened {
            Ok(file) => self.post(&ToWatcher::JailLog, Some(file.into())),
            Err(error) => {
                let path = path.display().to_string();
                self.note("jail-log-failed", vec![("path", path), ("error", error.to_string())]);
            }
        }
    }

    /// Opens the database of fail2ban for reading. Without one nothing is to be taken over.
    pub(super) fn open_jail_database(&mut self) {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let open = |path| {
            File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path).ok()
        };
        let file = self.load.jail_database.as_ref().and_then(open);
        self.post(&ToWatcher::JailDatabase, file.map(Into::into));
    }
}
