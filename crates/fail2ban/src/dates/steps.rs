//! A date form as a row of steps, and the walk along them.
//!
//! fail2ban's forms are regular expressions. The walk tries what each step can take in the order
//! in which an expression with the same alternatives would, so it finds the same ends. A step
//! takes a few characters at most and nothing repeats, so a walk is bounded whatever the text is.

use super::characters::{folded, is_space};
use super::keys::Key;
use super::line::Line;

/// What comes next in a date.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// This byte.
    Is(u8),
    /// One of these bytes.
    OneOf(&'static [u8]),
    /// One of these bytes or nothing.
    MaybeOneOf(&'static [u8]),
    /// One of these bytes, which `Again` repeats.
    Separator(&'static [u8]),
    /// The byte that `Separator` took.
    Again,
    /// One space or two, one first where a blank-padded hour may follow.
    Gap,
    /// A `T`, two spaces or one.
    IsoGap,
    /// All white space that is here.
    Spaces,
    /// Up to six ASCII digits of a fraction.
    Fraction,
    /// This many steps that follow may be left out together.
    Maybe(usize),
    /// A part with a meaning.
    Part(Part),
}

/// A part of a date: its form, and with it what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `20` and the digits of a year up to the end of the present decade.
    Year,
    /// That, or two digits.
    YearOrYear2,
    Year2,
    /// With or without a leading zero.
    Month,
    MonthTwoDigits,
    /// English, three letters, in any case.
    MonthName,
    /// With or without a leading zero or blank.
    Day,
    DayTwoDigits,
    DayName,
    Hour,
    HourTwoDigits,
    /// 0 to 29, perhaps after a blank.
    HourBlank,
    Hour12,
    Minute,
    MinuteTwoDigits,
    Second,
    SecondTwoDigits,
    HalfDay,
    /// `Z`, `UTC`, `GMT` or an offset; in any case where names are.
    Offset,
    OffsetAnyCase,
    /// `Z` or three to five letters, in any case.
    ZoneName,
}

/// The months as dates name them.
pub const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The days of the week as dates name them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Where each part was found, by `Key`.
pub type Spans = [(u32, u32); Key::COUNT];

/// Walks along one line. One that found no end leaves nothing behind, so it can begin again.
pub struct Walk<'a> {
    pub line: Line<'a>,
    /// The latest decade that `Part::Year` accepts, such as 202.
    pub decade_max: u16,
    pub spans: Spans,
    separator: u8,
}

impl<'a> Walk<'a> {
    pub fn new(line: Line<'a>, decade_max: u16) -> Self {
        Self { line, decade_max, spans: [(0, 0); Key::COUNT], separator: 0 }
    }

    /// The end of the date that begins at this byte and has a bound behind it.
    pub fn run(&mut self, steps: &[Step], at: usize) -> Option<usize> {
        let Some((step, rest)) = steps.split_first() else {
            return self.line.is_bound(at).then_some(at);
        };
        match *step {
            Step::Is(byte) => self.take(byte, rest, at),
            Step::OneOf(set) => set.iter().find_map(|&byte| self.take(byte, rest, at)),
            Step::MaybeOneOf(set) => set
                .iter()
                .find_map(|&byte| self.take(byte, rest, at))
                .or_else(|| self.run(rest, at)),
            Step::Separator(set) => {
                self.separator = *self.line.bytes().get(at)?;
                if !set.contains(&self.separator) {
                    return None;
                }
                self.run(rest, at + 1)
            }
            Step::Again => self.take(self.separator, rest, at),
            Step::Gap => self.gap(rest, at),
            Step::IsoGap => self.take(b'T', rest, at).or_else(|| self.gap(rest, at)),
            Step::Spaces => self.run(rest, self.after_spaces(at)),
            Step::Fraction => {
                let digits = self.line.bytes().get(at..).unwrap_or_default().iter();
                let count = digits.take(6).take_while(|byte| byte.is_ascii_digit()).count();
                (1..=count).rev().find_map(|count| self.run(rest, at + count))
            }
            Step::Maybe(count) => {
                let spans = self.spans;
                self.run(rest, at).or_else(|| {
                    self.spans = spans;
                    self.run(rest.get(count..)?, at)
                })
            }
            Step::Part(part) => self.part(part, rest, at),
        }
    }

