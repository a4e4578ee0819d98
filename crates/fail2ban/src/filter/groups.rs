//! What an expression captured.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The value of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The group took no part.
    None,
    /// Its text; copies share it.
    Text(Arc<str>),
    /// Several parts that make one value (`F-TUPLE_...`).
    Tuple(Vec<Option<String>>),
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is something in it.
    pub fn is_filled(&self) -> bool {
        match self {
            Self::None => false,
            Self::Text(text) => !text.is_empty(),
            Self::Tuple(parts) => !parts.is_empty(),
        }
    }
}

/// The groups of a match by their names. They are few, and their names belong to the expression:
/// a line that hits makes no new ones.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// In the order of names.
    all: Vec<(Arc<str>, Value)>,
}

impl Groups {
    /// None yet, with room for so many.
    pub(super) fn with_room(count: usize) -> Self {
        // One more comes from the prefix.
        Self { all: Vec::with_capacity(count + 1) }
    }

    /// Adds a group whose name comes behind all others.
    pub(super) fn push(&mut self, name: Arc<str>, value: Value) {
        self.all.push((name, value));
    }

    /// Where the group is. They are few: most names differ by their length.
    fn find(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|(known, _)| known.as_ref() == name)
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.all.binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }

    /// The value of a group.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).map(|at| &self.all[at].1)
    }

    /// Sets the value of a group.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: Value) {
        let name = name.into();
        match self.place(&name) {
            Ok(at) => self.all[at].1 = value,
            Err(at) => self.all.insert(at, (name, value)),
        }
    }

    /// Takes a group out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).map(|at| self.all.remove(at).1)
    }

    /// All of them in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.all.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The value of a group that comes at this place or behind it; the place is then where it is,
    /// or where it would be.
    fn place_from(&mut self, at: &mut usize, name: &Arc<str>) -> Option<&mut Value> {
        while let Some((known, _)) = self.all.get(*at) {
            match known.as_ref().cmp(name.as_ref()) {
                Ordering::Less => *at += 1,
                Ordering::Equal => return self.all.get_mut(*at).map(|(_, value)| value),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// Takes from others what took no part here, or is not there.
    pub(super) fn fill_from(&mut self, others: &Self) {
        for (name, value) in &others.all {
            match self.place(name) {
                Ok(at) if self.all[at].1 == Value::None => self.all[at].1 = value.clone(),
                Ok(_) => {}
                Err(at) => self.all.insert(at, (name.clone(), value.clone())),
            }
        }
    }

    /// Sets those of the others that took part.
    pub(super) fn take_told(&mut self, others: Self) {
        let mut at = 0;
        let told = others.all.into_iter().filter(|(_, value)| !matches!(value, Value::None));
        for (name, value) in told {
            match self.place_from(&mut at, &name) {
                Some(own) => *own = value,
                None => self.all.insert(at, (name, value)),
            }
        }
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
