//! How each role comes to its rights, in one visible order.

pub mod actor;
mod ahead;
mod begin;
pub mod control;
pub mod courier;
pub mod equipment;
pub mod jails;
mod lock;
pub mod runner;
pub mod sandbox;
mod signals;
mod theirs;
pub mod warden;
pub mod watcher;
