//! Texts of which each line that tells something has one: what rules need, and how lines name
//! their program.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::filter::Value;
use crate::pattern::{self, Node, Part, Variant};
use crate::service::{Rule, Service};
use crate::texts::least;

/// A shorter text stands everywhere.
const TEXT_MIN: usize = 3;

/// A wording with such a long text in all its variants is not taken apart into them.
const OUTER_MIN: usize = 8;

/// A program's name up to this length is part of too many words to be looked for alone.
const SHORT_NAME_MAX: usize = 3;

/// What a set of rules needs to see a line.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Each line has one of these, or what `any` asks for.
    all: BTreeSet<Vec<u8>>,
    /// A wording each; lines that it fits have all of its texts, so that one of them will do.
    any: BTreeSet<Vec<Vec<u8>>>,
    /// Parts of such texts, which may do for more wordings.
    parts: BTreeSet<Vec<u8>>,
}

impl Needs {
    /// What lines of these rules have; `None` if it is not known.
    pub(crate) fn of<'r>(mut rules: impl Iterator<Item = &'r Rule>) -> Option<Self> {
        let mut needs = Self::default();
        let is_known = rules.all(|rule| needs.add(rule).is_some());
        is_known.then_some(needs)
    }

    /// What lines of either have.
    pub(crate) fn join(&mut self, other: Self) {
        self.all.extend(other.all);
        self.any.extend(other.any);
        self.parts.extend(other.parts);
    }

    /// Every line has one of the texts that come out: of those that are sought in any case, and
    /// of few others, long and rare ones where there are such.
    pub(crate) fn texts(&self, in_any_case: &[Vec<u8>], long: usize) -> Vec<Vec<u8>> {
        let mut texts: Vec<Vec<u8>> = in_any_case.iter().chain(&self.all).cloned().collect();
        let has_one =
            |text: &Vec<u8>| in_any_case.iter().any(|part| memmem::find(text, part).is_some());
        let is_done = |all: &&Vec<Vec<u8>>| all.iter().any(has_one);
        let any: Vec<&Vec<Vec<u8>>> = self.any.iter().filter(|all| !is_done(all)).collect();
        let rare = |text: &&[u8]| is_rare(text, long);
        let known = any.iter().copied().flatten().map(Vec::as_slice).filter(rare);
        let known: BTreeSet<&[u8]> = known.collect();
        let parts: BTreeSet<&[u8]> = self.parts.iter().map(Vec::as_slice).filter(rare).collect();
        let parts = parts.union(&known);
        // The rare texts of each wording, as places among all that are known.
        let known: Vec<&[u8]> = known.iter().copied().collect();
        let mut wordings: BTreeSet<Vec<usize>> = BTreeSet::new();
        for all in any {
            let rare = all.iter().map(Vec::as_slice).filter(rare);
            let rare: Vec<usize> =
                rare.map(|text| known.partition_point(|it| *it < text)).collect();
            if rare.is_empty() {
                texts.extend(all.iter().max_by_key(|text| text.len()).cloned());
            } else {
                wordings.insert(rare);
            }
        }
        // For each text, the wordings that it would do for.
        let mut of_known: Vec<(u64, Vec<usize>)> =
            known.iter().map(|text| (pairs_of(text), Vec::new())).collect();
        for (at, wording) in wordings.iter().enumerate() {
            wording.iter().for_each(|text| of_known[*text].1.push(at));
        }
        let fits = |part: &[u8]| -> Vec<usize> {
            let own = pairs_of(part);
            let has =
                |text: &[u8], pairs: u64| own & !pairs == 0 && memmem::find(text, part).is_some();
            let with = known.iter().zip(&of_known).filter(|(text, (pairs, _))| has(text, *pairs));
            let fits: BTreeSet<usize> = with.flat_map(|(_, (_, of))| of).copied().collect();
            fits.into_iter().collect()
        };
        let mut ways: Vec<(&[u8], Vec<usize>)> = parts.map(|part| (*part, fits(part))).collect();
        let mut is_done = vec![false; wordings.len()];
        // Each wording has a text of its own among them, so none is left over.
        while let Some((text, done)) = ways.iter().max_by_key(|way| (way.1.len(), way.0.len())) {
            if done.is_empty() {
                break;
            }
            texts.push(text.to_vec());
            done.iter().for_each(|at| is_done[*at] = true);
            ways.iter_mut().for_each(|(_, fits)| fits.retain(|at| !is_done[*at]));
        }
        least(texts)
    }

    fn add(&mut self, rule: &Rule) -> Option<()> {
        if rule.regex.is_some() {
            return None;
        }
        let is_valued = rule.filters.iter().any(|filter| filter.wanted().is_some());
        for wording in &rule.wordings {
            let nodes = pattern::parse(&wording.text).ok()?;
            let outer = outer_literals(&nodes);
            if !is_valued && outer.iter().any(|text| is_rare(text, OUTER_MIN)) {
                self.any.insert(outer);
                continue;
            }
            add_literals(&nodes, &mut self.parts);
            for variant in pattern::variants(&wording.text).ok()? {
                if is_valued {
                    self.all.extend(values(rule, &variant)?);
                } else {
                    self.any.insert(literals(&variant)?);
                }
            }
        }
        Some(())
    }
}

