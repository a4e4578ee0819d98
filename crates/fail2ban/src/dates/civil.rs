//! Days of the Gregorian calendar in the range that Python's `datetime` has: years 1 to 9999.

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;

/// 0001-01-01T00:00:00, in seconds since 1970.
pub const FIRST_S: i64 = -62_135_596_800;

/// 9999-12-31T23:59:59, in seconds since 1970.
pub const LAST_S: i64 = 253_402_300_799;

/// Days since 1970-01-01 of a date that exists; `None` for all others.
pub fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last.
    let shifted = if month > 2 { year } else { year - 1 };
    let era_day = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400;
    let month_day = (153 * ((month + 9) % 12) + 2) / 5;
    Some(era_day + month_day + day - 1 - 719_468)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Year, month and day of a day since 1970-01-01.
pub fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of the week of a day since 1970-01-01; Monday is 0.
pub fn weekday_of(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_range_comes_back() {
        let (first, last) = (FIRST_S / DAY_S, LAST_S / DAY_S);
        for days in (first..=last).step_by(11) {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), Some(days));
        }
        assert_eq!((date_of(first), date_of(last)), ((1, 1, 1), (9999, 12, 31)));
        assert_eq!(weekday_of(0), 3);
    }

    #[test]
    fn dates_that_do_not_exist_have_no_day() {
        for (year, month, day) in
            [(0, 1, 1), (10_000, 1, 1), (2005, 2, 29), (1900, 2, 29), (2005, 4, 31), (2005, 13, 1)]
        {
            assert_eq!(days_of(year, month, day), None);
        }
        assert!(days_of(2004, 2, 29).is_some() && days_of(2000, 2, 29).is_some());
    }
}
