//! Who is banned with which actions: what has to be taken back when a jail ends, and put back
//! after a repair.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use monban_model::limits::{BLOCKS_MAX, JAIL_ACTIONS_MAX};

use crate::filter::Id;

use super::ticket::Ticket;

/// The bans of a jail.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bans: BTreeMap<Id, Ban>,
    /// Bans of all jails; there are at most [`BLOCKS_MAX`].
    count: Arc<AtomicUsize>,
    /// Whether there was no room for some.
    missed: bool,
}

#[derive(Debug)]
struct Ban {
    /// A bit for each action.
    actions: u64,
    /// Those of them that failed: part of it may have been done.
    doubtful: u64,
    ticket: Box<[u8]>,
}

const _: () = assert!(JAIL_ACTIONS_MAX <= 64);

impl Kept {
    /// Counted together with those of other jails.
    pub fn within(count: Arc<AtomicUsize>) -> Self {
        Self { bans: BTreeMap::new(), count, missed: false }
    }

    /// An action made a ban.
    pub fn hold(&mut self, ticket: &Ticket, action: u32) {
        self.put(ticket, action, 0);
    }

    /// An action failed to make a ban: it is to be taken back, but it is not there.
    pub fn hold_in_doubt(&mut self, ticket: &Ticket, action: u32) {
        if !self.has(&ticket.id, action) {
            self.put(ticket, action, bit(action));
        }
    }

    fn put(&mut self, ticket: &Ticket, action: u32, doubtful: u64) {
        if let Some(ban) = self.bans.get_mut(&ticket.id) {
            ban.actions |= bit(action);
            ban.doubtful = ban.doubtful & !bit(action) | doubtful;
            return;
        }
        if self.count.fetch_add(1, Ordering::Relaxed) >= BLOCKS_MAX {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.missed = true;
            return;
        }
        let ticket = ticket.without_lines();
        let ban = Ban { actions: bit(action), doubtful, ticket: ticket.to_bytes().into() };
        self.bans.insert(ticket.id, ban);
    }

    /// Of no ban with an action it is sure that it is there.
    pub fn doubt_all(&mut self, action: u32) {
        for ban in self.bans.values_mut() {
            ban.doubtful |= ban.actions & bit(action);
        }
    }

    pub fn release(&mut self, id: &Id, action: u32) {
        if let Some(ban) = self.bans.get_mut(id) {
            ban.actions &= !bit(action);
            if ban.actions == 0 {
                self.bans.remove(id);
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Nobody is banned with an action any more.
    pub fn release_all(&mut self, action: u32) {
        let before = self.bans.len();
        self.bans.retain(|_, ban| {
            ban.actions &= !bit(action);
            ban.actions != 0
        });
        self.count.fetch_sub(before - self.bans.len(), Ordering::Relaxed);
    }

    /// Whether somebody is banned with an action.
    pub fn has(&self, id: &Id, action: u32) -> bool {
        self.bans.get(id).is_some_and(|ban| ban.actions & !ban.doubtful & bit(action) != 0)
    }

    /// Whether a ban with an action was tried and not taken back.
    pub fn may_have(&self, id: &Id, action: u32) -> bool {
        self.bans.get(id).is_some_and(|ban| ban.actions & bit(action) != 0)
    }

    /// Who is banned with an action.
    pub fn of(&self, action: u32) -> impl Iterator<Item = Ticket> {
        let own =
            self.bans.values().filter(move |ban| ban.actions & !ban.doubtful & bit(action) != 0);
        own.filter_map(|ban| Ticket::from_bytes(&ban.ticket))
    }

    /// Whose bans with an action are to be taken back.
    pub fn to_end(&self, action: u32) -> impl Iterator<Item = Ticket> {
        let own = self.bans.values().filter(move |ban| ban.actions & bit(action) != 0);
        own.filter_map(|ban| Ticket::from_bytes(&ban.ticket))
    }

    /// Whether there was room for all.
    pub fn is_whole(&self) -> bool {
        !self.missed
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.count.fetch_sub(self.bans.len(), Ordering::Relaxed);
    }
}

const fn bit(action: u32) -> u64 {
    match 1_u64.checked_shl(action) {
        Some(bit) => bit,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ticket::Time;
    use super::*;

    #[test]
    fn a_ban_is_kept_until_its_last_action_lets_go() {
        let count = Arc::new(AtomicUsize::new(0));
        let mut kept = Kept::within(Arc::clone(&count));
        let mut ticket = Ticket::new(Id::of_text("192.0.2.1"), Time::Whole(1));
        ticket.matches = vec!["a line".to_owned()];
        ticket.captures.insert("user".to_owned(), "root".to_owned());
        kept.hold(&ticket, 0);
        kept.hold(&ticket, 3);
        kept.release(&ticket.id, 0);
        assert!(kept.has(&ticket.id, 3) && !kept.has(&ticket.id, 0));
        let [held] = &kept.of(3).collect::<Vec<_>>()[..] else { panic!("one") };
        assert_eq!((held.matches.len(), held.captures.len()), (0, 1));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        kept.release_all(3);
        assert_eq!((kept.of(3).count(), count.load(Ordering::Relaxed)), (0, 0));
        kept.hold(&ticket, 1);
        drop(kept);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_ban_that_failed_is_not_there_and_is_taken_back() {
        let mut kept = Kept::default();
        let ticket = Ticket::new(Id::of_text("192.0.2.1"), Time::Whole(1));
        kept.hold_in_doubt(&ticket, 2);
        assert!(!kept.has(&ticket.id, 2) && kept.may_have(&ticket.id, 2));
        assert_eq!((kept.of(2).count(), kept.to_end(2).count()), (0, 1));
        kept.hold(&ticket, 2);
        assert!(kept.has(&ticket.id, 2));
        // Once more in vain: what was there may still be.
        kept.hold_in_doubt(&ticket, 2);
        assert_eq!(kept.of(2).count(), 1);
        kept.doubt_all(2);
        assert_eq!((kept.of(2).count(), kept.to_end(2).count()), (0, 1));
        kept.hold_in_doubt(&ticket, 3);
        kept.release(&ticket.id, 2);
        kept.release(&ticket.id, 3);
        assert_eq!(kept.to_end(3).count(), 0);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut kept = Kept::within(Arc::new(AtomicUsize::new(BLOCKS_MAX)));
        kept.hold(&Ticket::new(Id::of_text("192.0.2.1"), Time::Whole(1)), 0);
        assert!(!kept.is_whole() && kept.of(0).count() == 0);
        kept.count.store(0, Ordering::Relaxed);
    }
}
