//! Orders that wait for their turn, and those that are on their way. Each jail has its own, so that
//! slow actions of one hold up no other.
//!
//! What is to be asked for about a ban waits with the ban itself ([`crate::bans::Asks`]) and is
//! gone with it; of whole jails each order waits once. Only ends of bans are kept here, one for
//! each address.

use std::collections::{BTreeMap, HashMap};

use monban_fail2ban::filter::Id;
use monban_model::JailJob;
use monban_model::limits::{
    JAIL_BANS_MAX, JAIL_ENDS_BYTES_MAX, JAIL_ENDS_MAX, JAIL_UNDERWAY_MAX, JAILS_UNDERWAY_BYTES_MAX,
    JAILS_UNDERWAY_MAX,
};

use crate::bans::Ban;
use crate::jail::Jail;
use crate::tickets::Key;

/// All orders that have no outcome yet.
#[derive(Default)]
pub(super) struct Outbox {
    lanes: BTreeMap<Key, Lane>,
    underway: HashMap<u64, Underway>,
    /// Ends that wait in all lanes, and what their lines and captures take.
    ends: usize,
    end_bytes: usize,
    /// Ends that lost their captures for want of room.
    cut: u64,
}

/// The orders of one jail.
#[derive(Default)]
struct Lane {
    start: bool,
    reload: bool,
    check: bool,
    /// Bans that end together, before all other ends.
    flush: Option<BTreeMap<Id, End>>,
    ends: BTreeMap<u64, End>,
    by_id: HashMap<Id, u64>,
    next: u64,
    /// Bans and ends take turns.
    ended: bool,
    /// Ends that are on their way: the order, and the place in it.
    away: HashMap<Id, (u64, usize)>,
    /// What is on its way, and bytes of its tickets.
    underway: usize,
    bytes: usize,
    /// When something came back last, or left while nothing was on its way.
    heard_s: i64,
    /// It was told since that nothing comes back.
    is_told: bool,
}

/// The end of a ban.
#[derive(Debug)]
pub(super) struct End {
    pub id: Id,
    pub ban: Box<Ban>,
    /// Which actions end it; empty for all.
    pub actions: Vec<u32>,
}

/// What an order is about.
pub(super) enum About {
    /// The whole jail.
    Jail,
    /// Whoever is banned.
    Ban(Id),
    /// Whoever was.
    End(End),
    /// All bans that end together: actions that cannot do that end them one by one.
    All(Vec<End>),
}

/// An order whose outcome is not known.
pub(super) struct Underway {
    pub key: Key,
    pub job: JailJob,
    pub id: Option<Id>,
    /// Bans that end with it.
    pub ends: Vec<End>,
    pub bytes: usize,
}

/// What one of so many jails may have.
#[derive(Clone, Copy)]
pub(super) struct Share {
    orders: usize,
    bytes: usize,
    ends: usize,
}

impl Share {
    pub(super) fn of(jails: usize) -> Self {
        let jails = jails.max(1);
        Self {
            orders: (JAILS_UNDERWAY_MAX / jails).clamp(1, JAIL_UNDERWAY_MAX),
            bytes: JAILS_UNDERWAY_BYTES_MAX / jails,
            ends: (JAIL_ENDS_MAX / jails).max(1),
        }
    }
}

impl Outbox {
    pub(super) fn shift(&mut self, seconds: i64) {
        for lane in self.lanes.values_mut() {
            lane.heard_s = lane.heard_s.saturating_add(seconds);
        }
    }

    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// An order about a whole jail; once is enough.
    pub(super) fn ask(&mut self, key: Key, job: JailJob) {
        let lane = self.lanes.entry(key).or_default();
        match job {
            JailJob::Start => lane.start = true,
            JailJob::Reload => lane.reload = true,
            JailJob::Check => lane.check = true,
            // These are about bans, or leave at once.
            _ => {}
        }
    }

    /// The end of a ban. Of somebody whose end waits already it is the same.
    pub(super) fn end(&mut self, key: Key, mut end: End) {
        let Self { end_bytes, cut, .. } = self;
        if *end_bytes + end.ban.bytes() > JAIL_ENDS_BYTES_MAX {
            end.ban.lines = Vec::new();
        }
        if *end_bytes + end.ban.bytes() > JAIL_ENDS_BYTES_MAX {
            end.ban.facts.captures = BTreeMap::new();
            *cut += 1;
        }
        if let Some(before) = self.take_end_of(key, &end.id) {
            match before.actions.is_empty() {
                true => end.actions.clear(),
                false if end.actions.is_empty() => {}
                false => end.actions.extend(before.actions),
            }
        }
        self.ends += 1;
        self.end_bytes += end.ban.bytes();
        let lane = self.lanes.entry(key).or_default();
        lane.by_id.insert(end.id.clone(), lane.next);
        lane.ends.insert(lane.next, end);
        lane.next += 1;
    }

    /// All bans of a jail end, with those whose end waits.
    pub(super) fn flush(&mut self, key: Key, bans: Vec<End>) {
        let lane = self.lanes.entry(key).or_default();
        let mut all = lane.flush.take().unwrap_or_default();
        lane.by_id.clear();
        let mut gone = Vec::new();
        for end in std::mem::take(&mut lane.ends).into_values() {
            gone.extend(all.insert(end.id.clone(), end));
        }
        for end in bans {
            self.ends += 1;
            self.end_bytes += end.ban.bytes();
            gone.extend(all.insert(end.id.clone(), end));
        }
        lane.flush = Some(all);
        gone.iter().for_each(|end| self.uncount(end));
    }

