//! What a saved row says of files beyond the one that is being read.
//!
//! For files, the `cursor` of a [`monban_model::PositionRow`] holds words: `mtime=NS`, the time of
//! the file's last change as it was read, `born=NS`, the time of its birth (an inode is soon used
//! again), and for each rotated file that may still get late lines
//! `late=DEV:INO:OFFSET:HASH:BORN`, with the hash of the bytes before the offset in hex, and for
//! each of the last files that were read to their end `read=OFFSET:HASH:LENGTH:TAIL`, with the
//! hash of its first LENGTH bytes and the one of the bytes before the offset.

use monban_model::limits::{HEAD_BYTES, LATE_PER_PATH_MAX, SIBLINGS_MAX};

use super::mark::{Mark, hash_of};
use super::member::{FileKey, Member};

/// A rotated file that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) key: FileKey,
    pub(crate) offset: u64,
    pub(crate) tail_hash: u64,
    pub(crate) born_ns: Option<i128>,
}

/// A file that was read to its end, by its first and last bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) offset: u64,
    pub(crate) head: (u64, u32),
    pub(crate) tail_hash: u64,
}

impl Read {
    pub(crate) fn of(mark: &Mark) -> Self {
        Self { offset: mark.offset, head: mark.head(), tail_hash: mark.tail_hash() }
    }

    /// Whether a file, or what is packed in it, is the one that was read. A short one is compared
    /// whole: many logs begin with the same header.
    pub(crate) fn is_in(&self, member: &mut Member) -> bool {
        let (hash, length) = (self.head.0, self.head.1 as usize);
        let short = self.offset < HEAD_BYTES as u64;
        if length == 0 || length > HEAD_BYTES || (short && self.offset != length as u64) {
            return false;
        }
        let mut bytes = vec![0; length + usize::from(short)];
        let got = member.body.read_at(&mut bytes, 0).unwrap_or(0);
        got == length
            && hash_of(&bytes[..length]) == hash
            && Mark::read(&mut member.body, self.offset)
                .is_ok_and(|mark| mark.tail_hash() == self.tail_hash)
    }
}

/// The words of a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) mtime_ns: Option<i128>,
    pub(crate) born_ns: Option<i128>,
    pub(crate) late: Vec<Late>,
    pub(crate) read: Vec<Read>,
}

impl Late {
    /// Whether a file, or what is packed in it, has the bytes of this one before its end.
    pub(crate) fn is_in(&self, member: &mut Member) -> bool {
        let mark = Mark::read(&mut member.body, self.offset);
        mark.is_ok_and(|mark| mark.tail_hash() == self.tail_hash)
    }

    pub(crate) fn of(member: &Member) -> Self {
        Self {
            key: member.key,
            offset: member.mark.offset,
            tail_hash: member.mark.tail_hash(),
            born_ns: member.born_ns,
        }
    }
}

impl Words {
    /// Reads a cursor; what is not understood is left out.
    pub(crate) fn read(cursor: &str) -> Self {
        let mut words = Self::default();
        for word in cursor.split_ascii_whitespace() {
            if let Some(time) = word.strip_prefix("mtime=") {
                words.mtime_ns = time.parse().ok();
            } else if let Some(time) = word.strip_prefix("born=") {
                words.born_ns = time.parse().ok();
            } else if let Some(read) = word.strip_prefix("read=").and_then(read_read)
                && words.read.len() < SIBLINGS_MAX
            {
                words.read.push(read);
            } else if let Some(late) = word.strip_prefix("late=").and_then(read_late)
                && words.late.len() < LATE_PER_PATH_MAX
            {
                words.late.push(late);
            }
        }
        words
    }

    /// Writes it.
    pub(crate) fn write(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        if let Some(time) = self.mtime_ns {
            // Writing to a String does not fail.
            let _ = write!(text, "mtime={time}");
        }
        if let Some(time) = self.born_ns {
            let _ = write!(text, " born={time}");
        }
        for Late { key: (dev, ino), offset, tail_hash, born_ns } in &self.late {
            let _ = write!(text, " late={dev}:{ino}:{offset}:{tail_hash:x}:");
            if let Some(time) = born_ns {
                let _ = write!(text, "{time}");
            }
        }
        for Read { offset, head: (hash, length), tail_hash } in &self.read {
            let _ = write!(text, " read={offset}:{hash:x}:{length}:{tail_hash:x}");
        }
        text
    }
}

fn read_read(text: &str) -> Option<Read> {
    let mut parts = text.split(':');
    let offset = parts.next()?.parse().ok()?;
    let hash = u64::from_str_radix(parts.next()?, 16).ok()?;
    let head = (hash, parts.next()?.parse().ok()?);
    let tail_hash = u64::from_str_radix(parts.next()?, 16).ok()?;
    Some(Read { offset, head, tail_hash })
}

fn read_late(text: &str) -> Option<Late> {
    let mut parts = text.split(':');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (dev, ino, offset) = (number()?, number()?, number()?);
    let tail_hash = u64::from_str_radix(parts.next()?, 16).ok()?;
    let born_ns = parts.next().and_then(|time| time.parse().ok());
    Some(Late { key: (dev, ino), offset, tail_hash, born_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let words = Words {
            mtime_ns: Some(-5),
            born_ns: Some(7),
            read: vec![Read { offset: 70, head: (u64::MAX, 70), tail_hash: 3 }],
            late: vec![
                Late { key: (1, u64::MAX), offset: 9, tail_hash: u64::MAX, born_ns: None },
                Late { key: (1, 2), offset: 3, tail_hash: 4, born_ns: Some(5) },
            ],
        };
        assert_eq!(Words::read(&words.write()), words);
        assert_eq!(Words::read("late=1:2 mtime=x late=:::: \u{1f}"), Words::default());
    }
}
