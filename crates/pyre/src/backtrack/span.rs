//! Loops over one character: most of what a pattern for a log line is made of.

use super::program::{CharSet, ENDLESS, Span};
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
        let lazy = span.mode == RepeatMode::Lazy;
        let set = &self.program.sets[span.set];
        if span.min as usize > self.text.len() - place {
            return Ok(None);
        }
        let Some(least) = self.run_over(set, place, span.min, true)? else {
            return Ok(None);
        };
        if lazy {
            let more = if span.max == ENDLESS { ENDLESS } else { span.max - span.min };
            return self.offer_longer(span, pc, more, least).map(Some);
        }
        let more = if span.max == ENDLESS { ENDLESS } else { span.max - span.min };
        let most = self.run_over(set, least, more, false)?.unwrap_or(least);
        if span.mode == RepeatMode::Possessive {
            return Ok(Some(most));
        }
        Ok(self.offer_shorter(span, pc, least, most))
    }

    /// Up to `count` characters of the set from `place`; all of them if `exactly`.
    fn run_over(
        &mut self,
        set: &CharSet,
        place: usize,
        count: u32,
        exactly: bool,
    ) -> Result<Option<usize>, Overrun> {
        let mut at = place;
        let mut left = count;
        while left > 0 {
            match self.one(set, at) {
                Some(length) => at += length,
                None if exactly => {
                    self.spend((at - place) / 2)?;
                    return Ok(None);
                }
                None => break,
            }
            if count != ENDLESS {
                left -= 1;
            }
        }
        self.spend((at - place) / 2)?;
        Ok(Some(at))
    }

    /// Goes on at `place`, or before it where the byte that has to follow stands.
    fn offer_shorter(
        &mut self,
        span: &Span,
        pc: usize,
        least: usize,
        place: usize,
    ) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let place = match span.next {
            Some(next) if bytes.get(place) != Some(&next) => {
                // In a character of several bytes no byte is one that begins another.
                least + memchr::memrchr(next, &bytes[least..place])?
            }
            _ => place,
        };
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

    /// Goes on at `place`, or behind it where the byte that has to follow stands.
    fn offer_longer(
        &mut self,
        span: &Span,
        pc: usize,
        more: u32,
        place: usize,
    ) -> Result<usize, Overrun> {
        let (mut at, mut left) = (place, more);
        if let Some(next) = span.next {
            let set = &self.program.sets[span.set];
            while left > 0 && self.text.as_bytes().get(at) != Some(&next) {
                let Some(length) = self.one(set, at) else {
                    break;
                };
                at += length;
                left -= u32::from(left != ENDLESS);
            }
            self.spend((at - place) / 2)?;
        }
        if left > 0 {
            self.branch(BranchKind::Longer(left), pc, at);
        }
        Ok(at)
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
                self.offer_longer(span, pc, left, place + length).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The length of the character at `place` if it is of the set.
    pub(super) fn one(&self, set: &CharSet, place: usize) -> Option<usize> {
        let byte = *self.text.as_bytes().get(place)?;
        if byte.is_ascii() {
            return set.has_ascii(byte).then_some(1);
        }
        let c = self.text.get(place..)?.chars().next()?;
        set.has(c).then_some(c.len_utf8())
    }
}
