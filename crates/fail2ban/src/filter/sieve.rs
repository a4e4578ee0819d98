//! Which expressions of a filter a text may match at all, by one pass over it.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::pattern::Pattern;

/// A table for more than so many bytes of texts would be large; above it, a slower form is built.
const TABLE_BYTES_MAX: usize = 4096;

/// The texts that the expressions need, all looked for at once.
pub struct Sieve {
    automaton: Option<AhoCorasick>,
    /// The expressions that need the text with this number.
    owners: Vec<Vec<usize>>,
    /// By expression: whether it needs no text.
    free: Vec<bool>,
    /// By expression: whether the last text may match it.
    may: Vec<bool>,
}

impl Sieve {
    /// For these expressions, which are numbered from 0.
    pub fn new<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Self {
        let needed: Vec<_> = patterns.map(|pattern| pattern.regex().needed()).collect();
        let mut free: Vec<bool> = needed.iter().map(Option::is_none).collect();
        let any_case = needed.iter().flatten().any(|needed| needed.any_case);
        let mut texts: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<usize>> = Vec::new();
        for (number, needed) in needed.into_iter().enumerate() {
            for text in needed.map(|needed| needed.texts).unwrap_or_default() {
                match texts.iter().position(|known| *known == text) {
                    Some(at) => owners[at].push(number),
                    None => {
                        texts.push(text);
                        owners.push(vec![number]);
                    }
                }
            }
        }
        let kind = match texts.iter().map(String::len).sum::<usize>() {
            ..=TABLE_BYTES_MAX => AhoCorasickKind::DFA,
            _ => AhoCorasickKind::ContiguousNFA,
        };
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(any_case)
            .kind(Some(kind))
            .build(&texts)
            .ok()
            .filter(|_| !texts.is_empty());
        if automaton.is_none() {
            free.fill(true);
        }
        Self { automaton, owners, may: free.clone(), free }
    }

    /// Looks at a text. A part of it that ends where a line does may be asked about as well.
    pub fn look(&mut self, text: &str) {
        let Some(automaton) = &self.automaton else { return };
        self.may.copy_from_slice(&self.free);
        for found in automaton.find_overlapping_iter(text) {
            let owners = self.owners.get(found.pattern().as_usize());
            for owner in owners.into_iter().flatten() {
                self.may[*owner] = true;
            }
        }
    }

    /// Whether the text may match the expression with this number.
    pub fn may(&self, number: usize) -> bool {
        self.may.get(number).copied().unwrap_or(true)
    }

    /// Whether it may match one of those before `end`.
    pub fn may_any(&self, end: usize) -> bool {
        self.may.iter().take(end).any(|may| *may)
    }
}
