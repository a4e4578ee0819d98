//! What tells most lines in which an expression of a `datepattern` does not fit, without a search.

use std::sync::Arc;

use memchr::memmem::Finder;
use monban_pyre::{Needed, Regex};

use super::usual::slash;

/// What an expression needs that is not tied to the beginning of the line, or begins with anything.
#[derive(Clone)]
pub enum Glance {
    /// A number of seconds, on its own.
    Epoch,
    /// The name of a month behind a day and a slash.
    Slashed,
    /// What stands before the date.
    Stem(Arc<Stem>),
}

/// What stands before the date: its expression, and a text that is in it.
pub struct Stem {
    regex: Regex,
    text: Option<Finder<'static>>,
}

impl Glance {
    /// What this expression matches.
    pub fn stem(regex: Regex) -> Self {
        let needed = regex.needed().filter(|needed| !needed.any_case);
        let text = needed.and_then(|needed| <[String; 1]>::try_from(needed.texts).ok());
        let text = text.map(|[text]| Finder::new(&text).into_owned());
        Self::Stem(Arc::new(Stem { regex, text }))
    }

    /// The expression of what stands before the date.
    pub fn regex(&self) -> Option<&Regex> {
        match self {
            Self::Stem(stem) => Some(&stem.regex),
            Self::Epoch | Self::Slashed => None,
        }
    }

    /// Whether it tells the same lines as another one: templates made of one pattern share theirs.
    pub fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stem(one), Self::Stem(other)) => Arc::ptr_eq(one, other),
            (Self::Epoch, Self::Epoch) | (Self::Slashed, Self::Slashed) => true,
            _ => false,
        }
    }

    /// Texts of which one is in each line that it admits for more than what begins it; `None` if
    /// there are none.
    pub fn needed(&self) -> Option<Needed> {
        match self {
            Self::Epoch => Some(Needed { texts: vec!["audit(".to_owned()], any_case: false }),
            Self::Slashed => None,
            Self::Stem(stem) => stem.regex.needed().filter(|needed| !needed.any_case),
        }
    }

    /// The same as [`Self::admits`] if it is known whether one of the needed texts may be in the
    /// line.
    pub fn admits_knowing(&self, line: &str, has_needed: bool) -> bool {
        match self {
            Self::Epoch if !has_needed => begins_with_number(line.as_bytes()),
            Self::Stem(_) if !has_needed => false,
            _ => self.admits(line),
        }
    }

    /// Whether the expression may fit in the line.
    pub fn admits(&self, line: &str) -> bool {
        match self {
            Self::Epoch => may_hold_epoch(line.as_bytes()),
            Self::Slashed => slash(line.as_bytes()).is_some(),
            Self::Stem(stem) => match &stem.text {
                Some(text) => text.find(line.as_bytes()).is_some(),
                None => stem.regex.admits(line),
            },
        }
    }
}

/// A number on its own stands at the beginning, behind a `[` there, or behind `audit(`.
fn may_hold_epoch(line: &[u8]) -> bool {
    let is_audit = |at: usize| line[..at].ends_with(b"audit");
    begins_with_number(line) || memchr::memchr_iter(b'(', line).any(is_audit)
}

fn begins_with_number(line: &[u8]) -> bool {
    let may_be_digit = |byte: &u8| byte.is_ascii_digit() || !byte.is_ascii();
    let begin = line.strip_prefix(b"[").unwrap_or(line);
    begin[..begin.len().min(10)].iter().all(may_be_digit)
}
