//! How lines without a syslog head are told apart, and where their date is.

use crate::service::ShapeName;

/// The shape of a line and the text of its date. `None` if it has none of the known shapes.
///
/// The date may be moved by what an attacker types (the user of an access log stands before it):
/// a rule that names `{date}` knows better.
#[inline]
pub(crate) fn detect(line: &[u8]) -> Option<(ShapeName, &[u8])> {
    match line.first()? {
        b'[' => apache_error(line).map(|date| (ShapeName::ApacheError, date)),
        _ => nginx_error(line)
            .map(|date| (ShapeName::NginxError, date))
            .or_else(|| access(line).map(|date| (ShapeName::Access, date))),
    }
}

/// `[Sun Nov 22 05:33:01.123456 2026] [core:error] ...`.
fn apache_error(line: &[u8]) -> Option<&[u8]> {
    let rest = line.get(1..)?;
    let end = memchr::memchr(b']', &rest[..rest.len().min(48)])?;
    let date = &rest[..end];
    let colons = date.get(13) == Some(&b':') && date.get(16) == Some(&b':');
    let named = date.first().is_some_and(u8::is_ascii_uppercase) && date.get(3) == Some(&b' ');
    (colons && named && rest[end..].starts_with(b"] [")).then_some(date)
}

/// `2026/11/22 05:33:01 [error] ...`.
fn nginx_error(line: &[u8]) -> Option<&[u8]> {
    let date = line.get(..19)?;
    let fits = date[4] == b'/' && date[7] == b'/' && date[10] == b' ' && date[13] == b':';
    (fits && date[0].is_ascii_digit() && line[19..].starts_with(b" [")).then_some(date)
}

/// `... [22/Nov/2026:05:33:01 +0900] "...`.
fn access(line: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'[', &line[from..]) {
        let rest = &line[from + at + 1..];
        let fits = rest.get(2) == Some(&b'/')
            && rest.get(6) == Some(&b'/')
            && rest.get(11) == Some(&b':')
            && rest.get(26) == Some(&b']');
        if fits && from + at > 0 {
            return rest.get(..26);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_web_servers_are_told_apart() {
        let cases = [
            (
                "192.0.2.1 - a [x [22/Nov/2026:05:33:01 +0900] \"GET / HTTP/1.1\" 200 1",
                Some((ShapeName::Access, "22/Nov/2026:05:33:01 +0900")),
            ),
            (
                "2026/11/22 05:33:01 [error] 1#1: x",
                Some((ShapeName::NginxError, "2026/11/22 05:33:01")),
            ),
            (
                "[Sun Nov 22 05:33:01.123456 2026] [core:error] x",
                Some((ShapeName::ApacheError, "Sun Nov 22 05:33:01.123456 2026")),
            ),
            ("[x] [y]", None),
            ("plain text [", None),
            ("", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|(shape, date)| (shape, date.as_bytes()));
            assert_eq!(detect(line.as_bytes()), expected, "{line}");
        }
    }
}
