//! Alarms within the engine: what is seen becomes datapoints of built-in metrics, and what alarms
//! tell becomes records.

use monban_model::{
    Address, BLOCKS_METRIC, Datapoint, Decision, Event, Kind, Sighting, Stamp, Subject, Verdict,
};

use super::Engine;
use crate::observation::Effect;
use crate::watch::Uncounted;

impl Engine {
    /// Evaluates the alarms that are due.
    pub(super) fn tick_alarms(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        let mut told = Vec::new();
        self.alarms.tick(now, &mut told);
        for (time, change) in told {
            self.record(time, Event::Alarmed(change), out);
        }
    }

    /// Takes in a datapoint.
    pub(super) fn datapoint(&mut self, now: Stamp, point: &Datapoint<'_>, out: &mut Vec<Effect>) {
        let mut told = Vec::new();
        self.alarms.take(now, point, &mut told);
        for (time, change) in told {
            self.record(time, Event::Alarmed(change), out);
        }
    }

    /// A sighting is a datapoint of the metric that is called as its kind.
    #[inline]
    pub(super) fn feed(&mut self, now: Stamp, seen: &Sighting<'_>, out: &mut Vec<Effect>) {
        if self.alarms.watches(seen.kind) {
            self.feed_as(now, (seen.kind, seen.weight.max(1), seen.address), seen, out);
        }
    }

    /// The same with what its connection knows: of several witnesses only one counts, and the
    /// address may have been told before.
    pub(super) fn feed_as(
        &mut self,
        now: Stamp,
        (kind, count, address): (Kind, u32, Option<Address>),
        seen: &Sighting<'_>,
        out: &mut Vec<Effect>,
    ) {
        let service = self.setup.catalog.service(seen.service).to_owned();
        let point = Datapoint {
            metric: kind.name(),
            time: seen.time,
            value: 1.0,
            count,
            dimensions: &[("service", service.as_bytes())],
            address,
            user: seen.user,
            line: seen.line,
        };
        self.datapoint(now, &point, out);
    }

    /// A block is a datapoint of `blocks`.
    pub(super) fn feed_block(
        &mut self,
        now: Stamp,
        subject: Subject,
        policy: &str,
        out: &mut Vec<Effect>,
    ) {
        if self.alarms.is_empty() {
            return;
        }
        let net = subject.net();
        let point = Datapoint {
            metric: BLOCKS_METRIC,
            time: now,
            value: 1.0,
            count: 1,
            dimensions: &[("policy", policy.as_bytes())],
            address: Some(Address::new(net.base())),
            user: None,
            line: &[],
        };
        self.datapoint(now, &point, out);
    }

    /// The ban of a jail is one, too.
    pub(super) fn feed_jail(&mut self, now: Stamp, decision: &Decision, out: &mut Vec<Effect>) {
        if matches!(decision.verdict, Verdict::Block { .. }) {
            self.feed_block(now, decision.subject, &decision.policy, out);
        }
    }

    /// What alarms did not count, since the start.
    pub fn alarms_uncounted(&self) -> Uncounted {
        self.alarms.uncounted()
    }

    /// States of alarms that are kept apart for somebody, and the bytes that all states hold.
    pub fn alarm_sizes(&self) -> (usize, usize) {
        self.alarms.sizes()
    }
}
