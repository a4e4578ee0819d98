//! The fields of a pattern: `{user}`, `{address}`, `{word:,}` and so on.

use std::sync::Arc;

use crate::class::Class;

/// Where the text of a field is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Slot {
    Address,
    User,
    Method,
    Session,
    Times,
    Verb,
    Path,
    Query,
    Status,
    Code,
    Date,
}

impl Slot {
    /// Number of slots.
    pub(crate) const COUNT: usize = 11;

    /// All slots with the names they have in patterns, examples and `where`.
    pub(crate) const NAMED: [(Self, &'static str); Self::COUNT] = [
        (Self::Address, "address"),
        (Self::User, "user"),
        (Self::Method, "method"),
        (Self::Session, "session"),
        (Self::Times, "times"),
        (Self::Verb, "verb"),
        (Self::Path, "path"),
        (Self::Query, "query"),
        (Self::Status, "status"),
        (Self::Code, "code"),
        (Self::Date, "date"),
    ];

    /// The slot of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::NAMED.iter().find(|(_, slot)| *slot == name);
        found.map(|(slot, _)| *slot)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMED[self as usize].1
    }

    /// Whether an attacker must not be able to move it: what is counted, under which key, and
    /// how many times.
    pub(crate) const fn must_be_fixed(self) -> bool {
        matches!(self, Self::Address | Self::Session | Self::Times)
    }
}

/// How the bytes of a field hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// Any bytes of the class.
    Run,
    /// Digits, perhaps with `-` before them.
    Int,
    /// An address as [`monban_model::Address`] reads it.
    Address,
    /// Bytes in which `"` and `\` stand only behind a `\`.
    Quoted,
}

/// A field of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Field {
    /// As it is written, without the braces.
    pub(crate) text: Arc<str>,
    /// Where its text is kept.
    pub(crate) slot: Option<Slot>,
    /// How its bytes hang together.
    pub(crate) shape: Shape,
    /// Which bytes it may have (digits only for `Int`).
    pub(crate) class: Class,
    /// How many bytes it has at least.
    pub(crate) min: usize,
    /// The service writes it and an attacker has no influence on it (`{rest}`).
    pub(crate) trusted: bool,
}

impl Field {
    /// Reads what stands between the braces.
    ///
    /// # Errors
    /// What is wrong, and a hint.
    pub(crate) fn parse(text: &str) -> Result<Self, (String, String)> {
        let (name, limit) = match text.split_once(':') {
            Some((name, limit)) => (name, Some(limit)),
            None => (text, None),
        };
        let mut field = Self {
            text: text.into(),
            slot: Slot::named(name),
            shape: Shape::Run,
            class: Class::WORD,
            min: 1,
            trusted: false,
        };
        match name {
            "address" | "ip" => (field.shape, field.class) = (Shape::Address, Class::ADDRESS),
            "address4" => {
                field.slot = Some(Slot::Address);
                (field.shape, field.class) = (Shape::Address, Class::DIGIT.or(b"."));
            }
            "user" | "text" => (field.class, field.min) = (Class::ANY, 0),
            "rest" => (field.class, field.min, field.trusted) = (Class::ANY, 0, true),
            "method" | "word" | "session" => {}
            "name" => field.class = Class::NAME,
            "int" => (field.shape, field.class) = (Shape::Int, Class::DIGIT),
            "times" => field.class = Class::DIGIT,
            "hex" => field.class = Class::HEX,
            "verb" | "status" | "code" => field.class = Class::WORD.without(b"\""),
            "path" => field.class = Class::WORD.without(b"\"?"),
            "query" => (field.class, field.min) = (Class::WORD.without(b"\""), 0),
            "quoted" => {
                (field.shape, field.class, field.min) = (Shape::Quoted, Class::ANY, 0);
            }
            "date" => field.class = Class::ANY.without(b"[]\"\n"),
            _ => {
                return Err((
                    format!("there is no field `{{{name}}}`"),
                    "see \"The pattern\" in the page on rule files for all fields".to_owned(),
                ));
            }
        }
        if let Some(limit) = limit {
            field.limit(name, limit)?;
        }
        Ok(field)
    }

    /// Applies what stands behind the colon.
    fn limit(&mut self, name: &str, limit: &str) -> Result<(), (String, String)> {
        if matches!(name, "address" | "address4" | "ip" | "int" | "times" | "quoted") {
            return Err((format!("`{{{name}}}` cannot be limited"), format!("write `{{{name}}}`")));
        }
        if limit == "word" {
            (self.class, self.min) = (Class::WORD, 1);
            return Ok(());
        }
        let chars: Vec<u8> = unescape(limit);
        if chars.is_empty() {
            return Err((
                format!("nothing stands behind the colon of `{{{name}:}}`"),
                "write the bytes that it must not have, as in `{word:,}`".to_owned(),
            ));
        }
        let base = match name {
            "name" | "hex" | "verb" | "path" | "query" | "status" | "code" => self.class,
            _ => Class::ANY,
        };
        self.class = base.without(&chars);
        Ok(())
    }

    /// Whether `bytes` as a whole can be this field.
    pub(crate) fn accepts(&self, bytes: &[u8]) -> bool {
        if bytes.len() < self.min {
            return false;
        }
        match self.shape {
            Shape::Run => self.class.holds(bytes),
            Shape::Int => {
                let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
                !digits.is_empty() && self.class.holds(digits)
            }
            Shape::Address => monban_model::Address::from_bytes(bytes).is_some(),
            Shape::Quoted => quoted_end(bytes) == bytes.len(),
        }
    }
}

/// Length of the part of `text` before the first `"` that has no `\` before it, or before a `\`
/// at the very end, which escapes nothing.
pub(crate) fn quoted_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' if at + 1 == text.len() => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Offset behind the last `"` that has an even number of `\` before it; `None` if there is none.
pub(crate) fn quoted_start(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    while let Some(at) = memchr::memrchr(b'"', &text[..end]) {
        let slashes = text[..at].iter().rev().take_while(|&&b| b == b'\\').count();
        if slashes % 2 == 0 {
            return Some(at + 1);
        }
        end = at;
    }
    None
}

/// Takes the `\` before escaped characters away.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_narrows_the_bytes() {
        let field = Field::parse("user:>").unwrap();
        assert!(field.accepts(b"") && field.accepts(b"a b") && !field.accepts(b"a>"));
        assert!(!Field::parse("word:,").unwrap().accepts(b""));
        assert!(!Field::parse("path").unwrap().accepts(b"/a?b"));
        assert!(Field::parse("int:x").is_err() && Field::parse("nothing").is_err());
    }

    #[test]
    fn a_quoted_text_ends_at_a_quote_that_is_not_escaped() {
        assert_eq!(quoted_end(br#"a\"b" c"#), 4);
        assert_eq!(quoted_start(br#"x "a\"b"#), Some(3));
        assert!(Field::parse("quoted").unwrap().accepts(br#"a\"b\\"#));
        assert!(!Field::parse("quoted").unwrap().accepts(br#"a"b"#));
    }
}
