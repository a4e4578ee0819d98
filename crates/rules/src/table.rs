//! The compiled rules of one service.

use std::sync::OnceLock;

use monban_model::Problem;

use crate::field::Slot;
use crate::linear::Linear;
use crate::number;
use crate::pattern::{self, Part, Variant};
use crate::regex::{Searcher, literal_start};
use crate::scan::{Captures, MESSAGE_MAX};
use crate::service::{Rule, Service, Wording};
use crate::tree::{Front, Shared};
use crate::trie::Trie;

/// The compiled rules of one service.
#[derive(Debug)]
pub(crate) struct Table {
    trie: Trie,
    entries: Vec<Entry>,
    groups: Vec<Group>,
    /// No pattern begins with a number.
    begins_without_number: bool,
}

/// The variants of a group that begin with the same literal.
#[derive(Debug)]
struct Entry {
    prefix: Box<[u8]>,
    how: How,
    /// Entries of one group stand side by side.
    group: u32,
    /// Whether a number at the message's end may be any other one, see [`number::may_be_any`].
    any_number: OnceLock<bool>,
}

#[derive(Debug)]
enum How {
    Front(Front),
    Regex(Box<Searcher>),
}

/// Rules with the same wordings, told apart by their filters, in file order.
#[derive(Debug)]
struct Group {
    /// The fields that some variant keeps.
    slots: Vec<Slot>,
    /// Index of the rule in the service.
    rules: Vec<u16>,
}

impl Table {
    /// Compiles all rules of a service; every mistake is added to `problems`.
    pub(crate) fn compile(service: &Service, problems: &mut Vec<Problem>) -> Self {
        let mut table = Self {
            trie: Trie::default(),
            entries: Vec::new(),
            groups: Vec::new(),
            begins_without_number: true,
        };
        let mut last: Option<&Rule> = None;
        let mut shared = Shared::default();
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
                None => table.add_group(service, rule, (index, &mut shared), problems),
            }
            if let Some(slot) = table.missing_slot(rule) {
                let what = format!("the rule asks for `{}`, which is not in its line", slot.name());
                let problem = Problem::of_file(&service.file, what, "it could never hold");
                problems.push(Problem { line: rule.line, ..problem });
            }
        }
        table.entries.shrink_to_fit();
        let has_none = |entry: &Entry| number::has_none(&entry.prefix);
        table.begins_without_number = table.entries.iter().all(has_none);
        let prefixes: Vec<&[u8]> = table.entries.iter().map(|entry| &*entry.prefix).collect();
        table.trie = Trie::build(&prefixes);
        table
    }

    fn add_group(
        &mut self,
        service: &Service,
        rule: &Rule,
        (index, shared): (u16, &mut Shared),
        problems: &mut Vec<Problem>,
    ) {
        let group = self.groups.len() as u32;
        let mut slots = Vec::new();
        for wording in &rule.wordings {
            match pattern::variants(&wording.text) {
                Ok(variants) => {
                    for variant in variants {
                        match Linear::compile(&variant) {
                            Ok(linear) => self.add_linear(linear, group, shared),
                            Err(reason) => problems.push(unsafe_problem(
                                &service.file,
                                wording,
                                &variant,
                                reason,
                            )),
                        }
                        slots.extend(variant.iter().filter_map(Part::slot));
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
                    any_number: OnceLock::new(),
                }),
                Err(what) => {
                    let problem = Problem::of_file(&service.file, what, "");
                    problems.push(Problem { line: wording.line, ..problem });
                }
            }
        }
        slots.sort_unstable();
        slots.dedup();
        self.groups.push(Group { slots, rules: vec![index] });
    }

    fn add_linear(&mut self, mut linear: Linear, group: u32, shared: &mut Shared) {
        let prefix = std::mem::take(&mut linear.prefix);
        let mut of_group = self.entries.iter_mut().rev().take_while(|e| e.group == group);
        let known = of_group.find_map(|entry| match &mut entry.how {
            How::Front(front) if entry.prefix == prefix => Some(front),
            _ => None,
        });
        if let Some(front) = known {
            front.add(linear, shared);
            return;
        }
        let mut front = Front::default();
        front.add(linear, shared);
        self.entries.push(Entry {
            prefix,
            how: How::Front(front),
            group,
            any_number: OnceLock::new(),
        });
    }

    /// A field that a filter of the rule names and no line of it has.
    fn missing_slot(&self, rule: &Rule) -> Option<Slot> {
        let group = self.groups.last().filter(|_| rule.regex.is_none())?;
        let slots = rule.filters.iter().map(|filter| filter.slot);
        slots.filter(|_| !group.slots.is_empty()).find(|slot| !group.slots.contains(slot))
    }

    /// The index of the first rule of `rules` that fits the message. `captures` are empty before,
    /// and after if there is none. `any_number` becomes false where another number at the end of
    /// the message might change what is read before it.
    #[inline]
    pub(crate) fn read(
        &self,
        rules: &[Rule],
        message: &[u8],
        captures: &mut Captures,
        any_number: &mut bool,
    ) -> Option<u16> {
        if message.len() > MESSAGE_MAX {
            return None;
        }
        let mut passed = u32::MAX;
        *any_number &= self.begins_without_number;
        for &number in self.trie.candidates(message) {
            let entry = &self.entries[number as usize];
            *any_number &= self.reads_any_number(entry, rules);
            if entry.group == passed {
                continue;
            }
            let fits = match &entry.how {
                How::Front(front) => front.matches(message, entry.prefix.len(), captures),
                How::Regex(searcher) => searcher.matches(message, captures),
            };
            if !fits {
                captures.clear();
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
            captures.clear();
        }
        None
    }

    /// Whether an entry reads the same whichever number stands at a message's end.
    #[inline]
    fn reads_any_number(&self, entry: &Entry, rules: &[Rule]) -> bool {
        *entry.any_number.get_or_init(|| {
            let How::Front(front) = &entry.how else { return false };
            let mut of_group = self.groups[entry.group as usize].rules.iter();
            let asks_none = |rule: &Rule| rule.filters.iter().all(number::is_not_asked);
            of_group.all(|rule| asks_none(&rules[usize::from(*rule)]))
                && number::may_be_any(&entry.prefix, front)
        })
    }

    /// The rules of each group with the same wordings, in the order of trial.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[u16]> {
        self.groups.iter().map(|group| group.rules.as_slice())
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
