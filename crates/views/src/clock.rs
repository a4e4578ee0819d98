//! Times as people read them: local, short.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monban_model::{ReportTime, Stamp};

/// Within so long a time of day says enough.
const RECENT_MS: i64 = 12 * 3_600_000;

/// Shows stamps in a time zone.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: TimeZone,
}

impl LocalClock {
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
        use jiff::ToSpan;
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
            // On a day that a clock is set forward or back this is the hour that its clock shows.
            let plain = day.plus_s(u64::from(wanted.minute) * 60);
            let moved = i64::from(self.offset_s(day)) - i64::from(self.offset_s(plain));
            is_day.then(|| plain.plus_ms(moved * 1000))
        };
        (0..9).filter_map(minute).find(|at| *at <= now).unwrap_or(now)
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
