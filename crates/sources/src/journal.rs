//! The byte stream of `journalctl -o export`.
//!
//! An entry is a run of fields up to an empty line. A field is `NAME=value` on a line, or, for
//! values with line ends or bytes that are no text, `NAME`, a line end, the length of the value as
//! 64-bit little-endian number, the value, and a line end (systemd's "Journal Export Formats").
//! Values come from whoever logs; the names with a leading `_` are the kernel's word.

use monban_model::limits::LINE_MAX;

/// Longest value that is kept, in bytes; of longer ones the head is kept.
const VALUE_MAX: usize = LINE_MAX;

/// Bytes of an unfinished entry that are held at most. Above it the entry is given up.
const ENTRY_MAX: usize = 1 << 20;

/// What `journalctl` is told: the journal of this system or the one in a folder, from a cursor on
/// or, without one, from a day ago. The entry of the cursor itself comes again, and
/// [`JournalReader::after`] leaves it out: `--after-cursor` skips an entry also where the one of
/// the cursor was vacuumed away, and that one would be lost.
pub fn journalctl_arguments(folder: Option<&str>, cursor: Option<&str>) -> Vec<String> {
    let fixed = ["--output=export", "--follow", "--no-tail", "--quiet", "--no-pager"];
    let mut arguments: Vec<String> = fixed.map(str::to_owned).into();
    arguments.extend(folder.map(|folder| format!("--directory={folder}")));
    arguments.push(match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => format!("--cursor={cursor}"),
        None => "--since=-1d".to_owned(),
    });
    arguments
}

/// The name of a journal among the positions; files have absolute paths.
pub fn journal_name(folder: Option<&str>) -> String {
    folder.map_or_else(|| "journal".to_owned(), |folder| format!("journal:{folder}"))
}

/// Whether a position is that of a journal.
pub fn is_journal_name(path: &str) -> bool {
    path == "journal" || path.starts_with("journal:")
}

/// One entry of the journal, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalEntry {
    /// `__CURSOR`: where to go on.
    pub cursor: String,
    /// `__REALTIME_TIMESTAMP`: microseconds since the epoch, when journald took it in.
    pub realtime_us: u64,
    /// `_HOSTNAME`.
    pub host: Vec<u8>,
    /// `SYSLOG_IDENTIFIER`, else `_COMM`.
    pub identifier: Vec<u8>,
    /// `_PID`, else `SYSLOG_PID`.
    pub pid: Vec<u8>,
    /// `MESSAGE`, up to its first line end.
    pub message: Vec<u8>,
    /// `_UID`: who logged it, by the kernel's word.
    pub uid: Option<u32>,
}

impl JournalEntry {
    /// The entry as a syslog line with an ISO 8601 date in UTC, for the rules. What would break a
    /// line or a head is replaced.
    pub fn as_line(&self) -> Vec<u8> {
        let time = monban_model::Stamp((self.realtime_us / 1000) as i64);
        let mut line = time.to_string().into_bytes();
        line.push(b' ');
        push_word(&mut line, &self.host, b"-");
        line.push(b' ');
        push_word(&mut line, &self.identifier, b"-");
        if !self.pid.is_empty() {
            line.push(b'[');
            push_word(&mut line, &self.pid, b"0");
            line.push(b']');
        }
        line.extend_from_slice(b": ");
        line.extend(self.message.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        line.truncate(LINE_MAX);
        line
    }
}

/// A word of a syslog head: no white space, no brackets, no colon.
fn push_word(line: &mut Vec<u8>, word: &[u8], empty: &[u8]) {
    let word = if word.is_empty() { empty } else { word };
    let clean = |byte: &u8| match byte {
        b' ' | b'\t' | b'\n' | b'[' | b']' | b':' => b'_',
        other => *other,
    };
    line.extend(word.iter().take(128).map(clean));
}

/// Takes the stream in pieces of any size and gives its entries.
#[derive(Debug, Default)]
pub struct JournalReader {
    waiting: Vec<u8>,
    done: usize,
    skipped: u64,
    skipping: bool,
    /// The entry that was read last, by an earlier reader.
    after: String,
}

impl JournalReader {
    /// A reader that leaves out the entry of this cursor: it was read before.
    pub fn after(cursor: &str) -> Self {
        Self { after: cursor.to_owned(), ..Self::default() }
    }

    /// More of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.done);
        self.done = 0;
        self.waiting.extend_from_slice(bytes);
    }

    /// The next complete entry.
    pub fn next_entry(&mut self) -> Option<JournalEntry> {
        loop {
            let rest = &self.waiting[self.done..];
            match parse(rest) {
                Parsed::Entry(entry, length) => {
                    self.done += length;
                    let whole = !std::mem::take(&mut self.skipping);
                    if whole && !entry.cursor.is_empty() {
                        // Only the first one can be that one.
                        if std::mem::take(&mut self.after) == entry.cursor {
                            continue;
                        }
                        return Some(entry);
                    }
                    self.skipped += u64::from(!whole);
                }
                Parsed::Partial if rest.len() > ENTRY_MAX => {
                    // Nothing but the end of the entry is looked for from here on.
                    self.skipping = true;
                    self.waiting.clear();
                    self.done = 0;
                    return None;
                }
                Parsed::Partial => return None,
                Parsed::Broken(length) => {
                    self.skipped += 1;
                    self.done += length;
                }
            }
        }
    }

