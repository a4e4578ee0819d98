//! A place in the text of a pattern, and the pieces that all forms of patterns share.

use monban_model::limits::METRIC_REGEXES_MAX;

use super::error::PatternError;
use super::expression::Expression;

/// A place in a text.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    regexes: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, regexes: 0 }
    }

    /// Bytes before it.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_ascii_start().len();
    }

    /// Passes over `word` if it stands here.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_here = self.rest().starts_with(word);
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    /// Passes over a word in capitals that ends here and not within another one.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word).map(|rest| rest.chars().next());
        let is_here = after.is_some_and(|next| !next.is_some_and(is_plain));
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The text between double quotes that begins here; `\"` and `\\` stand for `"` and `\`.
    pub(super) fn quoted(&mut self) -> Result<String, PatternError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, next)) => text.push(next),
                    None => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Err(PatternError::invalid_term(self.rest(), start)
            .hint("a text that begins with a double quote must end with one"))
    }

    /// The regular expression between percent signs that begins here.
    pub(super) fn regex(&mut self) -> Result<Expression, PatternError> {
        let start = self.at;
        let body = self.rest().get(1..).unwrap_or_default();
        let Some(end) = body.find('%') else {
            return Err(PatternError::invalid_term(self.rest(), start).hint(
                "a regular expression stands between two percent signs; \\x25 is one of them",
            ));
        };
        self.regexes += 1;
        if self.regexes > METRIC_REGEXES_MAX {
            let limit = METRIC_REGEXES_MAX;
            let message = format!(
                "Your input has exceeded the maximum of {limit} regular expressions per filter pattern."
            );
            return Err(PatternError::new(message, start)
                .hint("put several into one with |, such as %first|second%"));
        }
        let expression = Expression::parse(&body[..end], start + 1)?;
        self.at = start + end + 2;
        Ok(expression)
    }

    /// What stands here and has no place.
    pub(super) fn invalid(&self) -> PatternError {
        let rest = self.rest();
        let is_word = self.peek().is_some_and(is_plain);
        let ends = |c: char| c.is_ascii_whitespace() || is_plain(c) != is_word || c == '$';
        let first = self.peek().map_or(0, char::len_utf8);
        let end = rest.get(first..).and_then(|rest| rest.find(ends)).map(|at| first + at);
        let Some(first) = self.peek() else {
            return PatternError::new("Invalid metric filter pattern", self.at);
        };
        let term = &rest[..end.unwrap_or(rest.len())];
        let error = PatternError::invalid_term(term, self.at);
        // What editors and web pages make of what was typed.
        match first {
            '\u{3000}' => error.hint("this is a full-width space: write a plain one"),
            '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{ff02}' => {
                error.hint("these are typographic quotes: write plain ones")
            }
            _ => error,
        }
    }
}

/// Characters of names and of terms without quotes.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}
