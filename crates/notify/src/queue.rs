//! The queue of a subscription: what waits, what is underway, when it is tried again.

use monban_model::limits::{DELIVERIES_UNDERWAY_MAX, DELIVERIES_WAITING_MAX, DELIVERY_PATIENCE_S};
use monban_model::{Seq, Severity, Stamp, Standing, Theme};

use crate::bunch::Bunch;
use crate::effect::{Deliver, Effect, Reason, Service};
use crate::input::Outcome;
use crate::offer::Parcel;
use crate::router::Router;
use crate::subscriber::fnv;

/// The place of the subscription, and a number that grows.
pub(crate) type Key = (u8, u64);

/// How long each further try waits, in seconds; the last one for all that follow.
const BACKOFF_S: [u64; 6] = [5, 30, 120, 600, 1800, 3600];

/// One place among those underway is kept for what is critical.
const CRITICAL_PLACES: usize = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) items: Vec<Seq>,
    pub(crate) more: u64,
    pub(crate) reason: Reason,
    pub(crate) thread: String,
    pub(crate) severity: Severity,
    pub(crate) standing: Standing,
    pub(crate) theme: Theme,
    pub(crate) made: Stamp,
    pub(crate) since: Stamp,
    pub(crate) service: Option<Service>,
    /// Tries so far.
    pub(crate) attempt: u32,
    /// When it is tried next.
    pub(crate) next: Stamp,
    /// Until when an answer is waited for.
    pub(crate) underway: Option<Stamp>,
    /// It was underway when the run before ended: nobody waits for its answer any more.
    pub(crate) again: bool,
    /// The fallback has it, or it is with the fallback.
    pub(crate) passed_on: bool,
}

impl Delivery {
    pub(crate) fn records(&self) -> u64 {
        self.more.saturating_add(self.items.len() as u64)
    }

    pub(crate) fn shift(&mut self, ms: i64) {
        self.made = self.made.plus_ms(ms);
        self.next = self.next.plus_ms(ms);
        self.underway = self.underway.map(|until| until.plus_ms(ms));
    }

    fn waits(&self) -> bool {
        self.underway.is_none()
    }

    /// When the try after this one is: later with each, and not for all at the same moment.
    pub(crate) fn back_off(&self, now: Stamp, after_s: u64) -> Stamp {
        let step = (self.attempt.max(1) as usize - 1).min(BACKOFF_S.len() - 1);
        let wait_ms = BACKOFF_S[step] * 1000;
        let chance = fnv(&[self.id.as_bytes(), &self.attempt.to_le_bytes()]) % 41;
        let wait_ms = (wait_ms * (80 + chance) / 100).max(after_s.saturating_mul(1000));
        now.plus_ms(i64::try_from(wait_ms).unwrap_or(i64::MAX))
    }
}

impl Router {
    pub(crate) fn queue_of(&self, at: usize) -> impl Iterator<Item = (&Key, &Delivery)> {
        let at = at as u8;
        self.deliveries.range((at, 0)..=(at, u64::MAX))
    }

    /// Whether one more goes into the queue without another making room.
    pub(crate) fn has_room(&self, at: usize) -> bool {
        self.queue_of(at).count() < DELIVERIES_WAITING_MAX
    }

    /// Puts something into the queue; what is least urgent makes room.
    pub(crate) fn enqueue(&mut self, at: usize, parcel: &Parcel) {
        let delivery = self.delivery(at, parcel);
        if self.ids.contains_key(&delivery.id) {
            self.own.counters.duplicates += 1;
            return;
        }
        self.make_room_in_queue(at);
        self.own.orders += 1;
        let key = (at as u8, self.own.orders);
        self.ids.insert(delivery.id.clone(), key);
        self.deliveries.insert(key, delivery);
        self.subs[at].wake = Stamp(i64::MIN);
        if self.subs[at].failing.is_some() {
            self.pass_on(at, key);
        }
    }

    /// Its name is made of what it tells, so that it is the same if a run that was killed tells it
    /// again. What may be told twice in the same words is told apart by the time.
    fn delivery(&self, at: usize, parcel: &Parcel) -> Delivery {
        let (sub, now) = (&self.subs[at].config, self.at.now);
        let told = parcel.bunch.told();
        let is_once = matches!(parcel.reason, Reason::First | Reason::More | Reason::Resolved);
        let time = if is_once { 0 } else { now.0 };
        let named: Vec<u8> = told.items.iter().flat_map(|seq| seq.0.to_le_bytes()).collect();
        let hash = fnv(&[
            sub.name.as_bytes(),
            parcel.thread.as_bytes(),
            parcel.reason.word().as_bytes(),
            &named,
            &told.more.to_le_bytes(),
            &time.to_le_bytes(),
        ]);
        let first = told.items.first().map_or(0, |seq| seq.0);
        Delivery {
            id: format!("{first}-{}-{hash:016x}", parcel.reason.word()),
            items: told.items,
            more: told.more,
            reason: parcel.reason,
            thread: parcel.thread.clone(),
            severity: told.severity.max(parcel.least),
            standing: parcel.standing,
            theme: parcel.theme,
            made: now,
            since: parcel.since,
            service: parcel.service.clone(),
            attempt: 0,
            next: now,
            underway: None,
            again: false,
            passed_on: parcel.passed_on,
        }
    }

