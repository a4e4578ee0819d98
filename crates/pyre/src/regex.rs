//! A compiled pattern and its matches.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use memchr::memmem::Finder;
use monban_model::limits::{REGEX_COPIES_MAX, REGEX_MACHINE_COPIES_MAX, REGEX_STEPS_MAX};
use regex_automata::util::pool::Pool;
use regex_automata::util::primitives::NonMaxUsize;

use crate::Options;
use crate::ast::{Kind, Node};
use crate::backtrack::{Program, Scratch, is_tied_to_start};
use crate::error::Error;
use crate::ir::{self, Ir};
use crate::linear::{self, Linear, Unfit};
use crate::needed::{self, Needed};
use crate::opening::Opening;
use crate::parse::parse;
use crate::settled::settled;
use crate::simplify;

/// Steps of a program before a machine is asked, beside some for each byte.
const SHORT_STEPS: u64 = 256;

/// A program that did not come to an end so often is not tried any more.
const VAIN_MAX: u32 = 64;

/// A Python regular expression (of a `str`).
pub struct Regex {
    source: Source,
    group_names: Vec<Option<String>>,
    /// What tells most texts that cannot match.
    glance: OnceLock<Glance>,
    /// Made for the first text: of many patterns, few are ever searched for.
    engine: OnceLock<Engine>,
    scratch: Pool<Scratch, fn() -> Scratch>,
}

/// What the pattern was made from, to make more of it when a text needs it.
struct Source {
    pattern: String,
    options: Options,
    /// How many parts it has when every repetition is written out.
    copies: u64,
}

/// What is seen of a text before anything is searched, or even made for it.
#[derive(Default)]
struct Glance {
    opening: Option<Opening>,
    byte: Option<u8>,
    /// A text that is in whatever matches, where there is no such byte.
    text: Option<Finder<'static>>,
}

enum Engine {
    /// A state machine; the program is tried before it, and for texts that it cannot answer for.
    Linear { machine: Linear, program: OnceLock<Program>, tied: bool, vain: AtomicU32 },
    /// A program; the filter knows many texts that it cannot match. What is tied to the start is
    /// tried for a few steps before it is asked.
    Backtracking { program: Program, filter: Option<Linear>, tied: bool },
}

/// What matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// A state machine: linear time on any text.
    Linear,
    /// Backtracking with a bound: for look-around, references, conditionals and the like.
    Backtracking,
}

/// The bound on backtracking was reached: it is not known whether the pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bound on backtracking was reached")
    }
}

impl std::error::Error for Overrun {}

/// Where a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    spans: Vec<Option<(usize, usize)>>,
}

impl Match {
    /// Bytes from and to of a group, 0 being all; `None` if it took no part or does not exist.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// The same by the group's name.
    pub fn named(&self, regex: &Regex, name: &str) -> Option<(usize, usize)> {
        self.span(regex.group(name)?)
    }
}

impl Regex {
    /// Compiles a pattern.
    pub fn new(pattern: &str, options: Options) -> Result<Self, Error> {
        let ast = parse(pattern, options)?;
        let copies = copies(&ast.root);
        if copies > REGEX_COPIES_MAX {
            let message = "the repetitions of the pattern make it too large";
            return Err(Error::new(0, message));
        }
        Ok(Self {
            source: Source { pattern: pattern.to_owned(), options, copies },
            group_names: ast.group_names,
            glance: OnceLock::new(),
            engine: OnceLock::new(),
            scratch: Pool::new(Scratch::default),
        })
    }

    /// The leftmost match, as `re.search`.
    pub fn search(&self, text: &str) -> Result<Option<Match>, Overrun> {
        self.search_at(text, 0)
    }

