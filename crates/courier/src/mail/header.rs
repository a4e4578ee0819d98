//! Header fields: RFC 5322, and RFC 2047 for what ASCII does not hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monban_model::{Stamp, civil_from_days};

use super::address::Mailbox;
use crate::shape::shown;

/// The longest line that we write, without its end; RFC 5322 asks for no more.
const LINE_MAX: usize = 78;

/// Bytes of a text in one encoded word: `=?utf-8?B?` and `?=` and four letters for each three bytes
/// are 72 of the 75 that RFC 2047 allows.
const WORD_BYTES: usize = 45;

/// Adds a field whose value may hold anything: what is hidden or would be obeyed is made visible,
/// and what is not printable ASCII, or looks like an encoded word, is encoded.
pub(super) fn text(out: &mut String, name: &str, value: &str) {
    let value = shown(value);
    let value = value.trim();
    let simple = value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !value.contains("=?");
    let longest = value.split(' ').map(str::len).max().unwrap_or_default();
    if simple && longest <= LINE_MAX {
        fold(out, name, value.split(' '));
    } else {
        let words = encoded_words(value);
        fold(out, name, words.iter().map(String::as_str));
    }
}

/// Adds a field with these addresses.
pub(super) fn mailboxes(out: &mut String, name: &str, all: &[Mailbox]) {
    let last = all.len().saturating_sub(1);
    let mut parts = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let comma = if at < last { "," } else { "" };
        if one.name.is_empty() {
            parts.push(format!("{}{comma}", one.address));
        } else {
            parts.extend(phrase(&one.name));
            parts.push(format!("<{}>{comma}", one.address));
        }
    }
    fold(out, name, parts.iter().map(String::as_str));
}

/// The time of RFC 5322, in UTC.
pub(super) fn date(time: Stamp) -> String {
    let seconds = time.as_s();
    let days = seconds.div_euclid(86_400);
    let (year, month, day) = civil_from_days(days);
    let rest = seconds.rem_euclid(86_400);
    let three = |all: &'static str, at: i64| {
        let at = usize::try_from(at).unwrap_or_default() * 3;
        all.get(at..at + 3).unwrap_or_default()
    };
    // The first day of the epoch was a Thursday.
    let weekday = three("SunMonTueWedThuFriSat", (days + 4).rem_euclid(7));
    let month = three("JanFebMarAprMayJunJulAugSepOctNovDec", month - 1);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

/// A display name: words as they are if each is an atom, else encoded.
fn phrase(name: &str) -> Vec<String> {
    let name = shown(name);
    let atom = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.split(' ').all(atom) {
        name.split(' ').map(str::to_owned).collect()
    } else {
        encoded_words(&name)
    }
}

fn encoded_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words
}

/// Writes parts with a space between them, on lines of at most [`LINE_MAX`] where they allow it.
pub(super) fn fold<'a>(out: &mut String, name: &str, parts: impl Iterator<Item = &'a str>) {
    out.push_str(name);
    out.push(':');
    let mut column = name.len() + 1;
    // A line of nothing but spaces is not allowed, so empty parts wait for one that is not.
    let mut spaces = 1;
    for part in parts {
        if part.is_empty() {
            spaces += 1;
            continue;
        }
        if column + spaces + part.len() > LINE_MAX && column > name.len() + 1 {
            out.push_str("\r\n");
            column = 0;
        }
        (0..spaces).for_each(|_| out.push(' '));
        out.push_str(part);
        column += spaces + part.len();
        spaces = 1;
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut out = String::new();
        text(&mut out, "Subject", value);
        out
    }

    #[test]
    fn ascii_stays_readable_and_the_rest_is_encoded() {
        assert_eq!(written("[web1] login: alice"), "Subject: [web1] login: alice\r\n");
        let word = STANDARD.encode("変なSSHアクセスがありましたよ。".get(..45).unwrap());
        assert_eq!(
            written("変なSSHアクセスがありましたよ。").lines().next(),
            Some(format!("Subject: =?utf-8?B?{word}?=").as_str())
        );
    }

    #[test]
    fn nothing_adds_a_field_and_no_line_is_too_long() {
        for hostile in crate::shape::samples::HOSTILE {
            for value in [(*hostile).to_owned(), hostile.repeat(60), format!("{hostile}  門 ")] {
                let field = written(&value);
                assert!(field.ends_with("\r\n") && field.starts_with("Subject: "));
                let lines: Vec<&str> = field[..field.len() - 2].split("\r\n").collect();
                for (at, line) in lines.iter().enumerate() {
                    assert!(line.len() <= 100, "{line}");
                    assert!(at == 0 || line.starts_with(' '), "{line}");
                    assert!(!line.trim().is_empty() && !line.chars().any(char::is_control));
                }
            }
        }
        assert!(!written("=?utf-8?Q?=0D=0ABcc:_x?=").contains("?Q?"));
    }

    #[test]
    fn dates_have_their_day_of_the_week() {
        assert_eq!(date(Stamp::from_s(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(date(Stamp::from_s(1_795_325_581)), "Sun, 22 Nov 2026 05:33:01 +0000");
    }
}
