//! What is wrong with a pattern.

use std::fmt;

/// Why a filter pattern, or what a metric takes from it, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong, in CloudWatch's words where it has some.
    pub message: String,
    /// Where, in bytes from the beginning of the text that was given.
    pub offset: usize,
    /// What to write instead, or empty.
    pub hint: String,
}

impl PatternError {
    pub(super) fn new(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset, hint: String::new() }
    }

    /// The error of everything that the grammar has no place for.
    pub(super) fn invalid_term(term: &str, offset: usize) -> Self {
        Self::new(format!("Invalid character(s) in term '{term}'"), offset)
    }

    /// With a hint, if it has none.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.hint.is_empty() {
            self.hint = hint.into();
        }
        self
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.hint.as_str() {
            "" => Ok(()),
            hint => write!(f, "; {hint}"),
        }
    }
}

impl std::error::Error for PatternError {}
