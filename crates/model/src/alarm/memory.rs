//! The open state of an alarm, as the engine keeps it and the ledger holds it.

use super::{AlarmState, Amount, Statistic, TopEntry};
use crate::{Evidence, Stamp};

/// What came in within a short time: a period is some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Its number: its beginning, divided by the length of a slice.
    pub number: i64,
    /// Samples.
    pub count: u64,
    /// Their sum.
    pub sum: Amount,
    /// The least of them.
    pub least: Amount,
    /// The greatest.
    pub most: Amount,
    /// Each value and how often it was there, in ascending order; only for statistics that need
    /// it. At most [`crate::limits::ALARM_VALUES_MAX`]; then neighbours are joined.
    pub values: Vec<(Amount, u64)>,
}

/// Who took part since some time. Two of them take turns, so that what is told is of the last one
/// or two lengths of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// Since when.
    pub since: Stamp,
    /// Datapoints.
    pub count: u64,
    /// Their addresses, at most [`crate::limits::ALARM_TOP_MAX`].
    pub addresses: Vec<TopEntry>,
    /// Their users.
    pub users: Vec<TopEntry>,
}

/// What an alarm remembers for one state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmMemory {
    /// A hash of the alarm's definition: with another one, what was counted says nothing.
    pub definition: u64,
    /// Length of a slice in milliseconds; 0 for a composite alarm.
    pub slice_ms: u32,
    /// What came in, oldest first.
    pub slices: Vec<Slice>,
    /// When it is to be evaluated by itself.
    pub due: Option<Stamp>,
    /// Since when its metric was watched without a gap.
    pub watched_since: Stamp,
    /// When it was last said that it is in `ALARM`.
    pub told: Stamp,
    /// Datapoints since then.
    pub since_told: u64,
    /// Who took part.
    pub now: Generation,
    /// And in the length of the window before.
    pub before: Generation,
    /// The first lines. Their `rule` is empty: it is the metric.
    pub first: Vec<Evidence>,
    /// The last lines after them.
    pub last: Vec<Evidence>,
}

/// One state of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRow {
    /// The alarm.
    pub alarm: String,
    /// Whose state, if the alarm has several; may be what a stranger typed.
    pub contributor: Option<Vec<u8>>,
    /// The state.
    pub state: AlarmState,
    /// Since when.
    pub since: Stamp,
    /// The last datapoint, or the beginning.
    pub last: Stamp,
    /// What it rests on.
    pub memory: Box<AlarmMemory>,
}

impl Statistic {
    /// Its value for what came in within some slices, and how many samples that were.
    pub fn of_slices(self, slices: &[Slice]) -> (Option<f64>, u64) {
        if slices.is_empty() {
            return (None, 0);
        }
        let samples = slices.iter().fold(0_u64, |sum, slice| sum.saturating_add(slice.count));
        let sum = || {
            let sum: f64 = slices.iter().map(|slice| slice.sum.0).sum();
            sum.clamp(f64::MIN, f64::MAX)
        };
        let value = match self {
            Self::SampleCount => Some(samples as f64),
            Self::Sum => Some(sum()),
            Self::Average => Some(sum() / samples.max(1) as f64),
            Self::Minimum => slices.iter().map(|slice| slice.least.0).reduce(f64::min),
            Self::Maximum => slices.iter().map(|slice| slice.most.0).reduce(f64::max),
            extended => {
                let values = slices.iter().flat_map(|slice| &slice.values);
                let mut all: Vec<(f64, u64)> = values.map(|(value, n)| (value.0, *n)).collect();
                all.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
                extended.of(&all)
            }
        };
        (value, samples)
    }
}
