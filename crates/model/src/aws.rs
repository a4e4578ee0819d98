//! What goes to AWS.

use crate::limits::{AWS_BATCH_BYTES_MAX, AWS_BATCH_EVENTS_MAX, AWS_FLUSH_MS};
use crate::{Amount, Secret, SecretAt, Stamp};

/// `[aws]`, complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aws {
    /// Such as `ap-northeast-1`; `None`: that of the instance.
    pub region: Option<String>,
    /// Whose rights are used.
    pub credentials: AwsCredentials,
    /// Another address of the services than the region's own, for private endpoints and tests.
    pub endpoint: Option<String>,
    /// Logs that go to CloudWatch Logs.
    pub logs: Vec<AwsLogs>,
    /// Metrics that go to CloudWatch.
    pub metrics: Vec<AwsMetrics>,
}

impl Aws {
    /// Whether anything of it is to be sent.
    pub fn is_used(&self) -> bool {
        !self.logs.is_empty() || !self.metrics.is_empty()
    }
}

/// Where the credentials for AWS come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AwsCredentials {
    /// The role of this container, else of this instance.
    #[default]
    InstanceRole,
    /// A key that lasts.
    Keys {
        /// Its id, which is no secret.
        key_id: String,
        /// Where the secret lies.
        secret: SecretAt,
    },
    /// `AWS_ACCESS_KEY_ID` and the others of the environment.
    Environment,
    /// A file as AWS's own programs keep it.
    Shared {
        /// The file.
        file: String,
        /// The profile in it.
        profile: String,
    },
}

/// Logs that go to one stream of CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsLogs {
    /// Log files, with wildcards.
    pub files: Vec<String>,
    /// Names of services: the lines that their rules read, wherever they stand.
    pub services: Vec<String>,
    /// The log group.
    pub group: String,
    /// The log stream, with `{instance_id}`, `{hostname}` and `{ip_address}`.
    pub stream: String,
    /// How many days a group that is made keeps its events; for ever if that is not said.
    pub retention_days: Option<u32>,
    /// Of several files that a wildcard fits, only that which was written last.
    pub newest_only: bool,
    /// A file that is seen for the first time is sent from its beginning, not only what comes.
    pub from_start: bool,
    /// How dates of the lines are read.
    pub dates: AwsDates,
    /// Which lines begin an event.
    pub event_start: AwsEventStart,
    /// The encoding of the files by its name in WHATWG's list; UTF-8 if it is not said.
    pub encoding: Option<String>,
    /// When a batch is full.
    pub batching: AwsBatching,
}

/// How the dates of lines are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AwsDates {
    /// As monban reads them everywhere.
    #[default]
    Own,
    /// An event has the time at which it was read.
    Arrival,
    /// By a pattern with the signs of `strptime`.
    Pattern {
        /// Such as `%b %d %H:%M:%S`.
        pattern: String,
        /// Whether dates without a zone are of UTC; otherwise they are of this machine's zone.
        utc: bool,
    },
}

/// Which lines begin an event; the others go on with the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AwsEventStart {
    /// Every line.
    #[default]
    EveryLine,
    /// Those that begin with a date.
    Date,
    /// Those in which this expression is found.
    Matches(String),
}

/// When a batch is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwsBatching {
    /// How long its first event waits at most, in milliseconds.
    pub flush_ms: u64,
    /// Most events.
    pub events: usize,
    /// Most bytes as AWS counts them: those of the texts in UTF-8, and 26 for each event.
    pub bytes: usize,
    /// Whether it goes packed.
    pub gzip: bool,
}

impl Default for AwsBatching {
    fn default() -> Self {
        Self {
            flush_ms: AWS_FLUSH_MS,
            events: AWS_BATCH_EVENTS_MAX,
            bytes: AWS_BATCH_BYTES_MAX,
            gzip: true,
        }
    }
}

impl AwsBatching {
    /// The same, within what AWS takes.
    pub fn within_bounds(self) -> Self {
        Self {
            events: self.events.clamp(1, AWS_BATCH_EVENTS_MAX),
            bytes: self.bytes.clamp(256, AWS_BATCH_BYTES_MAX),
            ..self
        }
    }
}

/// Metrics that go to CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsMetrics {
    /// Names of `[[metric]]` tables; none: all.
    pub metrics: Vec<String>,
    /// The namespace.
    pub namespace: String,
}

/// Whose rights whoever sends to AWS uses, with what the warden read for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsAccount {
    /// The region, as far as files and the environment say it; `None`: that of the instance.
    pub region: Option<String>,
    /// See [`Aws::endpoint`].
    pub endpoint: Option<String>,
    /// The credentials.
    pub keys: AwsKeys,
    /// Which metrics have which namespace.
    pub metrics: Vec<AwsMetrics>,
    /// The streams that logs go to, in the order of the configuration.
    pub streams: Vec<AwsStream>,
}

/// Where one `[[aws.logs]]` goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsStream {
    /// The log group.
    pub group: String,
    /// See [`AwsLogs::stream`]: with its holes.
    pub stream: String,
    /// See [`AwsLogs::retention_days`].
    pub retention_days: Option<u32>,
    /// Whether batches go packed.
    pub gzip: bool,
}

impl AwsStream {
    /// That of a table.
    pub fn of(logs: &AwsLogs) -> Self {
        Self {
            group: logs.group.clone(),
            stream: logs.stream.clone(),
            retention_days: logs.retention_days,
            gzip: logs.batching.gzip,
        }
    }
}

