//! The tree as instructions.

use std::collections::HashMap;
use std::sync::Arc;

use memchr::memmem::FinderRev;
use regex_syntax::hir::ClassUnicode;

use super::first::{self, First};
use super::start::{Start, is_tied_to_start};
use crate::ast::RepeatMode;
use crate::ir::{At, Fold, Ir, Look, Repeat};
use crate::needed;

/// A compiled pattern.
pub(crate) struct Program {
    pub(super) insts: Vec<Inst>,
    pub(super) sets: Vec<CharSet>,
    /// Places for the groups (two each) and the registers behind them.
    pub(super) slots: usize,
    /// Where the registers begin.
    pub(super) groups_end: usize,
    pub(super) start: Start,
    /// By instruction, what may come next; empty if every way is gone.
    firsts: Vec<First>,
}

/// An instruction. Registers are slots, too.
pub(super) enum Inst {
    Literal(Box<[u8]>),
    Set(usize),
    /// A loop over one character.
    Span(Span),
    At(At),
    Save(usize),
    /// Goes on at the first; the second is tried if that fails.
    Split(usize, usize),
    Jump(usize),
    /// Begins a loop: no round yet, in this and the next register.
    LoopStart(usize),
    /// At the end of a round, and at the beginning.
    LoopNext(Loop),
    /// A lazy loop whose rest did not match: one more round.
    LoopMore(Loop),
    /// Remembers how much is open and where it stands, in this and the next register.
    Fence {
        register: usize,
        back: Option<usize>,
    },
    /// Forgets what has been opened since; with `rewind`, stands where the fence was set.
    FenceEnd {
        register: usize,
        rewind: bool,
    },
    /// A look-around that must not match; goes on at `after`.
    NotStart {
        register: usize,
        back: Option<usize>,
        after: usize,
    },
    NotEnd(usize),
    Backref {
        group: usize,
        fold: Fold,
    },
    /// Goes on with the next one if the group is set, else at `no`.
    Conditional {
        group: usize,
        no: usize,
    },
    /// Goes no further where this text does not come any more.
    Needs(Box<FinderRev<'static>>),
    Match,
}

/// A loop over one character.
pub(super) struct Span {
    pub(super) set: usize,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) mode: RepeatMode,
    /// The byte that must follow, if it is known.
    pub(super) next: Option<u8>,
    /// What follows cannot begin with a character of the set: giving one back is in vain.
    pub(super) holds: bool,
}

/// A loop over more: rounds so far in the register, where the last one began in the next one.
#[derive(Clone, Copy)]
pub(super) struct Loop {
    pub(super) register: usize,
    pub(super) body: usize,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) lazy: bool,
}

/// Without end.
pub(super) const ENDLESS: u32 = u32::MAX;

/// Rounds of a loop that are written out, as the three of `(?:\d{1,3}\.){3}`.
const WRITTEN_OUT_MAX: u32 = 4;

/// A set that is quick for ASCII.
pub(super) struct CharSet {
    /// By byte; none beyond ASCII is in it.
    ascii: Box<[bool; 256]>,
    /// The only character that is not in it, if that is one of ASCII.
    pub(super) only_without: Option<u8>,
    rest: Box<[(char, char)]>,
}

impl CharSet {
    fn new(set: &ClassUnicode) -> Self {
        let has = |code: usize| code < 0x80 && crate::chars::contains(set, code as u8 as char);
        let mut others = set.clone();
        others.negate();
        let only_without = match others.ranges() {
            [range] if range.start() == range.end() => u8::try_from(range.start()).ok(),
            _ => None,
        };
        let ranges = set.iter().filter(|range| !range.end().is_ascii());
        let rest = ranges.map(|range| (range.start(), range.end())).collect();
        let ascii = Box::new(std::array::from_fn(has));
        Self { ascii, only_without: only_without.filter(u8::is_ascii), rest }
    }

    /// How many bytes of ASCII that are in it the text begins with.
    pub(super) fn ascii_run(&self, text: &[u8]) -> usize {
        text.iter().position(|byte| !self.has_ascii(*byte)).unwrap_or(text.len())
    }

    /// False for a byte that is not of ASCII.
    #[inline]
    pub(super) fn has_ascii(&self, byte: u8) -> bool {
        self.ascii[usize::from(byte)]
    }

    pub(super) fn has(&self, c: char) -> bool {
        let after = self.rest.partition_point(|(from, _)| *from <= c);
        let range = after.checked_sub(1).and_then(|at| self.rest.get(at));
        range.is_some_and(|(_, to)| c <= *to)
    }

    /// Whether it has characters beyond ASCII.
    pub(super) fn has_wide(&self) -> bool {
        !self.rest.is_empty()
    }
}

impl Program {
    /// Compiles the tree of a pattern with so many groups, the whole match included.
    pub(crate) fn new(ir: &Ir, groups: usize) -> Self {
        let mut program = Self::compiled(ir, groups, true);
        let firsts = first::of_all(&program.insts, &program.sets);
        for pc in 0..program.insts.len() {
            let next = program.literal_at(pc + 1);
            if let Some(Inst::Span(span)) = program.insts.get_mut(pc) {
                span.next = next;
                span.holds = firsts[pc + 1].bars(&program.sets[span.set]);
            }
        }
        program.firsts = firsts;
        program
    }

