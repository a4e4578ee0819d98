//! What belongs together is told together.

use std::collections::BTreeSet;

use monban_model::limits::NOTIFY_GROUPS_MAX;
use monban_model::{Severity, Stamp, Standing, Theme};

use crate::bunch::{Bunch, Item};
use crate::effect::Reason;
use crate::offer::Parcel;
use crate::router::Router;
use crate::shelf::Shelf;
use crate::subscriber::For;

/// The place of the topic, and what the group has in common.
pub(crate) type GroupKey = (u8, String);

/// Never: there is nothing to be done by itself.
const NEVER: Stamp = Stamp(i64::MAX);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Not told yet.
    pub(crate) pending: Bunch,
    /// Over, and that is not told yet.
    pub(crate) resolved: Bunch,
    /// The subscriptions that were told that it began.
    pub(crate) resolved_to: u64,
    /// What lasts happened again since it was told.
    pub(crate) again: u64,
    /// When it was told last, and how urgent that was.
    pub(crate) told: Option<Stamp>,
    pub(crate) told_severity: Severity,
    /// When it is to be looked at next.
    pub(crate) due: Stamp,
    pub(crate) touched: u64,
    /// When it began.
    pub(crate) since: Stamp,
    pub(crate) thread: String,
    pub(crate) theme: Theme,
    /// The keys of what lasts in it.
    pub(crate) members: BTreeSet<String>,
}

impl Group {
    pub(crate) fn new(thread: String, theme: Theme, since: Stamp) -> Self {
        Self {
            pending: Bunch::default(),
            resolved: Bunch::default(),
            resolved_to: 0,
            again: 0,
            told: None,
            told_severity: Severity::Info,
            due: NEVER,
            touched: 0,
            since,
            thread,
            theme,
            members: BTreeSet::new(),
        }
    }

    /// Takes in something that is to be told.
    pub(crate) fn add(&mut self, item: Item, theme: Theme, now: Stamp, times: (u64, u64)) {
        let (wait_s, interval_s) = times;
        let is_critical = item.severity == Severity::Critical;
        let due = match self.told {
            // What is critical waits for nothing that is not.
            _ if is_critical && self.told_severity < Severity::Critical => now,
            None => now.plus_s(wait_s),
            Some(told) => now.max(told.plus_s(interval_s)),
        };
        self.due = if self.pending.is_empty() { due } else { self.due.min(due) };
        self.pending.add(item);
        self.theme = theme;
    }
}

/// All groups, with what is due and what makes room first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) shelf: Shelf<GroupKey, Group>,
    due: BTreeSet<(Stamp, GroupKey)>,
    /// Those in which something lasts make room last.
    order: BTreeSet<(bool, u64, GroupKey)>,
}

impl Groups {
    pub(crate) fn len(&self) -> usize {
        self.shelf.len()
    }

    pub(crate) fn get(&self, key: &GroupKey) -> Option<&Group> {
        self.shelf.get(key)
    }

    pub(crate) fn next_due(&self) -> Option<Stamp> {
        self.due.first().map(|(due, _)| *due).filter(|due| *due < NEVER)
    }

    /// Changes a group; its place in all orders follows.
    pub(crate) fn change<T>(
        &mut self,
        key: &GroupKey,
        change: impl FnOnce(&mut Group) -> T,
    ) -> Option<T> {
        let group = self.shelf.get_mut(key)?;
        let before = (group.due, (!group.members.is_empty(), group.touched));
        let done = change(group);
        let after = (group.due, (!group.members.is_empty(), group.touched));
        if before.0 != after.0 {
            self.due.remove(&(before.0, key.clone()));
            self.due.insert((after.0, key.clone()));
        }
        if before.1 != after.1 {
            self.order.remove(&(before.1.0, before.1.1, key.clone()));
            self.order.insert((after.1.0, after.1.1, key.clone()));
        }
        Some(done)
    }

