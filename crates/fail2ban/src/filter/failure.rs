//! What a filter found in a line, alone or together with the lines before it.

use std::collections::BTreeSet;

use super::pattern::{Groups, Value};

/// A line as it is searched: before its date, the date, behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What stands before the date.
    pub before: String,
    /// The date, which no expression sees.
    pub date: String,
    /// What stands behind it.
    pub behind: String,
}

impl Split {
    /// What the expressions see.
    pub fn searched(&self) -> String {
        format!("{}{}", self.before, self.behind)
    }

    /// The whole line.
    pub fn whole(&self) -> String {
        format!("{}{}{}", self.before, self.date, self.behind)
    }
}

/// Lines that stand for something: all are counted, the last [`LINES_KEPT`] are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    count: usize,
    last: Vec<Split>,
}

/// Lines that are kept of one failure; a connection may go on without end.
pub const LINES_KEPT: usize = 50;

impl Lines {
    /// Adds lines.
    pub fn extend(&mut self, lines: &[Split]) {
        self.count = self.count.saturating_add(lines.len());
        self.last.extend_from_slice(lines);
        self.bound();
    }

    /// Adds lines behind these, all of them at once.
    pub fn append(&mut self, behind: Self) {
        self.count = self.count.saturating_add(behind.count);
        self.last.extend(behind.last);
        self.bound();
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Those that are kept, oldest first.
    pub fn kept(&self) -> &[Split] {
        &self.last
    }

    fn bound(&mut self) {
        let over = self.last.len().saturating_sub(LINES_KEPT);
        self.last.drain(..over);
    }
}

/// What is known of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Captured groups.
    pub groups: Groups,
    /// All users that a connection tried, once one was named.
    pub users: Option<BTreeSet<String>>,
    /// The lines it stands for.
    pub matches: Lines,
    /// Lines of its connection that were no failure, until there is one.
    pub quiet_matches: Lines,
    /// It waits for a line that names who it was.
    pub pending: bool,
    /// The address, where another group names who failed.
    pub ip: Option<String>,
}

impl Failure {
    /// The text of a group.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.groups.get(name).and_then(Value::text)
    }

    /// Whether a group is there and not empty.
    pub fn has(&self, name: &str) -> bool {
        self.groups.get(name).is_some_and(Value::is_filled)
    }

    /// Takes a group out; true if there was something in it.
    pub fn take(&mut self, name: &str) -> bool {
        self.groups.remove(name).is_some_and(|value| value.is_filled())
    }

    /// How many lines it stands for.
    pub fn attempts(&self) -> usize {
        self.matches.count()
    }
}