/// How lines of this service's programs name them. Before a name stands a space, or the priority;
/// behind it what ends the tag, or in RFC 5424 a space.
pub(crate) fn names(service: &Service) -> Vec<Vec<u8>> {
    const AROUND: [(&str, &str); 5] = [(" ", "["), (" ", ":"), (" ", " "), (">", "["), (">", ":")];
    let texts = service.programs.iter().flat_map(|name| match name.strip_suffix('*') {
        Some(start) => vec![start.to_owned()],
        None if name.len() > SHORT_NAME_MAX => vec![name.clone()],
        None => AROUND.map(|(before, behind)| format!("{before}{name}{behind}")).to_vec(),
    });
    least(texts.map(String::into_bytes).collect())
}

/// Whether few lines have a text, as far as it can be told: it is long, and more than a word.
fn is_rare(text: &[u8], long: usize) -> bool {
    let word = text.trim_ascii();
    text.len() >= long && !word.iter().all(u8::is_ascii_lowercase)
}

/// A bit for each pair of bytes that a text has, the same for some: what is in another text has no
/// bit more, and most that is not has.
fn pairs_of(text: &[u8]) -> u64 {
    let bit = |pair: &[u8]| pair.iter().fold(0, |sum: u8, byte| sum.wrapping_mul(31) ^ byte) & 63;
    text.windows(2).fold(0, |bits, pair| bits | 1 << bit(pair))
}

/// All literals of a wording, in its choices too.
fn add_literals(nodes: &[Node], texts: &mut BTreeSet<Vec<u8>>) {
    for node in nodes {
        match node {
            Node::Part(part) => texts.extend(literal(part).map(<[u8]>::to_vec)),
            Node::Choice(choices) => choices.iter().for_each(|inner| add_literals(inner, texts)),
        }
    }
}

/// The literals that stand in every variant of a wording.
fn outer_literals(nodes: &[Node]) -> Vec<Vec<u8>> {
    let outer = nodes.iter().filter_map(|node| match node {
        Node::Part(part) => literal(part),
        Node::Choice(_) => None,
    });
    outer.filter(|text| text.len() >= TEXT_MIN).map(<[u8]>::to_vec).collect()
}

/// The literals of a variant; `None` if all are too short.
fn literals(variant: &Variant) -> Option<Vec<Vec<u8>>> {
    let texts = variant.iter().filter_map(literal).filter(|text| text.len() >= TEXT_MIN);
    let texts: Vec<_> = texts.map(<[u8]>::to_vec).collect();
    (!texts.is_empty()).then_some(texts)
}

/// The values that a condition of the rule asks for: of the condition with the fewest; none if the
/// variant lacks a field that it must have.
fn values(rule: &Rule, variant: &Variant) -> Option<Vec<Vec<u8>>> {
    let mut ways: Vec<Vec<Vec<u8>>> = Vec::new();
    for filter in &rule.filters {
        let Some(values) = filter.wanted() else { continue };
        let Some(at) = variant.iter().position(|part| part.slot() == Some(filter.slot)) else {
            return Some(Vec::new());
        };
        ways.push(values.map(|value| around(variant, at, value)).collect());
    }
    let long_enough = |way: &Vec<Vec<u8>>| way.iter().all(|text| text.len() >= TEXT_MIN);
    ways.into_iter().filter(long_enough).min_by_key(Vec::len)
}

/// A value of the field at `at`, with the literals that touch it.
fn around(variant: &Variant, at: usize, value: Value<'_>) -> Vec<u8> {
    let before = at.checked_sub(1).and_then(|at| literal(&variant[at])).unwrap_or_default();
    let after = variant.get(at + 1).and_then(literal).unwrap_or_default();
    match value {
        Value::Exact(text) => [before, text, after].concat(),
        Value::Start(text) => [before, text].concat(),
        Value::End(text) => [text, after].concat(),
        Value::Part(text) => text.to_vec(),
    }
}

fn literal(part: &Part) -> Option<&[u8]> {
    match part {
        Part::Literal(bytes) => Some(bytes),
        Part::Field(_) => None,
    }
}
