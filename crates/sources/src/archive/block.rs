//! Whole lines of a file at once, and the lines in them.

use monban_model::limits::LINE_MAX;

/// Bytes that are read at once.
pub const BLOCK_BYTES: usize = 128 * 1024;

/// A piece of a file: whole lines, and at the end of a file perhaps one that was not ended.
#[derive(Debug)]
pub struct Block {
    pub(super) buffer: Vec<u8>,
    pub(super) length: usize,
}

impl Block {
    /// An empty one that will hold up to `bytes`; a line longer than [`LINE_MAX`] fits in it.
    pub fn new(bytes: usize) -> Self {
        Self { buffer: vec![0; bytes.max(2 * LINE_MAX)], length: 0 }
    }

    /// Its lines, one after the other.
    pub fn lines(&self) -> Lines<'_> {
        Lines { rest: &self.buffer[..self.length] }
    }
}

/// The lines of a block.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    /// The next line without its line end, cut at [`LINE_MAX`].
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(&line[..line.len().min(LINE_MAX)])
    }
}

impl<'a> Lines<'a> {
    /// Passes over the lines before the one in which `find` finds a place; it is given whole
    /// lines.
    pub fn pass_over(&mut self, find: impl FnOnce(&[u8]) -> Option<usize>) -> Passed<'a> {
        let whole = memchr::memrchr(b'\n', self.rest).map_or(0, |end| end + 1);
        if whole == 0 {
            return Passed::default();
        }
        let lines = &self.rest[..whole];
        let end = match find(lines) {
            Some(place) => memchr::memrchr(b'\n', &lines[..place]).map_or(0, |end| end + 1),
            None => whole,
        };
        let (passed, rest) = self.rest.split_at(end);
        self.rest = rest;
        Passed { count: memchr::memchr_iter(b'\n', passed).count() as u64, bytes: passed }
    }
}

/// Lines that were passed over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed<'a> {
    /// How many.
    pub count: u64,
    /// They themselves, with their line ends.
    pub bytes: &'a [u8],
}

impl<'a> Passed<'a> {
    /// The last of them, without its line end.
    pub fn last(&self) -> Option<&'a [u8]> {
        let text = self.bytes.strip_suffix(b"\n")?;
        let start = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
        Some(&text[start..])
    }
}
