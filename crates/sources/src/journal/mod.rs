//! The byte stream of `journalctl -o export`.
//!
//! An entry is a run of fields up to an empty line. A field is `NAME=value` on a line, or, for
//! values with line ends or bytes that are no text, `NAME`, a line end, the length of the value as
//! 64-bit little-endian number, the value, and a line end (systemd's "Journal Export Formats").
//! Values come from whoever logs; the names with a leading `_` are the kernel's word. A value may
//! hold what looks like the end of its entry and another one, so it is passed over by its length
//! and never looked into for fields.

mod reader;

use monban_model::Stamp;
use monban_model::limits::{JOURNAL_CURSOR_MAX, JOURNAL_FIELDS_MAX, LINE_MAX};

pub use reader::JournalReader;

/// What `journalctl` is told: the journal of this system or the one in a folder, from a cursor on
/// or, without one, from a time on, and without that from a day ago. The entry of the cursor
/// itself comes again, and [`JournalReader::after`] leaves it out: `--after-cursor` skips an entry
/// also where the one of the cursor was vacuumed away, and that one would be lost.
pub fn journalctl_arguments(
    folder: Option<&str>,
    cursor: Option<&str>,
    since: Option<Stamp>,
) -> Vec<String> {
    let fixed = ["--output=export", "--follow", "--no-tail", "--quiet", "--no-pager"];
    let mut arguments: Vec<String> = fixed.map(str::to_owned).into();
    arguments.extend(folder.map(|folder| format!("--directory={folder}")));
    let since = since.filter(|since| since.0 > 0);
    arguments.push(match (cursor.filter(|cursor| !cursor.is_empty()), since) {
        (Some(cursor), _) => format!("--cursor={cursor}"),
        (None, Some(Stamp(ms))) => format!("--since=@{}.{:03}", ms / 1000, ms % 1000),
        (None, None) => "--since=-1d".to_owned(),
    });
    arguments
}

/// Whether a text looks like a cursor of `journalctl`.
pub fn is_cursor(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"=;-".contains(&byte);
    !text.is_empty() && text.len() <= JOURNAL_CURSOR_MAX && text.bytes().all(is_letter)
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
    /// All fields with their values, if the reader keeps them.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl JournalEntry {
    /// The entry as a syslog line with an ISO 8601 date in UTC, for the rules. What would break a
    /// line or a head is replaced.
    pub fn as_line(&self) -> Vec<u8> {
        let time = Stamp((self.realtime_us / 1000) as i64);
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

impl JournalEntry {
    /// Keeps a field as it is.
    fn keep(&mut self, name: &[u8], value: &[u8]) {
        let value = &value[..value.len().min(LINE_MAX)];
        if self.fields.len() < JOURNAL_FIELDS_MAX {
            self.fields.push((name.to_vec(), value.to_vec()));
        }
    }

    /// Takes in a field.
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let value = &value[..value.len().min(LINE_MAX)];
        let text = || std::str::from_utf8(value).ok();
        match name {
            // journalctl writes these before everything else, once.
            b"__CURSOR" if self.cursor.is_empty() => {
                self.cursor = text().filter(|text| is_cursor(text)).unwrap_or_default().to_owned();
            }
            b"__REALTIME_TIMESTAMP" if self.realtime_us == 0 => {
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
            // An unreadable one is somebody, and not root.
            b"_UID" => self.uid = Some(text().and_then(|t| t.parse().ok()).unwrap_or(u32::MAX)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cursor_is_none() {
        for none in [None, Some("")] {
            let arguments = journalctl_arguments(None, none, None);
            assert!(!arguments.iter().any(|word| word.contains("cursor")), "{arguments:?}");
        }
        let arguments = journalctl_arguments(Some("/x"), Some("s=1"), Some(Stamp(7)));
        assert!(arguments.contains(&"--cursor=s=1".to_owned()));
        assert!(arguments.contains(&"--directory=/x".to_owned()));
    }

    #[test]
    fn without_a_cursor_reading_begins_at_a_time() {
        let last = |since| journalctl_arguments(None, None, since).pop().unwrap();
        assert_eq!(last(Some(Stamp(1_795_322_152_042))), "--since=@1795322152.042");
        for never in [None, Some(Stamp(0)), Some(Stamp(i64::MIN))] {
            assert_eq!(last(never), "--since=-1d");
        }
        assert!(is_cursor("s=0f;i=2;b=6c;m=1;t=2;x=ff"));
        for other in ["", "s=1 --file=/etc/shadow", "s=1\n", &"s".repeat(JOURNAL_CURSOR_MAX + 1)] {
            assert!(!is_cursor(other), "{other:?}");
        }
    }
}
