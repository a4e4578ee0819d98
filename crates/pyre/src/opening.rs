//! What a text begins with that a pattern tied to its start may match: most lines are told apart
//! by a few bytes, before anything is searched or even made for it.

use crate::backtrack::is_tied_to_start;
use crate::chars;
use crate::ir::{Ir, Repeat};

/// So many bytes are looked at.
const BYTES: usize = 12;

/// Places up to [`BYTES`], as bits; the last one stands for all behind it.
type Places = u32;

const END: Places = 1 << BYTES;

/// Parts of a pattern that are looked at; loops within loops would take for ever.
const STEPS_MAX: u32 = 10_000;

/// By place, which bytes of ASCII may stand there behind others of ASCII, as bits.
#[derive(Clone, Debug)]
pub struct Opening {
    bytes: [u128; BYTES],
}

/// A walk through a pattern, over characters of ASCII only.
struct Walk {
    bytes: [u128; BYTES],
    steps: u32,
}

impl Opening {
    /// None if the pattern is not tied to the start, or begins with anything.
    pub(crate) fn of(ir: &Ir) -> Option<Self> {
        if !is_tied_to_start(ir) {
            return None;
        }
        let mut walk = Walk { bytes: [0; BYTES], steps: 0 };
        let ends = walk.part(ir, 1);
        if walk.steps > STEPS_MAX {
            return None;
        }
        let mut opening = Self { bytes: walk.bytes };
        // Behind the shortest match comes whatever.
        let shortest = ends.trailing_zeros() as usize;
        for bytes in opening.bytes.iter_mut().skip(shortest) {
            *bytes = u128::MAX;
        }
        (opening.bytes != [u128::MAX; BYTES]).then_some(opening)
    }

    /// The bytes of ASCII that may stand in a place of the text, as bits, if none before it is
    /// another one.
    pub fn at(&self, place: usize) -> u128 {
        self.bytes.get(place).copied().unwrap_or(u128::MAX)
    }

    /// Whether a text that begins like this may match.
    pub fn admits(&self, text: &[u8]) -> bool {
        self.admits_parts(text, b"")
    }

    /// The same for a text in two parts.
    #[inline]
    pub fn admits_parts(&self, first: &[u8], second: &[u8]) -> bool {
        let behind = self.bytes.get(first.len()..).unwrap_or_default();
        for (known, part) in [(&self.bytes[..], first), (behind, second)] {
            for (bytes, byte) in known.iter().zip(part) {
                if !byte.is_ascii() {
                    return true;
                }
                if bytes >> byte & 1 == 0 {
                    return false;
                }
            }
        }
        true
    }
}

impl Walk {
    /// Notes what may stand where, for a part that may begin at these places; where it may end.
    fn part(&mut self, ir: &Ir, from: Places) -> Places {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return from;
        }
        match ir {
            // Behind another character nothing is told.
            Ir::Char(c) if !c.is_ascii() => 0,
            Ir::Char(c) => self.one(1 << u32::from(*c), from),
            Ir::Set(set) => {
                let ascii = ('\0'..='\x7f').filter(|c| chars::contains(set, *c));
                self.one(ascii.fold(0, |bits, c| bits | 1 << u32::from(c)), from)
            }
            Ir::Concat(parts) => parts.iter().fold(from, |places, part| self.part(part, places)),
            Ir::Alternation(parts) => {
                parts.iter().fold(0, |ends, part| ends | self.part(part, from))
            }
            Ir::Repeat(repeat) => self.repeat(repeat, from),
            Ir::Capture(_, node) | Ir::Atomic(node) => self.part(node, from),
            Ir::Conditional { yes, no, .. } => self.part(yes, from) | self.part(no, from),
            Ir::Empty | Ir::At(_) | Ir::Look(_) => from,
            // It may be of any length.
            Ir::Backref { .. } => {
                let first = from & from.wrapping_neg();
                let all = (2 * END - 1) & !first.wrapping_sub(1);
                self.one(u128::MAX, all);
                all
            }
        }
    }

    fn repeat(&mut self, Repeat { node, min, max, .. }: &Repeat, from: Places) -> Places {
        let (mut places, mut ends) = (from, if *min == 0 { from } else { 0 });
        let rounds = max.unwrap_or(u32::MAX);
        let mut round = 0;
        // A round that gets nowhere new needs no other one.
        while round < rounds && round <= min.saturating_add(BYTES as u32) {
            round += 1;
            let after = self.part(node, places);
            if round >= *min {
                ends |= after;
            }
            if after == places {
                return ends | after;
            }
            places = after;
        }
        ends
    }

    /// Notes a character that is one of these; where it ends.
    fn one(&mut self, set: u128, from: Places) -> Places {
        for (at, bytes) in self.bytes.iter_mut().enumerate() {
            if from & (1 << at) != 0 {
                *bytes |= set;
            }
        }
        next(from)
    }
}