    /// The same, which goes every way that there is, as CPython does.
    pub(crate) fn as_written(ir: &Ir, groups: usize) -> Self {
        Self::compiled(ir, groups, false)
    }

    fn compiled(ir: &Ir, groups: usize, looks_ahead: bool) -> Self {
        let mut compiler = Compiler {
            insts: Vec::new(),
            sets: Vec::new(),
            known: HashMap::new(),
            shared: HashMap::new(),
            slots: 2 * groups,
        };
        // A pattern that begins anew at each place would look at the rest of the text each time.
        match looks_ahead && is_tied_to_start(ir) {
            true => compiler.end(ir),
            false => compiler.emit(ir),
        }
        compiler.push(Inst::Match);
        compiler.look_past_spans();
        let Compiler { insts, sets, slots, .. } = compiler;
        let groups_end = 2 * groups;
        Self { insts, sets, slots, groups_end, start: Start::of(ir), firsts: Vec::new() }
    }

    /// Whether a match is possible that goes on at this instruction and place.
    #[inline]
    pub(super) fn may_go_on(&self, pc: usize, text: &[u8], place: usize) -> bool {
        self.firsts.get(pc).is_none_or(|first| first.admits(text, place))
    }

    /// The first byte of the literal that has to come next, whatever is noted before it.
    fn literal_at(&self, pc: usize) -> Option<u8> {
        let mut insts = self.insts.get(pc..)?.iter();
        match insts.find(|inst| !matches!(inst, Inst::Save(_))) {
            Some(Inst::Literal(bytes)) => bytes.first().copied(),
            _ => None,
        }
    }
}

struct Compiler {
    insts: Vec<Inst>,
    sets: Vec<CharSet>,
    known: HashMap<Ranges, usize>,
    /// Sets that are shared in the tree, by their place in memory, where they are kept meanwhile.
    shared: HashMap<*const ClassUnicode, (Arc<ClassUnicode>, usize)>,
    slots: usize,
}

impl Compiler {
    fn push(&mut self, inst: Inst) -> usize {
        self.insts.push(inst);
        self.insts.len() - 1
    }

    fn here(&self) -> usize {
        self.insts.len()
    }

    fn set(&mut self, set: &Arc<ClassUnicode>) -> usize {
        if let Some((_, index)) = self.shared.get(&Arc::as_ptr(set)) {
            return *index;
        }
        let index = self.new_set(set);
        self.shared.insert(Arc::as_ptr(set), (Arc::clone(set), index));
        index
    }

    fn new_set(&mut self, set: &ClassUnicode) -> usize {
        let key: Ranges = set.iter().map(|range| (range.start(), range.end())).collect();
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let index = self.sets.len();
        self.sets.push(CharSet::new(set));
        self.known.insert(key, index);
        index
    }

    fn registers(&mut self) -> usize {
        self.slots += 2;
        self.slots - 2
    }

    fn emit(&mut self, ir: &Ir) {
        match ir {
            Ir::Empty => {}
            Ir::Char(c) => {
                self.push(Inst::Literal(c.encode_utf8(&mut [0; 4]).as_bytes().into()));
            }
            Ir::Set(set) => {
                let set = self.set(set);
                self.push(Inst::Set(set));
            }
            Ir::At(at) => {
                self.push(Inst::At(*at));
            }
            Ir::Concat(parts) => self.concat(parts),
            Ir::Alternation(parts) => self.ways(parts, Self::emit),
            Ir::Repeat(repeat) => self.repeat(repeat),
            Ir::Capture(group, node) => {
                self.push(Inst::Save(2 * group));
                self.emit(node);
                self.push(Inst::Save(2 * group + 1));
            }
            Ir::Atomic(node) => self.atomic(|compiler| compiler.emit(node)),
            Ir::Look(look) => self.look(look),
            Ir::Backref { group, fold } => {
                self.push(Inst::Backref { group: *group, fold: *fold });
            }
            Ir::Conditional { group, yes, no } => {
                let condition = self.push(Inst::Conditional { group: *group, no: 0 });
                self.emit(yes);
                let jump = self.push(Inst::Jump(0));
                self.insts[condition] = Inst::Conditional { group: *group, no: self.here() };
                self.emit(no);
                self.insts[jump] = Inst::Jump(self.here());
            }
        }
    }

    /// What ends the pattern: a way of several is not gone where it needs what does not come.
    fn end(&mut self, ir: &Ir) {
        match ir {
            Ir::Concat(parts) => match parts.split_last() {
                Some((last @ (Ir::Alternation(_) | Ir::Concat(_)), before)) => {
                    self.concat(before);
                    self.end(last);
                }
                _ => self.concat(parts),
            },
            Ir::Alternation(parts) => {
                let needs: Vec<Vec<String>> = parts.iter().map(needed::later_texts).collect();
                let is_told = |text: &&String| needs.iter().all(|needs| needs.contains(*text));
                self.ways(parts, |compiler, part| {
                    let own = needed::later_texts(part);
                    for text in own.iter().filter(|text| !is_told(text)) {
                        compiler.push(Inst::Needs(Box::new(FinderRev::new(text).into_owned())));
                    }
                    compiler.end(part);
                });
            }
            ir => self.emit(ir),
        }
    }

