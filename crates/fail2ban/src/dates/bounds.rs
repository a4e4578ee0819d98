//! What is put around the expression of a date: bounds of a word, or the beginning of the line.
//!
//! fail2ban decides by the look of the expression's text, so this does, too. What looks odd here
//! (a `$` after a backslash, a bracket within a set) is odd there.

/// An expression with its bounds.
pub struct Bounded {
    pub regex: String,
    /// Whether it is tied to the beginning or the end of the line.
    pub anchored: bool,
    /// Whether the beginning of the line was put before it.
    pub at_line_begin: bool,
}

/// What the pattern asks for before the date.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Nothing, neither before nor behind it.
    Unbound,
    Word,
    Line,
}

const WORD_BEGIN: &str = r"(?=^|\b|\W)";
const WORD_END: &str = r"(?=\b|\W|$)";
const LINE_BEGIN: &str = r"^(?:\W{0,2})?";

/// Puts bounds around an expression, and a group if it has none.
pub fn bounded(regex: &str, begin: Begin, end: bool) -> Bounded {
    let (flags, regex) = without_flags(regex.trim_matches(super::characters::is_space));
    let bound_begin = begin != Begin::Unbound && !begins_bound(&regex);
    let bound_end = end && !ends_bound(&regex);
    let mut regex = if has_group(&regex) { regex } else { grouped(&regex) };
    let at_line_begin = bound_begin && begin == Begin::Line;
    if bound_begin {
        regex.insert_str(0, if at_line_begin { LINE_BEGIN } else { WORD_BEGIN });
    }
    if bound_end {
        regex.push_str(WORD_END);
    }
    let anchored = at_line_begin || begins_with_line(&regex) || ends_with_line(&regex);
    let regex = format!("{flags}{}", without_stars(&regex));
    Bounded { regex, anchored, at_line_begin }
}

/// What `{DATE}` inserts of another pattern or name: it without its bounds.
pub fn unbound(pattern: &str) -> &str {
    let mut pattern = pattern.strip_prefix("{UNB}").unwrap_or(pattern);
    pattern = pattern.strip_prefix("{^LN-BEG}").unwrap_or(pattern);
    for begin in [r"(?:^|\b|\W)", r"(^|\b|\W)"] {
        pattern = pattern.strip_prefix(begin).unwrap_or(pattern);
    }
    pattern.strip_suffix(WORD_END).unwrap_or(pattern)
}

/// The first flags such as `(?iu)`, and the expression without them.
fn without_flags(regex: &str) -> (String, String) {
    for (at, _) in regex.match_indices("(?") {
        let letters = regex[at + 2..].bytes().take_while(u8::is_ascii_lowercase).count();
        let end = at + 2 + letters;
        if letters > 0 && regex[end..].starts_with(')') {
            let rest = format!("{}{}", &regex[..at], &regex[end + 1..]);
            return (regex[at..=end].to_owned(), rest);
        }
    }
    (String::new(), regex.to_owned())
}

/// What follows `(?` and word characters and `)`, if that is the beginning.
fn after_flags(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("(?")?;
    let letters: usize =
        rest.chars().take_while(|c| super::characters::is_word(*c)).map(char::len_utf8).sum();
    rest.get(letters..).filter(|_| letters > 0)?.strip_prefix(')')
}

fn after_opened_line_begin(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('(')?;
    rest.strip_prefix("?:").unwrap_or(rest).strip_prefix('^')
}

/// The expression after some of the brackets that it begins with, each way.
fn after_brackets(text: &str) -> impl Iterator<Item = &str> {
    let count = text.bytes().take_while(|byte| *byte == b'(').count();
    (0..=count).rev().map(move |count| &text[count..])
}

/// Whether a line's beginning or `**` stands at the beginning, perhaps within brackets.
fn begins_bound(regex: &str) -> bool {
    after_brackets(regex).any(|rest| {
        [after_flags(rest), Some(rest)].into_iter().flatten().any(|rest| {
            rest.starts_with('^')
                || rest.trim_start_matches('(').starts_with("**")
                || after_opened_line_begin(rest).is_some()
        })
    })
}

