//! Who was banned before, and how often.

use std::collections::HashMap;

use monban_engine::Bounded;
use monban_fail2ban::filter::Id;
use monban_model::limits::JAIL_KNOWN_MAX;

use crate::tickets::Key;

/// Earlier bans of one address in one jail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// How many.
    pub count: u32,
    /// When the last one was made, seconds since 1970.
    pub last: i64,
    /// For how long it was, in seconds; negative for ever.
    pub seconds: i64,
}

/// How many times as long as its last ban an address is remembered.
const OUTDATED: i64 = 3;

/// All that are known.
pub(crate) struct Bad {
    known: Bounded<(Key, Id), Known>,
    /// In how many jails an address is known: most are in none.
    jails: HashMap<Id, u32>,
}

impl Default for Bad {
    fn default() -> Self {
        Self { known: Bounded::new(JAIL_KNOWN_MAX), jails: HashMap::new() }
    }
}

impl Bad {
    /// Earlier bans in one jail.
    pub(crate) fn in_jail(&self, jail: Key, id: &Id) -> Option<Known> {
        self.known.get(&(jail, id.clone())).copied()
    }

    /// Earlier bans in all of these jails together.
    pub(crate) fn in_all(&self, jails: impl Iterator<Item = Key>, id: &Id) -> Option<Known> {
        self.jails.get(id)?;
        jails.filter_map(|jail| self.in_jail(jail, id)).reduce(|one, other| Known {
            count: one.count.saturating_add(other.count),
            last: one.last.max(other.last),
            seconds: one.seconds.saturating_add(other.seconds),
        })
    }

    /// A ban was made.
    pub(crate) fn note(&mut self, jail: Key, id: &Id, known: Known) {
        let key = (jail, id.clone());
        if !self.known.contains(&key) {
            while self.known.len() >= JAIL_KNOWN_MAX {
                let Some(((_, oldest), _)) = self.known.oldest() else { break };
                let oldest = oldest.clone();
                self.known.evict();
                self.leave(&oldest);
            }
            *self.jails.entry(id.clone()).or_default() += 1;
        }
        *self.known.entry(key) = known;
    }

    /// An operator freed it: nothing is held against it.
    pub(crate) fn forget(&mut self, jail: Key, id: &Id) {
        if self.known.remove(&(jail, id.clone())).is_some() {
            self.leave(id);
        }
    }

    fn leave(&mut self, id: &Id) {
        if let Some(count) = self.jails.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.jails.remove(id);
            }
        }
    }

    /// Forgets whose last ban is long over; `purge_s` is `dbpurgeage`.
    pub(crate) fn sweep(&mut self, now: i64, purge_s: i64) {
        let before = now.saturating_sub(purge_s);
        let is_old = |known: &Known| {
            let over = known.last.saturating_add(known.seconds.saturating_mul(OUTDATED));
            known.seconds >= 0 && known.last < before && over < before
        };
        let old: Vec<(Key, Id)> = self
            .known
            .iter()
            .filter(|(_, known)| is_old(known))
            .map(|(key, _)| key.clone())
            .collect();
        for (jail, id) in old {
            self.forget(jail, &id);
        }
    }

    /// Moves all times by so many seconds: the clock was set.
    pub(crate) fn shift(&mut self, seconds: i64) {
        self.known.change_all(|known| known.last = known.last.saturating_add(seconds));
    }

    /// Puts back what was saved.
    pub(crate) fn restore(&mut self, jail: Key, id: Id, known: Known) {
        let len = self.known.len();
        self.known.restore((jail, id.clone()), known);
        if self.known.len() > len {
            *self.jails.entry(id).or_default() += 1;
        }
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.known.evicted()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.known.waiting()
    }

    pub(crate) fn take_changes(
        &mut self,
        gone: impl FnMut((Key, Id)),
        now: impl FnMut(&(Key, Id), &Known),
    ) {
        self.known.take_changes(gone, now);
    }
}
