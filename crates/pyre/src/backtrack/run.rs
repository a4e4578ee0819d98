//! One search.

use monban_model::limits::REGEX_BACKTRACKS_MAX;

use super::program::{ENDLESS, Inst, Loop, Program};
use crate::ast::PerlKind;
use crate::chars;
use crate::ir::{At, Fold};
use crate::regex::Overrun;

/// Memory that searches use one after the other.
#[derive(Default)]
pub(crate) struct Scratch {
    slots: Vec<usize>,
    branches: Vec<Branch>,
    /// What the slots held before, to set them back.
    trail: Vec<(usize, usize)>,
    /// Where the texts that ways need stand last, by the instruction that asks; found when it first
    /// does. A way may be reached from each place of a long text.
    lasts: Vec<(usize, Option<usize>)>,
}

/// Where a match and its groups are, in bytes.
pub(crate) type Spans = Vec<Option<(usize, usize)>>;

/// Entries beyond which memory is given back after a search.
const KEPT: usize = 4096;

/// A slot that is not set.
const UNSET: usize = usize::MAX;

/// What is tried when the present way fails.
struct Branch {
    kind: BranchKind,
    pc: usize,
    place: usize,
    trail: usize,
}

pub(super) enum BranchKind {
    /// Goes on at the instruction.
    Plain,
    /// Gives a character of this span back, as long as it stands behind this place.
    Shorter(usize),
    /// Takes one more character into this span, this many times at most.
    Longer(u32),
}

impl Program {
    /// The leftmost match at or after `from`, within so many steps: where it is, and its groups.
    pub(crate) fn search(
        &self,
        steps: u64,
        text: &str,
        from: usize,
        scratch: &mut Scratch,
    ) -> Result<Option<Spans>, Overrun> {
        scratch.slots.clear();
        scratch.slots.resize(self.slots, UNSET);
        scratch.lasts.clear();
        let mut run = Run { program: self, text, scratch, steps, backtracks: REGEX_BACKTRACKS_MAX };
        let found = run.search(from);
        scratch.branches.clear();
        scratch.trail.clear();
        scratch.branches.shrink_to(KEPT);
        scratch.trail.shrink_to(KEPT);
        let Some((start, end)) = found? else {
            return Ok(None);
        };
        let groups = scratch.slots.get(..self.groups_end).unwrap_or_default().chunks_exact(2);
        let mut spans: Spans = groups
            .map(|pair| match *pair {
                [from, to] if from != UNSET && to != UNSET => Some((from, to)),
                _ => None,
            })
            .collect();
        if let Some(whole) = spans.first_mut() {
            *whole = Some((start, end));
        }
        Ok(Some(spans))
    }

    /// How often a search from the start goes back; it is given up beyond `most`.
    pub(crate) fn backtracks(&self, text: &str, most: u32) -> u32 {
        let mut scratch = Scratch { slots: vec![UNSET; self.slots], ..Scratch::default() };
        // A step back is worth many ahead: only what runs over a long text without a choice, again
        // and again, comes to this bound first.
        let steps = u64::from(most).saturating_mul(50);
        let scratch = &mut scratch;
        let mut run = Run { program: self, text, scratch, steps, backtracks: most };
        match run.search(0) {
            Ok(_) => most - run.backtracks,
            Err(Overrun) => most.saturating_add(1),
        }
    }
}

pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) text: &'a str,
    scratch: &'a mut Scratch,
    /// What it may still spend.
    steps: u64,
    backtracks: u32,
}

