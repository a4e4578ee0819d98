//! Just enough of Rust's grammar to measure it: what is code, what is a comment or a string,
//! where a function begins and ends, and which lines are tests.

/// What one byte of a Rust file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Code, with the quotes of strings.
    Code,
    /// A comment.
    Comment,
    /// The inside of a string or a character.
    Quoted,
}

/// A Rust file, with the part of each byte.
#[derive(Debug)]
pub struct RustText<'a> {
    text: &'a str,
    parts: Vec<Part>,
}

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its `fn`, from 1.
    pub line: usize,
    /// How many lines it has from there to its last brace.
    pub lines: usize,
}

impl<'a> RustText<'a> {
    /// Tells code from comments and strings.
    pub fn new(text: &'a str) -> Self {
        let parts = Lexer::new(text.as_bytes()).run();
        Self { text, parts }
    }

    /// The file with everything but code replaced by spaces; lines stay where they are.
    pub fn code(&self) -> String {
        let kept = self.text.bytes().zip(&self.parts).map(|(byte, part)| {
            let keep = byte == b'\n' || (*part == Part::Code && byte.is_ascii());
            if keep { char::from(byte) } else { ' ' }
        });
        kept.collect()
    }

    /// The width of each line in characters, without the insides of strings: a log line in a
    /// test has to stay whole.
    pub fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0];
        for ((at, shown), _) in self.text.char_indices().zip(0..) {
            if shown == '\n' {
                widths.push(0);
            } else if self.parts[at] != Part::Quoted
                && let Some(width) = widths.last_mut()
            {
                *width += 1;
            }
        }
        widths
    }

    /// Every function that has a body, also those inside others.
    pub fn functions(&self) -> Vec<Function> {
        let code = self.code();
        let mut found = Vec::new();
        for (at, word) in words(&code) {
            if word != "fn" {
                continue;
            }
            let Some((_, name)) = words(&code[at + 2..]).next() else {
                continue;
            };
            // `fn(u8) -> u8` is a type and has no name.
            if !code[at + 2..].trim_start().starts_with(name) {
                continue;
            }
            let Some(end) = body_end(code.as_bytes(), at) else {
                continue;
            };
            found.push(Function {
                name: name.to_owned(),
                line: line_of(&code, at),
                lines: line_of(&code, end) - line_of(&code, at) + 1,
            });
        }
        found
    }

    /// For each line, whether it belongs to an item under `#[cfg(test)]`.
    pub fn test_lines(&self) -> Vec<bool> {
        let code = self.code();
        let mut marked = vec![false; code.split('\n').count()];
        for (at, _) in code.match_indices("#[cfg(test)]") {
            let first = line_of(&code, at);
            let after = at + "#[cfg(test)]".len();
            let last =
                body_end(code.as_bytes(), after).map_or(first + 1, |end| line_of(&code, end));
            for line in first..=last.min(marked.len()) {
                marked[line - 1] = true;
            }
        }
        marked
    }
}

/// The words of a code text with their offsets.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + code[rest..].find(is_word)?;
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |length| start + length);
        rest = end;
        Some((start, &code[start..end]))
    })
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The line of an offset, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where the first `{...}` after `at` ends, unless a `;` outside of all brackets comes before.
fn body_end(code: &[u8], at: usize) -> Option<usize> {
    let mut round = 0_i32;
    let mut curly = 0_i32;
    for (offset, byte) in code.iter().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => round += 1,
            b')' | b']' => round -= 1,
            b'{' => curly += 1,
            b'}' => {
                curly -= 1;
                if curly == 0 && round == 0 {
                    return Some(offset);
                }
                if curly < 0 {
                    return None;
                }
            }
            b';' if curly == 0 && round == 0 => return None,
            _ => {}
        }
    }
    None
}

struct Lexer<'a> {
    bytes: &'a [u8],
    parts: Vec<Part>,
}

impl<'a> Lexer<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, parts: Vec::with_capacity(bytes.len()) }
    }

    fn run(mut self) -> Vec<Part> {
        while self.parts.len() < self.bytes.len() {
            let at = self.parts.len();
            let rest = &self.bytes[at..];
            match rest {
                [b'/', b'/', ..] => self.fill(until(rest, b"\n"), Part::Comment),
                [b'/', b'*', ..] => self.fill(block_comment(rest), Part::Comment),
                [b'"', ..] => self.string(),
                [b'\'', ..] => self.quote(rest),
                [b'r', b'"' | b'#', ..] if !self.after_word() => self.raw_string(rest),
                [b'b', b'r', b'"' | b'#', ..] if !self.after_word() => {
                    self.fill(1, Part::Code);
                    self.raw_string(&rest[1..]);
                }
                _ => self.fill(1, Part::Code),
            }
        }
        self.parts
    }

    fn fill(&mut self, count: usize, part: Part) {
        let end = (self.parts.len() + count).min(self.bytes.len());
        self.parts.resize(end, part);
    }

    fn after_word(&self) -> bool {
        let before = self.parts.len().checked_sub(1).map(|at| self.bytes[at]);
        before.is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
    }

    fn string(&mut self) {
        self.fill(1, Part::Code);
        let mut at = self.parts.len();
        while at < self.bytes.len() && self.bytes[at] != b'"' {
            at += if self.bytes[at] == b'\\' { 2 } else { 1 };
        }
        self.fill(at - self.parts.len(), Part::Quoted);
        self.fill(1, Part::Code);
    }

    fn raw_string(&mut self, rest: &[u8]) {
        let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
        if rest.get(1 + hashes) != Some(&b'"') {
            // A raw identifier such as `r#type`.
            self.fill(1, Part::Code);
            return;
        }
        let mut close = vec![b'"'];
        close.extend(std::iter::repeat_n(b'#', hashes));
        let inside = &rest[2 + hashes..];
        self.fill(2 + hashes, Part::Code);
        self.fill(until(inside, &close), Part::Quoted);
        self.fill(close.len(), Part::Code);
    }

    /// A character, or a lifetime (which has no second quote).
    fn quote(&mut self, rest: &[u8]) {
        let text = std::str::from_utf8(&rest[1..]).unwrap_or("");
        let first = text.chars().next().unwrap_or(' ');
        let length = if first == '\\' {
            2 + until(&rest[3.min(rest.len())..], b"'")
        } else {
            first.len_utf8()
        };
        if rest.get(1 + length) == Some(&b'\'') {
            self.fill(1, Part::Code);
            self.fill(length, Part::Quoted);
        }
        self.fill(1, Part::Code);
    }
}

fn until(bytes: &[u8], end: &[u8]) -> usize {
    bytes.windows(end.len()).position(|window| window == end).unwrap_or(bytes.len())
}

fn block_comment(bytes: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_strings_comments_and_characters_are_not_code() {
        let text = "fn a() { // }\n  let x = \"}\"; /* } /* } */ } */\n  let c = '}';\n\
                    let l: &'static str = r#\"}\"#; let q = '\\''; let n = b'{';\n}\nfn b();";
        let functions = RustText::new(text).functions();
        let expected = Function { name: "a".to_owned(), line: 1, lines: 5 };
        assert_eq!(functions, [expected]);
    }

    #[test]
    fn the_lines_of_a_test_module_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n";
        let lines = RustText::new(text).test_lines();
        assert_eq!(lines, [false, true, true, true, true, false, false]);
    }

    #[test]
    fn the_inside_of_a_string_has_no_width() {
        assert_eq!(RustText::new("a(\"12345\")\nb").widths(), [5, 1]);
    }
}