/// An event of a log on its way to CloudWatch Logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsEvent {
    /// When it happened.
    pub time: Stamp,
    /// Its text; a stranger's.
    pub text: String,
}

/// What became of a batch of them that CloudWatch Logs answered for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AwsRefused {
    /// Events that it refused as too old, or older than what the group keeps.
    pub too_old: u64,
    /// Events that it refused as too far ahead.
    pub too_new: u64,
}

/// Credentials for AWS, or how they are had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsKeys {
    /// They were read.
    Given {
        /// The id of the access key.
        id: String,
        /// The secret access key.
        secret: Secret,
        /// The session token that belongs to it.
        token: Option<Secret>,
    },
    /// The role of this container or instance, which is asked for when it is needed.
    Role {
        /// With which word a container asks for it, if that stands in a file.
        token: Option<Secret>,
    },
}

impl Default for AwsKeys {
    fn default() -> Self {
        Self::Role { token: None }
    }
}

/// The datapoints of one metric in one minute together, until CloudWatch has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSum {
    /// Its number in the ledger, never that of another while it is there.
    pub id: u64,
    /// The namespace that it goes to.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// CloudWatch's word for its unit; empty: none.
    pub unit: String,
    /// Names and values, in the order of the configuration; a value may be a stranger's.
    pub dimensions: Vec<(String, String)>,
    /// The beginning of the minute.
    pub minute: Stamp,
    /// How many datapoints; at least 1.
    pub count: u64,
    /// Their sum.
    pub sum: Amount,
    /// The smallest of them.
    pub least: Amount,
    /// The largest of them.
    pub most: Amount,
}

/// How many days a log group may be told to keep its events.
pub const AWS_RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// The signs of `strptime` that a date pattern may have, each behind `%`.
pub const AWS_DATE_SIGNS: &str = "aAbBdfHIjmMpSyYzZ%";

/// The first sign of a date pattern that is not read, with its `%`; `None` if all are.
pub fn unread_date_sign(pattern: &str) -> Option<String> {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            match chars.next() {
                Some(sign) if AWS_DATE_SIGNS.contains(sign) => {}
                sign => return Some(sign.map_or("%".to_owned(), |sign| format!("%{sign}"))),
            }
        }
    }
    None
}

/// What a log stream's name may be made of.
pub const AWS_STREAM_HOLES: [&str; 3] = ["instance_id", "hostname", "ip_address"];

/// Whether a log group can have this name: 1 to 512 letters, digits and `_-/.#`.
///
/// # Errors
/// Why it cannot.
pub fn check_group(name: &str) -> Result<(), &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte);
    match () {
        () if name.is_empty() => Err("the name of a log group is empty"),
        () if name.len() > 512 => Err("the name of a log group has 512 characters at most"),
        () if !name.bytes().all(fits) => {
            Err("the name of a log group has only letters, digits and _ - / . #")
        }
        () => Ok(()),
    }
}

/// Whether a log stream can have this name, with its values still to be put in.
///
/// # Errors
/// Why it cannot.
pub fn check_stream(name: &str) -> Result<(), &'static str> {
    const UNKNOWN: &str = "only {instance_id}, {hostname} and {ip_address} are put in";
    let mut rest = name;
    while let Some((_, after)) = rest.split_once('{') {
        let (hole, behind) = after.split_once('}').ok_or(UNKNOWN)?;
        if !AWS_STREAM_HOLES.contains(&hole) {
            return Err(UNKNOWN);
        }
        rest = behind;
    }
    match () {
        () if name.is_empty() => Err("the name of a log stream is empty"),
        () if name.chars().count() > 512 => {
            Err("the name of a log stream has 512 characters at most")
        }
        () if name.contains([':', '*']) => Err("the name of a log stream has no : and no *"),
        () if name.contains(char::is_control) => {
            Err("the name of a log stream has no control characters")
        }
        () => Ok(()),
    }
}

/// The name of a stream with its values put in, as `value` knows them; `None` if one is not known.
/// What a value has that the name of a stream may not have becomes `_`.
pub fn stream_name(name: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut made = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, behind) = after.split_once('}')?;
        made.push_str(before);
        let value = value(hole)?;
        let plain = |c: char| if c == ':' || c == '*' || c.is_control() { '_' } else { c };
        made.extend(value.chars().map(plain));
        rest = behind;
    }
    made.push_str(rest);
    Some(made.chars().take(512).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_aws_takes() {
        assert_eq!(check_group("/var/log/messages"), Ok(()));
        assert_eq!(check_stream("{instance_id}"), Ok(()));
        assert_eq!(check_stream("web-{hostname}-{ip_address}"), Ok(()));
        for wrong in ["", "a b", "a:b", "門", &"x".repeat(513)] {
            assert!(check_group(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "a:b", "a*", "{instance}", "{hostname", "a\nb", &"x".repeat(513)] {
            assert!(check_stream(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_put_into_the_name_of_a_stream() {
        let value = |hole: &str| match hole {
            "hostname" => Some("web1".to_owned()),
            "ip_address" => Some("fd00::1".to_owned()),
            _ => None,
        };
        assert_eq!(stream_name("a-{hostname}", value).as_deref(), Some("a-web1"));
        assert_eq!(stream_name("{ip_address}", value).as_deref(), Some("fd00__1"));
        assert_eq!(stream_name("{instance_id}", value), None);
    }
}
