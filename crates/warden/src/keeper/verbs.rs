//! The table of verbs: everything the warden does for a watcher, who may be in a stranger's
//! hands. Lengths were checked before a frame comes here.
//!
//! | verb | when | what the warden checks itself |
//! |---|---|---|
//! | ready, refused | after a brief | the number of the reload |
//! | orders | any time | the allow list, who is logged in; wide networks need an operator's word |
//! | restore | any time | as orders; the kernel then holds these blocks only |
//! | siblings | any time | only folders of configured paths; none while descriptors wait |
//! | journal | once in 2 s | whether the configuration wants it; the cursor's letters |
//! | jails | any time | for a ban the allow list, who is logged in, and wide networks, as orders |
//! | ask-command | any time | how many are open; which command it is stands in the configuration |
//! | answer | any time | the number of an open question |
//! | words | any time | the number of an open question, and of an order; the file goes on unread |
//! | name | any time | its letters; how many wait |
//! | jail database | any time | which file is the configuration's word |
//! | jail log | any time | which file is the configuration's word |
//! | ask-who | any time | nothing: the courier bounds how many are asked |
//! | ask-keys | none while descriptors wait | the name, how many; opened with its rights |
//! | want | any time | nothing: whom a lane reaches is the configuration's word |
//! | spool-kept | any time | nothing: what was passed to it is removed, no other spool |
//! | hook-deaf | any time | nothing: another socket is made within the second |
//! | caught-up | any time | nothing |
//! | flooded | any time | nothing: it is woken later by some milliseconds, no more |

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use monban_firewall::FirewallError;
use monban_model::limits::BLOCKS_MAX;
use monban_model::wire::{Reply, ToWarden, ToWatcher, WireAct, WireOrder};
use monban_model::{Net, Outcome, OutcomeResult, Refusal, Subject};

use super::{Keeper, RESTART_FIRST, now};
use crate::Wall;

/// People are looked for anew before a block if the last look is older.
const LOOK_AGE_MAX: Duration = Duration::from_millis(200);

