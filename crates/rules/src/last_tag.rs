//! The host and program of the line before.

use monban_model::ServiceId;

use crate::bytes::same;
use crate::head::{Head, behind_program};
use crate::programs::Number;
use crate::set::RuleSet;

/// `host program` of the line before: in a log it is mostly the same, and need not be taken apart
/// again.
#[derive(Debug)]
pub(crate) struct LastTag {
    text: [u8; LAST_TAG_MAX],
    length: usize,
    host: usize,
    /// The head that was taken off last begins with it.
    is_current: bool,
    /// The services of the program, and the number of the rules that they are a part of.
    services: Option<(u64, Number)>,
}

/// Longer ones are taken apart each time.
const LAST_TAG_MAX: usize = 64;

impl Default for LastTag {
    fn default() -> Self {
        Self { text: [0; LAST_TAG_MAX], length: 0, host: 0, is_current: false, services: None }
    }
}

impl LastTag {
    /// A new line begins.
    #[inline(always)]
    pub(crate) fn begin(&mut self) {
        self.is_current = false;
    }

    /// Makes the head of what stands behind a date, if it begins as the one before; whether it
    /// does.
    #[inline(always)]
    pub(crate) fn again<'a>(
        &mut self,
        date: &'a [u8],
        rest: &'a [u8],
        head: &mut Head<'a>,
    ) -> bool {
        let Some((tag, after)) = rest.split_at_checked(self.length) else { return false };
        if tag.is_empty() || !same(tag, &self.text[..self.length]) {
            return false;
        }
        let program = &tag[self.host + 1..];
        let Some((pid, message)) = behind_program(program, after) else { return false };
        *head = Head { date, host: &tag[..self.host], program, pid, message };
        self.is_current = true;
        true
    }

    /// The services that the program of a head may write lines of.
    #[inline]
    pub(crate) fn services<'r>(&mut self, rules: &'r RuleSet, head: &Head<'_>) -> &'r [ServiceId] {
        if let Some((of, number)) = self.services
            && self.is_current
            && of == rules.number
        {
            return rules.programs.list(number);
        }
        let number = rules.programs.number(head.program);
        if self.is_current {
            self.services = Some((rules.number, number));
        }
        rules.programs.list(number)
    }

    /// Keeps what `rest` begins with, as it was taken apart.
    pub(crate) fn keep(&mut self, rest: &[u8], head: &Head<'_>) {
        let length = head.host.len() + 1 + head.program.len();
        if head.host.is_empty() || head.program.is_empty() || length > LAST_TAG_MAX {
            return;
        }
        (self.length, self.host, self.services) = (length, head.host.len(), None);
        self.text[..length].copy_from_slice(&rest[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::split;
    use crate::json::Texts;

    #[test]
    fn a_head_like_the_one_before_is_taken_off_as_if_it_were_the_first() {
        let heads = [
            "h sshd[12]: m",
            "h sshd[345]: m",
            "h sshd: m",
            "h sshd-session[1]: m",
            "h sshd [1]: m",
            "h sshd[1] m",
            "h sshd[1",
            "h sshd",
            "h ssh[1]: m",
            "sshd[1]: m",
            "i sshd[1]:",
        ];
        for before in heads {
            for after in heads {
                let (mut texts, mut last) = (Texts::default(), LastTag::default());
                let line = format!("Nov 22 05:33:01 {before}");
                split(line.as_bytes(), &mut texts, &mut last);
                let line = format!("Nov 22 05:33:01 {after}");
                let mut room = Texts::default();
                let alone = split(line.as_bytes(), &mut room, &mut LastTag::default());
                let second = split(line.as_bytes(), &mut texts, &mut last);
                assert_eq!(second, alone, "{before} {after}");
            }
        }
    }
}
