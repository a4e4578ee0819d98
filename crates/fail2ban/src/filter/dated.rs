//! When a line was written, by itself, the line before it, or the clock.

use super::buffer::Cut;
use super::{Filter, Found};

/// A date that was seen is taken for lines without one for so many seconds.
const CARRIED_S: i64 = 60;

/// A line that was just written is at most so many seconds off, or its date is not believed.
const OFF_S: u64 = 60;

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

/// A time that was judged.
pub(super) struct Judged {
    pub time: Option<i64>,
    pub odd: Option<Odd>,
}

impl Filter {
    /// What is made of a time.
    pub(super) fn judge(&mut self, time: Option<i64>, now: i64, when: When) -> Judged {
        match (when, time) {
            (When::Now, None) => Judged { time: Some(now), odd: None },
            (When::Now, Some(at)) if at.abs_diff(now) > OFF_S => {
                if let Some((last, _)) = &mut self.last {
                    *last = now;
                }
                Judged { time: Some(now), odd: Some(Odd::Off(at.saturating_sub(now))) }
            }
            (When::Within(seconds), Some(at)) if at < now.saturating_sub(seconds) => {
                Judged { time, odd: Some(Odd::Old) }
            }
            _ => Judged { time, odd: None },
        }
    }

    pub(super) fn remember(&mut self, time: i64, date: &str) {
        let (last, text) = self.last.get_or_insert_default();
        *last = time;
        text.clear();
        text.push_str(date);
    }

    /// Cuts the date out. A line without one has the last one, if that is not long ago.
    pub(super) fn date_of<'l>(
        &mut self,
        line: &'l str,
        found: Option<&Found>,
        now: i64,
    ) -> (Cut<'l>, Option<i64>) {
        let carried = self.last.as_ref().map(|(time, _)| *time);
        let carried = carried.filter(|time| *time > now - CARRIED_S);
        let undated = Cut::undated(line, carried.is_some());
        let Some(found) = found else { return (undated, carried) };
        let cut = Cut::at(line, found.cut);
        match found.epoch {
            _ if cut.date.is_empty() && carried.is_none() => (cut, Some(now)),
            Some(time) if !cut.date.is_empty() => {
                self.remember(time, cut.date);
                (cut, Some(time))
            }
            None if carried.is_none() => (cut, None),
            _ => (undated, carried),
        }
    }
}
