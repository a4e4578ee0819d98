//! Finding and opening the logs.
//!
//! The gate runs with rights, so it reads no log: it expands paths and globs, opens what is a
//! regular file, and hands out descriptors. It notices when another file takes the place of one
//! (rename and create, delete and recreate, a symlink that points elsewhere), when a file appears
//! under a glob and when one goes. It looks only into the directories of its patterns.
//!
//! A symlink is followed, for many programs keep a `current` one; but one that belongs to a user
//! other than root leads only to files of the same user. Otherwise whoever may write into one log
//! directory could have any file of the machine opened.

mod expand;
mod open;
mod owner;
mod siblings;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use monban_model::limits::{FILES_MAX, LOG_PATTERNS_MAX, PATH_MAX};

use expand::Pattern;
use open::Refused;
pub use open::Why;
use watch::Watches;

/// The gate's number for a path. It stays the same over rotations of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A file that was opened for reading.
#[derive(Debug)]
pub struct Opened {
    /// The number of its path.
    pub file: FileId,
    /// The path as the pattern gave it; for a sibling, the path of the log it was rotated from.
    pub path: String,
    /// Device and inode.
    pub dev: u64,
    /// See `dev`.
    pub ino: u64,
    /// Its size in bytes when it was opened.
    pub size: u64,
    /// Whether it was not there at the first look.
    pub appeared_later: bool,
    /// Whether it is one of those that are watched, and not only beside them.
    pub watched: bool,
    /// The descriptor: read only, close on exec, non-blocking.
    pub fd: OwnedFd,
}

/// What one look found.
#[derive(Debug)]
pub enum GateEvent {
    /// Another file stands at a path than at the last look.
    Opened(Opened),
    /// No file stands at this path any more.
    Gone {
        /// Its number.
        file: FileId,
        /// The path.
        path: String,
    },
    /// A path was found and cannot be read. It is said once for each reason.
    Unreadable {
        /// The path.
        path: String,
        /// The name of the owner, or the number, or empty if not even that can be seen.
        owner: String,
        /// The same of the group.
        group: String,
        /// The permission bits; 0 if they cannot be seen.
        mode: u32,
        /// Why.
        why: Why,
    },
    /// The patterns match more than [`FILES_MAX`] files; the rest is not read. Said once until
    /// they fit again.
    TooMany,
}

/// What changed since the last call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// Paths whose file, or the file before it, was written to.
    pub files: Vec<FileId>,
    /// Whether names changed in a watched directory, so that [`Gate::scan`] is worth while.
    pub rescan: bool,
}

/// Why a gate cannot be made.
#[derive(Debug)]
pub enum GateError {
    /// More than [`LOG_PATTERNS_MAX`] patterns.
    TooManyPatterns,
    /// A pattern that is not allowed, and why.
    Pattern(String, &'static str),
    /// inotify is not to be had.
    Watch(io::Error),
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyPatterns => write!(f, "more than {LOG_PATTERNS_MAX} log paths"),
            Self::Pattern(pattern, why) => write!(f, "`{pattern}` is no log path: {why}"),
            Self::Watch(error) => write!(f, "inotify: {error}"),
        }
    }
}

impl std::error::Error for GateError {}

/// Finds and opens the logs of a list of patterns.
#[derive(Debug)]
pub struct Gate {
    patterns: Vec<Pattern>,
    /// What is opened beside those.
    beside: Vec<Pattern>,
    files: BTreeMap<String, Entry>,
    watches: Watches,
    next_id: u32,
    looked_before: bool,
    too_many: bool,
}

#[derive(Debug)]
struct Entry {
    id: FileId,
    /// The file that stood there at the last look.
    key: Option<(u64, u64)>,
    complaint: Option<Why>,
}

impl Gate {
    /// Prepares the patterns of what is watched, and of what is opened `beside` it, as far as there
    /// is room: absolute paths, perhaps with `*`, `?` and `[...]`. `**` is refused, since it would
    /// make the look of every second walk whole trees.
    ///
    /// # Errors
    /// See [`GateError`].
    pub fn new(patterns: &[String], beside: &[String]) -> Result<Self, GateError> {
        Ok(Self {
            patterns: compiled(patterns)?,
            beside: compiled(beside)?,
            files: BTreeMap::new(),
            watches: Watches::new().map_err(GateError::Watch)?,
            next_id: 0,
            looked_before: false,
            too_many: false,
        })
    }

    /// Whether a text is a pattern that [`Gate::new`] takes.
    pub fn takes(pattern: &str) -> bool {
        Pattern::new(pattern).is_ok()
    }

