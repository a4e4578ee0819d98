//! What goes to AWS.

/// Longest answer of a service of AWS or of a metadata service that is read, in bytes.
pub const AWS_ANSWER_MAX: u64 = 256 * 1024;

/// Longest id of an access key and longest secret, in bytes; those of AWS have 128 at most.
pub const AWS_KEY_MAX: usize = 256;

/// Longest session token, in bytes. AWS names no bound; those of roles have about 1500.
pub const AWS_TOKEN_MAX: usize = 16 * 1024;

/// Events of one PutLogEvents at most.
pub const AWS_BATCH_EVENTS_MAX: usize = 10_000;

/// Bytes of one PutLogEvents at most: texts in UTF-8, and 26 for each event.
pub const AWS_BATCH_BYTES_MAX: usize = 1_048_576;

/// Longest text of one log event, in bytes: a batch of its own.
pub const AWS_EVENT_BYTES_MAX: usize = AWS_BATCH_BYTES_MAX - 26;

/// How long a log event waits for others, in milliseconds, if nothing else is said.
pub const AWS_FLUSH_MS: u64 = 5000;

/// Batches of one log stream that wait until AWS takes them. Then no more of the log is read.
pub const AWS_BATCHES_WAITING_MAX: usize = 4;

/// Datapoints of one PutMetricData at most.
pub const AWS_DATUMS_MAX: usize = 1000;

/// Bytes of one PutMetricData at most.
pub const AWS_QUERY_BYTES_MAX: usize = 1_000_000;

/// Dimensions of one datapoint at most.
pub const AWS_DIMENSIONS_MAX: usize = 30;

/// Longest name of a metric, namespace or dimension.
pub const AWS_NAME_MAX: usize = 255;

/// Longest message to a topic of SNS, in bytes.
pub const AWS_MESSAGE_MAX: usize = 256 * 1024;

/// `[[aws.logs]]` and `[[aws.metrics]]` tables.
pub const AWS_TABLES_MAX: usize = 256;

/// Minutes of metrics that wait for CloudWatch: five metrics without dimensions for two days.
/// Then the oldest are dropped, counted and told.
pub const AWS_SUMS_MAX: usize = 16_384;

/// Minutes of metrics that are handed over at once: they fit into one PutMetricData.
pub const AWS_SUMS_AT_ONCE: usize = 500;

/// Their bytes at most, as a frame; written as a form they take at most three times as many.
pub const AWS_SUMS_BYTES_MAX: usize = 256 * 1024;

/// Longest value of a dimension, in bytes.
pub const AWS_DIMENSION_VALUE_MAX: usize = 1024;

/// Files that are open at once to be sent to CloudWatch Logs, with those that were rotated away
/// and are not sent yet. Beyond it the oldest are given up, counted and told.
pub const AWS_LOG_FILES_MAX: usize = 192;

/// Paths that are sent to CloudWatch Logs, counted once for each `[[aws.logs]]` that names them.
pub const AWS_LOG_PATHS_MAX: usize = 128;

/// Bytes of log events that are held in memory until CloudWatch Logs has them, about, for all
/// streams together: where many are configured, the batches of each are smaller. All else waits in
/// the logs.
pub const AWS_LOGS_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The smallest share of that which a stream has: its longest line fits.
pub const AWS_LOGS_SHARE_MIN: usize = 64 * 1024;

/// Batches of log events that are with the courier at once.
pub const AWS_LOGS_UNDERWAY_MAX: usize = 8;

/// Bytes of a log that are read at once for CloudWatch Logs, between other work: some hundred
/// microseconds.
pub const AWS_LOGS_STEP_BYTES: usize = 64 * 1024;

/// Positions of logs that no `[[aws.logs]]` names any more, until they are forgotten.
pub const AWS_POSITIONS_MAX: usize = 2048;
