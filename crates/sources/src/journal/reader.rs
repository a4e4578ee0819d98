//! From the bytes of the stream to entries.

use monban_model::limits::{JOURNAL_ENTRY_MAX, JOURNAL_NAME_MAX, JOURNAL_VALUE_MAX};

use super::JournalEntry;

/// Takes the stream in pieces of any size and gives its entries.
///
/// Where a field begins follows from the lengths before it alone. When those cannot be true the
/// reader gives nothing more: to look for the next entry would be to look into what somebody
/// logged.
#[derive(Debug, Default)]
pub struct JournalReader {
    waiting: Vec<u8>,
    done: usize,
    /// What is in the middle of being passed over.
    passing: Passing,
    /// The entry whose fields are coming.
    entry: JournalEntry,
    /// Its bytes so far.
    entry_bytes: usize,
    skipped: u64,
    is_broken: bool,
    /// The entry that was read last, by an earlier reader.
    after: String,
    keeps_fields: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Passing {
    #[default]
    Nothing,
    /// The rest of a value: so many bytes, and the line end behind them.
    Value(u64),
    /// The rest of a line.
    Line,
}

/// What the bytes at hand led to.
enum Step {
    /// On to the next field.
    On,
    /// The entry is complete.
    End,
    /// More bytes are needed.
    Wait,
    /// No stream of `journalctl` reads so.
    Broken,
}

impl JournalReader {
    /// A reader that leaves out the entry of this cursor: it was read before.
    pub fn after(cursor: &str) -> Self {
        Self { after: cursor.to_owned(), ..Self::default() }
    }

    /// Keeps all fields of the entries from the next one on, or not.
    pub fn keep_fields(&mut self, keep: bool) {
        self.keeps_fields = keep;
    }

    /// More of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.done);
        self.done = 0;
        if !self.is_broken {
            self.waiting.extend_from_slice(bytes);
        }
    }

    /// The next complete entry.
    pub fn next_entry(&mut self) -> Option<JournalEntry> {
        while !self.is_broken {
            match self.step() {
                Step::On => {}
                Step::End => {
                    let entry = self.end_entry();
                    if entry.is_some() {
                        return entry;
                    }
                }
                Step::Wait => return None,
                Step::Broken => {
                    self.is_broken = true;
                    self.skipped += 1;
                    (self.waiting, self.done) = (Vec::new(), 0);
                }
            }
        }
        None
    }

