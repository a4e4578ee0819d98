//! Detectors: they count sightings and conclude findings.

mod alarms;
mod connections;
mod entries;
mod evidence;
mod hammering;
mod logins;
mod places;

pub(crate) use alarms::Alarms;
pub use alarms::Uncounted;
pub(crate) use connections::{Connection, Told};
pub(crate) use entries::{Entries, Line, Met, family, is_of_root};
pub(crate) use evidence::{EvidenceLine, LineTold};
pub(crate) use hammering::{Full, Mark, Tally, try_key};
pub(crate) use logins::Success;
pub(crate) use places::Places;
