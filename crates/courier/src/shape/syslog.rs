//! A letter as one syslog message: RFC 5424 for other machines, and the older form that `/dev/log`
//! is read in.

use monban_model::{Letter, Severity, civil_from_days};

use super::{Measure, fit, plain, shown};

/// The name of our structured data: the number of RFC 5612, which stands for no enterprise.
const SD_ID: &str = "monban@32473";
const LABELS_ID: &str = "labels@32473";

/// Bytes of a message over UDP: what a receiver should take (RFC 5424, 6.1), and one datagram that
/// seldom is cut on its way.
pub const UDP_MAX: usize = 2048;

/// Bytes of a message over TCP and TLS: RFC 5425, 4.3.1, and rsyslog's own limit.
pub const STREAM_MAX: usize = 8192;

// RFC 5424, 6: the lengths of the parts of a header.
const HOST_MAX: usize = 255;
const NAME_MAX: usize = 32;
const VALUE_MAX: usize = 255;

/// The message of RFC 5424, at most `limit` bytes: `<PRI>1 TIME HOST monban - THEME [..][..] text`.
/// It holds no control character, so nothing in it can end it or begin another one. Labels that
/// have no room in half of the message are left out and counted in `cut`.
pub fn rfc5424(letter: &Letter, facility: u8, limit: usize) -> Vec<u8> {
    let host = ascii(&letter.host, HOST_MAX);
    let mut out = format!(
        "<{}>1 {} {host} monban - {} ",
        priority(letter, facility),
        letter.time,
        letter.theme.word()
    );
    structured(letter, limit / 2, &mut out);
    out.push(' ');
    // The byte order mark says that the text is UTF-8.
    out.push('\u{feff}');
    let room = limit.saturating_sub(out.len());
    out.push_str(&fit(&summary(letter), room, Measure::Bytes, plain));
    out.into_bytes()
}

/// The message as glibc's `syslog()` writes it to `/dev/log`, at most [`UDP_MAX`] bytes. journald
/// and rsyslog read no RFC 5424 there, and put the host's name in front of it themselves.
pub fn local(letter: &Letter, facility: u8) -> Vec<u8> {
    let seconds = letter.time.as_s();
    let (_, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = usize::try_from(month - 1).unwrap_or_default() * 3;
    let month = months.get(at..at + 3).unwrap_or("Jan");
    let mut out = format!(
        "<{}>{month} {day:>2} {hour:02}:{minute:02}:{second:02} monban: ",
        priority(letter, facility)
    );
    let room = UDP_MAX - out.len();
    out.push_str(&fit(&summary(letter), room, Measure::Bytes, plain));
    out.into_bytes()
}

/// The message behind its length, as RFC 5425 and RFC 6587 (3.4.1) frame it. The other framing of
/// RFC 6587, by line ends, is absent on purpose: a line end in a text would begin a message.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = format!("{} ", message.len()).into_bytes();
    out.extend_from_slice(message);
    out
}

fn priority(letter: &Letter, facility: u8) -> u32 {
    let severity = match letter.severity {
        Severity::Critical => 2,
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Info => 6,
    };
    u32::from(facility.min(23)) * 8 + severity
}

