//! How many characters a node takes at least and at most. A look-behind needs both to be equal.

use crate::ast::{Kind, Node};

/// At least and at most so many characters. CPython counts up to 2^32 - 1, which stands for
/// "without end".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

const ENDLESS: u64 = u32::MAX as u64;

impl Width {
    const NONE: Self = Self { min: 0, max: 0 };

    pub(crate) fn is_fixed(self) -> bool {
        self.min == self.max
    }

    fn capped(self) -> Self {
        Self { min: self.min.min(ENDLESS - 1), max: self.max.min(ENDLESS) }
    }

    fn plus(self, other: Self) -> Self {
        let min = self.min.saturating_add(other.min);
        Self { min, max: self.max.saturating_add(other.max) }
    }

    fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// The width of a node. `groups` has those of the groups that are complete.
pub(crate) fn of(node: &Node, groups: &[Option<Width>]) -> Width {
    let width = match &node.kind {
        Kind::Empty | Kind::Anchor(_) | Kind::Look { .. } => Width::NONE,
        Kind::Literal(_) | Kind::Dot | Kind::Class(_) => Width { min: 1, max: 1 },
        Kind::Concat(nodes) => {
            nodes.iter().fold(Width::NONE, |sum, node| sum.plus(of(node, groups)))
        }
        Kind::Alternation(nodes) => {
            nodes.iter().map(|node| of(node, groups)).reduce(Width::or).unwrap_or(Width::NONE)
        }
        Kind::Repeat { node, min, max, .. } => {
            let once = of(node, groups);
            let max = max.map_or(ENDLESS, u64::from);
            Width {
                min: once.min.saturating_mul(u64::from(*min)),
                max: once.max.saturating_mul(max),
            }
        }
        Kind::Group { node, .. } | Kind::Atomic(node) => of(node, groups),
        Kind::Backref(group) => {
            let unknown = Width { min: 0, max: ENDLESS };
            groups.get(*group).copied().flatten().unwrap_or(unknown)
        }
        Kind::Conditional { yes, no, .. } => of(yes, groups).or(of(no, groups)),
    };
    width.capped()
}
