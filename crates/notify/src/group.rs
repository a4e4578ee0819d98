//! What belongs together is told together.

use std::collections::BTreeSet;

use monban_model::{Severity, Stamp, Theme};

use crate::bunch::{Bunch, Item};
use crate::shelf::Shelf;

/// The place of the topic, and what the group has in common.
pub(crate) type GroupKey = (u8, String);

/// Of the same login so many in a row are told one by one; then they are gathered, and one for
/// each time of gathering is told by itself again.
const SINGLY: u64 = 10;

/// Never: there is nothing to be done by itself.
pub(crate) const NEVER: Stamp = Stamp(i64::MAX);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Not told yet.
    pub(crate) pending: Bunch,
    /// Over, and that is not told yet.
    pub(crate) resolved: Bunch,
    /// The subscriptions that were told that it began.
    pub(crate) resolved_to: u64,
    /// What lasts was published again, and that is not told yet.
    pub(crate) again: Bunch,
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
    /// For how much time ahead messages were told one by one: each stands for the time of
    /// gathering that it should have waited.
    pub(crate) ahead: Option<Stamp>,
}

impl Group {
    pub(crate) fn new(thread: String, theme: Theme, since: Stamp) -> Self {
        Self {
            pending: Bunch::default(),
            resolved: Bunch::default(),
            resolved_to: 0,
            again: Bunch::default(),
            told: None,
            told_severity: Severity::Info,
            due: NEVER,
            touched: 0,
            since,
            thread,
            theme,
            members: BTreeSet::new(),
            ahead: None,
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
            Some(_) => self.next(now, interval_s),
        };
        self.due = if self.pending.is_empty() { due } else { self.due.min(due) };
        self.pending.add(item);
        self.theme = theme;
    }

    /// When it is told next, at the earliest.
    pub(crate) fn next(&self, now: Stamp, interval_s: u64) -> Stamp {
        self.told.map_or(now, |told| now.max(told.plus_s(interval_s)))
    }

    /// Whether it has nothing to tell.
    pub(crate) fn rests(&self) -> bool {
        self.pending.is_empty() && self.again.is_empty() && self.resolved.is_empty()
    }

    /// Whether one more may be told by itself, though others like it were told a moment ago.
    pub(crate) fn may_be_single(&mut self, now: Stamp, interval_s: u64) -> bool {
        let ahead = self.ahead.map_or(now, |ahead| ahead.max(now));
        let most = now.plus_s(interval_s.saturating_mul(SINGLY - 1));
        let is_single = self.pending.is_empty() && ahead <= most;
        if is_single {
            self.ahead = Some(ahead.plus_s(interval_s));
        }
        is_single
    }
}

/// All groups, with what is due and what makes room first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) shelf: Shelf<GroupKey, Group>,
    due: BTreeSet<(Stamp, GroupKey)>,
    /// By their last touch: those in which nothing lasts, which make room first, and the others.
    order: [BTreeSet<(u64, GroupKey)>; 2],
}

/// Which of the orders a group is in.
fn order_of(group: &Group) -> usize {
    usize::from(!group.members.is_empty())
}

impl Groups {
    pub(crate) fn len(&self) -> usize {
        self.shelf.len()
    }

    /// How many there are in which nothing lasts.
    pub(crate) fn passing(&self) -> usize {
        self.order[0].len()
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
        let before = (group.due, (order_of(group), group.touched));
        let done = change(group);
        let after = (group.due, (order_of(group), group.touched));
        if before.0 != after.0 {
            self.due.remove(&(before.0, key.clone()));
            self.due.insert((after.0, key.clone()));
        }
        if before.1 != after.1 {
            self.order[before.1.0].remove(&(before.1.1, key.clone()));
            self.order[after.1.0].insert((after.1.1, key.clone()));
        }
        Some(done)
    }

    pub(crate) fn insert(&mut self, key: GroupKey, group: Group) {
        self.due.insert((group.due, key.clone()));
        self.order[order_of(&group)].insert((group.touched, key.clone()));
        self.shelf.insert(key, group);
    }

    pub(crate) fn restore(&mut self, key: GroupKey, group: Group) {
        self.due.insert((group.due, key.clone()));
        self.order[order_of(&group)].insert((group.touched, key.clone()));
        self.shelf.restore(key, group);
    }

    /// A saved member of a saved group.
    pub(crate) fn restore_member(&mut self, key: &GroupKey, member: &str) {
        if let Some(group) = self.shelf.get_unmarked(key) {
            let (before, place) = (order_of(group), (group.touched, key.clone()));
            group.members.insert(member.to_owned());
            self.order[before].remove(&place);
            self.order[order_of(group)].insert(place);
        }
    }

    /// When a saved group is to be looked at.
    pub(crate) fn restore_due(&mut self, key: &GroupKey, due: Stamp) {
        if let Some(group) = self.shelf.get_unmarked(key) {
            self.due.remove(&(group.due, key.clone()));
            group.due = due;
            self.due.insert((due, key.clone()));
        }
    }

    pub(crate) fn remove(&mut self, key: &GroupKey) -> Option<Group> {
        let group = self.shelf.remove(key)?;
        self.due.remove(&(group.due, key.clone()));
        self.order[order_of(&group)].remove(&(group.touched, key.clone()));
        Some(group)
    }

    pub(crate) fn first_due(&self, now: Stamp) -> Option<GroupKey> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, key)| key.clone())
    }

    pub(crate) fn first_to_go(&self) -> Option<GroupKey> {
        self.order.iter().find_map(|order| order.first()).map(|(_, key)| key.clone())
    }

    pub(crate) fn shift(&mut self, ms: i64) {
        self.shelf.change_all(|group| {
            group.told = group.told.map(|told| told.plus_ms(ms));
            group.ahead = group.ahead.map(|ahead| ahead.plus_ms(ms));
            if group.due < NEVER {
                group.due = group.due.plus_ms(ms);
            }
        });
        let due = self.shelf.iter().map(|(key, group)| (group.due, key.clone()));
        self.due = due.collect();
    }
}
