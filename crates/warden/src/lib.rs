//! The warden: the one process with rights, and a table of what it does for others.
//!
//! It opens logs and passes their descriptors, keeps the allow list, talks to the kernel's
//! firewall and to operators. It reads no log line, and no byte that a stranger wrote.
#![deny(unsafe_code)]

mod allow;
mod channel;
mod gate;
mod host;
mod keeper;
mod keys;
mod memory;
pub mod pam;
mod presence;
mod replace;
mod sys;
mod wall;

pub use allow::{AllowList, Entry, Origin};
pub use channel::{Channel, Received};
pub use gate::{FileId, Gate, GateError, GateEvent, Opened, Why, Woken};
pub use host::{Host, Load};
pub use keeper::{Keeper, Start, may_have_left};
pub use keys::KeyFileNames;
pub use memory::{memory_file, read_memory_file};
pub use presence::{Lookout, Presence};
pub use sys::ProgramText;
pub use wall::Wall;
