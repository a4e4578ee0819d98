//! A map with an end: the entry that was quiet for longest makes room, and that is counted.
//!
//! It also remembers which entries changed since they were last saved, so that a commit writes
//! each changed entry once, however often it changed.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use monban_model::QuickState;

/// End of the list.
const NONE: u32 = u32::MAX;

/// A map of at most `capacity` entries in the order of their last touch.
///
/// In a flood most keys are new, and each pushes out the oldest. That one was not looked at for
/// long, so its value is far from the processor, and is not read on its way out unless it owns
/// memory or somebody asks for it: what finds and orders the entries stands apart from the values.
#[derive(Debug)]
pub struct Bounded<K, V> {
    /// Where the entries stand, by their keys, which stand there too: what is searched stays small.
    places: HashTable<u32>,
    hash: QuickState,
    slots: Vec<Slot<K>>,
    /// The values, in the same order.
    values: Vec<V>,
    vacant: Vec<u32>,
    newest: u32,
    oldest: u32,
    capacity: usize,
    evicted: u64,
    changed: Vec<u32>,
    gone: Vec<K>,
}

#[derive(Debug)]
struct Slot<K> {
    key: K,
    newer: u32,
    older: u32,
    changed: bool,
    /// It was handed out or restored: whoever keeps it has to hear when it goes.
    known: bool,
}

