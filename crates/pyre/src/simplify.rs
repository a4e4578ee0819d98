//! Looks around that say nothing new, or that can be said otherwise: without them, a pattern can
//! be matched by the linear engine. Nothing is changed that is not proven.

use std::sync::Arc;

use regex_syntax::hir::ClassUnicode;

use crate::ast::RepeatMode;
use crate::chars;
use crate::ir::{At, Ir, Look, Repeat};

/// Leaves out each look-behind of one character that always, or never, matches where it stands:
/// fail2ban's address has `(?<=:)` after a loop all whose rounds end in a colon.
pub(crate) fn without_idle_looks(ir: Ir) -> Ir {
    walk(ir, None).0
}

/// The character before a place is one of these; `None`: unknown, or there may be none.
type Before = Option<Arc<ClassUnicode>>;

fn walk(ir: Ir, before: Before) -> (Ir, Before) {
    match ir {
        Ir::Char(c) => (Ir::Char(c), Some(chars::one(c).into())),
        Ir::Set(set) => {
            let after = Some(set.clone());
            (Ir::Set(set), after)
        }
        Ir::Empty | Ir::At(_) => (ir, before),
        Ir::Concat(parts) => {
            let mut before = before;
            let mut walked = Vec::with_capacity(parts.len());
            for part in parts {
                let (part, after) = walk(part, before);
                walked.push(part);
                before = after;
            }
            (Ir::Concat(walked), before)
        }
        Ir::Alternation(parts) => {
            let walked = parts.into_iter().map(|part| walk(part, before.clone()));
            let (parts, afters): (Vec<Ir>, Vec<Before>) = walked.unzip();
            (Ir::Alternation(parts), afters.into_iter().reduce(either).flatten())
        }
        Ir::Repeat(repeat) => walk_repeat(repeat, before),
        Ir::Capture(group, node) => {
            let (node, after) = walk(*node, before);
            (Ir::Capture(group, Box::new(node)), after)
        }
        Ir::Atomic(node) => {
            let (node, after) = walk(*node, before);
            (Ir::Atomic(Box::new(node)), after)
        }
        Ir::Look(look) => (walk_look(look, before.as_deref()), before),
        Ir::Backref { .. } => (ir, None),
        Ir::Conditional { group, yes, no } => {
            let (yes, after_yes) = walk(*yes, before.clone());
            let (no, after_no) = walk(*no, before);
            let (yes, no) = (Box::new(yes), Box::new(no));
            (Ir::Conditional { group, yes, no }, either(after_yes, after_no))
        }
    }
}

fn walk_repeat(repeat: Repeat, before: Before) -> (Ir, Before) {
    let Repeat { node, min, max, mode } = repeat;
    // Before a round stands what was before the loop, or the end of another round.
    let at_round = match max {
        Some(0 | 1) => before.clone(),
        _ => either(before.clone(), end_of(&node)),
    };
    let (node, after) = walk(*node, at_round);
    let after = if min == 0 { either(before, after) } else { after };
    (Ir::Repeat(Repeat { node: Box::new(node), min, max, mode }), after)
}

/// The last character of whatever it matches; `None` if that may be nothing.
fn end_of(ir: &Ir) -> Before {
    match ir {
        Ir::Char(c) => Some(chars::one(*c).into()),
        Ir::Set(set) => Some(set.clone()),
        Ir::Concat(parts) => {
            let parts = parts.iter().rev();
            let mut parts =
                parts.filter(|part| !matches!(part, Ir::Empty | Ir::At(_) | Ir::Look(_)));
            parts.next().and_then(end_of)
        }
        Ir::Alternation(parts) => parts.iter().map(end_of).reduce(either).flatten(),
        Ir::Repeat(Repeat { node, min, .. }) if *min > 0 => end_of(node),
        Ir::Capture(_, node) | Ir::Atomic(node) => end_of(node),
        Ir::Conditional { yes, no, .. } => either(end_of(yes), end_of(no)),
        _ => None,
    }
}

