//! A compiled pattern and its matches.

use std::fmt;

use regex_automata::util::primitives::NonMaxUsize;

use crate::Options;
use crate::ast::Ast;
use crate::error::Error;
use crate::ir;
use crate::linear::{self, Linear};
use crate::parse::parse;

/// A Python regular expression (of a `str`).
pub struct Regex {
    pattern: String,
    group_names: Vec<Option<String>>,
    linear: Linear,
}

/// What matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// Finite state machines: linear time on any text.
    Linear,
    /// Backtracking with a bound: for look-around, references, conditionals and the like.
    Backtracking,
}

/// The bound on backtracking was reached: it is not known whether the pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bound on backtracking was reached")
    }
}

impl std::error::Error for Overrun {}

/// Where a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    spans: Vec<Option<(usize, usize)>>,
}

impl Match {
    /// Bytes from and to of a group, 0 being all; `None` if it took no part or does not exist.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// The same by the group's name.
    pub fn named(&self, regex: &Regex, name: &str) -> Option<(usize, usize)> {
        self.span(regex.group(name)?)
    }
}

impl Regex {
    /// Compiles a pattern.
    pub fn new(pattern: &str, options: Options) -> Result<Self, Error> {
        let ast = parse(pattern, options)?;
        Self::from_ast(pattern, ast)
    }

    fn from_ast(pattern: &str, ast: Ast) -> Result<Self, Error> {
        let ir = ir::of(&ast);
        let linear = linear::is_regular(&ir).then(|| Linear::new(ir)).flatten();
        let linear = linear.ok_or_else(|| Error::new(0, "cannot be compiled yet"))?;
        Ok(Self { pattern: pattern.to_owned(), group_names: ast.group_names, linear })
    }

    /// The leftmost match, as `re.search`.
    pub fn search(&self, text: &str) -> Result<Option<Match>, Overrun> {
        self.search_at(text, 0)
    }

    /// The leftmost match at or after the byte `start`, as `pattern.search(text, pos)`: what
    /// stands before is seen by look-behinds, `\b` and `^`.
    pub fn search_at(&self, text: &str, start: usize) -> Result<Option<Match>, Overrun> {
        let mut start = start.min(text.len());
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let mut slots: Vec<Option<NonMaxUsize>> = vec![None; 2 * self.group_names.len()];
        match self.linear.search(text, start, &mut slots) {
            Ok(true) => {
                let place = |slot: &Option<NonMaxUsize>| slot.map(NonMaxUsize::get);
                let spans = slots.chunks_exact(2).map(|pair| place(&pair[0]).zip(place(&pair[1])));
                Ok(Some(Match { spans: spans.collect() }))
            }
            Ok(false) => Ok(None),
            Err(_) => Err(Overrun),
        }
    }

    /// Names of the groups; the index is the number. Group 0 has none.
    pub fn group_names(&self) -> &[Option<String>] {
        &self.group_names
    }

    /// The number of the group with this name.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.group_names.iter().position(|known| known.as_deref() == Some(name))
    }

    /// How many groups there are, without group 0.
    pub fn group_count(&self) -> usize {
        self.group_names.len() - 1
    }

    /// What matches it.
    pub fn engine(&self) -> EngineKind {
        EngineKind::Linear
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}
