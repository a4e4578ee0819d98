//! `$.a.b[0]`: the way to a value of a JSON object.

use super::cursor::{Cursor, is_plain};
use super::error::PatternError;

/// The way to a value, with at most one wildcard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    text: Box<str>,
    pub(super) steps: Vec<Step>,
}

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of an object.
    Key(Box<str>),
    /// The member of an array, from 0.
    Index(usize),
    /// Each member of an object or an array.
    Each,
}

impl Selector {
    /// Reads the one that begins here.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        let start = cursor.at();
        if !cursor.eat("$.") {
            return Err(cursor.invalid().hint("a selector begins with $. such as $.status"));
        }
        let mut steps = vec![first_or_after_dot(cursor, "$.")?];
        loop {
            let step = match cursor.peek() {
                Some('.') => {
                    cursor.skip(1);
                    first_or_after_dot(cursor, ".")?
                }
                Some('[') => bracket(cursor)?,
                _ => break,
            };
            steps.push(step);
        }
        let wildcards = steps.iter().filter(|step| **step == Step::Each).count();
        if wildcards > 1 {
            return Err(PatternError::new(
                "Your filter pattern has a JSON path selector that exceeds the maximum of 1 \
                 wildcard allowed per json selector.",
                start,
            ));
        }
        Ok(Self { text: cursor.since(start).into(), steps })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it means several values.
    pub(super) fn has_wildcard(&self) -> bool {
        self.steps.contains(&Step::Each)
    }

    /// The steps up to its wildcard, if it has one.
    pub(super) fn before_wildcard(&self) -> Option<&[Step]> {
        let at = self.steps.iter().position(|step| *step == Step::Each)?;
        Some(&self.steps[..at])
    }
}

/// What follows a dot.
fn first_or_after_dot(cursor: &mut Cursor<'_>, before: &str) -> Result<Step, PatternError> {
    if cursor.eat("*") {
        return Ok(Step::Each);
    }
    if cursor.rest().starts_with("['") || cursor.rest().starts_with("[\"") {
        return bracket(cursor);
    }
    let start = cursor.at();
    let key = cursor.take_while(is_plain);
    if !key.is_empty() {
        return Ok(Step::Key(key.into()));
    }
    let next = cursor.peek().map_or_else(String::new, |c| c.to_string());
    let hint = match next.as_str() {
        "." => "a value is named by its whole way; there is no search in depth",
        _ => "names with other characters are written $.['the name']",
    };
    let term = format!("{before}{next}");
    Err(PatternError::invalid_term(&term, start.saturating_sub(before.len())).hint(hint))
}

/// `[0]`, `[*]` or `['key']`.
fn bracket(cursor: &mut Cursor<'_>) -> Result<Step, PatternError> {
    let start = cursor.at();
    cursor.skip(1);
    let step = match cursor.peek() {
        Some('*') => {
            cursor.skip(1);
            Some(Step::Each)
        }
        Some(quote @ ('\'' | '"')) => {
            cursor.skip(1);
            let key = cursor.take_while(|c| c != quote);
            cursor.skip(usize::from(!cursor.is_done()));
            Some(Step::Key(key.into()))
        }
        _ => cursor.take_while(|c| c.is_ascii_digit()).parse().ok().map(Step::Index),
    };
    match step {
        Some(step) if cursor.eat("]") => Ok(step),
        _ => {
            let next = cursor.peek().map_or(0, char::len_utf8);
            cursor.skip(next);
            Err(PatternError::invalid_term(cursor.since(start), start)
                .hint("brackets hold a number from 0, * or a 'name'"))
        }
    }
}
