//! Finds the lines of a log that may tell something, without a look at each: one search over many
//! lines for texts of which any line that tells something has one.

use aho_corasick::packed::{Config, MatchKind, Searcher};

use crate::filter::Value;
use crate::pattern::{self, Part, Variant};
use crate::service::{Rule, Service, ShapeName};
use crate::set::RuleSet;

/// More texts than this are not searched for at once: it would take longer than to read the lines.
const TEXTS_MAX: usize = 64;

/// Shorter texts stand everywhere.
const TEXT_MIN: usize = 3;

/// A program's name up to this length is looked for with what follows it, for many are parts of
/// words; a smaller one is taken where that makes too many texts.
const SHORT_NAME_MAX: [usize; 2] = [5, 3];

/// Searches for what may tell something.
#[derive(Debug)]
pub struct Sieve {
    searcher: Searcher,
    /// Lines that begin so are never passed over.
    starts: &'static [u8],
}

impl Sieve {
    /// A place in the first line of `lines` that may tell something; of all before it,
    /// [`RuleSet::read`] gives no sighting, and none of them repeats one. `lines` begins with a
    /// line.
    #[inline]
    pub fn find(&self, lines: &[u8]) -> Option<usize> {
        if lines.first().is_some_and(|byte| self.starts.contains(byte)) {
            return Some(0);
        }
        // The last byte of a text stands in its line; the first may be the end of the line before.
        self.searcher.find(lines).map(|found| found.end() - 1)
    }

    fn of(mut texts: Vec<Vec<u8>>, starts: &'static [u8]) -> Option<Self> {
        texts.extend(starts.iter().map(|byte| vec![b'\n', *byte]));
        texts.sort_by_key(|text| (text.len(), text.clone()));
        let mut least: Vec<Vec<u8>> = Vec::new();
        for text in texts {
            let has = |part: &Vec<u8>| memchr::memmem::find(&text, part).is_some();
            if !least.iter().any(has) {
                least.push(text);
            }
        }
        if least.len() > TEXTS_MAX {
            return None;
        }
        let mut builder = Config::new().match_kind(MatchKind::LeftmostFirst).builder();
        let searcher = builder.extend(least).build()?;
        Some(Self { searcher, starts })
    }
}

impl RuleSet {
    /// A sieve for a log of this shape, or of lines with a syslog head; `None` if its lines have to
    /// be read one by one. Lines of another form may fall through it.
    pub fn sieve(&self, shape: Option<ShapeName>) -> Option<Sieve> {
        let telling = |service: &&Service| !service.rules.iter().all(Rule::means_nothing);
        let Some(shape) = shape else {
            return SHORT_NAME_MAX.into_iter().find_map(|short_max| {
                let programs = self.services.iter().filter(telling).flat_map(|s| &s.programs);
                let mut texts: Vec<_> = programs.flat_map(|name| tags(name, short_max)).collect();
                texts.push(b"last message repeated ".to_vec());
                // RFC 5424 separates by spaces, and JSON may write any byte in another way.
                Sieve::of(texts, b"<{")
            });
        };
        let mut texts = Vec::new();
        for service in self.services.iter().filter(|s| s.shape == Some(shape)).filter(telling) {
            for rule in service.rules.iter().filter(|rule| !rule.means_nothing()) {
                texts.extend(needed(rule)?);
            }
        }
        Sieve::of(texts, b"{")
    }
}

/// How lines of this program name it.
fn tags(name: &str, short_max: usize) -> Vec<Vec<u8>> {
    match name.strip_suffix('*') {
        Some(start) => vec![start.as_bytes().to_vec()],
        None if name.len() > short_max => vec![name.as_bytes().to_vec()],
        None => [b'[', b':'].map(|end| [name.as_bytes(), &[end]].concat()).to_vec(),
    }
}

/// Texts of which each line that the rule sees has one; `None` if none are known.
fn needed(rule: &Rule) -> Option<Vec<Vec<u8>>> {
    if rule.regex.is_some() {
        return None;
    }
    let mut all = Vec::new();
    for wording in &rule.wordings {
        for variant in pattern::variants(&wording.text).ok()? {
            let values = rule.filters.iter().filter_map(|filter| Some((filter, filter.wanted()?)));
            let mut ways: Vec<Vec<Vec<u8>>> = Vec::new();
            let mut is_seen = true;
            for (filter, values) in values {
                // A field that is not there has none of the values.
                let Some(at) = variant.iter().position(|part| part.slot() == Some(filter.slot))
                else {
                    is_seen = false;
                    break;
                };
                ways.push(values.map(|value| around(&variant, at, value)).collect());
            }
            if !is_seen {
                continue;
            }
            if ways.is_empty() {
                let literals = variant.iter().filter_map(literal);
                ways.push(vec![literals.max_by_key(|text| text.len())?.to_vec()]);
            }
            let long_enough = |way: &Vec<Vec<u8>>| way.iter().all(|text| text.len() >= TEXT_MIN);
            all.extend(ways.into_iter().filter(long_enough).min_by_key(Vec::len)?);
        }
    }
    Some(all)
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
