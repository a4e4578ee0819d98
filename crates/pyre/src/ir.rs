//! The tree with all flags resolved: what the two engines are made from.

use std::collections::HashMap;
use std::sync::Arc;

use regex_syntax::hir::ClassUnicode;

use crate::ast::{Anchor, Ast, Class, ClassItem, Flags, Kind, Node, RepeatMode};
use crate::chars;
use crate::width;

/// A node whose meaning depends on nothing around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ir {
    Empty,
    /// One character as it is.
    Char(char),
    /// One character of a set. Sets that are written alike are shared: `\w` has 6 KiB.
    Set(Arc<ClassUnicode>),
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
    Lowering { widths: group_widths(ast), sets: HashMap::new() }.node(&ast.root)
}

struct Lowering {
    widths: Vec<Option<width::Width>>,
    /// Sets by how they are written.
    sets: HashMap<(Class, Flags), Ir>,
}

impl Lowering {
    fn node(&mut self, node: &Node) -> Ir {
        let flags = node.flags;
        match &node.kind {
            Kind::Empty => Ir::Empty,
            Kind::Literal(c) if !flags.ignore_case => Ir::Char(*c),
            Kind::Literal(c) => self.set(false, ClassItem::Range(*c, *c), flags),
            Kind::Dot if flags.dot_all => self.set(false, ClassItem::Range('\0', char::MAX), flags),
            Kind::Dot => self.set(true, ClassItem::Range('\n', '\n'), flags),
            Kind::Class(class) => self.class(class.clone(), flags),
            Kind::Anchor(anchor) => Ir::At(place(*anchor, flags)),
            Kind::Concat(nodes) => Ir::Concat(self.nodes(nodes)),
            Kind::Alternation(nodes) => Ir::Alternation(self.nodes(nodes)),
            Kind::Repeat { node, min, max, mode } => {
                let node = self.boxed(node);
                Ir::Repeat(Repeat { node, min: *min, max: *max, mode: *mode })
            }
            Kind::Group { index: None, node } => self.node(node),
            Kind::Group { index: Some(index), node } => Ir::Capture(*index, self.boxed(node)),
            Kind::Atomic(node) => Ir::Atomic(self.boxed(node)),
            Kind::Look { behind, negated, node } => {
                let length = width::of(node, &self.widths).min;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let behind = behind.then_some(length);
                Ir::Look(Look { behind, negated: *negated, node: self.boxed(node) })
            }
            Kind::Backref(group) => {
                let fold = match (flags.ignore_case, flags.ascii) {
                    (false, _) => Fold::Exact,
                    (true, true) => Fold::Ascii,
                    (true, false) => Fold::Unicode,
                };
                Ir::Backref { group: *group, fold }
            }
            Kind::Conditional { group, yes, no } => {
                let (yes, no) = (self.boxed(yes), self.boxed(no));
                Ir::Conditional { group: *group, yes, no }
            }
        }
    }

    fn nodes(&mut self, nodes: &[Node]) -> Vec<Ir> {
        nodes.iter().map(|node| self.node(node)).collect()
    }

    fn boxed(&mut self, node: &Node) -> Box<Ir> {
        Box::new(self.node(node))
    }

    fn set(&mut self, negated: bool, item: ClassItem, flags: Flags) -> Ir {
        self.class(Class { negated, items: vec![item] }, flags)
    }

    fn class(&mut self, class: Class, flags: Flags) -> Ir {
        let known = self.sets.entry((class, flags));
        let new = |(class, flags): &(Class, Flags)| one_of(chars::class(class, *flags));
        known.or_insert_with_key(new).clone()
    }
}

fn one_of(set: ClassUnicode) -> Ir {
    match set.ranges() {
        [range] if range.start() == range.end() => Ir::Char(range.start()),
        _ => Ir::Set(Arc::new(set)),
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