    /// Whether the stream makes no sense: it is to be begun anew, at the last entry.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Entries that were given up since the last call, because they were too long or broken.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    fn step(&mut self) -> Step {
        let rest = &self.waiting[self.done..];
        match self.passing {
            Passing::Nothing => self.field(),
            Passing::Value(left) if left > 0 => {
                let now = left.min(rest.len() as u64);
                // No more than are there, so it fits.
                self.done += now as usize;
                self.passing = Passing::Value(left - now);
                if now < left { Step::Wait } else { Step::On }
            }
            Passing::Value(_) => match rest.first() {
                None => Step::Wait,
                Some(b'\n') => self.passed(1),
                Some(_) => Step::Broken,
            },
            Passing::Line => match memchr::memchr(b'\n', rest) {
                Some(end) => self.passed(end + 1),
                None => {
                    self.done += rest.len();
                    Step::Wait
                }
            },
        }
    }

    fn passed(&mut self, bytes: usize) -> Step {
        self.done += bytes;
        self.passing = Passing::Nothing;
        Step::On
    }

    /// One field, or the empty line behind the last one.
    fn field(&mut self) -> Step {
        let rest = &self.waiting[self.done..];
        let room = JOURNAL_ENTRY_MAX.saturating_sub(self.entry_bytes);
        let Some(end) = memchr::memchr(b'\n', rest) else {
            if rest.len() <= room.max(JOURNAL_NAME_MAX) {
                return Step::Wait;
            }
            // A name alone is never so long, and the value of a line goes up to its end.
            if memchr::memchr(b'=', rest).is_none() {
                return Step::Broken;
            }
            (self.entry_bytes, self.passing) = (usize::MAX, Passing::Line);
            return Step::On;
        };
        let line = &rest[..end];
        if line.is_empty() {
            self.done += 1;
            return Step::End;
        }
        if let Some(equals) = memchr::memchr(b'=', line) {
            self.entry_bytes = self.entry_bytes.saturating_add(end + 1);
            if self.entry_bytes <= JOURNAL_ENTRY_MAX {
                let (name, value) = (&line[..equals], &line[equals + 1..]);
                self.entry.take(name, value);
                if self.keeps_fields {
                    self.entry.keep(name, value);
                }
            }
            self.done += end + 1;
            return Step::On;
        }
        let start = end + 9;
        let Some(size) = rest.get(end + 1..start).and_then(|b| b.try_into().ok()) else {
            return Step::Wait;
        };
        let size = u64::from_le_bytes(size);
        if size > JOURNAL_VALUE_MAX {
            return Step::Broken;
        }
        let fits = usize::try_from(size).ok().filter(|size| size.saturating_add(start) < room);
        let Some(size) = fits else {
            (self.entry_bytes, self.passing) = (usize::MAX, Passing::Value(size));
            self.done += start;
            return Step::On;
        };
        let stop = start + size;
        match rest.get(stop) {
            None => return Step::Wait,
            Some(b'\n') => {}
            Some(_) => return Step::Broken,
        }
        self.entry_bytes = self.entry_bytes.saturating_add(stop + 1);
        let value = &rest[start..stop];
        self.entry.take(line, value);
        if self.keeps_fields {
            self.entry.keep(line, value);
        }
        self.done += stop + 1;
        Step::On
    }

    /// The entry that has just ended, if it is whole and new.
    fn end_entry(&mut self) -> Option<JournalEntry> {
        let entry = std::mem::take(&mut self.entry);
        let bytes = std::mem::take(&mut self.entry_bytes);
        if bytes > JOURNAL_ENTRY_MAX || (bytes > 0 && entry.cursor.is_empty()) {
            self.skipped += 1;
            return None;
        }
        // Only the first one can be that one.
        (bytes > 0 && std::mem::take(&mut self.after) != entry.cursor).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream() -> Vec<u8> {
        let mut bytes = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795322152530989\n\
            _HOSTNAME=h\nSYSLOG_IDENTIFIER=sshd\n_PID=7\n_UID=0\nMESSAGE=Invalid user a from 192.0.2.1\n\n"
            .to_vec();
        bytes.extend_from_slice(b"__CURSOR=s=1;i=3\n_COMM=x y\nMESSAGE\n");
        bytes.extend_from_slice(&9_u64.to_le_bytes());
        bytes.extend_from_slice(b"two\nlines\n\n");
        bytes
    }

    #[test]
    fn entries_come_whole_from_pieces_of_any_size() {
        for piece in [1, 3, 7, 1000] {
            let mut reader = JournalReader::default();
            let mut entries = Vec::new();
            for bytes in stream().chunks(piece) {
                reader.push(bytes);
                while let Some(entry) = reader.next_entry() {
                    entries.push(entry);
                }
            }
            assert_eq!(entries.len(), 2, "pieces of {piece}");
            let line = String::from_utf8(entries[0].as_line()).unwrap();
            assert_eq!(line, "2026-11-22T04:35:52Z h sshd[7]: Invalid user a from 192.0.2.1");
            assert_eq!((entries[0].cursor.as_str(), entries[0].uid), ("s=1;i=2", Some(0)));
            assert_eq!(entries[1].message, b"two");
            assert!(entries[1].as_line().windows(5).any(|w| w == b" x_y:"));
        }
    }

    #[test]
    fn the_entry_that_was_read_last_does_not_come_again() {
        for (after, left) in [("s=1;i=2", 1), ("s=1;i=3", 2), ("", 2)] {
            let mut reader = JournalReader::after(after);
            reader.push(&stream());
            assert_eq!(std::iter::from_fn(|| reader.next_entry()).count(), left, "{after}");
        }
    }

    /// What is pushed in pieces: the cursors of the entries that come, and how many were given up.
    fn read(bytes: &[u8], piece: usize) -> (Vec<JournalEntry>, u64, bool) {
        let mut reader = JournalReader::default();
        let mut entries = Vec::new();
        for bytes in bytes.chunks(piece) {
            reader.push(bytes);
            entries.extend(std::iter::from_fn(|| reader.next_entry()));
            assert!(reader.waiting.len() <= JOURNAL_ENTRY_MAX + JOURNAL_NAME_MAX + piece + 16);
        }
        (entries, reader.take_skipped(), reader.is_broken())
    }

    fn binary(name: &str, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u64).to_le_bytes();
        [name.as_bytes(), b"\n", &length, value, b"\n"].concat()
    }

    /// What a user would like to be read as root's.
    const FORGED: &str = "x=\n\n__CURSOR=s=f;i=1\n__REALTIME_TIMESTAMP=1\n_UID=0\n\
        SYSLOG_IDENTIFIER=sshd\nMESSAGE=Failed password for root from 192.0.2.9\n\n";

    #[test]
    fn nothing_in_a_value_that_is_too_long_becomes_an_entry() {
        for size in [JOURNAL_ENTRY_MAX - 100, JOURNAL_ENTRY_MAX, 3 * JOURNAL_ENTRY_MAX] {
            let mut value = FORGED.repeat(size / FORGED.len() + 1).into_bytes();
            value.truncate(size);
            let mut bytes = b"__CURSOR=s=1;i=1\n_UID=1000\nMESSAGE=x\n".to_vec();
            bytes.extend(binary("BIG", &value));
            bytes.extend(binary("SMALL", FORGED.as_bytes()));
            bytes.extend_from_slice(b"_PID=9\n\n");
            bytes.extend(stream());
            for piece in [4093, 65_536, usize::MAX >> 1] {
                let (entries, skipped, broken) = read(&bytes, piece.min(bytes.len()));
                let cursors: Vec<&str> = entries.iter().map(|e| e.cursor.as_str()).collect();
                assert_eq!(cursors, ["s=1;i=2", "s=1;i=3"], "{size} {piece}");
                assert_eq!((skipped, broken), (1, false), "{size} {piece}");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_to_its_end() {
        let mut bytes = b"__CURSOR=s=1;i=1\nMESSAGE=".to_vec();
        bytes.resize(JOURNAL_ENTRY_MAX * 2, b'=');
        bytes.extend_from_slice(b"\n_UID=0\n\n");
        bytes.extend(stream());
        for piece in [4093, bytes.len()] {
            let (entries, skipped, broken) = read(&bytes, piece);
            assert_eq!((entries.len(), skipped, broken), (2, 1, false));
        }
    }

    #[test]
    fn many_fields_are_one_entry_and_a_name_at_its_limit_breaks_nothing() {
        let field = [b"A=".as_slice(), &[b'x'; 1021], b"\n"].concat();
        for count in [1000, 1023, 1024, 1025, 3000] {
            let mut bytes = b"__CURSOR=s=1;i=1\n".to_vec();
            bytes.extend(field.repeat(count));
            bytes.extend(binary("SOME_LONG_NAME_OF_A_FIELD", b"a\nb"));
            bytes.extend_from_slice(b"SOME_OTHER_LONG_NAME_OF_A_FIELD=1\n\n");
            bytes.extend(stream());
            for piece in [7, 1024, bytes.len()] {
                let (entries, skipped, broken) = read(&bytes, piece);
                assert_eq!(entries.len() as u64 + skipped, 3, "{count}");
                assert_eq!((skipped > 0, broken), (count > 1023, false), "{count}");
            }
        }
    }

    #[test]
    fn after_a_length_that_lies_nothing_is_believed() {
        let too_long = [b"MESSAGE\n".as_slice(), &u64::MAX.to_le_bytes(), b"\n\n"].concat();
        let above = (JOURNAL_VALUE_MAX + 1).to_le_bytes();
        let above = [b"MESSAGE\n".as_slice(), &above, FORGED.as_bytes()].concat();
        let too_short = [b"MESSAGE\n".as_slice(), &2_u64.to_le_bytes(), b"abc\n\n"].concat();
        let no_name = vec![b'x'; JOURNAL_ENTRY_MAX * 2];
        for broken in [too_long, above, too_short, no_name] {
            let (entries, skipped, is_broken) = read(&[broken, stream()].concat(), 1 << 16);
            assert_eq!((entries.len(), skipped, is_broken), (0, 1, true));
        }
    }

    #[test]
    fn an_entry_that_was_cut_is_none() {
        let bytes = stream();
        let first = bytes.windows(2).position(|two| two == b"\n\n").unwrap() + 2;
        for end in 0..bytes.len() {
            let entries = read(&bytes[..end], 64).0;
            assert_eq!(entries.len(), usize::from(end >= first), "cut at {end}");
        }
    }

    #[test]
    fn random_bytes_never_panic_and_memory_has_an_end() {
        let mut state = 3_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 60) as usize
        };
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..4096).map(|_| b"\nA=\0\x01MESSAGE"[next() % 12]).collect();
            read(&bytes, 100);
        }
    }

    /// Bytes as a user may log them: forged entries, lengths, anything.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(FORGED.as_bytes().to_vec()),
            Just(binary("MESSAGE", FORGED.as_bytes())),
            Just(b"\n\n".to_vec()),
            any::<u64>().prop_map(|length| [b"BIG\n", &length.to_le_bytes()[..]].concat()),
            proptest::collection::vec(any::<u8>(), 0..40),
        ];
        let size = prop_oneof![
            4 => 0..5000_usize,
            1 => JOURNAL_ENTRY_MAX - 300..JOURNAL_ENTRY_MAX + 300,
            1 => Just(2 * JOURNAL_ENTRY_MAX + 7),
        ];
        (proptest::collection::vec(piece, 1..20), size, any::<bool>()).prop_map(
            |(pieces, size, whole)| {
                let mut bytes = pieces.concat();
                if !whole {
                    let once = bytes.len().max(1);
                    bytes = bytes.repeat(size / once + 1);
                    bytes.resize(size, b'A');
                }
                bytes
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_value_makes_an_entry(
            values in proptest::collection::vec(
                proptest::collection::vec(("[A-Z][A-Z0-9_]{0,20}", hostile()), 0..4),
                1..6,
            ),
            piece in prop_oneof![1..200_usize, 4000..200_000_usize],
        ) {
            let piece = piece.max(if values.concat().iter().any(|(_, v)| v.len() > 1 << 16) {
                4000
            } else {
                1
            });
            let mut bytes = Vec::new();
            for (n, fields) in values.iter().enumerate() {
                bytes.extend(format!("__CURSOR=s=1;i={n}\n_UID=1000\n").into_bytes());
                for (name, value) in fields {
                    bytes.extend(binary(name, value));
                }
                bytes.extend_from_slice(b"_PID=7\n\n");
            }
            let (entries, skipped, broken) = read(&bytes, piece);
            prop_assert!(!broken);
            prop_assert_eq!(entries.len() as u64 + skipped, values.len() as u64);
            let numbers: Vec<usize> =
                entries.iter().map(|e| e.cursor["s=1;i=".len()..].parse().unwrap()).collect();
            prop_assert!(numbers.is_sorted_by(|a, b| a < b));
            for (entry, number) in entries.iter().zip(numbers) {
                prop_assert_eq!((entry.uid, entry.pid.as_slice()), (Some(1000), &b"7"[..]));
                let total: usize = values[number].iter().map(|(_, value)| value.len()).sum();
                prop_assert!(total <= JOURNAL_ENTRY_MAX);
            }
        }
    }
}
