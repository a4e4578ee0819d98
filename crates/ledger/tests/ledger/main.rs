//! The ledger with real files, real kills and real full disks.

#![allow(clippy::unwrap_used, reason = "in a test that is the failure")]

mod crash;
mod disk;
mod figures;
mod reader;
mod roundtrip;
mod sample;
mod start;
mod trim;