    fn concat(&mut self, parts: &[Ir]) {
        let mut literal: Vec<u8> = Vec::new();
        for part in parts {
            if let Ir::Char(c) = part {
                literal.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            self.literal(&mut literal);
            self.emit(part);
        }
        self.literal(&mut literal);
    }

    fn literal(&mut self, bytes: &mut Vec<u8>) {
        if !bytes.is_empty() {
            self.push(Inst::Literal(std::mem::take(bytes).into()));
        }
    }

    fn ways(&mut self, parts: &[Ir], mut emit: impl FnMut(&mut Self, &Ir)) {
        let mut jumps = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index + 1 == parts.len() {
                emit(self, part);
                break;
            }
            let split = self.push(Inst::Jump(0));
            emit(self, part);
            jumps.push(self.push(Inst::Jump(0)));
            self.insts[split] = Inst::Split(split + 1, self.here());
        }
        let end = self.here();
        for jump in jumps {
            self.insts[jump] = Inst::Jump(end);
        }
    }

    fn repeat(&mut self, repeat: &Repeat) {
        let Repeat { node, min, max, mode } = repeat;
        let max = max.unwrap_or(ENDLESS);
        let set = match &**node {
            Ir::Set(set) => Some(Arc::clone(set)),
            Ir::Char(c) => Some(crate::chars::one(*c).into()),
            _ => None,
        };
        match (set, min, max, mode) {
            (_, _, 0, _) => {}
            (Some(set), ..) => {
                let set = self.set(&set);
                let span = Span { set, min: *min, max, mode: *mode, next: None, holds: false };
                self.push(Inst::Span(span));
            }
            // Each round by itself, and all together, give nothing back.
            (None, _, _, RepeatMode::Possessive) => {
                let round = Ir::Atomic(node.clone());
                self.atomic(|compiler| compiler.rounds(&round, *min, max, false));
            }
            (None, ..) => self.rounds(node, *min, max, *mode == RepeatMode::Lazy),
        }
    }

    fn rounds(&mut self, node: &Ir, min: u32, max: u32, lazy: bool) {
        if (min, max) == (1, 1) {
            return self.emit(node);
        }
        if min == max && max <= WRITTEN_OUT_MAX && is_row(node) {
            return (0..max).for_each(|_| self.emit(node));
        }
        if (min, max) == (0, 1) {
            let split = self.push(Inst::Jump(0));
            self.emit(node);
            let (body, end) = (split + 1, self.here());
            self.insts[split] = if lazy { Inst::Split(end, body) } else { Inst::Split(body, end) };
            return;
        }
        let register = self.registers();
        self.push(Inst::LoopStart(register));
        let entry = self.push(Inst::Jump(0));
        let body = self.here();
        self.emit(node);
        self.insts[entry] = Inst::Jump(self.here());
        let repeat = Loop { register, body, min, max, lazy };
        self.push(Inst::LoopNext(repeat));
        if lazy {
            self.push(Inst::LoopMore(repeat));
        }
    }

    fn atomic(&mut self, inside: impl FnOnce(&mut Self)) {
        let register = self.registers();
        self.push(Inst::Fence { register, back: None });
        inside(self);
        self.push(Inst::FenceEnd { register, rewind: false });
    }

    fn look(&mut self, look: &Look) {
        let register = self.registers();
        let back = look.behind;
        if look.negated {
            let start = self.push(Inst::Jump(0));
            self.emit(&look.node);
            self.push(Inst::NotEnd(register));
            self.insts[start] = Inst::NotStart { register, back, after: self.here() };
        } else {
            self.push(Inst::Fence { register, back });
            self.emit(&look.node);
            self.push(Inst::FenceEnd { register, rewind: true });
        }
    }

    /// Tells each span which byte has to follow, so that it gives back only as far as makes sense.
    fn look_past_spans(&mut self) {
        for index in 0..self.insts.len() {
            let next = match self.insts.get(index + 1) {
                Some(Inst::Literal(bytes)) => bytes.first().copied(),
                _ => None,
            };
            if let Some(Inst::Span(span)) = self.insts.get_mut(index) {
                span.next = next;
            }
        }
    }
}

/// Whether it is characters and loops over one, one after the other.
fn is_row(ir: &Ir) -> bool {
    let is_one = |ir: &Ir| matches!(ir, Ir::Char(_) | Ir::Set(_));
    match ir {
        Ir::Concat(parts) => {
            let is_part = |part: &Ir| match part {
                Ir::Repeat(Repeat { node, .. }) => is_one(node),
                part => is_one(part),
            };
            parts.iter().all(is_part)
        }
        other => is_one(other),
    }
}

type Ranges = Vec<(char, char)>;
