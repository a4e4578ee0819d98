//! From the datapoints of periods to the state of an alarm.
//!
//! The rules are CloudWatch's; its guide's tables on missing data are tests here. The range that is
//! looked at may have more periods than are evaluated: then the newest that have data are taken.

use monban_model::limits::ALARM_POINTS_MAX;
use monban_model::{AlarmPoint, AlarmState, Missing, Reason, Semantics, Watched};

/// The periods of the range, newest first, as far as they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    bad: u32,
    good: u32,
    missing: u32,
    /// The oldest bad one that counts, from 1 for the newest period.
    oldest_bad: u32,
    /// Samples of those that count.
    samples: u64,
}

fn breaches(watched: &Watched, point: &AlarmPoint) -> Option<bool> {
    let value = point.value?;
    Some(watched.comparison.breaches(value.0, watched.threshold.0))
}

/// The points that are evaluated: the newest with data.
fn evaluated<'a>(
    watched: &'a Watched,
    points: &'a [AlarmPoint],
) -> impl Iterator<Item = (usize, &'a AlarmPoint, bool)> {
    let of = move |(at, point)| breaches(watched, point).map(|bad| (at, point, bad));
    points.iter().enumerate().filter_map(of).take(watched.evaluation_periods as usize)
}

fn count(watched: &Watched, points: &[AlarmPoint], unknown: u32) -> Counts {
    let mut counts = Counts::default();
    for (at, point, bad) in evaluated(watched, points) {
        counts.samples = counts.samples.saturating_add(point.samples);
        if bad {
            counts.bad += 1;
            counts.oldest_bad = at as u32 + 1;
        } else {
            counts.good += 1;
        }
    }
    let known = counts.bad + counts.good + unknown;
    counts.missing = watched.evaluation_periods.saturating_sub(known);
    counts
}

/// The state of an alarm that was in `old`, with the periods of its range, newest first. Of these,
/// `unknown` began before its metric was watched, and say nothing.
pub(super) fn decide(
    watched: &Watched,
    old: AlarmState,
    points: &[AlarmPoint],
    unknown: u32,
) -> AlarmState {
    let counts = count(watched, points, unknown);
    let needed = watched.datapoints_to_alarm;
    if watched.ignore_low_samples && counts.samples < watched.statistic.samples_needed() {
        return old;
    }
    if counts.bad >= needed {
        return AlarmState::Alarm;
    }
    if counts.good >= watched.datapoints_to_ok() {
        return AlarmState::Ok;
    }
    // What was not watched yet, or not while nobody was there, decides nothing.
    if unknown > 0 {
        return old;
    }
    match watched.missing {
        Missing::Ignore if counts.good > 0 => AlarmState::Ok,
        Missing::Ignore => old,
        Missing::Breaching if counts.bad + counts.missing >= needed => AlarmState::Alarm,
        Missing::Breaching | Missing::NotBreaching => AlarmState::Ok,
        Missing::Missing if counts.good > 0 => AlarmState::Ok,
        // An only breach does not alarm before it is as old as a whole alarm would be.
        Missing::Missing if counts.bad > 0 && counts.oldest_bad >= needed => AlarmState::Alarm,
        Missing::Missing => AlarmState::Insufficient,
    }
}

/// Why it is in that state.
pub(super) fn reason(watched: &Watched, new: AlarmState, points: &[AlarmPoint]) -> Reason {
    let counts = count(watched, points, 0);
    if new == AlarmState::Insufficient {
        return Reason::Unknown { periods: counts.missing };
    }
    let breaching = new == AlarmState::Alarm;
    let of = evaluated(watched, points).filter(|(_, _, bad)| *bad == breaching);
    let mut points: Vec<AlarmPoint> = of.map(|(_, point, _)| *point).collect();
    let count = points.len() as u32;
    // CloudWatch tells of missing ones also where the others were enough.
    let missing = match watched.missing {
        Missing::Breaching | Missing::NotBreaching => counts.missing,
        Missing::Missing | Missing::Ignore => 0,
    };
    points.truncate(ALARM_POINTS_MAX);
    Reason::Threshold { points, count, breaching, missing }
}

/// Whether an alarm may go off because nothing, or little, comes in.
pub(super) fn is_about_silence(watched: &Watched, semantics: Semantics) -> bool {
    let by_silence = watched.missing == Missing::Breaching || !watched.comparison.is_upward();
    semantics == Semantics::Monban && by_silence
}