    /// The ban of somebody whose end waits, or is on its way.
    pub(super) fn ending(&self, key: Key, id: &Id) -> Option<&Ban> {
        let lane = self.lanes.get(&key)?;
        let flushed = || lane.flush.as_ref().and_then(|all| all.get(id));
        let away = || {
            let (order, at) = lane.away.get(id)?;
            self.underway.get(order)?.ends.get(*at)
        };
        let end = lane.by_id.get(id).and_then(|at| lane.ends.get(at)).or_else(flushed);
        end.or_else(away).map(|end| &*end.ban)
    }

    /// The actions of a jail begin anew: they are started, and have nothing to flush yet.
    pub(super) fn begin(&mut self, key: Key) {
        let lane = self.lanes.entry(key).or_default();
        (lane.start, lane.reload, lane.check) = (true, false, false);
        for end in lane.flush.take().into_iter().flat_map(BTreeMap::into_values) {
            self.uncount(&end);
            self.end(key, end);
        }
    }

    /// Nothing of a jail waits any more. Gives back whose ends did, or are on their way.
    pub(super) fn clear(&mut self, key: Key) -> Vec<Id> {
        let Some(lane) = self.lanes.get_mut(&key) else { return Vec::new() };
        let away: Vec<Id> = lane.away.drain().map(|(id, _)| id).collect();
        (lane.start, lane.reload, lane.check) = (false, false, false);
        let flushed = lane.flush.take().unwrap_or_default().into_values();
        let ends: Vec<End> = flushed.chain(std::mem::take(&mut lane.ends).into_values()).collect();
        lane.by_id.clear();
        ends.iter().for_each(|end| self.uncount(end));
        ends.into_iter().map(|end| end.id).chain(away).collect()
    }

    /// What a jail asks for next, if that may leave.
    pub(super) fn next(&mut self, jail: &mut Jail, share: Share) -> Option<(JailJob, About)> {
        let lane = self.lanes.entry(jail.key).or_default();
        let is_full = lane.underway >= share.orders || lane.bytes >= share.bytes;
        if lane.underway > 0 && is_full {
            return None;
        }
        let of_jail = [
            (&mut lane.start, JailJob::Start),
            (&mut lane.reload, JailJob::Reload),
            (&mut lane.check, JailJob::Check),
        ];
        if let Some((waits, job)) = of_jail.into_iter().find(|(waits, _)| **waits) {
            *waits = false;
            return Some((job, About::Jail));
        }
        if let Some(all) = lane.flush.take() {
            let all: Vec<End> = all.into_values().collect();
            all.iter().for_each(|end| self.uncount(end));
            return Some((JailJob::Flush { stopping: false }, About::All(all)));
        }
        let made = if self.ends < JAIL_BANS_MAX { 0 } else { jail.bans.ordered() };
        let may_ban = lane.ends.len() + made < share.ends;
        let asked = jail.bans.next_asked().filter(|_| may_ban);
        let first = lane.ends.first_key_value().map(|(_, end)| &end.id);
        let ending = match (asked, first) {
            // An address is let go before it is banned again.
            (Some(id), _) if lane.by_id.contains_key(id) => Some(id),
            (Some(_), Some(end)) if !lane.ended => Some(end),
            (Some(_), _) => None,
            (None, end) => end,
        };
        lane.ended = ending.is_some();
        if let Some(id) = ending.cloned() {
            return self.take_end_of(jail.key, &id).map(|end| (JailJob::Unban, About::End(end)));
        }
        let id = asked?.clone();
        let job = jail.bans.take_asked(&id)?;
        Some((job, About::Ban(id)))
    }

    /// Whether anything waits here.
    pub(super) fn has_waiting(&self) -> bool {
        let of_jail = |lane: &Lane| lane.start || lane.reload || lane.check || lane.flush.is_some();
        self.ends > 0 || self.lanes.values().any(of_jail)
    }

    fn take_end_of(&mut self, key: Key, id: &Id) -> Option<End> {
        let lane = self.lanes.get_mut(&key)?;
        let end = lane.by_id.remove(id).and_then(|at| lane.ends.remove(&at))?;
        self.uncount(&end);
        Some(end)
    }

    fn uncount(&mut self, end: &End) {
        self.ends -= 1;
        self.end_bytes -= end.ban.bytes();
    }

    /// Notes that an order left.
    pub(super) fn left(&mut self, order: u64, underway: Underway, now: i64) {
        let lane = self.lanes.entry(underway.key).or_default();
        if lane.underway == 0 {
            (lane.heard_s, lane.is_told) = (now, false);
        }
        lane.underway += 1;
        lane.bytes += underway.bytes;
        for (at, end) in underway.ends.iter().enumerate() {
            lane.away.insert(end.id.clone(), (order, at));
        }
        self.underway.insert(order, underway);
    }

    /// Notes that an order has its outcome.
    pub(super) fn back(&mut self, order: u64, now: i64) -> Option<Underway> {
        let underway = self.underway.remove(&order)?;
        if let Some(lane) = self.lanes.get_mut(&underway.key) {
            (lane.heard_s, lane.is_told) = (now, false);
            lane.underway -= 1;
            lane.bytes -= underway.bytes;
            for end in &underway.ends {
                if lane.away.get(&end.id).is_some_and(|(own, _)| *own == order) {
                    lane.away.remove(&end.id);
                }
            }
        }
        Some(underway)
    }

    /// Jails of whose orders nothing came back since a time, and how many are on their way; each is
    /// told once until something does.
    pub(super) fn unheard(&mut self, since: i64) -> Vec<(Key, usize)> {
        let is_unheard = |lane: &Lane| lane.underway > 0 && lane.heard_s < since && !lane.is_told;
        let unheard = self.lanes.iter_mut().filter(|(_, lane)| is_unheard(lane));
        let told = unheard.map(|(key, lane)| {
            lane.is_told = true;
            (*key, lane.underway)
        });
        told.collect()
    }
}
