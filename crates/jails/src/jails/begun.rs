//! How far another fail2ban had read the logs: what it has judged is not judged again.

use std::collections::HashMap;

use super::Jails;
use crate::journal::Entry;
use crate::tickets::Key;

/// How far a jail of fail2ban had read a log.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierLog {
    /// The jail's name.
    pub jail: String,
    /// Which log.
    pub log: ReadLog,
}

/// A log, and how far it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadLog {
    /// A file, up to this offset.
    File {
        /// Its path.
        path: String,
        /// The MD5 or SHA-1 of its first line with its end, in hexadecimal digits, empty without
        /// one: another file of that path is read whole.
        first_line: String,
        /// The offset of the first byte that was not read.
        position: u64,
    },
    /// The journal, up to the entry of this time in microseconds since 1970.
    Journal(u64),
}

/// What is left out of each log, by jail.
#[derive(Debug, Default)]
pub(super) struct Begun {
    files: HashMap<(Key, String), Place>,
    journal: HashMap<Key, u64>,
}

#[derive(Debug)]
struct Place {
    first_line: String,
    position: u64,
    /// Its file was opened and is the same; and how far its lines came.
    reached: Option<u64>,
}

impl Begun {
    /// Whether no lines of files are left out.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether a line at this offset was judged.
    pub(super) fn has_line(&mut self, key: Key, path: &str, position: u64) -> bool {
        if self.files.is_empty() {
            return false;
        }
        let at = (key, path.to_owned());
        let Some(place) = self.files.get_mut(&at) else { return false };
        let Some(reached) = &mut place.reached else { return false };
        // An earlier offset is one of another file that has taken its place.
        let judged = *reached <= position && position < place.position;
        *reached = position;
        if !judged {
            self.files.remove(&at);
        }
        judged
    }

    /// Whether an entry was judged.
    pub(super) fn has_entry(&self, key: Key, entry: &Entry<'_>) -> bool {
        self.journal.get(&key).is_some_and(|last| entry.time_us() <= *last)
    }
}

impl Jails {
    /// Leaves out what another fail2ban had read, of the logs that are opened from now on.
    pub fn leave_out(&mut self, earlier: Vec<EarlierLog>) {
        for one in earlier {
            // Of jails that do not run nothing is read, and their names are not kept.
            let number = self.number(&one.jail);
            let Some(key) = number.and_then(|at| self.jail(at)).map(|jail| jail.key) else {
                continue;
            };
            match one.log {
                ReadLog::File { path, first_line, position } => {
                    let place = Place { first_line, position, reached: None };
                    self.begun.files.entry((key, path)).or_insert(place);
                }
                ReadLog::Journal(last) => drop(self.begun.journal.insert(key, last)),
            }
        }
    }

    /// Whether another fail2ban had read the file of this path.
    pub fn leaves_out(&self, path: &str) -> bool {
        self.begun.files.keys().any(|(_, known)| known == path)
    }

    /// A file was opened at the start that is so long: jails that read it from its end on leave
    /// out what is there.
    pub fn tail(&mut self, path: &str, length: u64) {
        let tailing = self.jails.iter().flatten();
        let tailing = tailing.filter(|jail| jail.log(path).is_some_and(|log| log.tail));
        for jail in tailing {
            let place = Place { first_line: String::new(), position: length, reached: Some(0) };
            self.begun.files.insert((jail.key, path.to_owned()), place);
        }
    }

    /// A file was opened whose first line has one of these sums; it is read from its beginning
    /// on, or near it.
    pub fn opened(&mut self, path: &str, sums: &[String]) {
        let is_same = |place: &Place| place.reached.is_some() || sums.contains(&place.first_line);
        self.begun.files.retain(|(_, known), place| known != path || is_same(place));
        let opened = self.begun.files.iter_mut().filter(|((_, known), _)| known == path);
        opened.for_each(|(_, place)| place.reached = place.reached.or(Some(0)));
    }

    /// What stood in the files is read: what comes now is new.
    pub fn caught_up(&mut self) {
        self.begun.files.clear();
    }
}
