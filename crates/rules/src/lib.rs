//! Rule files, compiled into a matcher that turns a [`monban_model::Line`] into a
//! [`monban_model::Sighting`].
//!
//! A rule is a log line with its changing parts named. Its optional parts are expanded into
//! linear patterns, each is compiled into steps over bytes ([`mod@linear`]), patterns that begin
//! alike are merged ([`mod@tree`]), and a message finds the few patterns that may fit it by the
//! program of its head ([`mod@programs`]) and by its first bytes ([`mod@trie`]). Nothing is
//! allocated for a line, and no step looks at a byte more than a bounded number of times.
//!
//! Metrics have a language of their own, that of CloudWatch Logs: [`mod@metric`].
//!
//! The address that is reported is never one that an attacker typed: [`mod@linear`] refuses
//! patterns that would let him, [`mod@overlap`] compares the rules of a service with each other,
//! and [`mod@hostile`] tries it.
#![forbid(unsafe_code)]
// The modules are named above for the reader of the source; they are not public.
#![allow(rustdoc::private_intra_doc_links)]

mod bytes;
mod check;
mod class;
mod clock;
mod details;
mod field;
mod file;
mod filter;
mod found;
mod gist;
mod groups;
mod head;
mod hostile;
mod json;
mod key;
mod last_tag;
mod linear;
mod memo;
mod metric;
mod needs;
mod number;
#[cfg(test)]
mod oracle_tests;
mod overlap;
mod pattern;
mod programs;
mod quad;
mod read;
mod regex;
mod scan;
mod scratch;
mod service;
mod set;
mod shape;
mod sieve;
mod table;
mod texts;
mod tree;
mod trie;

pub use clock::Clock;
pub use found::Found;
pub use hostile::{HostileLine, Share, TRUE_ADDRESS, TYPED_ADDRESS};
pub use metric::{
    Clause, Dimensions, Explanation, FieldName, FieldText, MetricCaptures, MetricPattern,
    MetricReader, MetricReading, MetricScratch, MetricSet, PatternError, Relation, Trap, ValueOf,
};
pub use read::{Reading, Seen};
pub use scratch::Scratch;
pub use service::{Example, Rule, Service, ShapeName, Wording};
pub use set::{RuleSet, RuleText};
pub use sieve::Sieve;
