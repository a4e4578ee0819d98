//! Where in a line a date may begin: collected once a line and only if it is needed.

use super::line::Line;
use super::steps::{MONTHS, WEEKDAYS};

/// What a character is to the beginning of a date, and what a line has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    const NONE: Self = Self(0);
    pub const DIGIT: Self = Self(1);
    pub const LETTER: Self = Self(2);
    /// A space before a digit.
    pub const SPACE: Self = Self(4);
    pub const SIGN: Self = Self(8);
    pub const AT: Self = Self(16);
    /// The line has a colon.
    pub const COLON: Self = Self(32);
    /// The line has the name of a month at the beginning of a word.
    pub const MONTH: Self = Self(64);

    /// A letter where the name of a month or of a day begins.
    pub const NAME: Self = Self(128);

    const FIRST: Self = Self(31 | 128);

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a date that may begin with these may begin with this byte.
    pub fn may_begin_with(self, byte: u8) -> bool {
        let kind = KINDS[usize::from(byte)].0;
        let letter = if kind & Self::LETTER.0 != 0 { Self::NAME.0 } else { 0 };
        self.0 & (kind | letter) != 0
    }

    const fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' => Self::LETTER,
            b' ' => Self::SPACE,
            b'+' | b'-' => Self::SIGN,
            b'@' => Self::AT,
            // A digit of another script, or a letter that folds to an ASCII one.
            128.. => Self::FIRST,
            _ => Self::NONE,
        }
    }
}

const KINDS: [Kinds; 256] = {
    let mut kinds = [Kinds::NONE; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = Kinds::of(byte as u8);
        byte += 1;
    }
    kinds
};

/// The places of one line.
#[derive(Clone, Default)]
pub struct Starts {
    places: Vec<(u32, u8)>,
    line: u8,
    ready: bool,
}

impl Starts {
    /// Forgets the line before.
    pub fn clear(&mut self) {
        self.ready = false;
    }

    /// The first that `try_at` finds among the places from `from` on where one of these kinds is.
    pub fn find<T>(
        &mut self,
        line: Line,
        from: usize,
        kinds: Kinds,
        mut try_at: impl FnMut(usize) -> Option<T>,
    ) -> Option<T> {
        // Mostly the date is where it was in the line before.
        if from > 0
            && line.is_bound(from)
            && let Some(found) = try_at(from)
        {
            return Some(found);
        }
        if !self.ready {
            self.collect(line);
        }
        let needs = kinds.0 & !Kinds::FIRST.0;
        if self.line & needs != needs {
            return None;
        }
        let first = kinds.0 & Kinds::FIRST.0;
        let skipped = self.places.partition_point(|&(at, _)| (at as usize) < from);
        let places = self.places.iter().skip(skipped);
        places.filter(|(_, kinds)| kinds & first != 0).find_map(|&(at, _)| try_at(at as usize))
    }

    fn collect(&mut self, line: Line) {
        self.ready = true;
        self.places.clear();
        self.line = if line.is_ascii() { 0 } else { Kinds::MONTH.0 };
        let bytes = line.bytes();
        let ascii = line.is_ascii();
        let mut in_word = false;
        for (at, &byte) in bytes.iter().enumerate() {
            let kind = KINDS[usize::from(byte)];
            let word = byte == b'_' || kind.0 & (Kinds::DIGIT.0 | Kinds::LETTER.0) != 0;
            let inside = in_word && word;
            in_word = word;
            if byte == b':' {
                self.line |= Kinds::COLON.0;
            }
            let bound = match ascii {
                true => !inside,
                false => line.text().is_char_boundary(at) && line.is_bound(at),
            };
            if kind == Kinds::NONE || !bound {
                continue;
            }
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            let mut kinds = kind.0;
            if kind == Kinds::LETTER {
                match name(bytes.get(at..at + 3)) {
                    Some(Name::Month) => {
                        self.line |= Kinds::MONTH.0;
                        kinds |= Kinds::NAME.0;
                    }
                    Some(Name::Day) => kinds |= Kinds::NAME.0,
                    // In other scripts there are letters that match those of a name.
                    None if !ascii => kinds |= Kinds::NAME.0,
                    None => {}
                }
            }
            if kind != Kinds::SPACE || matches!(bytes.get(at + 1), Some(b'1'..=b'9')) {
                self.places.push((place, kinds));
            }
        }
    }
}

enum Name {
    Month,
    Day,
}

fn name(word: Option<&[u8]>) -> Option<Name> {
    let &[a, b, c] = word?.first_chunk::<3>()?;
    let word = [a | 0x20, b | 0x20, c | 0x20];
    if MONTHS.iter().any(|month| month.as_bytes() == word) {
        return Some(Name::Month);
    }
    WEEKDAYS.iter().any(|day| day.as_bytes() == word).then_some(Name::Day)
}
