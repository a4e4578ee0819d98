//! What a filter found in a line, alone or together with the lines before it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::groups::{Groups, Value};

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

impl AsRef<Self> for Split {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Split {
    /// Whether this is what the expressions see.
    pub fn is_searched_as(&self, text: &str) -> bool {
        text.strip_prefix(self.before.as_str()) == Some(&self.behind)
    }

    /// Takes the place of another line.
    pub(super) fn fill(&mut self, before: &str, date: &str, behind: &str) {
        for (text, new) in
            [(&mut self.before, before), (&mut self.date, date), (&mut self.behind, behind)]
        {
            text.clear();
            text.push_str(new);
        }
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
    last: Vec<Arc<Split>>,
}

/// Lines that are kept of one failure; a connection may go on without end.
pub const LINES_KEPT: usize = 50;

impl Lines {
    /// Adds lines.
    pub fn extend(&mut self, lines: &[Arc<Split>]) {
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
    pub fn kept(&self) -> &[Arc<Split>] {
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

    /// The value of a group as one text, also if it has several parts.
    pub fn told(&self, name: &str) -> Option<Arc<str>> {
        match self.groups.get(name)? {
            Value::None => None,
            Value::Text(text) => Some(text.clone()),
            Value::Tuple(parts) => Some(as_tuple(parts).into()),
        }
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

/// Several parts as fail2ban shows them, which is as Python does: `('a', None)`.
fn as_tuple(parts: &[Option<String>]) -> String {
    let parts = parts.iter().map(|part| part.as_deref().map_or("None".to_owned(), quoted));
    format!("({})", parts.collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if character == quote => out.extend(['\\', quote]),
            ' ' => out.push(' '),
            _ if !character.is_control() && !character.is_whitespace() => out.push(character),
            _ => match u32::from(character) {
                number @ ..0x100 => out.push_str(&format!("\\x{number:02x}")),
                number => out.push_str(&format!("\\u{number:04x}")),
            },
        }
    }
    out.push(quote);
    out
}
