//! From bans to orders for the actions, and what came of them.

use monban_fail2ban::action::{Counters, Merged, Ticket, Time};
use monban_fail2ban::filter::Id;
use monban_model::{JailJob, JailOrder, JailOutcome, JailResult, Refusal, Stamp};

use super::outbox::{About, End, Share, Underway};
use super::state::Whose;
use super::{Jails, end_of};
use crate::bans::Ban;
use crate::jail::Jail;
use crate::tickets::Key;
use crate::told::{News, Told, WhyFreed};

/// If a jail's actions say nothing for so many seconds while orders are on their way, that is told.
const UNHEARD_S: i64 = 300;

impl Jails {
    /// The actions of these jails are not started; those of all others are.
    pub fn actions(&mut self, fresh: &[u32], now: Stamp) {
        let now = self.at(now);
        for number in 0..self.jails.len() {
            let is_fresh = fresh.iter().any(|one| usize::try_from(*one) == Ok(number));
            let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { continue };
            let was_started = std::mem::replace(&mut jail.started, true);
            let reloaded = std::mem::take(&mut jail.reloaded);
            let key = jail.key;
            if is_fresh {
                // Not none: after a stop or a reload the same actor counts on.
                (jail.epoch, jail.lost) = (None, false);
                jail.bans.ask_nothing();
                // Ends wait on: the actor before may have made what ends.
                self.outbox.begin(key);
            } else if reloaded {
                self.outbox.ask(key, JailJob::Reload);
            }
            if is_fresh || !was_started {
                self.order_bans(number, is_fresh, now);
            }
        }
        self.put_commands(now);
    }

    /// Nobody carries out orders until [`Jails::actions`] says which actions are started.
    pub fn no_actions(&mut self) {
        self.jails.iter_mut().flatten().for_each(|jail| jail.started = false);
    }

    /// Everything ends, in order: what runs of the orders runs to its end, though nobody hears of
    /// it, and no ban that was ordered is told of once more at the next start.
    pub fn finish_orders(&mut self) {
        self.jails.iter_mut().flatten().for_each(|jail| jail.bans.tried_what_left());
    }

    /// Orders bans that the actions do not have: all of them, or those that were made while it was
    /// not known whether they are started.
    pub(super) fn order_bans(&mut self, number: usize, all: bool, now: i64) {
        let Some(jail) = self.jail(number) else { return };
        let bantime_s = jail.settings.bantime_s;
        let held = jail.bans.iter().filter(|(_, ban)| ban.end(bantime_s) >= now);
        let wanted = held.filter(|(_, ban)| all || !ban.ordered);
        let wanted: Vec<(Id, bool)> = wanted.map(|(id, ban)| (id.clone(), ban.tried)).collect();
        for (id, tried) in wanted {
            let Some(jail) = self.jail_mut(number) else { return };
            if tried {
                // As after a restart: nobody is told of it twice by mail.
                jail.bans.change(&id, bantime_s, |ban| ban.restored = true);
            }
            self.order(number, &id, JailJob::Ban);
        }
    }

    /// Orders something about a ban that is in force.
    pub(super) fn order(&mut self, number: usize, id: &Id, job: JailJob) {
        if let Some(jail) = self.jail_mut(number) {
            jail.bans.ask(id, job);
        }
    }

    /// Orders the end of a ban, if its actions were asked for it.
    pub(super) fn order_end(&mut self, number: usize, id: Id, ban: Ban) {
        if let Some(key) = self.jail(number).filter(|_| ban.ordered).map(|jail| jail.key) {
            self.outbox.end(key, End { id, ban: Box::new(ban), actions: Vec::new() });
        }
    }

    /// Orders the end of all bans of a jail at once; one by one if it may be that its actions are
    /// to be started first, which would have nothing to flush.
    pub(super) fn order_flush(&mut self, number: usize, bans: Vec<(Id, Ban)>) {
        let Some(jail) = self.jail(number) else { return };
        let (key, at_once) = (jail.key, jail.started || !self.guards);
        let made = bans.into_iter().filter(|(_, ban)| ban.ordered);
        let ends = made.map(|(id, ban)| End { id, ban: Box::new(ban), actions: Vec::new() });
        match at_once {
            true => self.outbox.flush(key, ends.collect()),
            false => ends.for_each(|end| self.outbox.end(key, end)),
        }
    }

    /// Orders something about a whole jail.
    pub(super) fn order_jail(&mut self, number: usize, job: JailJob) {
        if let Some(key) = self.jail(number).map(|jail| jail.key) {
            self.outbox.ask(key, job);
        }
    }

