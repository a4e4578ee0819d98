//! Looking for the forms of `forms.rs` in a line.

use std::sync::LazyLock;

use super::characters::is_word;
use super::epoch;
use super::forms::{FORMS, Form, Place, Reads};
use super::heads::Head;
use super::keys::Key;
use super::line::Line;
use super::memo::Readings;
use super::starts::Starts;
use super::steps::{Spans, Walk};
use super::usual::{Usual, Written};

/// By form: what its dates begin with.
static HEADS: LazyLock<Vec<Head>> =
    LazyLock::new(|| FORMS.iter().map(|form| Head::of(&form.reads, 0)).collect());

/// One of the templates: a form at a place.
#[derive(Clone, Copy)]
pub struct Scan {
    pub form: &'static Form,
    place: Place,
    /// The form's place among the forms.
    index: u8,
    /// Its place among all of them.
    pub number: u8,
    /// The number of the same form at the beginning of the line.
    copy: u8,
}

/// What a search found.
#[derive(Clone)]
pub struct Hit {
    /// The first group; `None` if it took no part.
    pub cut: Option<(usize, usize)>,
    pub full: (usize, usize),
    pub value: Value,
}

/// Where the value of a date is to be read, in bytes of the line.
#[derive(Clone)]
pub enum Value {
    Parts(Box<Spans>),
    /// It is read already.
    Read(Written),
    /// The groups of an expression that mean something; `None` if one took no part.
    Groups(Vec<(Key, Option<(usize, usize)>)>),
    /// Seconds since 1970; if `long`, perhaps with thousandths or millionths.
    Epoch {
        start: usize,
        end: usize,
        long: bool,
    },
    Tai,
    /// The group of a number took no part: fail2ban stumbles if it wants to read it.
    NoNumber,
    /// The expression has no group: fail2ban stumbles over the first.
    NoGroup,
}

impl Scan {
    /// All templates, in the order in which they are tried at first.
    pub fn all() -> impl Iterator<Item = Self> {
        let forms = || (0..).zip(&FORMS);
        let anywhere = forms().filter(|(_, form)| form.place == Place::Anywhere);
        let copies = anywhere.map(|(index, form)| (index, form, Place::LineBegin));
        let all = copies.chain(forms().map(|(index, form)| (index, form, form.place)));
        let scan =
            |(number, (index, form, place))| Self { form, place, index, number, copy: number };
        (0..).zip(all).map(scan)
    }

    /// The form at the first character of the line, if it may begin anywhere by itself.
    pub fn at_first(form: &'static Form) -> Option<Self> {
        let known = FORMS.iter().position(|known| std::ptr::eq(known, form))?;
        let number = u8::try_from(Self::all().count() + known).ok()?;
        let is_free = form.place == Place::Anywhere && matches!(form.reads, Reads::Steps(_));
        let mut copies = Self::all().filter(|scan| std::ptr::eq(scan.form, form));
        let copy = copies.find(|scan| scan.is_copy())?;
        is_free.then_some(Self { place: Place::First, number, ..copy })
    }

    /// Its number as a bit.
    #[inline]
    pub fn bit(self) -> u64 {
        1 << (self.number & 63)
    }

    /// What finds the same in this line: what stands at its first character stands at its
    /// beginning, and nowhere else there if that is a character of a word.
    #[inline]
    pub fn alike_in(self, line: Line) -> Self {
        match self.place == Place::First && line.character(0).is_some_and(is_word) {
            true => Self { place: Place::LineBegin, number: self.copy, ..self },
            false => self,
        }
    }

    /// Whether it looks at the beginning of the line only.
    pub fn is_anchored(self) -> bool {
        self.place != Place::Anywhere
    }

    /// Whether it is the copy of a form that is also looked for elsewhere.
    pub fn is_copy(self) -> bool {
        self.place == Place::LineBegin && self.form.place == Place::Anywhere
    }

    /// What a line begins with in which it fits; `None` if it fits anywhere.
    pub fn head(self) -> Option<Head> {
        match self.place {
            Place::Anywhere => None,
            Place::LineBegin => Some(Head::of(&self.form.reads, 2)),
            Place::First => Some(Head::of(&self.form.reads, 0)),
        }
    }

    /// The name in fail2ban's messages.
    pub fn name(self) -> String {
        let mark = if self.place == Place::LineBegin { "{^LN-BEG}" } else { "" };
        format!("{mark}{}", self.form.name)
    }

    /// How its dates are mostly written, if it looks at the beginning of the line only.
    pub fn usual(self) -> Option<Usual> {
        self.form.layout.filter(|_| self.is_anchored()).map(Usual::first)
    }

    /// The leftmost date of this form that begins at the byte `from` or after it.
    pub fn search(
        self,
        line: Line,
        from: usize,
        decade_max: u16,
        (starts, readings): (&mut Starts, &mut Readings),
    ) -> Option<Hit> {
        let mut walk = Walk::new(line, decade_max);
        match self.place {
            Place::First if from == 0 => self.at(&mut walk, readings, 0, 0),
            Place::LineBegin if from == 0 => self.at_line_begin(&mut walk, readings),
            Place::First | Place::LineBegin => None,
            Place::Anywhere => {
                if matches!(self.form.reads, Reads::Epoch) {
                    let (start, end) = epoch::search(line, from)?;
                    let value = Value::Epoch { start, end, long: false };
                    return Some(Hit { cut: Some((start, end)), full: (start, end), value });
                }
                // A TAI64N label needs no bound before it, but before `@` there always is one.
                starts.find(line, from, self.form.begins, |at| self.at(&mut walk, readings, at, at))
            }
        }
    }

    fn at_line_begin(self, walk: &mut Walk, readings: &mut Readings) -> Option<Hit> {
        let first = outside_of_words(walk.line, 0);
        let second = first.and_then(|at| outside_of_words(walk.line, at));
        for at in [second, first, Some(0)].into_iter().flatten() {
            let byte = walk.line.bytes().get(at);
            if byte.is_some_and(|byte| self.form.begins.may_begin_with(*byte))
                && let Some(hit) = self.at(walk, readings, at, 0)
            {
                return Some(hit);
            }
        }
        None
    }

    fn at(self, walk: &mut Walk, readings: &mut Readings, at: usize, full: usize) -> Option<Hit> {
        let rest = walk.line.bytes().get(at..).unwrap_or_default();
        if HEADS.get(usize::from(self.index)).is_some_and(|head| !head.admits(rest)) {
            return None;
        }
        let usual = self.form.layout;
        let usual = usual.and_then(|layout| readings.read(layout, walk.line, at, walk.decade_max));
        if let Some((length, written)) = usual {
            let end = at + length;
            return Some(Hit {
                cut: Some((at, end)),
                full: (full, end),
                value: Value::Read(written),
            });
        }
        self.walked(walk, at, full)
    }

    /// The same, however the date is written.
    pub fn walked(self, walk: &mut Walk, at: usize, full: usize) -> Option<Hit> {
        let (end, value) = match self.form.reads {
            Reads::Steps(steps) => (walk.run(steps, at)?, Value::Parts(Box::new(walk.spans))),
            Reads::Epoch => {
                let end = epoch::end(walk.line, at)?;
                (end, Value::Epoch { start: at, end, long: false })
            }
            Reads::Tai => (epoch::label_end(walk.line, at)?, Value::Tai),
        };
        Some(Hit { cut: Some((at, end)), full: (full, end), value })
    }
}

fn outside_of_words(line: Line, at: usize) -> Option<usize> {
    let character = line.character(at)?;
    (!is_word(character)).then(|| at + character.len_utf8())
}