fn next(places: Places) -> Places {
    let next = places << 1;
    (next & (2 * END - 1)) | (places & END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::RepeatMode;

    fn opening(pattern: &str) -> Option<Opening> {
        let ast = crate::parse(pattern, crate::Options::default()).expect("a pattern");
        Opening::of(&crate::ir::of(&ast))
    }

    #[test]
    fn what_cannot_begin_so_is_refused() {
        for (pattern, admitted, refused) in [
            (
                r"^\d{4}-\d\d",
                &["2026-01", "2026-01-02 x", "\u{663}\u{663}"] as &[&str],
                &["198.5", "x"] as &[&str],
            ),
            (r"^(?:ab|c+)d", &["abd", "cd", "ccccd"], &["bd", "aad"]),
            (r"^(?:\W{0,2})?x", &["x", " x", "[(x", "é"], &["yx", "ax"]),
            (r"^<co ts=", &["<co ts=1"], &["<co s=", "Dec"]),
            (r"^é?b", &["éb", "b"], &["c", "x"]),
            (r"^(a)\1?\d", &["a1", "aa1"], &["b"]),
            (r"^(é)\1\d", &["éé1"], &["e", "1"]),
            (r"^\W{0,2}\d{4}", &["[\u{2014}2026", " 2026"], &["198.5", "a"]),
        ] {
            let opening = opening(pattern).unwrap_or_else(|| panic!("{pattern}"));
            let admitted = admitted.iter().map(|text| (text.as_bytes(), true));
            let refused = refused.iter().map(|text| (text.as_bytes(), false));
            for (text, is_admitted) in admitted.chain(refused) {
                assert_eq!(opening.admits(text), is_admitted, "{pattern} {}", text.escape_ascii());
                for at in 0..=text.len() {
                    let (first, second) = text.split_at(at);
                    assert_eq!(opening.admits_parts(first, second), is_admitted, "{pattern} {at}");
                }
            }
        }
        for pattern in ["a", "^", "^.*x", "(?:^a|b)", "^(?:x)?"] {
            let is_none = opening(pattern).is_none_or(|found| found.admits(b"zzz"));
            assert!(is_none, "{pattern}");
        }
    }

    #[test]
    fn a_loop_of_many_rounds_ends() {
        let node = Box::new(Ir::Repeat(Repeat {
            node: Box::new(Ir::Char('a')),
            min: 0,
            max: None,
            mode: RepeatMode::Greedy,
        }));
        let many = Repeat { node, min: 1_000_000, max: None, mode: RepeatMode::Greedy };
        let mut walk = Walk { bytes: [0; BYTES], steps: 0 };
        assert!(walk.repeat(&many, 1) & 1 != 0 && walk.steps < 100);
        let nested = format!("^{}a{}", "(?:".repeat(60), ")*".repeat(60));
        assert!(opening(&nested).is_none_or(|found| found.admits(b"x")));
    }
}