/// Whether the line's end, a bound, white space or `**` stands at the end.
fn ends_bound(regex: &str) -> bool {
    let closed = regex.trim_end_matches(')');
    [regex.strip_suffix("$)"), regex.strip_suffix('$'), regex.strip_suffix(r"\b")]
        .into_iter()
        .chain([regex.strip_suffix(r"\s"), closed.strip_suffix("**")])
        .flatten()
        .any(|before| !before.ends_with('\\'))
}

fn begins_with_line(regex: &str) -> bool {
    [after_flags(regex), Some(regex)].into_iter().flatten().any(|rest| {
        rest.starts_with('^')
            || after_opened_line_begin(rest).is_some_and(|rest| !rest.starts_with('|'))
    })
}

fn ends_with_line(regex: &str) -> bool {
    let before = [regex.strip_suffix("$)"), regex.strip_suffix('$')];
    before.into_iter().flatten().any(|before| !before.ends_with(['\\', '|']))
}

/// Whether it has a group by number: a bracket that is neither escaped nor `(?`.
fn has_group(regex: &str) -> bool {
    let bytes = regex.as_bytes();
    bytes.iter().enumerate().any(|(at, &byte)| {
        let before = &bytes[..at];
        byte == b'('
            && !before.ends_with(b"\\")
            && !before.ends_with(b"(?")
            && bytes.get(at + 1) != Some(&b'?')
    })
}

/// A group around all but the line's beginning and end.
fn grouped(regex: &str) -> String {
    let mut begin = after_flags(regex).unwrap_or(regex);
    begin = begin.strip_prefix('^').unwrap_or(begin);
    begin = after_flags(begin).unwrap_or(begin);
    let head = &regex[..regex.len() - begin.len()];
    let (body, end) = match begin.strip_suffix('$') {
        Some(body) => (body, "$"),
        None => (begin, ""),
    };
    format!("{head}({body}){end}")
}

/// The expression without the `**` at its ends, which only ask for no bound.
fn without_stars(regex: &str) -> String {
    let mut text = regex.to_owned();
    let begins = |rest: &str| rest.trim_start_matches('(').starts_with("**");
    let starts = after_brackets(regex).find_map(|rest| {
        let candidates = [after_flags(rest), Some(rest)];
        candidates.into_iter().flatten().find(|rest| begins(rest)).map(|rest| {
            let stars = rest.len() - rest.trim_start_matches('(').len();
            regex.len() - rest.len() + stars
        })
    });
    if let Some(at) = starts {
        text.replace_range(at..at + 2, "");
    }
    let closed = text.trim_end_matches(')');
    if let Some(before) = closed.strip_suffix("**").filter(|before| !before.ends_with('\\')) {
        let at = before.len();
        text.replace_range(at..at + 2, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_a_group_are_put_around_a_date() {
        let cases = [
            ("a", Begin::Word, r"(?=^|\b|\W)(a)(?=\b|\W|$)", false),
            ("a", Begin::Line, r"^(?:\W{0,2})?(a)(?=\b|\W|$)", true),
            ("a", Begin::Unbound, r"(a)(?=\b|\W|$)", false),
            ("^a", Begin::Word, r"^(a)(?=\b|\W|$)", true),
            ("^(?P<x>a)$", Begin::Word, r"^((?P<x>a))$", true),
            ("^x(a)", Begin::Word, r"^x(a)(?=\b|\W|$)", true),
            ("**a**", Begin::Word, "(a)", false),
            ("x:()**", Begin::Word, r"(?=^|\b|\W)x:()", false),
            ("(**a**)", Begin::Word, "(a)", false),
            (r"a\s", Begin::Line, r"^(?:\W{0,2})?(a\s)", true),
            ("(?iu)^a", Begin::Word, r"(?iu)^(a)(?=\b|\W|$)", true),
            ("(?:^a|b)", Begin::Word, r"((?:^a|b))(?=\b|\W|$)", false),
        ];
        for (regex, begin, expected, anchored) in cases {
            let found = bounded(regex, begin, true);
            assert_eq!((found.regex.as_str(), found.anchored), (expected, anchored), "{regex}");
        }
    }
}
