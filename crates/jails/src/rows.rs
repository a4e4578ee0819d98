//! The open state of jails as rows of the ledger.

use std::collections::BTreeMap;

use monban_fail2ban::filter::Id;
use monban_model::limits::{JAIL_MATCHES_MAX, JAIL_ROW_BYTES_MAX};
use monban_model::wire::{FrameError, Reader, Wire, Writer};
use monban_model::{JailBan, JailRow, JailRowKind, Made, Net, Stamp};

use crate::bans::{Asks, Ban};
use crate::known::Known;
use crate::spared::SparedCount;
use crate::tickets::{Facts, Ticket};
use crate::told::Spared;

/// Captures of one failure that are kept.
const CAPTURES_MAX: usize = 256;

pub(crate) fn ticket_row(jail: &str, id: &Id, ticket: &Ticket) -> JailRow {
    let mut out = Writer::default();
    for number in [ticket.first, ticket.last] {
        number.put(&mut out);
    }
    ticket.retry.put(&mut out);
    ticket.failures.put(&mut out);
    put_lines(&ticket.lines, &mut out);
    put_facts(&ticket.facts, &mut out);
    row(jail, JailRowKind::Ticket, id, out)
}

pub(crate) fn ban_row(jail: &str, id: &Id, ban: &Ban, jail_s: i64) -> JailRow {
    let mut out = Writer::default();
    ban.since.put(&mut out);
    // As in fail2ban's database: over a restart it is as long as it was when it was made.
    ban.seconds.or(Some(jail_s)).put(&mut out);
    ban.count.put(&mut out);
    ban.failures.put(&mut out);
    put_lines(&ban.lines, &mut out);
    put_facts(&ban.facts, &mut out);
    ban.ordered.put(&mut out);
    ban.observed.put(&mut out);
    ban.is_untold().put(&mut out);
    let end = ban.end(jail_s);
    let stamp = |seconds: i64| Stamp(seconds.saturating_mul(1000));
    let shown = JailBan {
        since: stamp(ban.since),
        until: (end != i64::MAX).then(|| stamp(end)),
        earlier: ban.count.saturating_sub(1),
        made: ban.made,
    };
    JailRow { ban: Some(shown), ..row(jail, JailRowKind::Ban, id, out) }
}

pub(crate) fn known_row(jail: &str, id: &Id, known: &Known) -> JailRow {
    let mut out = Writer::default();
    known.count.put(&mut out);
    known.last.put(&mut out);
    known.seconds.put(&mut out);
    row(jail, JailRowKind::Known, id, out)
}

/// A ban that is not in force: its jail does not run, or its end waits for its turn.
pub(crate) fn waiting_row(jail: &str, id: &Id, ban: &Ban) -> JailRow {
    JailRow { ban: None, ..ban_row(jail, id, ban, -1) }
}

pub(crate) fn spared_row(jail: &str, id: &Id, spared: &SparedCount) -> JailRow {
    let mut out = Writer::default();
    spared.count.put(&mut out);
    spared.last.put(&mut out);
    let (by, net) = match spared.by {
        Spared::Own => (1, None),
        Spared::Allowed(net) => (2, Some(net)),
        Spared::Address => (3, None),
        Spared::Name => (4, None),
        Spared::Command => (5, None),
    };
    out.byte(by);
    net.put(&mut out);
    row(jail, JailRowKind::Spared, id, out)
}

/// Failures of somebody that a jail did not count; `None` if the row is of another kind.
pub fn spared_count(row: &JailRow) -> Option<SparedCount> {
    match load(row)? {
        Loaded::Spared(_, spared) => Some(spared),
        _ => None,
    }
}

/// What a jail counts of somebody: failures towards a ban, and the last of them in seconds since
/// 1970; `None` if the row is none of an open count.
pub fn open_count(row: &JailRow) -> Option<(u32, i64)> {
    match (row.kind, ticket_of(row.data.as_deref()?)) {
        (JailRowKind::Ticket, Some((_, ticket))) => Some((ticket.retry, ticket.last)),
        _ => None,
    }
}

/// The row that is no more.
pub(crate) fn no_row(jail: &str, kind: JailRowKind, id: &Id) -> JailRow {
    JailRow { jail: jail.to_owned(), kind, id: key_of(id), ban: None, data: None }
}