    pub(crate) fn insert(&mut self, key: GroupKey, group: Group) {
        self.due.insert((group.due, key.clone()));
        self.order.insert((!group.members.is_empty(), group.touched, key.clone()));
        self.shelf.insert(key, group);
    }

    pub(crate) fn restore(&mut self, key: GroupKey, group: Group) {
        self.due.insert((group.due, key.clone()));
        self.order.insert((!group.members.is_empty(), group.touched, key.clone()));
        self.shelf.restore(key, group);
    }

    /// A saved member of a saved group.
    pub(crate) fn restore_member(&mut self, key: &GroupKey, member: &str) {
        if let Some(group) = self.shelf.get_unmarked(key) {
            let before = (!group.members.is_empty(), group.touched, key.clone());
            group.members.insert(member.to_owned());
            self.order.remove(&before);
            self.order.insert((true, before.1, before.2));
        }
    }

    pub(crate) fn remove(&mut self, key: &GroupKey) -> Option<Group> {
        let group = self.shelf.remove(key)?;
        self.due.remove(&(group.due, key.clone()));
        self.order.remove(&(!group.members.is_empty(), group.touched, key.clone()));
        Some(group)
    }

    fn first_due(&self, now: Stamp) -> Option<GroupKey> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, key)| key.clone())
    }

    fn first_to_go(&self) -> Option<GroupKey> {
        self.order.first().map(|(_, _, key)| key.clone())
    }

    pub(crate) fn shift(&mut self, ms: i64) {
        self.shelf.change_all(|group| {
            group.told = group.told.map(|told| told.plus_ms(ms));
            if group.due < NEVER {
                group.due = group.due.plus_ms(ms);
            }
        });
        let due = self.shelf.iter().map(|(key, group)| (group.due, key.clone()));
        self.due = due.collect();
    }
}

impl Router {
    /// Makes room for one more group. What it had not told yet is counted in the next digest.
    pub(crate) fn make_room_for_group(&mut self) {
        if self.groups.len() < NOTIFY_GROUPS_MAX {
            return;
        }
        let Some(key) = self.groups.first_to_go() else { return };
        let Some(group) = self.groups.remove(&key) else { return };
        self.own.counters.groups_evicted += 1;
        for member in &group.members {
            if let Some(firing) = self.firing.get_mut(member) {
                firing.groups.retain(|it| *it != key);
            }
        }
        for at in self.subs_of(usize::from(key.0)) {
            let mut part = group.pending.at_least(self.subs[at].config.severity);
            if group.resolved_to >> at & 1 == 1 {
                part.join(&group.resolved);
            }
            self.hold_for_room(at, &part);
        }
    }

    pub(crate) fn subs_of(&self, topic: usize) -> Vec<usize> {
        (0..self.subs.len()).filter(|at| self.subs[*at].topic == topic).collect()
    }

    /// Counts something in a digest that is told soon, as there is no room for it elsewhere.
    pub(crate) fn hold_for_room(&mut self, at: usize, bunch: &Bunch) {
        if bunch.is_empty() || !self.is_told(at, bunch.total()) {
            return;
        }
        let now = self.at.now;
        let due = now.plus_s(self.topics[self.subs[at].topic].group_interval_s.max(60));
        let sub = self.sub(at);
        sub.figures.overflowed = sub.figures.overflowed.saturating_add(bunch.total());
        sub.hold(For::Room, bunch, now, due);
    }

    pub(crate) fn flush_groups(&mut self) {
        while let Some(key) = self.groups.first_due(self.at.now) {
            self.flush(&key);
        }
    }

