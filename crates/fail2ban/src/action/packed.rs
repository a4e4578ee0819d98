//! A ticket as bytes, on its way from the role that decides to the one that runs commands.

use monban_model::limits::{CAPTURES_PACKED_MAX, TICKET_BYTES_MAX};
use monban_model::wire::{FrameError, Reader, Wire, Writer, decode, encode};

use crate::filter::Id;

use super::ticket::{Counters, Merged, Ticket, Time};

/// Longest name of a capture, in bytes.
const NAME_MAX: usize = 64;

/// What a ticket takes beside its texts, at most.
const FIXED: usize = 512;

/// How long a text may be, in bytes: the first length with which all of them have room.
const CUTS: [usize; 4] = [32 * 1024, 4096, 1024, 128];

/// Bytes before each text: its length.
const HEAD: usize = 4;

const _: () = assert!(
    FIXED + CAPTURES_PACKED_MAX * (2 * HEAD + NAME_MAX + CUTS[3]) + 3 * (HEAD + CUTS[3])
        < TICKET_BYTES_MAX
);

impl Ticket {
    /// The ticket as [`Ticket::from_bytes`] reads it, at most [`TICKET_BYTES_MAX`] bytes: the
    /// oldest lines are left out first, then long values are cut.
    pub fn to_bytes(&self) -> Vec<u8> {
        let cut = CUTS.into_iter().find(|cut| self.packed_size(*cut) <= TICKET_BYTES_MAX);
        let cut = cut.unwrap_or(CUTS[3]);
        let mut room = TICKET_BYTES_MAX.saturating_sub(self.packed_size(cut));
        let mut newest = |lines: &[String]| newest(lines, &mut room);
        let kept = Self {
            matches: newest(&self.matches),
            of_ip_in_jail: self.of_ip_in_jail.as_ref().map(|of| of.with(newest(&of.matches))),
            of_ip: self.of_ip.as_ref().map(|of| of.with(newest(&of.matches))),
            ..self.without_lines()
        };
        encode(&Packed { ticket: kept, cut })
    }

    /// Reads what [`Ticket::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > TICKET_BYTES_MAX {
            return None;
        }
        decode::<Packed>(bytes).ok().map(|packed| packed.ticket)
    }

    /// Bytes without any line, where texts are cut at `cut`.
    fn packed_size(&self, cut: usize) -> usize {
        let text = |text: &str| HEAD + text.len().min(cut);
        let id = |id: &Id| match id {
            Id::Net(_) => 0,
            Id::Name(name) | Id::Text(name) => text(name),
        };
        let captures = self.captures.iter().take(CAPTURES_PACKED_MAX);
        let captures = captures.map(|(name, value)| HEAD + name.len().min(NAME_MAX) + text(value));
        FIXED
            + captures.sum::<usize>()
            + id(&self.id)
            + self.ip.as_ref().map_or(0, id)
            + self.host.as_deref().map_or(0, text)
    }

    /// All but the lines.
    pub(super) fn without_lines(&self) -> Self {
        Self {
            id: self.id.clone(),
            ip: self.ip.clone(),
            captures: self.captures.clone(),
            host: self.host.clone(),
            matches: Vec::new(),
            of_ip: None,
            of_ip_in_jail: None,
            ..*self
        }
    }
}

impl Merged {
    fn with(&self, matches: Vec<String>) -> Self {
        Self { matches, failures: self.failures }
    }
}

/// The newest lines, which stand last, as far as there is room; of the newest one at least its
/// beginning.
fn newest(lines: &[String], room: &mut usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines.iter().rev() {
        if HEAD + line.len() > *room {
            if kept.is_empty() && *room > HEAD {
                let end = line.floor_char_boundary(*room - HEAD);
                kept.push(line[..end].to_owned());
                *room -= HEAD + end;
            }
            break;
        }
        *room -= HEAD + line.len();
        kept.push(line.clone());
    }
    kept.reverse();
    kept
}

struct Packed {
    ticket: Ticket,
    cut: usize,
}

