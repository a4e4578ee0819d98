//! `name[option=value, option="a, b"][more='c']`: how jails name their filter and actions.

use std::collections::HashSet;

use monban_model::limits::FAIL2BAN_VALUE_WORK_MAX;

use super::options::Options;
use super::place::{Place, Text, is_space};

/// A filter or action that is named, with what it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Its name, such as `iptables-multiport`.
    pub name: String,
    /// What it is given, in order.
    pub params: Options,
}

/// Where and why a reference cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// How many characters were understood.
    pub at: usize,
    /// What follows there, cut.
    pub found: String,
}

impl Reference {
    /// Reads `name` or `name[..]`.
    ///
    /// # Errors
    /// Text that is no list of options; an unclosed bracket.
    pub fn parse(text: &str, place: &Place) -> Result<Self, Unreadable> {
        let mut params = Options::default();
        let Some(open) = text.find('[') else {
            return match text.is_empty() {
                true => Err(unreadable(text, 0)),
                false => Ok(Self { name: text.to_owned(), params }),
            };
        };
        let inner = text.trim_end_matches(is_space).strip_suffix(']');
        let inner = inner.filter(|inner| open > 0 && inner.len() > open);
        let Some(inner) = inner.map(|inner| &inner[open + 1..]) else {
            return Err(unreadable(text, open));
        };
        let mut at = 0;
        while let Some(rest) = inner.get(at..) {
            let Some(item) = Item::parse(rest) else {
                let tail = rest.strip_prefix(',').unwrap_or(rest);
                if tail.trim_matches(is_space).is_empty() {
                    break;
                }
                return Err(unreadable(text, open + 1 + at));
            };
            let after = &rest[item.length..];
            let step = match separator(after) {
                Some(length) => length,
                None if after.is_empty() || after == "\n" => after.len() + 1,
                None => return Err(unreadable(text, open + 1 + at + item.length)),
            };
            params.set(item.key, Text::new(item.value.trim_matches(is_space), place));
            at += item.length + step;
        }
        Ok(Self { name: text[..open].to_owned(), params })
    }
}

/// Splits a list of references, which are separated by white space or line ends.
pub fn split_references(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let skipped = rest.len() - rest.trim_start_matches(is_space).len();
        let start = at + skipped;
        let rest = &text[start..];
        if rest.is_empty() {
            break;
        }
        let length = length_of_one(rest);
        found.push((start, rest[..length].trim_matches(is_space)));
        at = start + length;
    }
    found
}

/// How far the reference goes with which a text begins.
fn length_of_one(text: &str) -> usize {
    let word = text.find(is_space).unwrap_or(text.len());
    let name = text.find(|c: char| c == '[' || is_space(c)).unwrap_or(text.len());
    let gap = text[name..].len() - text[name..].trim_start_matches(is_space).len();
    if name == 0 || !text[name + gap..].starts_with('[') {
        return word;
    }
    bracket(text, name + gap + 1).unwrap_or(word)
}

/// The end of a bracket whose inside begins at `from`: all ways to read it are tried, each place
/// once.
fn bracket(text: &str, from: usize) -> Option<usize> {
    let mut seen = HashSet::new();
    let mut open = vec![from];
    let mut looked_at = 0;
    while let Some(at) = open.pop() {
        let rest = text.get(at..)?;
        looked_at += rest.len();
        if looked_at > FAIL2BAN_VALUE_WORK_MAX {
            return None;
        }
        let start = at + rest.len() - rest.trim_start_matches(is_space).len();
        if !seen.insert(start) {
            continue;
        }
        let rest = &text[start..];
        if rest.starts_with(']') {
            let end = start + 1;
            if text[end..].chars().next().is_none_or(is_space) {
                return Some(end);
            }
        }
        let Some(item) = Item::parse(rest) else { continue };
        // A value without quotes may end anywhere, if something follows that can be read. What
        // is pushed last is tried first: quotes, then the longest.
        let bare = start + item.value_at..=start + item.bare_length;
        let bare = bare.filter(|end| text.is_char_boundary(*end));
        for end in bare.chain([start + item.length]) {
            let after = &text[end..];
            let gap = after.len() - after.trim_start_matches(is_space).len();
            open.push(end + gap);
            if let Some(length) = separator(&after[gap..]) {
                open.push(end + gap + length);
            }
        }
    }
    None
}

