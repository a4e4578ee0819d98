//! Keys with their values, in the order in which they were first written.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use indexmap::IndexMap;

use super::place::Text;

/// An ordered table. As with Python's dict, a value that is set anew stays in its old place.
#[derive(Clone, Default)]
pub struct Options(IndexMap<Arc<str>, Text, BuildHasherDefault<Quick>>);

/// In order.
impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// FNV-1a: who writes these files gains nothing by keys that collide, and there are many look-ups.
#[derive(Clone)]
struct Quick(u64);

impl Default for Quick {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl Options {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Text> {
        self.0.get(key)
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Sets a value; gives back the one before.
    pub fn set(&mut self, key: &str, value: Text) -> Option<Text> {
        match self.0.get_mut(key) {
            Some(place) => Some(std::mem::replace(place, value)),
            None => self.0.insert(Arc::from(key), value),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Text> {
        self.0.get_mut(key)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        self.0.values_mut()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// Sets all values of another table.
    pub fn update(&mut self, other: &Self) {
        let both = |(key, value): (&Arc<str>, &Text)| (Arc::clone(key), value.clone());
        self.0.extend(other.0.iter().map(both));
    }

    /// The values of both, the other's where both have one.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.update(other);
        all
    }

    /// The same with all keys in lower case, as `%(..)s` looks for them.
    #[must_use]
    pub fn lower_cased(&self) -> Self {
        let mut lower = Self::default();
        for (key, value) in self.iter() {
            lower.set(&key.to_lowercase(), value.clone());
        }
        lower
    }
}

/// In order: what is equal shows as equal.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
