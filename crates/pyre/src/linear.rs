//! The engine for regular expressions that are regular: linear time on any text.
//!
//! Its machine reads a text of ASCII as it is, and any other one in the letters of the pattern's
//! own [`Alphabet`].

use std::sync::OnceLock;

use monban_model::limits::{
    REGEX_CACHE_BYTES_MAX, REGEX_MACHINE_BYTES_MAX, REGEX_MACHINE_WORK_MAX,
};
use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::{self, Class, Hir};

use crate::alphabet::Alphabet;
use crate::ast::RepeatMode;
use crate::chars;
use crate::ir::{At, Ir, Repeat};

/// A machine.
pub(crate) struct Linear {
    /// How many parts it has when every repetition is written out.
    copies: u64,
    needs: Needs,
    machine: meta::Regex,
    alphabet: OnceLock<Option<Alphabet>>,
}

/// What of the pattern means the same in a machine for some texts only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// It has a `$` for the end and before a final `\n`.
    pub(crate) last_line_end: bool,
    /// It has `\b` or `\B`.
    pub(crate) word: bool,
    /// It has them for all characters, not for those of ASCII only.
    pub(crate) unicode_word: bool,
}

/// Why a machine cannot answer for a text.
pub(crate) struct Unfit;

impl Linear {
    /// The machine for `ir`, which has to be [`is_regular`]; none if it were too large.
    pub(crate) fn new(ir: &Ir, copies: u64) -> Option<Self> {
        let machine = machine(ir, &Alphabet::of(ir)?)?;
        let mut needs = Needs::default();
        needs.gather(ir);
        Some(Self { copies, needs, machine, alphabet: OnceLock::new() })
    }

    /// Fills `slots` with the leftmost match at or after `start`; false if there is none. `ir`
    /// gives the tree again: with its large sets it is not kept.
    pub(crate) fn search(
        &self,
        text: &str,
        start: usize,
        slots: &mut [Option<NonMaxUsize>],
        ir: impl FnOnce() -> Option<Ir>,
    ) -> Result<bool, Unfit> {
        self.check(text)?;
        if text.is_ascii() {
            let input = Input::new(text).range(start..);
            return Ok(self.machine.search_slots(&input, slots).is_some());
        }
        let (letters, start) = self.written(text, start, ir)?;
        let input = Input::new(&letters).range(start..);
        if self.machine.search_slots(&input, slots).is_none() {
            return Ok(false);
        }
        let places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
        let places: Vec<usize> = places.collect();
        for slot in slots.iter_mut() {
            let place = slot.and_then(|at| places.get(at.get()).copied());
            *slot = place.and_then(NonMaxUsize::new);
        }
        Ok(true)
    }

    /// Whether there is a match at or after `start`.
    pub(crate) fn is_match(
        &self,
        text: &str,
        start: usize,
        ir: impl FnOnce() -> Option<Ir>,
    ) -> Result<bool, Unfit> {
        self.check(text)?;
        if text.is_ascii() {
            return Ok(self.machine.is_match(Input::new(text).range(start..)));
        }
        let (letters, start) = self.written(text, start, ir)?;
        Ok(self.machine.is_match(Input::new(&letters).range(start..)))
    }

    /// The text in letters, and the place in it.
    fn written(
        &self,
        text: &str,
        start: usize,
        ir: impl FnOnce() -> Option<Ir>,
    ) -> Result<(Vec<u8>, usize), Unfit> {
        let alphabet = self.alphabet.get_or_init(|| Alphabet::of(&ir()?));
        let alphabet = alphabet.as_ref().ok_or(Unfit)?;
        let before = text.get(..start).unwrap_or(text);
        Ok((alphabet.written(text), before.chars().count()))
    }

    fn check(&self, text: &str) -> Result<(), Unfit> {
        if self.copies.saturating_mul(text.len() as u64) > REGEX_MACHINE_WORK_MAX {
            return Err(Unfit);
        }
        if self.needs.last_line_end && has_inner_newline(text) {
            // There `$` would need to look past a newline, and whether more follows.
            return Err(Unfit);
        }
        if self.needs.word && text.is_empty() {
            return Err(Unfit);
        }
        if self.needs.unicode_word && !text.is_ascii() {
            return Err(Unfit);
        }
        Ok(())
    }
}

fn has_inner_newline(text: &str) -> bool {
    memchr::memchr(b'\n', text.as_bytes()).is_some_and(|at| at + 1 < text.len())
}