impl Run<'_> {
    fn search(&mut self, from: usize) -> Result<Option<(usize, usize)>, Overrun> {
        let mut from = from;
        while let Some(start) = self.program.start.next(self.text.as_bytes(), from) {
            if let Some(end) = self.attempt(start)? {
                return Ok(Some((start, end)));
            }
            from = start + 1;
            if from > self.text.len() {
                break;
            }
        }
        Ok(None)
    }

    /// Tries to match at one place; gives the end.
    fn attempt(&mut self, start: usize) -> Result<Option<usize>, Overrun> {
        let bytes = self.text.as_bytes();
        let program = self.program;
        let (mut pc, mut place) = (0, start);
        self.spend(1)?;
        // What is only gone along, once on each way, is not counted.
        loop {
            let Some(inst) = program.insts.get(pc) else {
                return Ok(None);
            };
            let fits = match inst {
                Inst::Match => return Ok(Some(place)),
                Inst::Literal(literal) => {
                    let fits = bytes.get(place) == literal.first()
                        && bytes.get(place..).is_some_and(|rest| rest.starts_with(literal));
                    place += literal.len();
                    fits
                }
                Inst::Set(set) => {
                    let length = self.one(&program.sets[*set], place);
                    place += length.unwrap_or(0);
                    length.is_some()
                }
                Inst::Span(span) => {
                    self.spend(1)?;
                    let end = self.span(span, pc, place)?;
                    place = end.unwrap_or(place);
                    end.is_some()
                }
                Inst::At(at) => self.is_at(*at, place),
                Inst::Save(slot) => {
                    self.set(*slot, place);
                    true
                }
                Inst::Split(first, second) => {
                    self.spend(1)?;
                    pc = *second;
                    if program.may_go_on(*first, bytes, place) {
                        self.branch(BranchKind::Plain, *second, place);
                        pc = *first;
                    }
                    continue;
                }
                Inst::Jump(target) => {
                    pc = *target;
                    continue;
                }
                Inst::LoopNext(repeat) => {
                    self.spend(1)?;
                    (pc, place) = self.next_round(repeat, pc, place);
                    continue;
                }
                _ => match self.register(inst, pc, place)? {
                    Some(next) => {
                        (pc, place) = next;
                        continue;
                    }
                    None => false,
                },
            };
            if fits {
                pc += 1;
                continue;
            }
            match self.back()? {
                Some(next) => (pc, place) = next,
                None => return Ok(None),
            }
        }
    }

    /// The rarer instructions.
    fn register(
        &mut self,
        inst: &Inst,
        pc: usize,
        place: usize,
    ) -> Result<Option<(usize, usize)>, Overrun> {
        self.spend(1)?;
        match inst {
            Inst::Backref { group, fold } => {
                return Ok(self.backref(*group, *fold, place)?.map(|place| (pc + 1, place)));
            }
            Inst::Conditional { group, no } => {
                let target = if self.group(*group).is_some() { pc + 1 } else { *no };
                return Ok(Some((target, place)));
            }
            Inst::Needs(text) => {
                let known = self.scratch.lasts.iter().find(|(asked, _)| *asked == pc);
                let last = match known {
                    Some((_, last)) => *last,
                    None => {
                        self.spend(self.text.len() / 16)?;
                        let last = text.rfind(self.text.as_bytes());
                        self.scratch.lasts.push((pc, last));
                        last
                    }
                };
                return Ok(last.filter(|last| place <= *last).map(|_| (pc + 1, place)));
            }
            Inst::LoopMore(repeat) => return Ok(self.one_more_round(repeat, place)),
            Inst::LoopStart(register) => {
                self.set(*register, UNSET);
                self.set(*register + 1, UNSET);
            }
            Inst::Fence { register, back } => {
                self.set(*register, self.scratch.branches.len());
                self.set(*register + 1, place);
                return Ok(self.stepped_back(place, *back).map(|from| (pc + 1, from)));
            }
            Inst::FenceEnd { register, rewind } => {
                self.scratch.branches.truncate(self.scratch.slots[*register]);
                let place = if *rewind { self.scratch.slots[*register + 1] } else { place };
                return Ok(Some((pc + 1, place)));
            }
            Inst::NotStart { register, back, after } => {
                let Some(from) = self.stepped_back(place, *back) else {
                    return Ok(Some((*after, place)));
                };
                if !self.program.may_go_on(pc + 1, self.text.as_bytes(), from) {
                    return Ok(Some((*after, place)));
                }
                self.set(*register, self.scratch.branches.len());
                // It marks what is undone, so it is noted in any case.
                self.push(BranchKind::Plain, *after, place);
                return Ok(Some((pc + 1, from)));
            }
            Inst::NotEnd(register) => {
                let height = self.scratch.slots[*register];
                let trail = self.scratch.branches.get(height).map(|branch| branch.trail);
                self.scratch.branches.truncate(height);
                self.undo(trail.unwrap_or(0));
                return Ok(None);
            }
            _ => {}
        }
        Ok(Some((pc + 1, place)))
    }

    #[inline]
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Overrun> {
        self.steps = self.steps.checked_sub(steps as u64).ok_or(Overrun)?;
        Ok(())
    }

    #[inline]
    fn set(&mut self, slot: usize, value: usize) {
        // Without another way, nothing is set back but all.
        if !self.scratch.branches.is_empty() {
            self.scratch.trail.push((slot, self.scratch.slots[slot]));
        }
        self.scratch.slots[slot] = value;
    }

    fn undo(&mut self, to: usize) {
        while self.scratch.trail.len() > to {
            if let Some((slot, value)) = self.scratch.trail.pop() {
                self.scratch.slots[slot] = value;
            }
        }
    }

    /// Notes another way, if it may be one.
    pub(super) fn branch(&mut self, kind: BranchKind, pc: usize, place: usize) {
        let is_plain = matches!(kind, BranchKind::Plain);
        if is_plain && !self.program.may_go_on(pc, self.text.as_bytes(), place) {
            return;
        }
        self.push(kind, pc, place);
    }

    #[inline]
    fn push(&mut self, kind: BranchKind, pc: usize, place: usize) {
        let trail = self.scratch.trail.len();
        self.scratch.branches.push(Branch { kind, pc, place, trail });
    }

    fn went_back(&mut self) -> Result<(), Overrun> {
        self.backtracks = self.backtracks.checked_sub(1).ok_or(Overrun)?;
        Ok(())
    }

    /// Goes back to the last place where something else can be tried.
    fn back(&mut self) -> Result<Option<(usize, usize)>, Overrun> {
        loop {
            let Some(branch) = self.scratch.branches.pop() else {
                self.scratch.trail.clear();
                self.scratch.slots.fill(UNSET);
                return Ok(None);
            };
            self.went_back()?;
            self.undo(branch.trail);
            let Branch { kind, pc, place, .. } = branch;
            let span = match self.program.insts.get(pc) {
                Some(Inst::Span(span)) => span,
                _ => return Ok(Some((pc, place))),
            };
            let next = match kind {
                BranchKind::Plain => return Ok(Some((pc, place))),
                BranchKind::Shorter(least) => self.shorter(span, pc, least, place),
                BranchKind::Longer(more) => self.longer(span, pc, more, place)?,
            };
            if let Some(place) = next {
                return Ok(Some((pc + 1, place)));
            }
        }
    }

    /// At the end of a round, as CPython decides: a round that took nothing is the last one.
    fn next_round(&mut self, repeat: &Loop, pc: usize, place: usize) -> (usize, usize) {
        let count = self.scratch.slots[repeat.register].wrapping_add(1);
        if count < repeat.min as usize {
            self.set(repeat.register, count);
            return (repeat.body, place);
        }
        let more = repeat.max == ENDLESS || count < repeat.max as usize;
        let more = more && self.scratch.slots[repeat.register + 1] != place;
        if repeat.lazy {
            if more {
                self.set(repeat.register, count);
                self.branch(BranchKind::Plain, pc + 1, place);
            }
            return (pc + 2, place);
        }
        if !more || !self.program.may_go_on(repeat.body, self.text.as_bytes(), place) {
            return (pc + 1, place);
        }
        self.branch(BranchKind::Plain, pc + 1, place);
        self.set(repeat.register, count);
        self.set(repeat.register + 1, place);
        (repeat.body, place)
    }

    fn one_more_round(&mut self, repeat: &Loop, place: usize) -> Option<(usize, usize)> {
        self.set(repeat.register + 1, place);
        Some((repeat.body, place))
    }

    fn stepped_back(&self, place: usize, back: Option<usize>) -> Option<usize> {
        let mut before = self.text.get(..place)?.char_indices();
        match back {
            None | Some(0) => Some(place),
            Some(count) => before.nth_back(count - 1).map(|(at, _)| at),
        }
    }

    fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (from, to) = (self.scratch.slots[2 * group], self.scratch.slots[2 * group + 1]);
        (from != UNSET && to != UNSET && from <= to).then_some((from, to))
    }

    fn backref(
        &mut self,
        group: usize,
        fold: Fold,
        place: usize,
    ) -> Result<Option<usize>, Overrun> {
        let Some((from, to)) = self.group(group) else {
            return Ok(None);
        };
        self.spend((to - from) / 2)?;
        let (Some(wanted), Some(rest)) = (self.text.get(from..to), self.text.get(place..)) else {
            return Ok(None);
        };
        if fold == Fold::Exact {
            return Ok(rest.starts_with(wanted).then_some(place + wanted.len()));
        }
        let folded = |c: char| match fold {
            Fold::Ascii => c.to_ascii_lowercase(),
            _ => chars::lower(c),
        };
        let mut at = place;
        let mut rest = rest.chars();
        for wanted in wanted.chars() {
            match rest.next() {
                Some(c) if folded(c) == folded(wanted) => at += c.len_utf8(),
                _ => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn is_at(&self, at: At, place: usize) -> bool {
        let bytes = self.text.as_bytes();
        match at {
            At::TextStart => place == 0,
            At::LineStart => place == 0 || bytes.get(place - 1) == Some(&b'\n'),
            At::TextEnd => place == bytes.len(),
            At::LineEnd => place == bytes.len() || bytes.get(place) == Some(&b'\n'),
            At::LastLineEnd => {
                place == bytes.len() || (place + 1 == bytes.len() && bytes[place] == b'\n')
            }
            // CPython finds neither in an empty text.
            At::Word { .. } if bytes.is_empty() => false,
            At::Word { ascii, negated } => {
                let (before, after) = self.text.split_at(place);
                let before = before.chars().next_back().is_some_and(|c| is_word(c, ascii));
                let after = after.chars().next().is_some_and(|c| is_word(c, ascii));
                (before != after) != negated
            }
        }
    }
}

fn is_word(c: char, ascii: bool) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    !ascii && chars::contains(chars::shared(PerlKind::Word), c)
}
