//! The router as its caller sees it: times and publications in, deliveries out.

#![allow(clippy::unwrap_used, reason = "in a test that is the failure")]

mod clock;
mod codes;
mod hostile;
mod quiet;
mod retries;
mod rows;
mod stories;
mod world;
