//! A line as fields that whitespace parts, those in brackets or double quotes as one.

/// A field of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Where it begins, with its bracket or quote.
    pub(super) start: usize,
    /// Its text, without them.
    pub(super) inner: (usize, usize),
}

/// Reads the first `most` fields of a line. A bracket or quote that is not closed before
/// whitespace or the end of the line is a character like others; that it is not is found out once
/// for each of the two, so every byte is looked at a bounded number of times.
pub(super) fn split(line: &[u8], most: usize, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut is_open = [true; 2];
    let mut at = skip_space(line, 0);
    while at < line.len() && tokens.len() < most {
        let closing = match line[at] {
            b'[' if is_open[0] => Some((0, b']')),
            b'"' if is_open[1] => Some((1, b'"')),
            _ => None,
        };
        let closed = closing.and_then(|(which, byte)| {
            let end = closing_at(line, at + 1, byte);
            is_open[which] = end.is_some();
            end
        });
        let (inner, end) = match closed {
            Some(end) => ((at + 1, end), end + 1),
            None => {
                let rest = &line[at..];
                let length = rest.iter().position(|byte| is_space(*byte)).unwrap_or(rest.len());
                ((at, at + length), at + length)
            }
        };
        tokens.push(Token { start: at, inner });
        at = skip_space(line, end);
    }
}

/// The place of the first such byte that whitespace or the end follows.
fn closing_at(line: &[u8], from: usize, byte: u8) -> Option<usize> {
    let rest = line.get(from..)?;
    memchr::memchr_iter(byte, rest)
        .map(|at| from + at)
        .find(|at| line.get(at + 1).is_none_or(|next| is_space(*next)))
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip_space(line: &[u8], from: usize) -> usize {
    let rest = line.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| is_space(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        split(line.as_bytes(), usize::MAX, &mut tokens);
        tokens.iter().map(|token| &line[token.inner.0..token.inner.1]).collect()
    }

    #[test]
    fn brackets_and_quotes_hold_a_field_together() {
        for (line, expected) in [
            ("", &[][..]),
            (" \t\r\n", &[]),
            ("a  b\tc\r\n", &["a", "b", "c"]),
            ("[x y] \"GET / HTTP\" 1", &["x y", "GET / HTTP", "1"]),
            ("\"open words", &["\"open", "words"]),
            ("[a b", &["[a", "b"]),
            ("[a b]c d] e", &["a b]c d", "e"]),
            ("\"\" [] x", &["", "", "x"]),
            ("a\"b c\" [", &["a\"b", "c\"", "["]),
            ("\"a\"b\" c", &["a\"b", "c"]),
            ("[a \"b] c\"", &["a \"b", "c\""]),
        ] {
            assert_eq!(fields(line), expected, "{line:?}");
        }
    }
}