impl Needs {
    fn gather(&mut self, ir: &Ir) {
        match ir {
            Ir::At(At::LastLineEnd) => self.last_line_end = true,
            Ir::At(At::Word { ascii, .. }) => {
                self.word = true;
                self.unicode_word |= !ascii;
            }
            Ir::Concat(parts) | Ir::Alternation(parts) => {
                parts.iter().for_each(|part| self.gather(part));
            }
            Ir::Repeat(Repeat { node, .. }) | Ir::Capture(_, node) => self.gather(node),
            _ => {}
        }
    }
}

fn machine(ir: &Ir, alphabet: &Alphabet) -> Option<meta::Regex> {
    let config = meta::Config::new()
        .match_kind(MatchKind::LeftmostFirst)
        .utf8_empty(false)
        .nfa_size_limit(Some(REGEX_MACHINE_BYTES_MAX))
        .onepass_size_limit(Some(REGEX_MACHINE_BYTES_MAX / 8))
        .hybrid_cache_capacity(REGEX_CACHE_BYTES_MAX);
    meta::Builder::new().configure(config).build_from_hir(&hir_of(ir, alphabet)).ok()
}

/// The pattern for the crate. In a text without an inner `\n`, `$` is where a line ends.
fn hir_of(ir: &Ir, alphabet: &Alphabet) -> Hir {
    let all = |parts: &[Ir]| parts.iter().map(|part| hir_of(part, alphabet)).collect();
    match ir {
        Ir::Char(c) if c.is_ascii() => Hir::literal([*c as u8]),
        Ir::Char(c) => Hir::class(Class::Bytes(alphabet.class(&chars::one(*c)))),
        Ir::Set(set) => Hir::class(Class::Bytes(alphabet.class(set))),
        Ir::At(at) => Hir::look(look(*at)),
        Ir::Concat(parts) => Hir::concat(all(parts)),
        Ir::Alternation(parts) => Hir::alternation(all(parts)),
        Ir::Repeat(Repeat { node, min, max, mode }) => Hir::repetition(hir::Repetition {
            min: *min,
            max: *max,
            greedy: *mode != RepeatMode::Lazy,
            sub: Box::new(hir_of(node, alphabet)),
        }),
        Ir::Capture(index, node) => Hir::capture(hir::Capture {
            index: u32::try_from(*index).unwrap_or(u32::MAX),
            name: None,
            sub: Box::new(hir_of(node, alphabet)),
        }),
        _ => Hir::empty(),
    }
}

fn look(at: At) -> hir::Look {
    match at {
        At::TextStart => hir::Look::Start,
        At::LineStart => hir::Look::StartLF,
        At::TextEnd => hir::Look::End,
        At::LineEnd | At::LastLineEnd => hir::Look::EndLF,
        At::Word { negated: false, .. } => hir::Look::WordAscii,
        At::Word { negated: true, .. } => hir::Look::WordAsciiNegate,
    }
}

/// Whether a machine gives exactly what Python's backtracking gives.
///
/// A loop without end whose body can match nothing ends in CPython by a rule of its own, which
/// shows in the groups and in what is tried first; such a pattern is for the other engine.
pub(crate) fn is_regular(ir: &Ir) -> bool {
    match ir {
        Ir::Empty | Ir::Char(_) | Ir::Set(_) | Ir::At(_) => true,
        Ir::Concat(parts) | Ir::Alternation(parts) => parts.iter().all(is_regular),
        Ir::Repeat(Repeat { node, min, max, mode }) => {
            let few = max.is_some_and(|max| max - min <= 1);
            *mode != RepeatMode::Possessive && is_regular(node) && (few || !is_nullable(node))
        }
        Ir::Capture(_, node) => is_regular(node),
        _ => false,
    }
}

/// Whether it can match nothing. A reference and a look-around always can.
pub(crate) fn is_nullable(ir: &Ir) -> bool {
    match ir {
        Ir::Char(_) | Ir::Set(_) => false,
        Ir::Concat(parts) => parts.iter().all(is_nullable),
        Ir::Alternation(parts) => parts.iter().any(is_nullable),
        Ir::Repeat(Repeat { node, min, .. }) => *min == 0 || is_nullable(node),
        Ir::Capture(_, node) | Ir::Atomic(node) => is_nullable(node),
        Ir::Conditional { yes, no, .. } => is_nullable(yes) || is_nullable(no),
        Ir::Empty | Ir::At(_) | Ir::Look(_) | Ir::Backref { .. } => true,
    }
}
