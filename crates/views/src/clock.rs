//! Times as people read them: local, short.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monban_model::Stamp;

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

    fn show(&self, stamp: Stamp, format: &str) -> String {
        match Timestamp::from_millisecond(stamp.0) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime(format).to_string(),
            Err(_) => stamp.to_string(),
        }
    }
}