/// What a header takes: printable ASCII without a space, `-` for nothing.
fn ascii(text: &str, limit: usize) -> String {
    let fits = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let text: String = text.chars().map(fits).take(limit).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

fn structured(letter: &Letter, limit: usize, out: &mut String) {
    let since = letter.since.to_string();
    let own = [
        ("id", letter.id.as_str()),
        ("topic", &letter.topic),
        ("severity", letter.severity.word()),
        ("standing", letter.standing.word()),
        ("thread", &letter.thread),
        ("since", &since),
    ];
    let params: String = own.iter().map(|(name, value)| param(name, value)).collect();
    let mut labels = String::new();
    let mut left_out = 0;
    for (name, value) in letter.labels.iter().filter(|(name, _)| is_name(name)) {
        let one = param(name, value);
        if out.len() + params.len() + labels.len() + one.len() + 64 <= limit {
            labels.push_str(&one);
        } else {
            left_out += 1;
        }
    }
    let cut = if left_out > 0 { param("cut", &left_out.to_string()) } else { String::new() };
    out.push_str(&format!("[{SD_ID}{params}{cut}]"));
    if !labels.is_empty() {
        out.push_str(&format!("[{LABELS_ID}{labels}]"));
    }
}

fn param(name: &str, value: &str) -> String {
    let value = fit(&shown(value), VALUE_MAX, Measure::Bytes, |c, out| {
        // RFC 5424, 6.3.3.
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    });
    format!(" {name}=\"{value}\"")
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(fits)
}

/// Subject and facts on one line.
fn summary(letter: &Letter) -> String {
    let facts =
        letter.facts.iter().map(|fact| format!("{}: {}", shown(&fact.label), shown(&fact.value)));
    let all: Vec<String> =
        std::iter::once(shown(&letter.subject).into_owned()).chain(facts).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_login_is_one_message_with_its_labels() {
        let letter = samples::login("en");
        let message = String::from_utf8(rfc5424(&letter, 10, UDP_MAX)).unwrap();
        assert!(
            message.starts_with(
                "<85>1 2026-11-22T05:33:01Z web1 monban - login [monban@32473 id=\"web1-00000042\" \
             topic=\"logins\" severity=\"notice\" standing=\"once\" thread=\"login:alice\" \
             since=\"2026-11-22T05:33:01Z\"][labels@32473 address=\"203.0.113.9\" service=\"ssh\" \
             user=\"alice\"] \u{feff}[web1] login: alice from"
            ),
            "{message}"
        );
        let local = String::from_utf8(local(&letter, 10)).unwrap();
        assert!(local.starts_with("<85>Nov 22 05:33:01 monban: [web1] login: alice"), "{local}");
    }

    /// Reads structured data by the rules of RFC 5424 and gives its parameters and the rest.
    fn read(message: &str) -> (Vec<(String, String)>, &str) {
        let start = message.match_indices(' ').nth(5).unwrap().0 + 1;
        let mut rest = &message[start..];
        let mut all = Vec::new();
        while let Some(inner) = rest.strip_prefix('[') {
            let (_, mut at) = inner.split_at(inner.find([' ', ']']).unwrap());
            while let Some(pair) = at.strip_prefix(' ') {
                let (name, value) = pair.split_once("=\"").unwrap();
                let mut text = String::new();
                let mut chars = value.char_indices();
                let end = loop {
                    match chars.next().unwrap() {
                        (_, '\\') => text.push(chars.next().unwrap().1),
                        (at, '"') => break at,
                        (_, ']') => panic!("a bare ] in {value}"),
                        (_, c) => text.push(c),
                    }
                };
                all.push((name.to_owned(), text));
                at = &value[end + 1..];
            }
            rest = at.strip_prefix(']').unwrap();
        }
        (all, rest)
    }

    #[test]
    fn no_value_ends_the_data_or_the_message() {
        for letter in [samples::hostile(), samples::huge()] {
            for limit in [UDP_MAX, STREAM_MAX] {
                let message = String::from_utf8(rfc5424(&letter, 23, limit)).unwrap();
                assert!(message.len() <= limit, "{}", message.len());
                assert!(!message.chars().any(char::is_control), "{message:?}");
                let (params, rest) = read(&message);
                assert!(params.iter().any(|(name, _)| name == "cut" || name == "l14"));
                assert!(rest.starts_with(" \u{feff}"), "{rest}");
            }
            assert!(local(&letter, 10).len() <= UDP_MAX);
        }
    }

    #[test]
    fn a_frame_begins_with_its_length_in_bytes() {
        assert_eq!(framed("<85>1 門".as_bytes()), "9 <85>1 門".as_bytes());
    }
}
