//! The elements of a set as ranges of addresses, and which of them meet.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::FirewallError;
use crate::plan::{Plan, Wish};
use crate::read::{RawElement, elements};
use crate::socket::Socket;
use crate::target::{By, SETS, SetSpec, Target};

/// A range of addresses, on one port in the sets that have ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u128,
    pub(crate) last: u128,
    pub(crate) port: u16,
    pub(crate) left: Option<Duration>,
}

/// The ranges that the elements of a set make.
pub(crate) fn spans(spec: SetSpec, elements: &[RawElement]) -> Vec<Span> {
    let host_bits = if spec.by == By::Slash64 { u128::from(u64::MAX) } else { 0 };
    let span = |element: &RawElement| Span {
        first: element.first.0,
        last: element.last.map_or(element.first.0 | host_bits, |last| last.0),
        port: element.first.1,
        left: element.left,
    };
    elements.iter().map(span).collect()
}

/// Fits a plan to the ranges that are there. Asked to remove a range, the kernel removes the one
/// that holds its first address, so it is only asked for what it has exactly; and it does not
/// say with what a range collides. Returns the changes that collide.
pub(crate) fn fit(
    plan: &mut Plan,
    socket: &mut Socket,
) -> Result<Vec<(usize, FirewallError)>, FirewallError> {
    let mut there: HashMap<usize, Ranges> = HashMap::new();
    for step in &plan.steps {
        let set = step.target.set();
        let Some(spec) = SETS.get(set).filter(|spec| spec.is_ranges()) else {
            continue;
        };
        if let Entry::Vacant(place) = there.entry(set) {
            let elements = elements(socket, *spec)?;
            place.insert(Ranges::of(&spans(*spec, &elements)));
        }
    }
    plan.steps.retain_mut(|step| {
        let Some(ranges) = there.get_mut(&step.target.set()) else {
            return true;
        };
        step.clears = ranges.holds(step.target);
        ranges.remove(step.target);
        step.clears || step.wish != Wish::Gone
    });
    Ok(colliding(plan, there))
}

/// Fits a plan to sets in which nothing is. Returns the changes that collide with each other.
pub(crate) fn fit_alone(plan: &mut Plan) -> Vec<(usize, FirewallError)> {
    plan.steps.iter_mut().for_each(|step| step.clears = false);
    plan.steps.retain(|step| step.wish != Wish::Gone);
    colliding(plan, HashMap::new())
}

/// The changes that collide with what is there, by set, or with each other.
fn colliding(plan: &Plan, mut there: HashMap<usize, Ranges>) -> Vec<(usize, FirewallError)> {
    let mut refused = Vec::new();
    for step in plan.steps.iter().filter(|step| step.wish != Wish::Gone) {
        let set = step.target.set();
        let Some(spec) = SETS.get(set).filter(|spec| spec.is_ranges()) else {
            continue;
        };
        if let Err((first, last)) = there.entry(set).or_default().insert(step.target) {
            let with = format!("{} to {}", spec.address(first), spec.address(last));
            let subject = step.target.subject;
            refused.push((step.change, FirewallError::Overlap { subject, with }));
        }
    }
    refused.sort_by_key(|(change, _)| *change);
    refused.dedup_by_key(|(change, _)| *change);
    refused
}

/// Ranges of the sets of networks, by port and first address, to find those that meet.
#[derive(Debug, Default)]
struct Ranges(BTreeMap<(u16, u128), u128>);

impl Ranges {
    fn of(spans: &[Span]) -> Self {
        Self(spans.iter().map(|s| ((s.port, s.first), s.last)).collect())
    }

    /// Whether exactly this range is there.
    fn holds(&self, target: Target) -> bool {
        let (first, last) = target.bounds();
        self.0.get(&(target.port.unwrap_or(0), first)) == Some(&last)
    }

    /// Takes exactly this range out.
    fn remove(&mut self, target: Target) {
        if self.holds(target) {
            let (first, _) = target.bounds();
            self.0.remove(&(target.port.unwrap_or(0), first));
        }
    }

    /// Puts a range in, or says which one it would meet.
    fn insert(&mut self, target: Target) -> Result<(), (u128, u128)> {
        let (first, last) = target.bounds();
        let port = target.port.unwrap_or(0);
        let before = self.0.range((port, 0)..=(port, last)).next_back();
        match before {
            Some(((_, there), end)) if *end >= first => Err((*there, *end)),
            _ => {
                self.0.insert((port, first), last);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_meet_are_told() {
        let target = |subject: &str| Target { subject: subject.parse().unwrap(), port: None };
        let mut ranges = Ranges::default();
        assert!(ranges.insert(target("10.0.0.0/16")).is_ok());
        assert!(ranges.insert(target("10.1.0.0/16")).is_ok());
        assert!(ranges.insert(target("10.0.0.0/8")).is_err());
        assert!(ranges.insert(target("10.1.128.0/24")).is_err());
        assert!(ranges.insert(target("10.1.0.0/16")).is_err());
        ranges.remove(target("10.0.0.0/8"));
        assert!(ranges.holds(target("10.0.0.0/16")));
        ranges.remove(target("10.0.0.0/16"));
        assert!(ranges.insert(target("10.0.0.0/17")).is_ok());
        let other_port = Target { port: Some(1), ..target("10.0.0.0/8") };
        assert!(ranges.insert(other_port).is_ok());
    }
}
