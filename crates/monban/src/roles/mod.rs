//! How each role comes to its rights, in one visible order.

mod begin;
pub mod sandbox;
pub mod warden;
pub mod watcher;
