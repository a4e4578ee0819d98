//! Whether a line of one rule can be read by another one with a different address.
//!
//! The wordings of a rule become an automaton whose places each take one byte of a class. Two
//! automata are walked together: if both reach an end over the same bytes, and some byte belonged
//! to the address of only one of them, there is a line that they read differently. The search is
//! exhaustive over classes of bytes; an address is taken by its form (four numbers with dots, or
//! at least two colons), which is a little more than what is read as one.

use std::collections::HashSet;

use crate::class::Class;
use crate::field::{Field, Shape, Slot};
use crate::pattern::{Node, Part};

/// A place of the automaton: it takes one byte.
#[derive(Debug)]
struct Place {
    class: Class,
    /// The byte belongs to the address.
    address: bool,
    /// The places that may come next.
    next: Vec<u32>,
    /// A line may end here.
    last: bool,
}

/// The lines of one rule.
#[derive(Debug, Default)]
pub(crate) struct Automaton {
    places: Vec<Place>,
    first: Vec<u32>,
    /// The empty line belongs to it.
    empty: bool,
    /// Whose lines these are: what `{rest}` stands for depends on it.
    writes: bool,
}

/// The places at which the part read so far may end; `start` if it may be empty.
#[derive(Clone, Debug)]
struct Ends {
    places: Vec<u32>,
    start: bool,
}

/// What an untouchable `{rest}` is made of where lines are written: nothing that another
/// pattern asks for.
const NEUTRAL: Class = Class::of(b"\0");

impl Automaton {
    /// The automaton of a rule's wordings; `writes` for the side whose lines are looked at.
    pub(crate) fn of(wordings: &[Vec<Node>], writes: bool) -> Self {
        let mut automaton = Self { writes, ..Self::default() };
        for wording in wordings {
            let start = Ends { places: Vec::new(), start: true };
            let ends = automaton.sequence(wording, start);
            automaton.empty |= ends.start;
            for place in ends.places {
                automaton.places[place as usize].last = true;
            }
        }
        automaton
    }

    fn sequence(&mut self, nodes: &[Node], from: Ends) -> Ends {
        nodes.iter().fold(from, |ends, node| match node {
            Node::Part(Part::Literal(bytes)) => bytes
                .iter()
                .fold(ends, |ends, &byte| self.take(&ends, Class::of(&[byte]), false, false)),
            Node::Part(Part::Field(field)) => self.field(field, ends),
            Node::Choice(choices) => {
                let all = choices.iter().map(|choice| self.sequence(choice, ends.clone()));
                all.collect::<Vec<_>>()
                    .into_iter()
                    .fold(Ends { places: Vec::new(), start: false }, join)
            }
        })
    }

    fn field(&mut self, field: &Field, from: Ends) -> Ends {
        match field.shape {
            Shape::Address => self.address(field, from),
            Shape::Int => {
                let minus = self.take(&from, Class::of(b"-"), false, false);
                self.take(&join(from, minus), field.class, true, false)
            }
            Shape::Run | Shape::Quoted => {
                let class = match field.shape {
                    _ if field.trusted && self.writes => NEUTRAL,
                    Shape::Quoted => Class::ANY.without(b"\""),
                    _ => field.class,
                };
                let taken = self.take(&from, class, true, false);
                if field.min == 0 { join(from, taken) } else { taken }
            }
        }
    }

    /// Four numbers with dots, or something with at least two colons.
    fn address(&mut self, field: &Field, from: Ends) -> Ends {
        let reported = field.slot == Some(Slot::Address);
        let mut v4 = from.clone();
        for number in 0..4 {
            if number > 0 {
                v4 = self.take(&v4, Class::of(b"."), false, reported);
            }
            v4 = self.take(&v4, Class::DIGIT, true, reported);
        }
        if !field.class.has(b':') {
            return v4;
        }
        let colon = Class::of(b":");
        let mut v6 = from;
        for _ in 0..2 {
            let group = self.take(&v6, Class::HEX, true, reported);
            v6 = self.take(&join(v6, group), colon, false, reported);
        }
        let tail = self.take(&v6, Class::ADDRESS, true, reported);
        join(v4, join(v6, tail))
    }

