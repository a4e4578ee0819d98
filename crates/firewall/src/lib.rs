//! Orders into kernel state: the table `inet monban` of nftables, over netlink.
//!
//! ```text
//! Change -> Plan (set elements) -> Batch (bytes) -> Socket -> kernel
//!           target.rs, plan.rs     encode.rs        socket.rs
//! ```
//!
//! [`Nftables`] is the only way in to monban's own table, and [`SetWriter`] to sets of others.
//! A [`Change`] blocks or frees a subject; many of them are one
//! transaction of the kernel. The kernel ends blocks by itself, so they end also when monban is
//! dead. [`Watch`] tells when somebody else takes our table away.
//!
//! No program is started and nothing is parsed from text. Absent on purpose: the `nft` program's
//! language, NAT, and any rule that does not drop; a rule set is the administrator's.
//!
//! The bytes follow `linux/netfilter/nf_tables.h` and `nfnetlink.h`; `uapi.rs` holds what is used.
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate self as monban_firewall;

mod change;
mod decode;
mod elements;
mod encode;
mod error;
mod expression;
mod form;
mod layout;
mod nftables;
mod placed;
mod plan;
mod read;
mod set_writer;
mod socket;
mod spans;
mod target;
mod uapi;
mod verify;
mod watch;

pub use change::{Change, Dropped, Held, Placed, Probe, Refused};
pub use error::FirewallError;
pub use nftables::Nftables;
pub use set_writer::{NotWritten, SetWriter};
pub use target::Target;
pub use watch::{Foreign, Watch};
