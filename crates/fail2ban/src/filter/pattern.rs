//! One expression of a filter, and what it takes out of a line.

use std::sync::Arc;

use monban_pyre::{Match, Options, Overrun, Regex};

use super::groups::{Groups, Value};
use super::{Problem, UseDns, tags};

/// Groups that name who failed, in the order in which they are asked.
pub const IDS: [&str; 4] = ["fid", "ip4", "ip6", "dns"];

/// The group that named who failed before fail2ban 0.10; it is still pasted from old pages.
pub const OLD_ID: &str = "host";

/// A compiled expression.
pub struct Pattern {
    regex: Regex,
    /// Its groups in the order of their names, each with its number.
    names: Vec<(Arc<str>, usize)>,
    /// The group of a prefix that is searched instead of the line.
    content: Option<usize>,
    /// Groups that fill another one if that is empty: (group, other), in the order of names.
    alternatives: Vec<(String, String)>,
    /// Groups that are joined to another one.
    tuples: Vec<(String, String)>,
}

impl Pattern {
    /// Compiles an expression with its tags.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, dns: UseDns, multiline: bool) -> Result<Self, Problem> {
        let expanded = expanded(text, dns);
        if expanded.trim_start().is_empty() {
            return Err(Problem::Empty);
        }
        let options = Options { multiline, ..Options::default() };
        let regex = Regex::new(&expanded, options).map_err(Problem::Regex)?;
        let groups = regex.group_names().iter().enumerate();
        let groups = groups.filter_map(|(at, name)| Some((Arc::from(name.as_deref()?), at)));
        let mut names: Vec<(Arc<str>, usize)> = groups.collect();
        names.sort();
        let content = regex.group("content");
        let (alternatives, tuples) = (Vec::new(), Vec::new());
        let mut pattern = Self { regex, names, content, alternatives, tuples };
        let names: Vec<String> = pattern.regex.group_names().iter().flatten().cloned().collect();
        for name in names {
            if let Some(bare) = name.strip_prefix("alt_") {
                let other = tags::group_name(without_number(bare));
                pattern.alternatives.push((name, other));
            } else if let Some(bare) = name.strip_prefix("tuple_") {
                let other = tags::group_name(without_number(bare));
                pattern.tuples.push((name, other));
            }
        }
        pattern.alternatives.sort();
        pattern.tuples.sort();
        Ok(pattern)
    }

    /// Whether one of its groups names who failed, or the connection that will.
    pub fn names_somebody(&self) -> bool {
        let known = |name: &String| {
            IDS.contains(&name.as_str()) || matches!(name.as_str(), "mlfid" | OLD_ID)
        };
        self.regex.group_names().iter().flatten().any(known)
    }

    /// Searches the text.
    ///
    /// # Errors
    /// If the bound on the search was reached.
    pub fn search(&self, text: &str) -> Result<Option<Match>, Overrun> {
        self.regex.search(text)
    }

    /// The groups of a match in `text`.
    pub fn groups(&self, found: &Match, text: &str) -> Groups {
        self.groups_but(None, found, text)
    }

    /// The groups of a match of a prefix in `text`, and the bytes of the content, which is none of
    /// them.
    pub fn split(&self, found: &Match, text: &str) -> (Groups, Option<(usize, usize)>) {
        if self.alternatives.is_empty() && self.tuples.is_empty() {
            let content = self.content.and_then(|content| found.span(content));
            return (self.groups_but(self.content, found, text), content);
        }
        // Another group may fill it.
        let mut groups = self.groups(found, text);
        let content = match groups.remove("content") {
            Some(Value::Text(content)) => text.find(&*content).map(|at| (at, at + content.len())),
            _ => None,
        };
        (groups, content)
    }

    fn groups_but(&self, left_out: Option<usize>, found: &Match, text: &str) -> Groups {
        let mut groups = Groups::with_room(self.names.len());
        for (name, number) in self.names.iter().filter(|(_, number)| Some(*number) != left_out) {
            let value = found.span(*number).and_then(|(start, end)| text.get(start..end));
            let value = value.map_or(Value::None, |value| Value::Text(value.into()));
            groups.push(name.clone(), value);
        }
        for (from, to) in &self.alternatives {
            let value = groups.get(from).cloned().unwrap_or(Value::None);
            if value.is_filled() && !groups.get(to).is_some_and(Value::is_filled) {
                groups.insert(to.as_str(), value);
            }
        }
        for (from, to) in &self.tuples {
            let part = groups.get(from).and_then(Value::text).map(str::to_owned);
            let joined = match groups.remove(to) {
                Some(Value::Tuple(mut parts)) => {
                    parts.push(part);
                    parts
                }
                Some(Value::Text(text)) => vec![Some(text.as_ref().to_owned()), part],
                Some(Value::None) | None => vec![None, part],
            };
            groups.insert(to.as_str(), Value::Tuple(joined));
        }
        groups
    }

    /// The lines that `<SKIPLINES>` passed over.
    pub fn skipped<'t>(&self, found: &Match, text: &'t str) -> Vec<&'t str> {
        let mut lines = Vec::new();
        for (number, name) in self.regex.group_names().iter().enumerate() {
            if name.as_deref().is_some_and(|name| name.starts_with("skiplines"))
                && let Some((start, end)) = found.span(number)
            {
                lines.extend(lines_of(text.get(start..end).unwrap_or_default()));
            }
        }
        lines
    }

    /// The expression as it is searched.
    pub fn text(&self) -> &str {
        self.regex.pattern()
    }

    /// The compiled expression.
    pub fn regex(&self) -> &Regex {
        &self.regex
    }
}

/// The regular expression that is compiled.
pub fn expanded(text: &str, dns: UseDns) -> String {
    monban_pyre::localise_flags(&tags::expand(text, dns)).into_owned()
}

/// The lines as Python's `splitlines` gives them: more characters than `\n` end one.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines: Vec<&str> = text.split_inclusive(ends).collect();
    // `\r\n` is one end.
    lines.dedup_by(|line, before| *line == "\n" && before.ends_with('\r'));
    lines.into_iter().map(move |line| line.strip_suffix(ends).unwrap_or(line))
}

/// `user_1` is another `user`.
fn without_number(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((bare, number)) if is_number(number) => bare,
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}
