//! A metric's value and dimensions, taken from the messages that a pattern matches.

use monban_model::limits::METRIC_DIMENSIONS_MAX;

use super::cursor::{Cursor, is_plain};
use super::decimal;
use super::document::{Document, Kind};
use super::error::PatternError;
use super::fields::FieldsPattern;
use super::pattern::{Form, MetricPattern, MetricScratch};
use super::selector::Selector;
use super::tokens::Token;
use super::traps::Trap;

/// Where the value of a metric, or of a dimension of it, comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueOf(Origin);

#[derive(Clone, Debug, PartialEq)]
enum Origin {
    /// It is always this number.
    Number(f64),
    /// `$name`.
    Field(Box<str>),
    /// `$7`, from 1.
    Position(usize),
    /// `$.way.to.it`.
    Json(Selector),
}

/// What a metric reads out of messages.
#[derive(Clone, Debug)]
pub struct MetricReader {
    pattern: MetricPattern,
    value: Origin,
    default: Option<f64>,
    dimensions: Vec<(Box<str>, Origin)>,
}

/// What a message tells a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricReading<'m> {
    /// It does not match.
    Nothing,
    /// It does not match, and the metric has a value for that.
    Default(f64),
    /// It matches.
    Value {
        /// The value.
        value: f64,
        /// The dimensions that the message has.
        dimensions: Dimensions<'m>,
    },
    /// It matches, but the value is missing or is no number. To be counted by the caller.
    Skipped,
}

/// Names and values of dimensions. One whose value is missing or empty is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dimensions<'m> {
    pairs: [(&'m str, &'m [u8]); METRIC_DIMENSIONS_MAX],
    count: usize,
}

impl ValueOf {
    /// Reads a number, `$field`, `$7` or `$.way.to.it`.
    ///
    /// # Errors
    /// If it is none of these, or its way has a wildcard.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        let wrong = || {
            let message = format!(
                "Invalid metric transformation: metric value {text} must be a valid number"
            );
            PatternError::new(message, 0)
                .hint("write a number, $field, $7 or a way such as $.latency without wildcards")
        };
        let Some(name) = text.strip_prefix('$') else {
            return match decimal::value(text.as_bytes()) {
                Some(number) => Ok(Self(Origin::Number(number))),
                None => Err(wrong()),
            };
        };
        if name.starts_with('.') {
            let mut cursor = Cursor::new(text);
            let selector = Selector::parse(&mut cursor).map_err(|_| wrong())?;
            if selector.has_wildcard() || !cursor.is_done() {
                return Err(wrong());
            }
            return Ok(Self(Origin::Json(selector)));
        }
        match name.parse::<usize>() {
            Ok(0) => Err(wrong()),
            Ok(position) => Ok(Self(Origin::Position(position))),
            Err(_) if !name.is_empty() && name.chars().all(is_plain) => {
                Ok(Self(Origin::Field(name.into())))
            }
            Err(_) => Err(wrong()),
        }
    }

    /// The number, if it is always the same.
    pub fn number(&self) -> Option<f64> {
        match self.0 {
            Origin::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl MetricReader {
    /// Puts a metric together: what it matches, its value, its value for a message that does not
    /// match, and its dimensions with their selectors.
    ///
    /// # Errors
    /// If a selector does not go with the pattern, there are too many dimensions, two have the
    /// same name, or there is a default beside dimensions.
    pub fn new(
        pattern: MetricPattern,
        value: ValueOf,
        default: Option<f64>,
        dimensions: &[(String, String)],
    ) -> Result<Self, PatternError> {
        let wrong = |text: &str, hint: &str| {
            Err(PatternError::new(format!("Invalid metric transformation: {text}"), 0).hint(hint))
        };
        if default.is_some() && !dimensions.is_empty() {
            return wrong(
                "dimensions and default value are mutually exclusive properties",
                "a line that does not match has no dimensions: leave one of the two out",
            );
        }
        if default.is_some_and(|default| !default.is_finite()) {
            return wrong("default value must be a valid number", "");
        }
        if dimensions.len() > METRIC_DIMENSIONS_MAX {
            return wrong("there are more than 3 dimensions", "");
        }
        check_origin(&pattern, &value.0)?;
        let mut read: Vec<(Box<str>, Origin)> = Vec::new();
        for (name, selector) in dimensions {
            if name.is_empty() || read.iter().any(|(other, _)| **other == **name) {
                return wrong("each dimension needs a name of its own", "");
            }
            let origin = match ValueOf::parse(selector) {
                Ok(ValueOf(origin)) if !matches!(origin, Origin::Number(_)) => origin,
                _ => {
                    return wrong(
                        "dimension value must be valid selector",
                        "write $field, $7 or a way such as $.user without wildcards",
                    );
                }
            };
            check_origin(&pattern, &origin)?;
            read.push((name.as_str().into(), origin));
        }
        Ok(Self { pattern, value: value.0, default, dimensions: read })
    }

    /// Its pattern.
    pub fn pattern(&self) -> &MetricPattern {
        &self.pattern
    }

    /// What its writer may not know. Fields without conditions are no surprise where the metric
    /// takes its value or a dimension from one.
    pub fn traps(&self) -> Vec<Trap> {
        let origins = self.dimensions.iter().map(|(_, origin)| origin).chain([&self.value]);
        let takes_fields = origins
            .into_iter()
            .any(|origin| matches!(origin, Origin::Field(_) | Origin::Position(_)));
        let mut traps = self.pattern.traps();
        traps.retain(|trap| !(takes_fields && matches!(trap, Trap::BracketsUnquoted { .. })));
        traps
    }

    /// What a message tells. Linear time, nothing allocated but in `scratch`.
    pub fn read<'m>(
        &'m self,
        message: &'m [u8],
        scratch: &'m mut MetricScratch,
    ) -> MetricReading<'m> {
        match self.pattern.matches(message, scratch) {
            true => self.of_match(message, scratch),
            false => self.of_other().unwrap_or(MetricReading::Nothing),
        }
    }

    /// What a message tells that does not match, if the metric has a value for that.
    pub(super) fn of_other(&self) -> Option<MetricReading<'_>> {
        self.default.map(MetricReading::Default)
    }

    /// The same for a message that [`MetricPattern::matches`] or [`MetricPattern::captures`] just
    /// said matches, with the scratch that it used.
    pub fn of_match<'m>(
        &'m self,
        message: &'m [u8],
        scratch: &'m MetricScratch,
    ) -> MetricReading<'m> {
        let fields = match &self.pattern.form {
            Form::Fields(fields) => Some(fields),
            _ => None,
        };
        let source = Source { fields, message, scratch };
        let value = match &self.value {
            Origin::Number(number) => Some(*number),
            origin => source.text(origin).and_then(|text| decimal::value(text.trim_ascii())),
        };
        let Some(value) = value else {
            return MetricReading::Skipped;
        };
        let mut dimensions = Dimensions::default();
        for (name, origin) in &self.dimensions {
            if let Some(text) = source.text(origin).filter(|text| !text.is_empty()) {
                dimensions.pairs[dimensions.count] = (name, text);
                dimensions.count += 1;
            }
        }
        MetricReading::Value { value, dimensions }
    }
}

