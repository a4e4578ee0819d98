//! The heart of monban: sightings in, records and orders out.
//!
//! [`Engine::step`] is a function of its input alone. There is no clock, file, socket, thread or
//! randomness in this crate, and it depends on `monban-model` only; so the same observations give
//! the same records, and crash recovery, `monban scan` and the tests all run this very code.
//!
//! * `watch`: detectors, one file each; they count sightings and conclude findings.
//! * `judge`: what is answered to a finding: allow list, administrators, escalation, blocks.
#![forbid(unsafe_code)]

mod bounded;
mod engine;
mod judge;
mod observation;
mod times;
mod watch;

pub use bounded::Bounded;
pub use engine::{Engine, Evicted, Saved, Setup};
pub use observation::{Counted, Effect, Hooked, Observation};
pub use times::{Clamp, Times};
pub use watch::Uncounted;
