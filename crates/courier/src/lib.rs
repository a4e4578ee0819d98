//! Everything that leaves this host on purpose, and what comes back: messages, and who an address
//! is. It has no files and no state that outlives it; what it is to do, it is told.
#![forbid(unsafe_code)]

pub mod aws;
mod deliver;
mod dial;
mod dialogue;
mod failure;
pub mod mail;
pub mod shape;
mod syslog;
mod trust;
mod way;
mod webhook;
pub mod who;

#[cfg(test)]
mod tests;

pub use deliver::{Sns, deliver};
pub use dialogue::{Dialogue, Said, Side};
pub use failure::{Delivered, Failure, Refused};
