//! An alarm that changed its state, or goes on firing, and why.

use super::{AlarmState, Amount, Missing, Semantics, Watched};
use crate::{Evidence, MONTHS, Severity, Stamp, civil_from_days};

/// Whose state it is, where an alarm has one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contributor {
    /// `address`, `user` or the name of a dimension.
    pub by: String,
    /// Which; may be what a stranger typed.
    pub value: Vec<u8>,
}

/// A datapoint of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlarmPoint {
    /// The beginning of the period.
    pub time: Stamp,
    /// The statistic of it; `None`: nothing was there.
    pub value: Option<Amount>,
    /// How many samples it rests on.
    pub samples: u64,
}

/// A child of a composite alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildState {
    /// Its name.
    pub alarm: String,
    /// Its state.
    pub state: AlarmState,
    /// Since when.
    pub since: Stamp,
}

/// Why an alarm has its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is new.
    Created,
    /// Enough periods breach the threshold, or do not.
    Threshold {
        /// Those that say so, newest first; at most [`crate::limits::ALARM_POINTS_MAX`].
        points: Vec<AlarmPoint>,
        /// How many there are.
        count: u32,
        /// Whether they breach it.
        breaching: bool,
        /// Periods without a datapoint that were taken as breaching or not breaching.
        missing: u32,
    },
    /// So many periods have no datapoint.
    Unknown {
        /// How many.
        periods: u32,
    },
    /// These children are in these states; the last that changed first.
    Children(Vec<ChildState>),
    /// Its state made room for another one's and is no longer kept.
    Evicted,
    /// The configuration does not have the alarm any more, or it means something else now.
    Removed,
}

/// Somebody who took part, by how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopEntry {
    /// Who; may be what a stranger typed.
    pub name: Vec<u8>,
    /// At most so many datapoints are theirs.
    pub count: u64,
    /// And at least `count - over`; 0: exactly `count`.
    pub over: u64,
}

/// An alarm changed its state, or is still in `ALARM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmChange {
    /// The alarm.
    pub alarm: String,
    /// What it is about, for people.
    pub description: String,
    /// How urgent it is.
    pub severity: Severity,
    /// By whose rules it was evaluated.
    pub semantics: Semantics,
    /// Whose state, if the alarm has several.
    pub contributor: Option<Contributor>,
    /// The state before.
    pub old: AlarmState,
    /// The state now; with `again` the same.
    pub new: AlarmState,
    /// Since when it was in `old`.
    pub since: Stamp,
    /// It is still firing: so many datapoints since that was last said.
    pub again: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// Its metric and threshold; `None` for a composite alarm.
    pub watched: Option<Watched>,
    /// The rule of a composite alarm, else empty.
    pub rule: String,
    /// All periods that were looked at, newest first.
    pub evaluated: Vec<AlarmPoint>,
    /// Datapoints in the window, about: since one to two lengths of it.
    pub count: u64,
    /// The addresses of those datapoints, most first.
    pub addresses: Vec<TopEntry>,
    /// Their users.
    pub users: Vec<TopEntry>,
    /// First and last lines, oldest first; `rule` is the metric.
    pub samples: Vec<Evidence>,
}

impl AlarmChange {
    /// The reason in CloudWatch's words.
    pub fn aws_reason(&self) -> String {
        match (&self.reason, &self.watched) {
            (Reason::Created, _) => "Unchecked: Initial alarm creation".to_owned(),
            (Reason::Unknown { periods }, _) => format!(
                "Insufficient Data: {} {} unknown.",
                counted(*periods as usize, "datapoint"),
                was(*periods as usize)
            ),
            (Reason::Threshold { points, count, breaching, missing }, Some(watched)) => {
                crossed(watched, points, *count as usize, *breaching, *missing as usize)
            }
            (Reason::Children(children), _) => match children.first() {
                Some(child) => format!(
                    "{} transitioned to {} at {}",
                    child.alarm,
                    child.state.word(),
                    long_time(child.since)
                ),
                None => "Unchecked: Initial alarm creation".to_owned(),
            },
            (Reason::Evicted | Reason::Removed, _) | (Reason::Threshold { .. }, None) => {
                "Unchecked: the alarm is no longer evaluated".to_owned()
            }
        }
    }

