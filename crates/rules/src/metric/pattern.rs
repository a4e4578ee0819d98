//! A filter pattern of any form, and what it says of a message.

use std::fmt;

use monban_model::limits::METRIC_PATTERN_CHARS_MAX;

use super::cursor::Cursor;
use super::document::Document;
use super::error::PatternError;
use super::fields::FieldsPattern;
use super::json_pattern::JsonPattern;
use super::terms::Terms;
use super::tokens::Token;

/// A filter pattern in CloudWatch Logs' language.
#[derive(Clone, Debug)]
pub struct MetricPattern {
    text: Box<str>,
    pub(super) form: Form,
}

/// Its form.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Without anything in it: every message.
    Everything,
    Terms(Terms),
    Json(JsonPattern),
    Fields(FieldsPattern),
}

/// Memory that is used again for each message. What it takes is bounded by the longest of them.
#[derive(Clone, Debug, Default)]
pub struct MetricScratch {
    pub(super) document: Document,
    pub(super) tokens: Vec<Token>,
    pub(super) seen: Vec<bool>,
    pub(super) present: Vec<bool>,
}

impl MetricPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in CloudWatch's words where it has some.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let count = text.chars().count();
        if count > METRIC_PATTERN_CHARS_MAX {
            let offset = text.char_indices().nth(METRIC_PATTERN_CHARS_MAX).map_or(0, |(at, _)| at);
            return Err(PatternError::new(
                format!(
                    "the pattern has {count} characters, {METRIC_PATTERN_CHARS_MAX} are the limit"
                ),
                offset,
            ));
        }
        let trimmed = text.trim_ascii_end();
        let mut cursor = Cursor::new(trimmed);
        cursor.skip_space();
        let form = match cursor.peek() {
            None => Form::Everything,
            Some('{') => Form::Json(JsonPattern::parse(&mut cursor)?),
            Some('[') => Form::Fields(FieldsPattern::parse(&mut cursor)?),
            Some(_) => Form::Terms(Terms::parse(&mut cursor)?),
        };
        Ok(Self { text: trimmed.trim_ascii_start().into(), form })
    }

    /// As it was written, without the spaces around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a message matches. Any bytes are a message; it takes linear time, and those beyond
    /// [`LINE_MAX`](monban_model::limits::LINE_MAX) are no reason to fail, but a JSON object with
    /// more values than that matches nothing.
    pub fn matches(&self, message: &[u8], scratch: &mut MetricScratch) -> bool {
        match &self.form {
            Form::Everything => true,
            Form::Terms(terms) => terms.matches(message, &mut scratch.seen),
            Form::Json(json) => json.matches(message, &mut scratch.document),
            Form::Fields(fields) => fields.matches(message, &mut scratch.tokens),
        }
    }

    /// The fields of a message that matches, by their names; `None` if it does not match. Patterns
    /// of other forms than `[...]` have no fields.
    pub fn captures<'m>(
        &'m self,
        message: &'m [u8],
        scratch: &'m mut MetricScratch,
    ) -> Option<MetricCaptures<'m>> {
        if !self.matches(message, scratch) {
            return None;
        }
        let fields = match &self.form {
            Form::Fields(fields) => Some(fields),
            _ => None,
        };
        Some(MetricCaptures { fields, message, tokens: &scratch.tokens, next: 0 })
    }

    /// A text that every message that matches holds, so that one without it need not be asked
    /// about. `None` if there is none that could be told.
    pub fn needed_text(&self) -> Option<&[u8]> {
        let needed = match &self.form {
            Form::Everything => b"",
            Form::Terms(terms) => terms.needed(),
            // Names and values may be written with escapes.
            Form::Json(_) => b"{",
            Form::Fields(fields) => fields.needed(),
        };
        (!needed.is_empty()).then_some(needed)
    }

    /// Whether only a message that is a JSON object can match.
    pub fn is_of_json(&self) -> bool {
        matches!(self.form, Form::Json(_))
    }
}

/// The fields of a message, in their order.
#[derive(Clone, Debug)]
pub struct MetricCaptures<'m> {
    fields: Option<&'m FieldsPattern>,
    message: &'m [u8],
    tokens: &'m [Token],
    next: usize,
}

/// What a field is called: its name, or its place in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldName<'m> {
    /// The name that the pattern gives it; shown as `$name`.
    Named(&'m str),
    /// Its place, from 1; shown as `$1`.
    Position(usize),
}

impl<'m> Iterator for MetricCaptures<'m> {
    type Item = (FieldName<'m>, &'m [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let fields = self.fields?;
        let position = self.next;
        let value = fields.value(self.message, self.tokens, position)?;
        self.next += 1;
        let name = fields.name(position, self.tokens);
        Some((name.map_or(FieldName::Position(position + 1), FieldName::Named), value))
    }
}

impl fmt::Display for FieldName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "${name}"),
            Self::Position(position) => write!(f, "${position}"),
        }
    }
}
