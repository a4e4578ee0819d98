//! The text of a pattern, into the linear variants that it stands for.

use monban_model::limits::PATTERN_VARIANTS_MAX;

use crate::field::{Field, Slot};

/// One part of a linear pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// These bytes.
    Literal(Vec<u8>),
    /// A field.
    Field(Field),
}

impl Part {
    /// Where its text is kept, if it is.
    pub(crate) fn slot(&self) -> Option<Slot> {
        match self {
            Self::Literal(_) => None,
            Self::Field(field) => field.slot,
        }
    }
}

/// A pattern in which nothing is optional.
pub(crate) type Variant = Vec<Part>;

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternError {
    /// Offset in the pattern's text.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// What to write instead.
    pub(crate) hint: String,
}

/// Reads a pattern. The variants stand in the order in which they are tried: an optional part is
/// taken first, the first alternative comes first.
///
/// # Errors
/// The first mistake.
pub(crate) fn variants(text: &str) -> Result<Vec<Variant>, PatternError> {
    let nodes = parse(text)?;
    let mut out: Vec<Variant> = Vec::new();
    for variant in expand(&nodes)? {
        let merged = merge(&variant);
        if !out.contains(&merged) {
            out.push(merged);
        }
    }
    for variant in &out {
        check_slots(variant)?;
    }
    Ok(out)
}

/// A pattern as it is written.
#[derive(Debug)]
pub(crate) enum Node {
    /// A literal or a field.
    Part(Part),
    /// One of these; an optional part is a choice between it and nothing.
    Choice(Vec<Vec<Node>>),
}

/// Reads a pattern without making its variants.
///
/// # Errors
/// The first mistake.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, PatternError> {
    Reader { text, at: 0 }.sequence(None, 0)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Nesting of `[` and `(`; deeper patterns have too many variants anyway.
const DEPTH_MAX: usize = 16;

impl Reader<'_> {
    fn error<T>(&self, at: usize, what: &str, hint: &str) -> Result<T, PatternError> {
        Err(PatternError { at, what: what.to_owned(), hint: hint.to_owned() })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads until `closer`, which is not consumed, or the end. Inside of `(`, `|` ends too.
    fn sequence(&mut self, closer: Option<u8>, depth: usize) -> Result<Vec<Node>, PatternError> {
        let start = self.at;
        if depth > DEPTH_MAX {
            return self.error(start, "parts are nested too deeply", "write several lines");
        }
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek() {
            if Some(byte) == closer || (byte == b'|' && closer == Some(b')')) {
                return Ok(nodes);
            }
            nodes.push(match byte {
                b'[' => self.optional(depth)?,
                b'(' => self.alternatives(depth)?,
                b'{' => self.field()?,
                b']' | b')' | b'}' | b'|' => {
                    let what = format!("`{}` stands alone", char::from(byte));
                    let hint = format!("for the character itself write `\\{}`", char::from(byte));
                    return self.error(self.at, &what, &hint);
                }
                _ => self.literal()?,
            });
        }
        match closer {
            None => Ok(nodes),
            Some(closer) => {
                let what = format!("`{}` is missing", char::from(closer));
                self.error(start.saturating_sub(1), &what, "close the part")
            }
        }
    }

    fn optional(&mut self, depth: usize) -> Result<Node, PatternError> {
        self.at += 1;
        let inner = self.sequence(Some(b']'), depth + 1)?;
        self.at += 1;
        Ok(Node::Choice(vec![inner, Vec::new()]))
    }

    fn alternatives(&mut self, depth: usize) -> Result<Node, PatternError> {
        let start = self.at;
        let mut all = Vec::new();
        loop {
            self.at += 1;
            all.push(self.sequence(Some(b')'), depth + 1)?);
            if self.peek() == Some(b')') {
                self.at += 1;
                if all.len() == 1 {
                    let hint = "for the characters themselves write `\\(` and `\\)`";
                    return self.error(start, "`(...)` without `|` is no choice", hint);
                }
                return Ok(Node::Choice(all));
            }
        }
    }

    fn field(&mut self) -> Result<Node, PatternError> {
        let start = self.at + 1;
        let mut at = start;
        let bytes = self.text.as_bytes();
        while at < bytes.len() && bytes[at] != b'}' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        let Some(inner) = self.text.get(start..at).filter(|_| at < bytes.len()) else {
            return self.error(start - 1, "`}` is missing", "for `{` itself write `\\{`");
        };
        self.at = at + 1;
        match Field::parse(inner) {
            Ok(field) => Ok(Node::Part(Part::Field(field))),
            Err((what, hint)) => self.error(start, &what, &hint),
        }
    }

    fn literal(&mut self) -> Result<Node, PatternError> {
        let mut out = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => {
                    self.at += 1;
                    let Some(next) = self.peek().filter(|next| b"[](){}|\\".contains(next)) else {
                        let hint = "for `\\` itself write `\\\\`";
                        return self.error(self.at - 1, "`\\` stands before nothing special", hint);
                    };
                    out.push(next);
                }
                b'[' | b']' | b'(' | b')' | b'{' | b'}' | b'|' => break,
                other => out.push(other),
            }
            self.at += 1;
        }
        Ok(Node::Part(Part::Literal(out)))
    }
}

