//! How time is cut for an alarm: slices, periods of some slices, and the range that is looked at.

use monban_model::limits::{ALARM_SLICES_MAX, DATAPOINT_AHEAD_MAX_S};
use monban_model::{Semantics, Stamp, Watched};

use super::decide::is_about_silence;

/// Slices that all periods of an alarm have together at most, if that leaves one for each.
const FINE_SLICES: i64 = 240;

/// The same for alarms that have a state for each address or user.
const COARSE_SLICES: i64 = 60;

/// With monban's own rules, lines that are so far ahead of the clock are taken as of now.
const AHEAD_MS: i64 = 60_000;

/// How an alarm cuts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) semantics: Semantics,
    /// Length of a slice in milliseconds. An alarm is evaluated at the end of each that matters.
    pub(super) slice_ms: i64,
    /// Slices of a period.
    pub(super) per_period: i64,
    /// Periods that are looked at: with CloudWatch's rules more than are evaluated, so that late
    /// datapoints can stand for missing ones.
    pub(super) periods: i64,
    /// Slices that the newest period has beside. The slice that goes on is a part of it: where
    /// silence may alarm, what stands behind it is a whole period all the same.
    pub(super) newest_more: i64,
}

impl Shape {
    pub(super) fn of(watched: &Watched, semantics: Semantics, is_apart: bool) -> Self {
        let period_ms = i64::from(watched.period_s.max(1)) * 1000;
        let evaluated = i64::from(watched.evaluation_periods.max(1));
        let newest_more = i64::from(is_about_silence(watched, semantics));
        match semantics {
            Semantics::Aws => {
                let is_fine = watched.period_s < 60;
                let slice_ms = if is_fine { 10_000 } else { 60_000 };
                // Observed, not documented: two periods more, or one minute of short ones.
                let more = if is_fine { 60_000 / period_ms.max(1) } else { 2 };
                let per_period = (period_ms / slice_ms).max(1);
                let most = ALARM_SLICES_MAX as i64 / per_period;
                let periods = (evaluated + more).min(most.max(1));
                Self { semantics, slice_ms, per_period, periods, newest_more }
            }
            Semantics::Monban => {
                let slices = if is_apart { COARSE_SLICES } else { FINE_SLICES };
                // No slice is shorter than a second, and each period is a whole number of them.
                let most = (slices / evaluated).clamp(1, 60).min(period_ms / 1000);
                // In milliseconds there is such a number close to the most for every period.
                let fits = |parts: &i64| period_ms % parts == 0;
                let per_period = (1..=most).rev().find(fits).unwrap_or(1);
                let periods = evaluated.min(ALARM_SLICES_MAX as i64);
                let slice_ms = period_ms / per_period;
                Self { semantics, slice_ms, per_period, periods, newest_more }
            }
        }
    }

    /// The slice of a moment.
    pub(super) const fn number(self, time: Stamp) -> i64 {
        time.0.div_euclid(self.slice_ms)
    }

    /// The first slice that is not looked at any more at this moment: with CloudWatch's rules the
    /// one that goes on, else the one after it.
    pub(super) const fn end(self, now: Stamp) -> i64 {
        match self.semantics {
            Semantics::Aws => self.number(now),
            Semantics::Monban => self.number(now) + 1,
        }
    }

    /// The oldest slice that is looked at.
    pub(super) const fn begin(self, now: Stamp) -> i64 {
        self.end(now) - self.newest_more - self.periods * self.per_period
    }

    /// The next moment at which a slice ends.
    pub(super) const fn next_end(self, now: Stamp) -> Stamp {
        Stamp((self.number(now) + 1).saturating_mul(self.slice_ms))
    }

    /// All that is looked at, in milliseconds.
    pub(super) const fn range_ms(self) -> i64 {
        (self.newest_more + self.periods * self.per_period) * self.slice_ms
    }

    /// When a datapoint counts, or why it does not.
    pub(super) fn place(self, now: Stamp, time: Stamp) -> Result<i64, Misplaced> {
        let ahead_ms = match self.semantics {
            Semantics::Aws => DATAPOINT_AHEAD_MAX_S as i64 * 1000,
            Semantics::Monban => AHEAD_MS,
        };
        if time.0 > now.0.saturating_add(ahead_ms) {
            return Err(Misplaced::Ahead);
        }
        let time = match self.semantics {
            Semantics::Aws => time,
            Semantics::Monban => time.min(now),
        };
        let number = self.number(time);
        if number < self.begin(now) { Err(Misplaced::Late) } else { Ok(number) }
    }
}

/// Why a datapoint does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    /// It is older than all that is looked at.
    Late,
    /// It is of a time to come.
    Ahead,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(period_s: u32, periods: u32, semantics: Semantics) -> Shape {
        let watched = Watched { period_s, evaluation_periods: periods, ..Watched::default() };
        Shape::of(&watched, semantics, false)
    }

    #[test]
    fn cloudwatch_looks_two_periods_or_a_minute_further_back() {
        let of = |period_s, periods| {
            let shape = shape(period_s, periods, Semantics::Aws);
            (shape.slice_ms, shape.per_period, shape.periods)
        };
        assert_eq!(of(60, 3), (60_000, 1, 5));
        assert_eq!(of(300, 1), (60_000, 5, 3));
        assert_eq!(of(10, 3), (10_000, 1, 9));
        assert_eq!(of(20, 3), (10_000, 2, 6));
        assert_eq!(of(30, 3), (10_000, 3, 5));
        assert_eq!(of(60, 1440).2, 1442);
    }

    #[test]
    fn a_sliding_window_has_many_slices_whatever_its_period() {
        for period_s in (1..4000).chain([7919, 86_399, 86_400]) {
            let shape = shape(period_s, 1, Semantics::Monban);
            assert!(shape.slice_ms >= 1000, "{period_s} s");
            assert_eq!(shape.slice_ms * shape.per_period, i64::from(period_s) * 1000);
            let most = i64::from(period_s.min(60));
            assert!(2 * shape.per_period > most, "{period_s} s has {} slices", shape.per_period);
        }
        assert_eq!(shape(60, 1, Semantics::Monban).slice_ms, 1000);
        let long = shape(60, 1440, Semantics::Monban);
        assert!(long.periods * long.per_period <= ALARM_SLICES_MAX as i64);
    }
}