    /// Adds a place behind `from`; with `many` it may be repeated.
    fn take(&mut self, from: &Ends, class: Class, many: bool, address: bool) -> Ends {
        let number = self.places.len() as u32;
        self.places.push(Place {
            class,
            address,
            next: if many { vec![number] } else { Vec::new() },
            last: false,
        });
        for &place in &from.places {
            self.places[place as usize].next.push(number);
        }
        if from.start {
            self.first.push(number);
        }
        Ends { places: vec![number], start: false }
    }
}

fn join(mut a: Ends, b: Ends) -> Ends {
    a.places.extend(b.places);
    a.start |= b.start;
    a
}

/// A state of the common walk.
struct Visit {
    writer: u32,
    reader: u32,
    seen: u8,
    from: usize,
}

/// Some byte belongs to the address of only one side.
const DIFFERS: u8 = 1;
/// The reader reports an address.
const REPORTS: u8 = 2;

/// A line that `writer` writes and `reader` reads with another address; with `any`, any line
/// that both have.
pub(crate) fn witness(writer: &Automaton, reader: &Automaton, any: bool) -> Option<Vec<u8>> {
    if any && writer.empty && reader.empty {
        return Some(Vec::new());
    }
    let mut known: HashSet<(u32, u32, u8)> = HashSet::new();
    let mut visits: Vec<Visit> = Vec::new();
    let mut expand = |visits: &mut Vec<Visit>, ws: &[u32], rs: &[u32], seen, from| {
        for &w in ws {
            let a = &writer.places[w as usize];
            for &r in rs {
                let b = &reader.places[r as usize];
                let differs = u8::from(a.address != b.address) * DIFFERS;
                let reports = u8::from(b.address) * REPORTS;
                let seen = seen | differs | reports;
                if a.class.meets(&b.class) && known.insert((w, r, seen)) {
                    visits.push(Visit { writer: w, reader: r, seen, from });
                }
            }
        }
    };
    let start = if any { DIFFERS | REPORTS } else { 0 };
    expand(&mut visits, &writer.first, &reader.first, start, usize::MAX);
    let mut at = 0;
    while at < visits.len() {
        let visit = &visits[at];
        let a = &writer.places[visit.writer as usize];
        let b = &reader.places[visit.reader as usize];
        let seen = visit.seen;
        if a.last && b.last && seen == DIFFERS | REPORTS {
            return Some(spell(writer, reader, &visits, at));
        }
        expand(&mut visits, &a.next, &b.next, seen, at);
        at += 1;
    }
    None
}

/// The bytes on the way to a visit.
fn spell(writer: &Automaton, reader: &Automaton, visits: &[Visit], end: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = end;
    while let Some(visit) = visits.get(at) {
        let a = &writer.places[visit.writer as usize].class;
        let b = &reader.places[visit.reader as usize].class;
        let mut easy = (b'1'..=b'9').chain(b'a'..=b'z').chain(b' '..=b'~').chain(0..=255);
        bytes.extend(easy.find(|&byte| a.has(byte) && b.has(byte)));
        at = visit.from;
    }
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse;

    fn told(writer: &str, reader: &str) -> Option<String> {
        let automaton = |text: &str, writes| Automaton::of(&[parse(text).unwrap()], writes);
        let line = witness(&automaton(writer, true), &automaton(reader, false), false)?;
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    #[test]
    fn a_line_that_is_read_differently_is_found() {
        let cases = [
            ("a {user} from {address}: closed", "a {text} from {address}: {user:,}"),
            ("x {text}", "x {user:word} from {address}"),
            ("{address}", "{address}:{int}"),
            ("{address}[:{int}]", "{address}[:{int}]"),
            ("by {ip} for {address}", "by {address} for {text}"),
        ];
        for (writer, reader) in cases {
            assert!(told(writer, reader).is_some(), "{writer} | {reader}");
        }
    }

    #[test]
    fn lines_that_cannot_be_confused_are_not() {
        let cases = [
            ("Invalid user {user} from {address}", "Invalid user {user} from {address} port {int}"),
            (
                "Invalid {user} from {address}[ port {int}]",
                "Invalid {user} from {address}[ port {int}]",
            ),
            ("x {address4}[:{int}]", "x {address4}[:{int}]"),
            ("User {user} from {address} is", "User {user} is"),
            ("x {rest}", "x {user} from {address}"),
            ("from {address}: {text}", "from {address}: 11: {text}"),
            ("a {user} from {address}", "b {user} from {address}"),
        ];
        for (writer, reader) in cases {
            assert_eq!(told(writer, reader), None, "{writer} | {reader}");
        }
    }
}
