//! Which expressions a line may match at all, by one pass over it.

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, StartKind};

use super::pattern::Pattern;

/// A table for more than so many bytes of texts would be large; above it, a slower form is built.
const TABLE_BYTES_MAX: usize = 12 << 10;

/// The texts that expressions need, all looked for at once.
pub struct Sieve {
    machine: Machine,
    /// The expressions that need the text with this number.
    owners: Vec<Vec<u32>>,
    /// Bytes of the longest text.
    longest: usize,
    /// By expression: whether the texts looked at may match it.
    may: Vec<bool>,
    /// Those of them that need a text which was found.
    marked: Vec<u32>,
}

enum Machine {
    None,
    Table(Box<DFA>),
    Compact(Box<NFA>),
}

impl Sieve {
    /// For these expressions, which are numbered from 0.
    pub fn new<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Self {
        let needed: Vec<_> = patterns.map(|pattern| pattern.regex().needed()).collect();
        let mut may: Vec<bool> = needed.iter().map(|needed| needed.is_none()).collect();
        let any_case = needed.iter().flatten().any(|needed| needed.any_case);
        let mut texts: Vec<&str> = Vec::new();
        let mut owners: Vec<Vec<u32>> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (number, needed) in (0..).zip(&needed) {
            for text in needed.iter().flat_map(|needed| &needed.texts) {
                let at = *known.entry(text.as_str()).or_insert_with(|| {
                    texts.push(text);
                    owners.push(Vec::new());
                    owners.len() - 1
                });
                owners[at].push(number);
            }
        }
        let machine = Machine::new(&texts, any_case);
        if matches!(machine, Machine::None) {
            may.fill(true);
        }
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        Self { machine, owners, longest, may, marked: Vec::new() }
    }

    /// Forgets the texts that were looked at.
    pub fn clear(&mut self) {
        for number in self.marked.drain(..) {
            self.may[number as usize] = false;
        }
    }

    /// Looks at one more text. A part of it that ends where a line does may be asked about as well.
    pub fn look(&mut self, text: &[u8]) {
        match &self.machine {
            Machine::None => {}
            Machine::Table(machine) => {
                find(&**machine, text, &self.owners, &mut self.may, &mut self.marked);
            }
            Machine::Compact(machine) => {
                find(&**machine, text, &self.owners, &mut self.may, &mut self.marked);
            }
        }
    }

    /// Looks at what is new where two texts are joined to one.
    pub fn look_at_joint(&mut self, before: &[u8], behind: &[u8]) {
        let most = self.longest.saturating_sub(1);
        if before.is_empty() || behind.is_empty() || most == 0 {
            return;
        }
        let before = &before[before.len().saturating_sub(most)..];
        let behind = &behind[..behind.len().min(most)];
        self.look(&[before, behind].concat());
    }

    /// By expression: whether the texts looked at may match it.
    pub fn may(&self) -> &[bool] {
        &self.may
    }

    /// The expressions that need a text which was found, each once.
    pub fn marked(&self) -> &[u32] {
        &self.marked
    }
}

impl Machine {
    fn new(texts: &[&str], any_case: bool) -> Self {
        if texts.is_empty() {
            return Self::None;
        }
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>();
        if bytes <= TABLE_BYTES_MAX {
            let mut builder = DFA::builder();
            builder.ascii_case_insensitive(any_case).start_kind(StartKind::Unanchored);
            return builder.build(texts).map_or(Self::None, |found| Self::Table(Box::new(found)));
        }
        let mut builder = NFA::builder();
        builder.ascii_case_insensitive(any_case);
        builder.build(texts).map_or(Self::None, |found| Self::Compact(Box::new(found)))
    }
}

/// Marks the expressions whose texts stand in this one.
fn find(
    machine: &impl Automaton,
    text: &[u8],
    owners: &[Vec<u32>],
    may: &mut [bool],
    marked: &mut Vec<u32>,
) {
    let Ok(mut state) = machine.start_state(Anchored::No) else { return };
    for byte in text {
        state = machine.next_state(Anchored::No, state, *byte);
        if machine.is_special(state) && machine.is_match(state) {
            for index in 0..machine.match_len(state) {
                let owners = &owners[machine.match_pattern(state, index).as_usize()];
                for owner in owners {
                    let may = &mut may[*owner as usize];
                    if !*may {
                        *may = true;
                        marked.push(*owner);
                    }
                }
            }
        }
    }
}
