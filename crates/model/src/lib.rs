//! The nouns of monban, and nothing else: no clock, no file, no socket.
//!
//! They stand in one straight line, and every later crate adds one arrow of it:
//!
//! ```text
//! bytes -> Line -> Sighting -> Finding -> Decision -> Order -> Outcome
//! ```
//!
//! | noun | is |
//! |---|---|
//! | [`Line`] | one line of a log: bytes, source, position, arrival time |
//! | [`Sighting`] | what a rule read out of a line |
//! | [`Finding`] | what a detector concludes from sightings |
//! | [`Decision`] | what policy answers to a finding, and why |
//! | [`Order`] | a decision made concrete for a role |
//! | [`Outcome`] | what really happened |
//!
//! Every finding, decision, order and outcome is a [`Record`] in the ledger.
#![forbid(unsafe_code)]

mod address;
mod alarm;
mod aws;
mod by_source;
mod endpoint;
mod entry;
mod jail;
mod label;
mod letter;
pub mod limits;
mod line;
mod login;
mod mail_address;
mod matcher;
mod origin;
mod policy;
mod problem;
mod publication;
mod quick;
mod record;
mod report;
mod rotation;
mod set_name;
mod shown;
mod sighting;
mod special;
mod state;
mod suggest;
mod time;
mod topic;
mod who;
pub mod wire;

pub use address::{Address, AddressError, Net, Subject};
pub use alarm::{
    AlarmChange, AlarmMemory, AlarmPoint, AlarmRow, AlarmRule, AlarmSpec, AlarmState, Amount,
    AtLeast, BLOCKS_METRIC, Bounds, ChildState, Comparison, Contributor, Datapoint, Edge,
    Generation, Measure, MetricSpec, Missing, Per, Reason, RuleError, Semantics, Slice, Statistic,
    TopEntry, Watch, Watched, is_built_in,
};
pub use aws::{
    AWS_DATE_SIGNS, AWS_RETENTION_DAYS, AWS_STREAM_HOLES, Aws, AwsAccount, AwsBatching,
    AwsCredentials, AwsDates, AwsEvent, AwsEventStart, AwsKeys, AwsLogs, AwsMetrics, AwsRefused,
    AwsStream, AwsSum, check_group, check_stream, stream_name, unread_date_sign,
};
pub use by_source::{BySource, JOURNAL};
pub use endpoint::{
    Endpoint, MailBy, Relay, Secret, SecretAt, Secrets, Security, Shape, SyslogAt, Webhook,
};
pub use entry::{EntryRow, EntryStage};
pub use jail::{
    ActionFailure, JailAnswer, JailJob, JailOrder, JailOutcome, JailRepairs, JailResult, Refusal,
};
pub use label::Label;
pub use letter::{Fact, Letter, Passage, Picture, Setting, Severity, Standing, Theme};
pub use line::{Line, SourceId};
pub use login::{Earlier, HostFinding, Login, ToldBy};
pub use mail_address::{is_host_name, is_mail_address};
pub use matcher::{Matcher, MatcherError, glob_fits};
pub use origin::{ByOrigin, ORIGIN_KINDS, OneOf, OriginAct, OriginLogin, OriginRule};
pub use policy::{Backoff, Catalog, Policy, Reach, RuleInfo, Scope, ServiceInfo, Window};
pub use problem::Problem;
pub use publication::Publication;
pub use quick::{QuickHasher, QuickState};
pub use record::{
    Because, Decision, Event, Evidence, Finding, FindingKind, Notice, Order, OrderAct, OrderId,
    Outcome, OutcomeResult, Record, Seq, Verdict,
};
pub use report::{ReportId, ReportKind, ReportTime, Reports};
pub use rotation::{Rotation, Turn, sort_oldest_first};
pub use set_name::{SetName, TableFamily};
pub use shown::{is_hidden, shown};
pub use sighting::{
    Also, CLOSE, ConnectionKey, Details, Kind, KindSet, RuleId, ServiceId, Sighting, WITNESSES,
    Witness,
};
pub use special::Special;
pub use state::{
    BlockRow, ConnectionRow, HistoryRow, JailBan, JailRow, JailRowKind, Made, PlaceRow,
    PositionRow, StateRow, SuccessRow, Tail, TakeChanges, TallyHead, TallyLine, TallyLineRef,
    TallyRow,
};
pub use suggest::closest;
pub use time::{MONTHS, Stamp, civil_from_days, days_from_civil, parse_duration_s, show_duration};
pub use topic::{
    CodeHash, Escalation, Inhibition, LoginRule, Logins, MuteWindow, Notify, NotifyContent,
    NotifyRow, NotifyRowKind, Rate, Silence, Subscription, Tell, Topic,
};
pub use who::{AbuseFrom, Asn, Country, Origin, Registry, Span, Who, WhoAnswer};
