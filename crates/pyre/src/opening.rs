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

/// By place, which bytes may stand there.
#[derive(Clone, Debug)]
pub struct Opening {
    bytes: [[u64; 4]; BYTES],
}

/// A walk through a pattern.
struct Walk {
    bytes: [[u64; 4]; BYTES],
    steps: u32,
}

impl Opening {
    /// None if the pattern is not tied to the start, or begins with anything.
    pub(crate) fn of(ir: &Ir) -> Option<Self> {
        if !is_tied_to_start(ir) {
            return None;
        }
        let mut walk = Walk { bytes: [[0; 4]; BYTES], steps: 0 };
        let ends = walk.part(ir, 1);
        if walk.steps > STEPS_MAX {
            return None;
        }
        let mut opening = Self { bytes: walk.bytes };
        // Behind the shortest match comes whatever.
        let shortest = ends.trailing_zeros() as usize;
        for bytes in opening.bytes.iter_mut().skip(shortest) {
            *bytes = [u64::MAX; 4];
        }
        (opening.bytes != [[u64::MAX; 4]; BYTES]).then_some(opening)
    }

    /// The bytes that a text may begin with, as bits.
    pub(crate) fn first(&self) -> [u64; 4] {
        self.bytes[0]
    }

    /// Whether a text that begins like this may match.
    pub fn admits<'t>(&self, text: impl IntoIterator<Item = &'t u8>) -> bool {
        let has =
            |(bytes, byte): (&[u64; 4], &u8)| bytes[usize::from(byte >> 6)] >> (byte & 63) & 1;
        self.bytes.iter().zip(text).all(|pair| has(pair) == 1)
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
            Ir::Char(c) => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes);
                bytes[..c.len_utf8()].iter().fold(from, |places, byte| {
                    self.note(places, |known| known[usize::from(byte >> 6)] |= 1 << (byte & 63));
                    next(places)
                })
            }
            Ir::Set(set) => {
                let mut ascii = [0_u64; 2];
                for c in '\0'..='\x7f' {
                    ascii[c as usize >> 6] |= u64::from(chars::contains(set, c)) << (c as u32 & 63);
                }
                let wide = set.iter().any(|range| !range.end().is_ascii());
                let beyond = if wide { u64::MAX } else { 0 };
                let bytes = [ascii[0], ascii[1], beyond, beyond];
                self.note(from, |known| known.iter_mut().zip(bytes).for_each(|(k, b)| *k |= b));
                let (mut ends, mut at) = (next(from), next(from));
                for _ in 1..if wide { 4 } else { 1 } {
                    self.note(at, |known| known[2] = u64::MAX);
                    at = next(at);
                    ends |= at;
                }
                ends
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
                let first = from.trailing_zeros();
                let all = (2 * END - 1) & !((1 << first) - 1);
                self.note(all, |known| *known = [u64::MAX; 4]);
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

    fn note(&mut self, places: Places, mut note: impl FnMut(&mut [u64; 4])) {
        for (at, bytes) in self.bytes.iter_mut().enumerate() {
            if places & (1 << at) != 0 {
                note(bytes);
            }
        }
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
        ] {
            let opening = opening(pattern).unwrap_or_else(|| panic!("{pattern}"));
            for text in admitted {
                assert!(opening.admits(text.as_bytes()), "{pattern} {text}");
            }
            for text in refused {
                assert!(!opening.admits(text.as_bytes()), "{pattern} {text}");
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
        let mut walk = Walk { bytes: [[0; 4]; BYTES], steps: 0 };
        assert!(walk.repeat(&many, 1) & 1 != 0 && walk.steps < 100);
        let nested = format!("^{}a{}", "(?:".repeat(60), ")*".repeat(60));
        assert!(opening(&nested).is_none_or(|found| found.admits(b"x")));
    }
}
