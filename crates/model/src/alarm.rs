//! Metrics and alarms, in the words of CloudWatch where it has one.

mod change;
mod memory;
mod rule;
mod statistic;

use std::cmp::Ordering;
use std::fmt;

use crate::{Address, Kind, Severity, Stamp};

pub use change::{AlarmChange, AlarmPoint, ChildState, Contributor, Reason, TopEntry};
pub use memory::{AlarmMemory, AlarmRow, Generation, Slice};
pub use rule::{AlarmRule, AtLeast, RuleError};
pub use statistic::{Bounds, Edge, Measure, Statistic};

/// A number of a metric or threshold. Unlike `f64` it is equal to itself and has an order, so that
/// records with it can be compared; it is never NaN or infinite where it comes from a log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amount(pub f64);

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0) == Ordering::Equal
    }
}

impl Eq for Amount {}

impl fmt::Display for Amount {
    /// As CloudWatch writes it, which is Java's way: `1.0`, `99.5`, `1.34217728E8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-3..1e7).contains(&size) {
            return write!(f, "{:?}", self.0);
        }
        let text = format!("{:E}", self.0);
        match text.split_once('E') {
            Some((digits, power)) if !digits.contains('.') => write!(f, "{digits}.0E{power}"),
            _ => f.write_str(&text),
        }
    }
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    /// Nothing is known yet, or no longer.
    #[default]
    Insufficient,
    /// All is well.
    Ok,
    /// It is not.
    Alarm,
}

impl AlarmState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Insufficient, Self::Ok, Self::Alarm];

    /// Its word, everywhere.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Insufficient => "INSUFFICIENT_DATA",
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
        }
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// How a value is held against the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `>=`
    #[default]
    GreaterOrEqual,
    /// `>`
    Greater,
    /// `<=`
    LessOrEqual,
    /// `<`
    Less,
}

impl Comparison {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::GreaterOrEqual, Self::Greater, Self::LessOrEqual, Self::Less];

    /// CloudWatch's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GreaterOrEqual => "GreaterThanOrEqualToThreshold",
            Self::Greater => "GreaterThanThreshold",
            Self::LessOrEqual => "LessThanOrEqualToThreshold",
            Self::Less => "LessThanThreshold",
        }
    }

    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::Less => "<",
        }
    }

    /// Its words in CloudWatch's sentences.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::GreaterOrEqual => "greater than or equal to",
            Self::Greater => "greater than",
            Self::LessOrEqual => "less than or equal to",
            Self::Less => "less than",
        }
    }

    /// The comparison of a sign or of CloudWatch's word.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.sign() == text || one.word() == text)
    }

    /// Whether a value breaches the threshold.
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterOrEqual => value >= threshold,
            Self::Greater => value > threshold,
            Self::LessOrEqual => value <= threshold,
            Self::Less => value < threshold,
        }
    }

    /// Whether more is worse.
    pub const fn is_upward(self) -> bool {
        matches!(self, Self::GreaterOrEqual | Self::Greater)
    }
}

/// What a period without a datapoint counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// As nothing: with too little known the state is `INSUFFICIENT_DATA`.
    Missing,
    /// As nothing: with too little known the state stays.
    Ignore,
    /// As breaching.
    Breaching,
    /// As not breaching: right for what is counted, since no line is no event.
    #[default]
    NotBreaching,
}

impl Missing {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Ignore, Self::Breaching, Self::NotBreaching];

    /// Its word in configuration and JSON, CloudWatch's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ignore => "ignore",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
        }
    }
}

/// By whose rules an alarm is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Semantics {
    /// At each datapoint, over the last periods up to this moment.
    #[default]
    Monban,
    /// As CloudWatch does: once a minute (every ten seconds for periods under a minute).
    Aws,
}

impl Semantics {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Monban, Self::Aws];

    /// Its word in configuration and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Monban => "monban",
            Self::Aws => "aws",
        }
    }
}

/// What an alarm is kept apart by: then each has its own state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Per {
    /// Nothing.
    #[default]
    Nothing,
    /// The address.
    Address,
    /// The user.
    User,
    /// The value of this dimension.
    Dimension(String),
}

impl Per {
    /// Its word; a dimension's name.
    pub fn word(&self) -> &str {
        match self {
            Self::Nothing => "",
            Self::Address => "address",
            Self::User => "user",
            Self::Dimension(name) => name,
        }
    }
}

/// A metric that is made of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricSpec {
    /// Its name, not one of [`is_built_in`].
    pub name: String,
    /// Where its lines come from: a file, a path with wildcards, a service, an imported log
    /// group; empty: from everywhere.
    pub sources: Vec<String>,
    /// The filter pattern, in the language of CloudWatch Logs.
    pub pattern: String,
    /// The value of a line that matches: a number, `$field` or `$.path`.
    pub value: String,
    /// The value of a line that does not.
    pub default: Option<Amount>,
    /// Names of dimensions, and from which field their values come.
    pub dimensions: Vec<(String, String)>,
    /// Its unit, CloudWatch's word; empty: none.
    pub unit: String,
}

