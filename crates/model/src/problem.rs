//! What is wrong with a configuration or rule file, for the person who wrote it.

use std::fmt;

/// One mistake in a file. All mistakes are collected before any is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1; 0 if the whole file is meant.
    pub line: u32,
    /// Column in bytes, from 1; 0 if the whole line is meant.
    pub column: u32,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to write instead, or empty.
    pub hint: String,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: &str, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            what: what.into(),
            why: why.into(),
            hint: String::new(),
        }
    }

    /// The same problem at the place of a byte offset in `text`.
    pub fn at(mut self, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.line = count(before.matches('\n').count() + 1);
        self.column = count(before.len() - line_start + 1);
        self
    }

    /// The same problem with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Problem {
    /// `file:line: what (why); hint`; without a place where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            f.write_str(&self.file)?;
            if self.line > 0 {
                write!(f, ":{}", self.line)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.what)?;
        if !self.why.is_empty() {
            write!(f, " ({})", self.why)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_nobody_wrote_is_left_out() {
        let problem = Problem::of_file("a.conf", "what", "why");
        assert_eq!(Problem { line: 3, ..problem.clone() }.to_string(), "a.conf:3: what (why)");
        assert_eq!(Problem { file: String::new(), ..problem }.to_string(), "what (why)");
    }
}
