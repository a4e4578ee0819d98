//! What was counted, and what was lost.

use std::fmt;
use std::io;

/// What was counted of one path in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Lines that were handed out.
    pub lines: u64,
    /// Lines that were cut at `LINE_MAX`.
    pub cut: u64,
    /// Bytes beyond these cuts.
    pub cut_bytes: u64,
    /// NUL bytes that were skipped before lines (holes of a truncated file).
    pub nul_bytes: u64,
    /// Bytes that are known to be lost.
    pub lost_bytes: u64,
    /// How often something may have been lost whose size nobody knows.
    pub lost_unknown: u64,
}

/// What of a log could not be read, with the bytes where they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The half-read file was rotated while we were away and is not among its siblings.
    RotatedAway,
    /// It was truncated or written anew, and no copy beside it holds the rest: so many bytes were
    /// seen and not read. More may have come and gone between two looks.
    Truncated(u64),
    /// It was cut in its middle: so many bytes were seen and not read.
    Cut(u64),
    /// A rotated file was replaced under its inode before it was read to its end.
    Replaced(u64),
    /// A packed file is broken; it was read as far as it goes.
    Broken,
    /// It was given up with so many bytes unread: too many files waited.
    GivenUp(u64),
    /// A deleted file ended with so many bytes of an unfinished line.
    Unfinished(u64),
}

impl Lost {
    pub(crate) fn count(self, counters: &mut Counters) {
        match self {
            Self::Truncated(bytes)
            | Self::Cut(bytes)
            | Self::Replaced(bytes)
            | Self::GivenUp(bytes)
            | Self::Unfinished(bytes) => counters.lost_bytes += bytes,
            Self::RotatedAway | Self::Broken => {}
        }
        if !matches!(self, Self::Unfinished(_)) {
            counters.lost_unknown += 1;
        }
    }
}

/// What the operator has to hear of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something could not be read any more.
    Lost {
        /// Of which path.
        path: String,
        /// What.
        lost: Lost,
    },
    /// Reading failed. It is said once until reading succeeds again.
    Unreadable {
        /// Of which path.
        path: String,
        /// The system's words.
        why: String,
    },
    /// So many notices did not fit.
    More(usize),
}

impl Notice {
    pub(crate) fn unreadable(path: &str, error: &io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), why: error.to_string() }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RotatedAway => {
                f.write_str("was rotated and removed before it was read to its end")
            }
            Self::Truncated(bytes) => {
                write!(
                    f,
                    "was truncated; {bytes} bytes are known to be unread, and no copy is there"
                )
            }
            Self::Cut(bytes) => {
                write!(f, "was cut in its middle; {bytes} bytes are known to be unread")
            }
            Self::Replaced(bytes) => {
                write!(
                    f,
                    "was written anew after its rotation; {bytes} bytes are known to be unread"
                )
            }
            Self::GivenUp(bytes) => {
                write!(f, "was rotated away and given up with {bytes} bytes unread")
            }
            Self::Broken => f.write_str("has a broken packed file, read as far as it goes"),
            Self::Unfinished(bytes) => {
                write!(f, "was deleted and ends with {bytes} bytes of an unfinished line")
            }
        }
    }
}
