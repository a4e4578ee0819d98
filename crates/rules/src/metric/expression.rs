//! `%...%`: the regular expressions of filter patterns, a small language without groups.
//!
//! What CloudWatch Logs takes is read here character by character and written anew for
//! regex-automata, so that nothing of its larger language (groups, flags, Unicode classes, sets
//! within sets) comes through. It searches bytes, anywhere in the text, in linear time.

use std::fmt;

use monban_model::limits::METRIC_REGEX_BYTES_MAX;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::error::PatternError;

/// A compiled expression.
#[derive(Clone)]
pub(super) struct Expression {
    text: Box<str>,
    regex: Regex,
    /// A text that everything it matches holds, perhaps empty.
    needed: Box<[u8]>,
    dot_in_address: bool,
}

/// The characters that stand for themselves. The guide has a space in an example and does not list
/// it.
const PLAIN: &str = ":_#=@/;,- ";

/// The characters that mean something, and that `\` takes their meaning from.
const OPERATORS: &str = "^$?[]{}|\\*+.";

/// What CloudWatch Logs says of an expression that is none.
const WRONG: &str = "Failed to compile regular expression.";

impl Expression {
    /// Reads what stands between two percent signs; `offset` is its place in the pattern.
    pub(super) fn parse(text: &str, offset: usize) -> Result<Self, PatternError> {
        let mut writer = Writer { text, at: 0, offset, out: String::new(), literals: Vec::new() };
        writer.expression()?;
        let has_choice = writer.literals.is_empty();
        let needed = match has_choice {
            true => Box::default(),
            false => longest(&writer.literals),
        };
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(METRIC_REGEX_BYTES_MAX));
        let built = Regex::builder().syntax(syntax).configure(config).build(&writer.out);
        let regex = built.map_err(|error| {
            let hint = match error.size_limit() {
                Some(_) => "it is too large: repeat fewer times",
                None => "brackets must be closed, ranges go up, and repetitions follow something",
            };
            PatternError::new(WRONG, offset).hint(hint)
        })?;
        let dot_in_address = has_address_with_dots(text);
        Ok(Self { text: text.into(), regex, needed, dot_in_address })
    }

    /// As it was written, without the percent signs.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A text that everything it matches holds, perhaps empty.
    pub(super) fn needed(&self) -> &[u8] {
        &self.needed
    }

    /// Whether it holds an address whose dots stand for any character.
    pub(super) fn has_dot_in_address(&self) -> bool {
        self.dot_in_address
    }

    pub(super) fn finds(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}%", self.text)
    }
}

/// Reads an expression and writes it anew.
struct Writer<'t> {
    text: &'t str,
    at: usize,
    offset: usize,
    out: String,
    /// Bytes that follow each other in whatever matches; a zero-length one parts them. Without
    /// any where there is a choice between alternatives.
    literals: Vec<Option<u8>>,
}

/// What an atom or a member of a class is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This byte.
    Byte(u8),
    /// One of several, or a place.
    Other,
}

