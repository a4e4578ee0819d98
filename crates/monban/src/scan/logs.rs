//! The logs of a scan and their files, with what is read of them and not yet taken in.

use std::collections::VecDeque;

use monban_model::Stamp;
use monban_sources::archive::{Blocks, Family, Fault, LogFile};

use super::page::Page;
use crate::watch::{Form, now};

/// One family.
pub struct Log {
    pub files: VecDeque<InWork>,
    /// Files of it that are done with.
    pub done: usize,
    /// Pages that are taken in, but not to their end.
    pub merging: usize,
    pub ended: bool,
    pub form: Option<Form>,
    /// It is standard input.
    pub piped: bool,
    /// Its lines are passed over, about as fast as they come from memory: more readers than one
    /// would only be in each other's way.
    pub is_quiet: bool,
}

/// One file.
pub struct InWork {
    pub file: LogFile,
    /// When it was last written, as far as that is known.
    pub reference: Stamp,
    pub state: State,
    /// Its pages from the first one that is not taken in; `None` is still being read.
    pub pages: VecDeque<Option<Page>>,
    /// Pages before these.
    pub taken: usize,
    pub lines: u64,
    pub bytes: u64,
}

pub enum State {
    /// Nobody has opened it.
    Closed,
    /// It waits for somebody to read on.
    Open(Blocks),
    /// Somebody reads.
    Busy {
        beside: usize,
    },
    Ended(Option<Fault>),
}

impl Log {
    pub fn new(family: Family) -> Self {
        let piped = family.name.as_os_str() == "-";
        let files = family.files.into_iter().map(InWork::new).collect();
        Self { files, done: 0, merging: 0, ended: false, form: None, piped, is_quiet: false }
    }

    /// The first file that is not read to its end, and how many pages up to there wait.
    pub fn front(&self) -> Option<(usize, usize)> {
        let mut waiting = self.merging;
        for (at, file) in self.files.iter().enumerate() {
            waiting += file.pages.len();
            if !matches!(file.state, State::Ended(_)) {
                return Some((at, waiting));
            }
        }
        None
    }

    /// Whether there is something to read in it beside those who do.
    pub fn has_room(&self) -> bool {
        let is_read = |file: &InWork| {
            matches!(file.state, State::Busy { .. }) || file.pages.iter().any(Option::is_none)
        };
        !self.ended && (self.is_for_many() || !self.files.iter().any(is_read))
    }

    /// Whether readers side by side are faster than one. A packed log takes long to unpack.
    pub fn is_for_many(&self) -> bool {
        !self.is_quiet || self.files.iter().any(|file| file.state.beside() > 0)
    }

    /// Only then blocks may be read side by side: the first line decides.
    pub fn knows_form(&self) -> bool {
        self.piped || self.form.is_some()
    }

    /// A file behind its first one that can be read while that is unpacked.
    pub fn behind(&self, readers: usize) -> Option<usize> {
        let (front, _) = self.front().filter(|_| self.knows_form())?;
        let beside = self.files[front].state.beside().min(readers);
        for (at, file) in self.files.iter().enumerate().skip(front + 1).take(beside) {
            if file.is_free() {
                return Some(at);
            }
            // A plain file is read fast, and what is being opened may be one.
            if !matches!(file.state, State::Ended(_)) && file.state.beside() == 0 {
                return None;
            }
        }
        None
    }
}

impl State {
    /// How many files may be read beside it.
    pub fn beside(&self) -> usize {
        match self {
            Self::Closed | Self::Ended(_) => 0,
            Self::Open(blocks) => blocks.beside(),
            Self::Busy { beside } => *beside,
        }
    }
}

impl InWork {
    pub fn new(file: LogFile) -> Self {
        let (pages, state) = (VecDeque::new(), State::Closed);
        let reference = file.modified.unwrap_or_else(now);
        Self { file, reference, state, pages, taken: 0, lines: 0, bytes: 0 }
    }

    pub fn is_free(&self) -> bool {
        matches!(self.state, State::Closed | State::Open(_))
    }

    /// Its next page, if that is read.
    pub fn next_page(&mut self) -> Option<Page> {
        let page = self.pages.front_mut()?.take()?;
        self.pages.pop_front();
        self.taken += 1;
        self.lines += page.lines;
        self.bytes += page.bytes;
        Some(page)
    }
}
