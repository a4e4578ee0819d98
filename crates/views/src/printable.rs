//! Text of strangers, made safe for a terminal.

use std::io;

use monban_model::{is_hidden, shown};
use serde::Serialize;
use serde_json::ser::Formatter;

/// Bytes of a log as text: what is no UTF-8, or is hidden ([`is_hidden`]), is shown as `\xNN` or
/// `\u{NNNN}`, so that no attacker draws on the operator's screen.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(&shown(chunk.valid()));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// A name that was typed: in quotes if it is no plain word, so that it cannot pass for a part of
/// the sentence around it.
pub fn quoted(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(byte);
    match !bytes.is_empty() && bytes.iter().all(plain) {
        true => printable(bytes),
        false => format!("\"{}\"", printable(bytes).replace('"', "\\\"")),
    }
}

/// The same for a text whose line ends are meant.
pub fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line.as_bytes())).collect::<Vec<_>>().join("\n")
}

/// JSON on one line. What [`printable`] would not let through is written as `\uNNNN`: the same text
/// for a program, and harmless on a terminal.
pub fn json_line(value: &serde_json::Value) -> String {
    let mut line = Vec::new();
    // Neither a value nor memory fails.
    let _ = write_json(&mut line, value);
    String::from_utf8(line).unwrap_or_default()
}

/// Writes JSON in that form, without a line end.
///
/// # Errors
/// If it cannot be written.
pub fn write_json(out: impl io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Harmless);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Writes the hidden characters of texts as escapes; JSON's own syntax has none.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + hidden.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_stranger_wrote_reaches_the_terminal_raw() {
        assert_eq!(printable(b"root\x1b[2J\xff\n"), "root\\x1b[2J\\xff\\x0a");
        assert_eq!(printable("門番".as_bytes()), "門番");
        assert_eq!(printable("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(printable_lines("a\nb\x07"), "a\nb\\x07");
        assert_eq!(quoted("ro\u{ad}ot".as_bytes()), "\"ro\\u{ad}ot\"");
        assert_eq!(quoted(b"root"), "root");
        assert_eq!(quoted(b"x from 192.0.2.1"), "\"x from 192.0.2.1\"");
    }
    #[test]
    fn json_holds_the_same_text_without_a_character_that_a_terminal_obeys() {
        let hostile = "a\u{9b}2J\u{7f}\u{85}\u{202e}\u{e0041}\n\u{1b}門";
        let value = serde_json::json!({ hostile: [hostile] });
        let line = json_line(&value);
        assert!(!line.chars().any(is_hidden), "{line:?}");
        assert!(line.contains("\\u009b2J\\u007f") && line.contains('門'), "{line}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }
}