/// The periods that began before the metric was watched, `from` on: alarms about silence with
/// monban's own rules do not hold them against anybody. Those that breach by what they have
/// already are kept.
pub(super) fn spare_unwatched(
    watched: &Watched,
    semantics: Semantics,
    points: &mut [AlarmPoint],
    from: monban_model::Stamp,
) -> u32 {
    if !is_about_silence(watched, semantics) {
        return 0;
    }
    let mut unknown = 0;
    for point in points.iter_mut().filter(|point| point.time < from) {
        let counts = match breaches(watched, point) {
            Some(true) => watched.comparison.is_upward(),
            Some(false) => true,
            None => false,
        };
        if !counts {
            (point.value, point.samples) = (None, 0);
            unknown += 1;
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_model::{Amount, Comparison, Stamp, Statistic};

    fn watched(n: u32, m: u32, missing: Missing) -> Watched {
        Watched {
            comparison: Comparison::Greater,
            threshold: Amount(50.0),
            period_s: 60,
            evaluation_periods: n,
            datapoints_to_alarm: m,
            missing,
            ..Watched::default()
        }
    }

    /// `0 - X`: newest right, as the guide prints them.
    fn points(row: &str) -> Vec<AlarmPoint> {
        let point = |(at, sign): (usize, &str)| AlarmPoint {
            time: Stamp::from_s(-60 * at as i64),
            value: match sign {
                "0" => Some(Amount(0.0)),
                "X" => Some(Amount(100.0)),
                _ => None,
            },
            samples: u64::from(sign != "-"),
        };
        row.split(' ').rev().enumerate().map(point).collect()
    }

    const KEEP: &str = "keep";

    fn check(row: &str, n: u32, m: u32, wanted: [&str; 4]) {
        for (missing, wanted) in Missing::ALL.into_iter().zip([0, 1, 2, 3].map(|at| wanted[at])) {
            for old in AlarmState::ALL {
                let new = decide(&watched(n, m, missing), old, &points(row), 0);
                let wanted = if wanted == KEEP { old.word() } else { wanted };
                assert_eq!(new.word(), wanted, "{row} {n} {m} {missing:?} was {old:?}");
            }
        }
    }

    const OK: &str = "OK";
    const ALARM: &str = "ALARM";
    const UNKNOWN: &str = "INSUFFICIENT_DATA";

    #[test]
    fn the_table_of_three_of_three() {
        //                     missing  ignore breaching notBreaching
        check("0 - X - X", 3, 3, [OK, OK, OK, OK]);
        check("0 - - - -", 3, 3, [OK, OK, OK, OK]);
        check("- - - - -", 3, 3, [UNKNOWN, KEEP, ALARM, OK]);
        check("0 X X - X", 3, 3, [ALARM, ALARM, ALARM, ALARM]);
        check("- - X - -", 3, 3, [ALARM, KEEP, ALARM, OK]);
    }

    #[test]
    fn the_table_of_two_of_three() {
        check("0 - X - X", 3, 2, [ALARM, ALARM, ALARM, ALARM]);
        check("0 0 X 0 X", 3, 2, [ALARM, ALARM, ALARM, ALARM]);
        check("0 - X - -", 3, 2, [OK, OK, ALARM, OK]);
        check("- - - - 0", 3, 2, [OK, OK, ALARM, OK]);
        check("- - - X -", 3, 2, [ALARM, KEEP, ALARM, OK]);
    }

    #[test]
    fn an_only_breach_does_not_alarm_before_its_time() {
        check("- - - - X", 3, 3, [UNKNOWN, KEEP, ALARM, OK]);
        check("- - - X -", 3, 3, [UNKNOWN, KEEP, ALARM, OK]);
        check("- - X - -", 3, 3, [ALARM, KEEP, ALARM, OK]);
    }

    #[test]
    fn one_of_one_as_in_the_article() {
        check("- - X", 1, 1, [ALARM, ALARM, ALARM, ALARM]);
        check("- X -", 1, 1, [ALARM, ALARM, ALARM, ALARM]);
        check("X 0 -", 1, 1, [OK, OK, OK, OK]);
        check("- - -", 1, 1, [UNKNOWN, KEEP, ALARM, OK]);
    }

    #[test]
    fn a_percentile_of_few_samples_may_leave_the_state_as_it_is() {
        let statistic = Statistic::parse("p90").unwrap();
        let mut watched = Watched { statistic, ..watched(1, 1, Missing::Missing) };
        let point = |samples| AlarmPoint { samples, ..points("X")[0] };
        let new =
            |watched: &Watched, samples| decide(watched, AlarmState::Ok, &[point(samples)], 0);
        assert_eq!(new(&watched, 99), AlarmState::Alarm);
        watched.ignore_low_samples = true;
        assert_eq!(new(&watched, 99), AlarmState::Ok);
        assert_eq!(new(&watched, 100), AlarmState::Alarm);
    }

    #[test]
    fn reasons_tell_of_missing_ones_that_were_taken_as_something() {
        let of = |row, n, m, missing, new| match reason(&watched(n, m, missing), new, &points(row))
        {
            Reason::Threshold { count, breaching, missing, .. } => (count, breaching, missing),
            Reason::Unknown { periods } => (periods, false, u32::MAX),
            other => panic!("{other:?}"),
        };
        let (alarm, ok, unknown) = (AlarmState::Alarm, AlarmState::Ok, AlarmState::Insufficient);
        assert_eq!(of("- X X", 3, 2, Missing::NotBreaching, alarm), (2, true, 1));
        assert_eq!(of("- X X", 3, 2, Missing::Missing, alarm), (2, true, 0));
        assert_eq!(of("- - X", 3, 2, Missing::Breaching, alarm), (1, true, 2));
        assert_eq!(of("0 0 0", 3, 3, Missing::NotBreaching, ok), (3, false, 0));
        assert_eq!(of("- - 0", 3, 2, Missing::NotBreaching, ok), (1, false, 2));
        assert_eq!(of("- - -", 3, 3, Missing::NotBreaching, ok), (0, false, 3));
        assert_eq!(of("- - -", 3, 3, Missing::Missing, unknown), (3, false, u32::MAX));
    }

    #[test]
    fn what_was_not_watched_is_held_against_nobody() {
        let mut watched = watched(3, 3, Missing::Breaching);
        let mut row = points("- - -");
        let from = Stamp::from_s(-60);
        let unknown = spare_unwatched(&watched, Semantics::Monban, &mut row, from);
        assert_eq!(unknown, 1);
        for old in AlarmState::ALL {
            assert_eq!(decide(&watched, old, &row, unknown), old);
        }
        watched.comparison = Comparison::Less;
        let mut row = points("0 0 0");
        let unknown = spare_unwatched(&watched, Semantics::Monban, &mut row, from);
        assert_eq!((unknown, row[2].value), (1, None), "it may have begun in mid-period");
        assert_eq!(decide(&watched, AlarmState::Ok, &row, unknown), AlarmState::Ok);
    }
}
