//! What a feed is told, and what it asks and answers.

use std::io;

#[cfg(doc)]
use super::Feed;
#[cfg(doc)]
use monban_model::limits::{FILES_MAX, PATH_MAX};

/// A file that stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The path, as the warden found it: the durable name of the source.
    pub path: String,
    /// Where to begin if neither the path nor the file was ever read.
    pub from: From,
}

/// Where to begin with a file that was never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At its first line: it appeared while we were watching.
    Start,
    /// Behind its last complete line.
    End,
    /// At the first line that begins within its last so many bytes.
    Bytes(u64),
}

/// A request to the warden for the rotated files beside a path. They are given to
/// [`Feed::sibling`], oldest first, and then [`Feed::siblings_end`] is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The path.
    pub path: String,
    /// Device and inode of the half-read file.
    pub dev: u64,
    /// See `dev`.
    pub ino: u64,
    /// How far it was read: a copy that holds the rest is at least so large, unless it is packed.
    pub size_min: u64,
}

/// The file that a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRef<'a> {
    /// The path of its source.
    pub path: &'a str,
    /// Whether the file was rotated away from the path already.
    pub rotated: bool,
}

/// What one [`Feed::read`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that were looked at.
    pub bytes: u64,
    /// Lines that were handed out.
    pub lines: u64,
    /// Whether there is more to read now.
    pub more: bool,
}

/// Why a file is not followed.
#[derive(Debug)]
pub enum OfferError {
    /// [`FILES_MAX`] paths are followed already.
    TooMany,
    /// The path is longer than [`PATH_MAX`].
    PathTooLong,
    /// It cannot be read.
    Io(io::Error),
}
