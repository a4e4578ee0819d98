//! From bans to orders for the actions, and what came of them.

use std::collections::{HashMap, VecDeque};

use monban_fail2ban::action::{Counters, Merged, Ticket, Time};
use monban_fail2ban::filter::Id;
use monban_model::{JailJob, JailOrder, JailOutcome, JailResult, Refusal, Stamp};

use super::{Jails, end_of};
use crate::bans::Ban;
use crate::jail::Jail;
use crate::known::Known;
use crate::tickets::Key;
use crate::told::{Told, WhyFreed};

/// Orders that are on their way at once. More wait here: so the warden and the actor never have to
/// refuse one for want of room.
const WINDOW: usize = 8192;

/// Without any outcome for so many seconds what is on its way is given up.
const LOST_S: i64 = 300;

/// An order that waits for its turn. The values of its ticket are put together when it leaves.
struct Queued {
    key: Key,
    job: JailJob,
    /// Which actions; empty for all.
    actions: Vec<u32>,
    about: About,
}

enum About {
    /// The whole jail.
    Jail,
    /// Whoever is banned, if he still is.
    Banned(Id),
    /// Whoever was.
    Freed(Id, Box<Ban>),
    /// All bans that end together: actions that cannot do that end them one by one.
    All(Vec<(Id, Ban)>),
}

/// An order whose outcome is not known.
struct Underway {
    key: Key,
    id: Option<Id>,
    ending: Vec<(Id, Ban)>,
}

/// Orders that wait and orders that are on their way.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Queued>,
    underway: HashMap<u64, Underway>,
    /// The last time that something came back, or left while nothing was on its way.
    heard_s: i64,
}

impl Outbox {
    pub(super) fn shift(&mut self, seconds: i64) {
        self.heard_s = self.heard_s.saturating_add(seconds);
    }
}

impl Jails {
    /// The actions of these jails are not started; those of all others are.
    pub fn actions(&mut self, fresh: &[u32], now: Stamp) {
        let now = self.at(now);
        for number in 0..self.jails.len() {
            let is_fresh = fresh.iter().any(|one| usize::try_from(*one) == Ok(number));
            let Some(jail) = self.jail_mut(number) else { continue };
            let was_started = std::mem::replace(&mut jail.started, true);
            let owed = std::mem::take(&mut jail.owed);
            let reloaded = std::mem::take(&mut jail.reloaded);
            let key = jail.key;
            if is_fresh {
                (jail.epoch, jail.lost) = (Some(0), false);
                jail.bans.set_epochs(0);
                self.outbox.waiting.retain(|queued| queued.key != key);
                self.queue(key, JailJob::Start, About::Jail);
            } else {
                if reloaded {
                    self.queue(key, JailJob::Reload, About::Jail);
                }
                for (id, ban) in owed {
                    self.queue(key, JailJob::Unban, About::Freed(id, Box::new(ban)));
                }
            }
            if is_fresh || !was_started {
                self.order_bans(number, is_fresh, now);
            }
        }
    }

    /// Orders bans that the actions do not have: all of them, or those that were made while it was
    /// not known whether they are started.
    pub(super) fn order_bans(&mut self, number: usize, all: bool, now: i64) {
        let Some(jail) = self.jail(number) else { return };
        let bantime_s = jail.settings.bantime_s;
        let held = jail.bans.iter().filter(|(_, ban)| ban.end(bantime_s) >= now);
        let wanted = held.filter(|(_, ban)| all || !ban.ordered);
        let wanted: Vec<(Id, bool)> = wanted.map(|(id, ban)| (id.clone(), ban.ordered)).collect();
        for (id, ordered) in wanted {
            let Some(jail) = self.jail_mut(number) else { return };
            if ordered {
                // As after a restart: nobody is told of it twice by mail.
                jail.bans.change(&id, bantime_s, |ban| ban.restored = true);
            }
            self.order(number, &id, JailJob::Ban);
        }
    }

    /// Orders something about a ban that is in force.
    pub(super) fn order(&mut self, number: usize, id: &Id, job: JailJob) {
        let guards = self.guards;
        let Some(jail) = self.jail_mut(number) else { return };
        // What is not started yet gets all bans when it is.
        if jail.started || !guards {
            if job != JailJob::Prolong {
                jail.bans.ordered(id);
            }
            let key = jail.key;
            self.queue(key, job, About::Banned(id.clone()));
        }
    }

    /// Orders the end of a ban.
    pub(super) fn order_end(&mut self, number: usize, id: Id, ban: Ban) {
        let guards = self.guards;
        let Some(jail) = self.jail_mut(number) else { return };
        match jail.started || !guards {
            true => {
                let key = jail.key;
                self.queue(key, JailJob::Unban, About::Freed(id, Box::new(ban)));
            }
            false => jail.owed.push((id, ban)),
        }
    }

    /// Orders the end of many bans at once.
    pub(super) fn order_flush(&mut self, number: usize, bans: Vec<(Id, Ban)>) {
        let guards = self.guards;
        let Some(jail) = self.jail_mut(number) else { return };
        match jail.started || !guards {
            true => {
                let key = jail.key;
                self.queue(key, JailJob::Flush { stopping: false }, About::All(bans));
            }
            false => jail.owed.extend(bans),
        }
    }

