//! Logs after the fact, for `monban scan`: files, folders and patterns become families (a log and
//! its rotated files, oldest first), and each file is read in blocks of whole lines.

mod block;
mod family;
mod fault;
mod file;

pub use block::{BLOCK_BYTES, Block, Lines, Passed};
pub use family::{Family, LogFile, expand};
pub use fault::{Fault, Skipped};
pub use file::{Blocks, Meter};
