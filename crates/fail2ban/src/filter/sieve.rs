//! Which expressions a line may match at all, by one pass over it.

use std::iter;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use monban_pyre::Needed;

use super::pattern::Pattern;
use super::table::Table;

/// A table for more than so many bytes of texts would be large; above it, a slower form is built.
const TABLE_BYTES_MAX: usize = 12 << 10;

/// The texts that expressions need, all looked for at once.
pub struct Sieve {
    machine: Machine,
    /// The expressions that need the text with this number.
    owners: Vec<Vec<u32>>,
    /// By expression: whether the texts looked at may match it.
    may: Vec<bool>,
    /// Those of them that need a text which was found.
    marked: Vec<u32>,
    /// By byte of the line that was looked at: the state behind it.
    states: Vec<u32>,
}

enum Machine {
    None,
    Table(Table),
    Compact(Box<NFA>),
}

/// What reads one byte after the other. The first state is 0.
pub(super) trait Reads {
    /// Set in what `next` gives where a text ends.
    const ENDS: u32 = 1 << 31;

    /// The state behind a byte.
    fn next(&self, state: u32, byte: u8) -> u32;

    /// The texts that end in a state.
    fn texts(&self, state: u32) -> impl Iterator<Item = usize>;
}

impl Sieve {
    /// For these expressions, which are numbered from 0.
    pub fn new<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Self {
        Self::with(patterns, iter::empty())
    }

    /// The same, and for others of which is known what they need, which come behind them.
    pub fn with<'p>(
        patterns: impl Iterator<Item = &'p Pattern>,
        others: impl Iterator<Item = Option<Needed>>,
    ) -> Self {
        let needed = patterns.map(|pattern| pattern.regex().needed());
        Self::of(&needed.chain(others).collect::<Vec<_>>())
    }

    fn of(needed: &[Option<Needed>]) -> Self {
        let mut may: Vec<bool> = needed.iter().map(Option::is_none).collect();
        let any_case = needed.iter().flatten().any(|needed| needed.any_case);
        let mut texts: Vec<&str> = Vec::new();
        let mut owners: Vec<Vec<u32>> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (number, needed) in (0..).zip(needed) {
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
        Self { machine, owners, may, marked: Vec::new(), states: Vec::new() }
    }

    /// Looks at a line and forgets the one before. A part of it that ends where a line does may be
    /// asked about as well.
    pub fn look(&mut self, line: &[u8]) {
        for number in self.marked.drain(..) {
            self.may[number as usize] = false;
        }
        let Self { machine, owners, may, marked, states } = self;
        let marks = Marks { owners, may, marked };
        match machine {
            Machine::None => {}
            Machine::Table(machine) => look(machine, line, states, marks),
            Machine::Compact(machine) => look(&**machine, line, states, marks),
        }
    }

    /// Looks at what is new in the line where a part is cut out of it.
    pub fn look_without(&mut self, line: &[u8], (start, end): (usize, usize)) {
        let Self { machine, owners, may, marked, states } = self;
        let marks = Marks { owners, may, marked };
        // What begins the line needs no look, nor does what ends it.
        let Some(before) = start.checked_sub(1).and_then(|at| states.get(at)) else { return };
        let (Some(line), Some(states)) = (line.get(end..), states.get(end..)) else { return };
        match machine {
            Machine::None => {}
            Machine::Table(machine) => look_on(machine, line, *before, states, marks),
            Machine::Compact(machine) => look_on(&**machine, line, *before, states, marks),
        }
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
            return Self::Table(Table::new(texts, any_case));
        }
        let mut builder = NFA::builder();
        builder.ascii_case_insensitive(any_case);
        builder.build(texts).map_or(Self::None, |found| Self::Compact(Box::new(found)))
    }
}

impl Reads for NFA {
    fn next(&self, state: u32, byte: u8) -> u32 {
        let state = match state & !Self::ENDS {
            0 => self.start_state(Anchored::No).unwrap_or_default(),
            state => StateID::new(state as usize).unwrap_or_default(),
        };
        let next = self.next_state(Anchored::No, state, byte);
        next.as_u32() | if self.is_match(next) { Self::ENDS } else { 0 }
    }

    fn texts(&self, state: u32) -> impl Iterator<Item = usize> {
        let state = StateID::new((state & !Self::ENDS) as usize).unwrap_or_default();
        (0..self.match_len(state)).map(move |index| self.match_pattern(state, index).as_usize())
    }
}

/// Where it is noted what was found.
struct Marks<'s> {
    owners: &'s [Vec<u32>],
    may: &'s mut [bool],
    marked: &'s mut Vec<u32>,
}

impl Marks<'_> {
    #[inline(never)]
    fn mark(&mut self, texts: impl Iterator<Item = usize>) {
        for text in texts {
            for owner in &self.owners[text] {
                let may = &mut self.may[*owner as usize];
                if !*may {
                    *may = true;
                    self.marked.push(*owner);
                }
            }
        }
    }
}

fn look<M: Reads>(machine: &M, line: &[u8], states: &mut Vec<u32>, mut marks: Marks<'_>) {
    let mut state = 0;
    states.resize(line.len(), 0);
    for (byte, place) in line.iter().zip(states) {
        state = machine.next(state, *byte);
        *place = state;
        if state & M::ENDS != 0 {
            marks.mark(machine.texts(state));
        }
    }
}

/// Goes on in another state until that makes no difference any more.
fn look_on<M: Reads>(
    machine: &M,
    line: &[u8],
    mut state: u32,
    states: &[u32],
    mut marks: Marks<'_>,
) {
    for (byte, known) in line.iter().zip(states) {
        state = machine.next(state, *byte);
        if state == *known {
            return;
        }
        if state & M::ENDS != 0 {
            marks.mark(machine.texts(state));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(texts: &[&str]) -> Option<Needed> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Some(Needed { texts, any_case: false })
    }

    #[test]
    fn both_machines_find_what_is_there_and_where_a_part_is_cut_out() {
        let list = [needed(&["abcab", "xy"]), None, needed(&["bca"]), needed(&["ab12", "b"])];
        let words: Vec<String> = (0..4000).map(|number| format!("-{number:04}-")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for large in [false, true] {
            let mut list = list.to_vec();
            list.push(needed(if large { &words } else { &words[..9] }));
            let mut sieve = Sieve::of(&list);
            assert_eq!(matches!(sieve.machine, Machine::Compact(_)), large);
            let mut look = |line: &str, cut: Option<(usize, usize)>| {
                sieve.look(line.as_bytes());
                if let Some(cut) = cut {
                    sieve.look_without(line.as_bytes(), cut);
                }
                sieve.may().to_vec()
            };
            for (line, cut, may) in [
                ("nothing", None, [false, true, false, false, false]),
                ("abca", None, [false, true, true, true, false]),
                ("a--bca", Some((1, 3)), [false, true, true, true, false]),
                ("bc--ab", Some((2, 4)), [false, true, true, true, false]),
                ("a--xy", Some((1, 3)), [true, true, false, false, false]),
                ("x--y", Some((1, 3)), [true, true, false, false, false]),
                ("x--y", None, [false, true, false, false, false]),
                ("-00-01-", Some((3, 4)), [false, true, false, false, true]),
                ("ab--", Some((2, 4)), [false, true, false, true, false]),
                ("", Some((0, 0)), [false, true, false, false, false]),
            ] {
                assert_eq!(look(line, cut), may, "{line} {cut:?} {large}");
            }
        }
    }
}
