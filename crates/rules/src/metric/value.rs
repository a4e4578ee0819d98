//! What a value of a JSON object, or a field of a line, is compared with.

use std::cmp::Ordering;

use super::cursor::Cursor;
use super::decimal::Decimal;
use super::error::PatternError;
use super::expression::Expression;
use super::glob::Glob;

/// An operator with what stands on its right.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// `=` or, turned round, `!=`.
    Equal { negated: bool, want: Want },
    /// `<` and its like.
    Ordered { order: Order, than: Box<str> },
}

/// What a value should be.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// A number without quotes, as it was written.
    Number(Box<str>),
    /// A text, and whether it stood in quotes.
    Text(Box<str>, bool),
    /// A text with `*`.
    Glob(Glob),
    /// `%...%`.
    Regex(Expression),
}

/// How two numbers should stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    /// Reads an operator and a value; `None` if no operator stands here.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Option<Self>, PatternError> {
        let start = cursor.at();
        if cursor.rest().starts_with("==") {
            return Err(PatternError::new("Invalid metric filter pattern", start)
                .hint("equality is a single ="));
        }
        let order = match () {
            () if cursor.eat("!=") => return equal(cursor, true).map(Some),
            () if cursor.eat("=") => return equal(cursor, false).map(Some),
            () if cursor.eat(">=") => Order::GreaterOrEqual,
            () if cursor.eat(">") => Order::Greater,
            () if cursor.eat("<=") => Order::LessOrEqual,
            () if cursor.eat("<") => Order::Less,
            () => return Ok(None),
        };
        cursor.skip_space();
        let start = cursor.at();
        let than = cursor.take_while(is_bare);
        if Decimal::read(than.as_bytes()).is_some() {
            return Ok(Some(Self::Ordered { order, than: than.into() }));
        }
        let word = cursor.rest().split(char::is_whitespace).next().unwrap_or_default();
        let term = if than.is_empty() { word } else { than };
        Err(PatternError::invalid_term(term, start)
            .hint("< and > compare with a number, written without quotes"))
    }

    /// Whether a text of a JSON object passes.
    pub(super) fn takes_text(&self, text: &[u8]) -> bool {
        match self {
            Self::Equal { negated, want } => want.is(text) != *negated,
            Self::Ordered { .. } => false,
        }
    }

    /// Whether a number of a JSON object passes, which is written as `lexeme`.
    pub(super) fn takes_number(&self, lexeme: &[u8]) -> bool {
        match self {
            Self::Equal { negated, want: Want::Number(number) } => {
                (compare(lexeme, number) == Some(Ordering::Equal)) != *negated
            }
            Self::Equal { .. } => self.takes_text(lexeme),
            Self::Ordered { order, than } => {
                compare(lexeme, than).is_some_and(|found| order.holds(found))
            }
        }
    }

    /// Whether a field of a line passes: a text, and a number where one is asked for.
    pub(super) fn takes_field(&self, text: &[u8]) -> bool {
        match self {
            Self::Equal { .. } => self.takes_text(text),
            Self::Ordered { .. } => self.takes_number(text),
        }
    }

    /// A text that whatever passes holds, perhaps empty. Not for numbers of JSON objects, which
    /// can be written in many ways.
    pub(super) fn needed(&self) -> &[u8] {
        match self {
            Self::Equal { negated: false, want } => match want {
                Want::Number(text) | Want::Text(text, _) => text.as_bytes(),
                Want::Glob(glob) => glob.longest(),
                Want::Regex(expression) => expression.needed(),
            },
            _ => b"",
        }
    }
}

impl Want {
    /// Whether a text is it.
    fn is(&self, text: &[u8]) -> bool {
        match self {
            Self::Number(want) | Self::Text(want, _) => want.as_bytes() == text,
            Self::Glob(glob) => glob.matches(text),
            Self::Regex(expression) => expression.finds(text),
        }
    }
}

impl Order {
    fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}

fn compare(lexeme: &[u8], number: &str) -> Option<Ordering> {
    Some(Decimal::read(lexeme)?.compare(&Decimal::read(number.as_bytes())?))
}

/// Reads what stands on the right of `=` or `!=`.
fn equal(cursor: &mut Cursor<'_>, negated: bool) -> Result<Test, PatternError> {
    cursor.skip_space();
    let want = match cursor.peek() {
        Some('"') => {
            let text = cursor.quoted()?;
            Glob::parse(&text).map_or_else(|| Want::Text(text.into(), true), Want::Glob)
        }
        Some('%') => Want::Regex(cursor.regex()?),
        _ => bare(cursor)?,
    };
    Ok(Test::Equal { negated, want })
}

fn bare(cursor: &mut Cursor<'_>) -> Result<Want, PatternError> {
    let start = cursor.at();
    let text = cursor.take_while(is_bare);
    if text.is_empty() {
        return Err(cursor.invalid().hint("put the value in double quotes"));
    }
    // What follows without a space belongs to the value in the eyes of whoever wrote it.
    let next = cursor.peek().filter(|c| !c.is_ascii_whitespace() && !",)&|]}".contains(*c));
    if next.is_some() {
        let error = cursor.invalid();
        let rest = cursor.take_while(|c| !c.is_ascii_whitespace() && !",)&|]}".contains(c));
        return Err(error.hint(format!("put the value in double quotes: \"{text}{rest}\"")));
    }
    if text == "null" {
        return Err(PatternError::invalid_term(text, start)
            .hint("write IS NULL instead of = null, or \"null\" for the text"));
    }
    Ok(match (Decimal::read(text.as_bytes()), Glob::parse(text)) {
        (Some(_), _) => Want::Number(text.into()),
        (None, Some(glob)) => Want::Glob(glob),
        (None, None) => Want::Text(text.into(), false),
    })
}

/// Characters of a value without quotes.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '*' | '-')
}
