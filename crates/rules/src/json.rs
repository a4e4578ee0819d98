//! The few fields of a JSON line that a log reader needs. One level deep, nothing allocated but
//! the scratch buffers for texts with escapes, which are bounded and reused.

use monban_model::limits::LINE_MAX;

/// Room for the unescaped texts of one line.
pub(crate) type Texts = Vec<u8>;

/// What a JSON line tells. Texts that are missing are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) program: &'a [u8],
    pub(crate) pid: &'a [u8],
    pub(crate) host: &'a [u8],
    pub(crate) time: &'a [u8],
}

/// The names of a field in the order of [`Fields`].
const NAMES: [&[&[u8]]; 5] = [
    &[b"message", b"MESSAGE", b"msg", b"log"],
    &[b"SYSLOG_IDENTIFIER", b"program", b"appname", b"ident", b"tag"],
    &[b"_PID", b"SYSLOG_PID", b"procid", b"pid"],
    &[b"_HOSTNAME", b"hostname", b"host"],
    &[b"@timestamp", b"timestamp", b"time", b"__REALTIME_TIMESTAMP"],
];

/// Where a value stands: in the line, or unescaped in the scratch buffer.
#[derive(Clone, Copy)]
enum Place {
    Line(usize, usize),
    Scratch(usize, usize),
}

/// Reads the object on `line`. `None` if it is not one or has no message. Of two fields of the
/// same meaning the first one counts.
pub(crate) fn read<'a>(line: &'a [u8], scratch: &'a mut Texts) -> Option<Fields<'a>> {
    scratch.clear();
    let mut places: [Option<Place>; 5] = [None; 5];
    let mut at = skip_space(line, 1);
    if line.first() != Some(&b'{') {
        return None;
    }
    while line.get(at) == Some(&b'"') {
        let key_end = string_end(line, at)?;
        let key = &line[at + 1..key_end - 1];
        at = skip_space(line, key_end);
        if line.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(line, at + 1);
        let end = value_end(line, at)?;
        let wanted = NAMES.iter().position(|names| names.contains(&key));
        if let Some(which) = wanted.filter(|which| places[*which].is_none()) {
            places[which] = keep(&line[at..end], at, scratch);
        }
        at = skip_space(line, end);
        match line.get(at)? {
            b',' => at = skip_space(line, at + 1),
            b'}' => break,
            _ => return None,
        }
    }
    let scratch = &*scratch;
    let text = |place: Option<Place>| match place {
        Some(Place::Line(start, end)) => &line[start..end],
        Some(Place::Scratch(start, end)) => &scratch[start..end],
        None => b"",
    };
    places[0]?;
    let [message, program, pid, host, time] = places.map(text);
    Some(Fields { message, program, pid, host, time })
}

fn skip_space(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// Offset behind the string that begins at `at`.
fn string_end(line: &[u8], at: usize) -> Option<usize> {
    let text = line.get(at + 1..)?;
    let length = crate::field::quoted_end(text);
    (text.get(length) == Some(&b'"')).then_some(at + length + 2)
}

/// Offset behind the value that begins at `at`; what is nested is skipped.
fn value_end(line: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match line.get(at)? {
            b'"' => at = string_end(line, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b',' | b':' | b' ' | b'\t' => at += 1,
            _ => {
                let rest = &line[at..];
                at += rest.iter().position(|b| b",:}] \t\"[{".contains(b))?;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Notes where the text of a value is. Arrays of numbers are bytes (journald writes messages
/// that are not UTF-8 so); other arrays, objects and words such as `null` are no text.
fn keep(value: &[u8], at: usize, scratch: &mut Vec<u8>) -> Option<Place> {
    let start = scratch.len();
    match value.first()? {
        b'"' => {
            let inner = value.get(1..value.len() - 1)?;
            if !inner.contains(&b'\\') {
                return Some(Place::Line(at + 1, at + 1 + inner.len()));
            }
            unescape(inner, scratch);
        }
        b'[' => {
            let numbers = value.get(1..value.len() - 1)?.split(|b| *b == b',');
            for number in numbers {
                let text = std::str::from_utf8(number.trim_ascii()).ok()?;
                scratch.push(text.parse().ok()?);
            }
        }
        b'0'..=b'9' | b'-' => return Some(Place::Line(at, at + value.len())),
        _ => return None,
    }
    // A line is bounded and no text grows by unescaping, so this only says what holds.
    scratch.truncate(LINE_MAX * 2);
    Some(Place::Scratch(start.min(scratch.len()), scratch.len()))
}

fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&escaped) = text.get(at) else {
            return;
        };
        at += 1;
        match escaped {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let mut unit = hex_unit(text.get(at..).unwrap_or(b""));
                at += 4;
                if (0xd800..0xdc00).contains(&unit) && text.get(at..at + 2) == Some(b"\\u") {
                    let low = hex_unit(&text[at + 2..]);
                    if (0xdc00..0xe000).contains(&low) {
                        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        at += 6;
                    }
                }
                let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(other),
        }
    }
}

/// Four hexadecimal digits; half of a pair, which is no character, for anything else.
fn hex_unit(text: &[u8]) -> u32 {
    let digits = text.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
    let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    value.unwrap_or(0xdfff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> Option<Vec<u8>> {
        let mut scratch = Texts::default();
        read(line.as_bytes(), &mut scratch).map(|fields| fields.message.to_vec())
    }

    #[test]
    fn texts_are_unescaped_and_nested_values_skipped() {
        let line = r#"{"a":{"msg":"no","b":[1,{"c":"]}"}]}, "n":-1.5e3, "x":null,"msg":"\u9580\ud83d\ude00\/\t\\"}"#;
        assert_eq!(message(line).unwrap(), "門😀/\t\\".as_bytes());
        assert_eq!(message(r#"{"MESSAGE":[104,105,255]}"#).unwrap(), b"hi\xff");
        assert_eq!(message(r#"{"msg":"first","message":"second"}"#).unwrap(), b"first");
        assert_eq!(message(r#"{"msg":"\ud800x"}"#).unwrap(), "\u{fffd}x".as_bytes());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for bad in [
            "{",
            "{}",
            "{\"msg\"",
            "{\"msg\":",
            "{\"msg\":\"a",
            "{\"msg\":[1,2",
            "{\"msg\":\"\\",
            "{\"a\":1}",
            "[1]",
            "",
            "{\"msg\":[300]}",
            "{\"msg\" \"x\"}",
            "{\"msg\":\"a\" 1}",
        ] {
            assert_eq!(message(bad), None, "{bad}");
        }
    }
}
