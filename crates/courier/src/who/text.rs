//! Texts of registries and name servers, made short and harmless.
//!
//! Whoever has a network writes what he likes into them: control characters, escape sequences of
//! terminals, marks that turn the direction of writing, names as long as a book.

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, WINDOWS_1252};
use monban_model::limits::WHO_TEXT_MAX;
use monban_model::{is_hidden, is_mail_address};

/// One line without anything that is not seen, white space as single blanks, at most
/// [`WHO_TEXT_MAX`] bytes.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::new();
    let mut blank = false;
    // Enough for whatever is cut off at the front; the rest of a long text is not looked at.
    for c in text.chars().take(4 * WHO_TEXT_MAX) {
        if c.is_whitespace() {
            blank = !clean.is_empty();
        } else if !is_hidden(c) {
            let room = WHO_TEXT_MAX.saturating_sub(clean.len() + usize::from(blank));
            if c.len_utf8() > room {
                break;
            }
            if std::mem::take(&mut blank) {
                clean.push(' ');
            }
            clean.push(c);
        }
    }
    clean
}

/// The first mail address of a text.
pub(super) fn mail_address(text: &str) -> Option<String> {
    // What may stand around one: quotes, brackets, `mailto:`.
    let around = |c: char| c.is_whitespace() || "<>()[]{}'\",;:|\\/".contains(c);
    text.split(around).take(256).find(|word| is_harmless(word)).map(str::to_lowercase)
}

/// Whether it is one that a stranger may name: in the domain name system, and without anything that
/// a shell reads.
fn is_harmless(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+=-@".contains(&byte);
    let has_domain = text.split_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    is_mail_address(text) && has_domain && text.bytes().all(plain)
}

/// The text of an answer, whatever letters it is written in. UTF-8 where it is that; else the
/// Japanese ones where the server is one of Japan's; else those of western Europe, which fit
/// always.
pub(super) fn decode(bytes: &[u8], japanese: bool) -> String {
    let escapes = bytes.windows(2).any(|pair| pair == b"\x1b$" || pair == b"\x1b(");
    if japanese && escapes {
        return ISO_2022_JP.decode_without_bom_handling(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    // An answer that was cut off within a letter is still UTF-8.
    if let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_none()
    {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let fits = |encoding: &'static Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    };
    let candidates: &[&'static Encoding] = if japanese { &[EUC_JP, SHIFT_JIS] } else { &[] };
    let found = candidates.iter().find_map(|encoding| fits(encoding));
    let found = found.map(std::borrow::Cow::into_owned);
    found.unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_what_is_not_seen_and_are_short() {
        assert_eq!(clean("  ECATEL \t LTD\r\n"), "ECATEL LTD");
        assert_eq!(clean("a\u{1b}[31mred\u{7}\u{9b}2J"), "a[31mred2J");
        assert_eq!(clean("a\u{202e}b\u{200b}c\u{e0041}"), "abc");
        assert_eq!(clean("日本"), "日本");
        let long = clean(&"日 ".repeat(100_000));
        assert!(long.len() <= WHO_TEXT_MAX && long.len() > WHO_TEXT_MAX - 5);
        assert_eq!(clean(&"\u{0}".repeat(10_000_000)), "");
    }

    #[test]
    fn only_plain_mail_addresses_are_taken() {
        for (text, found) in [
            ("for abuse complaints : abuse@ecatel.info", Some("abuse@ecatel.info")),
            ("'abuse@example.net'", Some("abuse@example.net")),
            ("<mailto:Abuse@Example.NET>", Some("abuse@example.net")),
            ("mail abuse@example.net, not noc@example.net", Some("abuse@example.net")),
            ("-oX@example.net", None),
            ("a@b", None),
            ("a@b..c", None),
            ("a@-b.example", None),
            ("a b@", None),
            ("\"a b\"@example.net", None),
            ("a$(id)@example.net", None),
            ("a`id`@example.net", None),
            ("a@example.net\r\nBcc:b@example.net", Some("a@example.net")),
            ("é@example.net", None),
            ("a.@example.net", None),
            ("a@b@example.net", None),
        ] {
            assert_eq!(mail_address(text).as_deref(), found, "{text}");
        }
        assert_eq!(mail_address(&format!("{}@example.net", "a".repeat(65))), None);
        assert_eq!(mail_address(&format!("a@{}example.net", "a.".repeat(130))), None);
    }

    #[test]
    fn answers_in_any_letters_are_read() {
        assert_eq!(decode("門番".as_bytes(), false), "門番");
        assert_eq!(decode(b"\x1b$BLgHV\x1b(B", true), "門番");
        assert_eq!(decode(b"\xcc\xe7\xc8\xd6", true), "門番");
        assert_eq!(decode(b"\x96\xe5\x94\xd4", true), "門番");
        assert_eq!(decode(b"Universit\xe4t", false), "Universität");
        assert_eq!(decode(&"門番".as_bytes()[..5], true).chars().next(), Some('門'));
        decode(&[0x1b, b'$', b'B', 0xff, 0xfe], true);
    }
}
