//! Text of strangers, made safe for a terminal.

/// Bytes of a log as text: what is no UTF-8, a control character, or changes the direction of
/// writing is shown as `\xNN` or `\u{NNNN}`, so that no attacker draws on the operator's screen.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut text, c);
        }
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

fn push(text: &mut String, c: char) {
    match c {
        '\t' => text.push(' '),
        _ if c.is_control() && c.is_ascii() => text.push_str(&format!("\\x{:02x}", c as u32)),
        // Marks and overrides of direction, separators of lines, and what is shown as nothing.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => text.push_str(&format!("\\u{{{:x}}}", c as u32)),
        _ => text.push(c),
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
        assert_eq!(quoted(b"root"), "root");
        assert_eq!(quoted(b"x from 192.0.2.1"), "\"x from 192.0.2.1\"");
    }
}
