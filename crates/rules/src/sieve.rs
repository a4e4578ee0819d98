//! Finds the lines of a log that tell something, without a look at each: one search over many
//! lines for texts of which any line that tells something has one, and a look at those that do.

use aho_corasick::Span;
use aho_corasick::packed::Searcher;
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};
use monban_model::ServiceId;

use crate::found::Found;
use crate::groups;
use crate::head;
use crate::json::Texts;
use crate::last_tag::LastTag;
use crate::needs::{self, Needs};
use crate::read::as_read;
use crate::service::{Rule, Service, ShapeName};
use crate::set::RuleSet;
use crate::shape;
use crate::texts;

/// How long a text should be: the longer, the fewer lines have it; with shorter ones, fewer texts
/// do for all rules. And how many texts of that length may be sought.
const LONG: [(usize, usize); 2] = [(6, FAST), (4, texts::TEXTS_MAX)];

/// With more texts the search is half as fast: it compares 16 bytes of a log at a time, not 32.
const FAST: usize = groups::FEW;

/// So many names of a service are looked for themselves, not what its rules need.
const NAMES_MAX: usize = 8;

/// What a syslog daemon writes for lines that it leaves out.
const REPEATED: &[u8] = b"message repeated ";

/// The part of it that is looked for: other lines have messages too.
const REPEATED_PART: &[u8] = b"repeated ";

/// Braces that are looked at one by one.
const BRACES: usize = 16;

/// Bytes that are searched first.
const PIECE: usize = 4096;

/// Searches for what tells something.
#[derive(Debug)]
pub struct Sieve<'r> {
    rules: &'r RuleSet,
    /// The shape of the log's lines; `None` if they have a head.
    shape: Option<ShapeName>,
    /// `None` if no line of this form tells anything.
    searcher: Option<Searcher>,
    /// Begins a JSON line.
    object: Finder<'static>,
}

impl Sieve<'_> {
    /// A place in the first line of `lines` that may tell something; of all before it,
    /// [`RuleSet::read`] gives no sighting, and none of them repeats one. `lines` begins with a
    /// line and holds whole lines.
    #[inline]
    pub fn find(&self, lines: &[u8]) -> Option<usize> {
        // In pieces that grow: among many JSON lines the rest is not searched again for each.
        let (mut from, mut length) = (0, PIECE);
        while from < lines.len() {
            let whole = lines.get(from + length..).and_then(|rest| memchr(b'\n', rest));
            let end = whole.map_or(lines.len(), |end| from + length + end + 1);
            if let Some(place) = self.find_in(&lines[from..end]) {
                return Some(from + place);
            }
            (from, length) = (end, length * 2);
        }
        None
    }

    fn find_in(&self, lines: &[u8]) -> Option<usize> {
        // JSON may write any byte in another way, so no text is sure to be in it.
        if lines.first() == Some(&b'{') {
            return Some(0);
        }
        let found = self.find_telling(lines);
        let before = &lines[..found.unwrap_or(lines.len())];
        self.find_object(before).or(found)
    }

    /// Where a JSON line begins behind the first line. Most logs have hardly a brace, and one byte
    /// is found faster than two.
    fn find_object(&self, lines: &[u8]) -> Option<usize> {
        let mut braces = memchr_iter(b'{', lines);
        let behind_line = |brace: &usize| *brace > 0 && lines[brace - 1] == b'\n';
        let first = braces.by_ref().take(BRACES).find(behind_line);
        first.or_else(|| {
            let next = braces.next()?;
            self.object.find(&lines[next - 1..]).map(|end| next + end)
        })
    }

    /// The same, of lines that are not JSON.
    fn find_telling(&self, lines: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let span = Span { start: from, end: lines.len() };
            let at = self.searcher.as_ref()?.find_in(lines, span)?.start();
            let start = memrchr(b'\n', &lines[from..at]).map_or(from, |end| from + end + 1);
            let end = memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            if self.may_tell(&lines[start..end]) {
                return Some(at);
            }
            if end == lines.len() {
                return None;
            }
            from = end + 1;
        }
    }

    /// Whether a line in which a text was found tells something, or may repeat what does, or has
    /// another form than its log.
    fn may_tell(&self, line: &[u8]) -> bool {
        let line = as_read(line);
        let (mut texts, mut last_tag) = (Texts::default(), LastTag::default());
        let head = head::split(line, &mut texts, &mut last_tag);
        let services = match self.shape {
            None => self.rules.programs.services(head.program),
            Some(shape) => self.rules.shaped(shape),
        };
        let of_log = match self.shape {
            None => !head.program.is_empty(),
            Some(shape) => {
                head.program.is_empty()
                    && shape::detect(head.message).is_some_and(|(own, _)| own == shape)
            }
        };
        !of_log || head.message.starts_with(REPEATED) || self.rules.tells(services, head.message)
    }
}

