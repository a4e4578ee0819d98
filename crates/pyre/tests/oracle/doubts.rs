//! Two constructs where CPython's answer comes from tries that failed, and where ours does not.

use monban_pyre::ast::{Kind, Node, RepeatMode};

/// What of CPython's answer is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    None,
    /// The groups, but what matched.
    Groups,
    /// All: it asks for such a group.
    Everything,
}

/// Doubts a pattern that captures a group in a possessive loop, or whose conditional asks for a
/// group that it stands in. CPython (seen with 3.11) sets groups back only within other loops, so
/// the groups show what a failed try had set; it even says "please report a bug".
pub fn of(node: &Node) -> Doubt {
    if !walk(node, false, &mut Vec::new()) {
        Doubt::None
    } else if asks(node) {
        Doubt::Everything
    } else {
        Doubt::Groups
    }
}

fn asks(node: &Node) -> bool {
    match &node.kind {
        Kind::Backref(_) | Kind::Conditional { .. } => true,
        Kind::Concat(nodes) | Kind::Alternation(nodes) => nodes.iter().any(asks),
        Kind::Repeat { node, .. }
        | Kind::Group { node, .. }
        | Kind::Atomic(node)
        | Kind::Look { node, .. } => asks(node),
        _ => false,
    }
}

fn walk(node: &Node, possessive: bool, open: &mut Vec<usize>) -> bool {
    match &node.kind {
        Kind::Concat(nodes) | Kind::Alternation(nodes) => {
            nodes.iter().any(|node| walk(node, possessive, open))
        }
        Kind::Repeat { node, mode, .. } => {
            walk(node, possessive || *mode == RepeatMode::Possessive, open)
        }
        Kind::Group { index, node } => {
            open.extend(index);
            let found = (possessive && index.is_some()) || walk(node, possessive, open);
            open.truncate(open.len() - usize::from(index.is_some()));
            found
        }
        Kind::Atomic(node) | Kind::Look { node, .. } => walk(node, possessive, open),
        Kind::Conditional { group, yes, no } => {
            open.contains(group) || walk(yes, possessive, open) || walk(no, possessive, open)
        }
        _ => false,
    }
}
