//! Sets in square brackets.

use super::Parser;
use super::token::Token;
use crate::ast::{Class, ClassItem};
use crate::error::{Error, Hint};

impl Parser {
    /// A set; the opening bracket at `start` is taken. `]` is a member where it comes first, `[`
    /// and `&&` and their like mean themselves.
    pub(super) fn class(&mut self, start: usize) -> Result<Class, Error> {
        let negated = self.tokens.eat('^')?;
        let mut items = Vec::new();
        loop {
            let Some(token) = self.tokens.take()? else {
                return Err(unterminated(start));
            };
            if token == Token::Char(']') && !items.is_empty() {
                break;
            }
            let low = self.member(token)?;
            if !self.tokens.eat('-')? {
                items.push(low);
                continue;
            }
            let Some(that) = self.tokens.take()? else {
                return Err(unterminated(start));
            };
            if that == Token::Char(']') {
                items.extend([low, ClassItem::Range('-', '-')]);
                break;
            }
            let high = self.member(that)?;
            match (low, high) {
                (ClassItem::Range(from, _), ClassItem::Range(to, _)) if from <= to => {
                    items.push(ClassItem::Range(from, to));
                }
                _ => {
                    let text = format!("{}-{}", shown(token), shown(that));
                    let back = text.chars().count();
                    return Err(self.tokens.error(format!("bad character range {text}"), back));
                }
            }
        }
        Ok(Class { negated, items })
    }

    fn member(&mut self, token: Token) -> Result<ClassItem, Error> {
        match token {
            Token::Char(c) => Ok(ClassItem::Range(c, c)),
            Token::Escape(c) => self.class_escape(c),
        }
    }
}

fn unterminated(start: usize) -> Error {
    Error::new(start, "unterminated character set").hint(Hint::EscapeBracket)
}

fn shown(token: Token) -> String {
    match token {
        Token::Char(c) => c.to_string(),
        Token::Escape(c) => format!("\\{c}"),
    }
}