fn walk_look(look: Look, before: Option<&ClassUnicode>) -> Ir {
    let one = match &*look.node {
        Ir::Char(c) => Some(chars::one(*c)),
        Ir::Set(set) => Some((**set).clone()),
        _ => None,
    };
    if let (Some(1), Some(before), Some(one)) = (look.behind, before, one) {
        let (mut others, mut shared) = (before.clone(), before.clone());
        others.difference(&one);
        shared.intersect(&one);
        let idle = if look.negated { shared } else { others };
        if idle.ranges().is_empty() {
            return Ir::Empty;
        }
    }
    Ir::Look(look)
}

fn either(one: Before, other: Before) -> Before {
    let (mut one, other) = (one?, other?);
    if one != other {
        Arc::make_mut(&mut one).union(&other);
    }
    Some(one)
}

/// A look-ahead at the very end is matched like the rest, with an empty group in front of it,
/// numbered `mark`, that says where the match ends. Nothing comes after it that could tell the
/// difference, and the ways to match are tried in the same order.
pub(crate) fn with_marked_end(ir: Ir, mark: usize) -> Ir {
    match ir {
        Ir::Concat(mut parts) => {
            if let Some(last) = parts.pop() {
                parts.push(with_marked_end(last, mark));
            }
            Ir::Concat(parts)
        }
        Ir::Alternation(parts) => {
            let parts = parts.into_iter().map(|part| with_marked_end(part, mark));
            Ir::Alternation(parts.collect())
        }
        Ir::Look(Look { behind: None, negated: false, node }) => {
            Ir::Concat(vec![Ir::Capture(mark, Box::new(Ir::Empty)), *node])
        }
        Ir::Look(Look { behind: None, negated: true, node }) => match other_than(&node) {
            Some(rest) => Ir::Concat(vec![Ir::Capture(mark, Box::new(Ir::Empty)), rest]),
            None => Ir::Look(Look { behind: None, negated: true, node }),
        },
        other => other,
    }
}

/// What matches exactly where one character of a set does not.
fn other_than(node: &Ir) -> Option<Ir> {
    let mut set = match node {
        Ir::Char(c) => chars::one(*c),
        Ir::Set(set) => (**set).clone(),
        _ => return None,
    };
    set.negate();
    Some(Ir::Alternation(vec![Ir::Set(set.into()), Ir::At(At::TextEnd)]))
}

/// A regular pattern that matches wherever `ir` does, and perhaps elsewhere: a text without a
/// match of it needs no backtracking.
pub(crate) fn superset(ir: &Ir) -> Ir {
    let all = |parts: &[Ir]| parts.iter().map(superset).collect();
    match ir {
        Ir::Empty | Ir::Char(_) | Ir::Set(_) => ir.clone(),
        // In a machine, `$` depends on the text.
        Ir::At(At::LastLineEnd) => Ir::At(At::LineEnd),
        Ir::At(At::Word { .. }) | Ir::Look(_) => Ir::Empty,
        Ir::At(_) => ir.clone(),
        Ir::Concat(parts) => Ir::Concat(all(parts)),
        Ir::Alternation(parts) => Ir::Alternation(all(parts)),
        Ir::Repeat(Repeat { node, min, max, .. }) => {
            let node = Box::new(superset(node));
            Ir::Repeat(Repeat { node, min: *min, max: *max, mode: RepeatMode::Greedy })
        }
        Ir::Capture(_, node) | Ir::Atomic(node) => superset(node),
        Ir::Backref { .. } => {
            let mut any = ClassUnicode::empty();
            any.negate();
            let node = Box::new(Ir::Set(any.into()));
            Ir::Repeat(Repeat { node, min: 0, max: None, mode: RepeatMode::Greedy })
        }
        Ir::Conditional { yes, no, .. } => Ir::Alternation(vec![superset(yes), superset(no)]),
    }
}
