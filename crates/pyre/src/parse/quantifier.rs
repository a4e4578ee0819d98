//! `* + ? {m,n}` and what follows them.

use super::Parser;
use crate::ast::{Kind, Node, RepeatMode};
use crate::error::{Error, Hint};

impl Parser {
    /// Repeats the last item; `c` at `start` is taken. A `{` that begins no repetition is the
    /// character itself and comes back.
    pub(super) fn quantifier(
        &mut self,
        c: char,
        start: usize,
        items: &mut Vec<Node>,
    ) -> Result<Option<Kind>, Error> {
        let (min, max) = match c {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            _ => match self.bounds(start)? {
                Some(bounds) => bounds,
                None => return Ok(Some(Kind::Literal('{'))),
            },
        };
        let Some(last) = items.pop().filter(|last| !matches!(last.kind, Kind::Anchor(_))) else {
            return Err(Error::new(start, "nothing to repeat").hint(Hint::NotAShellPattern));
        };
        if matches!(last.kind, Kind::Repeat { .. }) {
            return Err(Error::new(start, "multiple repeat"));
        }
        let mode = if self.tokens.eat('?')? {
            RepeatMode::Lazy
        } else if self.tokens.eat('+')? {
            RepeatMode::Possessive
        } else {
            RepeatMode::Greedy
        };
        let end = self.tokens.byte(self.tokens.position());
        let (span, flags) = (last.span.start..end, last.flags);
        let kind = Kind::Repeat { node: Box::new(last), min, max, mode };
        items.push(Node { kind, span, flags });
        Ok(None)
    }

    /// `{m}`, `{m,}`, `{,n}`, `{m,n}`, `{,}`; the brace is taken.
    fn bounds(&mut self, start: usize) -> Result<Option<(u32, Option<u32>)>, Error> {
        if self.tokens.peek_char() == Some('}') {
            return Ok(None);
        }
        let here = self.tokens.position();
        let is_digit = |c: char| c.is_ascii_digit();
        let low = self.tokens.take_while(usize::MAX, is_digit)?;
        let high = match self.tokens.eat(',')? {
            true => self.tokens.take_while(usize::MAX, is_digit)?,
            false => low.clone(),
        };
        if !self.tokens.eat('}')? {
            self.tokens.seek(here)?;
            return Ok(None);
        }
        let min = count(&low, start)?.unwrap_or(0);
        let max = count(&high, start)?;
        if max.is_some_and(|max| max < min) {
            return Err(Error::new(here, "min repeat greater than max repeat"));
        }
        Ok(Some((min, max)))
    }
}

fn count(digits: &str, start: usize) -> Result<Option<u32>, Error> {
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse::<u32>() {
        Ok(count) if count < u32::MAX => Ok(Some(count)),
        _ => Err(Error::new(start, "the repetition number is too large")),
    }
}
