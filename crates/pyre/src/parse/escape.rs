//! What a backslash means.

use super::Parser;
use crate::ast::{Anchor, Class, ClassItem, Kind, PerlKind};
use crate::error::{Error, Hint};

impl Parser {
    /// An escape outside of a class; the backslash and `c` are taken.
    pub(super) fn escape(&mut self, c: char) -> Result<Kind, Error> {
        Ok(match c {
            'A' => Kind::Anchor(Anchor::TextStart),
            'Z' => Kind::Anchor(Anchor::TextEnd),
            'b' => Kind::Anchor(Anchor::Word),
            'B' => Kind::Anchor(Anchor::NotWord),
            '1'..='9' => return self.number(c),
            _ => match perl(c) {
                Some(item) => Kind::Class(Class { negated: false, items: vec![item] }),
                None => Kind::Literal(self.escaped_char(c, false)?),
            },
        })
    }

    /// An escape in a class.
    pub(super) fn class_escape(&mut self, c: char) -> Result<ClassItem, Error> {
        if let Some(item) = perl(c) {
            return Ok(item);
        }
        let c = if c == 'b' { '\x08' } else { self.escaped_char(c, true)? };
        Ok(ClassItem::Range(c, c))
    }

    /// `\1` to `\99` are references, three octal digits are a character.
    fn number(&mut self, first: char) -> Result<Kind, Error> {
        let mut digits = String::from(first);
        if let Some(second) = self.tokens.peek_char().filter(char::is_ascii_digit) {
            digits.push(second);
            self.tokens.take()?;
            let third = self.tokens.peek_char().filter(|c| is_octal(*c));
            if let Some(third) = third.filter(|_| is_octal(first) && is_octal(second)) {
                digits.push(third);
                self.tokens.take()?;
                return Ok(Kind::Literal(self.octal(&digits)?));
            }
        }
        let group: usize = digits.parse().unwrap_or(usize::MAX);
        if group >= self.names.len() {
            let message = format!("invalid group reference {digits}");
            return Err(self.tokens.error(message, digits.len()));
        }
        if !self.is_closed(group) {
            return Err(self.tokens.error("cannot refer to an open group", digits.len() + 1));
        }
        self.check_behind(group)?;
        Ok(Kind::Backref(group))
    }

    fn escaped_char(&mut self, c: char, in_class: bool) -> Result<char, Error> {
        match c {
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            'x' => self.hexadecimal('x', 2),
            'u' => self.hexadecimal('u', 4),
            'U' => self.hexadecimal('U', 8),
            'N' => self.character_name(),
            '0' => {
                let more = self.tokens.take_while(2, is_octal)?;
                self.octal(&format!("0{more}"))
            }
            '1'..='7' if in_class => {
                let more = self.tokens.take_while(2, is_octal)?;
                self.octal(&format!("{c}{more}"))
            }
            c if c.is_ascii_alphanumeric() => {
                let error = self.tokens.error(format!("bad escape \\{c}"), 2);
                Err(error.hint(Hint::DoubleBackslash))
            }
            c => Ok(c),
        }
    }

    fn octal(&self, digits: &str) -> Result<char, Error> {
        match u8::from_str_radix(digits, 8) {
            Ok(value) => Ok(char::from(value)),
            Err(_) => {
                let message = format!("octal escape value \\{digits} outside of range 0-0o377");
                Err(self.tokens.error(message, digits.len() + 1))
            }
        }
    }

    fn hexadecimal(&mut self, letter: char, wanted: usize) -> Result<char, Error> {
        let digits = self.tokens.take_while(wanted, |c| c.is_ascii_hexdigit())?;
        let back = digits.len() + 2;
        if digits.len() < wanted {
            let message = format!("incomplete escape \\{letter}{digits}");
            return Err(self.tokens.error(message, back));
        }
        let value = u32::from_str_radix(&digits, 16).unwrap_or(u32::MAX);
        char::from_u32(value).ok_or_else(|| {
            let message = match value {
                0xd800..=0xdfff => format!("half of a character: \\{letter}{digits}"),
                _ => format!("bad escape \\{letter}{digits}"),
            };
            self.tokens.error(message, back)
        })
    }

    fn character_name(&mut self) -> Result<char, Error> {
        if !self.tokens.eat('{')? {
            return Err(self.tokens.error("missing {", 0));
        }
        let name = self.tokens.take_until('}', "character name")?;
        let back = name.chars().count() + 4;
        let error = self.tokens.error(format!("undefined character name '{name}'"), back);
        Err(error.hint(Hint::WriteCode))
    }
}

fn is_octal(c: char) -> bool {
    ('0'..='7').contains(&c)
}

fn perl(c: char) -> Option<ClassItem> {
    let kind = match c.to_ascii_lowercase() {
        'd' => PerlKind::Digit,
        's' => PerlKind::Space,
        'w' => PerlKind::Word,
        _ => return None,
    };
    Some(ClassItem::Perl { kind, negated: c.is_ascii_uppercase() })
}
