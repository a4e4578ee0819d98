//! A place in a file, and how to recognise it again.

use monban_model::limits::{HEAD_BYTES, TAIL_BYTES};
use monban_model::{PositionRow, Tail};

use super::body::Body;

/// A place in a file: always the start of a line. It carries the bytes before it and a hash of
/// the first bytes of the file, all of them counted already, so that the same content is known
/// again under another inode and other content under the same inode is noticed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark {
    /// Offset of the first byte that is not counted yet.
    pub(crate) offset: u64,
    tail: Vec<u8>,
    head_hash: u64,
    head_len: u32,
    /// The hashed bytes themselves, where this process has read them.
    head: Vec<u8>,
}

/// How a file stands to a mark that was made in it or in its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// The same content up to the mark: what follows is unread.
    Here,
    /// The same first bytes, but it ends before the mark: nothing in it is unread.
    Behind,
    /// Something else.
    No,
}

impl Mark {
    /// The start of a file.
    pub(crate) fn start() -> Self {
        Self { head_hash: FNV_OFFSET, ..Self::default() }
    }

    /// The place that a saved row names.
    pub(crate) fn of_row(row: &PositionRow) -> Self {
        let tail = &row.tail.0;
        let offset_len = usize::try_from(row.offset).unwrap_or(usize::MAX);
        let keep = tail.len().min(TAIL_BYTES).min(offset_len);
        Self {
            offset: row.offset,
            tail: tail[tail.len() - keep..].to_vec(),
            head_hash: if row.head.1 == 0 { FNV_OFFSET } else { row.head.0 },
            head_len: row.head.1.min(HEAD_BYTES as u32),
            head: Vec::new(),
        }
    }

    /// The place `offset` of a file, with the bytes before it read from there.
    ///
    /// # Errors
    /// What reading says, also that the file is shorter.
    pub(crate) fn read(body: &mut Body, offset: u64) -> std::io::Result<Self> {
        let mut mark = Self::start();
        let short = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut head = vec![0; short.min(HEAD_BYTES)];
        let got = body.read_at(&mut head, 0)?;
        mark.advance(&head[..got]);
        let mut tail = vec![0; short.min(TAIL_BYTES)];
        let from = offset - tail.len() as u64;
        let got = body.read_at(&mut tail, from)?;
        if got < tail.len() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        mark.tail = tail;
        mark.offset = offset;
        Ok(mark)
    }

    /// The bytes before the place.
    pub(crate) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// A hash of [`Mark::tail`].
    pub(crate) fn tail_hash(&self) -> u64 {
        fnv(FNV_OFFSET, &self.tail)
    }

    /// Hash and length of the first bytes of the file.
    pub(crate) fn head(&self) -> (u64, u32) {
        (self.head_hash, self.head_len)
    }

    /// Moves the place over `bytes`, which were read from it.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        if u64::from(self.head_len) == self.offset {
            let take = bytes.len().min(HEAD_BYTES - (self.head_len as usize).min(HEAD_BYTES));
            if self.head.len() == self.head_len as usize {
                self.head.extend_from_slice(&bytes[..take]);
            }
            self.head_hash = fnv(self.head_hash, &bytes[..take]);
            self.head_len += take as u32;
        }
        self.offset += bytes.len() as u64;
        if bytes.len() >= TAIL_BYTES {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - TAIL_BYTES..]);
        } else {
            let drop = (self.tail.len() + bytes.len()).saturating_sub(TAIL_BYTES);
            self.tail.drain(..drop);
            self.tail.extend_from_slice(bytes);
        }
    }

    /// Writes the place into a row.
    pub(crate) fn to_row(&self, row: &mut PositionRow) {
        row.offset = self.offset;
        row.tail = Tail(self.tail.clone());
        row.head = (self.head_hash, self.head_len);
    }

    /// Compares `body` with the file that the mark was made in. On [`Match::Here`] the hashed
    /// bytes are remembered. A mark at the start of a file matches every file.
    ///
    /// # Errors
    /// What reading says.
    pub(crate) fn compare(&mut self, body: &mut Body) -> std::io::Result<Match> {
        let mut head = vec![0; self.head_len as usize];
        let got = body.read_at(&mut head, 0)?;
        if got < head.len() || fnv(FNV_OFFSET, &head) != self.head_hash {
            return Ok(Match::No);
        }
        let mut tail = vec![0; self.tail.len()];
        let from = self.offset - tail.len() as u64;
        let got = body.read_at(&mut tail, from)?;
        if got < tail.len() {
            return Ok(if head.is_empty() { Match::No } else { Match::Behind });
        }
        if tail != self.tail {
            return Ok(Match::No);
        }
        self.head = head;
        Ok(Match::Here)
    }

    /// Whether the first `size` bytes of `body`, which is shorter than the mark, are the bytes
    /// that were read before: it was cut, not written anew. Unknown counts as no.
    pub(crate) fn is_cut(&self, body: &mut Body, size: u64) -> bool {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let known = if self.head.is_empty() { self.head_len as usize } else { self.head.len() };
        let compared = known.min(size);
        if compared < CUT_MIN || (self.head.is_empty() && compared < known) {
            return false;
        }
        let mut now = vec![0; compared];
        match body.read_at(&mut now, 0) {
            Ok(got) if got < compared => false,
            Ok(_) if self.head.is_empty() => fnv(FNV_OFFSET, &now) == self.head_hash,
            Ok(_) => now == self.head[..compared],
            Err(_) => false,
        }
    }
}

/// The hash of the first bytes of a file.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    fnv(FNV_OFFSET, bytes)
}

/// Fewer equal bytes than this do not show that a file begins as it did.
const CUT_MIN: usize = 32;

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bit: it can be continued, so the hash grows with the file.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_grows_the_same_in_one_step_and_in_many() {
        let bytes: Vec<u8> = (0..3000u32).map(|n| (n % 251) as u8).collect();
        let mut whole = Mark::start();
        whole.advance(&bytes);
        let mut parts = Mark::start();
        for part in bytes.chunks(7) {
            parts.advance(part);
        }
        assert_eq!((whole.head_hash, &whole.head), (parts.head_hash, &parts.head));
        assert_eq!(whole.tail(), parts.tail());
        assert_eq!(whole.head_len, 1024);
        assert_eq!(whole.tail(), &bytes[3000 - 64..]);
    }
}
