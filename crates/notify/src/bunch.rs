//! Records that are told together: the first few, the last few, and how many there were.

use std::collections::VecDeque;

use monban_model::limits::DELIVERY_ITEMS_MAX;
use monban_model::{Seq, Severity};

/// As many of the first are named as of the last.
const HALF: usize = DELIVERY_ITEMS_MAX / 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) seq: Seq,
    pub(crate) severity: Severity,
}

/// It takes the same room however much is put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bunch {
    first: Vec<Item>,
    last: VecDeque<Item>,
    /// How many there were of each severity, those that are named among them.
    counts: [u64; Severity::ALL.len()],
}

/// What a reader is told of a bunch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) items: Vec<Seq>,
    pub(crate) more: u64,
    pub(crate) severity: Severity,
}

impl Bunch {
    /// So many of this severity, of which these are named.
    pub(crate) fn of(items: &[Seq], more: u64, severity: Severity) -> Self {
        let mut bunch = Self::default();
        items.iter().for_each(|seq| bunch.add(Item { seq: *seq, severity }));
        bunch.count(severity, more);
        bunch
    }

    pub(crate) fn add(&mut self, item: Item) {
        self.count(item.severity, 1);
        self.name(item);
    }

    /// Counts some that are not named.
    pub(crate) fn count(&mut self, severity: Severity, more: u64) {
        let count = &mut self.counts[severity as usize];
        *count = count.saturating_add(more);
    }

    fn name(&mut self, item: Item) {
        if self.first.len() < HALF {
            return self.first.push(item);
        }
        if self.last.len() == HALF {
            self.last.pop_front();
        }
        self.last.push_back(item);
    }

    /// Adds all of a later bunch.
    pub(crate) fn join(&mut self, later: &Self) {
        for (severity, more) in Severity::ALL.into_iter().zip(later.counts) {
            self.count(severity, more);
        }
        later.named().for_each(|item| self.name(item));
    }

    /// The part that is at least this urgent.
    pub(crate) fn at_least(&self, least: Severity) -> Self {
        let mut part = Self::default();
        self.named().filter(|item| item.severity >= least).for_each(|item| part.name(item));
        for severity in Severity::ALL.into_iter().filter(|severity| *severity >= least) {
            part.count(severity, self.counts[severity as usize]);
        }
        part
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total() == 0
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The highest severity in it.
    pub(crate) fn severity(&self) -> Severity {
        let found = Severity::ALL.into_iter().rev();
        found.into_iter().find(|it| self.counts[*it as usize] > 0).unwrap_or_default()
    }

    pub(crate) fn told(&self) -> Told {
        let mut items: Vec<Seq> = self.named().map(|item| item.seq).collect();
        let more = self.total().saturating_sub(items.len() as u64);
        // What was held back for several reasons comes together in any order, and what is repeated
        // comes twice.
        items.sort_unstable();
        items.dedup();
        Told { items, more, severity: self.severity() }
    }

    pub(crate) fn named(&self) -> impl Iterator<Item = Item> {
        self.first.iter().chain(&self.last).copied()
    }

    pub(crate) fn counts(&self) -> [u64; Severity::ALL.len()] {
        self.counts
    }

    /// A saved one.
    pub(crate) fn from_parts(named: &[Item], counts: [u64; Severity::ALL.len()]) -> Self {
        let mut bunch = Self { counts, ..Self::default() };
        named.iter().for_each(|item| bunch.name(*item));
        bunch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_are_named_and_all_are_counted() {
        let mut bunch = Bunch::default();
        for seq in 1..=1000 {
            let severity = if seq == 500 { Severity::Critical } else { Severity::Info };
            bunch.add(Item { seq: Seq(seq), severity });
        }
        let told = bunch.told();
        let named: Vec<u64> = told.items.iter().map(|seq| seq.0).collect();
        assert_eq!(named, [1, 2, 3, 4, 5, 996, 997, 998, 999, 1000]);
        assert_eq!((told.more, told.severity), (990, Severity::Critical));
        let part = bunch.at_least(Severity::Warning).told();
        assert_eq!((part.items.len(), part.more), (0, 1));
        let named: Vec<Item> = bunch.named().collect();
        assert_eq!(Bunch::from_parts(&named, bunch.counts()), bunch);
    }
}