    /// The leftmost match at or after the byte `start`, as `pattern.search(text, pos)`: what
    /// stands before is seen by look-behinds, `\b` and `^`. Within a character, the search begins
    /// at the next one.
    pub fn search_at(&self, text: &str, start: usize) -> Result<Option<Match>, Overrun> {
        let mut start = start.min(text.len());
        while !text.is_char_boundary(start) {
            start += 1;
        }
        if !self.glance().admits(text, start) {
            return Ok(None);
        }
        match self.made() {
            Engine::Linear { machine, program, tied, vain } => {
                let program = || program.get_or_init(|| self.program());
                if let Some(found) =
                    self.search_shortly((machine, *tied), program, vain, text, start)
                {
                    return Ok(found);
                }
                self.search_linear(machine, text, start)
                    .unwrap_or_else(|Unfit| self.backtrack(program(), text, start))
            }
            Engine::Backtracking { program, filter, tied } => {
                if *tied && let Ok(found) = self.run(program, short(text), text, start) {
                    return Ok(found);
                }
                let superset = || Some(simplify::superset(&self.source.ir()?));
                let may_match = filter.as_ref().map(|f| f.is_match(text, start, superset));
                if matches!(may_match, Some(Ok(false))) {
                    return Ok(None);
                }
                self.backtrack(program, text, start)
            }
        }
    }

    /// What a text begins with that matches; `None` if it is not tied to the start.
    pub fn opening(&self) -> Option<&Opening> {
        self.glance().opening.as_ref()
    }

    /// Whether a glance at the text does not tell that it has no match.
    pub fn admits(&self, text: &str) -> bool {
        self.glance().admits(text, 0)
    }

    fn glance(&self) -> &Glance {
        self.glance.get_or_init(|| self.source.ir().map(|ir| Glance::of(&ir)).unwrap_or_default())
    }

    fn made(&self) -> &Engine {
        self.engine.get_or_init(|| Engine::of(&self.source, self.group_names.len()))
    }

