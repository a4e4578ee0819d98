//! The watcher's life, and the log files that are passed to it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use monban_model::Notice;
use monban_model::limits::{FILES_MAX, STATUS_UNREAD_MAX};
use monban_model::wire::{Offered, SiblingsOf, ToWatcher};

use super::{Keeper, RESTART_LONGEST, Watcher};
use crate::gate::{GateEvent, Opened, Why};
use crate::host::Load;
use crate::{Channel, memory_file};

/// Questions for siblings that are answered before others have their turn: each lists a folder.
const SIBLINGS_A_TURN: usize = 8;

impl Keeper<'_> {
    /// Starts a watcher and tells it all it needs.
    pub(super) fn start_watcher(&mut self) {
        match self.host.start_watcher() {
            Ok((child, channel)) => {
                let (channel, started) = (Channel::over(channel), Instant::now());
                self.flooded = false;
                self.watcher = Some(Watcher { child, channel, started });
            }
            Err(error) => {
                self.note("watcher-failed", vec![("error", error.to_string())]);
                self.restart_at = Some(Instant::now() + self.restart_wait);
                self.restart_wait = (self.restart_wait * 2).min(RESTART_LONGEST);
                return;
            }
        }
        let again = self.starts > 0;
        self.starts += 1;
        self.restored.clear();
        self.siblings.clear();
        self.send_brief_in_force(again);
        if !again {
            // It reads the configuration meanwhile, and has ordered nothing yet.
            (self.presence, self.looked) = (self.lookout.look(), Instant::now());
        }
        self.send_allow();
        self.send_presence();
        // A new watcher knows no descriptor, so it gets all of them again.
        self.gate.reoffer();
        self.offer_files();
        if !again {
            self.tell_missing(&[]);
            for line in self.allow.take_unreadable() {
                self.note("allow-line-unreadable", vec![("line", line)]);
            }
        }
        self.post(&ToWatcher::AllOpened, None);
        self.pass_hook();
        self.ask_fresh();
    }

    /// The watcher is gone: another is started, after a while if it did not live long.
    pub(super) fn lose_watcher(&mut self) {
        let Some(mut watcher) = self.watcher.take() else { return };
        let _ = watcher.child.kill();
        let status = watcher.child.wait();
        self.ready = false;
        self.journal.end();
        self.courier.forget_questions();
        if watcher.started.elapsed() > RESTART_LONGEST {
            self.restart_wait = super::RESTART_FIRST;
        }
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        if !self.stopping {
            self.note("watcher-ended", vec![("how", how)]);
        }
        self.status_waits.clear();
        self.lose_proposal();
        self.clients.fail_all();
        self.restart_at = Some(Instant::now() + self.restart_wait);
        self.restart_wait = (self.restart_wait * 2).min(RESTART_LONGEST);
    }

    /// Tells the watcher a configuration.
    ///
    /// # Errors
    /// The kernel gives no file for it: nothing was told.
    pub(super) fn send_brief(&mut self, reload: u32, again: bool, load: &Load) -> io::Result<()> {
        let fd = memory_file(&load.bundle)?;
        let guards = self.wall.is_ok() && !load.observe;
        let brief = ToWatcher::Brief { guards, reload, again, journal: load.journal };
        self.post(&brief, Some(fd));
        self.send_geo(load);
        Ok(())
    }

    /// Passes on the database of places of a configuration.
    pub(super) fn send_geo(&mut self, load: &Load) {
        let geo = self.host.open_geo(load);
        self.post(&ToWatcher::Geo, geo);
    }

    /// Tells the watcher the configuration in force; one that cannot be told makes room for
    /// another.
    pub(super) fn send_brief_in_force(&mut self, again: bool) {
        if let Err(error) = self.send_brief(self.in_force, again, &self.load.clone()) {
            self.note("watcher-failed", vec![("error", error.to_string())]);
            self.lose_watcher();
        }
    }

    /// Looks at all log paths and passes on what is new there.
    pub(super) fn offer_files(&mut self) {
        let events = self.gate.scan();
        self.pass_on(events);
    }

    pub(super) fn pass_on(&mut self, events: Vec<GateEvent>) {
        for event in events {
            match event {
                GateEvent::Opened(opened) => {
                    self.unread.remove(&opened.path);
                    self.files.insert(opened.path.clone(), opened.file.0);
                    let (offered, fd) = self.offered(opened);
                    self.post(&ToWatcher::Opened(offered), Some(fd));
                }
                GateEvent::Gone { path, .. } => {
                    self.files.remove(&path);
                    self.miss(&path, "source-gone", vec![("path", path.clone())]);
                    self.post(&ToWatcher::Gone { path }, None);
                }
                GateEvent::Unreadable { path, owner, group, mode, why } => {
                    let key = unreadable_key(&group, mode, &why);
                    let values = vec![
                        ("path", path.clone()),
                        ("owner", owner),
                        ("group", group),
                        ("mode", format!("{mode:04o}")),
                        ("error", why.to_string()),
                    ];
                    self.miss(&path, key, values.clone());
                    self.note(key, values);
                }
                GateEvent::TooMany => {
                    self.note("too-many-files", vec![("limit", FILES_MAX.to_string())]);
                }
            }
        }
    }

    /// Keeps for the status that a log is not read.
    fn miss(&mut self, path: &str, key: &str, values: Vec<(&str, String)>) {
        if self.unread.len() < FILES_MAX || self.unread.contains_key(path) {
            self.unread.insert(path.to_owned(), super::notice(key, values));
        }
    }

    /// Logs that are wanted and not read, as far as a status names them.
    pub(super) fn unread(&self) -> Vec<Notice> {
        let wanted = self.gate.without_files();
        let absent = wanted
            .into_iter()
            .filter(|path| self.load.named.contains(path) && !self.unread.contains_key(path));
        let absent = absent.map(|path| super::notice("source-missing", vec![("path", path)]));
        self.unread.values().cloned().chain(absent).take(STATUS_UNREAD_MAX).collect()
    }

    /// Names each log path that a person gave and that leads to nothing, if it is none of
    /// `before`.
    pub(super) fn tell_missing(&mut self, before: &[String]) {
        for path in self.gate.without_files() {
            if self.load.named.contains(&path) && !before.contains(&path) {
                self.note("source-missing", vec![("path", path)]);
            }
        }
    }

    /// Log files have changed.
    pub(super) fn wake_watcher(&mut self) {
        let woken = self.gate.woken();
        if woken.rescan {
            self.offer_files();
        }
        if !woken.files.is_empty() {
            // If frames wait already, the watcher will read everything anyway.
            let behind = self.watcher.as_ref().is_some_and(|watcher| watcher.channel.is_behind());
            if !behind {
                let files = woken.files.iter().map(|file| file.0).collect();
                self.post(&ToWatcher::Wake { files }, None);
            }
        }
    }

    /// The watcher asks for the rotated files beside a log. It asks once for a path, and waits.
    pub(super) fn ask_siblings(&mut self, of: SiblingsOf) {
        if self.siblings.iter().any(|waiting| waiting.path == of.path) {
            return;
        }
        if self.siblings.len() >= FILES_MAX {
            return self.post(&ToWatcher::SiblingsEnd { path: of.path }, None);
        }
        self.siblings.push_back(of);
    }

    /// Answers a few of those questions, but none while descriptors wait for the watcher: one that
    /// asks and does not read would else fill the warden's table of them.
    pub(super) fn offer_waiting_siblings(&mut self) {
        for _ in 0..SIBLINGS_A_TURN {
            if !self.may_offer_siblings() {
                return;
            }
            let Some(of) = self.siblings.pop_front() else { return };
            self.offer_siblings(&of);
        }
    }

    /// Whether a question for siblings can be answered now.
    pub(super) fn may_offer_siblings(&self) -> bool {
        !self.siblings.is_empty() && self.takes_descriptors()
    }

    fn offer_siblings(&mut self, of: &SiblingsOf) {
        match self.gate.siblings(&of.path, of.dev, of.ino) {
            Ok(siblings) => {
                for opened in siblings {
                    let (offered, fd) = self.offered(opened);
                    self.post(&ToWatcher::Sibling(offered), Some(fd));
                }
            }
            Err(error) => self.note("paths-failed", vec![("error", error.to_string())]),
        }
        self.post(&ToWatcher::SiblingsEnd { path: of.path.clone() }, None);
    }

    pub(super) fn open_files(&self) -> u32 {
        self.files.len() as u32
    }

    fn offered(&self, opened: Opened) -> (Offered, OwnedFd) {
        let offered = Offered {
            file: opened.file.0,
            judged: opened.watched && self.load.judges(&opened.path),
            path: opened.path,
            dev: opened.dev,
            ino: opened.ino,
            size: opened.size,
            later: opened.appeared_later,
            watched: opened.watched,
        };
        (offered, opened.fd)
    }
}

/// What to advise: a group helps only if it is not root's and its members may read.
fn unreadable_key(group: &str, mode: u32, why: &Why) -> &'static str {
    let helps = mode & 0o040 != 0 && !matches!(group, "" | "root" | "0");
    match why {
        Why::Permission if helps => "unreadable",
        Why::Permission => "unreadable-root",
        // Root could not read it either.
        _ => "source-failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_advised_only_where_it_helps() {
        assert_eq!(unreadable_key("adm", 0o640, &Why::Permission), "unreadable");
        for (group, mode) in [("adm", 0o600), ("root", 0o640), ("0", 0o640), ("", 0)] {
            assert_eq!(unreadable_key(group, mode, &Why::Permission), "unreadable-root");
        }
        assert_eq!(unreadable_key("adm", 0o640, &Why::NotRegular), "source-failed");
    }
}
