//! Everything that begins with a round bracket.

use super::Parser;
use super::flags::Scope;
use super::token::Token;
use crate::ast::{Flags, Kind, Node};
use crate::error::{Error, Hint};
use crate::width;

/// What a bracket was.
pub(super) enum Opened {
    Node(Kind),
    Comment,
    Flags,
}

impl Parser {
    /// A group; the bracket at `start` is taken. `front` says that flags for the whole pattern
    /// may stand here.
    pub(super) fn group(
        &mut self,
        start: usize,
        flags: Flags,
        front: bool,
    ) -> Result<Opened, Error> {
        if !self.tokens.eat('?')? {
            return self.capture(start, flags, None);
        }
        let c = match self.tokens.take()? {
            None => return Err(self.tokens.error("unexpected end of pattern", 0)),
            Some(Token::Char(c)) => c,
            Some(Token::Escape(c)) => {
                return Err(self.tokens.error(format!("unknown extension ?\\{c}"), 3));
            }
        };
        match c {
            'P' => self.python_extension(start, flags),
            ':' => {
                let node = Box::new(self.inside(start, flags)?);
                Ok(Opened::Node(Kind::Group { index: None, node }))
            }
            '>' => Ok(Opened::Node(Kind::Atomic(Box::new(self.inside(start, flags)?)))),
            '#' => self.comment(start),
            '=' | '!' => {
                let node = Box::new(self.inside(start, flags)?);
                Ok(Opened::Node(Kind::Look { behind: false, negated: c == '!', node }))
            }
            '<' => self.look_behind(start, flags),
            '(' => self.conditional(start, flags),
            c if Self::is_flag(c) => match self.flags(c, flags)? {
                Scope::Pattern if front => Ok(Opened::Flags),
                Scope::Pattern => {
                    let message = "global flags not at the start of the expression";
                    Err(Error::new(start, message).hint(Hint::FlagsInFront))
                }
                Scope::Group(flags) => {
                    let node = Box::new(self.inside(start, flags)?);
                    Ok(Opened::Node(Kind::Group { index: None, node }))
                }
            },
            c => Err(self.tokens.error(format!("unknown extension ?{c}"), 2)),
        }
    }

    /// What is in the group, and the bracket that closes it.
    fn inside(&mut self, start: usize, flags: Flags) -> Result<Node, Error> {
        let node = self.alternatives(flags, false)?;
        self.closing(start)?;
        Ok(node)
    }

    fn closing(&mut self, start: usize) -> Result<(), Error> {
        if self.tokens.eat(')')? {
            return Ok(());
        }
        let error = Error::new(start, "missing ), unterminated subpattern");
        Err(error.hint(Hint::EscapeBracket))
    }

    fn capture(
        &mut self,
        start: usize,
        flags: Flags,
        name: Option<String>,
    ) -> Result<Opened, Error> {
        let number = self.open(name)?;
        let node = Box::new(self.inside(start, flags)?);
        self.close(number, &node);
        Ok(Opened::Node(Kind::Group { index: Some(number), node }))
    }

    /// `(?P<name>...)` and `(?P=name)`.
    fn python_extension(&mut self, start: usize, flags: Flags) -> Result<Opened, Error> {
        if self.tokens.eat('<')? {
            let name = self.tokens.take_until('>', "group name").map_err(lost)?;
            self.check_name(&name)?;
            return self.capture(start, flags, Some(name));
        }
        if self.tokens.eat('=')? {
            let name = self.tokens.take_until(')', "group name").map_err(lost)?;
            self.check_name(&name)?;
            let back = name.chars().count() + 1;
            let Some(&group) = self.numbers.get(&name) else {
                return Err(self.tokens.error(format!("unknown group name '{name}'"), back));
            };
            if !self.is_closed(group) {
                return Err(self.tokens.error("cannot refer to an open group", back));
            }
            self.check_behind(group)?;
            return Ok(Opened::Node(Kind::Backref(group)));
        }
        let error = match self.tokens.take()? {
            None => self.tokens.error("unexpected end of pattern", 0),
            Some(Token::Char(c)) => self.tokens.error(format!("unknown extension ?P{c}"), 3),
            Some(Token::Escape(c)) => self.tokens.error(format!("unknown extension ?P\\{c}"), 4),
        };
        Err(lost(error))
    }

