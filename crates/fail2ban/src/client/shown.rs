//! Ids and times as fail2ban shows them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::filter::Id;

use super::server::Server;
use super::value::Value;

/// Who is meant by a word of a command.
pub(super) fn id_of(text: &str) -> Id {
    Id::of_text(text)
}

/// An id for a person's eyes: a stranger may have written it, so what would move the cursor or
/// begin a new line is shown as an escape.
pub(crate) fn shown(id: &Id) -> String {
    match id {
        Id::Net(net) => net.to_string(),
        Id::Name(text) | Id::Text(text) => escaped(text, is_unsafe),
    }
}

/// A text with these characters as escapes.
pub(crate) fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            _ if !is_hidden(c) => out.push(c),
            code @ ..=0xff => out.push_str(&format!("\\x{code:02x}")),
            code => out.push_str(&format!("\\u{code:04x}")),
        }
    }
    out
}

/// Control characters, the ends of lines and paragraphs, and what changes the direction of
/// writing.
pub(crate) fn is_unsafe(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// All that are banned in a jail, in the order in which their bans began.
pub(super) fn banned_ids(jail: &str, server: &dyn Server) -> Value {
    Value::texts(server.bans(jail).iter().map(|ban| shown(&ban.id)))
}

/// The last moment that has four digits for its year, less a day for the zones.
const LATEST_S: i64 = 253_402_214_400;

/// A time as `2024-01-02 03:04:05` in the zone of this machine.
pub(crate) fn time(epoch_s: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_second(epoch_s).ok().filter(|_| epoch_s < LATEST_S);
    match at {
        Some(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => "9999-12-31 23:59:59".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_moves_no_cursor() {
        let id = Id::Text("a\n\u{1b}[2J\u{202e}b c".to_owned());
        assert_eq!(shown(&id), "a\\x0a\\x1b[2J\\u202eb c");
    }

    #[test]
    fn times_end_with_their_fourth_digit() {
        let zone = TimeZone::UTC;
        assert_eq!(time(1_700_000_000, &zone), "2023-11-14 22:13:20");
        assert_eq!(time(i64::MAX, &zone), "9999-12-31 23:59:59");
    }
}