    /// Whether a pattern leads to this path.
    pub fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(path))
    }

    /// Looks at all paths. To be called at the start, about once a second, and when
    /// [`Gate::woken`] says so; a look at which nothing changed costs one `stat` for each file.
    pub fn scan(&mut self) -> Vec<GateEvent> {
        let mut events = Vec::new();
        let found = expand::expand([&self.patterns, &self.beside], &self.files);
        for (directory, error) in found.unreadable {
            self.refuse(&directory, Why::of(&error), &mut events);
        }
        for directory in &found.directories {
            self.watches.directory(directory);
        }
        let mut present = HashSet::new();
        for (path, watched) in found.paths {
            if present.len() >= FILES_MAX {
                break;
            }
            if self.look(&path, watched, &mut events) {
                present.insert(path);
            }
        }
        let too_many = found.more || present.len() >= FILES_MAX;
        if too_many && !self.too_many {
            events.push(GateEvent::TooMany);
        }
        self.too_many = too_many;
        for (path, entry) in &mut self.files {
            if !present.contains(path) && entry.key.take().is_some() {
                events.push(GateEvent::Gone { file: entry.id, path: path.clone() });
            }
        }
        self.forget_old();
        self.looked_before = true;
        events
    }

    /// Makes the next look open every file again, for a watcher that was started anew.
    pub fn reoffer(&mut self) {
        for entry in self.files.values_mut() {
            entry.key = None;
        }
    }

    /// Becomes readable when [`Gate::woken`] has something to tell.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.watches.fd()
    }

    /// Drains the changes, a bounded number at a time. If the kernel lost some, every file is
    /// named.
    pub fn woken(&mut self) -> Woken {
        let mut woken = self.watches.drain();
        if woken.all {
            woken.files = self.files.values().map(|entry| entry.id).collect();
            woken.rescan = true;
        }
        let mut files: Vec<FileId> = woken.files.into_iter().collect();
        files.sort_unstable();
        Woken { files, rescan: woken.rescan }
    }

    /// The path of a number.
    pub fn path(&self, file: FileId) -> Option<&str> {
        let found = self.files.iter().find(|(_, entry)| entry.id == file);
        found.map(|(path, _)| path.as_str())
    }

    /// The patterns that lead to nothing by the last look, not even to what cannot be read.
    pub fn without_files(&self) -> Vec<String> {
        let is_there = |entry: &Entry| entry.key.is_some() || entry.complaint.is_some();
        let found: Vec<&str> =
            self.files.iter().filter(|(_, e)| is_there(e)).map(|(path, _)| path.as_str()).collect();
        let missing = |pattern: &&Pattern| !found.iter().any(|path| pattern.matches(path));
        let all = self.patterns.iter().chain(&self.beside);
        all.filter(missing).map(|pattern| pattern.text().to_owned()).collect()
    }

    /// Files and directories that inotify could not take on (its limit is
    /// `fs.inotify.max_user_watches`); for them only the look of every second tells.
    pub fn unwatched(&self) -> usize {
        self.watches.failed()
    }

    /// Opens the rotated files of a path that was offered: those whose name is a turn of it, and
    /// the file of this inode under whatever name in the same directory; oldest first, the newest
    /// [`monban_model::limits::SIBLINGS_MAX`]. The file at the path itself is not among them.
    ///
    /// # Errors
    /// The path was never offered, or its directory cannot be read.
    pub fn siblings(&self, path: &str, dev: u64, ino: u64) -> io::Result<Vec<Opened>> {
        let Some(entry) = self.files.get(path) else {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a followed path"));
        };
        siblings::siblings(path, entry.id, (dev, ino))
    }

    /// Looks at one path; false if nothing stands there.
    fn look(&mut self, path: &str, watched: bool, events: &mut Vec<GateEvent>) -> bool {
        if path.len() > PATH_MAX {
            return false;
        }
        let entry = self.files.get(path);
        let key = entry.and_then(|entry| entry.key);
        match open::key_of(path) {
            Ok(now) if key == Some(now) => return true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
            _ => {}
        }
        let (fd, stat) = match open::open(path) {
            Ok(opened) => opened,
            Err(Refused::Missing) => return false,
            Err(Refused::Because(why)) => {
                self.refuse(path, why, events);
                return true;
            }
        };
        let id = self.entry(path);
        if let Some(entry) = self.files.get_mut(path) {
            entry.key = Some((stat.dev, stat.ino));
            entry.complaint = None;
        }
        self.watches.file(&fd, id);
        events.push(GateEvent::Opened(Opened {
            file: id,
            path: path.to_owned(),
            dev: stat.dev,
            ino: stat.ino,
            size: stat.size,
            appeared_later: self.looked_before,
            watched,
            fd,
        }));
        true
    }

    fn refuse(&mut self, path: &str, why: Why, events: &mut Vec<GateEvent>) {
        self.entry(path);
        let Some(entry) = self.files.get_mut(path) else { return };
        if entry.complaint.as_ref() == Some(&why) {
            return;
        }
        entry.complaint = Some(why.clone());
        let (owner, group, mode) = owner::of(path);
        events.push(GateEvent::Unreadable { path: path.to_owned(), owner, group, mode, why });
    }

    fn entry(&mut self, path: &str) -> FileId {
        if let Some(entry) = self.files.get(path) {
            return entry.id;
        }
        let id = FileId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.files.insert(path.to_owned(), Entry { id, key: None, complaint: None });
        id
    }

    /// Keeps no more paths that are gone than may be present.
    fn forget_old(&mut self) {
        while self.files.len() > 2 * FILES_MAX {
            let gone = self.files.iter().filter(|(_, entry)| entry.key.is_none());
            let Some(path) = gone.min_by_key(|(_, entry)| entry.id).map(|(path, _)| path.clone())
            else {
                return;
            };
            self.files.remove(&path);
        }
    }
}

fn compiled(patterns: &[String]) -> Result<Vec<Pattern>, GateError> {
    if patterns.len() > LOG_PATTERNS_MAX {
        return Err(GateError::TooManyPatterns);
    }
    let wrong = |text: &String, why| GateError::Pattern(text.clone(), why);
    let patterns = patterns.iter();
    patterns.map(|text| Pattern::new(text).map_err(|why| wrong(text, why))).collect()
}
