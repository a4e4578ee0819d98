//! Bans in force.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use monban_fail2ban::filter::Id;
use monban_model::limits::{JAIL_BANS_BYTES_MAX, JAIL_BANS_MAX};
use monban_model::{JailJob, Made};

use crate::tickets::Facts;

/// A ban of one jail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ban {
    /// The time of the failure that led to it, seconds since 1970.
    pub since: i64,
    /// For how long, in seconds, negative for ever; `None` for as long as the jail says now.
    pub seconds: Option<i64>,
    /// The how manieth ban of the address it is.
    pub count: u32,
    /// Failures that led to it; none if it was made by hand.
    pub failures: u64,
    /// Their last lines.
    pub lines: Vec<String>,
    pub facts: Facts,
    /// It goes on from before this run, or before this start of its actions: nobody is told of it
    /// once more.
    pub restored: bool,
    /// It was made by a run that observed: no action knows of it, whatever was ordered.
    pub observed: bool,
    /// Its actions made it, or failed to: whom they tell of bans was told.
    pub tried: bool,
    /// The actions were asked for it: an order of it has left.
    pub ordered: bool,
    /// Repairs of the jail's actions when they made it; `None` while that is not known.
    pub epoch: Option<u64>,
    /// What the actions made of it, as far as they told.
    pub made: Made,
    /// Orders that wait for their turn.
    pub asks: Asks,
}

/// What is to be asked for about a ban.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asks {
    /// To make it, or to make it again.
    make: Option<JailJob>,
    /// To prolong it, after that.
    prolong: bool,
}

impl Ban {
    /// The last second of the ban; `i64::MAX` for ever.
    pub(crate) fn end(&self, jail_s: i64) -> i64 {
        let seconds = self.seconds.unwrap_or(jail_s);
        if seconds < 0 { i64::MAX } else { self.since.saturating_add(seconds) }
    }

    /// A ban of before is at most as long as the jail bans now, negative for ever; without bans
    /// that grow it counts from its begin.
    pub(crate) fn shortened(mut self, grows: bool, longest_s: i64) -> Self {
        let seconds = self.seconds.unwrap_or(longest_s);
        if longest_s >= 0 && (seconds < 0 || seconds > longest_s) {
            self.seconds = Some(longest_s);
        } else if !grows && longest_s >= 0 {
            self.seconds = Some(seconds);
        }
        self
    }

    /// Whether somebody ordered it, and no failure led to it.
    pub(crate) fn is_by_hand(&self) -> bool {
        self.failures == 0
    }

    /// Whether nobody was told of it by its actions, as far as is known.
    pub(crate) fn is_untold(&self) -> bool {
        !self.restored && !self.tried
    }

    /// What its lines and captures take.
    pub(crate) fn bytes(&self) -> usize {
        self.facts.bytes() + self.lines.iter().map(|line| line.len() + 24).sum::<usize>()
    }
}

