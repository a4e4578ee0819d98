//! Logs after the fact, for `monban scan`: files, folders and patterns become families (a log and
//! its rotated files), and each family is read as one stream, oldest first.

mod family;
mod fault;
mod lines;

pub use family::{Family, LogFile, expand};
pub use fault::{Fault, Skipped};
pub use lines::{FileStart, LogLines, Meter, Passed};
