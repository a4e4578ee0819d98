//! What became of deliveries, and what follows when a subscription does not work.

use monban_model::Severity;
use monban_model::limits::{
    DELIVERY_AGE_MAX_S, DELIVERY_PATIENCE_S, DELIVERY_WHY_MAX, RETRY_AFTER_MAX_S,
};

use crate::bunch::Bunch;
use crate::effect::{Reason, Service};
use crate::input::Outcome;
use crate::offer::Parcel;
use crate::publish::first_bytes;
use crate::queue::{Delivery, Key};
use crate::router::Router;
use crate::status::State;

/// So many tries that failed one after the other tell that a subscription does not work.
const STREAK: u32 = 3;

impl Router {
    /// What became of a delivery. One that is not underway is not known any more: the outcome
    /// came late or twice.
    pub(crate) fn outcome(&mut self, id: &str, outcome: Outcome) {
        let key = self.ids.get(id).copied();
        let is_underway = |key: &Key| {
            self.deliveries.get(key).is_some_and(|it| it.underway.is_some() || it.attempt > 0)
        };
        let Some(key) = key.filter(is_underway) else {
            self.own.counters.stale_outcomes += 1;
            return;
        };
        let at = usize::from(key.0);
        self.subs[at].wake = self.at.now;
        match outcome {
            Outcome::Delivered => self.delivered(at, key),
            Outcome::Later { why, after_s } => self.try_later(at, key, &why, after_s.unwrap_or(0)),
            Outcome::Never { why } => self.give_up(at, key, &why),
        }
    }

    fn delivered(&mut self, at: usize, key: Key) {
        self.forget(key);
        let sub = self.sub(at);
        sub.figures.delivered += 1;
        sub.streak = 0;
        if sub.failing.take().is_some() {
            let name = sub.config.name.clone();
            self.say("notify-works", &[("subscription", &name)]);
            self.look_for_darkness();
        }
    }

    fn try_later(&mut self, at: usize, key: Key, why: &str, after_s: u64) {
        let now = self.at.now;
        let Some(delivery) = self.deliveries.get_mut(&key) else { return };
        // A second answer to the same try.
        if delivery.underway.is_none() {
            self.own.counters.stale_outcomes += 1;
            return;
        }
        if now.since_s(delivery.made) >= DELIVERY_AGE_MAX_S {
            return self.give_up(at, key, why);
        }
        let tried = delivery.attempt;
        let begun = delivery.underway.map(|until| until.minus_s(DELIVERY_PATIENCE_S));
        (delivery.underway, delivery.again) = (None, false);
        delivery.next = delivery.back_off(now, after_s.min(RETRY_AFTER_MAX_S));
        // Letters that were tried together fail together: that is once.
        let sub = self.sub(at);
        sub.figures.failed += 1;
        let is_of_another_moment = sub.failed_at.is_none_or(|failed| begun > Some(failed));
        if tried > sub.streak && is_of_another_moment {
            sub.streak += 1;
            sub.failed_at = Some(now);
        }
        if sub.streak >= STREAK {
            self.note_failing(at, why);
        }
    }

    fn give_up(&mut self, at: usize, key: Key, why: &str) {
        self.sub(at).figures.failed += 1;
        self.note_failing(at, why);
        self.pass_on(at, key);
        let Some(delivery) = self.forget(key) else { return };
        let records = delivery.records();
        let sub = self.sub(at);
        sub.figures.given_up = sub.figures.given_up.saturating_add(records);
        let name = sub.config.name.clone();
        let why = first_bytes(why, DELIVERY_WHY_MAX);
        let values = [
            ("delivery", delivery.id.as_str()),
            ("records", &records.to_string()),
            ("subscription", &name),
            ("why", why),
        ];
        self.say("notify-given-up", &values);
    }

    /// A subscription does not work: that is said here and by the next one that does, and its
    /// fallback gets what waits.
    fn note_failing(&mut self, at: usize, why: &str) {
        let now = self.at.now;
        if self.subs[at].failing.is_some() {
            return;
        }
        let why = first_bytes(why, DELIVERY_WHY_MAX).to_owned();
        let sub = self.sub(at);
        sub.failing = Some((now, why.clone()));
        let name = sub.config.name.clone();
        self.say("notify-failing", &[("subscription", &name), ("why", &why)]);
        if let Some(other) = self.next_that_works(at) {
            let service = Service::Failing { subscription: name, why };
            self.enqueue(other, &Parcel::service(service, Severity::Warning, now));
        }
        self.look_for_darkness();
        let waiting: Vec<Key> = self.queue_of(at).map(|(key, _)| *key).collect();
        waiting.into_iter().for_each(|key| self.pass_on(at, key));
    }

    /// The fallback, else one of the same topic, else any.
    fn next_that_works(&self, at: usize) -> Option<usize> {
        let works = |it: &usize| *it != at && self.subs[*it].works();
        let fallback = self.subs[at].config.fallback.as_ref();
        let fallback = fallback.and_then(|name| self.find_sub(name));
        let of_topic = self.subs_of(self.subs[at].topic);
        fallback.into_iter().chain(of_topic).chain(0..self.subs.len()).find(works)
    }

    /// Gives a copy to the fallback, once. The original stays: when it is delivered, too, that is
    /// better than if neither were.
    pub(crate) fn pass_on(&mut self, at: usize, key: Key) {
        let fallback = self.subs[at].config.fallback.as_ref();
        let Some(to) = fallback.and_then(|name| self.find_sub(name)) else { return };
        let Some(delivery) = self.deliveries.get(&key).filter(|it| is_passed(it)) else { return };
        let parcel = Parcel {
            bunch: Bunch::of(&delivery.items, delivery.more, delivery.severity),
            reason: delivery.reason,
            thread: delivery.thread.clone(),
            standing: delivery.standing,
            theme: delivery.theme,
            since: delivery.since,
            depth: 0,
            passed_on: true,
            least: Severity::Info,
            service: None,
        };
        if let Some(delivery) = self.deliveries.get_mut(&key) {
            delivery.passed_on = true;
        }
        self.offer(to, &parcel);
    }

    /// Whether some are active and none of them works.
    pub(crate) fn is_dark(&self, topic: usize) -> bool {
        let mut active =
            self.subs.iter().filter(|sub| sub.topic == topic && sub.state == State::Active);
        active.clone().next().is_some() && active.all(|sub| sub.failing.is_some())
    }

    /// Says when no subscription of a topic works any more: here, and by any other that does.
    pub(crate) fn look_for_darkness(&mut self) {
        let now = self.at.now;
        for topic in 0..self.topics.len() {
            let is_dark = self.is_dark(topic);
            if std::mem::replace(&mut self.dark[topic], is_dark) == is_dark || !is_dark {
                continue;
            }
            let name = self.topics[topic].name.clone();
            self.say("notify-dark", &[("topic", &name)]);
            if let Some(other) = (0..self.subs.len()).find(|at| self.subs[*at].works()) {
                let parcel = Parcel::service(Service::Dark(name), Severity::Critical, now);
                self.enqueue(other, &parcel);
            }
        }
    }
}

/// Codes and tests are for one reader only.
fn is_passed(delivery: &Delivery) -> bool {
    !delivery.passed_on && delivery.reason != Reason::Service
}
