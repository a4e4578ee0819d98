//! Detectors: they count sightings and conclude findings.

mod connections;
mod evidence;
mod hammering;
mod logins;

pub(crate) use connections::{Connection, Told};
pub(crate) use evidence::{EvidenceLine, LineTold};
pub(crate) use hammering::{Full, Mark, Tally, try_key};
pub(crate) use logins::Success;