    /// Tells what a group has to tell, and finds when it is to be looked at again.
    fn flush(&mut self, key: &GroupKey) {
        let Some(group) = self.groups.get(key).cloned() else { return };
        let now = self.at.now;
        let topic = usize::from(key.0);
        let (interval_s, repeat_s) = {
            let topic = &self.topics[topic];
            (topic.group_interval_s, topic.repeat_s)
        };
        let lasting = self.told_members(&group);
        let standing = if lasting.is_empty() { Standing::Once } else { Standing::Firing };
        let mut resolved_to = group.resolved_to;
        let mut told = group.told;
        if !group.pending.is_empty() {
            let reason = if told.is_some() { Reason::More } else { Reason::First };
            let had = if group.resolved.is_empty() { standing } else { Standing::Firing };
            let taken = self.offer_all(topic, u64::MAX, &group.parcel(&group.pending, reason, had));
            self.mark_told(&lasting, taken);
            resolved_to |= taken;
            told = Some(now);
        }
        let is_over = !group.resolved.is_empty() && lasting.is_empty();
        if is_over {
            let parcel = group.parcel(&group.resolved, Reason::Resolved, Standing::Resolved);
            self.offer_all(topic, resolved_to & self.wants_resolved(), &parcel);
            told = Some(now);
        }
        let repeat_due = repeat_s.zip(told).is_some_and(|(s, told)| told.plus_s(s) <= now);
        let repeats = group.pending.is_empty() && !lasting.is_empty() && repeat_due;
        if repeats {
            self.repeat(topic, &group, &lasting);
            told = Some(now);
        }
        let due = match told {
            // Nothing of it was told, and nothing is left.
            None if group.members.is_empty() => now,
            Some(told) if group.members.is_empty() => told.plus_s(interval_s),
            Some(told) if !lasting.is_empty() => repeat_s.map_or(NEVER, |s| told.plus_s(s)),
            // What is kept quiet wakes it.
            _ => NEVER,
        };
        if due <= now && group.members.is_empty() {
            self.groups.remove(key);
            return;
        }
        self.groups.change(key, |it| {
            if !group.pending.is_empty() {
                it.told_severity = group.pending.severity();
            }
            (it.told, it.due, it.resolved_to) = (told, due.max(now.plus_ms(1)), resolved_to);
            it.pending = Bunch::default();
            if is_over {
                (it.resolved, it.resolved_to) = (Bunch::default(), 0);
            }
            if repeats || !group.pending.is_empty() {
                it.again = 0;
            }
        });
    }

    /// The keys of what lasts in a group and is not kept quiet from the beginning.
    fn told_members(&self, group: &Group) -> Vec<String> {
        let is_told = |key: &&String| self.firing.get(key).is_some_and(|firing| !firing.waiting);
        group.members.iter().filter(is_told).cloned().collect()
    }

    /// Says again what still lasts, to those who were told, unless somebody looks after it or it
    /// is kept quiet now.
    fn repeat(&mut self, topic: usize, group: &Group, lasting: &[String]) {
        let (mut bunch, mut to) = (Bunch::default(), 0);
        for key in lasting {
            let Some(firing) = self.firing.get(key) else { continue };
            let publication = &firing.publication;
            if firing.acknowledged || self.why_quiet(publication).is_some() {
                continue;
            }
            bunch.add(Item { seq: publication.seq, severity: publication.severity });
            to |= firing.told;
        }
        if !bunch.is_empty() {
            bunch.count(bunch.severity(), group.again);
            let parcel = group.parcel(&bunch, Reason::Repeat, Standing::Firing);
            self.offer_all(topic, to, &parcel);
        }
    }

    /// A bit for each subscription that is told of ends.
    fn wants_resolved(&self) -> u64 {
        let bits = self.subs.iter().enumerate().filter(|(_, sub)| sub.config.resolved);
        bits.fold(0, |mask, (at, _)| mask | 1 << at)
    }
}

impl Group {
    fn parcel(&self, bunch: &Bunch, reason: Reason, standing: Standing) -> Parcel {
        Parcel {
            bunch: bunch.clone(),
            reason,
            thread: self.thread.clone(),
            standing,
            theme: self.theme,
            since: self.since,
            depth: 0,
            passed_on: false,
            least: Severity::Info,
            service: None,
        }
    }
}
