//! The engine for what is not regular: look-around, references, conditionals, atomic groups, and
//! loops whose body can match nothing.
//!
//! It does what CPython's own engine does, in the same order, with groups that are set back when
//! it goes back. What it may spend on one search is bounded.

mod first;
mod program;
mod run;
mod span;
mod start;

pub(crate) use program::Program;
pub(crate) use run::Scratch;
pub(crate) use start::is_tied_to_start;
