//! A line that dates are looked for in. Offsets are bytes; fail2ban counts characters, so what it
//! compares and weighs is converted here.

use super::characters::{digit_value, is_word};

/// A line, or its beginning up to some end, as a search sees it.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    text: &'a str,
    ascii: bool,
}

impl<'a> Line<'a> {
    #[cfg(test)]
    pub fn new(text: &'a str) -> Self {
        Self { text, ascii: text.is_ascii() }
    }

    /// A line of which it is known whether it is all ASCII.
    pub fn known(text: &'a str, ascii: bool) -> Self {
        Self { text, ascii }
    }

    pub fn text(self) -> &'a str {
        self.text
    }

    pub fn bytes(self) -> &'a [u8] {
        self.text.as_bytes()
    }

    pub fn is_ascii(self) -> bool {
        self.ascii
    }

    /// The same line without what comes at `end` (bytes) and after it.
    pub fn until(self, end: usize) -> Self {
        Self { text: self.text.get(..end).unwrap_or(self.text), ascii: self.ascii }
    }

    /// The character that begins at this byte.
    pub fn character(self, at: usize) -> Option<char> {
        match self.bytes().get(at) {
            Some(&byte) if byte < 128 => Some(char::from(byte)),
            Some(_) => self.text.get(at..)?.chars().next(),
            None => None,
        }
    }

    fn before(self, at: usize) -> Option<char> {
        match self.bytes().get(at.checked_sub(1)?) {
            Some(&byte) if byte < 128 => Some(char::from(byte)),
            _ => self.text.get(..at)?.chars().next_back(),
        }
    }

    /// The value of the digit at this byte, and where the next character begins.
    pub fn digit(self, at: usize) -> Option<(u8, usize)> {
        let byte = *self.bytes().get(at)?;
        if byte < 128 {
            return byte.is_ascii_digit().then_some((byte & 15, at + 1));
        }
        let character = self.character(at)?;
        Some((digit_value(character)?, at + character.len_utf8()))
    }

    /// Whether a word begins, ends or is absent here: what fail2ban demands at both ends of a
    /// date. Only the inside of a word is refused.
    pub fn is_bound(self, at: usize) -> bool {
        !(self.before(at).is_some_and(is_word) && self.character(at).is_some_and(is_word))
    }

    /// Python's `\b`.
    pub fn is_word_edge(self, at: usize) -> bool {
        self.before(at).is_some_and(is_word) != self.character(at).is_some_and(is_word)
    }

    /// How many characters come before this byte.
    pub fn count_before(self, at: usize) -> usize {
        if self.ascii { at } else { self.text.get(..at).map_or(0, |part| part.chars().count()) }
    }

    /// The byte where this character begins, or the end of the line.
    pub fn byte_of(self, index: usize) -> usize {
        if self.ascii {
            return index.min(self.text.len());
        }
        self.text.char_indices().nth(index).map_or(self.text.len(), |(at, _)| at)
    }

    /// The character with this number, if the line is that long.
    pub fn nth(self, index: usize) -> Option<char> {
        if self.ascii {
            return self.bytes().get(index).map(|&byte| char::from(byte));
        }
        self.text.chars().nth(index)
    }
}
