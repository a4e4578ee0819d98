//! Loops over one character: most of what a pattern for a log line is made of.

use super::program::{CharSet, ENDLESS, Inst, Span};
use super::run::{BranchKind, Run};
use crate::ast::RepeatMode;
use crate::regex::Overrun;

impl Run<'_> {
    /// Runs a span for the first time.
    pub(super) fn span(
        &mut self,
        span: &Span,
        pc: usize,
        place: usize,
    ) -> Result<Option<usize>, Overrun> {
        let set = &self.program.sets[span.set];
        let least = match span.min {
            0 => place,
            1 => match self.one(set, place) {
                Some(length) => place + length,
                None => return Ok(None),
            },
            least if least as usize > self.text.len() - place => return Ok(None),
            _ => match self.run_over(set, place, span.min)? {
                (end, 0) => end,
                _ => return Ok(None),
            },
        };
        let more = if span.max == ENDLESS { ENDLESS } else { span.max - span.min };
        if span.mode == RepeatMode::Lazy {
            return self.offer_longer(span, pc, more, least);
        }
        let most = match more {
            1 => least + self.one(set, least).unwrap_or(0),
            ENDLESS => self.run_to_end(set, least)?,
            _ => self.run_over(set, least, more)?.0,
        };
        if most == least || span.mode == RepeatMode::Possessive || span.holds {
            return Ok(Some(most));
        }
        Ok(self.offer_shorter(span, pc, least, most))
    }

    /// Over all characters of the set from `place`.
    fn run_to_end(&mut self, set: &CharSet, place: usize) -> Result<usize, Overrun> {
        let rest = &self.text.as_bytes()[place..];
        let mut length = match set.only_without {
            Some(without) => memchr::memchr(without, rest).unwrap_or(rest.len()),
            None => set.ascii_run(rest),
        };
        while let Some(wide) = self.one(set, place + length) {
            length += wide;
            length += set.ascii_run(&rest[length..]);
        }
        self.spend(length / 2)?;
        Ok(place + length)
    }

    /// Over up to `count` characters of the set from `place`; where that ends, and how many are
    /// missing.
    fn run_over(
        &mut self,
        set: &CharSet,
        place: usize,
        count: u32,
    ) -> Result<(usize, u32), Overrun> {
        let (mut at, mut left) = (place, count);
        while left > 0
            && let Some(length) = self.one(set, at)
        {
            at += length;
            left -= 1;
        }
        self.spend((at - place) / 2)?;
        Ok((at, left))
    }

    /// Goes on at `place`, or before it where the rest may match.
    fn offer_shorter(
        &mut self,
        span: &Span,
        pc: usize,
        least: usize,
        place: usize,
    ) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut place = place;
        // In a character of several bytes no byte is one that begins another.
        while !self.may_follow(span, pc, place) {
            let before = bytes.get(least..place)?;
            let before = match span.next {
                Some(next) => memchr::memrchr(next, before),
                None => before.iter().rposition(|byte| *byte & 0xc0 != 0x80),
            };
            place = least + before?;
        }
        if place > least {
            self.branch(BranchKind::Shorter(least), pc, place);
        }
        Some(place)
    }

    pub(super) fn shorter(
        &mut self,
        span: &Span,
        pc: usize,
        least: usize,
        place: usize,
    ) -> Option<usize> {
        let mut place = place - 1;
        while !self.text.is_char_boundary(place) {
            place -= 1;
        }
        self.offer_shorter(span, pc, least, place)
    }

    /// Goes on at `place`, or behind it where the rest may match.
    fn offer_longer(
        &mut self,
        span: &Span,
        pc: usize,
        more: u32,
        place: usize,
    ) -> Result<Option<usize>, Overrun> {
        let (mut at, mut left) = (place, more);
        let set = &self.program.sets[span.set];
        while !self.may_follow(span, pc, at) {
            match self.one(set, at) {
                Some(length) if left > 0 => at += length,
                _ => {
                    self.spend((at - place) / 2)?;
                    return Ok(None);
                }
            }
            left -= u32::from(left != ENDLESS);
        }
        self.spend((at - place) / 2)?;
        if left > 0 {
            self.branch(BranchKind::Longer(left), pc, at);
        }
        Ok(Some(at))
    }

    pub(super) fn longer(
        &mut self,
        span: &Span,
        pc: usize,
        more: u32,
        place: usize,
    ) -> Result<Option<usize>, Overrun> {
        match self.one(&self.program.sets[span.set], place) {
            Some(length) => {
                let left = more - u32::from(more != ENDLESS);
                self.offer_longer(span, pc, left, place + length)
            }
            None => Ok(None),
        }
    }

    /// Whether what follows the span may stand here.
    fn may_follow(&self, span: &Span, pc: usize, place: usize) -> bool {
        let bytes = self.text.as_bytes();
        match span.next {
            Some(next) => bytes.get(place) == Some(&next),
            None if !self.program.may_go_on(pc + 1, bytes, place) => false,
            // As in `[\w.]*\w`, behind which no `\w` may come.
            None => match self.program.insts.get(pc + 1) {
                Some(Inst::Set(set)) => {
                    let behind = self.one(&self.program.sets[*set], place);
                    behind
                        .is_some_and(|length| self.program.may_go_on(pc + 2, bytes, place + length))
                }
                _ => true,
            },
        }
    }

    /// The length of the character at `place` if it is of the set.
    #[inline]
    pub(super) fn one(&self, set: &CharSet, place: usize) -> Option<usize> {
        let byte = *self.text.as_bytes().get(place)?;
        if byte.is_ascii() {
            return set.has_ascii(byte).then_some(1);
        }
        self.one_wide(set, place)
    }

    #[cold]
    fn one_wide(&self, set: &CharSet, place: usize) -> Option<usize> {
        if !set.has_wide() {
            return None;
        }
        let c = self.text.get(place..)?.chars().next()?;
        set.has(c).then_some(c.len_utf8())
    }
}