/// A row that was read back.
#[derive(Debug)]
pub(crate) enum Loaded {
    Ticket(Id, Ticket),
    /// A ban, and its last second; `i64::MAX` for ever.
    Ban(Id, Ban, i64),
    Known(Id, Known),
    Spared(Id, SparedCount),
}

impl Loaded {
    /// When it was last touched, to keep the order.
    pub(crate) fn last(&self) -> i64 {
        match self {
            Self::Ticket(_, ticket) => ticket.last,
            Self::Ban(_, ban, _) => ban.since,
            Self::Known(_, known) => known.last,
            Self::Spared(_, spared) => spared.last,
        }
    }
}

/// Reads a row; `None` if it makes no sense.
pub(crate) fn load(row: &JailRow) -> Option<Loaded> {
    let data = row.data.as_deref()?;
    match row.kind {
        JailRowKind::Ticket => ticket_of(data).map(|(id, ticket)| Loaded::Ticket(id, ticket)),
        JailRowKind::Ban => ban_of(data).map(|(id, mut ban)| {
            ban.made = row.ban.map_or(Made::Whole, |shown| shown.made);
            let end = match row.ban {
                Some(shown) => shown.until.map_or(i64::MAX, |until| until.0.div_euclid(1000)),
                None => ban.end(-1),
            };
            Loaded::Ban(id, ban, end)
        }),
        JailRowKind::Known => known_of(data).map(|(id, known)| Loaded::Known(id, known)),
        JailRowKind::Spared => spared_of(data).map(|(id, spared)| Loaded::Spared(id, spared)),
    }
}

fn ticket_of(data: &[u8]) -> Option<(Id, Ticket)> {
    read(data, |from| {
        Ok(Ticket {
            first: Wire::take(from)?,
            last: Wire::take(from)?,
            retry: Wire::take(from)?,
            failures: Wire::take(from)?,
            lines: lines(from)?,
            facts: facts(from)?,
            of_id: 0,
        })
    })
}

fn ban_of(data: &[u8]) -> Option<(Id, Ban)> {
    read(data, |from| {
        let mut ban = Ban {
            since: Wire::take(from)?,
            seconds: Wire::take(from)?,
            count: Wire::take(from)?,
            failures: Wire::take(from)?,
            lines: lines(from)?,
            facts: facts(from)?,
            restored: true,
            tried: true,
            ordered: bool::take(from)?,
            observed: bool::take(from)?,
            epoch: Some(0),
            made: Made::Whole,
            asks: Asks::default(),
        };
        let is_told = !bool::take(from)?;
        (ban.restored, ban.tried) = (is_told, is_told);
        Ok(ban)
    })
}

fn known_of(data: &[u8]) -> Option<(Id, Known)> {
    read(data, |from| {
        Ok(Known { count: Wire::take(from)?, last: Wire::take(from)?, seconds: Wire::take(from)? })
    })
}

fn spared_of(data: &[u8]) -> Option<(Id, SparedCount)> {
    read(data, |from| {
        let (count, last) = (Wire::take(from)?, Wire::take(from)?);
        let by = match (from.byte()?, <Option<Net> as Wire>::take(from)?) {
            (1, None) => Spared::Own,
            (2, Some(net)) => Spared::Allowed(net),
            (3, None) => Spared::Address,
            (4, None) => Spared::Name,
            (5, None) => Spared::Command,
            _ => return Err(FrameError::Unknown),
        };
        Ok(SparedCount { count, last, by })
    })
}

/// The key of a row: an address as it is written, anything else so that it is none.
fn key_of(id: &Id) -> String {
    match id {
        Id::Net(net) => net.to_string(),
        Id::Name(text) => format!("name {text}"),
        Id::Text(text) => format!("text {text}"),
    }
}

fn row(jail: &str, kind: JailRowKind, id: &Id, rest: Writer) -> JailRow {
    let mut out = Writer::default();
    put_id(id, &mut out);
    let mut data = out.into_bytes();
    data.extend(rest.into_bytes());
    JailRow { jail: jail.to_owned(), kind, id: key_of(id), ban: None, data: Some(data) }
}