    fn comment(&mut self, start: usize) -> Result<Opened, Error> {
        loop {
            match self.tokens.take()? {
                None => return Err(Error::new(start, "missing ), unterminated comment")),
                Some(Token::Char(')')) => return Ok(Opened::Comment),
                Some(_) => {}
            }
        }
    }

    fn look_behind(&mut self, start: usize, flags: Flags) -> Result<Opened, Error> {
        let negated = match self.tokens.take()? {
            None => return Err(self.tokens.error("unexpected end of pattern", 0)),
            Some(Token::Char('=')) => false,
            Some(Token::Char('!')) => true,
            Some(Token::Char(c)) => {
                let error = self.tokens.error(format!("unknown extension ?<{c}"), 3);
                return Err(error.hint(Hint::NameNeedsP));
            }
            Some(Token::Escape(c)) => {
                return Err(self.tokens.error(format!("unknown extension ?<\\{c}"), 4));
            }
        };
        let outer = self.behind;
        self.behind = outer.or(Some(self.names.len()));
        let node = self.alternatives(flags, false)?;
        self.behind = outer;
        self.closing(start)?;
        if !width::of(&node, &self.widths).is_fixed() {
            self.behinds.push(start);
        }
        Ok(Opened::Node(Kind::Look { behind: true, negated, node: Box::new(node) }))
    }

    /// `(?(1)yes|no)`; both brackets are taken.
    fn conditional(&mut self, start: usize, flags: Flags) -> Result<Opened, Error> {
        let name = self.tokens.take_until(')', "group name")?;
        let back = name.chars().count() + 1;
        let group = if is_identifier(&name) {
            match self.numbers.get(&name) {
                Some(group) => *group,
                None => {
                    return Err(self.tokens.error(format!("unknown group name '{name}'"), back));
                }
            }
        } else {
            let number = name.bytes().all(|b| b.is_ascii_digit()).then(|| name.parse::<u32>());
            match number {
                None => {
                    let message = format!("bad character in group name '{name}'");
                    return Err(self.tokens.error(message, back));
                }
                Some(Ok(0)) => return Err(self.tokens.error("bad group number", back)),
                Some(Ok(number)) => number as usize,
                Some(Err(_)) => {
                    let message = format!("invalid group reference {name}");
                    return Err(self.tokens.error(message, back));
                }
            }
        };
        self.conditions.push((group, self.tokens.position().saturating_sub(back)));
        self.check_behind(group)?;
        let yes = Box::new(self.sequence(flags, false)?);
        let here = self.tokens.position();
        let no = if self.tokens.eat('|')? {
            self.sequence(flags, false)?
        } else {
            let span = self.span(here);
            Node { kind: Kind::Empty, span, flags }
        };
        if self.tokens.peek_char() == Some('|') {
            let message = "conditional backref with more than two branches";
            return Err(self.tokens.error(message, 0));
        }
        self.closing(start)?;
        Ok(Opened::Node(Kind::Conditional { group, yes, no: Box::new(no) }))
    }

    fn check_name(&self, name: &str) -> Result<(), Error> {
        if is_identifier(name) {
            return Ok(());
        }
        let message = format!("bad character in group name '{name}'");
        Err(self.tokens.error(message, name.chars().count() + 1))
    }
}

fn lost(error: Error) -> Error {
    error.hint(Hint::NameLost)
}

/// Whether Python takes it for a name.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = |c: char| c == '_' || c.is_alphabetic();
    chars.next().is_some_and(starts) && chars.all(|c| c == '_' || c.is_alphanumeric())
}
