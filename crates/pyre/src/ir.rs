//! The tree with all flags resolved: what the two engines are made from.

use regex_syntax::hir::ClassUnicode;

use crate::ast::{Anchor, Ast, Flags, Kind, Node, RepeatMode};
use crate::chars;
use crate::width;

/// A node whose meaning depends on nothing around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ir {
    Empty,
    /// One character as it is.
    Char(char),
    /// One character of a set.
    Set(ClassUnicode),
    At(At),
    Concat(Vec<Ir>),
    Alternation(Vec<Ir>),
    Repeat(Repeat),
    Capture(usize, Box<Ir>),
    Atomic(Box<Ir>),
    Look(Look),
    Backref {
        group: usize,
        fold: Fold,
    },
    Conditional {
        group: usize,
        yes: Box<Ir>,
        no: Box<Ir>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub(crate) node: Box<Ir>,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    pub(crate) mode: RepeatMode,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// How many characters it looks back; `None` looks ahead.
    pub(crate) behind: Option<usize>,
    pub(crate) negated: bool,
    pub(crate) node: Box<Ir>,
}

/// A place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    TextStart,
    LineStart,
    TextEnd,
    LineEnd,
    /// The end and before a final `\n`.
    LastLineEnd,
    Word {
        ascii: bool,
        negated: bool,
    },
}

/// How a reference compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Exact,
    Ascii,
    Unicode,
}

/// Resolves the flags of a tree.
pub(crate) fn of(ast: &Ast) -> Ir {
    lower(&ast.root, &group_widths(ast))
}

fn lower(node: &Node, widths: &[Option<width::Width>]) -> Ir {
    let all = |nodes: &[Node]| nodes.iter().map(|node| lower(node, widths)).collect();
    match &node.kind {
        Kind::Empty => Ir::Empty,
        Kind::Literal(c) if !node.flags.ignore_case => Ir::Char(*c),
        Kind::Literal(c) => one_of(chars::literal(*c, node.flags)),
        Kind::Dot => Ir::Set(chars::dot(node.flags)),
        Kind::Class(class) => one_of(chars::class(class, node.flags)),
        Kind::Anchor(anchor) => Ir::At(place(*anchor, node.flags)),
        Kind::Concat(nodes) => Ir::Concat(all(nodes)),
        Kind::Alternation(nodes) => Ir::Alternation(all(nodes)),
        Kind::Repeat { node, min, max, mode } => {
            let node = Box::new(lower(node, widths));
            Ir::Repeat(Repeat { node, min: *min, max: *max, mode: *mode })
        }
        Kind::Group { index: None, node } => lower(node, widths),
        Kind::Group { index: Some(index), node } => {
            Ir::Capture(*index, Box::new(lower(node, widths)))
        }
        Kind::Atomic(node) => Ir::Atomic(Box::new(lower(node, widths))),
        Kind::Look { behind, negated, node } => {
            let length = usize::try_from(width::of(node, widths).min).unwrap_or(usize::MAX);
            let node = Box::new(lower(node, widths));
            Ir::Look(Look { behind: behind.then_some(length), negated: *negated, node })
        }
        Kind::Backref(group) => {
            let fold = match (node.flags.ignore_case, node.flags.ascii) {
                (false, _) => Fold::Exact,
                (true, true) => Fold::Ascii,
                (true, false) => Fold::Unicode,
            };
            Ir::Backref { group: *group, fold }
        }
        Kind::Conditional { group, yes, no } => Ir::Conditional {
            group: *group,
            yes: Box::new(lower(yes, widths)),
            no: Box::new(lower(no, widths)),
        },
    }
}

fn one_of(set: ClassUnicode) -> Ir {
    match set.ranges() {
        [range] if range.start() == range.end() => Ir::Char(range.start()),
        _ => Ir::Set(set),
    }
}

fn place(anchor: Anchor, flags: Flags) -> At {
    match (anchor, flags.multiline) {
        (Anchor::Start, true) => At::LineStart,
        (Anchor::Start, false) | (Anchor::TextStart, _) => At::TextStart,
        (Anchor::End, true) => At::LineEnd,
        (Anchor::End, false) => At::LastLineEnd,
        (Anchor::TextEnd, _) => At::TextEnd,
        (Anchor::Word, _) => At::Word { ascii: flags.ascii, negated: false },
        (Anchor::NotWord, _) => At::Word { ascii: flags.ascii, negated: true },
    }
}

/// The widths of all groups, in the order of their ends, as references need them.
fn group_widths(ast: &Ast) -> Vec<Option<width::Width>> {
    let mut widths = vec![None; ast.group_names.len()];
    fill(&ast.root, &mut widths);
    widths
}

fn fill(node: &Node, widths: &mut [Option<width::Width>]) {
    match &node.kind {
        Kind::Concat(nodes) | Kind::Alternation(nodes) => {
            nodes.iter().for_each(|node| fill(node, widths));
        }
        Kind::Repeat { node, .. } | Kind::Atomic(node) | Kind::Look { node, .. } => {
            fill(node, widths);
        }
        Kind::Conditional { yes, no, .. } => {
            fill(yes, widths);
            fill(no, widths);
        }
        Kind::Group { index, node } => {
            fill(node, widths);
            let width = width::of(node, widths);
            if let Some(slot) = index.and_then(|index| widths.get_mut(index)) {
                *slot = Some(width);
            }
        }
        _ => {}
    }
}
