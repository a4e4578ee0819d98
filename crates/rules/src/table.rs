//! The compiled rules of one service.

use monban_model::limits::USER_MAX;
use monban_model::{Address, Problem, RuleId};
use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::field::Slot;
use crate::linear::Linear;
use crate::pattern::{self, Part, Variant};
use crate::scan::{Captures, MESSAGE_MAX, read_address};
use crate::service::{Rule, Service, Wording};
use crate::tree::Front;
use crate::trie::Trie;

/// The compiled rules of one service.
#[derive(Debug)]
pub(crate) struct Table {
    trie: Trie,
    entries: Vec<Entry>,
    groups: Vec<Group>,
}

/// The variants of a group that begin with the same literal.
#[derive(Debug)]
struct Entry {
    prefix: Box<[u8]>,
    how: How,
    /// Entries of one group stand side by side.
    group: u32,
}

#[derive(Debug)]
enum How {
    Front(Front),
    Regex(Box<Searcher>),
}

/// Rules with the same wordings, told apart by their filters, in file order.
#[derive(Debug)]
struct Group {
    /// The variants, kept for the checks.
    variants: Vec<Variant>,
    /// Index of the rule in the service.
    rules: Vec<u16>,
}

impl Table {
    /// Compiles all rules of a service; every mistake is added to `problems`.
    pub(crate) fn compile(service: &Service, problems: &mut Vec<Problem>) -> Self {
        let mut table = Self { trie: Trie::default(), entries: Vec::new(), groups: Vec::new() };
        let mut last: Option<&Rule> = None;
        for (index, rule) in service.rules.iter().enumerate() {
            let index = index as u16;
            let same = last.is_some_and(|last| {
                let texts = |rule: &Rule| -> Vec<String> {
                    rule.wordings.iter().map(|w| w.text.clone()).collect()
                };
                rule.regex.is_none() && last.regex.is_none() && texts(last) == texts(rule)
            });
            last = Some(rule);
            match table.groups.last_mut().filter(|_| same) {
                Some(group) => group.rules.push(index),
                None => table.add_group(service, rule, index, problems),
            }
            if let Some(slot) = table.missing_slot(rule) {
                let what = format!("the rule asks for `{}`, which is not in its line", slot.name());
                let problem = Problem::of_file(&service.file, what, "it could never hold");
                problems.push(Problem { line: rule.line, ..problem });
            }
        }
        let prefixes: Vec<&[u8]> = table.entries.iter().map(|entry| &*entry.prefix).collect();
        table.trie = Trie::build(&prefixes);
        table
    }

    fn add_group(
        &mut self,
        service: &Service,
        rule: &Rule,
        index: u16,
        problems: &mut Vec<Problem>,
    ) {
        let group = self.groups.len() as u32;
        let mut all = Vec::new();
        for wording in &rule.wordings {
            match pattern::variants(&wording.text) {
                Ok(variants) => {
                    for variant in variants {
                        match Linear::compile(&variant) {
                            Ok(linear) => self.add_linear(linear, group),
                            Err(reason) => problems.push(unsafe_problem(
                                &service.file,
                                wording,
                                &variant,
                                reason,
                            )),
                        }
                        all.push(variant);
                    }
                }
                Err(error) => {
                    let what = format!("{} in `{}`", error.what, wording.text);
                    let problem = Problem::of_file(&service.file, what, "").hint(error.hint);
                    problems.push(Problem { line: wording.line, ..problem });
                }
            }
        }
        if let Some(wording) = &rule.regex {
            match Searcher::new(&wording.text) {
                Ok(searcher) => self.entries.push(Entry {
                    prefix: literal_start(&wording.text).into(),
                    how: How::Regex(Box::new(searcher)),
                    group,
                }),
                Err(what) => {
                    let problem = Problem::of_file(&service.file, what, "");
                    problems.push(Problem { line: wording.line, ..problem });
                }
            }
        }
        self.groups.push(Group { variants: all, rules: vec![index] });
    }

    fn add_linear(&mut self, mut linear: Linear, group: u32) {
        let prefix = std::mem::take(&mut linear.prefix);
        let mut of_group = self.entries.iter_mut().rev().take_while(|e| e.group == group);
        let known = of_group.find_map(|entry| match &mut entry.how {
            How::Front(front) if entry.prefix == prefix => Some(front),
            _ => None,
        });
        if let Some(front) = known {
            front.add(linear);
            return;
        }
        let mut front = Front::default();
        front.add(linear);
        self.entries.push(Entry { prefix, how: How::Front(front), group });
    }

    /// A field that a filter of the rule names and no line of it has.
    fn missing_slot(&self, rule: &Rule) -> Option<Slot> {
        let group = self.groups.last().filter(|_| rule.regex.is_none())?;
        let has = |slot: Slot| {
            group
                .variants
                .iter()
                .flatten()
                .any(|part| matches!(part, Part::Field(field) if field.slot == Some(slot)))
        };
        let slots = rule.filters.iter().map(|filter| filter.slot);
        slots.filter(|_| !group.variants.is_empty()).find(|slot| !has(*slot))
    }

