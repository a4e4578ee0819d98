//! The variants of a pattern, merged where they begin alike, so that no step is done twice.

use std::collections::HashSet;
use std::sync::Arc;

use monban_model::QuickState;

use crate::linear::{Fixed, Free, Linear, Step};

/// What many variants of a service have in common: in memory it is there once.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    fixed: HashSet<Arc<Fixed>, QuickState>,
    free: HashSet<Arc<[Free]>, QuickState>,
}

impl Shared {
    fn step(&mut self, step: Step) -> Step {
        let Step::Fixed(fixed) = step else { return step };
        if let Some(known) = self.fixed.get(&fixed) {
            return Step::Fixed(Arc::clone(known));
        }
        self.fixed.insert(Arc::clone(&fixed));
        Step::Fixed(fixed)
    }

    fn free(&mut self, free: Vec<Free>) -> Arc<[Free]> {
        if let Some(known) = self.free.get(free.as_slice()) {
            return Arc::clone(known);
        }
        let free: Arc<[Free]> = free.into();
        self.free.insert(Arc::clone(&free));
        free
    }
}

/// Steps from the left, shared by all variants that begin with them.
#[derive(Debug, Default)]
pub(crate) struct Front {
    /// What may come next, in the order of the variants.
    pub(crate) branches: Vec<(Step, Front)>,
    /// A variant ends here.
    pub(crate) end: bool,
    /// Variants go on with a free field here; these are their steps from the right.
    pub(crate) back: Option<Box<Back>>,
}

/// Steps from the right.
#[derive(Debug, Default)]
pub(crate) struct Back {
    /// What may come next, seen from the right.
    pub(crate) branches: Vec<(Step, Back)>,
    /// The free fields of variants whose steps end here.
    pub(crate) free: Vec<Arc<[Free]>>,
}

impl Front {
    /// Adds a variant (without its prefix).
    pub(crate) fn add(&mut self, linear: Linear, shared: &mut Shared) {
        let mut node = self;
        for step in linear.front {
            let known = node.branches.iter().position(|(other, _)| *other == step);
            let place = known.unwrap_or_else(|| {
                // Most have one branch only, and a vector begins with room for four.
                node.branches.reserve_exact(1);
                node.branches.push((shared.step(step), Self::default()));
                node.branches.len() - 1
            });
            node = &mut node.branches[place].1;
        }
        if linear.free.is_empty() {
            node.end = true;
        } else {
            let back = node.back.get_or_insert_with(Box::default);
            back.add(linear.back, shared.free(linear.free), shared);
        }
    }
}

impl Back {
    fn add(&mut self, steps: Vec<Step>, free: Arc<[Free]>, shared: &mut Shared) {
        let mut node = self;
        for step in steps {
            let known = node.branches.iter().position(|(other, _)| *other == step);
            let place = known.unwrap_or_else(|| {
                node.branches.reserve_exact(1);
                node.branches.push((shared.step(step), Self::default()));
                node.branches.len() - 1
            });
            node = &mut node.branches[place].1;
        }
        node.free.reserve_exact(1);
        node.free.push(free);
    }
}
