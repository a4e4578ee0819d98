//! Python's `re` (of CPython 3.11 and later, for `str`): the parser, the tree, and two engines
//! that give the same matches as CPython.
#![forbid(unsafe_code)]

pub mod ast;
mod backtrack;
mod chars;
mod error;
mod ir;
mod linear;
mod parse;
mod regex;
mod rewrite;
mod simplify;
mod width;

pub use error::{Error, Hint};
pub use parse::parse;
pub use regex::{EngineKind, Match, Overrun, Regex};
pub use rewrite::localise_flags;

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
