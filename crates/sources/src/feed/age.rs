//! Which of two files is the newer one, where their names do not tell.

use super::member::Member;
use super::row::Words;

/// What tells the age of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Age {
    born_ns: Option<i128>,
    mtime_ns: Option<i128>,
}

impl Age {
    pub(super) fn of(member: &Member) -> Self {
        let mtime_ns = member.body.stat().ok().map(|stat| stat.mtime_ns);
        Self { born_ns: member.born_ns, mtime_ns }
    }

    /// Of the file that a saved row names, as it was read.
    pub(super) fn of_words(words: &Words) -> Self {
        Self { born_ns: words.born_ns, mtime_ns: words.mtime_ns }
    }

    /// Of a file that has other content now: it is older than its birth says.
    pub(super) fn rewritten(self) -> Self {
        Self { born_ns: None, ..self }
    }

    /// Whether `other` was begun after this file was left. Not known where all happened in one
    /// tick of the kernel's clock (4 ms), or where the file system tells no times of birth.
    pub(super) fn is_before(self, other: &Member) -> Option<bool> {
        let later = Self::of(other);
        let (then, now) = (self.mtime_ns?, later.mtime_ns?);
        if now < then {
            return Some(false);
        }
        // A packed file was born when it was packed.
        match (self.born_ns, later.born_ns) {
            (Some(then), Some(now)) if then != now && !other.body.is_packed() => Some(now > then),
            _ => (now > then).then_some(true),
        }
    }
}