    /// Orders something about a whole jail.
    pub(super) fn order_jail(&mut self, number: usize, job: JailJob) {
        if let Some(key) = self.jail(number).map(|jail| jail.key) {
            self.queue(key, job, About::Jail);
        }
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

    fn queue(&mut self, key: Key, job: JailJob, about: About) {
        self.outbox.waiting.push_back(Queued { key, job, actions: Vec::new(), about });
    }

    /// Orders to be carried out now: as many as may be on their way at once.
    pub fn take_orders(&mut self) -> Vec<JailOrder> {
        let now = self.now_s;
        if self.outbox.underway.is_empty() {
            self.outbox.heard_s = now;
        } else if now > self.outbox.heard_s.saturating_add(LOST_S) {
            self.outbox.heard_s = now;
            for (_, lost) in std::mem::take(&mut self.outbox.underway) {
                self.not_made(lost.key, lost.id.as_ref(), JailJob::Ban);
                // An end that is ordered twice is one.
                self.end_singly(lost.key, lost.ending, &[]);
            }
        }
        let mut orders = std::mem::take(&mut self.stopping);
        while self.outbox.underway.len() < WINDOW {
            let Some(queued) = self.outbox.waiting.pop_front() else { break };
            orders.extend(self.order_of(queued));
        }
        orders
    }

    /// Every order of a jail that loses its number, also beyond what may be on its way at once.
    pub(super) fn last_orders(&mut self, key: Key) -> Vec<JailOrder> {
        let mut last = Vec::new();
        let (own, others): (VecDeque<_>, VecDeque<_>) =
            self.outbox.waiting.drain(..).partition(|queued| queued.key == key);
        self.outbox.waiting = others;
        for queued in own {
            last.extend(self.order_of(queued));
        }
        last
    }

    fn order_of(&mut self, queued: Queued) -> Option<JailOrder> {
        let Queued { key, job, actions, about } = queued;
        let number = self.number_of(key)?;
        let jail = self.jail(number)?;
        let (id, ban, ending) = match about {
            About::Jail => (None, None, Vec::new()),
            About::All(bans) => (None, None, bans),
            About::Freed(id, ban) => (Some(id), Some(*ban), Vec::new()),
            About::Banned(id) => {
                let ban = jail.bans.get(&id)?.clone();
                (Some(id), Some(ban), Vec::new())
            }
        };
        let ticket = match (&id, &ban) {
            (Some(id), Some(ban)) => self.ticket(number, id, ban)?,
            _ => Ticket::of_nobody(Time::Fraction(self.now_s as f64), self.counters(jail)),
        };
        let address = match ticket.address() {
            Id::Net(net) => Some(*net),
            Id::Name(_) | Id::Text(_) => None,
        };
        let order = JailOrder {
            id: self.next_order,
            jail: u32::try_from(number).ok()?,
            job,
            actions,
            address,
            ticket: ticket.to_bytes(),
        };
        self.next_order += 1;
        self.outbox.underway.insert(order.id, Underway { key, id, ending });
        Some(order)
    }

    /// What became of an order.
    pub fn outcome(&mut self, outcome: JailOutcome, now: Stamp) {
        self.outbox.heard_s = self.at(now);
        let Some(Underway { key, id, ending }) = self.outbox.underway.remove(&outcome.order) else {
            return;
        };
        let Some(number) = self.number_of(key) else { return };
        match outcome.result {
            JailResult::Done { singly, epoch } => {
                self.take_epoch(number, id.as_ref(), outcome.job, epoch);
                if !singly.is_empty() {
                    self.end_singly(key, ending, &singly);
                }
            }
            JailResult::Observed => {}
            JailResult::Refused(why) => {
                let (job, text) = (outcome.job, why.to_string());
                let told = Told::Failed { job, why: text, refused: true };
                self.tell(number, id.as_ref(), told);
                if let Some(id) = id {
                    self.refused(number, &id, job, why);
                }
            }
            JailResult::Failed(why) => {
                let told = Told::Failed { job: outcome.job, why, refused: false };
                self.tell(number, id.as_ref(), told);
                self.not_made(key, id.as_ref(), outcome.job);
                self.end_singly(key, ending, &[]);
            }
        }
    }

    /// What the warden does not do is not in force, and does not count as a ban that was.
    fn refused(&mut self, number: usize, id: &Id, job: JailJob, why: Refusal) {
        let Some(jail) = self.jail_mut(number) else { return };
        let Some(ban) = jail.bans.remove(id, jail.settings.bantime_s) else { return };
        let key = jail.key;
        if job == JailJob::Ban && !ban.restored {
            jail.banned_total = jail.banned_total.saturating_sub(1);
            match (ban.count.saturating_sub(1), self.bad.in_jail(key, id)) {
                (0, _) | (_, None) => self.bad.forget(key, id),
                (count, Some(known)) => self.bad.note(key, id, Known { count, ..known }),
            }
        } else {
            // It was carried out before.
            self.order_end(number, id.clone(), ban);
        }
        self.tell(number, Some(id), Told::Freed(WhyFreed::Refused(why)));
    }

    /// Actions that cannot end all bans at once end them one by one.
    fn end_singly(&mut self, key: Key, ending: Vec<(Id, Ban)>, actions: &[u32]) {
        for (id, ban) in ending {
            let about = About::Freed(id, Box::new(ban));
            let actions = actions.to_vec();
            self.outbox.waiting.push_back(Queued { key, job: JailJob::Unban, actions, about });
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
    pub(super) fn tell_restored(&mut self, number: usize, id: &Id) {
        let Some(jail) = self.jail(number) else { return };
        let Some(ban) = jail.bans.get(id) else { return };
        let told = Told::Banned {
            times: (ban.since, ban.since),
            within_s: jail.settings.findtime_s,
            failures: ban.failures,
            until: end_of(ban.end(jail.settings.bantime_s)),
            earlier: ban.count.saturating_sub(1),
            lines: Vec::new(),
            restored: true,
            by_operator: false,
        };
        self.tell(number, Some(id), told);
    }
}
