//! Limits of metrics and alarms. Where CloudWatch has one of its own, it is that.

/// Alarms of one configuration.
pub const ALARMS_MAX: usize = 512;

/// Metrics of one configuration.
pub const METRICS_MAX: usize = 512;

/// Longest name of an alarm, metric or dimension, in bytes: CloudWatch's.
pub const ALARM_NAME_MAX: usize = 255;

/// Longest description of an alarm, in bytes: CloudWatch's.
pub const ALARM_DESCRIPTION_MAX: usize = 1024;

/// Dimensions that an alarm names: CloudWatch's. A `[[metric]]` has
/// [`super::METRIC_DIMENSIONS_MAX`].
pub const DIMENSIONS_MAX: usize = 30;

/// Period times evaluation periods of an alarm, in seconds: CloudWatch's.
pub const ALARM_SPAN_MAX_S: u64 = 86_400;

/// Most slices of time that one state of an alarm has: a day in minutes with room to spare, and 5
/// hours in steps of ten seconds.
pub const ALARM_SLICES_MAX: usize = 2048;

/// Different values that are kept of one slice for percentiles. Beyond it, neighbours are joined.
pub const ALARM_VALUES_MAX: usize = 512;

/// States that alarms keep apart for addresses, users or dimensions; the one that was quiet for
/// longest makes room.
pub const ALARM_STATES_MAX: usize = 4096;

/// What all states of alarms hold, in bytes: slices, values, lines, names. States of single
/// addresses make room.
pub const ALARM_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Addresses, and users, that are counted with a state; those seen least make room.
pub const ALARM_TOP_MAX: usize = 32;

/// How many of them are told.
pub const ALARM_TOP_TOLD: usize = 10;

/// Most lines that are kept with a state.
pub const ALARM_SAMPLES_MAX: u32 = 50;

/// Datapoints are taken up to so many seconds ahead of the clock: CloudWatch's two hours.
pub const DATAPOINT_AHEAD_MAX_S: u64 = 7200;

/// Longest rule of a composite alarm, in bytes: CloudWatch's.
pub const ALARM_RULE_BYTES_MAX: usize = 10_240;

/// Alarms that one composite alarm may name: CloudWatch's.
pub const ALARM_RULE_CHILDREN_MAX: usize = 100;

/// Elements of such a rule: CloudWatch's.
pub const ALARM_RULE_ELEMENTS_MAX: usize = 500;

/// Parentheses within parentheses in it.
pub const ALARM_RULE_DEPTH_MAX: usize = 64;

/// Periods that a record of an alarm tells of: the newest.
pub const ALARM_POINTS_MAX: usize = 100;
