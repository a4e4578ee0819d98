//! To AWS: CloudWatch Logs, CloudWatch and SNS, with signatures of our own.
//!
//! What the services take is in AWS's API references; the numbers are those of 2026.
//!
//! # Absent on purpose
//! AWS's own SDK: 178 crates for three calls. Files: credentials come as data. Proxies and
//! redirects: what is signed goes to whom it was signed for.

mod alarm;
mod batcher;
mod client;
mod dates;
mod exchange;
mod fault;
mod holder;
mod keys;
mod letter;
mod line_dates;
mod line_events;
mod logs;
mod metadata;
mod metrics;
mod regions;
mod resend;
mod sign;
mod sns;
mod xml;

pub use alarm::{AlarmMessage, Child, Metric, Statistic, Trigger};
pub use batcher::{Drops, EVENT_OVERHEAD, LogBatch, LogBatcher, LogEvent};
pub use client::{Client, Service};
pub use exchange::{Endpoint, Patience};
pub use fault::{Cause, Fault, TEXT_MAX};
pub use holder::{Holder, KeysFrom, RENEW_AHEAD_S};
pub use keys::{Keys, shared_value};
pub use line_dates::Zone;
pub use line_events::{LineEvents, LogLine};
pub use logs::{Accepted, LogStream};
pub use metadata::{ContainerAt, INSTANCE, Instance};
pub use metrics::{Datum, Put, PutFailed, Value, check_namespace};
pub use regions::{is_region, partition, region_name};
pub use resend::{After, after};
pub use sign::{Scope, Unsigned, sign};
pub use sns::{Message, Topic, subject};
