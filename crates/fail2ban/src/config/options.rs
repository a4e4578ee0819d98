//! Keys with their values, in the order in which they were first written.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use super::place::Text;

/// An ordered table. As with Python's dict, a value that is set anew stays in its old place.
#[derive(Clone, Default, PartialEq)]
pub struct Options {
    order: Vec<String>,
    values: HashMap<String, Text, BuildHasherDefault<Quick>>,
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
        self.values.get(key)
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Sets a value; gives back the one before.
    pub fn set(&mut self, key: impl Into<String>, value: Text) -> Option<Text> {
        let key = key.into();
        let old = self.values.insert(key.clone(), value);
        if old.is_none() {
            self.order.push(key);
        }
        old
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Text> {
        self.values.get_mut(key)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        self.values.values_mut()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Text)> {
        let value = |key: &'_ String| self.values.get(key);
        self.order.iter().filter_map(move |key| Some((key.as_str(), value(key)?)))
    }

    /// Sets all values of another table.
    pub fn update(&mut self, other: &Self) {
        for (key, value) in other.iter() {
            self.set(key, value.clone());
        }
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
            lower.set(key.to_lowercase(), value.clone());
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
