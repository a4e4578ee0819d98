//! What a stranger wrote, made visible: there is one truth of which characters are hidden.

use std::borrow::Cow;

/// Whether whoever reads a text does not see the character, or the terminal obeys it: control
/// characters of both sets, marks and overrides of direction, what separates lines, and what
/// Unicode calls ignorable by default (`Default_Ignorable_Code_Point`), such as soft hyphens.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text on one line: what is hidden stands there as `\xNN` or `\u{NNNN}`; a tab is a space.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            _ if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ if is_hidden(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
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
            ("ro\u{ad}ot", "ro\\u{ad}ot"),
            ("ro\u{180e}o\u{fe0f}t", "ro\\u{180e}o\\u{fe0f}t"),
            ("\u{fff9}root\u{fffb}\u{3164}", "\\u{fff9}root\\u{fffb}\\u{3164}"),
            ("\u{fffd}", "\u{fffd}"),
            ("tab\there", "tab here"),
        ] {
            assert_eq!(shown(text), seen);
        }
    }
}
