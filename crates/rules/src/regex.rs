//! Rules that are written as a regular expression.

use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::field::Slot;
use crate::quad::read_address;
use crate::scan::Captures;

/// A rule's regular expression.
#[derive(Debug)]
pub(crate) struct Searcher {
    regex: Regex,
    /// Two for each group.
    slots: usize,
    /// The slot of each named group, with the group's index.
    groups: Vec<(usize, Slot)>,
}

/// The literal that every match of an anchored expression begins with, as far as it is plain to
/// see; perhaps empty.
pub(crate) fn literal_start(regex: &str) -> &[u8] {
    let Some(rest) = regex.strip_prefix('^') else {
        return b"";
    };
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            // An alternative to the whole; in a class it is harmless, but this is not a parser.
            b'|' if depth == 0 => return b"",
            _ => {}
        }
        at += 1;
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" _:,/=-".contains(byte);
    let length = bytes.iter().take_while(|byte| plain(byte)).count();
    match bytes.get(length) {
        // The last byte may be missing or repeated.
        Some(b'?' | b'*' | b'+' | b'{') => &bytes[..length.saturating_sub(1)],
        _ => &bytes[..length],
    }
}

/// Groups of one regular expression, the whole match included.
const GROUPS_MAX: usize = 24;

impl Searcher {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(1 << 20));
        let regex =
            Regex::builder().syntax(syntax).configure(config).build(text).map_err(|error| {
                match error.syntax_error() {
                    Some(syntax) => format!("the regular expression is wrong: {syntax}"),
                    None => format!("the regular expression is wrong: {error}"),
                }
            })?;
        let info = regex.group_info();
        if info.all_group_len() > GROUPS_MAX {
            return Err(format!("more than {} groups", GROUPS_MAX - 1));
        }
        let mut groups = Vec::new();
        for (_, index, name) in info.all_names() {
            match name.map(|name| (Slot::named(name), name)) {
                Some((Some(slot), _)) => groups.push((index, slot)),
                Some((None, name)) => return Err(format!("there is no field `{name}`")),
                None => {}
            }
        }
        let slots = info.slot_len();
        Ok(Self { regex, slots, groups })
    }

    /// Whether it matches, with its groups as captures; they mean nothing if it does not.
    pub(crate) fn matches(&self, message: &[u8], captures: &mut Captures) -> bool {
        let mut slots: [Option<NonMaxUsize>; GROUPS_MAX * 2] = [None; GROUPS_MAX * 2];
        let input = Input::new(message).anchored(Anchored::No);
        // No more slots than the expression has groups: with more, one of its engines panics.
        let used = &mut slots[..self.slots];
        if self.regex.search_slots(&input, used).is_none() {
            return false;
        }
        for &(group, slot) in &self.groups {
            let (Some(start), Some(end)) = (slots[group * 2], slots[group * 2 + 1]) else {
                continue;
            };
            let (start, end) = (start.get(), end.get());
            if slot != Slot::Address {
                captures.set(slot, start, end);
                continue;
            }
            match read_address(&message[start..end]) {
                Some(address) => captures.set_address(address, start, end),
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_that_a_regex_begins_with_is_found() {
        for (regex, expected) in [
            ("^Accepted (?P<user>x|y)", "Accepted "),
            ("^ab?c", "a"),
            ("^ab|c", ""),
            ("ab", ""),
            ("^(a|b)", ""),
            ("^a\\.b", "a"),
            ("^abc", "abc"),
            ("^ab{2}", "a"),
            ("^a(b)|c", ""),
        ] {
            assert_eq!(literal_start(regex), expected.as_bytes(), "{regex}");
        }
    }
}
