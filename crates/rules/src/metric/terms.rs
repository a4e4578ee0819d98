//! `ERROR "access denied" -DEBUG ?a ?b`: texts that a message must or must not hold.

use super::cursor::{Cursor, is_plain};
use super::error::PatternError;
use super::expression::Expression;
use super::literals::Literals;

/// The terms of a pattern, in the order they were written, and what is looked for.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) terms: Vec<Term>,
    required: Literals,
    excluded: Literals,
    optional: Literals,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) sign: Sign,
    pub(super) what: What,
}

/// What it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It must be there.
    Required,
    /// `-`: it must not be there.
    Excluded,
    /// `?`: one of these must be there, if there are no terms of another kind.
    Optional,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A text, anywhere.
    Text(Box<str>),
    /// What an expression finds.
    Regex(Expression),
}

impl Terms {
    /// Reads all terms.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        let mut terms = Vec::new();
        loop {
            cursor.skip_space();
            if cursor.is_done() {
                break;
            }
            terms.push(term(cursor)?);
        }
        let texts = |sign: Sign| -> Vec<&[u8]> {
            let of_sign = terms.iter().filter(|term: &&Term| term.sign == sign);
            of_sign.filter_map(|term| term.what.text()).map(str::as_bytes).collect()
        };
        let required = Literals::all_of(&texts(Sign::Required));
        let excluded = Literals::any_of(&texts(Sign::Excluded));
        let optional = Literals::any_of(&texts(Sign::Optional));
        Ok(Self { required, excluded, optional, terms })
    }

    /// Whether the `?` terms count.
    pub(super) fn has_choice(&self) -> bool {
        self.terms.iter().all(|term| term.sign == Sign::Optional)
    }

    pub(super) fn matches(&self, message: &[u8], seen: &mut Vec<bool>) -> bool {
        if self.has_choice() {
            return self.optional.any_in(message) || self.finds(Sign::Optional, message).any(|f| f);
        }
        self.required.all_in(message, seen)
            && (self.excluded.is_empty() || !self.excluded.any_in(message))
            && self.finds(Sign::Required, message).all(|found| found)
            && !self.finds(Sign::Excluded, message).any(|found| found)
    }

    /// Whether each expression of this kind finds something.
    fn finds<'m>(&'m self, sign: Sign, message: &'m [u8]) -> impl Iterator<Item = bool> + 'm {
        self.terms.iter().filter(move |term| term.sign == sign).filter_map(|term| {
            match &term.what {
                What::Regex(expression) => Some(expression.finds(message)),
                What::Text(_) => None,
            }
        })
    }

    /// A text that every message that matches holds, perhaps empty.
    pub(super) fn needed(&self) -> &[u8] {
        let is_only = self.terms.len() == 1;
        let required = self.terms.iter().filter(|term| match term.sign {
            Sign::Required => true,
            Sign::Optional => is_only,
            Sign::Excluded => false,
        });
        let texts = required.map(|term| match &term.what {
            What::Text(text) => text.as_bytes(),
            What::Regex(expression) => expression.needed(),
        });
        texts.max_by_key(|text| text.len()).unwrap_or_default()
    }
}

impl What {
    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Regex(_) => None,
        }
    }
}

fn term(cursor: &mut Cursor<'_>) -> Result<Term, PatternError> {
    let sign = match () {
        () if cursor.eat("?") => Sign::Optional,
        () if cursor.eat("-") => Sign::Excluded,
        () => Sign::Required,
    };
    let start = cursor.at();
    let what = match cursor.peek() {
        Some('"') => What::Text(cursor.quoted()?.into()),
        Some('%') => What::Regex(cursor.regex()?),
        _ => What::Text(cursor.take_while(is_plain).into()),
    };
    let is_empty = cursor.at() == start;
    let goes_on = cursor.peek().is_some_and(|c| !c.is_ascii_whitespace());
    if is_empty || goes_on {
        return Err(hint(cursor, start));
    }
    Ok(Term { sign, what })
}

/// What is wrong with a term, and what to write instead.
fn hint(cursor: &Cursor<'_>, start: usize) -> PatternError {
    let error = cursor.invalid();
    let so_far = cursor.since(start);
    if so_far.is_empty() && cursor.peek().is_none_or(char::is_whitespace) {
        return PatternError::invalid_term(cursor.since(start.saturating_sub(1)), start)
            .hint("behind - or ? stands a term, without a space");
    }
    let rest = cursor.rest().split(char::is_whitespace).next().unwrap_or_default();
    let word = format!("{so_far}{rest}");
    if word.starts_with("$.") {
        return error.hint("conditions on JSON stand in braces: { $.name = value }");
    }
    if word.starts_with(['"', '%']) {
        return error.hint("terms are parted by spaces");
    }
    let quoted = word.replace('\\', "\\\\").replace('"', "\\\"");
    match word.contains('*') {
        true => error.hint(format!(
            "a term is found anywhere in the text already and knows no wildcards: write {} or a \
             regular expression between percent signs",
            word.trim_matches('*')
        )),
        false => error.hint(format!("put it in double quotes: \"{quoted}\"")),
    }
}
