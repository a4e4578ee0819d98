//! What stands before the message: date, host, program and pid.

use monban_model::limits::{ATTEMPTS_PER_LINE_MAX, HEAD_WORD_MAX};

use crate::bytes::place_of;
use crate::clock::{bsd_dated, is_svlogd};
use crate::json::{self, Fields, Texts};
use crate::last_tag::LastTag;

/// The head of a line, taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The text of the date, in any of the forms that [`crate::Clock`] reads; perhaps empty.
    pub(crate) date: &'a [u8],
    /// The host, or empty.
    pub(crate) host: &'a [u8],
    /// The program's tag, or empty.
    pub(crate) program: &'a [u8],
    /// The process, or empty.
    pub(crate) pid: &'a [u8],
    /// The rest.
    pub(crate) message: &'a [u8],
}

/// Takes the head off a line; one that has none is a message.
#[inline(always)]
pub(crate) fn split<'a>(line: &'a [u8], texts: &'a mut Texts, last: &mut LastTag) -> Head<'a> {
    last.begin();
    // It is written in its place: a copy of what was just written would have to wait for it.
    let mut head = Head { message: line, ..Head::default() };
    let is_again = bsd_dated(line).is_some_and(|(date, rest)| last.again(date, rest, &mut head));
    if !is_again && let Some(other) = anew(line, texts, last) {
        head = other;
    }
    head
}

/// A line that does not begin as the one before.
#[inline(never)]
fn anew<'a>(line: &'a [u8], texts: &'a mut Texts, last: &mut LastTag) -> Option<Head<'a>> {
    match line.first()? {
        b'{' => json_line(line, texts),
        b'<' => {
            let rest = after_priority(line)?;
            match rest.strip_prefix(b"1 ") {
                Some(rest) => rfc5424(rest),
                None => plain(rest, last).or_else(|| tagged(rest, Head::default())),
            }
        }
        _ => plain(line, last),
    }
}

/// RFC 3164 or ISO 8601, the two forms that logs on disk have, also behind a supervisor's stamp.
#[inline]
fn plain<'a>(line: &'a [u8], last: &mut LastTag) -> Option<Head<'a>> {
    let (date, rest) = dated(line)?;
    if is_stamp(date) {
        return Some(supervised(date, rest));
    }
    let mut head = Head::default();
    if last.again(date, rest, &mut head) {
        return Some(head);
    }
    let head = hosted(rest, Head { date, ..Head::default() });
    last.keep(rest, &head);
    Some(head)
}

/// A line that multilog or svlogd stamped. What it stamps may be syslog's own text, dated once
/// more (socklog: `auth.info: Nov 22 05:33:01 sshd[12]: message`); the stamp has year and zone.
#[inline(never)]
fn supervised<'a>(date: &'a [u8], rest: &'a [u8]) -> Head<'a> {
    let text = after_facility(rest).unwrap_or(rest);
    match dated(text).filter(|(own, _)| !is_stamp(own)) {
        Some((_, inner)) => hosted(inner, Head { date, ..Head::default() }),
        None => hosted(rest, Head { date, ..Head::default() }),
    }
}

/// Whether a supervisor wrote this date.
#[inline]
fn is_stamp(date: &[u8]) -> bool {
    date.first() == Some(&b'@') || is_svlogd(date)
}

/// What follows `facility.level: `, which socklog writes.
fn after_facility(text: &[u8]) -> Option<&[u8]> {
    const LEVELS: [&[u8]; 8] =
        [b"emerg", b"alert", b"crit", b"err", b"warn", b"notice", b"info", b"debug"];
    let dot = text.iter().take(10).position(|b| *b == b'.')?;
    let (facility, rest) = (&text[..dot], &text[dot + 1..]);
    let end = rest.iter().take(8).position(|b| *b == b':')?;
    let fits = !facility.is_empty()
        && facility.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && LEVELS.contains(&&rest[..end]);
    if fits { rest[end + 1..].strip_prefix(b" ") } else { None }
}

/// A date at the start of `line`, and what follows the space behind it.
#[inline]
fn dated(line: &[u8]) -> Option<(&[u8], &[u8])> {
    bsd_dated(line).or_else(|| {
        let (date, rest) = line.split_at_checked(date_length(line)?)?;
        Some((date, rest.strip_prefix(b" ")?))
    })
}

