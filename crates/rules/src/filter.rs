//! `where` and `where_not`: what a captured field may be.

use std::cmp::Ordering;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::bytes::Literal;
use crate::field::Slot;

/// A condition on one captured field.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// The field.
    pub(crate) slot: Slot,
    /// Whether a value of the list is asked for, or refused.
    wanted: bool,
    /// Values that must be equal, sorted by length and then by bytes.
    exact: Vec<Vec<u8>>,
    /// A bit for each length that they have; the highest is for all longer ones too.
    lengths: u64,
    prefixes: Vec<Literal>,
    suffixes: Vec<Vec<u8>>,
    parts: Vec<Vec<u8>>,
    /// All `parts` in one pass, made when a value is first looked at: most servers run few
    /// services. `None` if there are none.
    any_part: OnceLock<Option<AhoCorasick>>,
}

/// A value of a condition's list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'f> {
    /// The field is this.
    Exact(&'f [u8]),
    /// It begins so.
    Start(&'f [u8]),
    /// It ends so.
    End(&'f [u8]),
    /// It has this.
    Part(&'f [u8]),
}

impl Filter {
    /// The condition that the field is (or is not) one of `values`.
    pub(crate) fn new(slot: Slot, wanted: bool, values: &[String]) -> Self {
        let mut filter = Self {
            slot,
            wanted,
            exact: Vec::new(),
            lengths: 0,
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            parts: Vec::new(),
            any_part: OnceLock::new(),
        };
        for value in values {
            let bytes = value.as_bytes();
            match (bytes.strip_prefix(b"*"), bytes.strip_suffix(b"*")) {
                (Some(_), Some(_)) => {
                    // `*` alone is both: it asks for the empty part, which everything has.
                    let inner = bytes.get(1..bytes.len() - 1).unwrap_or(b"");
                    filter.parts.push(inner.to_vec());
                }
                (Some(end), None) => filter.suffixes.push(end.to_vec()),
                (None, Some(start)) => filter.prefixes.push(Literal::of(start)),
                (None, None) => filter.exact.push(bytes.to_vec()),
            }
        }
        filter.exact.sort_by(|a, b| by_length(a, b));
        filter.lengths = filter.exact.iter().fold(0, |lengths, text| lengths | length_bit(text));
        filter
    }

    /// Whether `value` satisfies the condition. A field that is not in the line has no value: it
    /// is none of the list.
    pub(crate) fn admits(&self, value: Option<&[u8]>) -> bool {
        value.is_some_and(|value| self.lists(value)) == self.wanted
    }

    /// The values of which the field must be one, if it must be one.
    pub(crate) fn wanted(&self) -> Option<impl Iterator<Item = Value<'_>>> {
        let exact = self.exact.iter().map(|text| Value::Exact(text));
        let starts = self.prefixes.iter().map(|text| Value::Start(text.bytes()));
        let ends = self.suffixes.iter().map(|text| Value::End(text));
        let parts = self.parts.iter().map(|text| Value::Part(text));
        self.wanted.then(|| exact.chain(starts).chain(ends).chain(parts))
    }

    /// All values of the list, without their `*`.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[u8]> {
        let starts = self.prefixes.iter().map(|start| start.bytes());
        let others = [&self.exact, &self.suffixes, &self.parts];
        starts.chain(others.into_iter().flatten().map(Vec::as_slice))
    }

    /// A value that the condition asks for, if it asks for any.
    pub(crate) fn sample(&self) -> Option<Vec<u8>> {
        let start = || self.prefixes.first().map(|start| start.bytes().to_vec());
        let ends = [&self.suffixes, &self.parts];
        let end = || ends.iter().find_map(|list| list.first().cloned());
        self.exact.first().cloned().or_else(start).or_else(end).filter(|_| self.wanted)
    }

    fn lists(&self, value: &[u8]) -> bool {
        (self.lengths & length_bit(value) != 0
            && self.exact.binary_search_by(|exact| by_length(exact, value)).is_ok())
            || self.prefixes.iter().any(|start| start.begins(value))
            || self.suffixes.iter().any(|end| value.ends_with(end))
            || self.has_part(value)
    }

    fn has_part(&self, value: &[u8]) -> bool {
        match self.any_part.get_or_init(|| any_of(&self.parts)) {
            Some(any) => any.is_match(value),
            // None to look for, or more than an automaton could hold.
            None => self.parts.iter().any(|part| memchr::memmem::find(value, part).is_some()),
        }
    }
}

/// One automaton for all parts: a value is looked at once, however long the list is.
fn any_of(parts: &[Vec<u8>]) -> Option<AhoCorasick> {
    if parts.is_empty() {
        return None;
    }
    // Of a byte, nothing but the next state is looked up, and no prefilter has to be begun: the
    // values are short.
    let mut builder = AhoCorasick::builder();
    builder.kind(Some(AhoCorasickKind::DFA)).prefilter(false).build(parts).ok()
}

/// The bit of a text's length in [`Filter::lengths`].
fn length_bit(text: &[u8]) -> u64 {
    1 << text.len().min(63)
}

/// Lengths differ mostly, and are cheaper to compare.
fn by_length(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_listed_exactly_or_by_its_start_end_or_part() {
        let values = ["/a", "/b*", "*.env", "*x*"].map(str::to_owned);
        let filter = Filter::new(Slot::Path, true, &values);
        for yes in ["/a", "/bc", "/.env", "1x2"] {
            assert!(filter.admits(Some(yes.as_bytes())), "{yes}");
        }
        assert!(!filter.admits(Some(b"/aa")) && !filter.admits(None));
        let none = Filter::new(Slot::Path, false, &values);
        assert!(none.admits(Some(b"/aa")) && none.admits(None) && !none.admits(Some(b"/a")));
        let words = ["publickey", "none", "rsa", "unknown", "b", "aaaa"].map(str::to_owned);
        let many = Filter::new(Slot::Method, true, &words);
        assert!(words.iter().all(|word| many.admits(Some(word.as_bytes()))));
        assert!(!many.admits(Some(b"nones")) && !many.admits(Some(b"a")));
        assert!(Filter::new(Slot::Path, true, &["*".to_owned()]).admits(Some(b"")));
    }

    #[test]
    fn one_pass_finds_what_each_part_finds_alone() {
        let parts = ["aba", "ab", "bb*c", "\u{e4}", "ca"];
        let filter = Filter::new(Slot::Path, true, &parts.map(|part| format!("*{part}*")));
        let bytes = [b'a', b'b', b'c', b'*', 0xc3, 0xa4, 0xff];
        for mut number in 0..7usize.pow(5) {
            let mut value = Vec::new();
            for _ in 0..5 {
                value.push(bytes[number % 7]);
                number /= 7;
            }
            let alone = parts
                .iter()
                .any(|part| value.windows(part.len()).any(|window| window == part.as_bytes()));
            assert_eq!(filter.admits(Some(&value)), alone, "{}", value.escape_ascii());
        }
    }
}
