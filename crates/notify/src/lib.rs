//! From publications to deliveries: topics, groups, rates, silences, retries. As pure as the
//! engine: no clock, file, socket, thread or randomness; the same input gives the same deliveries.
//!
//! ```text
//! Publication -> topics -> Group -> each subscription -> held back or queued -> Deliver
//!                             (group.rs)      (offer.rs)             (queue.rs)
//! ```
//!
//! [`Router::step`] takes the time and one [`Input`] and appends [`Effect`]s. Whoever calls it
//! makes the letter from the records that a [`Deliver`] names, sends it, and tells the
//! [`Outcome`]. [`Router::take_rows`] gives what changed, to be committed with everything else;
//! [`Router::new`] goes on from these rows, and what was underway is handed out again under the
//! same name.
//!
//! Conventions are those of Prometheus' Alertmanager where they fit: groups, repeats, silences,
//! inhibition; it rather tells twice than not at all.
#![forbid(unsafe_code)]

mod bunch;
mod command;
mod confirm;
mod effect;
mod escalate;
mod failing;
mod firing;
mod flush;
mod group;
mod input;
mod logins;
mod mute;
mod offer;
mod publish;
mod queue;
mod quiet;
mod report;
mod router;
mod rows;
mod shelf;
mod status;
mod subscriber;

pub use effect::{Answer, Deliver, Effect, Reason, Refused, Service};
pub use input::{Command, Input, Moment, Outcome, Purpose, Telling};
pub use logins::tell_login;
pub use router::Router;
pub use status::{
    Counters, Figures, Health, QueuedStatus, SilenceStatus, State, SubscriptionStatus,
};