/// All ways through a pattern.
fn expand(nodes: &[Node]) -> Result<Vec<Vec<&Part>>, PatternError> {
    let mut out: Vec<Vec<&Part>> = vec![Vec::new()];
    for node in nodes {
        match node {
            Node::Part(part) => out.iter_mut().for_each(|variant| variant.push(part)),
            Node::Choice(choices) => {
                let mut tails = Vec::new();
                for choice in choices {
                    tails.extend(expand(choice)?);
                }
                if out.len() * tails.len() > PATTERN_VARIANTS_MAX {
                    return Err(PatternError {
                        at: 0,
                        what: format!("more than {PATTERN_VARIANTS_MAX} variants"),
                        hint: "write fewer optional parts, or several rules".to_owned(),
                    });
                }
                out = out
                    .iter()
                    .flat_map(|head| tails.iter().map(|tail| [&head[..], tail].concat()))
                    .collect();
            }
        }
    }
    Ok(out)
}

/// Joins literals that stand side by side.
fn merge(variant: &[&Part]) -> Variant {
    let mut out: Variant = Vec::with_capacity(variant.len());
    for part in variant {
        match (out.last_mut(), part) {
            (_, Part::Literal(next)) if next.is_empty() => {}
            (Some(Part::Literal(last)), Part::Literal(next)) => last.extend(next),
            (_, part) => out.push((*part).clone()),
        }
    }
    out
}

/// Each kept field may stand once.
fn check_slots(variant: &Variant) -> Result<(), PatternError> {
    let mut seen = Vec::new();
    for part in variant {
        let Part::Field(Field { slot: Some(slot), .. }) = part else {
            continue;
        };
        if seen.contains(slot) {
            return Err(PatternError {
                at: 0,
                what: format!("`{{{}}}` stands twice in one line", slot.name()),
                hint: "what is not kept is `{word}`, `{ip}` or `{text}`".to_owned(),
            });
        }
        seen.push(*slot);
    }
    Ok(())
}

/// A variant as pattern text, for messages.
pub(crate) fn show(variant: &[Part]) -> String {
    let show_part = |part: &Part| match part {
        Part::Literal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Part::Field(field) => format!("{{{}}}", field.text),
    };
    variant.iter().map(show_part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        variants(text).unwrap().iter().map(|v| show(v)).collect()
    }

    #[test]
    fn optional_parts_and_alternatives_become_variants() {
        assert_eq!(shown("a[b[c]](d|e)"), ["abcd", "abce", "abd", "abe", "ad", "ae"]);
        assert_eq!(shown(r"x \[{int}\]"), ["x [{int}]"]);
        assert_eq!(shown(r"({user:\}}|)z"), [r"{user:\}}z", "z"]);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, at) in
            [("ab]", 2), ("a[b", 1), ("{nix}", 1), ("a\\x", 1), ("{user", 0), ("a(b)", 1)]
        {
            assert_eq!(variants(text).unwrap_err().at, at, "{text}");
        }
        assert!(variants("{user} {user}").is_err());
        assert!(variants("[a][b][c][d][e][f][g]").is_err());
        assert!(variants(&"[".repeat(1000)).is_err());
    }
}