/// Length of a date at the start of `line`, which a space follows.
#[inline]
fn date_length(line: &[u8]) -> Option<usize> {
    let colons = |at: usize| line.get(at) == Some(&b':') && line.get(at + 3) == Some(&b':');
    match line.first()? {
        b'A'..=b'Z' => {
            // `Nov 22 05:33:01` or `Nov  2 05:33:01`; some pad with no space: `Nov 2 05:33:01`.
            if line.get(3) != Some(&b' ') {
                return None;
            }
            if line.get(6) == Some(&b' ') && colons(9) {
                Some(15)
            } else if line.get(5) == Some(&b' ') && colons(8) {
                Some(14)
            } else {
                None
            }
        }
        b'0'..=b'9' => {
            let separated = line.get(4) == Some(&b'-') && line.get(7) == Some(&b'-');
            let joined = matches!(line.get(10), Some(b'T' | b't' | b' ' | b'_'));
            if !(separated && joined && colons(13)) {
                return None;
            }
            let rest = &line[19.min(line.len())..];
            let tail = rest.iter().position(|b| *b == b' ')?;
            let fits = |b: &u8| b.is_ascii_digit() || b".,:+-Zz".contains(b);
            rest[..tail].iter().all(fits).then_some(19 + tail)
        }
        b'@' => {
            let label = line.get(1..TAI64N_LENGTH)?;
            label.iter().all(u8::is_ascii_hexdigit).then_some(TAI64N_LENGTH)
        }
        _ => None,
    }
}

/// `@` and a TAI64N label.
const TAI64N_LENGTH: usize = 25;

/// `host tag[pid]: message` or `tag[pid]: message`.
#[inline]
fn hosted<'a>(rest: &'a [u8], mut head: Head<'a>) -> Head<'a> {
    let bounded = &rest[..rest.len().min(HEAD_WORD_MAX + 1)];
    let Some(space) = memchr::memchr(b' ', bounded) else {
        // A tag with an empty message, or no tag at all.
        head.message = rest;
        return match rest.strip_suffix(b":") {
            Some(_) => tagged(rest, head).unwrap_or(head),
            None => head,
        };
    };
    let first = &rest[..space];
    if first.last() == Some(&b':')
        && let Some(done) = tagged(rest, head)
    {
        return done;
    }
    let after = &rest[space + 1..];
    let with_host = Head { host: first, message: after, ..head };
    match tagged(after, with_host) {
        Some(done) => done,
        None => {
            head.message = rest;
            head
        }
    }
}

/// `tag[pid]: message` or `tag: message`.
#[inline]
fn tagged<'a>(text: &'a [u8], head: Head<'a>) -> Option<Head<'a>> {
    let bounded = &text[..text.len().min(HEAD_WORD_MAX)];
    let ends = |byte: &u8| matches!(byte, b'[' | b':' | b' ');
    let end = bounded.iter().position(ends).filter(|end| *end > 0)?;
    let (program, after) = text.split_at(end);
    let (pid, message) = behind_program(program, after)?;
    Some(Head { program, pid, message, ..head })
}

/// Pid and message of what follows a program: `[pid]: message` or `: message`.
#[inline(always)]
pub(crate) fn behind_program<'a>(program: &[u8], after: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (mut pid, mut rest) = (&[][..], after);
    if let [b'[', inner @ ..] = after {
        let most = (HEAD_WORD_MAX - 1).saturating_sub(program.len());
        let close = place_of(b']', &inner[..inner.len().min(most)])?;
        (pid, rest) = (&inner[..close], &inner[close + 1..]);
    }
    match rest {
        [b':', b' ', first, ..] if *first != b' ' => Some((pid, &rest[2..])),
        [b':', message @ ..] => Some((pid, trimmed(message))),
        _ => None,
    }
}

/// Without the spaces that pad the message (sudo writes its user right-aligned).
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    let spaces = text.iter().position(|b| *b != b' ').unwrap_or(text.len());
    &text[spaces..]
}

fn after_priority(line: &[u8]) -> Option<&[u8]> {
    let digits = line.get(1..)?.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) || line.get(digits + 1) != Some(&b'>') {
        return None;
    }
    line.get(digits + 2..)
}

