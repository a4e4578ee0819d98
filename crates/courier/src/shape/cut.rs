//! Texts brought below the limit of a service while they are escaped.

/// What a service counts.
#[derive(Clone, Copy)]
pub(crate) enum Measure {
    /// Bytes of UTF-8.
    Bytes,
    /// Units of UTF-16: never less than characters, whichever of them the service means.
    Units,
}

impl Measure {
    pub(crate) fn of(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Units => text.encode_utf16().count(),
        }
    }
}

/// What stands where a text was cut.
const MARK: char = '…';

/// Writes a character as it is.
pub(crate) fn plain(c: char, out: &mut String) {
    out.push(c);
}

/// The text, each character written by `escape`, at most `limit` long as it is then: what has no
/// room is left out and a `…` stands in its place. No escape is cut in two.
pub(crate) fn fit(
    text: &str,
    limit: usize,
    measure: Measure,
    escape: impl Fn(char, &mut String),
) -> String {
    let mark = measure.of(MARK.encode_utf8(&mut [0; 4]));
    let mut out = String::with_capacity(text.len().min(limit));
    // As much as leaves room for the mark, and what it takes.
    let (mut used, mut safe) = (0, 0);
    for c in text.chars() {
        if used + mark <= limit {
            safe = out.len();
        }
        let before = out.len();
        escape(c, &mut out);
        used += measure.of(&out[before..]);
        if used > limit {
            out.truncate(safe);
            if mark <= limit {
                out.push(MARK);
            }
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(c: char, out: &mut String) {
        match c {
            '<' => out.push_str("&lt;"),
            _ => out.push(c),
        }
    }

    #[test]
    fn a_text_is_cut_with_a_mark_and_never_within_an_escape() {
        for (text, limit, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("a<<", 9, "a&lt;&lt;"),
            ("a<<", 8, "a&lt;…"),
            ("<", 3, "…"),
            ("", 0, ""),
            ("a", 0, ""),
        ] {
            assert_eq!(fit(text, limit, Measure::Units, html), cut, "{text} {limit}");
        }
        // The mark has three bytes, a character outside of the BMP two units.
        assert_eq!(fit("門番門番", 9, Measure::Bytes, plain), "門番…");
        assert_eq!(fit("😀😀😀", 5, Measure::Units, plain), "😀😀…");
    }

    #[test]
    fn every_limit_is_kept() {
        let text = "a<門😀\u{1}".repeat(50);
        for limit in 0..300 {
            assert!(Measure::Bytes.of(&fit(&text, limit, Measure::Bytes, html)) <= limit);
            assert!(Measure::Units.of(&fit(&text, limit, Measure::Units, html)) <= limit);
        }
    }
}
