//! `(?i)`, `(?i:...)`, `(?i-s:...)`.

use super::Parser;
use super::token::Token;
use crate::ast::Flags;
use crate::error::Error;

/// Flags that are set for the whole pattern, or for a group.
pub(super) enum Scope {
    Pattern,
    Group(Flags),
}

const KNOWN: &str = "iLmsxatu";

impl Parser {
    /// Flags from `first` on, which is taken.
    pub(super) fn flags(&mut self, first: char, around: Flags) -> Result<Scope, Error> {
        let mut added = String::new();
        let mut c = first;
        while c != '-' && c != ':' && c != ')' {
            self.add(c, &mut added)?;
            c = self.flag("missing -, : or )", "-:)")?;
        }
        if c == ')' {
            self.flags = with(self.flags, &added, true);
            self.unicode_asked |= added.contains('u');
            return Ok(Scope::Pattern);
        }
        if added.contains('t') {
            return Err(self.tokens.error("bad inline flags: cannot turn on global flag", 1));
        }
        let mut removed = String::new();
        if c == '-' {
            c = self.flag("missing flag", "")?;
            while c != ':' {
                if "auL".contains(c) {
                    let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                    return Err(self.tokens.error(message, 0));
                }
                removed.push(c);
                c = self.flag("missing :", ":")?;
            }
        }
        if removed.contains('t') {
            return Err(self.tokens.error("bad inline flags: cannot turn off global flag", 1));
        }
        if removed.contains(|c| added.contains(c)) {
            return Err(self.tokens.error("bad inline flags: flag turned on and off", 1));
        }
        Ok(Scope::Group(with(with(around, &added, true), &removed, false)))
    }

    fn add(&self, c: char, added: &mut String) -> Result<(), Error> {
        if c == 'L' {
            let message = "bad inline flags: cannot use 'L' flag with a str pattern";
            return Err(self.tokens.error(message, 0));
        }
        added.push(c);
        if added.contains('a') && added.contains('u') {
            let message = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
            return Err(self.tokens.error(message, 0));
        }
        Ok(())
    }

    /// The next flag, or one of the characters that end them.
    fn flag(&mut self, missing: &str, ends: &str) -> Result<char, Error> {
        match self.tokens.take()? {
            None => Err(self.tokens.error(missing, 0)),
            Some(Token::Char(c)) if KNOWN.contains(c) || ends.contains(c) => Ok(c),
            Some(Token::Char(c)) if c.is_alphabetic() => Err(self.tokens.error("unknown flag", 1)),
            Some(Token::Char(_)) => Err(self.tokens.error(missing, 1)),
            Some(Token::Escape(_)) => Err(self.tokens.error(missing, 2)),
        }
    }

    pub(super) fn is_flag(c: char) -> bool {
        c == '-' || KNOWN.contains(c)
    }
}

fn with(mut flags: Flags, letters: &str, on: bool) -> Flags {
    for letter in letters.chars() {
        match letter {
            'i' => flags.ignore_case = on,
            'm' => flags.multiline = on,
            's' => flags.dot_all = on,
            'x' => flags.verbose = on,
            'a' => flags.ascii = on,
            'u' => flags.ascii = !on,
            _ => {}
        }
    }
    flags
}
