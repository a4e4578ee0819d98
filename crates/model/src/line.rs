//! One line of a log.

use crate::Stamp;

/// A source within this run. The durable name of a source is its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// One line of a log, or one record of a binary log rendered as a line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The text without its line end; at most [`crate::limits::LINE_MAX`] bytes, of any encoding.
    pub bytes: &'a [u8],
    /// Where it was read.
    pub source: SourceId,
    /// Offset of its first byte in the file.
    pub position: u64,
    /// When it was read.
    pub arrival: Stamp,
}
