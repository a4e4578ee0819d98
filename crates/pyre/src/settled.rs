//! Conditionals that are decided by the way that was gone: `(a)?b(?(1)c|d)` is `(?:(a)bc|bd)`.
//! The ways are tried in the same order, and what stands behind is known by its first byte.

use crate::ast::RepeatMode;
use crate::ir::{Ir, Look, Repeat};

/// So many nodes are written more than once at most.
const COPIED_MAX: usize = 2000;

/// A way through a part, and which groups are set on it.
type Way = (Ir, Vec<(usize, bool)>);

/// The pattern with those conditionals decided that can be. Groups may stand in it several times.
pub(crate) fn settled(ir: Ir) -> Ir {
    match ir {
        Ir::Concat(parts) => row(parts, &mut COPIED_MAX.clone()),
        other => other,
    }
}

/// Parts of which each is gone through once.
fn row(parts: Vec<Ir>, room: &mut usize) -> Ir {
    for (at, part) in parts.iter().enumerate() {
        let rest = &parts[at + 1..];
        let mut asked = Vec::new();
        rest.iter().for_each(|part| conditions(part, &mut asked));
        let Some(ways) = ways(part, &asked) else { continue };
        let copied = rest.iter().map(size).sum::<usize>() * (ways.len() - 1);
        if copied > *room {
            continue;
        }
        *room -= copied;
        let ways = ways.into_iter().map(|(way, set)| {
            let mut rest: Vec<Ir> = rest.iter().map(|part| decided(part, &set)).collect();
            rest.insert(0, way);
            row_behind(rest, room)
        });
        let all = Ir::Alternation(ways.collect());
        let mut before = parts[..at].to_vec();
        before.push(all);
        return Ir::Concat(before);
    }
    Ir::Concat(parts)
}

/// The first part is done.
fn row_behind(mut parts: Vec<Ir>, room: &mut usize) -> Ir {
    let rest = parts.split_off(1);
    parts.push(row(rest, room));
    Ir::Concat(parts)
}

/// The ways through a part in their order, if they say whether one of these groups is set.
fn ways(part: &Ir, asked: &[usize]) -> Option<Vec<Way>> {
    let alternatives: Vec<Ir> = match part {
        Ir::Capture(group, node) => {
            let ways = ways(node, asked)?;
            let within = |(way, set)| (Ir::Capture(*group, Box::new(way)), set);
            return Some(ways.into_iter().map(within).collect());
        }
        Ir::Alternation(parts) => parts.clone(),
        Ir::Repeat(Repeat { node, min: 0, max: Some(1), mode: RepeatMode::Greedy }) => {
            vec![(**node).clone(), Ir::Empty]
        }
        _ => return None,
    };
    let is_decided = |group: &usize| {
        alternatives.iter().any(|way| sets(way, *group))
            && alternatives.iter().all(|way| sets(way, *group) || !names(way, *group))
    };
    let known: Vec<usize> = asked.iter().copied().filter(is_decided).collect();
    let of = |way: Ir| {
        let set = known.iter().map(|group| (*group, sets(&way, *group))).collect();
        (way, set)
    };
    (!known.is_empty()).then(|| alternatives.into_iter().map(of).collect())
}

/// Whether the group is set wherever this was gone through.
fn sets(ir: &Ir, group: usize) -> bool {
    match ir {
        Ir::Capture(other, node) => *other == group || sets(node, group),
        Ir::Concat(parts) => parts.iter().any(|part| sets(part, group)),
        _ => false,
    }
}

/// Whether the group stands in it.
fn names(ir: &Ir, group: usize) -> bool {
    matches!(ir, Ir::Capture(other, _) if *other == group)
        || children(ir).into_iter().any(|part| names(part, group))
}

/// The groups that conditionals ask for.
fn conditions(ir: &Ir, groups: &mut Vec<usize>) {
    if let Ir::Conditional { group, .. } = ir {
        groups.push(*group);
    }
    children(ir).into_iter().for_each(|part| conditions(part, groups));
}

fn size(ir: &Ir) -> usize {
    1 + children(ir).into_iter().map(size).sum::<usize>()
}

fn children(ir: &Ir) -> Vec<&Ir> {
    match ir {
        Ir::Concat(parts) | Ir::Alternation(parts) => parts.iter().collect(),
        Ir::Repeat(Repeat { node, .. })
        | Ir::Capture(_, node)
        | Ir::Atomic(node)
        | Ir::Look(Look { node, .. }) => vec![node],
        Ir::Conditional { yes, no, .. } => vec![yes, no],
        Ir::Empty | Ir::Char(_) | Ir::Set(_) | Ir::At(_) | Ir::Backref { .. } => Vec::new(),
    }
}

/// The same where it is known which groups are set.
fn decided(ir: &Ir, set: &[(usize, bool)]) -> Ir {
    let one = |node: &Ir| Box::new(decided(node, set));
    let all = |parts: &[Ir]| parts.iter().map(|part| decided(part, set)).collect();
    match ir {
        Ir::Conditional { group, yes, no } => match set.iter().find(|(known, _)| known == group) {
            Some((_, true)) => decided(yes, set),
            Some((_, false)) => decided(no, set),
            None => Ir::Conditional { group: *group, yes: one(yes), no: one(no) },
        },
        Ir::Concat(parts) => Ir::Concat(all(parts)),
        Ir::Alternation(parts) => Ir::Alternation(all(parts)),
        Ir::Repeat(repeat) => Ir::Repeat(Repeat { node: one(&repeat.node), ..repeat.clone() }),
        Ir::Capture(group, node) => Ir::Capture(*group, one(node)),
        Ir::Atomic(node) => Ir::Atomic(one(node)),
        Ir::Look(look) => Ir::Look(Look { node: one(&look.node), ..look.clone() }),
        Ir::Empty | Ir::Char(_) | Ir::Set(_) | Ir::At(_) | Ir::Backref { .. } => ir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(pattern: &str) -> Ir {
        let ast = crate::parse(pattern, crate::Options::default()).expect("a pattern");
        settled(crate::ir::of(&ast))
    }

    fn is_free(ir: &Ir) -> bool {
        let mut asked = Vec::new();
        conditions(ir, &mut asked);
        asked.is_empty()
    }

    #[test]
    fn what_the_way_decides_is_decided() {
        for (pattern, wanted) in [
            ("x(a)?b(?(1)c|d)", true),
            ("x(?:(a)|(b))y(?(1)c|d)(?(2)e|f)", true),
            ("^(a )?(?P<u>(?P<c>b)|(?(1)d|e)) f(?(c)g|h)$", true),
            ("x(?:(a)?b)+(?(1)c|d)", false),
            ("x(?:(a)*|b)(?(1)c|d)", false),
            ("x(?:(a)?y|b)(?(1)c|d)", false),
        ] {
            assert_eq!(is_free(&settle(pattern)), wanted, "{pattern}");
        }
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let many: String = (1..60).map(|number| format!("(a)?b(?({number})c|d)")).collect();
        assert!(size(&settle(&many)) < 4 * COPIED_MAX);
    }
}
