//! Detectors: they count sightings and conclude findings.

mod connections;
mod hammering;
mod logins;

pub(crate) use connections::{Connection, Told};
pub(crate) use hammering::{EvidenceLine, Full, LineTold, Mark, Tally, try_key};
pub(crate) use logins::Success;
