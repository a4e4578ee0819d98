//! Frames between the roles, and between the command line and the daemon.
//!
//! One frame is one packet of a `SOCK_SEQPACKET` socket: a verb number and its fields, all
//! lengths bounded. Numbers are little-endian. Nothing is skipped: a frame with a byte too many
//! or too few, an unknown verb or a length over its limit is an error, and the side that sees it
//! ends the conversation. Both ends are always the same build, so there is no version.

mod actor;
mod alarm;
mod aws;
mod client;
mod codec;
mod courier;
mod endpoint;
mod entry;
mod hook;
mod jail;
mod lane;
mod letter;
mod notify;
mod pam;
mod warden;
mod watcher;
mod who;

pub use actor::{FromActor, ToActor};
pub use alarm::{alarm_bytes, alarm_from_bytes};
pub use aws::{decode_events, decode_sum, decode_sums, encode_events, encode_sum, encode_sums};
pub use client::{Mode, Refusal, Reply, Request, StatusReply};
pub use codec::{FrameError, Reader, Wire, Writer, decode, decode_long, encode, encode_long};
pub use courier::{FromCourier, FromRunner, ToCourier, ToRunner};
pub use entry::{decode_entries, encode_entries};
pub use hook::{HookFlaw, HookState};
pub use lane::{
    Equipment, Equipped, Errand, Peer, Report, Returned, Taken, decode_equipment, encode_equipment,
};
pub use letter::{decode_letter, encode_letter};
pub use notify::NotifyRequest;
pub use pam::{AuthMethod, PamEvent, PamType};
pub use warden::{SiblingsOf, ToWarden, WireAct, WireOrder};
pub use watcher::{Command, Offered, ToWatcher};
