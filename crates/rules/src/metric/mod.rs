//! CloudWatch Logs' filter patterns, and the values that a metric takes from the lines they match.
//!
//! The first character of a pattern tells its form: `{` begins conditions on a JSON object, `[` the
//! fields of a line in its order, anything else is terms that a line must or must not hold. A
//! pattern is parsed once; to match a line costs linear time and no allocation but in a
//! [`MetricScratch`] that is used again.
//!
//! The language is that of Amazon CloudWatch Logs (User Guide, "Filter pattern syntax"), with its
//! limits and, where they are known, the words of its errors. What the guide leaves open is decided
//! here: `*` within a value stands for any text, also in its middle; a number is compared with a
//! field of a line as text by `=` and `!=`; numbers are compared as decimals of any length; in a
//! regular expression `.` is a byte; half of a pair of surrogates is U+FFFD.

mod cursor;
mod decimal;
mod document;
mod error;
mod explain;
mod expression;
mod fields;
mod glob;
mod json_pattern;
mod literals;
mod logic;
mod pattern;
mod reader;
mod selector;
mod set;
mod terms;
mod tokens;
mod traps;
mod value;

pub use error::PatternError;
pub use explain::{Clause, Explanation, FieldText, Relation};
pub use pattern::{FieldName, MetricCaptures, MetricPattern, MetricScratch};
pub use reader::{Dimensions, MetricReader, MetricReading, ValueOf};
pub use set::MetricSet;
pub use traps::Trap;
