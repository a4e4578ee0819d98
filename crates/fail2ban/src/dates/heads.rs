//! What the dates of a form begin with: most places of a line are passed over by a look at it.

use super::forms::Reads;
use super::steps::{Part, Step};

/// So many bytes are looked at.
pub const BYTES: usize = 6;

/// Places up to [`BYTES`], as bits; the last one stands for all behind them.
type Places = u8;

const BEYOND: Places = 1 << BYTES;

const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SPACES: &[u8] = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f ";

/// By place, which bytes of ASCII may stand there, as bits.
pub struct Head {
    rows: [u128; BYTES],
    /// What `Separator` took last, which `Again` repeats.
    separator: &'static [u8],
}

impl Head {
    /// Of dates that are read so, behind up to so many characters that are of no word.
    pub fn of(reads: &Reads, skipped: usize) -> Self {
        let mut head = Self { rows: [0; BYTES], separator: b"" };
        let no_word = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
        let no_word: Vec<u8> = (0..128).filter(no_word).collect();
        let from = head.some(&no_word, 0, skipped, 1);
        let ends = match reads {
            Reads::Steps(steps) => head.row(steps, from),
            Reads::Epoch => head.some(DIGITS, 10, 10, from),
            Reads::Tai => {
                let behind = head.one(b"@", from);
                head.some(HEX, 24, 24, behind)
            }
        };
        // Behind the shortest date comes whatever.
        for bytes in head.rows.iter_mut().skip(ends.trailing_zeros() as usize) {
            *bytes = u128::MAX;
        }
        head
    }

    /// Whether this byte of ASCII may stand in this place.
    pub fn has(&self, place: usize, byte: u8) -> bool {
        self.rows[place] >> byte & 1 == 1
    }

    /// Whether a date may begin like this.
    #[inline]
    pub fn admits(&self, text: &[u8]) -> bool {
        for (bytes, byte) in self.rows.iter().zip(text) {
            // Digits and letters of other scripts are left to the walk.
            if !byte.is_ascii() {
                return true;
            }
            if bytes >> byte & 1 == 0 {
                return false;
            }
        }
        true
    }

    /// Where steps may end that begin at these places.
    fn row(&mut self, steps: &[Step], from: Places) -> Places {
        let Some((step, rest)) = steps.split_first() else { return from };
        let (after, rest) = match step {
            Step::Maybe(count) => {
                let (left_out, rest) = rest.split_at((*count).min(rest.len()));
                (from | self.row(left_out, from), rest)
            }
            step => (self.step(*step, from), rest),
        };
        self.row(rest, after)
    }

    fn step(&mut self, step: Step, from: Places) -> Places {
        match step {
            Step::Is(byte) => self.one(&[byte], from),
            Step::OneOf(set) => self.one(set, from),
            Step::Separator(set) => {
                self.separator = set;
                self.one(set, from)
            }
            Step::MaybeOneOf(set) => from | self.one(set, from),
            Step::Again => self.one(self.separator, from),
            Step::Gap => self.some(b" ", 1, 2, from),
            Step::IsoGap => self.some(b"T ", 1, 2, from),
            Step::Spaces => self.some(SPACES, 0, BYTES, from),
            Step::Fraction => self.some(DIGITS, 1, 6, from),
            Step::Maybe(_) => from,
            Step::Part(part) => self.part(part, from),
        }
    }

    fn part(&mut self, part: Part, from: Places) -> Places {
        match part {
            Part::Year => {
                let behind = self.one(b"23456789", from);
                self.some(DIGITS, 3, 3, behind)
            }
            Part::YearOrYear2 => self.some(DIGITS, 2, 4, from),
            Part::Year2
            | Part::MonthTwoDigits
            | Part::DayTwoDigits
            | Part::HourTwoDigits
            | Part::MinuteTwoDigits
            | Part::SecondTwoDigits => self.some(DIGITS, 2, 2, from),
            Part::Month | Part::Hour | Part::Hour12 | Part::Minute | Part::Second => {
                self.some(DIGITS, 1, 2, from)
            }
            Part::Day => self.some(b" 0123456789", 1, 2, from),
            Part::HourBlank => self.some(b" 0123456789", 1, 3, from),
            Part::MonthName => {
                let behind = self.one(b"jfmasondJFMASOND", from);
                self.some(LETTERS, 2, 2, behind)
            }
            Part::DayName => {
                let behind = self.one(b"mtwfsMTWFS", from);
                self.some(LETTERS, 2, 2, behind)
            }
            Part::HalfDay => self.some(LETTERS, 2, 2, from),
            Part::Offset | Part::OffsetAnyCase => {
                let letters = self.some(LETTERS, 1, 3, from);
                let sign = self.one(b"+-", from);
                letters | self.some(b"0123456789:", 2, 5, sign)
            }
            Part::ZoneName => self.some(LETTERS, 1, 5, from),
        }
    }

    fn one(&mut self, set: &[u8], from: Places) -> Places {
        let bits = set.iter().fold(0, |bits, byte| bits | 1_u128 << (byte & 127));
        for (at, bytes) in self.rows.iter_mut().enumerate() {
            if from & (1 << at) != 0 {
                *bytes |= bits;
            }
        }
        (from << 1 | from & BEYOND) & (2 * BEYOND - 1)
    }

    fn some(&mut self, set: &[u8], least: usize, most: usize, from: Places) -> Places {
        let (mut at, mut ends) = (from, 0);
        for count in 0..=most {
            if count >= least {
                ends |= at;
            }
            if count < most {
                at = self.one(set, at);
            }
        }
        ends
    }
}