impl<K: Clone + Eq + Hash, V: Default> Bounded<K, V> {
    /// An empty map of this capacity; 0 is taken as 1.
    pub fn new(capacity: usize) -> Self {
        Self {
            places: HashTable::new(),
            hash: QuickState::default(),
            slots: Vec::new(),
            values: Vec::new(),
            vacant: Vec::new(),
            newest: NONE,
            oldest: NONE,
            capacity: capacity.max(1),
            evicted: 0,
            changed: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// Entries that are there.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Entries that had to make room, since the start.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Changes that wait to be handed out.
    pub fn waiting(&self) -> usize {
        self.changed.len() + self.gone.len()
    }

    /// Whether there is an entry.
    pub fn contains(&self, key: &K) -> bool {
        self.find(key, self.hash.hash_one(key)).is_some()
    }

    /// An entry; it does not count as touched.
    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.find(key, self.hash.hash_one(key))?;
        Some(&self.values[at as usize])
    }

    /// The entry to be changed: it counts as touched and as changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = match self.is_newest(key) {
            true => self.newest,
            false => self.find(key, self.hash.hash_one(key))?,
        };
        Some(self.touch(at))
    }

    /// The entry to be changed, empty if it is new.
    #[inline]
    pub fn entry(&mut self, key: K) -> &mut V {
        self.entry_and(key, |_| ())
    }

    /// The same; `lost` sees what makes room for a new one.
    #[inline]
    pub fn entry_and(&mut self, key: K, lost: impl FnOnce(&V)) -> &mut V {
        if self.is_newest(&key) {
            return self.touch(self.newest);
        }
        let hash = self.hash.hash_one(&key);
        if let Some(at) = self.find(&key, hash) {
            return self.touch(at);
        }
        if self.places.len() >= self.capacity {
            lost(&self.values[self.oldest as usize]);
            self.evicted += 1;
            self.displace(self.oldest);
        }
        let at = self.insert_new(key, hash, V::default());
        self.touch(at)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places.iter().map(|&at| (&self.slots[at as usize].key, &self.values[at as usize]))
    }

    /// Changes every entry, the one that was quiet for longest first. Their order stays.
    pub fn change_all(&mut self, mut change: impl FnMut(&mut V)) {
        let mut at = self.oldest;
        while let Some(slot) = self.slots.get_mut(at as usize) {
            change(&mut self.values[at as usize]);
            if !std::mem::replace(&mut slot.changed, true) {
                self.changed.push(at);
            }
            at = slot.newer;
        }
    }

    /// Changes an entry that is there; its place in the order stays.
    pub fn change(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        let Some(at) = self.find(key, self.hash.hash_one(key)) else { return };
        change(&mut self.values[at as usize]);
        if !std::mem::replace(&mut self.slots[at as usize].changed, true) {
            self.changed.push(at);
        }
    }

    /// Puts a saved entry back; it is not changed by that.
    pub fn restore(&mut self, key: K, value: V) {
        let hash = self.hash.hash_one(&key);
        if self.find(&key, hash).is_some() || self.places.len() >= self.capacity {
            return;
        }
        let at = self.insert_new(key, hash, value);
        self.slots[at as usize].known = true;
        self.link_newest(at);
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key, self.hash.hash_one(key))?;
        Some(self.take_out(at))
    }

    /// Takes out the entry that was quiet for longest, and counts it as evicted.
    pub fn evict(&mut self) -> Option<V> {
        if self.oldest == NONE {
            return None;
        }
        self.evicted += 1;
        Some(self.take_out(self.oldest))
    }

    /// The entry that was quiet for longest.
    pub fn oldest(&self) -> Option<(&K, &V)> {
        let slot = self.slots.get(self.oldest as usize)?;
        Some((&slot.key, &self.values[self.oldest as usize]))
    }

    /// Hands out what changed since the last call: removed keys first, then changed entries.
    pub fn take_changes(&mut self, mut gone: impl FnMut(K), mut now: impl FnMut(&K, &V)) {
        for key in std::mem::take(&mut self.gone) {
            if !self.contains(&key) {
                gone(key);
            }
        }
        for at in self.changed.drain(..) {
            let is_there = self.oldest == at || self.slots[at as usize].older != NONE;
            let slot = &mut self.slots[at as usize];
            slot.changed = false;
            // What was taken out stands in no list.
            if is_there {
                slot.known = true;
                now(&slot.key, &self.values[at as usize]);
            }
        }
    }

    /// Whether it is the newest, as it mostly is: lines come in bursts.
    #[inline]
    fn is_newest(&self, key: &K) -> bool {
        self.slots.get(self.newest as usize).is_some_and(|newest| newest.key == *key)
    }

    /// Where the entry of a key stands, which has this hash.
    #[inline]
    fn find(&self, key: &K, hash: u64) -> Option<u32> {
        self.places.find(hash, |at| self.slots[*at as usize].key == *key).copied()
    }

    fn insert_new(&mut self, key: K, hash: u64, value: V) -> u32 {
        let at = match self.vacant.pop() {
            Some(at) => {
                // It stands in no list, but perhaps in `changed` for the entry that was there.
                let slot = &mut self.slots[at as usize];
                (slot.key, slot.known) = (key, false);
                self.values[at as usize] = value;
                at
            }
            None => {
                let (newer, older) = (NONE, NONE);
                self.slots.push(Slot { key, newer, older, changed: false, known: false });
                self.values.push(value);
                (self.slots.len() - 1) as u32
            }
        };
        let Self { places, hash: state, slots, .. } = self;
        places.insert_unique(hash, at, |at| state.hash_one(&slots[*at as usize].key));
        at
    }

    /// Takes out the entry that stands there.
    fn take_out(&mut self, at: u32) -> V {
        self.displace(at);
        std::mem::take(&mut self.values[at as usize])
    }

    /// Makes the place of an entry free for another. Its value is still there.
    fn displace(&mut self, at: u32) {
        self.unlink(at);
        let slot = &self.slots[at as usize];
        if let Ok(place) = self.places.find_entry(self.hash.hash_one(&slot.key), |it| *it == at) {
            place.remove();
        }
        self.vacant.push(at);
        // In a flood most come and go between two commits.
        if slot.known {
            self.gone.push(slot.key.clone());
        }
    }

    /// Makes it the newest entry, and a changed one.
    #[inline]
    fn touch(&mut self, at: u32) -> &mut V {
        if self.newest != at {
            self.make_newest(at);
        }
        let slot = &mut self.slots[at as usize];
        if !slot.changed {
            slot.changed = true;
            self.changed.push(at);
        }
        &mut self.values[at as usize]
    }

    fn make_newest(&mut self, at: u32) {
        let slot = &self.slots[at as usize];
        let is_linked = slot.newer != NONE || slot.older != NONE || self.oldest == at;
        if is_linked {
            self.unlink(at);
        }
        self.link_newest(at);
    }

    fn link_newest(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        (slot.older, slot.newer) = (self.newest, NONE);
        if self.newest == NONE {
            self.oldest = at;
        } else {
            self.slots[self.newest as usize].newer = at;
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        let newer = std::mem::replace(&mut slot.newer, NONE);
        let older = std::mem::replace(&mut slot.older, NONE);
        match newer {
            NONE => self.newest = older,
            _ => self.slots[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            _ => self.slots[older as usize].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(map: &mut Bounded<u32, u32>) -> (Vec<u32>, Vec<(u32, u32)>) {
        let (mut gone, mut now) = (Vec::new(), Vec::new());
        map.take_changes(|key| gone.push(key), |key, value| now.push((*key, *value)));
        (gone, now)
    }

    #[test]
    fn the_quietest_entry_makes_room() {
        let mut map = Bounded::new(2);
        *map.entry(1) += 11;
        *map.entry(2) = 20;
        map.get_mut(&1);
        let mut out = None;
        *map.entry_and(3, |lost| out = Some(*lost)) = 30;
        assert_eq!(out, Some(20));
        assert_eq!((map.get(&1), map.get(&2), map.get(&3)), (Some(&11), None, Some(&30)));
        assert_eq!((map.len(), map.evicted()), (2, 1));
        assert_eq!(map.oldest(), Some((&1, &11)));
    }

    #[test]
    fn changes_are_handed_out_once() {
        let mut map = Bounded::new(2);
        *map.entry(1) = 10;
        *map.entry(1) += 1;
        *map.entry(2) = 20;
        assert_eq!(changes(&mut map), (vec![], vec![(1, 11), (2, 20)]));
        assert_eq!(changes(&mut map), (vec![], vec![]));
        map.remove(&1);
        *map.entry(3) = 30;
        assert_eq!(changes(&mut map), (vec![1], vec![(3, 30)]));
        map.remove(&3);
        *map.entry(3) = 31;
        assert_eq!(changes(&mut map), (vec![], vec![(3, 31)]), "removed and made again: written");
        *map.entry(4) = 40;
        map.remove(&4);
        assert_eq!(changes(&mut map), (vec![2], vec![]), "2 made room; nobody has heard of 4");
        map.remove(&3);
        *map.entry(3) = 32;
        map.remove(&3);
        assert_eq!(changes(&mut map), (vec![3], vec![]));
    }

    #[test]
    fn a_restored_entry_is_no_change() {
        let mut map = Bounded::new(2);
        map.restore(1, 10);
        map.restore(2, 20);
        map.restore(3, 30);
        assert_eq!((map.len(), changes(&mut map)), (2, (vec![], vec![])));
        assert_eq!(map.oldest(), Some((&1, &10)));
    }

    #[test]
    fn it_behaves_as_a_slow_simple_map_does() {
        let mut map = Bounded::new(8);
        let mut model: Vec<(u32, u32)> = Vec::new();
        let mut state = 7_u64;
        for step in 0..20_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (state >> 33) as u32 % 16;
            if state >> 60 == 0 {
                map.remove(&key);
                model.retain(|(k, _)| *k != key);
                continue;
            }
            *map.entry(key) = step;
            model.retain(|(k, _)| *k != key);
            if model.len() == 8 {
                model.remove(0);
            }
            model.push((key, step));
            assert_eq!(map.oldest().map(|(k, v)| (*k, *v)), model.first().copied());
            assert_eq!(map.len(), model.len());
        }
        for (key, value) in &model {
            assert_eq!(map.get(key), Some(value));
        }
    }
}
