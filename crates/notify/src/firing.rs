//! What lasts: it is told when it begins, again while it lasts, and when it is over.

use std::collections::BTreeSet;

use monban_model::limits::{FIRING_LABELS_BYTES_MAX, FIRING_MAX, TOPICS_MAX};
use monban_model::{Publication, Seq, Severity, Stamp, glob_fits};

use crate::bunch::{Bunch, Item};
use crate::group::{Group, GroupKey};
use crate::router::Router;
use crate::subscriber::Awaiting;

/// Groups that one thing is a member of; it is in one of each topic, unless its labels change.
pub(crate) const FIRING_GROUPS_MAX: usize = 2 * TOPICS_MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Firing {
    /// The last publication of it.
    pub(crate) publication: Publication,
    /// When it began.
    pub(crate) since: Stamp,
    /// A bit for each subscription that was told.
    pub(crate) told: u64,
    /// Somebody looks after it.
    pub(crate) acknowledged: bool,
    /// It is kept quiet since it began, and told when that ends.
    pub(crate) waiting: bool,
    pub(crate) groups: Vec<GroupKey>,
    pub(crate) touched: u64,
    /// A bit for each inhibition that it is a source of.
    pub(crate) inhibits: u32,
}

impl Firing {
    /// It belongs to these groups, too: with other labels it may have come into others. Gives
    /// back those that it has no room for.
    fn join(&mut self, groups: Vec<GroupKey>) -> Vec<GroupKey> {
        let mut left = Vec::new();
        for key in groups {
            if self.groups.contains(&key) {
                continue;
            }
            let to =
                if self.groups.len() < FIRING_GROUPS_MAX { &mut self.groups } else { &mut left };
            to.push(key);
        }
        left
    }
}

impl Router {
    /// Something began, or happened again while it lasts.
    pub(crate) fn fire(&mut self, mut publication: Publication) {
        self.own.counters.cut += trim_labels(&mut publication);
        let touched = self.next_touch();
        let inhibits = self.inhibits(&publication);
        let Some(before) = self.firing.get(&publication.key).cloned() else {
            return self.begin_firing(publication, touched, inhibits);
        };
        self.forget_order(&before);
        // Its labels may have changed, and with them what is kept quiet.
        if before.waiting || before.inhibits != 0 {
            self.recheck = Some(self.at.now);
        }
        let rises = publication.severity > before.publication.severity;
        let severity = publication.severity.max(before.publication.severity);
        let mut firing = Firing { touched, inhibits, ..before };
        firing.publication = publication;
        firing.publication.severity = severity;
        if !firing.waiting && rises {
            firing.acknowledged = false;
            let joined = self.route(&firing.publication, true);
            let left = firing.join(joined);
            self.leave_groups(&firing.publication.key, &left);
        } else if !firing.waiting && !firing.acknowledged && !self.is_quiet(&firing.publication) {
            self.say_again(&firing);
        }
        self.keep_firing(firing);
    }

    /// What lasts was published again, and is told again.
    fn say_again(&mut self, firing: &Firing) {
        let now = self.at.now;
        let item = Item { seq: firing.publication.seq, severity: firing.publication.severity };
        for key in &firing.groups {
            let interval_s = self.topics[usize::from(key.0)].group_interval_s;
            self.groups.change(key, |group| {
                // Its begin is still to be told otherwise.
                if group.told.is_some() {
                    group.again.add(item);
                    group.due = group.due.min(group.next(now, interval_s));
                }
            });
        }
    }

    fn begin_firing(&mut self, publication: Publication, touched: u64, inhibits: u32) {
        if self.firing.len() >= FIRING_MAX
            && let Some((_, _, key)) = self.firing_order.first().cloned()
        {
            self.own.counters.firing_evicted += 1;
            self.end_firing(&key);
        }
        let waiting = self.is_quiet(&publication);
        let groups = self.route(&publication, !waiting);
        let since = publication.time;
        let firing = Firing {
            publication,
            since,
            told: 0,
            acknowledged: false,
            waiting,
            groups,
            touched,
            inhibits,
        };
        self.keep_firing(firing);
        if waiting {
            self.find_recheck();
        }
    }

    /// Puts something saved back.
    pub(crate) fn restore_firing(&mut self, key: String, firing: Firing) {
        self.count_inhibits(firing.inhibits, 1);
        let severity = firing.publication.severity;
        self.firing_order.insert((severity, firing.touched, key.clone()));
        self.firing.restore(key, firing);
    }

    fn keep_firing(&mut self, firing: Firing) {
        self.count_inhibits(firing.inhibits, 1);
        let publication = &firing.publication;
        let key = publication.key.clone();
        self.firing_order.insert((publication.severity, firing.touched, key.clone()));
        self.firing.insert(key, firing);
    }

    /// Takes it out of the orders; it is put back or forgotten next.
    fn forget_order(&mut self, firing: &Firing) {
        self.count_inhibits(firing.inhibits, -1);
        let publication = &firing.publication;
        let place = (publication.severity, firing.touched, publication.key.clone());
        self.firing_order.remove(&place);
    }

    fn count_inhibits(&mut self, inhibits: u32, step: i32) {
        for (at, count) in self.inhibiting.iter_mut().enumerate() {
            if inhibits >> at & 1 == 1 {
                *count = count.saturating_add_signed(step);
            }
        }
    }

    fn leave_groups(&mut self, key: &str, groups: &[GroupKey]) {
        let now = self.at.now;
        for group in groups {
            self.groups.change(group, |group| {
                group.members.remove(key);
                if group.members.is_empty() && group.pending.is_empty() {
                    group.due = group.due.min(now);
                }
            });
        }
    }

