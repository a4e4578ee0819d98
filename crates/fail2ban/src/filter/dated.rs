//! When a line was written, by itself, the line before it, or the clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::dates::{Beginning, DateFinder, Found, LineMemo, Steady};

/// A date that was seen is taken for lines without one for so many seconds.
const CARRIED_S: i64 = 60;

/// A line that was just written is at most so many seconds off, or its date is not believed.
const OFF_S: u64 = 60;

thread_local! {
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// Counts on this thread how often something changed on which those build who share it: filters
/// ceased to share dates, or saw their first one.
pub(super) fn changes() -> u64 {
    CHANGES.get()
}

fn note_change() {
    CHANGES.set(CHANGES.get().wrapping_add(1));
}

/// Which times follow anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Every time, as a test of a filter has it.
    #[default]
    Ever,
    /// The line was written just now: another date than that is not believed, nor is one needed.
    Now,
    /// The line was written before it could be read: what is older than so many seconds is of no
    /// use.
    Within(i64),
}

/// What is odd about the time of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// It is so many seconds from now, and was taken for now.
    Off(i64),
    /// It is too old, and the line was not searched.
    Old,
}

/// The dates of lines, as one filter or several alike see them.
pub(super) struct Dating {
    finder: DateFinder,
    last: LastDate,
    /// How often a filter ceased to share it.
    pub parted: u32,
    /// What sees the lines for it, and how many of them it knows itself.
    leader: Option<(Rc<RefCell<Leader>>, u64)>,
}

/// The last date that was seen, and its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LastDate(Option<(i64, String)>);

/// Sees lines for several that see them alike as long as their dates look as they do now.
pub(super) struct Leader {
    steady: Steady,
    last: LastDate,
    /// Whether one of them goes its own way.
    pub left: bool,
}

/// The date of a line, and what is made of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub found: Option<Found>,
    /// What is cut out of the line.
    pub cut: Option<(usize, usize)>,
    /// The last date that was seen stands for its own.
    pub carries: bool,
    pub time: Option<i64>,
    pub odd: Option<Odd>,
}

impl Seen {
    /// Of a line without a date, where none was seen before.
    pub fn blank(now: i64, live: bool) -> Self {
        Self { time: live.then_some(now), ..Self::default() }
    }

    /// fail2ban stumbles over the date and drops the line.
    pub fn stumbles(&self) -> bool {
        self.found.is_some_and(|found| found.stumbles)
    }

    /// What is odd about its time.
    pub fn odd_within(&self, now: i64, when: When) -> Option<Odd> {
        match (when, self.time) {
            (When::Within(seconds), Some(time)) if time < now.saturating_sub(seconds) => {
                Some(Odd::Old)
            }
            _ => self.odd,
        }
    }
}

impl Dating {
    pub fn new(finder: DateFinder) -> Self {
        Self { finder, last: LastDate::default(), parted: 0, leader: None }
    }

    /// The finder; what it knows may be older than the last line where it is led.
    pub fn finder(&self) -> &DateFinder {
        &self.finder
    }

    /// The text of the last date.
    pub fn last_text(&mut self) -> Option<&str> {
        self.settle();
        self.last.0.as_ref().map(|(_, text)| text.as_str())
    }

    /// Another one that goes on from here.
    pub fn copy(&mut self) -> Self {
        self.settle();
        Self { finder: self.finder.clone(), last: self.last.clone(), parted: 0, leader: None }
    }

    /// Whether this one and another see the same in every line from now on.
    pub fn is_alike(&mut self, other: &mut Self) -> bool {
        self.settle();
        other.settle();
        self.last == other.last && self.finder.is_alike(&other.finder)
    }

    /// A leader for all that see alike, if there is one form that this one goes on to see.
    pub fn leader(&mut self) -> Option<Leader> {
        self.settle();
        Some(Leader { steady: self.finder.steady()?, last: self.last.clone(), left: false })
    }

    /// Whether one form may be all that it goes on to see.
    pub fn may_be_led(&self) -> bool {
        self.finder.is_steady()
    }

    /// Lets the leader see the lines from now on if this one sees them alike.
    pub fn follow(&mut self, leader: &Rc<RefCell<Leader>>) -> bool {
        self.settle();
        let mut lead = leader.borrow_mut();
        let follows = self.last == lead.last && self.finder.goes_on_as(&mut lead.steady);
        if follows {
            self.leader = Some((leader.clone(), lead.steady.lines()));
        }
        follows
    }