    /// The moment of the evaluation and the beginning of the oldest period that counted; for
    /// CloudWatch's `queryDate` and `startDate`.
    pub fn looked_at(&self) -> Option<(Stamp, Stamp)> {
        let (newest, oldest) = (self.evaluated.first()?, self.evaluated.last()?);
        let period_s = u64::from(self.watched.as_ref()?.period_s);
        Some((newest.time.plus_s(period_s), oldest.time))
    }
}

fn crossed(
    watched: &Watched,
    points: &[AlarmPoint],
    count: usize,
    breaching: bool,
    missing: usize,
) -> String {
    let of = watched.evaluation_periods as usize;
    let treated = match watched.missing {
        Missing::Breaching => "Breaching",
        Missing::NotBreaching => "NonBreaching",
        Missing::Missing => "Missing",
        Missing::Ignore => "Ignored",
    };
    let missing_text = format!(
        "{} {} treated as [{treated}]",
        counted(missing, "missing datapoint"),
        was(missing)
    );
    if points.is_empty() {
        return format!(
            "Threshold Crossed: no datapoints were received for {} and {missing_text}.",
            counted(missing.max(1), "period")
        );
    }
    let list: Vec<String> = points
        .iter()
        .filter_map(|point| Some(format!("{} ({})", value_text(point)?, short_time(point.time))))
        .collect();
    let (minimum, change) = match breaching {
        true => (watched.datapoints_to_alarm, "OK -> ALARM"),
        false => (watched.datapoints_to_ok(), "ALARM -> OK"),
    };
    format!(
        "Threshold Crossed: {} out of the last {of} datapoints [{}] {} {}{} the threshold ({}){} \
         (minimum {} for {change} transition).",
        count,
        list.join(", "),
        was(count),
        if breaching { "" } else { "not " },
        watched.comparison.phrase(),
        watched.threshold,
        if missing > 0 { format!(" and {missing_text}") } else { String::new() },
        counted(minimum as usize, "datapoint"),
    )
}

