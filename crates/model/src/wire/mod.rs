//! Frames between the roles, and between the command line and the daemon.
//!
//! One frame is one packet of a `SOCK_SEQPACKET` socket: a verb number and its fields, all
//! lengths bounded. Numbers are little-endian. Nothing is skipped: a frame with a byte too many
//! or too few, an unknown verb or a length over its limit is an error, and the side that sees it
//! ends the conversation. Both ends are always the same build, so there is no version.

mod actor;
mod client;
mod codec;
mod courier;
mod jail;
mod warden;
mod watcher;

pub use actor::{FromActor, ToActor};
pub use client::{Mode, Refusal, Reply, Request, StatusReply};
pub use codec::{FrameError, Reader, Wire, Writer, decode, encode};
pub use courier::{FromCourier, ToCourier};
pub use warden::{SiblingsOf, ToWarden, WireAct, WireOrder};
pub use watcher::{Command, Offered, ToWatcher};