    /// Orders that a jail ends with all its bans, before all else. What of it waits does so no
    /// more: its actions know what they have done.
    pub(super) fn order_stop(&mut self, number: usize) {
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return };
        jail.bans.forget(self.outbox.clear(jail.key));
        let order = self.order_of(number, JailJob::Stop, About::Jail);
        self.stopping.extend(order);
    }

    /// The last order of a jail that was stopped just now, until orders are taken.
    pub fn stopping(&self) -> Option<u64> {
        self.stopping.last().map(|order| order.id)
    }

    /// The firewall was changed by somebody: orders that every jail with bans looks after what its
    /// actions made there. One without makes it anew with its next ban.
    pub fn check(&mut self, now: Stamp) {
        let now = self.at(now);
        for number in 0..self.jails.len() {
            let Some(jail) = self.jail_mut(number) else { continue };
            if jail.started && jail.bans.len() > 0 {
                jail.checked = now;
                self.order_jail(number, JailJob::Check);
            }
        }
    }

    /// Orders to be carried out now: as many as may be on their way at once.
    pub fn take_orders(&mut self) -> Vec<JailOrder> {
        let now = self.now_s;
        // They are waited for: an order whose commands take long is none that was lost, and more of
        // them would only wait behind it.
        for (key, orders) in self.outbox.unheard(now.saturating_sub(UNHEARD_S)) {
            self.tell_of(key, None, Told::Unheard { orders });
        }
        let (share, guards) = (Share::of(self.count()), self.guards);
        let mut orders = std::mem::take(&mut self.stopping);
        for number in 0..self.jails.len() {
            while let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut)
                // What is not started is not asked for anything but its end.
                && (jail.started || !guards)
                && let Some((job, about)) = self.outbox.next(jail, share)
            {
                orders.extend(self.order_of(number, job, about));
            }
        }
        orders
    }

    /// Whether orders wait behind those that were taken.
    pub fn has_waiting(&self) -> bool {
        let asks = |jail: &Jail| jail.bans.next_asked().is_some();
        self.outbox.has_waiting() || self.jails.iter().flatten().any(asks)
    }

    fn order_of(&mut self, number: usize, job: JailJob, about: About) -> Option<JailOrder> {
        let jail = self.jail(number)?;
        let key = jail.key;
        let nobody = || Ticket::of_nobody(Time::Fraction(self.now_s as f64), self.counters(jail));
        let (id, ticket, mut ends) = match about {
            About::Jail => (None, nobody(), Vec::new()),
            About::All(bans) => (None, nobody(), bans),
            About::Ban(id) => {
                let ticket = self.ticket(number, &id, jail.bans.get(&id)?)?;
                (Some(id), ticket, Vec::new())
            }
            About::End(end) => {
                let ticket = self.ticket(number, &end.id, &end.ban)?;
                (Some(end.id.clone()), ticket, vec![end])
            }
        };
        let actions = actions_of(job, &ends);
        let address = match ticket.address() {
            Id::Net(net) => Some(*net),
            Id::Name(_) | Id::Text(_) => None,
        };
        let ticket = ticket.to_bytes();
        for end in &mut ends {
            // Lines are for the first time that it is asked for.
            end.ban.lines = Vec::new();
        }
        let order = JailOrder {
            id: self.next_order,
            jail: u32::try_from(number).ok()?,
            job,
            actions,
            address,
            ticket,
        };
        self.next_order += 1;
        let bytes = order.ticket.len();
        self.outbox.left(order.id, Underway { key, job, id, ends, bytes }, self.now_s);
        Some(order)
    }

    /// What became of an order; also of a jail that is there no more.
    pub fn outcome(&mut self, outcome: JailOutcome, now: Stamp) {
        let now = self.at(now);
        let Some(underway) = self.outbox.back(outcome.order, now) else { return };
        let Underway { key, job, id, ends, .. } = underway;
        let number = self.number_of(key);
        if let Some(jail) = number.and_then(|number| self.jail_mut(number)) {
            // Their rows go, unless they wait again.
            jail.bans.forget(ends.iter().map(|end| end.id.clone()));
        }
        let reached = match &outcome.result {
            JailResult::Done { .. } | JailResult::Observed => true,
            JailResult::Failed { repairs, .. } => repairs.is_some(),
            JailResult::Refused(_) | JailResult::Ended | JailResult::Lost => false,
        };
        if reached {
            self.tried(key, id.as_ref(), job);
        }
        match outcome.result {
            JailResult::Done { singly, repairs } => {
                self.take_repairs(key, repairs);
                self.made(key, id.as_ref(), job);
                if let Some(number) = number {
                    self.note_done(number, id.as_ref(), job);
                }
                self.tell_made(key, id, job, outcome.order, false);
                if !singly.is_empty() {
                    self.end_again(key, ends, &singly);
                }
            }
            // With its jail all bans of it ended.
            JailResult::Ended => {}
            JailResult::Lost => self.put_back(key, id, job, ends),
            JailResult::Observed => self.tell_made(key, id, job, outcome.order, true),
            JailResult::Refused(why) => {
                self.tell_of(key, id.as_ref(), Told::Refused { job, why });
                if let Some((number, id)) = number.zip(id) {
                    self.refused(number, &id, job, why);
                }
            }
            JailResult::Failed { failed, singly, repairs } => {
                self.note_failed(key, id.as_ref(), job, &failed);
                self.tell_of(key, id.as_ref(), Told::Failed { job, failed });
                if let Some(repairs) = repairs {
                    self.take_repairs(key, repairs);
                }
                self.not_made(key, id.as_ref(), job);
                if job != JailJob::Unban {
                    self.end_again(key, ends, &singly);
                }
            }
        }
    }

    /// Nobody carried out an order, as far as is known. It waits until it is known which actions
    /// are started.
    fn put_back(&mut self, key: Key, id: Option<Id>, job: JailJob, ends: Vec<End>) {
        let number = self.number_of(key).filter(|_| self.guards);
        let Some(jail) = number.and_then(|number| self.jail_mut(number)) else { return };
        jail.started = false;
        match job {
            JailJob::Ban | JailJob::Reban { .. } | JailJob::Prolong => {
                if let Some(id) = id {
                    jail.bans.ask(&id, job);
                }
            }
            JailJob::Unban | JailJob::Flush { .. } => {
                let actions = actions_of(job, &ends);
                self.end_again(key, ends, &actions);
            }
            JailJob::Reload | JailJob::Check => self.outbox.ask(key, job),
            // Whoever is not started is told so.
            JailJob::Start | JailJob::Stop => {}
        }
    }

    /// Tells what became of a ban that is new.
    fn tell_made(&mut self, key: Key, id: Option<Id>, job: JailJob, order: u64, observed: bool) {
        let Some((number, id)) = self.number_of(key).zip(id) else { return };
        let ban = self.jail(number).and_then(|jail| jail.bans.get(&id));
        if job == JailJob::Ban && ban.is_some_and(|ban| !ban.restored) {
            self.tell(number, Some(&id), Told::Made { order, observed });
        }
    }

    pub(super) fn tell_of(&mut self, key: Key, id: Option<&Id>, told: Told) {
        let jail = self.name_of(key).to_owned();
        self.news.push(News { jail, id: id.cloned(), told });
    }

    /// What the warden does not do is not in force, and does not count as a ban that was.
    fn refused(&mut self, number: usize, id: &Id, job: JailJob, why: Refusal) {
        let Some(jail) = self.jail_mut(number) else { return };
        let Some(ban) = jail.bans.remove(id, jail.settings.bantime_s) else { return };
        let key = jail.key;
        if job == JailJob::Ban && !ban.restored {
            jail.banned_total = jail.banned_total.saturating_sub(1);
            self.count_one_less(key, id);
        } else {
            // It was carried out before.
            self.order_end(number, id.clone(), ban);
        }
        self.tell(number, Some(id), Told::Freed(WhyFreed::Refused(why)));
    }

    /// Ends bans one by one with some actions, or all. Whoever is banned anew by then stays it.
    fn end_again(&mut self, key: Key, ends: Vec<End>, actions: &[u32]) {
        let Some(number) = self.number_of(key) else { return };
        for end in ends {
            let again = self.jail(number).and_then(|jail| jail.bans.get(&end.id));
            if !again.is_some_and(|ban| ban.ordered) {
                self.outbox.end(key, End { actions: actions.to_vec(), ..end });
            }
        }
    }

    /// What the commands of a ban get to know.
    pub(super) fn ticket(&self, number: usize, id: &Id, ban: &Ban) -> Option<Ticket> {
        let jail = self.jail(number)?;
        let time = match ban.restored {
            true => Time::Whole(ban.since),
            false => Time::Fraction(ban.since as f64),
        };
        let all = Merged {
            matches: self.lines_of(id),
            failures: self.running().filter_map(|jail| jail.bans.get(id)).map(|b| b.failures).sum(),
        };
        Some(Ticket {
            ip: ban.facts.ip.clone(),
            bantime_s: Some(ban.seconds.unwrap_or(jail.settings.bantime_s)),
            bancount: ban.count,
            failures: ban.failures,
            matches: ban.lines.clone(),
            restored: ban.restored,
            captures: ban.facts.captures.clone(),
            of_ip: (all.failures > ban.failures).then_some(all),
            jail: self.counters(jail),
            ..Ticket::new(id.clone(), time)
        })
    }

    /// The lines of somebody's bans in all jails.
    fn lines_of(&self, id: &Id) -> Vec<String> {
        let bans = self.running().filter_map(|jail| jail.bans.get(id));
        bans.flat_map(|ban| ban.lines.iter().cloned()).collect()
    }

    pub(super) fn counters(&self, jail: &Jail) -> Counters {
        Counters {
            banned: jail.bans.len() as u64,
            banned_total: jail.banned_total,
            found: self.tickets.count(jail.key),
            found_total: jail.found_total,
        }
    }

    /// Tells of a ban that goes on from before this run.
    pub(super) fn tell_restored(&mut self, number: usize, id: &Id, whose: Whose) {
        let Some(jail) = self.jail(number) else { return };
        let Some(ban) = jail.bans.get(id) else { return };
        let until = end_of(ban.end(jail.settings.bantime_s));
        let earlier = ban.count.saturating_sub(1);
        let told = match whose {
            Whose::Own => Told::Restored,
            Whose::OfAnother => Told::TakenOver { until, earlier },
        };
        self.tell(number, Some(id), told);
    }
}

/// Which actions an order is for; none of them are all.
fn actions_of(job: JailJob, ends: &[End]) -> Vec<u32> {
    match (job, ends) {
        (JailJob::Unban, [end]) => end.actions.clone(),
        _ => Vec::new(),
    }
}
