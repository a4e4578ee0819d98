//! Sets of characters as Python's `re` sees them: `\w \d \s`, and what is the same letter in
//! either case.
//!
//! They differ from those of the crates for regular expressions. `\w` is every letter (L) and
//! number (N) and the underscore, so it has `²` and not a combining accent; `\s` has the four
//! separators U+001C to U+001F; without regard to case, a character is taken to its simple lower
//! case, and small letters with the same capital are the same letter (`s` and `ſ`, `i` and `ı`).
//! The tables are those of the crates' Unicode version, which is newer than CPython 3.11's.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use crate::ast::{self, ClassItem, Flags, PerlKind};

/// Where the characters are that have another upper or lower case: to ask all others takes longer
/// than a filter does to be made.
const CASED: [(char, char); 16] = [
    ('A', '\u{587}'),
    ('\u{10a0}', '\u{10ff}'),
    ('\u{13a0}', '\u{13fd}'),
    ('\u{1c80}', '\u{1fff}'),
    ('\u{2126}', '\u{2184}'),
    ('\u{24b6}', '\u{24e9}'),
    ('\u{2c00}', '\u{2d2d}'),
    ('\u{a640}', '\u{a7ff}'),
    ('\u{ab53}', '\u{abbf}'),
    ('\u{fb00}', '\u{fb17}'),
    ('\u{ff21}', '\u{ff5a}'),
    ('\u{10400}', '\u{105ff}'),
    ('\u{10c80}', '\u{10dff}'),
    ('\u{118a0}', '\u{118df}'),
    ('\u{16e40}', '\u{16eff}'),
    ('\u{1e900}', '\u{1e943}'),
];

/// The characters of a set in brackets.
pub(crate) fn class(class: &ast::Class, flags: Flags) -> ClassUnicode {
    let mut ranges = ClassUnicode::empty();
    let mut perls = ClassUnicode::empty();
    for item in &class.items {
        match *item {
            ClassItem::Range(from, to) => ranges.push(ClassUnicodeRange::new(from, to)),
            ClassItem::Perl { kind, negated } => {
                let mut set = perl(kind, flags.ascii);
                if negated {
                    set.negate();
                }
                perls.union(&set);
            }
        }
    }
    if flags.ignore_case {
        let case = if flags.ascii { ascii_case() } else { unicode_case() };
        ranges = case.lowered(&ranges);
        ranges.union(&perls);
        ranges = case.raised(&ranges);
    } else {
        ranges.union(&perls);
    }
    if class.negated {
        ranges.negate();
    }
    ranges
}

/// `\d`, `\s` or `\w`.
fn perl(kind: PerlKind, ascii: bool) -> ClassUnicode {
    match (kind, ascii) {
        (PerlKind::Digit, true) => of_ranges(&[('0', '9')]),
        (PerlKind::Word, true) => of_ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        (PerlKind::Space, true) => of_ranges(&[('\t', '\r'), (' ', ' ')]),
        (kind, false) => shared(kind).clone(),
    }
}

/// `\d`, `\s` or `\w` of all characters.
pub(crate) fn shared(kind: PerlKind) -> &'static ClassUnicode {
    static DIGIT: OnceLock<ClassUnicode> = OnceLock::new();
    static WORD: OnceLock<ClassUnicode> = OnceLock::new();
    static SPACE: OnceLock<ClassUnicode> = OnceLock::new();
    let (cell, pattern) = match kind {
        PerlKind::Digit => (&DIGIT, r"\p{Nd}"),
        PerlKind::Word => (&WORD, r"[\p{L}\p{N}_]"),
        PerlKind::Space => (&SPACE, r"[\s\x1c-\x1f]"),
    };
    cell.get_or_init(|| parsed(pattern))
}

/// The set of one character.
pub(crate) fn one(c: char) -> ClassUnicode {
    of_ranges(&[(c, c)])
}