    /// Forgets it, and gives what was known.
    fn end_firing(&mut self, key: &String) -> Option<Firing> {
        let firing = self.firing.remove(key)?;
        self.forget_order(&firing);
        self.leave_groups(key, &firing.groups);
        if firing.inhibits != 0 {
            self.recheck = Some(self.at.now);
        }
        Some(firing)
    }

    /// It is over.
    pub(crate) fn resolve(&mut self, publication: &Publication) {
        let Some(firing) = self.end_firing(&publication.key) else {
            self.own.counters.unknown_ends += 1;
            return;
        };
        self.no_longer_await(&firing);
        if firing.waiting {
            return;
        }
        let item = Item { seq: publication.seq, severity: firing.publication.severity };
        let now = self.at.now;
        for key in &firing.groups {
            let Some(group) = self.groups.get(key) else { continue };
            let is_over = self.told_members(group).next().is_none();
            let interval_s = self.topics[usize::from(key.0)].group_interval_s;
            self.groups.change(key, |group| {
                group.resolved.add(item);
                group.resolved_to |= firing.told;
                // Unless its begin is still to be told: then both are told, one after the other.
                if group.pending.is_empty() {
                    let next = if is_over { now } else { group.next(now, interval_s) };
                    group.due = group.due.min(next);
                }
            });
        }
    }

    /// These were told to those subscriptions.
    pub(crate) fn mark_told(&mut self, group: &Group, taken: u64) {
        for key in &group.members {
            let is_waiting = |firing: &&Firing| !firing.waiting;
            let Some(firing) = self.firing.get(key).filter(is_waiting) else { continue };
            let severity = firing.publication.severity;
            let fits =
                |at: usize| taken >> at & 1 == 1 && self.subs[at].config.severity <= severity;
            let told =
                (0..self.subs.len()).filter(|at| fits(*at)).fold(0, |mask, at| mask | 1 << at);
            if firing.told | told != firing.told
                && let Some(firing) = self.firing.get_mut(key)
            {
                firing.told |= told;
            }
        }
    }

    /// What was kept quiet and is not any more is told now.
    pub(crate) fn tell_waiting(&mut self) {
        let is_waiting = |(_, firing): &(&String, &Firing)| firing.waiting;
        let keys: Vec<String> =
            self.firing.iter().filter(is_waiting).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(firing) = self.firing.get(&key) else { continue };
            if self.why_quiet(&firing.publication).is_some() {
                continue;
            }
            let (publication, mut left) = (firing.publication.clone(), firing.groups.clone());
            let joined = self.route(&publication, true);
            // Nothing of it was told where other labels had put it meanwhile.
            left.retain(|group| !joined.contains(group));
            self.leave_groups(&key, &left);
            if let Some(firing) = self.firing.get_mut(&key) {
                (firing.waiting, firing.groups) = (false, joined);
            }
        }
    }

    /// Whether something is kept quiet and waits to be told.
    pub(crate) fn has_waiting(&self) -> bool {
        self.firing.iter().any(|(_, firing)| firing.waiting)
    }

    /// Somebody looks after all whose key fits, or that is told in a thread that does; `*` and `?`
    /// stand for any text, unless there is something of exactly that key: a stranger may have
    /// chosen a part of it.
    pub(crate) fn acknowledge(&mut self, wanted: &str) -> usize {
        let threads_of = |firing: &Firing| {
            let groups = firing.groups.iter().filter_map(|key| self.groups.get(key));
            groups.map(|group| group.thread.clone()).collect::<Vec<String>>()
        };
        let is_key = self.firing.iter().any(|(key, _)| key == wanted);
        let fits = |text: &str| if is_key { text == wanted } else { glob_fits(wanted, text) };
        let (mut keys, mut threads) = (Vec::new(), BTreeSet::new());
        for (key, firing) in self.firing.iter() {
            let its_threads = threads_of(firing);
            if fits(key) || its_threads.iter().any(|it| fits(it)) {
                keys.push(key.clone());
                threads.extend(its_threads);
            }
        }
        let mut found = keys.len();
        for key in &keys {
            if let Some(firing) = self.firing.get_mut(key) {
                firing.acknowledged = true;
            }
        }
        for sub in &mut self.subs {
            let is_meant = |it: &mut Awaiting| threads.contains(&it.thread) || fits(&it.thread);
            for it in sub.awaiting.extract_if(.., is_meant) {
                sub.changed = true;
                // What lasts was counted already.
                found += usize::from(!threads.contains(&it.thread));
            }
        }
        found
    }

    /// What is over does not escalate, unless something else lasts in its group.
    fn no_longer_await(&mut self, firing: &Firing) {
        for key in &firing.groups {
            let Some(group) = self.groups.get(key).filter(|group| group.members.is_empty()) else {
                continue;
            };
            for sub in &mut self.subs {
                let before = sub.awaiting.len();
                sub.awaiting.retain(|it| it.thread != group.thread);
                sub.changed |= before != sub.awaiting.len();
            }
        }
    }
}

/// Leaves out the labels that have no room, the last ones by name. How many these are.
fn trim_labels(publication: &mut Publication) -> u64 {
    let mut left = FIRING_LABELS_BYTES_MAX;
    let before = publication.labels.len();
    publication.labels.retain(|(name, value)| {
        let size = name.len() + value.len() + 8;
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    });
    (before - publication.labels.len()) as u64
}

/// One record as a bunch.
pub(crate) fn bunch_of(seq: Seq, severity: Severity) -> Bunch {
    let mut bunch = Bunch::default();
    bunch.add(Item { seq, severity });
    bunch
}