impl Keeper<'_> {
    pub(super) fn serve(&mut self, frame: ToWarden, fd: Option<OwnedFd>) {
        match frame {
            ToWarden::Ready { reload, lacks } => self.briefed(reload, Ok(lacks)),
            ToWarden::Refused { reload, refusal } => self.briefed(reload, Err(refusal)),
            ToWarden::Orders(orders) => self.carry_out(orders),
            ToWarden::Restore { blocks, more } => self.restore(blocks, more),
            ToWarden::Siblings(of) => {
                self.ask_siblings(of);
                self.offer_waiting_siblings();
            }
            ToWarden::Journal { after, since } => self.ask_journal(after, since),
            ToWarden::Answer { id, done, notices } => {
                if !self.end_status(id, &notices) {
                    self.clients.reply(id, &Reply::Done { done, notices });
                }
            }
            ToWarden::Jails { reload, orders, more } => {
                self.carry_out_jails(reload, orders);
                self.staff.expect(reload, more);
            }
            ToWarden::Words { id, after } => self.answer_words(id, after, fd),
            ToWarden::AskName { id, name } => self.ask_name(id, name),
            ToWarden::JailLog => self.open_jail_log(),
            ToWarden::JailDatabase => self.open_jail_database(),
            ToWarden::AskCommand { reload, id, jail, ticket } => {
                self.ask_ignore_command(reload, id, jail, ticket);
            }
            ToWarden::CaughtUp => {
                self.ready = true;
                self.restart_wait = RESTART_FIRST;
                self.begin_actor();
            }
            ToWarden::AskWho { address } => self.ask_who(address),
            ToWarden::AskKeys { user, address } => self.ask_keys(user, address),
            ToWarden::SpoolKept => self.drop_spool(),
            ToWarden::HookDeaf => self.hook.close(),
            ToWarden::Want(peer) => self.give_lane(peer),
            ToWarden::Flooded(flooded) => self.flooded = flooded,
        }
    }

    fn carry_out(&mut self, orders: Vec<WireOrder>) {
        self.look_if_stale();
        let (mut wanted, mut outcomes) = (Vec::with_capacity(orders.len()), Vec::new());
        for order in orders {
            match self.refusal(&order) {
                Some(why) => outcomes.push(Outcome {
                    order: order.id,
                    subject: order.subject,
                    result: OutcomeResult::Refused(why.to_string()),
                }),
                None => wanted.push(order),
            }
        }
        let guards = self.guards();
        // A block of an earlier time ends also where no new one is made.
        let is_real = |order: &mut WireOrder| guards || order.act == WireAct::Free;
        let real: Vec<WireOrder> = wanted.extract_if(.., is_real).collect();
        let mut observed = wanted;
        if !real.is_empty() {
            match self.with_wall(|wall| wall.execute(&real)) {
                Ok(Some(done)) => outcomes.extend(done),
                Ok(None) => observed.extend(real),
                Err(error) => outcomes.extend(real.into_iter().map(|order| Outcome {
                    order: order.id,
                    subject: order.subject,
                    result: OutcomeResult::Failed(error.to_string()),
                })),
            }
        }
        outcomes.extend(observed.into_iter().map(|order| Outcome {
            order: order.id,
            subject: order.subject,
            result: OutcomeResult::Observed,
        }));
        self.post(&ToWatcher::Outcomes(outcomes), None);
    }

    /// Does something with the firewall. While only observing it is opened for that alone, if an
    /// earlier run left its table; `None` if there is nothing that could be done anything with.
    pub(super) fn with_wall<T>(
        &mut self,
        work: impl FnOnce(&mut Wall) -> T,
    ) -> Result<Option<T>, FirewallError> {
        if let Ok(wall) = &mut self.wall {
            return Ok(Some(work(wall)));
        }
        match Wall::open_placed() {
            Ok(placed) => Ok(placed.map(|mut wall| work(&mut wall))),
            // Then nothing of ours can have been put there by this user.
            Err(FirewallError::NotPermitted | FirewallError::NoNftables { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends all that the kernel holds, whoever put it there. What the watcher knows it frees
    /// itself, and records it.
    pub(super) fn clear_wall(&mut self) {
        let cleared = self.with_wall(Wall::clear);
        if let Err(error) | Ok(Some(Err(error))) = cleared {
            self.note("firewall-broken", vec![("error", error.to_string())]);
        }
    }

    /// Why the warden itself does not block a subject, whatever the watcher says.
    fn refusal(&self, order: &WireOrder) -> Option<Refusal> {
        if order.act == WireAct::Free {
            return None;
        }
        self.refusal_of(order.subject)
    }

    /// Why a subject is not shut out.
    pub(super) fn refusal_of(&self, subject: Subject) -> Option<Refusal> {
        if !self.wide.permits(subject) {
            return Some(Refusal::TooWide);
        }
        self.shield(subject)
    }

    fn shield(&self, subject: Subject) -> Option<Refusal> {
        if let Some(net) = self.allow.shields(subject, now()) {
            return Some(Refusal::Allowed(net));
        }
        let present = self.presence.administrators.iter().any(|a| subject.contains(*a));
        present.then_some(Refusal::Administrator)
    }

    fn restore(&mut self, blocks: Vec<WireOrder>, more: bool) {
        let room = BLOCKS_MAX.saturating_sub(self.restored.len());
        self.restored.extend(blocks.into_iter().take(room));
        if more {
            return;
        }
        self.look_if_stale();
        let mut all = std::mem::take(&mut self.restored);
        let refused = all.extract_if(.., |order| !self.wide.permits(order.subject)).count();
        if self.wide.is_news(refused) {
            self.note("restore-wide", vec![("count", refused.to_string())]);
        }
        let wanted: Vec<WireOrder> =
            all.into_iter().filter(|order| self.shield(order.subject).is_none()).collect();
        if !self.guards() {
            return;
        }
        if let Ok(wall) = &mut self.wall {
            match wall.restore(&wanted) {
                Ok(0) => {}
                Ok(count) => self.note("restore-refused", vec![("count", count.to_string())]),
                Err(error) => self.note("firewall-broken", vec![("error", error.to_string())]),
            }
        }
    }

    pub(super) fn look_if_stale(&mut self) {
        if self.looked.elapsed() > LOOK_AGE_MAX {
            self.look_around();
        }
    }

    /// Looks who is logged in, and tells the watcher if that changed.
    pub(super) fn look_around(&mut self) {
        let seen = self.lookout.look();
        self.looked = Instant::now();
        if seen != self.presence {
            self.presence = seen;
            self.send_presence();
        }
    }

    pub(super) fn send_presence(&mut self) {
        let frame = ToWatcher::Present {
            administrators: self.presence.administrators.clone(),
            guests: self.presence.guests.clone(),
        };
        self.post(&frame, None);
    }

    pub(super) fn send_allow(&mut self) {
        let is_own = |net: &Net| self.allow.own().contains(net);
        let (own, others): (Vec<Net>, Vec<Net>) = self.allow.nets().into_iter().partition(is_own);
        let parts = own.chunks(1024).map(|part| (true, part));
        for (own, part) in parts.chain(others.chunks(1024).map(|part| (false, part))) {
            self.post(&ToWatcher::Allow { nets: part.to_vec(), own, more: true }, None);
        }
        self.post(&ToWatcher::Allow { nets: Vec::new(), own: false, more: false }, None);
    }
}