    fn take(&mut self, byte: u8, rest: &[Step], at: usize) -> Option<usize> {
        if self.line.bytes().get(at) != Some(&byte) {
            return None;
        }
        self.run(rest, at + 1)
    }

    fn gap(&mut self, rest: &[Step], at: usize) -> Option<usize> {
        let bytes = self.line.bytes();
        if bytes.get(at) != Some(&b' ') {
            return None;
        }
        if bytes.get(at + 1) == Some(&b' ')
            && let Some(end) = self.run(rest, at + 2)
        {
            return Some(end);
        }
        self.run(rest, at + 1)
    }

    /// Nothing that follows white space in a date begins with white space, so there is one end.
    fn after_spaces(&self, mut at: usize) -> usize {
        while let Some(character) = self.line.character(at).filter(|c| is_space(*c)) {
            at += character.len_utf8();
        }
        at
    }

    fn part(&mut self, part: Part, rest: &[Step], at: usize) -> Option<usize> {
        let mut ends = Ends::default();
        self.ends(part, at, &mut ends);
        for index in 0..ends.count {
            let end = ends.ends[index];
            let key = match part {
                Part::YearOrYear2 if index + 1 == ends.count => Key::Year2,
                _ => part.key(),
            };
            self.spans[key as usize] = (narrow(at), narrow(end));
            if let Some(end) = self.run(rest, end) {
                return Some(end);
            }
            self.spans[key as usize] = (0, 0);
        }
        None
    }
}

/// Longer lines are not read at all, so the value is never cut (see `Scan::search`).
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Where a part may end, in the order in which that is tried.
#[derive(Default)]
struct Ends {
    ends: [usize; 6],
    count: usize,
}

impl Ends {
    fn push(&mut self, end: Option<usize>) {
        if let Some(end) = end
            && let Some(place) = self.ends.get_mut(self.count)
        {
            *place = end;
            self.count += 1;
        }
    }
}