/// RFC 5424 behind `<PRI>1 `: date, host, program, pid, message id, structured data, message.
fn rfc5424(rest: &[u8]) -> Option<Head<'_>> {
    let mut words = [&b""[..]; 5];
    let mut rest = rest;
    for word in &mut words {
        let bounded = &rest[..rest.len().min(HEAD_WORD_MAX + 1)];
        let space = memchr::memchr(b' ', bounded)?;
        *word = match &rest[..space] {
            b"-" => b"",
            other => other,
        };
        rest = &rest[space + 1..];
    }
    let message = match rest.strip_prefix(b"-") {
        Some(after) => after,
        None => after_structured_data(rest)?,
    };
    let message = trimmed(message);
    let message = message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message);
    let [date, host, program, pid, _] = words;
    Some(Head { date, host, program, pid, message })
}

/// What follows `[id name="value" ...]...`; `]` and `"` in a value are escaped.
fn after_structured_data(mut rest: &[u8]) -> Option<&[u8]> {
    if rest.first() != Some(&b'[') {
        return None;
    }
    while rest.first() == Some(&b'[') {
        let (mut at, mut quoted) = (1, false);
        loop {
            match rest.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        rest = &rest[at + 1..];
    }
    Some(rest)
}

/// A JSON line. Its program is the one that a field of the line names: a syslog head inside the
/// message (docker's `log`) is not believed, for the process that was logged writes there what it
/// likes, and what strangers like. A shape inside (an access log's line) is found all the same.
fn json_line<'a>(line: &'a [u8], texts: &'a mut Texts) -> Option<Head<'a>> {
    let fields = json::read(line, texts)?;
    let text = fields.message.strip_suffix(b"\n").unwrap_or(fields.message);
    let message = if fields.program.is_empty() { text } else { trimmed(text) };
    let Fields { program, pid, host, time: date, .. } = fields;
    let pid = if program.is_empty() { b"" } else { pid };
    Some(Head { date, host, program, pid, message })
}

/// Takes rsyslog's `message repeated N times: [ ... ]` off; the message and N. rsyslog writes it
/// behind the program that it repeats, so a line without a program has none.
#[inline(always)]
pub(crate) fn unrepeated<'a>(head: &Head<'a>) -> (&'a [u8], u32) {
    let once = (head.message, 1);
    // Hardly any begins with this letter at all.
    let [b'm', ..] = head.message else {
        return once;
    };
    let Some(rest) = head.message.strip_prefix(b"message repeated ") else {
        return once;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let inner =
        rest[digits..].strip_prefix(b" times: [").and_then(|inner| inner.strip_suffix(b"]"));
    match inner {
        Some(inner) if digits > 0 && !head.program.is_empty() => {
            (trimmed(inner), read_times(&rest[..digits]))
        }
        _ => once,
    }
}

/// `HOST last message repeated N times`, which sysklogd and BSD's syslogd write about the line
/// before it: the host and N. The daemon itself says it, so there is no program before it, and
/// what a program writes (also into a supervisor's or a container's log) is not taken for it.
#[inline]
pub(crate) fn repeats_last<'a>(line: &[u8], head: &Head<'a>) -> Option<(&'a [u8], u32)> {
    if !head.program.is_empty() || line.first() == Some(&b'{') || is_stamp(head.date) {
        return None;
    }
    let text = head.message.strip_suffix(b" times").or(head.message.strip_suffix(b" time"))?;
    let space = text.iter().take(HEAD_WORD_MAX + 1).position(|b| *b == b' ')?;
    let (host, rest) = text.split_at(space);
    let digits = rest.strip_prefix(b" last message repeated ")?;
    let fits = !head.date.is_empty() && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| (host, read_times(digits)))
}

