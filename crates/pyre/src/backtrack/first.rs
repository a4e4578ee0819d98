//! What has to come next for the rest of a program to match: a way that cannot lead there is not
//! gone, and nothing is noted to come back to it.

use super::program::{CharSet, Inst};
use crate::ir::At;

/// Bytes that may come next, and the end of the text as one more, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct First([u64; 5]);

/// The bit of the end of the text.
const END: usize = 256;

impl First {
    const NONE: Self = Self([0; 5]);
    pub(super) const ANY: Self = Self([u64::MAX; 5]);

    fn of_byte(byte: u8) -> Self {
        let mut first = Self::NONE;
        first.0[usize::from(byte >> 6)] = 1 << (byte & 63);
        first
    }

    /// What a character of a set begins with.
    fn of_set(set: &CharSet) -> Self {
        let mut first = Self::NONE;
        for byte in (0..0x80_u8).filter(|byte| set.has_ascii(*byte)) {
            first.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        if set.has_wide() {
            // No character begins with a byte that continues one.
            first.0[3] = u64::MAX;
        }
        first
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// Whether the rest may match from here.
    #[inline]
    pub(super) fn admits(&self, text: &[u8], place: usize) -> bool {
        let next = text.get(place).map_or(END, |byte| usize::from(*byte));
        self.0[next >> 6] >> (next & 63) & 1 == 1
    }

    /// Whether no character of the set may come next.
    pub(super) fn bars(&self, set: &CharSet) -> bool {
        self.and(Self::of_set(set)) == Self::NONE
    }
}

/// By instruction, what may come next where it is to run.
pub(super) fn of_all(insts: &[Inst], sets: &[CharSet]) -> Vec<First> {
    let mut firsts = vec![First::NONE; insts.len() + 1];
    // Only loops lead back, so that few rounds are needed.
    loop {
        let mut is_new = false;
        for pc in (0..insts.len()).rev() {
            let first = one(&insts[pc], pc, &firsts, sets);
            is_new |= first != firsts[pc];
            firsts[pc] = first;
        }
        if !is_new {
            return firsts;
        }
    }
}

fn one(inst: &Inst, pc: usize, firsts: &[First], sets: &[CharSet]) -> First {
    let at = |pc: usize| firsts.get(pc).copied().unwrap_or(First::ANY);
    let next = at(pc + 1);
    match inst {
        Inst::Literal(bytes) => bytes.first().map_or(next, |byte| First::of_byte(*byte)),
        Inst::Set(set) => First::of_set(&sets[*set]),
        Inst::Span(span) => {
            let first = First::of_set(&sets[span.set]);
            if span.min == 0 { first.or(next) } else { first }
        }
        Inst::At(At::TextEnd) => next.and(First([0, 0, 0, 0, u64::MAX])),
        Inst::At(At::LineEnd | At::LastLineEnd) => {
            next.and(First::of_byte(b'\n').or(First([0, 0, 0, 0, u64::MAX])))
        }
        Inst::At(_) | Inst::Save(_) | Inst::LoopStart(_) | Inst::Needs(_) => next,
        Inst::Split(one, other) => at(*one).or(at(*other)),
        Inst::Jump(target) => at(*target),
        Inst::Conditional { no, .. } => next.or(at(*no)),
        Inst::LoopNext(repeat) if repeat.lazy => at(repeat.body).or(at(pc + 2)),
        Inst::LoopNext(repeat) => at(repeat.body).or(next),
        Inst::LoopMore(repeat) => at(repeat.body),
        Inst::Fence { back: None, .. } => next,
        Inst::NotStart { after, .. } => at(*after),
        // What ends a fence holds, whatever comes behind it.
        Inst::Fence { .. } | Inst::FenceEnd { .. } | Inst::NotEnd(_) => First::ANY,
        Inst::Backref { .. } | Inst::Match => First::ANY,
    }
}