fn value_text(point: &AlarmPoint) -> Option<String> {
    point.value.map(|value| value.to_string())
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

const fn was(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// `02/10/19 16:59:00`: day, month, year, in UTC.
fn short_time(time: Stamp) -> String {
    let (year, month, day, [hour, minute, second]) = parts(time);
    format!("{day:02}/{month:02}/{:02} {hour:02}:{minute:02}:{second:02}", year.rem_euclid(100))
}

/// `Monday 14 September, 2026 11:18:44 UTC`.
fn long_time(time: Stamp) -> String {
    const DAYS: [&str; 7] =
        ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    let (year, month, day, [hour, minute, second]) = parts(time);
    let weekday = DAYS[time.as_s().div_euclid(86_400).rem_euclid(7) as usize];
    let month = MONTHS[(month - 1).rem_euclid(12) as usize];
    format!("{weekday} {day:02} {month}, {year} {hour:02}:{minute:02}:{second:02} UTC")
}

fn parts(time: Stamp) -> (i64, i64, i64, [i64; 3]) {
    let seconds = time.as_s();
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    (year, month, day, [rest / 3600, rest / 60 % 60, rest % 60])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Comparison, days_from_civil};

    fn change(watched: Watched, reason: Reason) -> AlarmChange {
        AlarmChange {
            alarm: "a".into(),
            description: String::new(),
            severity: Severity::Warning,
            semantics: Semantics::Aws,
            contributor: None,
            old: AlarmState::Ok,
            new: AlarmState::Alarm,
            since: Stamp(0),
            again: None,
            reason,
            watched: Some(watched),
            rule: String::new(),
            evaluated: Vec::new(),
            count: 0,
            addresses: Vec::new(),
            users: Vec::new(),
            samples: Vec::new(),
        }
    }

    fn watched(comparison: Comparison, threshold: f64, n: u32, m: u32) -> Watched {
        Watched {
            comparison,
            threshold: Amount(threshold),
            period_s: 60,
            evaluation_periods: n,
            datapoints_to_alarm: m,
            ..Watched::default()
        }
    }

    fn at(year: i64, month: i64, day: i64, clock: (i64, i64, i64)) -> Stamp {
        let (hour, minute, second) = clock;
        Stamp::from_s(
            days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second,
        )
    }

    fn point(value: f64, time: Stamp) -> AlarmPoint {
        AlarmPoint { time, value: Some(Amount(value)), samples: 1 }
    }

    #[test]
    fn reasons_are_cloudwatchs_word_for_word() {
        let when = at(2019, 10, 2, (16, 59, 0));
        let threshold = |points: Vec<AlarmPoint>, breaching, missing| Reason::Threshold {
            count: points.len() as u32,
            points,
            breaching,
            missing,
        };
        let one = watched(Comparison::Greater, 50.0, 1, 1);
        let change_of = |watched: &Watched, reason| change(watched.clone(), reason);
        assert_eq!(
            change_of(&one, threshold(vec![point(99.5, when)], true, 0)).aws_reason(),
            "Threshold Crossed: 1 out of the last 1 datapoints [99.5 (02/10/19 16:59:00)] was \
             greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
        );
        let twenty = watched(Comparison::GreaterOrEqual, 1.0, 20, 1);
        let time = at(2024, 3, 16, (12, 15, 0));
        assert_eq!(
            change_of(&twenty, threshold(vec![point(613.0, time)], true, 19)).aws_reason(),
            "Threshold Crossed: 1 out of the last 20 datapoints [613.0 (16/03/24 12:15:00)] was \
             greater than or equal to the threshold (1.0) and 19 missing datapoints were treated \
             as [NonBreaching] (minimum 1 datapoint for OK -> ALARM transition)."
        );
        let three = watched(Comparison::Less, 5.0, 3, 2);
        let points = vec![point(7.0, time), point(6.0, time.minus_s(60))];
        assert_eq!(
            change_of(&three, threshold(points, false, 0)).aws_reason(),
            "Threshold Crossed: 2 out of the last 3 datapoints [7.0 (16/03/24 12:15:00), 6.0 \
             (16/03/24 12:14:00)] were not less than the threshold (5.0) (minimum 2 datapoints \
             for ALARM -> OK transition)."
        );
        assert_eq!(
            change_of(&three, threshold(vec![], false, 3)).aws_reason(),
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing \
             datapoints were treated as [NonBreaching]."
        );
        assert_eq!(
            change_of(&one, threshold(vec![], false, 1)).aws_reason(),
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint \
             was treated as [NonBreaching]."
        );
        let breaching = Watched { missing: Missing::Breaching, ..one.clone() };
        assert!(
            change_of(&breaching, threshold(vec![], true, 1))
                .aws_reason()
                .ends_with("1 missing datapoint was treated as [Breaching].")
        );
        let unknown = |periods| change_of(&one, Reason::Unknown { periods }).aws_reason();
        assert_eq!(unknown(1), "Insufficient Data: 1 datapoint was unknown.");
        assert_eq!(unknown(3), "Insufficient Data: 3 datapoints were unknown.");
        assert_eq!(
            change_of(&one, Reason::Created).aws_reason(),
            "Unchecked: Initial alarm creation"
        );
    }

    #[test]
    fn a_child_is_named_with_its_time() {
        let since = at(2026, 9, 14, (11, 18, 44));
        let child = ChildState { alarm: "logins".into(), state: AlarmState::Alarm, since };
        let change = AlarmChange {
            watched: None,
            ..change(Watched::default(), Reason::Children(vec![child]))
        };
        assert_eq!(
            change.aws_reason(),
            "logins transitioned to ALARM at Monday 14 September, 2026 11:18:44 UTC"
        );
    }
}
