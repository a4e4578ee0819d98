//! Limits of metrics: their filter patterns, and what those read.

use super::LINE_MAX;

/// Characters of a metric's filter pattern, as in CloudWatch Logs.
pub const METRIC_PATTERN_CHARS_MAX: usize = 1024;

/// Regular expressions in a filter pattern, as in CloudWatch Logs.
pub const METRIC_REGEXES_MAX: usize = 2;

/// Bytes that such an expression takes when it is compiled.
pub const METRIC_REGEX_BYTES_MAX: usize = 64 * 1024;

/// Selectors with a wildcard in a filter pattern, as in CloudWatch Logs.
pub const METRIC_WILDCARDS_MAX: usize = 3;

/// Parentheses within parentheses of a condition.
pub const METRIC_PARENTHESES_MAX: usize = 64;

/// Values, names and containers of a JSON message. No line has more, so none is passed over.
pub const METRIC_JSON_NODES_MAX: usize = LINE_MAX;

/// Dimensions of a metric, as in CloudWatch Logs.
pub const METRIC_DIMENSIONS_MAX: usize = 3;
