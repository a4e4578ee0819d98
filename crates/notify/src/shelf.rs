//! A map that remembers which entries changed since they were last saved, so that a commit writes
//! each changed entry once. It is in the order of its keys: what comes out must not hang on how
//! keys hash.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
struct Kept<V> {
    value: V,
    /// Whether somebody was told of it: then its end is told, too.
    known: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Shelf<K, V> {
    entries: BTreeMap<K, Kept<V>>,
    changed: BTreeSet<K>,
    gone: BTreeSet<K>,
}

impl<K: Ord, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), changed: BTreeSet::new(), gone: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, V> Shelf<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|kept| &kept.value)
    }

    /// The entry to be changed.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let kept = self.entries.get_mut(key)?;
        if !self.changed.contains(key) {
            self.changed.insert(key.clone());
        }
        Some(&mut kept.value)
    }

    /// The entry to be changed in what its row does not hold.
    pub(crate) fn get_unmarked(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|kept| &mut kept.value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        let known = self.gone.remove(&key);
        self.changed.insert(key.clone());
        let known = known || self.entries.get(&key).is_some_and(|kept| kept.known);
        self.entries.insert(key, Kept { value, known });
    }

    /// Puts a saved entry back; it is not changed by that.
    pub(crate) fn restore(&mut self, key: K, value: V) {
        self.entries.insert(key, Kept { value, known: true });
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let kept = self.entries.remove(key)?;
        self.changed.remove(key);
        if kept.known {
            self.gone.insert(key.clone());
        }
        Some(kept.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, kept)| (key, &kept.value))
    }

    pub(crate) fn range(
        &self,
        range: impl std::ops::RangeBounds<K>,
    ) -> impl Iterator<Item = (&K, &V)> {
        self.entries.range(range).map(|(key, kept)| (key, &kept.value))
    }

    /// Changes every entry.
    pub(crate) fn change_all(&mut self, mut change: impl FnMut(&mut V)) {
        for (key, kept) in &mut self.entries {
            self.changed.insert(key.clone());
            change(&mut kept.value);
        }
    }

    /// Hands out what changed since the last call: keys that are gone first.
    pub(crate) fn take_changes(&mut self, mut give: impl FnMut(&K, Option<&V>)) {
        for key in std::mem::take(&mut self.gone) {
            give(&key, None);
        }
        for key in std::mem::take(&mut self.changed) {
            if let Some(kept) = self.entries.get_mut(&key) {
                kept.known = true;
                give(&key, Some(&kept.value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(shelf: &mut Shelf<u8, u8>) -> Vec<(u8, Option<u8>)> {
        let mut found = Vec::new();
        shelf.take_changes(|key, value| found.push((*key, value.copied())));
        found
    }

    #[test]
    fn changes_are_handed_out_once() {
        let mut shelf = Shelf::default();
        shelf.insert(1, 10);
        shelf.insert(2, 20);
        shelf.remove(&2);
        assert_eq!(changes(&mut shelf), [(1, Some(10))], "nobody has heard of 2");
        assert_eq!(changes(&mut shelf), []);
        *shelf.get_mut(&1).unwrap() += 1;
        assert_eq!(changes(&mut shelf), [(1, Some(11))]);
        shelf.remove(&1);
        shelf.insert(1, 12);
        assert_eq!(changes(&mut shelf), [(1, Some(12))], "removed and made again: written");
        shelf.restore(3, 30);
        shelf.remove(&3);
        shelf.remove(&1);
        assert_eq!(changes(&mut shelf), [(1, None), (3, None)]);
    }
}