/// The metric of blocks, whoever asked for them.
pub const BLOCKS_METRIC: &str = "blocks";

/// Whether this is a metric without a `[[metric]]`: the name of a kind of sighting, or `blocks`.
pub fn is_built_in(metric: &str) -> bool {
    metric == BLOCKS_METRIC || Kind::from_name(metric).is_some()
}

/// The metric and threshold of an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The metric.
    pub metric: String,
    /// Names and values of dimensions, sorted. With [`Semantics::Aws`] exactly these, else
    /// at least these; a built-in metric is found by any of its dimensions (`service`).
    pub dimensions: Vec<(String, String)>,
    /// What is made of the values of a period.
    pub statistic: Statistic,
    /// How that is held against the threshold.
    pub comparison: Comparison,
    /// The threshold.
    pub threshold: Amount,
    /// Length of a period in seconds.
    pub period_s: u32,
    /// How many periods are looked at; with the period at most
    /// [`crate::limits::ALARM_SPAN_MAX_S`].
    pub evaluation_periods: u32,
    /// How many of them must breach; 1 to `evaluation_periods`.
    pub datapoints_to_alarm: u32,
    /// What periods without a datapoint count as.
    pub missing: Missing,
    /// Whether a percentile of too few samples leaves the state as it is.
    pub ignore_low_samples: bool,
    /// The unit of the metric, for those who show it.
    pub unit: String,
}

impl Watched {
    /// The periods that must not breach for `OK`.
    pub const fn datapoints_to_ok(&self) -> u32 {
        self.evaluation_periods.saturating_sub(self.datapoints_to_alarm) + 1
    }

    /// All periods together, in milliseconds.
    pub const fn span_ms(&self) -> i64 {
        self.period_s as i64 * self.evaluation_periods as i64 * 1000
    }
}

/// What an alarm looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// A metric.
    Metric(Watched),
    /// Other alarms.
    Rule(AlarmRule),
}

/// An alarm as it was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmSpec {
    /// Its name; durable state is kept under it.
    pub name: String,
    /// What it is about, for people.
    pub description: String,
    /// How urgent its going off is.
    pub severity: Severity,
    /// By whose rules it is evaluated.
    pub semantics: Semantics,
    /// What it looks at.
    pub watch: Watch,
    /// Whether several have a state each.
    pub per: Per,
    /// While in `ALARM`, it is said again so often; `None`: never.
    pub repeat_s: Option<u64>,
    /// Lines that are kept with the state; at most [`crate::limits::ALARM_SAMPLES_MAX`].
    pub samples: u32,
}

impl AlarmSpec {
    /// Its metric and threshold, if it is not about other alarms.
    pub const fn watched(&self) -> Option<&Watched> {
        match &self.watch {
            Watch::Metric(watched) => Some(watched),
            Watch::Rule(_) => None,
        }
    }

    /// The state before anything is known: a count begins at nothing, which is well.
    pub const fn first_state(&self) -> AlarmState {
        match (self.semantics, &self.watch) {
            (Semantics::Aws, _) => AlarmState::Insufficient,
            (_, Watch::Rule(_)) => AlarmState::Ok,
            (_, Watch::Metric(watched)) => match watched.missing {
                Missing::NotBreaching => AlarmState::Ok,
                _ => AlarmState::Insufficient,
            },
        }
    }
}

/// One datapoint of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Datapoint<'a> {
    /// The metric.
    pub metric: &'a str,
    /// When: the time of the line.
    pub time: Stamp,
    /// Its value; one that is no number is dropped and counted.
    pub value: f64,
    /// How many samples of that value it stands for; at least 1.
    pub count: u32,
    /// Names and values of its dimensions.
    pub dimensions: &'a [(&'a str, &'a [u8])],
    /// Whose line it is.
    pub address: Option<Address>,
    /// The user that the line names.
    pub user: Option<&'a [u8]>,
    /// The line; empty if it comes from none.
    pub line: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_cloudwatch_does() {
        let cases = [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-0.5, "-0.5"),
            (99.5, "99.5"),
            (613.0, "613.0"),
            (9_999_999.0, "9999999.0"),
            (10_000_000.0, "1.0E7"),
            (134_217_728.0, "1.34217728E8"),
            (0.001, "0.001"),
            (0.000_5, "5.0E-4"),
        ];
        for (number, text) in cases {
            assert_eq!(Amount(number).to_string(), text);
        }
    }

    #[test]
    fn comparisons_have_a_sign_and_a_word() {
        for one in Comparison::ALL {
            assert_eq!(Comparison::from_text(one.sign()), Some(one));
            assert_eq!(Comparison::from_text(one.word()), Some(one));
            assert_eq!(one.breaches(1.0, 1.0), one.sign().ends_with('='));
            assert_eq!(one.breaches(2.0, 1.0), one.is_upward());
        }
    }

    #[test]
    fn kinds_and_blocks_are_metrics_by_themselves() {
        assert!(is_built_in("login-failed") && is_built_in("blocks"));
        assert!(!is_built_in("preauth"));
    }
}