impl Wire for Packed {
    fn put(&self, out: &mut Writer) {
        let Self { ticket, cut } = self;
        put_id(&ticket.id, *cut, out);
        ticket.ip.is_some().put(out);
        if let Some(ip) = &ticket.ip {
            put_id(ip, *cut, out);
        }
        match ticket.time {
            Time::Whole(seconds) => {
                out.byte(1);
                seconds.put(out);
            }
            Time::Fraction(seconds) => {
                out.byte(2);
                seconds.to_bits().put(out);
            }
        }
        ticket.bantime_s.put(out);
        ticket.bancount.put(out);
        ticket.failures.put(out);
        ticket.restored.put(out);
        ticket.host.is_some().put(out);
        if let Some(host) = &ticket.host {
            out.text(host, *cut);
        }
        let count = ticket.captures.len().min(CAPTURES_PACKED_MAX);
        (count as u32).put(out);
        for (name, value) in ticket.captures.iter().take(count) {
            out.text(name, NAME_MAX);
            out.text(value, *cut);
        }
        put_lines(&ticket.matches, out);
        for merged in [&ticket.of_ip, &ticket.of_ip_in_jail] {
            merged.is_some().put(out);
            if let Some(merged) = merged {
                merged.failures.put(out);
                put_lines(&merged.matches, out);
            }
        }
        let Counters { banned, banned_total, found, found_total } = ticket.jail;
        for counter in [banned, banned_total, found, found_total] {
            counter.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let id = take_id(from)?;
        let ip = if bool::take(from)? { Some(take_id(from)?) } else { None };
        let time = match from.byte()? {
            1 => Time::Whole(i64::take(from)?),
            2 => Time::Fraction(f64::from_bits(u64::take(from)?)),
            _ => return Err(FrameError::Unknown),
        };
        if matches!(time, Time::Fraction(seconds) if !seconds.is_finite()) {
            return Err(FrameError::Unknown);
        }
        let mut ticket = Ticket { ip, ..Ticket::new(id, time) };
        ticket.bantime_s = Wire::take(from)?;
        ticket.bancount = u32::take(from)?;
        ticket.failures = u64::take(from)?;
        ticket.restored = bool::take(from)?;
        if bool::take(from)? {
            ticket.host = Some(from.text(TICKET_BYTES_MAX)?);
        }
        let count = u32::take(from)? as usize;
        if count > CAPTURES_PACKED_MAX {
            return Err(FrameError::Limit);
        }
        for _ in 0..count {
            ticket.captures.insert(from.text(NAME_MAX)?, from.text(TICKET_BYTES_MAX)?);
        }
        ticket.matches = take_lines(from)?;
        ticket.of_ip = take_merged(from)?;
        ticket.of_ip_in_jail = take_merged(from)?;
        ticket.jail = Counters {
            banned: u64::take(from)?,
            banned_total: u64::take(from)?,
            found: u64::take(from)?,
            found_total: u64::take(from)?,
        };
        Ok(Self { ticket, cut: 0 })
    }
}

fn put_id(id: &Id, cut: usize, out: &mut Writer) {
    match id {
        Id::Net(net) => {
            out.byte(1);
            net.put(out);
        }
        Id::Name(name) => {
            out.byte(2);
            out.text(name, cut);
        }
        Id::Text(text) => {
            out.byte(3);
            out.text(text, cut);
        }
    }
}

fn take_id(from: &mut Reader<'_>) -> Result<Id, FrameError> {
    Ok(match from.byte()? {
        1 => Id::Net(Wire::take(from)?),
        2 => Id::Name(from.text(TICKET_BYTES_MAX)?),
        3 => Id::Text(from.text(TICKET_BYTES_MAX)?),
        _ => return Err(FrameError::Unknown),
    })
}

fn put_lines(lines: &[String], out: &mut Writer) {
    (lines.len() as u32).put(out);
    for line in lines {
        out.text(line, TICKET_BYTES_MAX);
    }
}

fn take_lines(from: &mut Reader<'_>) -> Result<Vec<String>, FrameError> {
    // A count that is too large ends where the bytes do.
    let count = u32::take(from)?;
    (0..count).map(|_| from.text(TICKET_BYTES_MAX)).collect()
}

fn take_merged(from: &mut Reader<'_>) -> Result<Option<Merged>, FrameError> {
    if !bool::take(from)? {
        return Ok(None);
    }
    let failures = u64::take(from)?;
    Ok(Some(Merged { failures, matches: take_lines(from)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Ticket {
        let mut ticket =
            Ticket::new(Id::Net("192.0.2.0/24".parse().unwrap()), Time::Fraction(1.7e9));
        ticket.ip = Some(Id::Text("who".to_owned()));
        ticket.bantime_s = Some(-1);
        ticket.bancount = 3;
        ticket.failures = 7;
        ticket.restored = true;
        ticket.host = Some("門.example".to_owned());
        ticket.captures.insert("user".to_owned(), "a\nb\0".to_owned());
        ticket.matches = vec!["one".to_owned(), String::new(), "three".to_owned()];
        ticket.of_ip = Some(Merged { matches: vec!["x".to_owned()], failures: 9 });
        ticket.of_ip_in_jail = Some(Merged::default());
        ticket.jail = Counters { banned: 1, banned_total: 2, found: 3, found_total: 4 };
        ticket
    }

    #[test]
    fn what_fits_comes_back_as_it_was() {
        let nobody = Ticket::of_nobody(Time::Whole(-5), Counters::default());
        for ticket in [full(), nobody] {
            assert_eq!(Ticket::from_bytes(&ticket.to_bytes()), Some(ticket));
        }
    }

    #[test]
    fn the_oldest_lines_go_first_and_the_rest_is_whole() {
        let mut ticket = full();
        ticket.matches = (0..2000).map(|n| format!("line {n} {}", "x".repeat(60))).collect();
        let bytes = ticket.to_bytes();
        assert!(bytes.len() <= TICKET_BYTES_MAX && bytes.len() > TICKET_BYTES_MAX - 700);
        let read = Ticket::from_bytes(&bytes).unwrap();
        assert!(ticket.matches.ends_with(&read.matches) && read.matches.len() > 400);
        assert_eq!((read.captures, read.jail), (ticket.captures, ticket.jail));
    }

    #[test]
    fn a_line_that_is_longer_than_everything_keeps_its_beginning() {
        let mut ticket = full();
        ticket.matches.push("é".repeat(TICKET_BYTES_MAX));
        let read = Ticket::from_bytes(&ticket.to_bytes()).unwrap();
        assert_eq!(read.matches.len(), 1);
        assert!(ticket.matches[3].starts_with(&read.matches[0]) && read.matches[0].len() > 30_000);
    }

    #[test]
    fn values_are_cut_where_even_no_line_helps() {
        let mut ticket = full();
        for number in 0..500 {
            let long = "é".repeat(50_000);
            ticket.captures.insert(format!("{number:03}{}", "n".repeat(100)), long.clone());
            ticket.host = Some(long);
        }
        let bytes = ticket.to_bytes();
        assert!(bytes.len() <= TICKET_BYTES_MAX);
        assert_eq!(Ticket::from_bytes(&bytes).unwrap().captures.len(), CAPTURES_PACKED_MAX);
    }

    #[test]
    fn bytes_of_nobody_are_no_ticket() {
        let bytes = full().to_bytes();
        for end in 0..bytes.len() {
            assert_eq!(Ticket::from_bytes(&bytes[..end]), None, "{end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 2, 0x7f, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let _ = Ticket::from_bytes(&bytes);
            }
        }
        let endless = |time| Ticket::new(Id::Text(String::new()), Time::Fraction(time));
        assert_eq!(Ticket::from_bytes(&endless(f64::NAN).to_bytes()), None);
        assert_eq!(Ticket::from_bytes(&vec![0; TICKET_BYTES_MAX + 1]), None);
    }
}