/// `,` or `][`.
fn separator(text: &str) -> Option<usize> {
    if text.starts_with(',') {
        return Some(1);
    }
    let inner = text.strip_prefix(']')?;
    let gap = inner.len() - inner.trim_start_matches(is_space).len();
    inner[gap..].starts_with('[').then_some(gap + 2)
}

/// `key=value` with which a text begins.
struct Item<'a> {
    key: &'a str,
    value: &'a str,
    /// Where its value begins.
    value_at: usize,
    length: usize,
    /// Its length if a quoted value is read as if it were not.
    bare_length: usize,
}

impl<'a> Item<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let start = text.len() - text.trim_start_matches(is_space).len();
        let is_key = |c: char| c.is_alphanumeric() || "-_.?".contains(c);
        let mut end = start + text[start..].find(|c| !is_key(c))?;
        // `blocktype?family=inet6="x"`: the condition belongs to the key.
        if text[start..end].contains('?') {
            let condition = text.get(end + 1..)?;
            let length = condition.find(|c| !is_key(c))?;
            if condition[length..].starts_with('=') {
                end += 1 + length;
            }
        }
        let key = &text[start..end];
        let value = text[end..].strip_prefix('=').filter(|_| !key.is_empty())?;
        let from = end + 1;
        let bare = value.find([',', ']']).unwrap_or(value.len());
        for quote in ['"', '\''] {
            let Some(inner) = value.strip_prefix(quote) else { continue };
            if let Some(close) = inner.find(quote) {
                let length = from + close + 2;
                let (value, bare_length) = (&inner[..close], from + bare);
                return Some(Self { key, value, value_at: from, length, bare_length });
            }
        }
        let length = from + bare;
        Some(Self { key, value: &value[..bare], value_at: from, length, bare_length: length })
    }
}

fn unreadable(text: &str, at: usize) -> Unreadable {
    let found = text[at..].chars().take(25).collect();
    Unreadable { at: text[..at].chars().count(), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Option<Vec<(String, String)>> {
        let found = Reference::parse(text, &Place::default()).ok()?;
        let owned = |(key, value): (&str, &Text)| (key.to_owned(), value.as_str().to_owned());
        Some(found.params.iter().map(owned).collect())
    }

    fn pairs(expected: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn options_are_read_in_all_their_forms() {
        assert_eq!(params("sshd"), pairs(&[]));
        assert_eq!(params("sshd[]"), pairs(&[]));
        assert_eq!(
            params("a[x=1, y=\"2, 3]\", z='\"']"),
            pairs(&[("x", "1"), ("y", "2, 3]"), ("z", "\"")])
        );
        assert_eq!(params("a[x=1][y= 2 ] [z=]"), pairs(&[("x", "1"), ("y", "2"), ("z", "")]));
        assert_eq!(params("a[x=1,]"), pairs(&[("x", "1")]));
        assert_eq!(params("a[x=\"1\"\n]"), pairs(&[("x", "1")]));
        assert_eq!(params("a[x?family=inet6=\"1\"]"), pairs(&[("x?family=inet6", "1")]));
    }

    #[test]
    fn wrong_options_are_refused() {
        for bad in [
            "a[x]",
            "a[x=1",
            "a[x=\"1\" y=2]",
            "a[x=\"1\"2]",
            "[x=1]",
            "a[x=1]b",
            "",
            "a[x=1, ,y=2]",
            "a[x?y=2]",
        ] {
            assert_eq!(params(bad), None, "{bad}");
        }
        let typographic = Reference::parse("a[name=b, port=\"c\" d]", &Place::default());
        assert_eq!(typographic.map_err(|error| error.at), Err(18));
    }

    #[test]
    fn lists_are_split_outside_of_brackets() {
        let split = |text| split_references(text).into_iter().map(|(_, r)| r).collect::<Vec<_>>();
        assert_eq!(split("a b[x=1]\nc"), ["a", "b[x=1]", "c"]);
        assert_eq!(split("a[x=1,\ny=\"2 ]\"]\nb"), ["a[x=1,\ny=\"2 ]\"]", "b"]);
        assert_eq!(split("a [x=1] b"), ["a [x=1]", "b"]);
        assert_eq!(split("a[x=1 y=2"), ["a[x=1", "y=2"]);
        assert_eq!(split("a[x] b"), ["a[x]", "b"]);
        assert!(split(" \n ").is_empty());
    }
}
