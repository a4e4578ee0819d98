//! Bodies in the letters that every server passes on: RFC 2045.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest line of an encoded body.
const LINE_MAX: usize = 76;

/// A text as a part, with the fields that tell how to read it. Mostly ASCII is written as
/// quoted-printable, which people and filters can read; the rest in base64, which is shorter.
pub(super) fn text_part(out: &mut String, kind: &str, text: &str) {
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    out.push_str(&format!("Content-Type: {kind}; charset=utf-8\r\n"));
    if foreign * 6 < text.len() {
        out.push_str("Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        quoted_printable(out, text);
    } else {
        out.push_str("Content-Transfer-Encoding: base64\r\n\r\n");
        base64(out, text.replace('\n', "\r\n").as_bytes());
    }
}

/// A PNG file that the page shows by this name.
pub(super) fn picture_part(out: &mut String, id: &str, png: &[u8]) {
    out.push_str(&format!(
        "Content-Type: image/png; name=\"picture.png\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-ID: <{id}>\r\n\
         Content-Disposition: inline; filename=\"picture.png\"\r\n\r\n"
    ));
    base64(out, png);
}

fn base64(out: &mut String, bytes: &[u8]) {
    // 57 bytes are a line of 76.
    for line in bytes.chunks(LINE_MAX / 4 * 3) {
        STANDARD.encode_string(line, out);
        out.push_str("\r\n");
    }
}

/// RFC 2045, 6.7. Line ends of the text are line ends of the body.
fn quoted_printable(out: &mut String, text: &str) {
    for line in text.lines() {
        let bytes = line.as_bytes();
        let mut column = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let last = at + 1 == bytes.len();
            let width = if is_literal(*byte, column, last) { 1 } else { 3 };
            // A line that goes on needs room for the `=` at its end.
            if column + width > LINE_MAX - usize::from(!last) {
                out.push_str("=\r\n");
                column = 0;
            }
            if is_literal(*byte, column, last) {
                out.push(char::from(*byte));
                column += 1;
            } else {
                out.push_str(&format!("={byte:02X}"));
                column += 3;
            }
        }
        out.push_str("\r\n");
    }
}

/// Whether a byte stands for itself at this place of a line.
fn is_literal(byte: u8, column: usize, last: bool) -> bool {
    match byte {
        b' ' => !last,
        // A line that begins with a dot, or with `From `, is changed on some ways.
        b'.' | b'F' => column > 0,
        b'=' => false,
        _ => (b'!'..=b'~').contains(&byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_keeps_its_lines_short_and_comes_back() {
        for text in [
            "plain\n",
            "a = b\n",
            "ends with a space \nand a dot:\n.\n",
            "From here\n",
            &format!("{}\n", "..".repeat(200)),
            &format!("{}\n", "long ".repeat(100)),
            "門番 and\u{1}\n",
        ] {
            let mut out = String::new();
            quoted_printable(&mut out, text);
            assert!(out.split("\r\n").all(|line| line.len() <= LINE_MAX), "{out}");
            assert!(!out.lines().any(|line| line.starts_with('.') || line.starts_with("From ")));
            assert!(
                out.bytes().all(|byte| byte == b'\r' || byte == b'\n' || (32..127).contains(&byte))
            );
            let joined = out.replace("=\r\n", "").replace("\r\n", "\n");
            let mut bytes = Vec::new();
            let mut rest = joined.as_str();
            while let Some((before, after)) = rest.split_once('=') {
                bytes.extend_from_slice(before.as_bytes());
                bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
                rest = &after[2..];
            }
            bytes.extend_from_slice(rest.as_bytes());
            assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }
}
