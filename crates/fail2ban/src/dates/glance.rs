//! What tells most lines in which an expression of a `datepattern` does not fit, without a search.

use std::sync::Arc;

use memchr::memmem::Finder;
use monban_pyre::Regex;

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

    /// Whether the expression may fit in the line.
    pub fn admits(&self, line: &str) -> bool {
        match self {
            Self::Epoch => may_hold_epoch(line.as_bytes()),
            Self::Slashed => may_hold_slashed(line.as_bytes()),
            Self::Stem(stem) => match &stem.text {
                Some(text) => text.find(line.as_bytes()).is_some(),
                None => stem.regex.admits(line),
            },
        }
    }
}

/// A number on its own stands at the beginning, behind a `[` there, or behind `audit(`.
fn may_hold_epoch(line: &[u8]) -> bool {
    let may_be_digit = |byte: &u8| byte.is_ascii_digit() || !byte.is_ascii();
    let begin = line.strip_prefix(b"[").unwrap_or(line);
    let is_audit = |at: usize| line[..at].ends_with(b"audit");
    begin.iter().take(10).all(may_be_digit) || memchr::memchr_iter(b'(', line).any(is_audit)
}

fn may_hold_slashed(line: &[u8]) -> bool {
    let may_be = |at: Option<usize>, is: fn(&u8) -> bool| {
        let byte = at.and_then(|at| line.get(at));
        byte.is_some_and(|byte| !byte.is_ascii() || is(byte))
    };
    memchr::memchr_iter(b'/', line).any(|at| {
        may_be(at.checked_sub(1), u8::is_ascii_digit)
            && may_be(Some(at + 1), u8::is_ascii_alphabetic)
    })
}