/// How often a line says that something happened.
fn read_times(digits: &[u8]) -> u32 {
    crate::found::read_number(digits).clamp(1, ATTEMPTS_PER_LINE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<[String; 5]> {
        let (mut texts, mut last) = (Texts::default(), LastTag::default());
        let head = split(line.as_bytes(), &mut texts, &mut last);
        if head == (Head { message: line.as_bytes(), ..Head::default() }) {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let parts = [head.date, head.host, head.program, head.pid, head.message];
        Some(parts.map(text))
    }

    #[test]
    fn every_kind_of_head_is_taken_off() {
        let cases = [
            ("Nov 22 05:33:01 h sshd[12]: m x", ["Nov 22 05:33:01", "h", "sshd", "12", "m x"]),
            ("Nov  2 05:33:01 sshd[12]: m", ["Nov  2 05:33:01", "", "sshd", "12", "m"]),
            ("Nov 2 05:33:01 h sshd: m", ["Nov 2 05:33:01", "h", "sshd", "", "m"]),
            (
                "Aug 10 14:25:01 main dovecot: pop3-login: A",
                ["Aug 10 14:25:01", "main", "dovecot", "", "pop3-login: A"],
            ),
            ("Nov 22 05:33:01 h sudo:     pi : T", ["Nov 22 05:33:01", "h", "sudo", "", "pi : T"]),
            (
                "Nov 22 05:33:01 h postfix/smtps/smtpd[1]: m",
                ["Nov 22 05:33:01", "h", "postfix/smtps/smtpd", "1", "m"],
            ),
            (
                "2026-11-22T05:33:01.123456+09:00 h sshd[12]: m",
                ["2026-11-22T05:33:01.123456+09:00", "h", "sshd", "12", "m"],
            ),
            ("2026-11-22 05:33:01 h a.b-c_d: m", ["2026-11-22 05:33:01", "h", "a.b-c_d", "", "m"]),
            ("<86>Nov 22 05:33:01 sshd[12]: m", ["Nov 22 05:33:01", "", "sshd", "12", "m"]),
            ("<86>sshd[12]: m", ["", "", "sshd", "12", "m"]),
            (
                "<86>1 2026-11-22T05:33:01Z h sshd 12 - - m",
                ["2026-11-22T05:33:01Z", "h", "sshd", "12", "m"],
            ),
            (r#"<1>1 - h sshd - I [a b="\"]"][c] m"#, ["", "h", "sshd", "", "m"]),
            (
                r#"{"SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"a \"b\"","_HOSTNAME":"h"}"#,
                ["", "h", "sshd", "7", "a \"b\""],
            ),
            (
                r#"{"log":"Nov 22 05:33:01 h sshd[1]: m\n","stream":"x","time":"2026-11-22T05:33:01Z"}"#,
                ["2026-11-22T05:33:01Z", "", "", "", "Nov 22 05:33:01 h sshd[1]: m"],
            ),
            (
                r#"{"message":"Nov 22 05:33:01 h sshd[1]: m","program":"shop"}"#,
                ["", "", "shop", "", "Nov 22 05:33:01 h sshd[1]: m"],
            ),
            (
                r#"{"log":"192.0.2.1 - -\n","time":"2026-11-22T05:33:01Z"}"#,
                ["2026-11-22T05:33:01Z", "", "", "", "192.0.2.1 - -"],
            ),
            ("Nov 22 05:33:01 h -- MARK --", ["Nov 22 05:33:01", "", "", "", "h -- MARK --"]),
            ("Nov 22 05:33:01 h sshd[12]:", ["Nov 22 05:33:01", "h", "sshd", "12", ""]),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), Some(expected.map(str::to_owned)), "{line}");
        }
        for none in ["", "x", "192.0.2.1 - - [22/Nov", "<999999>x: y", "{", "<1>1 x", "Nov"] {
            assert_eq!(told(none), None, "{none}");
        }
    }

    #[test]
    fn a_supervisors_stamp_is_taken_off() {
        let cases = [
            (
                "@400000006b027e970000000a sshd[12]: m",
                ["@400000006b027e970000000a", "", "sshd", "12", "m"],
            ),
            (
                "@400000006b027e970000000a Nov 22 05:33:01 h sshd[12]: m",
                ["@400000006b027e970000000a", "h", "sshd", "12", "m"],
            ),
            (
                "2026-11-22_05:33:01.12345 auth.info: Nov 22 05:33:01 sshd[12]: m",
                ["2026-11-22_05:33:01.12345", "", "sshd", "12", "m"],
            ),
            (
                "2026-11-22T05:33:01.12345 local7.err: Nov 22 05:33:01 sshd[12]: m",
                ["2026-11-22T05:33:01.12345", "", "sshd", "12", "m"],
            ),
            (
                "2026-11-22_05:33:01.12345 192.0.2.1 - - [22/Nov/2026:05:33:01 +0000] x",
                [
                    "2026-11-22_05:33:01.12345",
                    "",
                    "",
                    "",
                    "192.0.2.1 - - [22/Nov/2026:05:33:01 +0000] x",
                ],
            ),
            // A stamp is taken off once: what a program writes is no head of a supervisor.
            (
                "@400000006b027e970000000a @400000006b027e970000000a x: y",
                ["@400000006b027e970000000a", "@400000006b027e970000000a", "x", "", "y"],
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), Some(expected.map(str::to_owned)), "{line}");
        }
        for none in [
            "@",
            "@400000006b027e970000000a",
            "@400000006b027e970000000ax sshd: m",
            "@400000006b027e9700000 sshd[12]: m",
            "@400000006b027e97-000000a sshd: m",
            "2026-11-22_05:33:01.1x345 sshd: m",
            "2026-11-22_05:33",
        ] {
            assert_eq!(told(none), None, "{none}");
        }
    }

    #[test]
    fn a_repeated_message_counts_as_often_as_it_says() {
        let read = |program: &'static str, message: &'static str| {
            let (program, message) = (program.as_bytes(), message.as_bytes());
            unrepeated(&Head { program, message, ..Head::default() })
        };
        assert_eq!(read("sshd", "message repeated 3 times: [ a]b]"), (&b"a]b"[..], 3));
        let most = ATTEMPTS_PER_LINE_MAX;
        assert_eq!(read("sshd", "message repeated 999999999 times: [ a]"), (&b"a"[..], most));
        assert_eq!(read("sshd", "message repeated 0 times: [a]"), (&b"a"[..], 1));
        for text in ["message repeated times: [x]", "message repeated 3 times: [ a", "a"] {
            assert_eq!(read("sshd", text), (text.as_bytes(), 1));
        }
        let typed = "message repeated 3 times: [ a]";
        assert_eq!(read("", typed), (typed.as_bytes(), 1), "no syslog daemon wrote it");
    }

    #[test]
    fn only_a_syslog_daemon_repeats_the_last_message() {
        let told = |line: &str| {
            let (mut texts, mut last) = (Texts::default(), LastTag::default());
            let head = split(line.as_bytes(), &mut texts, &mut last);
            let (host, times) = repeats_last(line.as_bytes(), &head)?;
            Some((String::from_utf8_lossy(host).into_owned(), times))
        };
        let of = |host: &str, times| Some((host.to_owned(), times));
        let repeated = "last message repeated";
        assert_eq!(told(&format!("Nov 22 05:33:01 h {repeated} 3 times")), of("h", 3));
        assert_eq!(told(&format!("Nov 22 05:33:01 h {repeated} 1 time")), of("h", 1));
        assert_eq!(told(&format!("2026-11-22T05:33:01Z h {repeated} 3 times")), of("h", 3));
        let most = ATTEMPTS_PER_LINE_MAX;
        for huge in ["999999999", "99999999999999999999999999"] {
            assert_eq!(told(&format!("Nov 22 05:33:01 h {repeated} {huge} times")), of("h", most));
        }
        for forged in [
            format!("Nov 22 05:33:01 h sshd[1]: {repeated} 3 times"),
            format!("Nov 22 05:33:01 h sshd: h {repeated} 3 times"),
            format!("Nov 22 05:33:01 h x {repeated} 3 times"),
            format!("Nov 22 05:33:01 {repeated} 3 times"),
            format!("Nov 22 05:33:01 h {repeated} -3 times"),
            format!("Nov 22 05:33:01 h {repeated}  times"),
            format!("Nov 22 05:33:01 h {repeated} 3 times "),
            format!("h {repeated} 3 times"),
            format!("<13>h {repeated} 3 times"),
            format!("<13>1 2026-11-22T05:33:01Z h sshd 1 - - h {repeated} 3 times"),
            format!("@400000006b027e970000000a h {repeated} 3 times"),
            format!("2026-11-22_05:33:01.12345 h {repeated} 3 times"),
            format!("{{\"log\":\"Nov 22 05:33:01 h {repeated} 3 times\"}}"),
        ] {
            assert_eq!(told(&forged), None, "{forged}");
        }
    }
}
