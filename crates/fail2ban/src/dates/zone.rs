//! The time zone of this process, and local time into a point in time as C's `mktime` does it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::civil::{FIRST_S, LAST_S};

/// A time zone in which dates without one are read.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    /// What was found last for the clock, and for dates.
    clock: Piece,
    dates: Piece,
    /// The offset of the last answer. It is where the next search begins, so an hour that exists
    /// twice is read as the one that the last date was nearer to.
    guess_s: i64,
}

/// A quarter of an hour with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    quarter: i64,
    offset_s: i64,
    dst: bool,
}

/// No zone changes its offset within a quarter of an hour (since 1973; before, one did).
const QUARTER_S: i64 = 900;
const SINCE_S: i64 = 100_000_000;

impl Zone {
    /// See [`monban_zone::of_the_process`].
    pub fn of_the_process() -> Self {
        Self::of(monban_zone::of_the_process())
    }

    /// The zone of this name, or of this POSIX rule; `None` if it is neither.
    pub fn named(text: &str) -> Option<Self> {
        TimeZone::get(text).or_else(|_| TimeZone::posix(text)).ok().map(Self::of)
    }

    /// Universal time.
    pub fn utc() -> Self {
        Self::of(TimeZone::UTC)
    }

    /// Whether both give the same answers from now on.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.zone == other.zone && (self.dates, self.guess_s) == (other.dates, other.guess_s)
    }

    fn of(zone: TimeZone) -> Self {
        let unknown = Piece { quarter: i64::MIN, offset_s: 0, dst: false };
        Self { zone, clock: unknown, dates: unknown, guess_s: 0 }
    }

    fn look_up(&self, known: Piece, epoch_s: i64) -> Piece {
        let quarter = epoch_s.div_euclid(QUARTER_S);
        if quarter == known.quarter && epoch_s > SINCE_S {
            return known;
        }
        // A rule has no history: for glibc all that is before 1970 is as its first second.
        let first_s = if self.zone.iana_name().is_some() { FIRST_S } else { 0 };
        let clamped = epoch_s.clamp(first_s, LAST_S - 2 * 86_400);
        let Ok(at) = Timestamp::from_second(clamped) else { return known };
        let info = self.zone.to_offset_info(at);
        Piece { quarter, offset_s: i64::from(info.offset().seconds()), dst: info.dst().is_dst() }
    }

    /// Local time at this moment, in seconds since 1970 as if it were UTC.
    pub fn local(&mut self, epoch_s: i64) -> i64 {
        self.clock = self.look_up(self.clock, epoch_s);
        epoch_s.saturating_add(self.clock.offset_s)
    }

    /// The moment of a local time (seconds since 1970 as if it were UTC). A time in a gap goes
    /// over it by the gap's length, preferably into the side with summer time: glibc's way.
    /// `None` where it finds no answer.
    pub fn moment(&mut self, local_s: i64) -> Option<i64> {
        let mut at = local_s - self.guess_s;
        let (mut older, mut old, mut old_dst) = (at, at, false);
        for _ in 0..6 {
            self.dates = self.look_up(self.dates, at);
            let off = local_s - (at + self.dates.offset_s);
            if off == 0 || (at == older && at != old && (!old_dst || self.dates.dst)) {
                self.guess_s = local_s - at;
                return Some(at);
            }
            (older, old, old_dst) = (old, at, self.dates.dst);
            at += off;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

    #[test]
    fn a_rule_is_a_zone() {
        let mut zone = Zone::named(RULE).expect("a rule");
        assert_eq!(zone.local(1_124_013_600) - 1_124_013_600, 7200);
        assert_eq!(zone.moment(1_124_013_600 + 7200), Some(1_124_013_600));
        assert!(Zone::named("no zone").is_none());
    }

    #[test]
    fn an_hour_that_does_not_exist_and_one_that_exists_twice() {
        let mut zone = Zone::named(RULE).expect("a rule");
        // 2005-03-27T02:30:00 and 2005-10-30T01:30:00: the rule changes at two in the morning.
        let (gap, twice) = (1_111_890_600, 1_130_635_800);
        assert_eq!(zone.moment(gap - 86_400), Some(gap - 86_400 - 3600));
        assert_eq!(zone.moment(gap), Some(gap - 3600));
        assert_eq!(zone.moment(twice - 86_400), Some(twice - 86_400 - 7200));
        assert_eq!(zone.moment(twice), Some(twice - 7200));
        assert_eq!(zone.moment(twice + 86_400), Some(twice + 86_400 - 3600));
        assert_eq!(zone.moment(twice), Some(twice - 3600));
    }
}