impl Walk<'_> {
    fn ends(&self, part: Part, at: usize, ends: &mut Ends) {
        match part {
            Part::Year => ends.push(self.year(at)),
            Part::YearOrYear2 => {
                ends.push(self.year(at));
                ends.push(self.digits(at, 2));
            }
            Part::Year2 => ends.push(self.digits(at, 2)),
            Part::Month => {
                ends.push(self.two(at, b"0", b"123456789"));
                ends.push(self.one(at, b"123456789"));
                ends.push(self.two(at, b"1", b"012"));
            }
            Part::MonthTwoDigits => {
                ends.push(self.two(at, b"0", b"123456789"));
                ends.push(self.two(at, b"1", b"012"));
            }
            Part::Day => {
                ends.push(self.two_any(at, b"12"));
                ends.push(self.two(at, b"0 ", b"123456789"));
                ends.push(self.one(at, b"123456789"));
                ends.push(self.two(at, b"3", b"01"));
            }
            Part::DayTwoDigits => {
                ends.push(self.two_any(at, b"12"));
                ends.push(self.two(at, b"0", b"123456789"));
                ends.push(self.two(at, b"3", b"01"));
            }
            Part::Hour => self.hour(at, ends),
            Part::HourTwoDigits => {
                ends.push(self.two_any(at, b"01"));
                ends.push(self.two(at, b"2", b"0123"));
            }
            Part::HourBlank => {
                for at in self.one(at, b" ").into_iter().chain([at]) {
                    ends.push(self.two_any(at, b"012"));
                    ends.push(self.digits(at, 1));
                }
            }
            Part::Hour12 => {
                ends.push(self.two(at, b"1", b"012"));
                ends.push(self.two(at, b"0", b"123456789"));
                ends.push(self.one(at, b"123456789"));
            }
            Part::Minute => {
                ends.push(self.two_any(at, b"012345"));
                ends.push(self.digits(at, 1));
            }
            Part::MinuteTwoDigits => ends.push(self.two_any(at, b"012345")),
            Part::Second => {
                ends.push(self.two_any(at, b"012345"));
                ends.push(self.digits(at, 1));
                ends.push(self.two(at, b"6", b"01"));
            }
            Part::SecondTwoDigits => {
                ends.push(self.two_any(at, b"012345"));
                ends.push(self.two(at, b"6", b"01"));
            }
            Part::MonthName => ends.push(self.one_of(at, &MONTHS)),
            Part::DayName => ends.push(self.one_of(at, &WEEKDAYS)),
            Part::HalfDay => ends.push(self.one_of(at, &["am", "pm"])),
            Part::Offset => self.offset(at, ends, false),
            Part::OffsetAnyCase => self.offset(at, ends, true),
            Part::ZoneName => self.zone_name(at, ends),
        }
    }

    fn year(&self, at: usize) -> Option<usize> {
        let &[a, b, c] = self.line.bytes().get(at..at + 3)?.first_chunk::<3>()?;
        if !(a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit()) {
            return None;
        }
        let decade = u16::from(a & 15) * 100 + u16::from(b & 15) * 10 + u16::from(c & 15);
        if !(200..=self.decade_max).contains(&decade) {
            return None;
        }
        self.digits(at + 3, 1)
    }

    fn hour(&self, at: usize, ends: &mut Ends) {
        ends.push(self.two_any(at, b"01"));
        ends.push(self.digits(at, 1));
        ends.push(self.two(at, b"2", b"0123"));
    }

    fn one(&self, at: usize, set: &[u8]) -> Option<usize> {
        let byte = self.line.bytes().get(at)?;
        set.contains(byte).then_some(at + 1)
    }

    fn two(&self, at: usize, first: &[u8], second: &[u8]) -> Option<usize> {
        self.one(self.one(at, first)?, second)
    }

    fn two_any(&self, at: usize, first: &[u8]) -> Option<usize> {
        self.digits(self.one(at, first)?, 1)
    }

    fn digits(&self, mut at: usize, count: usize) -> Option<usize> {
        for _ in 0..count {
            at = self.line.digit(at)?.1;
        }
        Some(at)
    }

    fn letter(&self, at: usize) -> Option<(u8, usize)> {
        let character = self.line.character(at)?;
        Some((folded(character)?, at + character.len_utf8()))
    }

    fn word(&self, mut at: usize, word: &str) -> Option<usize> {
        for expected in word.bytes() {
            let (letter, next) = self.letter(at)?;
            if letter != expected {
                return None;
            }
            at = next;
        }
        Some(at)
    }

    fn one_of(&self, at: usize, words: &[&str]) -> Option<usize> {
        let (first, _) = self.letter(at)?;
        let mut words = words.iter().filter(|word| word.as_bytes().first() == Some(&first));
        words.find_map(|word| self.word(at, word))
    }

    fn offset(&self, at: usize, ends: &mut Ends, any_case: bool) {
        for name in ["z", "utc", "gmt"] {
            let end = self.word(at, name).filter(|end| {
                let part = self.line.text().get(at..*end).unwrap_or_default();
                any_case || part.bytes().all(|byte| byte.is_ascii_uppercase())
            });
            ends.push(end);
        }
        let Some(hours) = self.one(at, b"+-").and_then(|at| self.two_any(at, b"01")) else {
            return;
        };
        ends.push(self.one(hours, b":").and_then(|at| self.digits(at, 2)));
        ends.push(self.digits(hours, 2));
        ends.push(Some(hours));
    }

    fn zone_name(&self, at: usize, ends: &mut Ends) {
        ends.push(self.word(at, "z"));
        let (mut places, mut end) = ([0; 5], at);
        for place in &mut places {
            let Some((_, next)) = self.letter(end) else { break };
            end = next;
            *place = next;
        }
        for &end in places[2..].iter().rev().filter(|end| **end > 0) {
            ends.push(Some(end));
        }
    }
}
