//! Dates of log lines, without a library: UTC only, as everybody here runs with `TZ=UTC`.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;

/// Bytes of the date before a syslog line.
pub const SYSLOG_BYTES: usize = 15;

/// Seconds since 1970 of this moment.
pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(0)
}

/// A moment as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// Seconds since midnight.
    pub of_day_s: i64,
}

impl Civil {
    /// Of seconds since 1970 (Hinnant, chrono-compatible low-level date algorithms).
    pub fn of(seconds: i64) -> Self {
        let days = seconds.div_euclid(DAY_S) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era =
            (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096).div_euclid(365);
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * shifted + 2) / 5 + 1,
            of_day_s: seconds.rem_euclid(DAY_S),
        }
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted = (self.month + 9) % 12;
        let of_year = (153 * shifted + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        (era * 146_097 + of_era - 719_468) * DAY_S + self.of_day_s
    }

    fn month_name(self) -> &'static str {
        MONTHS.get(usize::try_from(self.month - 1).unwrap_or(0)).copied().unwrap_or("Jan")
    }

    fn clock(self) -> String {
        let s = self.of_day_s;
        format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// `Nov  2 05:33:01`.
    pub fn syslog(self) -> String {
        format!("{} {:>2} {}", self.month_name(), self.day, self.clock())
    }

    /// `02/Nov/2026:05:33:01 +0000`.
    pub fn access(self) -> String {
        format!("{:02}/{}/{}:{} +0000", self.day, self.month_name(), self.year, self.clock())
    }

    /// `2026-11-02 05:33:01`.
    pub fn iso(self) -> String {
        format!("{}-{:02}-{:02} {}", self.year, self.month, self.day, self.clock())
    }

    /// The date before a syslog line, in a year.
    pub fn of_syslog(line: &str, year: i64) -> Option<Self> {
        let head = line.get(..SYSLOG_BYTES)?;
        let month = MONTHS.iter().position(|name| head.get(..3) == Some(name))?;
        let number = |from: usize| head.get(from..from + 2)?.trim_start().parse::<i64>().ok();
        let of_day_s = number(7)? * 3600 + number(10)? * 60 + number(13)?;
        let month = i64::try_from(month).ok()? + 1;
        Some(Self { year, month, day: number(4)?, of_day_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        let moment = Civil::of(1_795_325_600);
        assert_eq!(moment.iso(), "2026-11-22 05:33:20");
        assert_eq!(moment.syslog(), "Nov 22 05:33:20");
        assert_eq!(moment.access(), "22/Nov/2026:05:33:20 +0000");
        assert_eq!(Civil::of_syslog("Nov 22 05:33:20 host a", 2026), Some(moment));
        for seconds in (0..4_000_000_000).step_by(86_399 * 7) {
            assert_eq!(Civil::of(seconds).seconds(), seconds);
        }
    }
}