    /// Goes its own way, knowing what was seen for it.
    pub fn settle(&mut self) {
        let Some((leader, known)) = self.leader.take() else { return };
        let mut leader = leader.borrow_mut();
        leader.left = true;
        self.finder.catch_up(&leader.steady, leader.steady.lines().saturating_sub(known));
        self.last.clone_from(&leader.last);
    }

    /// Whether no date was ever seen: lines without one have no time, and nothing is remembered of
    /// them.
    pub fn is_blank(&self) -> bool {
        self.last.0.is_none() && self.leader.is_none()
    }

    /// What a line with a date begins with.
    pub fn beginning(&mut self) -> &Beginning {
        self.finder.beginning()
    }

    /// Whether a glance tells that the line has no date.
    pub fn lacks(&self, line: &str, memo: &LineMemo) -> bool {
        self.finder.lacks(line, memo)
    }

    /// Notes that a filter does not share it any more.
    pub fn note_parted(&mut self) {
        self.parted = self.parted.wrapping_add(1);
        note_change();
    }

    /// Reads the date of the next line; `live` if the line was written just now.
    pub fn see(&mut self, line: &str, now: i64, live: bool, memo: &mut LineMemo) -> Seen {
        self.settle();
        let found = self.finder.find_with(line, now, memo);
        self.last.seen(line, found, now, live)
    }

    /// The same, where nobody else reads the line.
    pub fn see_alone(&mut self, line: &str, now: i64, live: bool) -> Seen {
        self.settle();
        let found = self.finder.find(line, now);
        self.last.seen(line, found, now, live)
    }

    /// Takes the time of an entry that has one of its own.
    pub fn told(&mut self, time: i64, now: i64, live: bool) -> Seen {
        self.settle();
        self.last.remember(time, "");
        let mut seen = Seen { time: Some(time), ..Seen::default() };
        if live {
            self.last.believe(&mut seen, now);
        }
        seen
    }
}

impl Drop for Dating {
    fn drop(&mut self) {
        note_change();
    }
}

impl Leader {
    /// Reads the date of the next line for all; false, and nothing is changed, if they may differ.
    pub fn see(
        &mut self,
        line: &str,
        now: i64,
        live: bool,
        memo: &mut LineMemo,
        seen: &mut Seen,
    ) -> bool {
        let found = self.steady.find(line, now, memo);
        if found.is_some() {
            *seen = self.last.seen(line, found, now, live);
        }
        found.is_some()
    }
}

impl LastDate {
    #[inline(always)]
    fn seen(&mut self, line: &str, found: Option<Found>, now: i64, live: bool) -> Seen {
        if found.is_some_and(|found| found.stumbles) {
            return Seen { found, ..Seen::default() };
        }
        let mut seen = self.dated(line, found, now);
        if live {
            self.believe(&mut seen, now);
        }
        seen
    }

    /// A line that was just written has a time near now.
    fn believe(&mut self, seen: &mut Seen, now: i64) {
        match seen.time {
            None => seen.time = Some(now),
            Some(at) if at.abs_diff(now) > OFF_S => {
                if let Some((last, _)) = &mut self.0 {
                    *last = now;
                }
                seen.time = Some(now);
                seen.odd = Some(Odd::Off(at.saturating_sub(now)));
            }
            Some(_) => {}
        }
    }

    fn remember(&mut self, time: i64, date: &str) {
        if self.0.is_none() {
            note_change();
        }
        let (last, text) = self.0.get_or_insert_default();
        *last = time;
        text.clear();
        text.push_str(date);
    }

    /// Cuts the date out. A line without one has the last one, if that is not long ago.
    #[inline(always)]
    fn dated(&mut self, line: &str, found: Option<Found>, now: i64) -> Seen {
        let mut seen = Seen { found, ..Seen::default() };
        let cut = found.map(|found| found.cut);
        let date = cut.and_then(|(start, end)| line.get(start..end)).unwrap_or_default();
        if let Some(time) = found.and_then(|found| found.epoch).filter(|_| !date.is_empty()) {
            self.remember(time, date);
            (seen.cut, seen.time) = (cut, Some(time));
            return seen;
        }
        let carried = self.0.as_ref().map(|(time, _)| *time);
        let carried = carried.filter(|time| *time > now - CARRIED_S);
        match found {
            Some(_) if carried.is_none() => {
                seen.cut = cut;
                seen.time = date.is_empty().then_some(now);
            }
            _ => (seen.carries, seen.time) = (carried.is_some(), carried),
        }
        seen
    }
}
