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
        Passed { count: count_line_ends(passed), bytes: passed }
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

/// How many line ends there are: in rows side by side, so that the processor compares many bytes at
/// once.
fn count_line_ends(bytes: &[u8]) -> u64 {
    const ROW: usize = 64;
    let is_end = |byte: &u8| u8::from(*byte == b'\n');
    let (rows, rest) = bytes.as_chunks::<ROW>();
    let mut count = rest.iter().map(|byte| u64::from(is_end(byte))).sum();
    // As many as a byte counts.
    for rows in rows.chunks(255) {
        let mut ends = [0; ROW];
        for row in rows {
            ends.iter_mut().zip(row).for_each(|(ends, byte)| *ends += is_end(byte));
        }
        count += ends.iter().map(|ends| u64::from(*ends)).sum::<u64>();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_line_ends_are_counted_wherever_they_stand() {
        for length in [0, 1, 63, 64, 65, 64 * 255, 64 * 256 + 7] {
            assert_eq!(count_line_ends(&vec![b'\n'; length]), length as u64);
            for step in [1, 3, 64, 100] {
                let text: Vec<u8> =
                    (0..length).map(|at| if at % step == 0 { b'\n' } else { b'x' }).collect();
                assert_eq!(count_line_ends(&text), length.div_ceil(step) as u64);
            }
        }
    }
}
