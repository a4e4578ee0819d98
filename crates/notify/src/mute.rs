//! When a subscription is quiet, and when digests are due: both go by the local time.

use monban_model::{MuteWindow, Stamp};

use crate::input::Moment;

const DAY_S: i64 = 86_400;

/// The hour at which digests of days are sent: before work begins.
const DIGEST_HOUR: i64 = 7;

/// Windows that follow each other are one quiet time; more than a week of them is forever, and
/// looked at again then.
const STEPS_MAX: usize = 32;

/// Until when it is quiet; `None` if it is not.
pub(crate) fn quiet_until(at: Moment, windows: &[MuteWindow]) -> Option<Stamp> {
    let offset_s = i64::from(at.offset_s);
    let begin = at.now.as_s() + offset_s;
    let mut local = begin;
    for _ in 0..STEPS_MAX {
        match windows.iter().filter_map(|window| end_of(*window, local)).max() {
            Some(end) => local = end,
            None => break,
        }
    }
    (local > begin).then(|| Stamp::from_s(local - offset_s))
}

/// The end of a window that a local time lies in.
fn end_of(window: MuteWindow, local: i64) -> Option<i64> {
    let (day, second) = (local.div_euclid(DAY_S), local.rem_euclid(DAY_S));
    let begin_of_day = day * DAY_S;
    match window {
        MuteWindow::Hours { from_min, until_min } => {
            let (from, until) = (i64::from(from_min) * 60, i64::from(until_min) * 60);
            let is_over_midnight = until <= from;
            if is_over_midnight && second >= from {
                return Some(begin_of_day + DAY_S + until);
            }
            let begins = if is_over_midnight { 0 } else { from };
            (begins <= second && second < until).then_some(begin_of_day + until)
        }
        // The first of January 1970 was a Thursday.
        MuteWindow::Days(days) => {
            let weekday = (day + 3).rem_euclid(7);
            (days >> weekday & 1 == 1).then_some(begin_of_day + DAY_S)
        }
    }
}

/// When a digest of so many seconds that begins now is due: at the next full hour for one of an
/// hour, in the morning for one of a day.
pub(crate) fn digest_due(at: Moment, length_s: u64) -> Stamp {
    let offset_s = i64::from(at.offset_s);
    let local = at.now.as_s() + offset_s;
    let length = i64::try_from(length_s).unwrap_or(DAY_S).max(1);
    let due = if length < DAY_S {
        (local.div_euclid(length) + 1) * length
    } else {
        let since = local - DIGEST_HOUR * 3600;
        (since.div_euclid(DAY_S) + length / DAY_S) * DAY_S + DIGEST_HOUR * 3600
    };
    Stamp::from_s(due - offset_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKYO: i32 = 9 * 3600;

    /// 2026-11-23 is a Monday.
    fn moment(text: &str, offset_s: i32) -> Moment {
        let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
        let days = monban_model::days_from_civil(2026, number(0, 2), number(3, 5));
        let local = days * DAY_S + number(6, 8) * 3600 + number(9, 11) * 60;
        Moment { now: Stamp::from_s(local - i64::from(offset_s)), offset_s }
    }

    #[test]
    fn quiet_times_go_by_the_local_time() {
        let night = MuteWindow::Hours { from_min: 1320, until_min: 420 };
        let lunch = MuteWindow::Hours { from_min: 720, until_min: 780 };
        let weekend = MuteWindow::Days(0b110_0000);
        let cases = [
            ("11-23 21:59", vec![night], None),
            ("11-23 22:00", vec![night], Some("11-24 07:00")),
            ("11-24 06:59", vec![night], Some("11-24 07:00")),
            ("11-24 07:00", vec![night], None),
            ("11-24 12:30", vec![night, lunch], Some("11-24 13:00")),
            ("11-28 00:00", vec![weekend], Some("11-30 00:00")),
            ("11-27 23:00", vec![night, weekend], Some("11-30 07:00")),
            ("11-24 12:30", vec![], None),
        ];
        for (at, windows, until) in cases {
            let wanted = until.map(|until| moment(until, TOKYO).now);
            assert_eq!(quiet_until(moment(at, TOKYO), &windows), wanted, "{at}");
        }
        assert!(quiet_until(moment("11-24 12:30", 0), &[MuteWindow::Days(0x7f)]).is_some());
    }

    #[test]
    fn digests_are_due_at_full_hours_and_in_the_morning() {
        let cases = [
            ("11-23 12:10", 3600, "11-23 13:00"),
            ("11-23 13:00", 3600, "11-23 14:00"),
            ("11-23 12:10", 86_400, "11-24 07:00"),
            ("11-24 06:59", 86_400, "11-24 07:00"),
            ("11-24 07:00", 86_400, "11-25 07:00"),
            ("11-23 12:10", 604_800, "11-30 07:00"),
        ];
        for (at, length_s, due) in cases {
            assert_eq!(digest_due(moment(at, TOKYO), length_s), moment(due, TOKYO).now, "{at}");
        }
    }
}
