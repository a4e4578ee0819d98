//! The ledger with real files, real kills and real full disks.

#![allow(clippy::unwrap_used, reason = "in a test that is the failure")]

mod alarms;
mod crash;
mod disk;
mod figures;
mod notify;
mod reader;
mod roundtrip;
mod sample;
mod start;
mod trim;
