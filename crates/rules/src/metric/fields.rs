//! `[ip, user, ..., status = 4*, bytes > 1000]`: the fields of a line in their order.

use super::cursor::{Cursor, is_plain};
use super::error::PatternError;
use super::logic::Logic;
use super::tokens::{Token, is_space, split};
use super::value::Test;

/// The fields of a line.
#[derive(Clone, Debug)]
pub(super) struct FieldsPattern {
    pub(super) fields: Vec<Field>,
    /// How many of them stand before `...`, if that is there.
    pub(super) gap: Option<usize>,
}

/// One field of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    pub(super) name: Option<Box<str>>,
    pub(super) logic: Option<Logic<Test>>,
}

impl FieldsPattern {
    /// Reads a pattern that begins with `[`.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        let mut pattern = Self { fields: Vec::new(), gap: None };
        cursor.skip(1);
        cursor.skip_space();
        let mut is_ended = cursor.eat("]");
        while !is_ended {
            cursor.skip_space();
            let start = cursor.at();
            if cursor.eat("...") {
                if pattern.gap.replace(pattern.fields.len()).is_some() {
                    return Err(PatternError::new("Duplicate field '...'", start)
                        .hint("only one ... tells how many fields are left out"));
                }
            } else {
                let field = field(cursor)?;
                let same = |other: &Field| other.name.is_some() && other.name == field.name;
                if let Some(name) = field.name.as_ref().filter(|_| pattern.fields.iter().any(same))
                {
                    return Err(PatternError::new(format!("Duplicate field '{name}'"), start)
                        .hint("each field needs a name of its own, or none"));
                }
                pattern.fields.push(field);
            }
            cursor.skip_space();
            is_ended = cursor.eat("]");
            if !is_ended && !cursor.eat(",") {
                return Err(cursor.invalid().hint(
                    "fields are parted by commas and end with ]; a text with brackets is written \
                     in double quotes",
                ));
            }
        }
        cursor.skip_space();
        match cursor.is_done() {
            true => Ok(pattern),
            false => Err(cursor.invalid().hint(
                "nothing may follow the closing ]; a term with brackets is written in double \
                 quotes, such as \"[ERROR]\" Exception",
            )),
        }
    }

    pub(super) fn matches(&self, line: &[u8], tokens: &mut Vec<Token>) -> bool {
        // One field more than needed tells whether the last one goes on.
        let most = self.gap.map_or(self.fields.len() + 1, |_| usize::MAX);
        split(line, most, tokens);
        let least = match self.gap {
            Some(_) => self.fields.len(),
            None => self.fields.len().max(1),
        };
        tokens.len() >= least
            && self.fields.iter().enumerate().all(|(at, field)| {
                let value = || self.value(line, tokens, self.position(at, tokens));
                let holds = |logic: &Logic<Test>| {
                    let value = value().unwrap_or_default();
                    logic.holds(&mut |test| test.takes_field(value))
                };
                field.logic.as_ref().is_none_or(holds)
            })
    }

    /// How many fields the line has that was split.
    pub(super) fn count(&self, tokens: &[Token]) -> usize {
        match self.gap {
            Some(_) => tokens.len(),
            None => self.fields.len(),
        }
    }

    /// The name of the field at a position of the line, from 0.
    pub(super) fn name(&self, position: usize, tokens: &[Token]) -> Option<&str> {
        let field = match self.gap {
            Some(gap) if position >= gap => {
                let behind = self.fields.len() - gap;
                let from = tokens.len().saturating_sub(behind);
                gap + position.checked_sub(from)?
            }
            _ => position,
        };
        self.fields.get(field)?.name.as_deref()
    }

    /// The position in the line of a field of the pattern, both from 0.
    pub(super) fn position(&self, field: usize, tokens: &[Token]) -> usize {
        match self.gap {
            Some(gap) if field >= gap => (tokens.len() + field).saturating_sub(self.fields.len()),
            _ => field,
        }
    }

    /// The field at a position of the line, from 0. The last one takes the rest of the line.
    pub(super) fn value<'l>(
        &self,
        line: &'l [u8],
        tokens: &[Token],
        position: usize,
    ) -> Option<&'l [u8]> {
        let token = tokens.get(position).filter(|_| position < self.count(tokens))?;
        let has_more = self.gap.is_none() && tokens.len() > self.fields.len();
        if has_more && position + 1 == self.fields.len() {
            let end = line.iter().rposition(|byte| !is_space(*byte)).map_or(0, |at| at + 1);
            return line.get(token.start..end);
        }
        line.get(token.inner.0..token.inner.1)
    }

    /// A text that every line that matches holds, perhaps empty.
    pub(super) fn needed(&self) -> &[u8] {
        let mut needed: &[u8] = b"";
        for logic in self.fields.iter().filter_map(|field| field.logic.as_ref()) {
            logic.each(&mut |test, is_required| {
                if is_required && test.needed().len() > needed.len() {
                    needed = test.needed();
                }
            });
        }
        needed
    }
}

/// One field, up to the comma or bracket behind it.
fn field(cursor: &mut Cursor<'_>) -> Result<Field, PatternError> {
    if matches!(cursor.peek(), Some(',' | ']')) {
        return Ok(Field::default());
    }
    let mut name: Option<Box<str>> = None;
    let mut bare = 0;
    let mut leaf = |cursor: &mut Cursor<'_>| {
        let start = cursor.at();
        let own = cursor.take_while(is_plain);
        if own.is_empty() {
            return Err(cursor.invalid().hint("a field has a name of letters, digits, - and _"));
        }
        match &name {
            Some(name) if **name != *own => {
                return Err(PatternError::invalid_term(own, start)
                    .hint(format!("a condition of the field {name} names {name} again")));
            }
            _ => name = Some(own.into()),
        }
        cursor.skip_space();
        let test = Test::parse(cursor)?;
        bare += usize::from(test.is_none());
        Ok(test)
    };
    let start = cursor.at();
    let logic = Logic::parse(cursor, &mut leaf)?;
    let logic = match logic {
        Logic::One(test) => test.map(Logic::One),
        many if bare == 0 => Some(whole(many)),
        _ => {
            return Err(PatternError::invalid_term(cursor.since(start).trim_end(), start)
                .hint("on both sides of && and || stands a condition such as status = 404"));
        }
    };
    Ok(Field { name, logic })
}

/// The same without the choice that none made.
fn whole(logic: Logic<Option<Test>>) -> Logic<Test> {
    let all = |parts: Vec<Logic<Option<Test>>>| parts.into_iter().map(whole).collect();
    match logic {
        Logic::All(parts) => Logic::All(all(parts)),
        Logic::Any(parts) => Logic::Any(all(parts)),
        Logic::One(Some(test)) => Logic::One(test),
        // Nothing to ask of the field.
        Logic::One(None) => Logic::All(Vec::new()),
    }
}