impl<'m> Dimensions<'m> {
    /// Names and values, in the order of the metric.
    pub fn pairs(&self) -> &[(&'m str, &'m [u8])] {
        &self.pairs[..self.count]
    }
}

/// A message that matched.
struct Source<'m> {
    fields: Option<&'m FieldsPattern>,
    message: &'m [u8],
    scratch: &'m MetricScratch,
}

impl<'m> Source<'m> {
    fn text(&self, origin: &Origin) -> Option<&'m [u8]> {
        let tokens: &'m [Token] = &self.scratch.tokens;
        match origin {
            Origin::Number(_) => None,
            Origin::Position(position) => {
                self.fields?.value(self.message, tokens, position.checked_sub(1)?)
            }
            Origin::Field(name) => {
                let fields = self.fields?;
                let is_it = |field: &super::fields::Field| field.name.as_deref() == Some(name);
                let field = fields.fields.iter().position(is_it)?;
                fields.value(self.message, tokens, fields.position(field, tokens))
            }
            Origin::Json(selector) => {
                let document: &'m Document = &self.scratch.document;
                let value = document.root(self.message).at(&selector.steps)?;
                match value.kind() {
                    Kind::Text | Kind::Number => Some(value.bytes()),
                    Kind::True => Some(b"true"),
                    Kind::False => Some(b"false"),
                    _ => None,
                }
            }
        }
    }
}

/// Whether a pattern has what a value is to be taken from.
fn check_origin(pattern: &MetricPattern, origin: &Origin) -> Result<(), PatternError> {
    let error = match (origin, &pattern.form) {
        (Origin::Number(_), _)
        | (Origin::Json(_), Form::Json(_))
        | (Origin::Position(_), Form::Fields(FieldsPattern { gap: Some(_), .. })) => return Ok(()),
        (Origin::Position(position), Form::Fields(fields)) => {
            if *position <= fields.fields.len() {
                return Ok(());
            }
            format!("the pattern has no field ${position}")
        }
        (Origin::Field(name), Form::Fields(fields)) => {
            if fields.fields.iter().any(|field| field.name.as_deref() == Some(name)) {
                return Ok(());
            }
            format!("the pattern has no field ${name}")
        }
        (Origin::Json(selector), _) => {
            format!("{} needs a pattern on JSON, in braces", selector.text())
        }
        (Origin::Field(name), _) => format!("${name} needs a pattern of fields, in brackets"),
        (Origin::Position(position), _) => {
            format!("${position} needs a pattern of fields, in brackets")
        }
    };
    Err(PatternError::new(format!("Invalid metric transformation: {error}"), 0)
        .hint("it would never have a value"))
}
