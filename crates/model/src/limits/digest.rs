//! Limits of the report of a day or week.

/// Attackers that are named.
pub const DIGEST_ATTACKERS_MAX: usize = 10;

/// Names that were tried and are shown.
pub const DIGEST_NAMES_MAX: usize = 10;

/// Accounts and places of logins that are named; more are counted.
pub const DIGEST_LOGINS_MAX: usize = 20;

/// Alarms, kinds of findings about the host and kinds of notices that are named, of each.
pub const DIGEST_THINGS_MAX: usize = 20;

/// Services that have a bar of their own colour; the rest stands together.
pub const DIGEST_SERVICES_MAX: usize = 6;

/// Quarters of hours in the time of a report: a week, and the hour that a clock is set back by.
pub const DIGEST_BUCKETS_MAX: usize = 7 * 96 + 4;

/// Bytes of the picture in a report.
pub const DIGEST_PICTURE_MAX: usize = 20 * 1024;
