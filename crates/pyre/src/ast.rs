//! The tree of a pattern. Checks (anchors, fields that a stranger fills, costly loops) and the
//! extraction of literals read it; the engines are made from it.

use std::ops::Range;

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ast {
    /// The whole pattern.
    pub root: Node,
    /// Names of the groups. The index is the group's number; group 0 is the whole match and has
    /// no name.
    pub group_names: Vec<Option<String>>,
    /// The flags of the whole pattern: those it was parsed with and its own, as `(?i)` in front.
    pub flags: Flags,
}

/// What changes the meaning of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// `i`: letters of either case.
    pub ignore_case: bool,
    /// `m`: `^` and `$` match at each line.
    pub multiline: bool,
    /// `s`: `.` matches a newline, too.
    pub dot_all: bool,
    /// `a`: `\w \d \s \b` and the case of letters are those of ASCII.
    pub ascii: bool,
    /// `x`: white space and comments in the pattern mean nothing.
    pub verbose: bool,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it is written, in bytes of the pattern.
    pub span: Range<usize>,
    /// The flags that hold there.
    pub flags: Flags,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing; it always matches.
    Empty,
    /// One character, as itself or as an escape.
    Literal(char),
    /// `.`
    Dot,
    /// `[...]`, `\w` and their like.
    Class(Class),
    /// A place: `^ $ \A \Z \b \B`.
    Anchor(Anchor),
    /// One after the other; at least two.
    Concat(Vec<Node>),
    /// One of them, tried in this order; at least two.
    Alternation(Vec<Node>),
    /// The node again and again.
    Repeat {
        /// What is repeated.
        node: Box<Node>,
        /// How often at least.
        min: u32,
        /// How often at most; `None` is without end.
        max: Option<u32>,
        /// What is tried first, and whether the rest is tried at all.
        mode: RepeatMode,
    },
    /// `(...)` with its number, or `(?:...)` and `(?i:...)` without one.
    Group {
        /// The number of the group if it captures.
        index: Option<usize>,
        /// What is in it.
        node: Box<Node>,
    },
    /// `(?>...)`: what matched first stays.
    Atomic(Box<Node>),
    /// `(?=...) (?!...) (?<=...) (?<!...)`.
    Look {
        /// Whether it looks back.
        behind: bool,
        /// Whether it must not match.
        negated: bool,
        /// What is looked for.
        node: Box<Node>,
    },
    /// `\1`, `(?P=name)`: the text of that group again.
    Backref(usize),
    /// `(?(1)yes|no)`, `(?(name)yes|no)`.
    Conditional {
        /// The group that must have matched for `yes`.
        group: usize,
        /// What is to match if it did.
        yes: Box<Node>,
        /// What is to match if not.
        no: Box<Node>,
    },
}

/// A place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// `^`: the start; with the multiline flag also after each `\n`.
    Start,
    /// `$`: the end and before a final `\n`; with the multiline flag the end and before each `\n`.
    End,
    /// `\A`: the start.
    TextStart,
    /// `\Z`: the end, not before a final `\n`.
    TextEnd,
    /// `\b`: between a character of a word and another one. Never in an empty text.
    Word,
    /// `\B`: where `\b` is not, but never in an empty text either (CPython before 3.14).
    NotWord,
}

/// How a repetition decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatMode {
    /// `*`: as often as possible first.
    Greedy,
    /// `*?`: as seldom as possible first.
    Lazy,
    /// `*+`: as often as possible, and nothing else is tried.
    Possessive,
}

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// `[^...]`.
    pub negated: bool,
    /// What is in it. Never empty.
    pub items: Vec<ClassItem>,
}

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassItem {
    /// From one character to another, both included; one character is a range as well.
    Range(char, char),
    /// `\w`, `\D` and so on.
    Perl {
        /// Which kind of characters.
        kind: PerlKind,
        /// Whether it is the capital form: all others.
        negated: bool,
    },
}

/// The kinds that have a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PerlKind {
    /// `\d`
    Digit,
    /// `\s`
    Space,
    /// `\w`
    Word,
}
