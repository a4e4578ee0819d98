//! Characters beyond ASCII as one byte each.
//!
//! A pattern tells few of them apart: those of `\w`, of `\s`, of its own sets. All that it cannot
//! tell apart get the same letter, a byte from 0x80 on. A machine over these bytes is as small
//! as one for ASCII alone; with the sets of Unicode it takes thirty times as much.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use regex_syntax::hir::{ClassBytes, ClassBytesRange, ClassUnicode};

use crate::chars;
use crate::ir::{Ir, Look, Repeat};

/// The letters of a pattern.
pub(crate) struct Alphabet {
    /// From this code on, this letter.
    letters: Box<[(u32, u8)]>,
    /// A character of each letter: the others are in the same sets.
    samples: Box<[(char, u8)]>,
}

/// Sets that a pattern may tell apart.
const SETS_MAX: usize = 128;

/// Where the code of a character cannot be.
const GAP: std::ops::Range<u32> = 0xd800..0xe000;

impl Alphabet {
    /// The letters for all sets of a pattern; none if it tells too many characters apart.
    pub(crate) fn of(ir: &Ir) -> Option<Self> {
        let mut sets = BTreeSet::new();
        gather(ir, &mut sets, &mut HashSet::new());
        if sets.len() > SETS_MAX {
            return None;
        }
        // Where which set begins or ends.
        let mut edges: Vec<(u32, u128)> = vec![(0x80, 0)];
        for (index, set) in sets.iter().enumerate() {
            for (from, to) in set.iter().filter(|(_, to)| *to >= 0x80) {
                edges.extend([((*from).max(0x80), 1 << index), (to + 1, 1 << index)]);
            }
        }
        edges.sort_unstable();
        let mut known: HashMap<u128, u8> = HashMap::new();
        let mut letters: Vec<(u32, u8)> = Vec::new();
        let mut samples = Vec::new();
        let mut inside = 0;
        let mut edges = edges.into_iter().peekable();
        while let Some((at, set)) = edges.next() {
            inside ^= set;
            let next = edges.peek().map(|(next, _)| *next);
            if next == Some(at) {
                continue;
            }
            if GAP.contains(&at) && next.is_some_and(|next| next <= GAP.end) {
                continue;
            }
            let new = u8::try_from(0x80 + known.len()).ok();
            let letter = match known.get(&inside) {
                Some(letter) => *letter,
                None => {
                    let sample = if GAP.contains(&at) { GAP.end } else { at };
                    // Behind the last character there is none.
                    let Some(sample) = char::from_u32(sample) else {
                        continue;
                    };
                    samples.push((sample, new?));
                    known.insert(inside, new?);
                    new?
                }
            };
            if letters.last().is_none_or(|(_, last)| *last != letter) {
                letters.push((at, letter));
            }
        }
        Some(Self { letters: letters.into(), samples: samples.into() })
    }

    /// The text in these letters: one byte for each character.
    pub(crate) fn written(&self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len());
        bytes.extend(text.chars().map(|c| match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => byte,
            _ => self.letter(c),
        }));
        bytes
    }

    fn letter(&self, c: char) -> u8 {
        let after = self.letters.partition_point(|(from, _)| *from <= u32::from(c));
        after.checked_sub(1).and_then(|at| self.letters.get(at)).map_or(0x80, |(_, letter)| *letter)
    }

    /// A set of the pattern in these letters.
    pub(crate) fn class(&self, set: &ClassUnicode) -> ClassBytes {
        let mut class = ClassBytes::empty();
        for range in set.iter().filter(|range| range.start().is_ascii()) {
            let end = u8::try_from(range.end()).unwrap_or(0x7f).min(0x7f);
            class.push(ClassBytesRange::new(range.start() as u8, end));
        }
        for (_, letter) in self.samples.iter().filter(|(c, _)| chars::contains(set, *c)) {
            class.push(ClassBytesRange::new(*letter, *letter));
        }
        class
    }
}

type Ranges = Vec<(u32, u32)>;

/// Sets that are shared in the tree are looked at once.
fn gather(ir: &Ir, sets: &mut BTreeSet<Ranges>, seen: &mut HashSet<*const ClassUnicode>) {
    match ir {
        Ir::Char(c) if !c.is_ascii() => {
            sets.insert(vec![(u32::from(*c), u32::from(*c))]);
        }
        Ir::Set(set) if seen.insert(Arc::as_ptr(set)) => {
            let ranges = set.iter().map(|range| (range.start().into(), range.end().into()));
            sets.insert(ranges.collect());
        }
        Ir::Concat(parts) | Ir::Alternation(parts) => {
            parts.iter().for_each(|part| gather(part, sets, seen));
        }
        Ir::Repeat(Repeat { node, .. })
        | Ir::Capture(_, node)
        | Ir::Atomic(node)
        | Ir::Look(Look { node, .. }) => gather(node, sets, seen),
        Ir::Conditional { yes, no, .. } => {
            gather(yes, sets, seen);
            gather(no, sets, seen);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::ClassUnicodeRange;

    #[test]
    fn what_a_pattern_cannot_tell_apart_has_one_letter() {
        let mut dot = chars::one('\n');
        dot.negate();
        let ir = Ir::Concat(vec![Ir::Set(dot.clone().into()), Ir::Char('é')]);
        let alphabet = Alphabet::of(&ir).expect("few sets");
        let text = alphabet.written("aéü中\n\u{10ffff}\u{e000}\u{80}");
        assert_eq!(text, [b'a', 0x81, 0x80, 0x80, b'\n', 0x80, 0x80, 0x80]);
        let ranges: Vec<(u8, u8)> =
            alphabet.class(&dot).iter().map(|range| (range.start(), range.end())).collect();
        assert_eq!(ranges, [(0, 9), (11, 0x81)]);
        let edge = ClassUnicode::new([ClassUnicodeRange::new('中', '\u{d7ff}')]);
        let other = ClassUnicode::new([ClassUnicodeRange::new('\u{e000}', '\u{e001}')]);
        let beside = Alphabet::of(&Ir::Concat(vec![Ir::Set(edge.into()), Ir::Set(other.into())]));
        let text = beside.expect("few sets").written("a中\u{d7ff}\u{e000}é\u{e002}");
        assert_eq!(text, [b'a', 0x81, 0x81, 0x82, 0x80, 0x80]);
        let one = alphabet.class(&chars::one('é'));
        assert_eq!(one.ranges(), [ClassBytesRange::new(0x81, 0x81)]);
    }
}
