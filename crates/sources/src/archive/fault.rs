//! Why a file was not read, or not to its end.

use std::fmt;
use std::path::PathBuf;

/// What was named and is not read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What.
    pub path: PathBuf,
    /// Why not.
    pub why: Fault,
}

/// Why a file was not read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such file.
    Missing,
    /// It cannot be opened or read, with the system's words.
    Closed(String),
    /// Reading broke off: a damaged or cut archive, or a disk that fails.
    Damaged {
        /// The decoder's or the system's words.
        error: String,
        /// Whole lines that were read before.
        lines: u64,
        /// Bytes that were read before, unpacked.
        bytes: u64,
    },
    /// Its name says that it is packed, and it is neither that nor a text.
    Misnamed(String),
    /// It is no text.
    NotText,
    /// It is a device, a socket or a pipe.
    NotRegular,
    /// It lies too deep below the folder that was named.
    TooDeep,
    /// There are more files than a scan takes.
    TooMany,
}

impl Fault {
    /// Its word in JSON and at the end of its key in the message tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Closed(_) => "closed",
            Self::Damaged { .. } => "damaged",
            Self::Misnamed(_) => "misnamed",
            Self::NotText => "not-text",
            Self::NotRegular => "not-regular",
            Self::TooDeep => "too-deep",
            Self::TooMany => "too-many",
        }
    }

    /// Whether something is missing from what was asked for. A folder of logs also holds files
    /// that are no text; to pass those over is no failure.
    pub const fn is_failure(&self) -> bool {
        !matches!(self, Self::NotText | Self::NotRegular)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::Closed(error) => f.write_str(error),
            Self::Damaged { error, lines, .. } => {
                write!(f, "damaged after {lines} lines: {error}")
            }
            Self::Misnamed(end) => write!(f, "is named .{end} but is not packed so, nor a text"),
            Self::NotText => f.write_str("is no text"),
            Self::NotRegular => f.write_str("is no regular file"),
            Self::TooDeep => f.write_str("too deep below what was named"),
            Self::TooMany => f.write_str("too many files"),
        }
    }
}
