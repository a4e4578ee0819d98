//! Several texts that are looked for in one message.

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

/// So many are searched for one after the other, each at the speed of memory; more in one pass.
const FEW: usize = 8;

/// Texts to look for.
#[derive(Clone, Debug)]
pub(super) enum Literals {
    Few(Vec<Finder<'static>>),
    Many(AhoCorasick, usize),
}

impl Literals {
    /// Texts that must all be there; what is part of another one need not be looked for.
    pub(super) fn all_of(texts: &[&[u8]]) -> Self {
        Self::of(&without(texts, is_within))
    }

    /// Texts of which one must be there; what holds another one need not be looked for.
    pub(super) fn any_of(texts: &[&[u8]]) -> Self {
        Self::of(&without(texts, |text, other| is_within(other, text)))
    }

    fn of(texts: &[&[u8]]) -> Self {
        // It cannot fail: there are at most as many texts as characters in a pattern.
        match AhoCorasick::new(texts) {
            Ok(many) if texts.len() > FEW => Self::Many(many, texts.len()),
            _ => Self::Few(texts.iter().map(|text| Finder::new(text).into_owned()).collect()),
        }
    }

    /// Whether none is looked for.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(finders) if finders.is_empty())
    }

    /// Whether one of them is there.
    pub(super) fn any_in(&self, message: &[u8]) -> bool {
        match self {
            Self::Few(finders) => finders.iter().any(|finder| finder.find(message).is_some()),
            Self::Many(many, _) => many.is_match(message),
        }
    }

    /// Whether all of them are there; `seen` is room to tick them off. As none is part of another
    /// one, at most one ends at each byte.
    pub(super) fn all_in(&self, message: &[u8], seen: &mut Vec<bool>) -> bool {
        let (many, count) = match self {
            Self::Few(finders) => {
                return finders.iter().all(|finder| finder.find(message).is_some());
            }
            Self::Many(many, count) => (many, *count),
        };
        seen.clear();
        seen.resize(count, false);
        let mut missing = count;
        for found in many.find_overlapping_iter(message) {
            if let Some(seen) = seen.get_mut(found.pattern().as_usize()).filter(|seen| !**seen) {
                *seen = true;
                missing -= 1;
                if missing == 0 {
                    return true;
                }
            }
        }
        false
    }
}

/// The texts without those that another one makes needless, and each only once.
fn without<'t>(texts: &[&'t [u8]], is_needless: impl Fn(&[u8], &[u8]) -> bool) -> Vec<&'t [u8]> {
    let is_kept = |at: usize| {
        let text = texts[at];
        !texts.iter().enumerate().any(|(other_at, other)| match *other == text {
            true => other_at < at,
            false => is_needless(text, other),
        })
    };
    (0..texts.len()).filter(|at| is_kept(*at)).map(|at| texts[at]).collect()
}

pub(super) fn is_within(part: &[u8], whole: &[u8]) -> bool {
    part.len() <= whole.len() && memchr::memmem::find(whole, part).is_some()
}