impl Writer<'_> {
    fn expression(&mut self) -> Result<(), PatternError> {
        if self.text.is_empty() {
            return Err(self.wrong("there is nothing between the percent signs"));
        }
        let (mut has_choice, mut can_repeat) = (false, false);
        while let Some(c) = self.peek() {
            if c == '|' {
                self.next();
                self.out.push('|');
                (has_choice, can_repeat) = (true, false);
                continue;
            }
            if matches!(c, '?' | '*' | '+' | '{') {
                if !can_repeat {
                    return Err(self.wrong("a repetition must follow what it repeats"));
                }
                self.repetition(c)?;
                can_repeat = false;
                continue;
            }
            let piece = self.atom(c)?;
            self.literals.push(match piece {
                Piece::Byte(byte) => Some(byte),
                Piece::Other => None,
            });
            can_repeat = true;
        }
        if has_choice {
            self.literals.clear();
        }
        Ok(())
    }

    /// One thing that can be repeated.
    fn atom(&mut self, c: char) -> Result<Piece, PatternError> {
        match c {
            '[' => {
                self.class()?;
                return Ok(Piece::Other);
            }
            '\\' => return self.escape(),
            '^' | '$' | '.' => {
                self.next();
                self.out.push(c);
                return Ok(Piece::Other);
            }
            _ => {}
        }
        self.plain(c)
    }

    /// A character that stands for itself.
    fn plain(&mut self, c: char) -> Result<Piece, PatternError> {
        if !c.is_ascii_alphanumeric() && !PLAIN.contains(c) && !"]}".contains(c) {
            return Err(self.refused(c));
        }
        self.next();
        let byte = u8::try_from(c).unwrap_or(b'?');
        self.byte(byte);
        Ok(Piece::Byte(byte))
    }

    fn escape(&mut self) -> Result<Piece, PatternError> {
        let start = self.at;
        self.next();
        let Some(c) = self.peek() else {
            return Err(self.wrong("nothing follows the last backslash"));
        };
        let byte = match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.next();
                self.out.push('\\');
                self.out.push(c);
                return Ok(Piece::Other);
            }
            't' => b'\t',
            'n' => b'\n',
            'r' => b'\r',
            'f' => 0x0c,
            'v' => 0x0b,
            'x' => {
                let digits = self.text.get(start + 2..start + 4);
                let value = digits.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
                let value = value.and_then(|text| u8::from_str_radix(text, 16).ok());
                let Some(value) = value else {
                    return Err(self.wrong("two hexadecimal digits follow \\x"));
                };
                self.at = start + 4;
                self.byte(value);
                return Ok(Piece::Byte(value));
            }
            c if OPERATORS.contains(c) || PLAIN.contains(c) => u8::try_from(c).unwrap_or(b'?'),
            c if c.is_ascii_alphanumeric() => {
                return Err(self.wrong(
                    "only \\d \\D \\s \\S \\w \\W \\t \\n \\r \\f \\v and \\xhh are known",
                ));
            }
            c => return Err(self.refused(c)),
        };
        self.next();
        self.byte(byte);
        Ok(Piece::Byte(byte))
    }

    /// `[a-z]`, which the class of bytes is written as.
    fn class(&mut self) -> Result<(), PatternError> {
        let start = self.at;
        self.next();
        self.out.push('[');
        if self.peek() == Some('^') {
            self.next();
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(c) = self.peek() else {
                self.at = start;
                return Err(self.wrong("a [ must be closed by a ]; \\[ is the bracket itself"));
            };
            match c {
                ']' if !is_first => break,
                '[' => return Err(self.wrong("within brackets a [ is written \\[")),
                _ => {}
            }
            is_first = false;
            let low = self.member(c)?;
            let high = self.text.get(self.at + 1..).and_then(|rest| rest.chars().next());
            if self.peek() != Some('-') || high.is_none_or(|high| high == ']') {
                continue;
            }
            let Piece::Byte(low) = low else { continue };
            self.next();
            self.out.push('-');
            let high = self.peek().unwrap_or(']');
            match self.member(high)? {
                Piece::Byte(high) if high >= low => {}
                _ => return Err(self.wrong("a range goes from a lower character to a higher one")),
            }
        }
        self.next();
        self.out.push(']');
        Ok(())
    }

    /// One member of a class; what means something outside of it stands for itself.
    fn member(&mut self, c: char) -> Result<Piece, PatternError> {
        if c == '\\' {
            return self.escape();
        }
        if OPERATORS.contains(c) {
            self.next();
            let byte = u8::try_from(c).unwrap_or(b'?');
            self.byte(byte);
            return Ok(Piece::Byte(byte));
        }
        self.plain(c)
    }

    /// `?`, `*`, `+`, `{2}`, `{2,}`, `{,3}` or `{2,3}`, and a `?` behind it.
    fn repetition(&mut self, c: char) -> Result<(), PatternError> {
        let mut least_is_one = c == '+';
        if c == '{' {
            let body = self.text.get(self.at + 1..).unwrap_or_default();
            let end = body.find('}').unwrap_or(body.len());
            let (least, most) = match body[..end].split_once(',') {
                Some((least, most)) => (least, most),
                None => (&body[..end], "no"),
            };
            let is_number = |text: &str| {
                !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit())
            };
            let is_right = match (least, most) {
                ("", "") => false,
                (least, "no" | "") => is_number(least),
                ("", most) => is_number(most),
                (least, most) => is_number(least) && is_number(most),
            };
            if end == body.len() || !is_right {
                return Err(
                    self.wrong("repetitions are {2}, {2,}, {,3} or {2,3}; \\{ is the brace")
                );
            }
            least_is_one = least.bytes().any(|digit| digit != b'0');
            // What the engine does not know.
            let least = if least.is_empty() { "0" } else { least };
            self.out.push_str(&match most {
                "no" => format!("{{{least}}}"),
                most => format!("{{{least},{most}}}"),
            });
            self.at += end + 2;
        } else {
            self.next();
            self.out.push(c);
        }
        // What is repeated may be missing; what follows does not follow its first one at once.
        if !least_is_one {
            self.literals.pop();
        }
        self.literals.push(None);
        if self.peek() == Some('?') {
            // As few as possible: that changes no yes or no.
            self.next();
        }
        match self.peek() {
            Some('?' | '*' | '+' | '{') => Err(self.wrong("two repetitions follow each other")),
            _ => Ok(()),
        }
    }

    /// Writes a byte so that it means itself, in a class as well.
    fn byte(&mut self, byte: u8) {
        match byte.is_ascii_alphanumeric() {
            true => self.out.push(char::from(byte)),
            false => self.out.push_str(&format!("\\x{byte:02x}")),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn wrong(&self, hint: &str) -> PatternError {
        PatternError::new(WRONG, self.offset + self.at).hint(hint)
    }

    fn refused(&self, c: char) -> PatternError {
        let error = PatternError::invalid_term(&c.to_string(), self.offset + self.at);
        match u8::try_from(c) {
            Ok(byte @ (b'(' | b')')) => error.hint(format!(
                "there are no groups: write alternatives in full, and \\x{byte:02x} for the parenthesis"
            )),
            Ok(byte) if byte.is_ascii() => error.hint(format!("write \\x{byte:02x} for it")),
            _ => error.hint("only ASCII stands in a regular expression: write a phrase in quotes"),
        }
    }
}

/// The longest run of bytes.
fn longest(literals: &[Option<u8>]) -> Box<[u8]> {
    let runs = literals.split(Option::is_none);
    let run = runs.max_by_key(|run| run.len()).unwrap_or_default();
    run.iter().copied().flatten().collect()
}

/// Whether numbers with bare dots between them look like an address.
fn has_address_with_dots(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let ends_in_digit = |part: &str| part.ends_with(|c: char| c.is_ascii_digit());
    parts.windows(4).any(|four| {
        let inner = &four[1..3];
        let all_digits =
            |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        ends_in_digit(four[0])
            && inner.iter().all(all_digits)
            && four[3].starts_with(|c: char| c.is_ascii_digit())
    })
}