    /// The index of the first rule of `rules` that fits the message. `captures` are
    /// [`Captures::NONE`] before.
    #[inline]
    pub(crate) fn read(
        &self,
        rules: &[Rule],
        message: &[u8],
        captures: &mut Captures,
    ) -> Option<u16> {
        if message.len() > MESSAGE_MAX {
            return None;
        }
        let mut passed = u32::MAX;
        for &number in self.trie.candidates(message) {
            let entry = &self.entries[number as usize];
            if entry.group == passed {
                continue;
            }
            let fits = match &entry.how {
                How::Front(front) => front.matches(message, entry.prefix.len(), captures),
                How::Regex(searcher) => searcher.matches(message, captures),
            };
            if !fits {
                continue;
            }
            for &index in &self.groups[entry.group as usize].rules {
                let rule = &rules[usize::from(index)];
                let admitted = |filter: &crate::filter::Filter| {
                    filter.admits(captures.get(filter.slot, message))
                };
                if rule.filters.iter().all(admitted) {
                    return Some(index);
                }
            }
            // The wording is found; another one of the same rules is not tried.
            passed = entry.group;
            *captures = Captures::NONE;
        }
        None
    }

    /// The first rule of each group of rules with the same wordings.
    pub(crate) fn leaders(&self) -> impl Iterator<Item = u16> {
        self.groups.iter().filter_map(|group| group.rules.first().copied())
    }

    /// All variants with the index of the first rule that has them, in the order of trial.
    pub(crate) fn variants(&self) -> impl Iterator<Item = (u16, &Variant)> {
        self.groups.iter().flat_map(|group| {
            let rule = group.rules.first().copied().unwrap_or(0);
            group.variants.iter().map(move |variant| (rule, variant))
        })
    }
}

fn unsafe_problem(
    file: &str,
    wording: &Wording,
    variant: &Variant,
    (slot, why): (Slot, String),
) -> Problem {
    let what =
        format!("an attacker could choose `{}` in `{}`", slot.name(), pattern::show(variant));
    let hint = "limit the text before or behind it to bytes that cannot end it, as in \
                `{user:>}` or `{text:\"}`, or write `{word}`";
    Problem { line: wording.line, ..Problem::of_file(file, what, why).hint(hint) }
}

/// A rule's regular expression.
#[derive(Debug)]
struct Searcher {
    regex: Regex,
    /// Two for each group.
    slots: usize,
    /// The slot of each named group, with the group's index.
    groups: Vec<(usize, Slot)>,
}

/// The literal that every match of an anchored expression begins with, as far as it is plain to
/// see; perhaps empty.
fn literal_start(regex: &str) -> &[u8] {
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
    fn new(text: &str) -> Result<Self, String> {
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

    /// Leaves no captures behind if it does not match.
    fn matches(&self, message: &[u8], captures: &mut Captures) -> bool {
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
            if slot == Slot::Address {
                captures.address = read_address(&message[start.get()..end.get()]);
                if captures.address.is_none() {
                    *captures = Captures::NONE;
                    return false;
                }
            }
            captures.set(slot, start.get(), end.get());
        }
        true
    }
}

/// What a rule read out of a message.
#[derive(Clone, Copy, Debug)]
pub struct Found<'m> {
    /// The rule.
    pub rule: RuleId,
    /// Its index in the service.
    pub index: usize,
    /// The address.
    pub address: Option<Address>,
    message: &'m [u8],
    pub(crate) captures: Captures,
}

impl<'m> Found<'m> {
    /// Nothing found yet.
    #[inline]
    pub(crate) fn none(message: &'m [u8]) -> Self {
        Self { rule: RuleId(0), index: 0, address: None, message, captures: Captures::NONE }
    }

    /// The account, cut at [`USER_MAX`]; `None` also if it is empty.
    pub fn user(&self) -> Option<&'m [u8]> {
        let user = self.get(Slot::User).filter(|user| !user.is_empty())?;
        Some(&user[..user.len().min(USER_MAX)])
    }

    /// The account as [`Found::user`] gives it; in web logs `-` means that there is none.
    pub fn user_of(&self, service: &Service) -> Option<&'m [u8]> {
        let none: &[u8] = if service.shape.is_some() { b"-" } else { b"" };
        self.user().filter(|user| *user != none)
    }

    /// How many attempts the line stands for, at least 1.
    pub fn times(&self) -> u32 {
        let number = self.get(Slot::Times).map_or(1, read_number);
        number.max(1)
    }

    /// The text of a field by its name in patterns, such as `path`.
    pub fn field(&self, name: &str) -> Option<&'m [u8]> {
        self.get(Slot::named(name)?)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&'m [u8]> {
        self.captures.get(slot, self.message)
    }
}

/// A number of digits; what is larger than 32 bits is the largest.
pub(crate) fn read_number(digits: &[u8]) -> u32 {
    digits.iter().fold(0u32, |number, digit| {
        let digit = u32::from(digit.wrapping_sub(b'0').min(9));
        number.saturating_mul(10).saturating_add(digit)
    })
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
