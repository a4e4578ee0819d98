//! What is answered to a finding: nothing for whom policy protects, else a block that grows with
//! each return.

mod blocks;
mod history;
mod origins;

pub(crate) use blocks::{Blocks, Overlap};
pub(crate) use history::Past;
pub(crate) use origins::{Fit, Origins};

use monban_model::{Address, Backoff, Because, Net, Subject};

/// Whom no policy blocks.
#[derive(Debug, Default)]
pub(crate) struct Protected {
    pub(crate) allow: Vec<Net>,
    pub(crate) administrators: Vec<Address>,
    pub(crate) guests: Vec<Address>,
}

impl Protected {
    /// Why this subject is never blocked, if it is not. A subject that shares a single address
    /// with the allow list is protected whole.
    pub(crate) fn shields(&self, subject: Subject) -> Option<Because> {
        if let Some(net) = self.allow.iter().find(|net| net.overlaps(subject.net())) {
            return Some(Because::Allowed(*net));
        }
        let present = self.administrators.iter().any(|address| subject.contains(*address));
        present.then_some(Because::Administrator)
    }

    /// Whether somebody who is no administrator is logged in from there.
    pub(crate) fn is_guest(&self, subject: Subject) -> bool {
        self.guests.iter().any(|address| subject.contains(*address))
    }
}

/// The length of the next block in seconds, after `earlier` blocks; `None` is forever.
pub(crate) fn block_length_s(backoff: &Backoff, earlier: u32) -> Option<u64> {
    let first_s = backoff.first_s?;
    let growth = u64::from(backoff.factor).saturating_pow(earlier);
    Some(first_s.saturating_mul(growth).min(backoff.longest_s.max(first_s)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_doubles_to_a_week() {
        let backoff =
            Backoff { first_s: Some(600), factor: 2, longest_s: 604_800, forget_s: 30 * 86_400 };
        let lengths: Vec<_> = (0..12).map(|n| block_length_s(&backoff, n).unwrap()).collect();
        assert_eq!(lengths[..3], [600, 1200, 2400]);
        assert_eq!(lengths[9..], [307_200, 604_800, 604_800]);
        assert_eq!(block_length_s(&backoff, u32::MAX), Some(604_800));
        assert_eq!(block_length_s(&Backoff { first_s: None, ..backoff }, 3), None);
    }

    #[test]
    fn a_64_with_one_allowed_address_is_not_blocked() {
        let protected =
            Protected { allow: vec!["2001:db8::1".parse().unwrap()], ..Protected::default() };
        let subject = "2001:db8::/64".parse().unwrap();
        assert!(matches!(protected.shields(subject), Some(Because::Allowed(_))));
        assert_eq!(protected.shields("2001:db8:0:1::/64".parse().unwrap()), None);
    }
}