impl RuleSet {
    /// A sieve for a log of this shape, or of lines with a syslog head; `None` if its lines have to
    /// be read one by one. Lines of another form may fall through it.
    pub fn sieve(&self, shape: Option<ShapeName>) -> Option<Sieve<'_>> {
        let (fixed, needs) = match shape {
            Some(shape) => {
                let services = self.services.iter().filter(|service| service.shape == Some(shape));
                (Vec::new(), Needs::of(services.flat_map(telling))?)
            }
            None => self.headed(),
        };
        let by_needs =
            LONG.into_iter().find_map(|(long, most)| search(needs.texts(&fixed, long), most));
        let by_names = || match shape {
            Some(_) => None,
            None => {
                let services = self.services.iter().filter(|service| tells(service));
                let names = services.flat_map(needs::names);
                search(names.chain([REPEATED_PART.to_vec()]).collect(), texts::TEXTS_MAX)
            }
        };
        let searcher = by_needs.or_else(by_names)?;
        Some(Sieve { rules: self, shape, searcher, object: Finder::new(b"\n{") })
    }

    /// Each service is sought by the names of its programs, or by what its rules need: where those
    /// are many, and where a name stands for all programs of a suite, of which few tell something.
    /// What has a log of another form seldom writes here: its names are enough.
    fn headed(&self) -> (Vec<Vec<u8>>, Needs) {
        let (mut fixed, mut shared) = (vec![REPEATED_PART.to_vec()], Needs::default());
        for service in self.services.iter().filter(|service| tells(service)) {
            let names = needs::names(service);
            let is_suite = service.programs.iter().all(|name| name.ends_with('*'));
            let own = match service.shape {
                None if is_suite || names.len() > NAMES_MAX => Needs::of(telling(service)),
                _ => None,
            };
            match own {
                Some(own) => shared.join(own),
                None => fixed.extend(names),
            }
        }
        (fixed, shared)
    }

    /// Whether the first of these services that knows the message reads something out of it.
    fn tells(&self, services: &[ServiceId], message: &[u8]) -> bool {
        let mut found = Found::none(message);
        let known = services.iter().find(|service| self.read_into(**service, &mut found));
        known.is_some_and(|service| {
            !self.services[usize::from(service.0)].rules[found.index].means_nothing()
        })
    }
}

/// A search for any of these texts, `Some(None)` if there are none: then no line tells anything.
fn search(texts: Vec<Vec<u8>>, most: usize) -> Option<Option<Searcher>> {
    if texts.is_empty() { Some(None) } else { texts::searcher(texts, most).map(Some) }
}

/// Whether any line of a service tells something.
fn tells(service: &Service) -> bool {
    telling(service).next().is_some()
}

/// The rules of a service whose lines tell something.
fn telling(service: &Service) -> impl Iterator<Item = &Rule> {
    service.rules.iter().filter(|rule| !rule.means_nothing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::RuleText;

    #[test]
    fn the_texts_of_the_shipped_rules_are_few_enough_for_the_fast_search() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let text = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap();
        let texts: Vec<RuleText> = paths
            .map(|path| RuleText { file: path.display().to_string(), text: text(&path) })
            .collect();
        let rules = RuleSet::compile_unchecked(&texts).unwrap();
        let (fixed, needs) = rules.headed();
        let (long, most) = LONG[0];
        let sought = texts::sought(needs.texts(&fixed, long));
        assert!(sought.len() <= most, "{}: {sought:?}", sought.len());
    }
}
