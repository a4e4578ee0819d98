//! Points in time and durations, as plain numbers.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// A stamp from whole seconds since the epoch.
    pub const fn from_s(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_s(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This stamp moved forward by `seconds`.
    pub const fn plus_s(self, seconds: u64) -> Self {
        let step = if seconds > i64::MAX as u64 / 1000 { i64::MAX } else { seconds as i64 * 1000 };
        Self(self.0.saturating_add(step))
    }

    /// This stamp moved back by `seconds`.
    pub const fn minus_s(self, seconds: u64) -> Self {
        let step = if seconds > i64::MAX as u64 / 1000 { i64::MAX } else { seconds as i64 * 1000 };
        Self(self.0.saturating_sub(step))
    }

    /// This stamp moved by `ms`, which may be negative.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Seconds from `earlier` to this stamp; zero if `earlier` is later.
    pub const fn since_s(self, earlier: Self) -> u64 {
        let ms = self.0.saturating_sub(earlier.0);
        if ms <= 0 { 0 } else { ms as u64 / 1000 }
    }
}

impl fmt::Display for Stamp {
    /// RFC 3339 in UTC with whole seconds: `2026-11-22T05:33:01Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.as_s();
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let rest = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The names of the months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Year, month and day of a day that is counted from 1970-01-01, in the proleptic Gregorian
/// calendar (Howard Hinnant's `civil_from_days`).
pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + (month <= 2) as i64, month, day)
}

/// The days from 1970-01-01 to this day (Howard Hinnant's `days_from_civil`). Month and day must
/// be in their ranges; a day that the month does not have is one of the next month.
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Reads a duration such as `90`, `90s`, `10m`, `1h30m`, `7d` or `2w` as seconds.
///
/// # Errors
/// A sentence that says what was expected, for anything else and for more than 100 years.
pub fn parse_duration_s(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a duration; write for example 90s, 10m, 1h30m, 7d");
    let mut total: u64 = 0;
    let mut number: Option<u64> = None;
    let mut units = 0;
    for c in text.trim().chars() {
        if let Some(digit) = c.to_digit(10) {
            let so_far = number.unwrap_or(0);
            number = Some(
                so_far
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(u64::from(digit)))
                    .ok_or_else(wrong)?,
            );
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        let count = number.take().ok_or_else(wrong)?;
        total = count.checked_mul(unit).and_then(|s| s.checked_add(total)).ok_or_else(wrong)?;
        units += 1;
    }
    match number {
        Some(seconds) if units == 0 => total = seconds,
        None if units > 0 => {}
        _ => return Err(wrong()),
    }
    if total > crate::limits::DURATION_MAX_S {
        return Err(format!(
            "`{text}` is more than 100 years; write `forever` where that is meant"
        ));
    }
    Ok(total)
}

/// Shows seconds with at most two units: `10m`, `1h 30m`, `7d`.
pub fn show_duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_shows_as_rfc_3339() {
        assert_eq!(Stamp::from_s(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Stamp::from_s(1_124_013_600).to_string(), "2005-08-14T10:00:00Z");
        assert_eq!(Stamp::from_s(1_709_164_800).to_string(), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        for days in (-800_000..3_000_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!((1..=12).contains(&month) && (1..=31).contains(&day));
        }
    }

    #[test]
    fn durations_read_and_show() {
        for (text, seconds) in [("90", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604_800)] {
            assert_eq!(parse_duration_s(text), Ok(seconds), "{text}");
        }
        for bad in ["", "m", "10x", "10m5", "-1", "99999999999999999999s", "9999w9999999999d"] {
            assert!(parse_duration_s(bad).is_err(), "{bad}");
        }
        assert_eq!(show_duration(5400), "1h 30m");
        assert_eq!(show_duration(600), "10m");
        assert_eq!(show_duration(86_401), "1d");
        assert_eq!(show_duration(0), "0s");
    }
}
