//! Python's `re` (of CPython 3.11 to 3.13, patterns and texts of `str`): a parser, a public tree,
//! and two engines that give the matches and groups that CPython gives.
//!
//! What is regular runs on the linear engine (`linear`): state machines, in linear time on any
//! text. The rest (look-around, references, conditionals, atomic groups, loops whose body can
//! match nothing) runs on ours (`backtrack`), within a bound; [`Overrun`] says that it was reached.
//! Before it, a machine for a larger language sorts out texts that cannot match.
//! Before both stand a glance at the first bytes of the text (`opening`) and, for what is regular,
//! a few steps of our engine, which mostly are enough. An engine is made for the first text that
//! gets that far.
//!
//! Unicode is the default, as in Python, and costs next to nothing: a machine does not hold the
//! thousands of ranges of `\w`, but letters for the few kinds of characters that its pattern tells
//! apart (`alphabet`). [`Options::ascii`] is there for its meaning; it saves some KiB a pattern.
//!
//! What differs from CPython: character names (`\N{...}`) and lone surrogates are refused,
//! and so is a conditional such as `(?( 1)...)`, of which 3.11 only warns; the
//! characters are those of a newer Unicode; a set of several with a capital beyond U+FFFF finds
//! it without regard to case (CPython does not); groups in possessive loops, and conditionals on
//! the group that they stand in, never show what a failed try had set (CPython's do); patterns
//! have the limits of `monban_model::limits`.
#![forbid(unsafe_code)]
// The modules are named above for the reader of the source; they are not public.
#![allow(rustdoc::private_intra_doc_links)]

mod alphabet;
pub mod ast;
mod backtrack;
mod chars;
mod error;
mod ir;
mod linear;
mod needed;
mod opening;
mod parse;
mod regex;
mod rewrite;
mod settled;
mod simplify;
mod trial;
mod width;

pub use error::{Error, Hint};
pub use needed::Needed;
pub use opening::Opening;
pub use parse::parse;
pub use regex::{EngineKind, Match, Overrun, Regex};
pub use rewrite::localise_flags;
pub use trial::Trial;

/// Flags that a pattern is compiled with. By default none is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `re.MULTILINE`: `^` and `$` match at each line.
    pub multiline: bool,
    /// `re.IGNORECASE`: letters of either case.
    pub ignore_case: bool,
    /// `re.DOTALL`: `.` matches a newline, too.
    pub dot_all: bool,
    /// `re.ASCII`: `\w \d \s \b` and the case of letters are those of ASCII.
    pub ascii: bool,
}