/// The bans of one jail, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Bans {
    by_id: HashMap<Id, (u64, Ban)>,
    order: BTreeMap<u64, Id>,
    ends: BTreeSet<(i64, u64)>,
    next: u64,
    bytes: usize,
    changed: HashSet<Id>,
    /// Bans that something is to be asked for.
    asking: BTreeSet<u64>,
    /// How many were ordered.
    ordered: usize,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Bans {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &Id) -> Option<&Ban> {
        self.by_id.get(id).map(|(_, ban)| ban)
    }

    /// Who is banned, the oldest ban first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Id, &Ban)> {
        self.order.values().filter_map(|id| self.by_id.get(id).map(|(_, ban)| (id, ban)))
    }

    /// Whatever was repaired so often has all bans that are made.
    pub(crate) fn set_epochs(&mut self, epoch: u64) {
        let made = self.by_id.values_mut().filter_map(|(_, ban)| ban.epoch.as_mut());
        made.for_each(|own| *own = epoch);
    }

    /// Actions that were repaired so often have made a ban.
    pub(crate) fn set_epoch(&mut self, id: &Id, epoch: u64) {
        if let Some((_, ban)) = self.by_id.get_mut(id) {
            ban.epoch = Some(epoch);
        }
    }

    /// The actions have made a ban, or failed to.
    pub(crate) fn tried(&mut self, id: &Id) {
        if let Some((_, ban)) = self.by_id.get_mut(id)
            && !std::mem::replace(&mut ban.tried, true)
        {
            self.changed.insert(id.clone());
        }
    }

    /// Nobody will hear any more what becomes of orders that have left.
    pub(crate) fn tried_what_left(&mut self) {
        for (id, (_, ban)) in &mut self.by_id {
            let has_left = ban.ordered && ban.asks.make.is_none();
            if has_left && !std::mem::replace(&mut ban.tried, true) {
                self.changed.insert(id.clone());
            }
        }
    }

    /// The actions told what they made of a ban.
    pub(crate) fn set_made(&mut self, id: &Id, made: Made) {
        if let Some((_, ban)) = self.by_id.get_mut(id)
            && std::mem::replace(&mut ban.made, made) != made
        {
            self.changed.insert(id.clone());
        }
    }

    /// Bans that were made before the last of so many repairs, and after which one.
    pub(crate) fn lost(&self, epoch: u64) -> Vec<(Id, u64)> {
        let lost = |(id, ban): (&Id, &Ban)| Some((id.clone(), ban.epoch.filter(|e| *e < epoch)?));
        self.iter().filter_map(lost).collect()
    }

    /// Adds a ban, in the place of one that somebody has; `others` are the bans of all other jails.
    pub(crate) fn add(
        &mut self,
        id: Id,
        mut ban: Ban,
        jail_s: i64,
        others: usize,
    ) -> Result<(), TooMany> {
        self.remove(&id, jail_s);
        if others + self.len() >= JAIL_BANS_MAX {
            return Err(TooMany);
        }
        if self.bytes + ban.bytes() > JAIL_BANS_BYTES_MAX {
            // Lines are for the command at its end; the ban itself is what counts.
            (ban.lines, ban.facts.captures) = (Vec::new(), BTreeMap::new());
        }
        self.bytes += ban.bytes();
        self.ordered += usize::from(ban.ordered);
        self.ends.insert((ban.end(jail_s), self.next));
        self.order.insert(self.next, id.clone());
        self.changed.insert(id.clone());
        self.by_id.insert(id, (self.next, ban));
        self.next += 1;
        Ok(())
    }

    /// Changes a ban in its place.
    pub(crate) fn change(&mut self, id: &Id, jail_s: i64, change: impl FnOnce(&mut Ban)) {
        let Some((number, ban)) = self.by_id.get_mut(id) else { return };
        self.ends.remove(&(ban.end(jail_s), *number));
        self.bytes -= ban.bytes();
        change(ban);
        self.bytes += ban.bytes();
        self.ends.insert((ban.end(jail_s), *number));
        self.changed.insert(id.clone());
    }

    pub(crate) fn remove(&mut self, id: &Id, jail_s: i64) -> Option<Ban> {
        let (number, ban) = self.by_id.remove(id)?;
        self.order.remove(&number);
        self.ends.remove(&(ban.end(jail_s), number));
        self.asking.remove(&number);
        self.bytes -= ban.bytes();
        self.ordered -= usize::from(ban.ordered);
        self.changed.insert(id.clone());
        Some(ban)
    }

    /// Takes those out that a run has made that observed. What the ledger has of them stays there.
    pub(crate) fn take_observed(&mut self, jail_s: i64) -> Vec<(Id, Ban)> {
        let observed = self.iter().filter(|(_, ban)| ban.observed).map(|(id, _)| id.clone());
        let observed: Vec<Id> = observed.collect();
        let taken = observed.into_iter().filter_map(|id| {
            let ban = self.remove(&id, jail_s)?;
            self.changed.remove(&id);
            Some((id, ban))
        });
        taken.collect()
    }

    /// Who is to be freed: those whose last second is over.
    pub(crate) fn over(&self, now: i64) -> Vec<Id> {
        let over = self.ends.iter().take_while(|(end, _)| *end < now);
        over.filter_map(|(_, number)| self.order.get(number).cloned()).collect()
    }

    /// The jail bans for another time from now on.
    pub(crate) fn retime(&mut self, jail_s: i64) {
        self.ends = self.by_id.values().map(|(number, ban)| (ban.end(jail_s), *number)).collect();
    }

    /// Moves all times by so many seconds: the clock was set.
    pub(crate) fn shift(&mut self, seconds: i64, jail_s: i64) {
        for (id, (_, ban)) in &mut self.by_id {
            ban.since = ban.since.saturating_add(seconds);
            self.changed.insert(id.clone());
        }
        self.retime(jail_s);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.changed.len()
    }

    /// Who has another ban than at the last call, or none any more.
    pub(crate) fn take_changes(&mut self) -> Vec<(Id, Option<&Ban>)> {
        let mut changed: Vec<Id> = self.changed.drain().collect();
        changed.sort();
        changed
            .into_iter()
            .map(|id| {
                let ban = self.by_id.get(&id).map(|(_, ban)| ban);
                (id, ban)
            })
            .collect()
    }

    /// Something is to be asked for about a ban. It waits with the ban and ends with it.
    pub(crate) fn ask(&mut self, id: &Id, job: JailJob) {
        let Some((number, ban)) = self.by_id.get_mut(id) else { return };
        match job {
            JailJob::Prolong => ban.asks.prolong = true,
            // What is not made yet is not made again.
            _ if ban.asks.make == Some(JailJob::Ban) => {}
            _ => (ban.asks.make, ban.epoch) = (Some(job), None),
        }
        self.asking.insert(*number);
    }

    /// The oldest ban that something is to be asked for.
    pub(crate) fn next_asked(&self) -> Option<&Id> {
        self.order.get(self.asking.first()?)
    }

    /// What is to be asked for first about a ban; it counts as asked for then.
    pub(crate) fn take_asked(&mut self, id: &Id) -> Option<JailJob> {
        let (number, ban) = self.by_id.get_mut(id)?;
        let job = match ban.asks.make.take() {
            Some(job) => Some(job),
            None => std::mem::take(&mut ban.asks.prolong).then_some(JailJob::Prolong),
        };
        if !std::mem::replace(&mut ban.ordered, true) {
            self.ordered += 1;
            self.changed.insert(id.clone());
        }
        if !ban.asks.prolong {
            self.asking.remove(number);
        }
        job
    }

    /// Nothing is asked for any more.
    pub(crate) fn ask_nothing(&mut self) {
        for number in std::mem::take(&mut self.asking) {
            let id = self.order.get(&number);
            if let Some((_, ban)) = id.and_then(|id| self.by_id.get_mut(id)) {
                ban.asks = Asks::default();
            }
        }
    }

    /// How many bans the actions were asked for.
    pub(crate) fn ordered(&self) -> usize {
        self.ordered
    }

    /// The rows of those who have no ban here are to go.
    pub(crate) fn forget(&mut self, ids: impl IntoIterator<Item = Id>) {
        self.changed.extend(ids);
    }
}