    fn make_room_in_queue(&mut self, at: usize) {
        if self.has_room(at) {
            return;
        }
        let is_service = |it: &Delivery| it.reason == Reason::Service;
        let waiting = self.queue_of(at).filter(|(_, it)| it.waits());
        let least = waiting.min_by_key(|(key, it)| (is_service(it), it.severity, key.1));
        let Some(key) = least.map(|(key, _)| *key) else { return };
        let Some(gone) = self.forget(key) else { return };
        let was_empty = self.subs[at].held[crate::subscriber::For::Room as usize].is_none();
        if gone.records() > 0 {
            let bunch = Bunch::of(&gone.items, gone.more, gone.severity);
            self.hold_for_room(at, &bunch);
        } else {
            self.sub(at).figures.overflowed += 1;
        }
        if was_empty {
            let name = self.subs[at].config.name.clone();
            self.say("notify-full", &[("subscription", &name)]);
        }
    }

    /// Takes a delivery out of the queue.
    pub(crate) fn forget(&mut self, key: Key) -> Option<Delivery> {
        let delivery = self.deliveries.remove(&key)?;
        self.ids.remove(&delivery.id);
        Some(delivery)
    }

    /// How many may be underway: those that are critical, and others.
    fn places(&self, at: usize) -> (usize, usize) {
        // One that fails is tried with one at a time.
        let all = if self.subs[at].failing.is_some() { 2 } else { DELIVERIES_UNDERWAY_MAX };
        (all, all - CRITICAL_PLACES)
    }

    /// Hands out what may be underway now.
    pub(crate) fn send(&mut self, at: usize) {
        let now = self.at.now;
        let again: Vec<Key> =
            self.queue_of(at).filter(|(_, it)| it.again).map(|(key, _)| *key).collect();
        again.into_iter().for_each(|key| self.hand_out(key));
        while let Some(key) = self.next_to_send(at).filter(|(_, next)| *next <= now) {
            if let Some(delivery) = self.deliveries.get_mut(&key.0) {
                delivery.attempt += 1;
            }
            self.hand_out(key.0);
        }
    }

    /// What is sent next, and when; `None` if nothing waits or all places are taken.
    fn next_to_send(&self, at: usize) -> Option<(Key, Stamp)> {
        let (all, others) = self.places(at);
        let underway = self.queue_of(at).filter(|(_, it)| !it.waits()).count();
        let may = |it: &Delivery| {
            it.waits() && underway < if it.severity == Severity::Critical { all } else { others }
        };
        let now = self.at.now;
        let next = self.queue_of(at).filter(|(_, it)| may(it));
        // Of those that may be sent now the most urgent, else the one that may be sent first.
        let order = |(key, it): &(&Key, &Delivery)| {
            (it.next.max(now), std::cmp::Reverse(it.severity), key.1)
        };
        next.min_by_key(order).map(|(key, it)| (*key, it.next))
    }

    /// When the queue is to be looked at next.
    pub(crate) fn next_try(&self, at: usize) -> Option<Stamp> {
        let answer = self.queue_of(at).filter_map(|(_, it)| it.underway).min();
        let next = self.next_to_send(at).map(|(_, next)| next);
        [answer, next].into_iter().flatten().min()
    }

    fn hand_out(&mut self, key: Key) {
        let sub = &self.subs[usize::from(key.0)].config;
        let (subscription, topic) = (sub.name.clone(), sub.topic.clone());
        let until = self.at.now.plus_s(DELIVERY_PATIENCE_S);
        let Some(delivery) = self.deliveries.get_mut(&key) else { return };
        (delivery.underway, delivery.again) = (Some(until), false);
        self.effects.push(Effect::Deliver(Deliver {
            id: delivery.id.clone(),
            subscription,
            topic,
            items: delivery.items.clone(),
            more: delivery.more,
            reason: delivery.reason,
            thread: delivery.thread.clone(),
            severity: delivery.severity,
            standing: delivery.standing,
            theme: delivery.theme,
            made: delivery.made,
            since: delivery.since,
            attempt: delivery.attempt,
            service: delivery.service.clone(),
        }));
    }

    /// Counts those that nobody answered for as not delivered.
    pub(crate) fn give_up_waiting(&mut self, at: usize) {
        let now = self.at.now;
        let is_late = |it: &Delivery| !it.again && it.underway.is_some_and(|until| until <= now);
        let late: Vec<String> =
            self.queue_of(at).filter(|(_, it)| is_late(it)).map(|(_, it)| it.id.clone()).collect();
        for id in late {
            let why = "no answer".to_owned();
            self.outcome(&id, Outcome::Later { why, after_s: None });
        }
    }
}
