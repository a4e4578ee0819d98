//! Logs after the fact, for `monban scan`: files, folders and patterns become families (a log and
//! its rotated files), and each family is read as one stream, oldest first.

mod family;
mod lines;

pub use family::{Family, LogFile, Skipped, expand};
pub use lines::{FileStart, LogLines, Meter};
