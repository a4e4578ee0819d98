//! How each role comes to its rights, in one visible order.

pub mod sandbox;
pub mod warden;
pub mod watcher;
