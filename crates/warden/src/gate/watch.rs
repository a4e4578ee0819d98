//! inotify: it tells at once what a look would find a second later.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use monban_model::limits::FILES_MAX;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::FileId;

/// Events that one drain takes; more are left for the next.
const EVENTS_MAX: usize = 16_384;

/// Files of one path that are watched: the one that stands there and those before it, which may
/// still get late lines.
const FILES_PER_PATH: usize = 3;

#[derive(Debug)]
pub(super) struct Watches {
    fd: OwnedFd,
    directories: BTreeMap<String, i32>,
    /// Paths that lead to a watched file: with hard links more than one.
    files: HashMap<i32, Vec<FileId>>,
    by_path: HashMap<FileId, VecDeque<i32>>,
    failed: usize,
}

/// What a drain found.
#[derive(Default)]
pub(super) struct Drained {
    pub(super) files: HashSet<FileId>,
    pub(super) rescan: bool,
    /// The kernel's queue ran over.
    pub(super) all: bool,
}

impl Watches {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            directories: BTreeMap::new(),
            files: HashMap::new(),
            by_path: HashMap::new(),
            failed: 0,
        })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    /// Watches the names in a directory. One that is not there yet is tried at the next look.
    pub(super) fn directory(&mut self, path: &str) {
        if self.directories.contains_key(path) || self.directories.len() >= 2 * FILES_MAX {
            return;
        }
        let flags = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        match inotify::add_watch(&self.fd, path, flags) {
            Ok(watch) => {
                self.directories.insert(path.to_owned(), watch);
            }
            Err(rustix::io::Errno::NOSPC) => self.failed += 1,
            Err(_) => {}
        }
    }

    /// Watches what is written to an open file. It is named by its descriptor, so that it is the
    /// very file that was opened.
    pub(super) fn file(&mut self, fd: &OwnedFd, id: FileId) {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let Ok(watch) = inotify::add_watch(&self.fd, path.as_str(), WatchFlags::MODIFY) else {
            self.failed += 1;
            return;
        };
        let ids = self.files.entry(watch).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
        let watches = self.by_path.entry(id).or_default();
        watches.retain(|other| *other != watch);
        watches.push_back(watch);
        if watches.len() > FILES_PER_PATH
            && let Some(old) = watches.pop_front()
        {
            self.unwatch(old, id);
        }
    }

    pub(super) fn drain(&mut self) -> Drained {
        let mut drained = Drained::default();
        let mut over = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = inotify::Reader::new(&self.fd, &mut buffer);
        for _ in 0..EVENTS_MAX {
            // Nothing more, or an error: the look of every second finds the rest.
            let Ok(event) = reader.next() else { break };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                drained.all = true;
            } else if flags.contains(ReadFlags::IGNORED) {
                over.push(event.wd());
            } else if let Some(ids) = self.files.get(&event.wd()) {
                drained.files.extend(ids);
            } else {
                drained.rescan = true;
                if flags.intersects(ReadFlags::MOVE_SELF) {
                    over.push(event.wd());
                }
            }
        }
        for watch in over {
            drained.rescan = true;
            self.forget(watch);
        }
        drained
    }

    fn unwatch(&mut self, watch: i32, id: FileId) {
        let Some(ids) = self.files.get_mut(&watch) else { return };
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            self.files.remove(&watch);
            // It may be gone already, with its file.
            let _ = inotify::remove_watch(&self.fd, watch);
        }
    }

    /// The kernel ended a watch (its file is deleted), or a directory has another name now.
    fn forget(&mut self, watch: i32) {
        for id in self.files.remove(&watch).unwrap_or_default() {
            if let Some(watches) = self.by_path.get_mut(&id) {
                watches.retain(|other| *other != watch);
            }
        }
        let count = self.directories.len();
        self.directories.retain(|_, other| *other != watch);
        if self.directories.len() < count {
            let _ = inotify::remove_watch(&self.fd, watch);
        }
    }
}