fn read<T>(
    data: &[u8],
    take: impl FnOnce(&mut Reader<'_>) -> Result<T, FrameError>,
) -> Option<(Id, T)> {
    let mut from = Reader::over(data);
    let id = take_id(&mut from).ok()?;
    let value = take(&mut from).ok()?;
    from.is_empty().then_some((id, value))
}

fn put_id(id: &Id, out: &mut Writer) {
    match id {
        Id::Net(net) => {
            out.byte(1);
            net.put(out);
        }
        Id::Name(text) => {
            out.byte(2);
            out.text(text, JAIL_ROW_BYTES_MAX);
        }
        Id::Text(text) => {
            out.byte(3);
            out.text(text, JAIL_ROW_BYTES_MAX);
        }
    }
}

fn take_id(from: &mut Reader<'_>) -> Result<Id, FrameError> {
    Ok(match from.byte()? {
        1 => Id::Net(Net::take(from)?),
        2 => Id::Name(from.text(JAIL_ROW_BYTES_MAX)?),
        3 => Id::Text(from.text(JAIL_ROW_BYTES_MAX)?),
        _ => return Err(FrameError::Unknown),
    })
}

fn put_lines(lines: &[String], out: &mut Writer) {
    (lines.len() as u32).put(out);
    for line in lines {
        out.text(line, JAIL_ROW_BYTES_MAX);
    }
}

fn lines(from: &mut Reader<'_>) -> Result<Vec<String>, FrameError> {
    let count = u32::take(from)? as usize;
    if count > JAIL_MATCHES_MAX {
        return Err(FrameError::Limit);
    }
    (0..count).map(|_| from.text(JAIL_ROW_BYTES_MAX)).collect()
}

fn put_facts(facts: &Facts, out: &mut Writer) {
    out.byte(u8::from(facts.ip.is_some()));
    if let Some(ip) = &facts.ip {
        put_id(ip, out);
    }
    let kept = facts.captures.iter().take(CAPTURES_MAX);
    (kept.len() as u32).put(out);
    for (name, value) in kept {
        out.text(name, JAIL_ROW_BYTES_MAX);
        out.text(value, JAIL_ROW_BYTES_MAX);
    }
}

fn facts(from: &mut Reader<'_>) -> Result<Facts, FrameError> {
    let ip = if bool::take(from)? { Some(take_id(from)?) } else { None };
    let count = u32::take(from)? as usize;
    if count > CAPTURES_MAX {
        return Err(FrameError::Limit);
    }
    let mut captures = BTreeMap::new();
    for _ in 0..count {
        captures.insert(from.text(JAIL_ROW_BYTES_MAX)?, from.text(JAIL_ROW_BYTES_MAX)?);
    }
    Ok(Facts { ip, captures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_was_there() {
        let captures = [("user".to_owned(), "ro\u{0}ot".to_owned())].into();
        let facts = Facts { ip: Some(Id::of_text("192.0.2.1")), captures };
        let lines = vec!["a".to_owned(), "ü".to_owned()];
        let ids = [
            Id::of_text("2001:db8::1"),
            Id::of_text("192.0.2.0/24"),
            Id::Text("bob".to_owned()),
            Id::Name("host.example".to_owned()),
        ];
        for id in ids {
            let ticket = Ticket {
                first: -5,
                last: 1 << 40,
                retry: 3,
                failures: 9,
                lines: lines.clone(),
                facts: facts.clone(),
                of_id: 0,
            };
            let data = ticket_row("a", &id, &ticket).data.expect("there");
            assert_eq!(ticket_of(&data), Some((id.clone(), ticket)));
            let ban = Ban {
                since: 7,
                seconds: Some(-1),
                count: 2,
                failures: 5,
                lines: lines.clone(),
                facts: facts.clone(),
                restored: true,
                tried: true,
                ordered: true,
                observed: false,
                epoch: Some(0),
                made: Made::Whole,
                asks: Asks::default(),
            };
            let waits = Ban { ordered: false, observed: true, ..ban.clone() };
            let data = ban_row("a", &id, &waits, 600).data.expect("there");
            assert_eq!(ban_of(&data), Some((id.clone(), waits)));
            for end in 0..data.len() {
                assert_eq!(ban_of(&data[..end]), None);
            }
            let known = Known { count: 4, last: 5, seconds: 600 };
            let data = known_row("a", &id, &known).data.expect("there");
            assert_eq!(known_of(&data), Some((id, known)));
        }
    }
}
