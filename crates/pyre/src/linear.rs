//! The engine for regular expressions that are regular: linear time on any text.
//!
//! Two machines are made. One for texts of ASCII alone, where `\w`, `\b` and the case of letters
//! are small and the same in every definition; nearly all lines are such. The other, for all
//! texts, is made when the first other one comes.

use std::sync::OnceLock;

use monban_model::limits::{REGEX_MACHINE_BYTES_MAX, REGEX_MACHINE_WORK_MAX};
use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::{self, Class, ClassUnicode, ClassUnicodeRange, Hir};

use crate::ast::RepeatMode;
use crate::ir::{At, Ir, Repeat};

/// A pair of machines.
pub(crate) struct Linear {
    /// How many parts it has when every repetition is written out.
    copies: u64,
    needs: Needs,
    ascii: meta::Regex,
    unicode: OnceLock<Option<meta::Regex>>,
}

/// What of the pattern means the same in a machine for some texts only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// It has a `$` for the end and before a final `\n`.
    pub(crate) last_line_end: bool,
    /// It has `\b` or `\B`.
    pub(crate) word: bool,
}

/// Why a machine cannot answer for a text.
pub(crate) struct Unfit;

impl Linear {
    /// The machines for `ir`, which has to be [`is_regular`]; none if they were too large.
    pub(crate) fn new(ir: &Ir, copies: u64) -> Option<Self> {
        let ascii = machine(ir, true)?;
        let mut needs = Needs::default();
        needs.gather(ir);
        Some(Self { copies, needs, ascii, unicode: OnceLock::new() })
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
        let machine = self.machine_for(text, ir)?;
        Ok(machine.search_slots(&Input::new(text).range(start..), slots).is_some())
    }

    /// Whether there is a match at or after `start`.
    pub(crate) fn is_match(
        &self,
        text: &str,
        start: usize,
        ir: impl FnOnce() -> Option<Ir>,
    ) -> Result<bool, Unfit> {
        Ok(self.machine_for(text, ir)?.is_match(Input::new(text).range(start..)))
    }

    fn machine_for(
        &self,
        text: &str,
        ir: impl FnOnce() -> Option<Ir>,
    ) -> Result<&meta::Regex, Unfit> {
        let is_ascii = text.is_ascii();
        if self.copies.saturating_mul(text.len() as u64) > REGEX_MACHINE_WORK_MAX {
            return Err(Unfit);
        }
        if self.needs.last_line_end && has_inner_newline(text) {
            // There `$` would need to look past a newline, and whether more follows.
            return Err(Unfit);
        }
        if self.needs.word && (text.is_empty() || (!is_ascii && has_odd(text))) {
            return Err(Unfit);
        }
        if is_ascii {
            return Ok(&self.ascii);
        }
        self.unicode.get_or_init(|| machine(&ir()?, false)).as_ref().ok_or(Unfit)
    }
}

fn has_inner_newline(text: &str) -> bool {
    memchr::memchr(b'\n', text.as_bytes()).is_some_and(|at| at + 1 < text.len())
}

fn has_odd(text: &str) -> bool {
    let odd = crate::chars::odd_at_word_edges();
    text.chars().any(|c| !c.is_ascii() && crate::chars::contains(odd, c))
}

impl Needs {
    fn gather(&mut self, ir: &Ir) {
        match ir {
            Ir::At(At::LastLineEnd) => self.last_line_end = true,
            Ir::At(At::Word { .. }) => self.word = true,
            Ir::Concat(parts) | Ir::Alternation(parts) => {
                parts.iter().for_each(|part| self.gather(part));
            }
            Ir::Repeat(Repeat { node, .. }) | Ir::Capture(_, node) => self.gather(node),
            _ => {}
        }
    }
}

fn machine(ir: &Ir, ascii: bool) -> Option<meta::Regex> {
    let config = meta::Config::new()
        .match_kind(MatchKind::LeftmostFirst)
        .utf8_empty(true)
        .nfa_size_limit(Some(REGEX_MACHINE_BYTES_MAX))
        .hybrid_cache_capacity(REGEX_MACHINE_BYTES_MAX);
    meta::Builder::new().configure(config).build_from_hir(&hir_of(ir, ascii)).ok()
}

/// The pattern for the crate. In a text without an inner `\n`, `$` is where a line ends.
fn hir_of(ir: &Ir, ascii: bool) -> Hir {
    match ir {
        Ir::Char(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()),
        Ir::Set(set) if ascii => {
            let mut set = set.clone();
            set.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            Hir::class(Class::Unicode(set))
        }
        Ir::Set(set) => Hir::class(Class::Unicode(set.clone())),
        Ir::At(at) => Hir::look(look(*at, ascii)),
        Ir::Concat(parts) => Hir::concat(parts.iter().map(|part| hir_of(part, ascii)).collect()),
        Ir::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| hir_of(part, ascii)).collect())
        }
        Ir::Repeat(Repeat { node, min, max, mode }) => Hir::repetition(hir::Repetition {
            min: *min,
            max: *max,
            greedy: *mode != RepeatMode::Lazy,
            sub: Box::new(hir_of(node, ascii)),
        }),
        Ir::Capture(index, node) => Hir::capture(hir::Capture {
            index: u32::try_from(*index).unwrap_or(u32::MAX),
            name: None,
            sub: Box::new(hir_of(node, ascii)),
        }),
        _ => Hir::empty(),
    }
}

fn look(at: At, ascii: bool) -> hir::Look {
    match at {
        At::TextStart => hir::Look::Start,
        At::LineStart => hir::Look::StartLF,
        At::TextEnd => hir::Look::End,
        At::LineEnd | At::LastLineEnd => hir::Look::EndLF,
        At::Word { ascii: a, negated: false } if a || ascii => hir::Look::WordAscii,
        At::Word { ascii: a, negated: true } if a || ascii => hir::Look::WordAsciiNegate,
        At::Word { negated: false, .. } => hir::Look::WordUnicode,
        At::Word { negated: true, .. } => hir::Look::WordUnicodeNegate,
    }
}

/// Whether the machines give exactly what Python's backtracking gives.
///
/// A loop without end whose body can match nothing ends in CPython by a rule of its own, which
/// shows in the groups and in what is tried first; such a pattern is for the other engine.
pub(crate) fn is_regular(ir: &Ir) -> bool {
    match ir {
        Ir::Empty | Ir::Char(_) | Ir::Set(_) => true,
        // An empty match of `\B` could be found between the bytes of a character.
        Ir::At(At::Word { ascii, negated }) => !(*ascii && *negated),
        Ir::At(_) => true,
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
