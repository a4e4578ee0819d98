//! `&&`, `||` and parentheses around conditions; `&&` binds closer.

use monban_model::limits::METRIC_PARENTHESES_MAX;

use super::cursor::Cursor;
use super::error::PatternError;

/// Conditions put together.
#[derive(Clone, Debug)]
pub(super) enum Logic<T> {
    All(Vec<Logic<T>>),
    Any(Vec<Logic<T>>),
    One(T),
}

/// Reads one condition.
pub(super) type Leaf<'l, T> = dyn FnMut(&mut Cursor<'_>) -> Result<T, PatternError> + 'l;

impl<T> Logic<T> {
    /// Reads conditions up to what does not belong to them; spaces behind them are passed over.
    pub(super) fn parse(
        cursor: &mut Cursor<'_>,
        leaf: &mut Leaf<'_, T>,
    ) -> Result<Self, PatternError> {
        Self::any(cursor, leaf, 0)
    }

    fn any(
        cursor: &mut Cursor<'_>,
        leaf: &mut Leaf<'_, T>,
        depth: usize,
    ) -> Result<Self, PatternError> {
        let mut parts = vec![Self::all(cursor, leaf, depth)?];
        while cursor.eat("||") {
            parts.push(Self::all(cursor, leaf, depth)?);
        }
        Ok(Self::of(parts, Self::Any))
    }

    fn all(
        cursor: &mut Cursor<'_>,
        leaf: &mut Leaf<'_, T>,
        depth: usize,
    ) -> Result<Self, PatternError> {
        let mut parts = vec![Self::one(cursor, leaf, depth)?];
        while cursor.eat("&&") {
            parts.push(Self::one(cursor, leaf, depth)?);
        }
        Ok(Self::of(parts, Self::All))
    }

    fn one(
        cursor: &mut Cursor<'_>,
        leaf: &mut Leaf<'_, T>,
        depth: usize,
    ) -> Result<Self, PatternError> {
        cursor.skip_space();
        let start = cursor.at();
        let found = if cursor.eat("(") {
            if depth >= METRIC_PARENTHESES_MAX {
                return Err(PatternError::new("Invalid metric filter pattern", start)
                    .hint("there are too many parentheses within parentheses"));
            }
            let inner = Self::any(cursor, leaf, depth + 1)?;
            if !cursor.eat(")") {
                return Err(cursor.invalid().hint("a ( must be closed by a )"));
            }
            inner
        } else {
            Self::One(leaf(cursor)?)
        };
        cursor.skip_space();
        Ok(found)
    }

    fn of(mut parts: Vec<Self>, together: impl Fn(Vec<Self>) -> Self) -> Self {
        match parts.len() {
            1 => parts.remove(0),
            _ => together(parts),
        }
    }

    /// Whether the whole holds, if `test` says so of its conditions.
    pub(super) fn holds(&self, test: &mut dyn FnMut(&T) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(test)),
            Self::One(condition) => test(condition),
        }
    }

    /// Calls `see` with each condition, and with whether the whole holds only if it does.
    pub(super) fn each<'s>(&'s self, see: &mut dyn FnMut(&'s T, bool)) {
        self.each_of(true, see);
    }

    fn each_of<'s>(&'s self, is_required: bool, see: &mut dyn FnMut(&'s T, bool)) {
        match self {
            Self::All(parts) => parts.iter().for_each(|part| part.each_of(is_required, see)),
            Self::Any(parts) => parts.iter().for_each(|part| part.each_of(false, see)),
            Self::One(condition) => see(condition, is_required),
        }
    }
}
