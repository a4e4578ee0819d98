//! What is wrong with a configuration, without a language: the texts are in the message tables.

use std::collections::HashSet;

use monban_model::limits::FAIL2BAN_COMPLAINTS_MAX;

use super::place::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something that was written does not do what it says.
    Error,
    /// It works, but perhaps not as it was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Complaint {
    /// How bad it is.
    pub severity: Severity,
    /// Which mistake it is: the name of its texts, such as `twice-section`.
    pub kind: &'static str,
    /// Where it was written.
    pub place: Place,
    /// Column in characters, from 1; 0 if the whole line is meant.
    pub column: u32,
    /// What its texts name, such as the key.
    pub values: Vec<(&'static str, String)>,
}

impl Complaint {
    /// A mistake because of which something does not run as written.
    pub fn error(kind: &'static str, place: Place) -> Self {
        Self { severity: Severity::Error, kind, place, column: 0, values: Vec::new() }
    }

    /// Something that may not be meant.
    pub fn warning(kind: &'static str, place: Place) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, place) }
    }

    /// The same with a value for its texts. Values are cut to what fits on a line.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value: String = value.into();
        let cut: String = value.chars().take(VALUE_CHARS_MAX).collect();
        self.values.push((name, if cut.len() < value.len() { cut + "..." } else { cut }));
        self
    }

    /// The same with a value that is of use only as a whole, such as a line.
    #[must_use]
    pub fn with_whole(mut self, name: &'static str, value: &str) -> Self {
        self.values.push((name, value.chars().take(LINE_CHARS_MAX).collect()));
        self
    }

    /// The same at a column, in characters from 1.
    #[must_use]
    pub fn at_column(mut self, column: usize) -> Self {
        self.column = u32::try_from(column).unwrap_or(0);
        self
    }

    /// The value of a name, for tests and machines.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Mistakes in a value of a jail in place of which something else is taken.
const VALUE_KINDS: &[&str] = &[
    "bad-backend",
    "bad-extra-time",
    "bad-factor",
    "bad-formula",
    "bad-lines",
    "bad-multipliers",
    "bad-number",
    "bad-time",
    "bad-usedns",
    "bad-yes",
    "open-quote",
    "space-in-path",
];

/// Longest value that a complaint quotes, in characters.
const VALUE_CHARS_MAX: usize = 200;

/// Longest line that a complaint quotes, in characters.
const LINE_CHARS_MAX: usize = 5000;

/// All complaints of a configuration, each once, in the order they were found.
#[derive(Clone, Debug, Default)]
pub struct Complaints {
    list: Vec<Complaint>,
    seen: HashSet<Complaint>,
    /// Values that something else stands for, since [`Complaints::take_values`].
    values: Vec<Complaint>,
    /// Complaints beyond the limit, which are only counted.
    pub more: usize,
}

impl Complaints {
    /// Adds one, unless the same was said before: a file that many jails use is read for each.
    pub fn add(&mut self, complaint: Complaint) {
        // A key that takes over another one's value makes no second mistake of it.
        let is_same = |known: &Complaint| {
            known.place == complaint.place
                && known.kind == complaint.kind
                && known.value("value") == complaint.value("value")
        };
        if VALUE_KINDS.contains(&complaint.kind) {
            if !self.values.iter().any(is_same) {
                self.values.push(complaint.clone());
            }
            if self.list.iter().any(is_same) {
                return;
            }
        }
        if self.list.len() >= FAIL2BAN_COMPLAINTS_MAX {
            self.more += 1;
        } else if self.seen.insert(complaint.clone()) {
            self.list.push(complaint);
        }
    }

    /// The values that something else stands for since the last call, each once: also those that
    /// were complained about before, as several jails have them.
    pub(crate) fn take_values(&mut self) -> Vec<Complaint> {
        std::mem::take(&mut self.values)
    }

    /// All of them.
    pub fn list(&self) -> &[Complaint] {
        &self.list
    }
}
