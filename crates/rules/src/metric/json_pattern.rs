//! `{ $.a = 1 && $.b IS NULL }`: conditions on a message that is one JSON object.

use monban_model::limits::METRIC_WILDCARDS_MAX;

use super::cursor::Cursor;
use super::document::{Document, Kind, Value};
use super::error::PatternError;
use super::logic::Logic;
use super::selector::Selector;
use super::value::Test;

/// Conditions on an object.
#[derive(Clone, Debug)]
pub(super) struct JsonPattern {
    pub(super) logic: Logic<Condition>,
    pub(super) has_wildcard: bool,
}

/// A condition on a value of it.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) selector: Selector,
    pub(super) claim: Claim,
}

/// What is claimed of the value.
#[derive(Clone, Debug)]
pub(super) enum Claim {
    /// It compares so; only texts and numbers do.
    Compares(Test),
    /// It is null, or an array with a null in it.
    IsNull,
    /// It is true.
    IsTrue,
    /// It is false.
    IsFalse,
    /// There is none.
    NotExists,
}

impl JsonPattern {
    /// Reads a pattern that begins with `{`.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        cursor.skip(1);
        let logic = Logic::parse(cursor, &mut condition)?;
        if !cursor.eat("}") {
            return Err(hint_of_words(cursor, cursor.invalid()));
        }
        cursor.skip_space();
        if !cursor.is_done() {
            return Err(cursor.invalid().hint("nothing may follow the closing }"));
        }
        let mut wildcards = 0;
        logic.each(&mut |condition: &Condition, _| {
            wildcards += usize::from(condition.selector.has_wildcard());
        });
        if wildcards > METRIC_WILDCARDS_MAX {
            let message = format!(
                "Your input has exceeded the maximum of {METRIC_WILDCARDS_MAX} JSON wildcard \
                 selectors allowed per filter pattern."
            );
            return Err(PatternError::new(message, 0));
        }
        Ok(Self { logic, has_wildcard: wildcards > 0 })
    }

    pub(super) fn matches(&self, message: &[u8], document: &mut Document) -> bool {
        document.read(message, self.has_wildcard) && self.holds(message, document)
    }

    /// Whether it matches an object that was read from this message.
    pub(super) fn holds(&self, message: &[u8], document: &Document) -> bool {
        let root = document.root(message);
        self.logic.holds(&mut |condition| condition.holds(root))
    }
}

impl Condition {
    fn holds(&self, root: Value<'_>) -> bool {
        let any = |test: &mut dyn FnMut(Value<'_>) -> bool| {
            root.any(&self.selector.steps, &mut |value| test(value))
        };
        match &self.claim {
            Claim::Compares(test) => any(&mut |value| match value.kind() {
                Kind::Text => test.takes_text(value.bytes()),
                Kind::Number => test.takes_number(value.bytes()),
                _ => false,
            }),
            Claim::IsNull => any(&mut |value| match value.kind() {
                Kind::Null => true,
                Kind::Array => value.children().any(|member| member.kind() == Kind::Null),
                _ => false,
            }),
            Claim::IsTrue => any(&mut |value| value.kind() == Kind::True),
            Claim::IsFalse => any(&mut |value| value.kind() == Kind::False),
            Claim::NotExists => !any(&mut |_| true),
        }
    }
}

fn condition(cursor: &mut Cursor<'_>) -> Result<Condition, PatternError> {
    if cursor.rest().starts_with('!') {
        return Err(cursor.invalid().hint("there is no negation: use != or IS FALSE"));
    }
    let selector = Selector::parse(cursor)?;
    cursor.skip_space();
    if let Some(test) = Test::parse(cursor)? {
        return Ok(Condition { selector, claim: Claim::Compares(test) });
    }
    let claim = if cursor.eat_word("IS") {
        cursor.skip_space();
        match () {
            () if cursor.eat_word("NULL") => Claim::IsNull,
            () if cursor.eat_word("TRUE") => Claim::IsTrue,
            () if cursor.eat_word("FALSE") => Claim::IsFalse,
            () => {
                return Err(cursor.invalid().hint(
                    "behind IS stands NULL, TRUE or FALSE, in capitals; a value that is there \
                     and not null is != \"\"",
                ));
            }
        }
    } else if cursor.eat_word("NOT") {
        cursor.skip_space();
        if !cursor.eat_word("EXISTS") {
            return Err(cursor.invalid().hint("behind NOT stands EXISTS, in capitals"));
        }
        Claim::NotExists
    } else if cursor.eat_word("EXISTS") {
        let error = PatternError::invalid_term("EXISTS", cursor.at() - "EXISTS".len());
        let hint = format!("write {} = * for a text or number that is there", selector.text());
        return Err(error.hint(hint));
    } else {
        let hint = "behind the selector stands = != < > <= >=, IS or NOT EXISTS, in capitals";
        return Err(cursor.invalid().hint(hint));
    };
    Ok(Condition { selector, claim })
}

/// The words that others use for `&&` and `||`.
fn hint_of_words(cursor: &Cursor<'_>, error: PatternError) -> PatternError {
    let word = cursor.rest().split_whitespace().next().unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "AND" => error.hint("and is written &&"),
        "OR" => error.hint("or is written ||"),
        "," => error.hint("conditions are put together with && and ||"),
        _ => error.hint("conditions are put together with && and ||, and end with }"),
    }
}
