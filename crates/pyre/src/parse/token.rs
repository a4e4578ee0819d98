//! The pattern as tokens: a character, or a backslash and the one behind it.

use crate::error::{Error, Hint};

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    Escape(char),
}

impl Token {
    fn chars(self) -> usize {
        match self {
            Self::Char(_) => 1,
            Self::Escape(_) => 2,
        }
    }
}

/// A reader with one token of look-ahead, as CPython's: a backslash at the very end is an error
/// as soon as the token before it is taken.
pub(super) struct Tokens {
    chars: Vec<char>,
    /// Byte offset of each character and of the end.
    bytes: Vec<usize>,
    index: usize,
    next: Option<Token>,
}

impl Tokens {
    pub(super) fn new(pattern: &str) -> Result<Self, Error> {
        let (mut chars, mut bytes) =
            (Vec::with_capacity(pattern.len()), Vec::with_capacity(pattern.len() + 1));
        for (byte, c) in pattern.char_indices() {
            chars.push(c);
            bytes.push(byte);
        }
        bytes.push(pattern.len());
        let mut tokens = Self { chars, bytes, index: 0, next: None };
        tokens.advance()?;
        Ok(tokens)
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.next = match self.chars.get(self.index) {
            None => None,
            Some('\\') => match self.chars.get(self.index + 1) {
                Some(c) => Some(Token::Escape(*c)),
                None => {
                    let error = Error::new(self.chars.len() - 1, "bad escape (end of pattern)");
                    return Err(error.hint(Hint::DoubleBackslash));
                }
            },
            Some(c) => Some(Token::Char(*c)),
        };
        self.index += self.next.map_or(0, Token::chars);
        Ok(())
    }

    /// The next token, which stays.
    pub(super) fn peek(&self) -> Option<Token> {
        self.next
    }

    /// The next token if it is a plain character.
    pub(super) fn peek_char(&self) -> Option<char> {
        match self.next {
            Some(Token::Char(c)) => Some(c),
            _ => None,
        }
    }

    pub(super) fn take(&mut self) -> Result<Option<Token>, Error> {
        let token = self.next;
        self.advance()?;
        Ok(token)
    }

    /// Takes the character if it is the next one.
    pub(super) fn eat(&mut self, wanted: char) -> Result<bool, Error> {
        if self.peek_char() != Some(wanted) {
            return Ok(false);
        }
        self.advance()?;
        Ok(true)
    }

    /// Takes up to `most` characters while they fit.
    pub(super) fn take_while(
        &mut self,
        most: usize,
        fits: fn(char) -> bool,
    ) -> Result<String, Error> {
        let mut taken = String::new();
        for _ in 0..most {
            match self.peek_char() {
                Some(c) if fits(c) => taken.push(c),
                _ => break,
            }
            self.advance()?;
        }
        Ok(taken)
    }

    /// Takes a name and the character that ends it.
    pub(super) fn take_until(&mut self, end: char, what: &str) -> Result<String, Error> {
        let mut taken = String::new();
        loop {
            match self.take()? {
                None if taken.is_empty() => return Err(self.error(format!("missing {what}"), 0)),
                None => {
                    let length = taken.chars().count();
                    return Err(self.error(format!("missing {end}, unterminated name"), length));
                }
                Some(Token::Char(c)) if c == end => {
                    if taken.is_empty() {
                        return Err(self.error(format!("missing {what}"), 1));
                    }
                    return Ok(taken);
                }
                Some(Token::Char(c)) => taken.push(c),
                Some(Token::Escape(c)) => taken.extend(['\\', c]),
            }
        }
    }

    /// The position of the next token, in characters.
    pub(super) fn position(&self) -> usize {
        self.index - self.next.map_or(0, Token::chars)
    }

    pub(super) fn seek(&mut self, position: usize) -> Result<(), Error> {
        self.index = position;
        self.advance()
    }

    /// The byte offset of a position.
    pub(super) fn byte(&self, position: usize) -> usize {
        self.bytes.get(position).or(self.bytes.last()).copied().unwrap_or(0)
    }

    /// An error `back` characters before the next token.
    pub(super) fn error(&self, message: impl Into<String>, back: usize) -> Error {
        Error::new(self.position().saturating_sub(back), message)
    }
}
