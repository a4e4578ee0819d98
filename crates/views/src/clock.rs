//! Times as people read them: local, short.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use monban_model::{ReportTime, Stamp};

/// Within so long a time of day says enough.
const RECENT_MS: i64 = 12 * 3_600_000;

/// Shows stamps in a time zone.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: TimeZone,
}

impl LocalClock {
    #[cfg(test)]
    pub(crate) fn of(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// The zone of the system, or of `TZ`.
    pub fn of_system() -> Self {
        Self { zone: monban_zone::of_the_process() }
    }

    /// How far the local time is ahead of UTC then, in seconds.
    pub fn offset_s(&self, stamp: Stamp) -> i32 {
        let time = Timestamp::from_millisecond(stamp.0).unwrap_or_default();
        self.zone.to_offset(time).seconds()
    }

    /// `05:33:01`.
    pub fn time(&self, stamp: Stamp) -> String {
        self.show(stamp, "%H:%M:%S")
    }

    /// The time of something that happened: with its date, unless it was in the last hours.
    pub fn when(&self, stamp: Stamp) -> String {
        let now = Timestamp::now().as_millisecond();
        match now.saturating_sub(stamp.0).abs() < RECENT_MS {
            true => self.time(stamp),
            false => self.date_time(stamp),
        }
    }

    /// `2026-11-22 05:33:01`.
    pub fn date_time(&self, stamp: Stamp) -> String {
        self.show(stamp, "%Y-%m-%d %H:%M:%S")
    }

    /// The zone at that time, as `UTC+09:00`.
    pub fn zone(&self, stamp: Stamp) -> String {
        format!("UTC{}", self.show(stamp, "%:z"))
    }

    /// When the local day began, `days` days before.
    pub fn day_start(&self, stamp: Stamp, days: i32) -> Stamp {
        let Ok(time) = Timestamp::from_millisecond(stamp.0) else { return stamp };
        let day = time.to_zoned(self.zone.clone()).date().checked_sub(days.days());
        let start = day.and_then(|day| day.to_zoned(self.zone.clone()));
        start.map_or(stamp, |start| Stamp(start.timestamp().as_millisecond()))
    }

    /// The last time of the week before, or now.
    pub fn last_time(&self, now: Stamp, wanted: ReportTime) -> Stamp {
        let minute = |days: i32| {
            let day = self.day_start(now, days);
            let is_day = wanted.day.is_none_or(|wanted| self.weekday(day) == wanted);
            let time = Timestamp::from_millisecond(day.0).ok().filter(|_| is_day)?;
            let midnight = self.zone.to_datetime(time).date().at(0, 0, 0, 0);
            self.at(midnight.checked_add(i64::from(wanted.minute).minutes()).ok()?)
        };
        (0..9).filter_map(minute).find(|at| *at <= now).unwrap_or(now)
    }

    /// When clocks showed the same on the day before: 23 or 25 hours earlier where they are set.
    pub fn day_before(&self, stamp: Stamp) -> Stamp {
        let Ok(time) = Timestamp::from_millisecond(stamp.0) else { return stamp };
        let shown = self.zone.to_datetime(time).checked_sub(1.days());
        shown.map_or(stamp, |shown| self.at(shown).unwrap_or(stamp))
    }

    /// When clocks show that: of two moments the first, and an hour early if they skip it.
    fn at(&self, shown: DateTime) -> Option<Stamp> {
        let time = self.zone.to_ambiguous_timestamp(shown).earlier().ok()?;
        Some(Stamp(time.as_millisecond()))
    }

    /// The day of the week: 0 is Monday.
    pub fn weekday(&self, stamp: Stamp) -> u8 {
        let time = Timestamp::from_millisecond(stamp.0).unwrap_or_default();
        let day = time.to_zoned(self.zone.clone()).weekday().to_monday_zero_offset();
        day.unsigned_abs()
    }

    /// `07:00`.
    pub fn minute(&self, stamp: Stamp) -> String {
        self.show(stamp, "%H:%M")
    }

    /// `11-22`.
    pub fn day(&self, stamp: Stamp) -> String {
        self.show(stamp, "%m-%d")
    }

    fn show(&self, stamp: Stamp, format: &str) -> String {
        match Timestamp::from_millisecond(stamp.0) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime(format).to_string(),
            Err(_) => stamp.to_string(),
        }
    }
}