    /// Searches with a program for a few steps, which mostly are enough and then cheaper than all
    /// else; `None` if it is not known what is there.
    fn search_shortly<'p>(
        &self,
        (machine, tied): (&Linear, bool),
        program: impl Fn() -> &'p Program,
        vain: &AtomicU32,
        text: &str,
        start: usize,
    ) -> Option<Option<Match>> {
        if vain.load(Ordering::Relaxed) >= VAIN_MAX {
            return None;
        }
        if !tied {
            // A program would begin anew at each place.
            let marked =
                || Some(simplify::with_marked_end(self.source.ir()?, self.group_names.len()));
            match machine.is_match(text, start, marked) {
                Ok(true) => {}
                Ok(false) => return Some(None),
                Err(Unfit) => return None,
            }
        }
        match self.run(program(), short(text), text, start) {
            Ok(found) => Some(found),
            Err(Overrun) => {
                vain.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    fn program(&self) -> Program {
        let ir = self.source.ir().unwrap_or(Ir::Empty);
        Program::new(&settled(ir), self.group_names.len())
    }

    fn search_linear(
        &self,
        machine: &Linear,
        text: &str,
        start: usize,
    ) -> Result<Result<Option<Match>, Overrun>, Unfit> {
        let groups = self.group_names.len();
        // One more than there are, for where the match ends: see `with_marked_end`.
        let mut slots: Vec<Option<NonMaxUsize>> = vec![None; 2 * groups + 2];
        let marked = || Some(simplify::with_marked_end(self.source.ir()?, groups));
        if !machine.search(text, start, &mut slots, marked)? {
            return Ok(Ok(None));
        }
        let span = |pair: &[Option<NonMaxUsize>]| match pair {
            [Some(from), Some(to)] => Some((from.get(), to.get())),
            _ => None,
        };
        let mut spans: Vec<_> = slots.chunks_exact(2).map(span).collect();
        let mark = spans.pop().flatten();
        if let (Some((_, mark)), Some(Some((_, end)))) = (mark, spans.first_mut()) {
            *end = mark;
        }
        Ok(Ok(Some(Match { spans })))
    }

    fn backtrack(
        &self,
        program: &Program,
        text: &str,
        start: usize,
    ) -> Result<Option<Match>, Overrun> {
        self.run(program, REGEX_STEPS_MAX, text, start)
    }

    fn run(
        &self,
        program: &Program,
        steps: u64,
        text: &str,
        start: usize,
    ) -> Result<Option<Match>, Overrun> {
        let found = program.search(steps, text, start, &mut self.scratch.get())?;
        Ok(found.map(|mut spans| {
            spans.truncate(self.group_names.len());
            Match { spans }
        }))
    }

    /// Names of the groups; the index is the number. Group 0 has none.
    pub fn group_names(&self) -> &[Option<String>] {
        &self.group_names
    }

    /// The number of the group with this name.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.group_names.iter().position(|known| known.as_deref() == Some(name))
    }

    /// How many groups there are, without group 0.
    pub fn group_count(&self) -> usize {
        self.group_names.len() - 1
    }

    /// Texts of which whatever matches contains one; `None` if that cannot be told. The pattern
    /// is parsed anew.
    pub fn needed(&self) -> Option<Needed> {
        needed::texts(&self.source.ir()?)
    }

    /// What matches it.
    pub fn engine(&self) -> EngineKind {
        match self.made() {
            Engine::Linear { .. } => EngineKind::Linear,
            Engine::Backtracking { .. } => EngineKind::Backtracking,
        }
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.source.pattern
    }
}

impl Glance {
    fn of(ir: &Ir) -> Self {
        let byte = needed::byte(ir);
        let text = if byte.is_none() { needed::text(ir) } else { None };
        let text = text.map(|text| Finder::new(&text).into_owned());
        Self { opening: Opening::of(ir), byte, text }
    }

    fn admits(&self, text: &str, start: usize) -> bool {
        let opens = |opening: &Opening| start > 0 || opening.admits(text.as_bytes());
        let rest = &text.as_bytes()[start..];
        self.opening.as_ref().is_none_or(opens)
            && self.byte.is_none_or(|byte| memchr::memchr(byte, rest).is_some())
            && self.text.as_ref().is_none_or(|text| text.find(rest).is_some())
    }
}

impl Engine {
    fn of(source: &Source, groups: usize) -> Self {
        let ir = source.ir().unwrap_or(Ir::Empty);
        let marked = simplify::with_marked_end(ir.clone(), groups);
        let copies = source.copies;
        let is_regular = copies <= REGEX_MACHINE_COPIES_MAX && linear::is_regular(&marked);
        match is_regular.then(|| Linear::new(&marked, copies)).flatten() {
            Some(machine) => Self::Linear {
                machine,
                program: OnceLock::new(),
                tied: is_tied_to_start(&ir),
                vain: AtomicU32::new(0),
            },
            None => Self::backtracking(&ir, groups, copies),
        }
    }

    fn backtracking(ir: &Ir, groups: usize, copies: u64) -> Self {
        let superset = simplify::superset(ir);
        // What matches nothing matches everywhere.
        let is_small = copies <= REGEX_MACHINE_COPIES_MAX;
        let is_of_use = is_small && !linear::is_nullable(&superset);
        let filter = is_of_use.then(|| Linear::new(&superset, copies)).flatten();
        Self::Backtracking {
            program: Program::new(&settled(ir.clone()), groups),
            filter,
            tied: is_tied_to_start(ir),
        }
    }
}

impl Source {
    /// The tree again. It was made once, so it can be made.
    fn ir(&self) -> Option<Ir> {
        let ast = parse(&self.pattern, self.options).ok()?;
        Some(simplify::without_idle_looks(ir::of(&ast)))
    }
}

/// Steps that are worth a try.
fn short(text: &str) -> u64 {
    SHORT_STEPS + 4 * text.len() as u64
}

/// How many nodes there are when every repetition is written out.
fn copies(node: &Node) -> u64 {
    match &node.kind {
        Kind::Concat(nodes) | Kind::Alternation(nodes) => {
            nodes.iter().map(copies).fold(1, u64::saturating_add)
        }
        Kind::Repeat { node, min, max, .. } => {
            let times = u64::from(max.unwrap_or(*min).max(1));
            copies(node).saturating_mul(times).saturating_add(1)
        }
        Kind::Group { node, .. } | Kind::Atomic(node) | Kind::Look { node, .. } => {
            copies(node).saturating_add(1)
        }
        Kind::Conditional { yes, no, .. } => copies(yes).saturating_add(copies(no)),
        _ => 1,
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.pattern()).finish()
    }
}
