//! What groups tell: what began, what lasts and what is over, to each subscription of the topic.

use monban_model::limits::{NOTIFY_GROUPS_MAX, PASSING_GROUPS_MAX};
use monban_model::{Severity, Stamp, Standing};

use crate::bunch::{Bunch, Item};
use crate::effect::Reason;
use crate::firing::Firing;
use crate::group::{Group, GroupKey, NEVER};
use crate::offer::Parcel;
use crate::router::Router;
use crate::subscriber::For;

impl Router {
    /// Makes room for one more group.
    pub(crate) fn make_room_for_group(&mut self) {
        while self.groups.passing() >= PASSING_GROUPS_MAX || self.groups.len() >= NOTIFY_GROUPS_MAX
        {
            let Some(key) = self.groups.first_to_go() else { return };
            self.evict(&key);
        }
    }

    /// Forgets a group. What it had not told yet is counted in the next digest.
    fn evict(&mut self, key: &GroupKey) {
        let Some(group) = self.groups.remove(key) else { return };
        self.own.counters.groups_evicted += 1;
        let told = self.told_to(&group);
        for member in &group.members {
            if let Some(firing) = self.firing.get_mut(member) {
                firing.groups.retain(|it| it != key);
            }
        }
        for at in self.subs_of(usize::from(key.0)) {
            let mut part = group.pending.at_least(self.subs[at].config.severity);
            if (group.resolved_to | told) >> at & 1 == 1 {
                part.join(&group.again);
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
        let interval_s = self.topics[topic].group_interval_s;
        let is_over = self.told_members(&group).next().is_none();
        let (mut told, mut resolved_to) = (group.told, group.resolved_to);
        if !group.pending.is_empty() {
            let reason = if told.is_some() { Reason::More } else { Reason::First };
            let lasts = !is_over || !group.resolved.is_empty();
            let standing = if lasts { Standing::Firing } else { Standing::Once };
            let parcel = group.parcel(&group.pending, reason, standing);
            let taken = self.offer_all(topic, u64::MAX, &parcel);
            self.mark_told(&group, taken);
            resolved_to |= taken;
            told = Some(now);
        }
        if !group.resolved.is_empty() {
            let standing = if is_over { Standing::Resolved } else { Standing::Firing };
            let parcel = group.parcel(&group.resolved, Reason::Resolved, standing);
            self.offer_all(topic, resolved_to & self.wants_resolved(), &parcel);
            told = Some(now);
        }
        let is_due = !is_over && self.rest_until(topic, &group, told) <= now;
        let again = self.again(&group, is_due);
        if !again.is_empty() {
            let parcel = group.parcel(&again, Reason::Repeat, Standing::Firing);
            self.offer_all(topic, self.told_to(&group), &parcel);
        }
        if is_due || !again.is_empty() {
            told = Some(now);
        }
        let due = self.rest_until(topic, &group, told);
        if due <= now && group.members.is_empty() {
            self.groups.remove(key);
            return;
        }
        self.groups.change(key, |it| {
            if !group.pending.is_empty() {
                it.told_severity = group.pending.severity();
            }
            // What was gathered stands for its time as well, or singles would come beside it.
            if group.pending.total() > 1 {
                it.ahead = it.ahead.map(|ahead| ahead.max(now).plus_s(interval_s));
            }
            (it.told, it.due) = (told, due.max(now.plus_ms(1)));
            it.resolved_to = if is_over { 0 } else { resolved_to };
            for bunch in [&mut it.pending, &mut it.resolved, &mut it.again] {
                *bunch = Bunch::default();
            }
        });
    }

    /// Until when a group that has nothing to tell rests.
    pub(crate) fn rest_until(&self, topic: usize, group: &Group, told: Option<Stamp>) -> Stamp {
        let topic = &self.topics[topic];
        let mut lasting = self.told_members(group);
        match told {
            // Nothing of it was told, and nothing is left.
            None if group.members.is_empty() => Stamp(i64::MIN),
            Some(told) if group.members.is_empty() => told.plus_s(topic.group_interval_s),
            Some(told) if lasting.any(|it| !it.publication.repeats) => {
                topic.repeat_s.map_or(NEVER, |s| told.plus_s(s))
            }
            // What is kept quiet wakes it, or is published again.
            _ => NEVER,
        }
    }

    /// What lasts in a group and is not kept quiet from the beginning.
    pub(crate) fn told_members<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Firing> {
        let all = group.members.iter().filter_map(|key| self.firing.get(key));
        all.filter(|firing| !firing.waiting)
    }

    /// A bit for each subscription that was told of what lasts in a group.
    fn told_to(&self, group: &Group) -> u64 {
        self.told_members(group).fold(0, |mask, firing| mask | firing.told)
    }

    /// What lasts and is told again: what was published again, and, when that is due, what nobody
    /// publishes again, unless somebody looks after it or it is kept quiet now.
    fn again(&self, group: &Group, is_due: bool) -> Bunch {
        let mut bunch = group.again.clone();
        for firing in self.told_members(group).filter(|it| is_due && !it.acknowledged) {
            let publication = &firing.publication;
            if !publication.repeats && self.why_quiet(publication).is_none() {
                bunch.add(Item { seq: publication.seq, severity: publication.severity });
            }
        }
        bunch
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
