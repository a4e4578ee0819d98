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
mod by_source;
mod endpoint;
mod jail;
mod letter;
pub mod limits;
mod line;
mod login;
mod policy;
mod problem;
mod publication;
mod quick;
mod record;
mod rotation;
mod set_name;
mod sighting;
mod state;
mod suggest;
mod time;
pub mod wire;

pub use address::{Address, AddressError, Net, Subject};
pub use by_source::{BySource, JOURNAL};
pub use endpoint::{Endpoint, MailBy, Relay, Secret, SecretAt, Security, Shape, SyslogAt, Webhook};
pub use jail::{
    ActionFailure, JailAnswer, JailJob, JailOrder, JailOutcome, JailRepairs, JailResult, Refusal,
};
pub use letter::{Fact, Letter, Passage, Picture, Setting, Severity, Standing, Theme};
pub use line::{Line, SourceId};
pub use login::{Earlier, HostFinding, Login, ToldBy};
pub use policy::{Backoff, Catalog, Policy, Reach, RuleInfo, Scope, ServiceInfo, Window};
pub use problem::Problem;
pub use publication::Publication;
pub use quick::{QuickHasher, QuickState};
pub use record::{
    Because, Decision, Event, Evidence, Finding, FindingKind, Notice, Order, OrderAct, OrderId,
    Outcome, OutcomeResult, Record, Seq, Verdict,
};
pub use rotation::{Rotation, Turn, sort_oldest_first};
pub use set_name::{SetName, TableFamily};
pub use sighting::{
    Also, CLOSE, ConnectionKey, Details, Kind, KindSet, RuleId, ServiceId, Sighting, WITNESSES,
    Witness,
};
pub use state::{
    BlockRow, ConnectionRow, HistoryRow, JailBan, JailRow, JailRowKind, Made, PlaceRow,
    PositionRow, StateRow, SuccessRow, Tail, TakeChanges, TallyHead, TallyLine, TallyLineRef,
    TallyRow,
};
pub use suggest::closest;
pub use time::{Stamp, civil_from_days, days_from_civil, parse_duration_s, show_duration};
