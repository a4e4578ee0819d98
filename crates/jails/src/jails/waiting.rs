//! Bans of jails that do not run now. They go on if their jail comes back before they are over.

use std::collections::{BTreeMap, VecDeque};

use monban_fail2ban::filter::Id;
use monban_model::JailRowKind;
use monban_model::limits::JAIL_BANS_MAX;

use super::Jails;
use crate::bans::{Asks, Ban};
use crate::jail::Jail;
use crate::rows;
use crate::tickets::Key;
use crate::told::{News, Told};

/// Bans in the order in which they came. Each says itself for how long it is.
#[derive(Default)]
pub(super) struct Waiting {
    bans: VecDeque<(Key, Id, Ban)>,
    /// Those that had to make room.
    evicted: u64,
}

impl Waiting {
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Those that a run has made that observed.
    pub(super) fn take_observed(&mut self) -> Vec<(Key, Id, Ban)> {
        let all = std::mem::take(&mut self.bans).into_iter();
        let (observed, others): (Vec<_>, Vec<_>) = all.partition(|(_, _, ban)| ban.observed);
        self.bans = others.into();
        observed
    }
}

impl Jails {
    /// A jail runs no more, and its bans end with it until its return.
    pub(super) fn stopped(&mut self, mut jail: Jail) {
        self.lose_waiting(&mut jail);
        let parked = jail.bans.iter().map(|(id, _)| super::news(&jail, Some(id), Told::Parked));
        self.news.extend(parked);
        self.news.push(super::news(&jail, None, Told::Stopped));
        self.park(jail);
    }

    /// The bans of a jail that runs no more wait for its return.
    fn park(&mut self, mut jail: Jail) {
        for (id, ban) in jail.bans.take_changes() {
            if ban.is_none() {
                self.changed.push(rows::no_row(&jail.name, JailRowKind::Ban, &id));
            }
        }
        for (id, ban) in jail.bans.iter() {
            let end = ban.end(jail.settings.bantime_s);
            self.wait(jail.key, id.clone(), ban.clone(), end);
        }
    }

    /// A ban of a jail that does not run. Nobody takes it for one that is in force.
    pub(super) fn wait(&mut self, key: Key, id: Id, mut ban: Ban, end: i64) {
        let seconds = if end == i64::MAX { -1 } else { end.saturating_sub(ban.since) };
        ban.seconds = Some(seconds);
        ban.asks = Asks::default();
        self.changed.push(rows::waiting_row(self.name_of(key), &id, &ban));
        self.waiting.bans.push_back((key, id, ban));
        while self.waiting.bans.len() > JAIL_BANS_MAX {
            let Some((key, id, _)) = self.waiting.bans.pop_front() else { break };
            self.changed.push(rows::no_row(self.name_of(key), JailRowKind::Ban, &id));
            self.waiting.evicted += 1;
        }
    }

    /// The bans of a jail that is back.
    pub(super) fn take_waiting(&mut self) -> Vec<(usize, Id, Ban)> {
        let mut back = Vec::new();
        for (key, id, ban) in std::mem::take(&mut self.waiting.bans) {
            match self.number_of(key) {
                Some(number) => back.push((number, id, ban)),
                None => self.waiting.bans.push_back((key, id, ban)),
            }
        }
        back
    }

    /// Forgets the bans that are over, and tells how many that were.
    pub(super) fn sweep_waiting(&mut self, now: i64) {
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        self.forget_waiting(&mut |key, _, ban| {
            let is_over = ban.end(-1) < now;
            *counts.entry(key).or_default() += u64::from(is_over);
            is_over
        });
        for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let jail = self.name_of(key).to_owned();
            self.news.push(News { jail, id: None, told: Told::Forgotten { count } });
        }
    }

    /// Bans that do not come back with their jail.
    pub(super) fn forget_waiting(&mut self, is_over: &mut dyn FnMut(Key, &Id, &Ban) -> bool) {
        let (names, changed) = (&self.names, &mut self.changed);
        self.waiting.bans.retain(|(key, id, ban)| {
            let goes = is_over(*key, id, ban);
            if goes {
                let name = names.get(*key as usize).map_or("", String::as_str);
                changed.push(rows::no_row(name, JailRowKind::Ban, id));
            }
            !goes
        });
    }

    /// Moves all times by so many seconds: the clock was set.
    pub(super) fn shift_waiting(&mut self, seconds: i64) {
        for (key, id, mut ban) in std::mem::take(&mut self.waiting.bans) {
            ban.since = ban.since.saturating_add(seconds);
            let end = ban.end(-1);
            self.wait(key, id, ban, end);
        }
    }

    pub(super) fn name_of(&self, key: Key) -> &str {
        self.names.get(key as usize).map_or("", String::as_str)
    }
}
