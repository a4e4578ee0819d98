//! Where lines come from: files that are followed, archives, the journal.
//!
//! Nothing here opens a path while following: the warden opens and passes descriptors, and this
//! crate decides what to read of them, in which order, and how far. Only [`archive`] opens paths
//! itself, for `monban scan`, which runs with the rights of whoever started it.
//!
//! | module | does |
//! |---|---|
//! | [`feed`] | follows files over every style of rotation, each line exactly once |
//! | [`archive`] | reads logs after the fact, packed or not, oldest first |
//! | [`journal`] | reads the byte stream of `journalctl -o export` |
//! | [`unpack`] | gzip, xz, zstd and bzip2, told by their first bytes |
#![forbid(unsafe_code)]

pub mod archive;
pub mod feed;
mod frame;
pub mod journal;
pub mod unpack;

pub use feed::{
    Counters, Feed, FileRef, From, Lost, Notice, Offer, OfferError, Progress, Turns, Want,
};