    /// Entries that were given up because they were too long or broken.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

enum Parsed {
    /// An entry and how many bytes it took.
    Entry(JournalEntry, usize),
    /// Its end is not there yet.
    Partial,
    /// These bytes are no entry.
    Broken(usize),
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut entry = JournalEntry::default();
    let mut at = 0;
    loop {
        let Some(end) = memchr::memchr(b'\n', &bytes[at..]).map(|n| at + n) else {
            return Parsed::Partial;
        };
        let line = &bytes[at..end];
        if line.is_empty() {
            return Parsed::Entry(entry, end + 1);
        }
        if let Some(equals) = memchr::memchr(b'=', line) {
            entry.take(&line[..equals], &line[equals + 1..]);
            at = end + 1;
            continue;
        }
        let Some(size) = bytes.get(end + 1..end + 9).and_then(|b| b.try_into().ok()) else {
            return Parsed::Partial;
        };
        let start = end + 9;
        let Ok(size) = usize::try_from(u64::from_le_bytes(size)) else {
            return Parsed::Broken(end + 1);
        };
        let Some(stop) = start.checked_add(size).filter(|stop| *stop - start <= ENTRY_MAX) else {
            return Parsed::Broken(end + 1);
        };
        match bytes.get(stop) {
            None => return Parsed::Partial,
            Some(b'\n') => {}
            Some(_) => return Parsed::Broken(end + 1),
        }
        entry.take(line, &bytes[start..stop]);
        at = stop + 1;
    }
}

impl JournalEntry {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let value = &value[..value.len().min(VALUE_MAX)];
        let text = || std::str::from_utf8(value).ok();
        match name {
            b"__CURSOR" => self.cursor = text().unwrap_or_default().to_owned(),
            b"__REALTIME_TIMESTAMP" => {
                self.realtime_us = text().and_then(|t| t.parse().ok()).unwrap_or(0);
            }
            b"_HOSTNAME" => self.host = value.to_vec(),
            b"SYSLOG_IDENTIFIER" => self.identifier = value.to_vec(),
            b"_COMM" if self.identifier.is_empty() => self.identifier = value.to_vec(),
            b"_PID" => self.pid = value.to_vec(),
            b"SYSLOG_PID" if self.pid.is_empty() => self.pid = value.to_vec(),
            b"MESSAGE" => {
                let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
                self.message = value[..end].to_vec();
            }
            b"_UID" => self.uid = text().and_then(|t| t.parse().ok()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn an_empty_cursor_is_none() {
        for none in [None, Some("")] {
            let arguments = journalctl_arguments(None, none);
            assert!(!arguments.iter().any(|word| word.contains("cursor")), "{arguments:?}");
        }
        let arguments = journalctl_arguments(Some("/x"), Some("s=1"));
        assert!(arguments.contains(&"--cursor=s=1".to_owned()));
        assert!(arguments.contains(&"--directory=/x".to_owned()));
    }

    #[test]
    fn the_entry_that_was_read_last_does_not_come_again() {
        for (after, left) in [("s=1;i=2", 1), ("s=1;i=3", 2), ("", 2)] {
            let mut reader = JournalReader::after(after);
            reader.push(&stream());
            assert_eq!(std::iter::from_fn(|| reader.next_entry()).count(), left, "{after}");
        }
    }

    #[test]
    fn lengths_that_lie_are_given_up() {
        let mut reader = JournalReader::default();
        let mut bytes = b"MESSAGE\n".to_vec();
        bytes.extend_from_slice(&u64::MAX.to_le_bytes());
        bytes.extend_from_slice(b"\n\n");
        bytes.extend_from_slice(&stream());
        reader.push(&bytes);
        let mut found = 0;
        while let Some(entry) = reader.next_entry() {
            found += 1;
            assert!(!entry.cursor.is_empty());
        }
        assert!(found >= 1 && reader.skipped() >= 1, "{found} {}", reader.skipped());
    }

    #[test]
    fn random_bytes_never_panic_and_memory_has_an_end() {
        let mut state = 3_u64;
        let mut reader = JournalReader::default();
        for _ in 0..3000 {
            let mut bytes = [0; 512];
            for byte in &mut bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = b"\nA=\0\x01MESSAGE"[(state >> 60) as usize % 12];
            }
            reader.push(&bytes);
            while reader.next_entry().is_some() {}
        }
        assert!(reader.waiting.len() <= ENTRY_MAX + 512 * 2);
    }
}