/// The simple lower case, as a reference without regard to case compares.
pub(crate) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // The only one with two is U+0130, whose simple lower case is the first of them.
    c.to_lowercase().next().unwrap_or(c)
}

fn of_ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(from, to)| ClassUnicodeRange::new(*from, *to)))
}

/// The set that a constant pattern of this file stands for.
fn parsed(pattern: &str) -> ClassUnicode {
    match regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(set))) => set,
        _ => ClassUnicode::empty(),
    }
}

/// Which characters are the same without regard to case.
struct Case {
    /// Characters with another lower case, and that one.
    lowers: Vec<(char, char)>,
    /// Lower case characters and others that have the same upper case.
    twins: Vec<(char, char)>,
    /// All characters with another lower case.
    uppers: ClassUnicode,
}

impl Case {
    fn new(lowers: Vec<(char, char)>, twins: Vec<(char, char)>) -> Self {
        let uppers = lowers.iter().map(|(upper, _)| ClassUnicodeRange::new(*upper, *upper));
        let uppers = ClassUnicode::new(uppers);
        Self { lowers, twins, uppers }
    }

    /// The lower case of all, and their twins.
    fn lowered(&self, set: &ClassUnicode) -> ClassUnicode {
        let mut low = set.clone();
        low.difference(&self.uppers);
        let lowers = self.lowers.iter().filter(|(upper, _)| contains(set, *upper));
        low.union(&of_chars(lowers.map(|(_, lower)| *lower)));
        let twins = self.twins.iter().filter(|(lower, _)| contains(&low, *lower));
        let twins = of_chars(twins.map(|(_, twin)| *twin));
        low.union(&twins);
        low
    }

    /// All characters whose lower case is in the set.
    fn raised(&self, low: &ClassUnicode) -> ClassUnicode {
        let mut set = low.clone();
        set.difference(&self.uppers);
        let uppers = self.lowers.iter().filter(|(_, lower)| contains(low, *lower));
        set.union(&of_chars(uppers.map(|(upper, _)| *upper)));
        set
    }
}

fn of_chars(chars: impl Iterator<Item = char>) -> ClassUnicode {
    ClassUnicode::new(chars.map(|c| ClassUnicodeRange::new(c, c)))
}

/// Whether the character is in the set.
pub(crate) fn contains(set: &ClassUnicode, c: char) -> bool {
    let ranges = set.ranges();
    let after = ranges.partition_point(|range| range.start() <= c);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| c <= range.end())
}

fn ascii_case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        Case::new(('A'..='Z').map(|c| (c, c.to_ascii_lowercase())).collect(), Vec::new())
    })
}

fn unicode_case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        let mut lowers = Vec::new();
        let mut by_upper: BTreeMap<[char; 3], Vec<char>> = BTreeMap::new();
        for c in CASED.into_iter().flat_map(|(first, last)| first..=last) {
            let low = lower(c);
            if low != c {
                lowers.push((c, low));
            }
            if low != c || c.to_uppercase().next() != Some(c) {
                let mut upper = ['\0'; 3];
                upper.iter_mut().zip(c.to_uppercase()).for_each(|(place, c)| *place = c);
                let same = by_upper.entry(upper).or_default();
                if !same.contains(&low) {
                    same.push(low);
                }
            }
        }
        let mut twins = Vec::new();
        for same in by_upper.values() {
            for low in same {
                twins.extend(same.iter().filter(|twin| *twin != low).map(|twin| (*low, *twin)));
            }
        }
        Case::new(lowers, twins)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_characters_with_another_case_are_where_they_are_looked_for() {
        let is_cased = |c: &char| {
            lower(*c) != *c || c.to_lowercase().count() > 1 || !c.to_uppercase().eq([*c])
        };
        let is_looked_for =
            |c: &char| CASED.iter().any(|(first, last)| (first..=last).contains(&c));
        let missed: Vec<char> =
            ('\0'..=char::MAX).filter(is_cased).filter(|c| !is_looked_for(c)).collect();
        assert_eq!(missed, []);
    }
}
