//! Keys with their values, in the order in which they were first written.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use indexmap::IndexMap;

use super::place::Text;

/// An ordered table. As with Python's dict, a value that is set anew stays in its old place.
#[derive(Clone, Default)]
pub struct Options(IndexMap<Arc<str>, Text, Quickly>);

/// How names of a configuration are hashed.
pub(crate) type Quickly = BuildHasherDefault<Quick>;

/// In order.
impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Who writes these files gains nothing by keys that collide, and there are many look-ups.
#[derive(Clone, Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        // A table takes the lowest bits, and the highest ones are the best.
        self.0.rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        whole.iter().for_each(|eight| self.add(u64::from_le_bytes(*eight)));
        let rest = rest.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        self.add(rest);
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }
}

impl Quick {
    fn add(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0xf135_7aea_2e62_a9c5);
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

    /// The same with the names as they are kept.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Text)> {
        self.0.iter()
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
        if self.0.keys().all(|key| is_lower(key)) {
            return self.clone();
        }
        let mut lower = Self::default();
        for (key, value) in self.iter() {
            lower.set(&key.to_lowercase(), value.clone());
        }
        lower
    }
}

/// A name in lower case; most are written so.
pub(crate) fn lower(name: &str) -> Cow<'_, str> {
    if is_lower(name) { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

fn is_lower(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

/// In order: what is equal shows as equal.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
