//! What would be obeyed or hidden, made visible.

use std::borrow::Cow;

/// The text on one line: control characters of both sets, marks and overrides of direction, what
/// separates lines and what is shown as nothing stand there as `\xNN` or `\u{NNNN}`, as monban's
/// other views show them; a tab is a space.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push_shown(c, &mut out));
    Cow::Owned(out)
}

/// The same line by line, for texts whose line ends are meant.
pub(crate) fn shown_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(shown)
}

/// One character of such a text.
fn push_shown(c: char, out: &mut String) {
    match c {
        '\t' => out.push(' '),
        _ if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ if is_hidden(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        _ => out.push(c),
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_or_hidden() {
        for (text, seen) in [
            ("alice", "alice"),
            ("変なSSHアクセスがありましたよ。", "変なSSHアクセスがありましたよ。"),
            ("a\r\nBcc: x@example.com", "a\\x0d\\x0aBcc: x@example.com"),
            ("\u{1b}[2J\0\u{7f}\u{9b}", "\\x1b[2J\\x00\\x7f\\u{9b}"),
            ("\u{202e}gpj.exe\u{2066}", "\\u{202e}gpj.exe\\u{2066}"),
            ("a\u{200b}b\u{feff}\u{2028}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{2028}\\u{e0041}"),
            ("tab\there", "tab here"),
        ] {
            assert_eq!(shown(text), seen);
        }
    }
}
