//! The engine's state, and the one door into it.

mod alarming;
mod attempts;
mod commands;
mod entering;
mod orders;
mod originating;
mod refile;
mod refusals;
mod state;
mod underway;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use monban_model::limits::{CONNECTIONS_MAX, HISTORY_MAX, SUCCESSES_MAX, TALLIES_MAX};
use monban_model::{
    Address, AlarmSpec, Also, Catalog, ConnectionKey, Decision, Event, Kind, OrderId, Origin,
    OriginRule, Policy, Record, Seq, Sighting, Stamp, StateRow, Subject,
};

use crate::bounded::Bounded;
use crate::judge::{Blocks, Origins, Past, Protected};
use crate::observation::{Effect, Observation};
use crate::watch::{Alarms, Connection, Entries, Places, Success, Tally};
use underway::Underway;

pub use state::{Evicted, Saved};

/// What the engine is set up with; a reload brings another one.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The names of services and rules.
    pub catalog: Catalog,
    /// The policies, most specific first: the first that counts a sighting's service and kind
    /// is the one.
    pub policies: Vec<Policy>,
    /// What becomes of somebody because of where he is: the first that fits is the one.
    pub origins: Vec<OriginRule>,
    /// The alarms; composite ones name others without a circle.
    pub alarms: Vec<AlarmSpec>,
}

/// A failure is counted under a policy and for a subject.
type TallyKey = (u8, Subject);

/// Sightings in, records and orders out. See the crate's page.
#[derive(Debug)]
pub struct Engine {
    setup: Setup,
    /// The names of all rules, and `?` behind them.
    rules: Vec<Arc<str>>,
    /// Which policy counts what: by service and kind.
    counted: Vec<[Option<u8>; Kind::ALL.len()]>,
    tallies: Bounded<TallyKey, Tally>,
    evidence_bytes: usize,
    connections: Bounded<ConnectionKey, Connection>,
    successes: Bounded<Address, Success>,
    places: Places,
    entries: Entries,
    history: Bounded<Subject, Past>,
    blocks: Blocks,
    protected: Protected,
    origins: Origins,
    /// Logins that their origin blocks, the first first.
    entered: VecDeque<originating::Waiting>,
    alarms: Alarms,
    /// Orders that failed: when they are tried again, and how often they were tried.
    failed: BTreeMap<Subject, (Stamp, u32)>,
    underway: Underway,
    /// Changes under the names of policies that are gone.
    carried: Vec<StateRow>,
    next_seq: u64,
    next_order: u64,
}

impl Engine {
    /// An engine that goes on from what was saved.
    pub fn new(setup: Setup, mut saved: Saved) -> Self {
        let alarms = Alarms::new(&setup.alarms, std::mem::take(&mut saved.alarms));
        let mut engine = Self {
            rules: rule_names(&setup),
            origins: Origins::new(&setup.origins, &setup.catalog),
            entered: VecDeque::new(),
            counted: Vec::new(),
            setup,
            tallies: Bounded::new(TALLIES_MAX),
            evidence_bytes: 0,
            connections: Bounded::new(CONNECTIONS_MAX),
            successes: Bounded::new(SUCCESSES_MAX),
            places: Places::default(),
            entries: Entries::default(),
            history: Bounded::new(HISTORY_MAX),
            blocks: Blocks::default(),
            protected: Protected::default(),
            alarms,
            failed: BTreeMap::new(),
            underway: Underway::default(),
            carried: Vec::new(),
            next_seq: saved.next_seq.max(1),
            next_order: saved.next_order.max(1),
        };
        engine.find_counted();
        engine.restore(saved);
        engine
    }

    /// Takes in one observation. `now` never goes backwards: the clock for the daemon, the
    /// largest event time so far for a scan.
    #[inline]
    pub fn step(&mut self, now: Stamp, seen: Observation<'_>, out: &mut Vec<Effect>) {
        if let Observation::ClockSet { ms } = seen {
            self.shift(now, ms, out);
        }
        if self.blocks.next_end().is_some_and(|end| end <= now) {
            self.end_blocks(now, out);
        }
        if self.alarms.is_due(now) {
            self.tick_alarms(now, out);
        }
        match seen {
            Observation::Sighting(seen) => self.sighting(now, (seen, Origin::default()), out),
            Observation::SightingFrom(seen, from) => self.sighting(now, (seen, from), out),
            Observation::Outcome(outcome) => self.outcome(now, outcome, out),
            Observation::Command(id, command) => self.command(now, id, command, out),
            Observation::Allow(nets) => self.allow(now, nets, out),
            Observation::Present { administrators, guests } => {
                self.present(now, administrators, guests, out);
            }
            Observation::Notice(notice) => {
                self.record(now, Event::Noticed(notice), out);
            }
            Observation::Jail { finding, decision } => {
                let finding = finding.map(|finding| self.record(now, Event::Found(finding), out));
                self.feed_jail(now, &decision, out);
                self.record(now, Event::Decided(Decision { finding, ..decision }), out);
            }
            Observation::Jailed(outcome) => {
                self.record(now, Event::Happened(outcome), out);
            }
            Observation::Hooked(hooked) => self.hooked(now, hooked, out),
            Observation::Hooks(services) => self.entries.expect_hooks(now, &services),
            Observation::CatchingUp(yes) => self.entries.catch_up(yes),
            Observation::FoundHere(finding) => {
                self.record(now, Event::FoundHere(finding), out);
            }
            Observation::Datapoint(point) => self.datapoint(now, point, out),
            Observation::Tick | Observation::ClockSet { .. } => self.tick(now, out),
        }
    }

    #[inline]
    fn sighting(
        &mut self,
        now: Stamp,
        (seen, from): (&Sighting<'_>, Origin),
        out: &mut Vec<Effect>,
    ) {
        match seen.kind {
            Kind::Harmless => self.feed(now, seen, out),
            Kind::LoginAccepted => self.accept(now, (seen, from), out),
            Kind::SessionOpened => {
                self.meet(seen);
                self.session(now, seen, out);
                self.feed(now, seen, out);
            }
            Kind::SessionClosed => {
                self.meet(seen);
                self.feed(now, seen, out);
            }
            Kind::PrivilegeUsed => {
                self.meet(seen);
                self.used(now, seen, out);
                self.feed(now, seen, out);
            }
            Kind::PrivilegeRefused => {
                self.attempt(now, (seen, from), out);
                self.refused(now, seen, out);
            }
            Kind::ConnectionClosed => {
                self.close(seen);
                self.feed(now, seen, out);
            }
            Kind::LoginFailed => {
                self.mistyped(seen);
                self.attempt(now, (seen, from), out);
            }
            _ => self.attempt(now, (seen, from), out),
        }
        // Afterwards: what the line itself tells still belongs to the connection as it was.
        match seen.also {
            Also::Nothing => {}
            Also::Closes => self.close(seen),
            Also::Unchecked => self.excuse(seen),
        }
    }

    /// Takes over other rules and policies without losing a count: what was counted goes on under
    /// the policy that counts it now.
    pub fn set_up(&mut self, setup: Setup) {
        self.carried = self.take_changes();
        let old = std::mem::replace(&mut self.setup, setup);
        self.rules = rule_names(&self.setup);
        self.origins = Origins::new(&self.setup.origins, &self.setup.catalog);
        self.refit_entered();
        self.find_counted();
        self.alarms.set_up(&self.setup.alarms);
        self.refile(&old.policies);
    }

    /// When something will happen by itself: the next end of a block, the next retry, a login that
    /// waited for its line, refusals that were not told, the next moment at which an alarm is
    /// looked at.
    pub fn wake_at(&self) -> Option<Stamp> {
        let retry = self.failed.values().map(|(when, _)| *when).min();
        let told = [self.entries.wake_at(), self.places.wake_at(), self.alarms.wake_at()];
        let times = told.into_iter().chain([self.blocks.next_end(), retry, self.next_entered()]);
        times.flatten().min()
    }

    fn record(&mut self, time: Stamp, event: Event, out: &mut Vec<Effect>) -> Seq {
        let seq = Seq(self.next_seq);
        self.next_seq += 1;
        out.push(Effect::Record(Record { seq, time, event }));
        seq
    }

    fn order_id(&mut self) -> OrderId {
        let id = OrderId(self.next_order);
        self.next_order += 1;
        id
    }
}

fn rule_names(setup: &Setup) -> Vec<Arc<str>> {
    let names = setup.catalog.rules.iter().map(|rule| rule.name.as_str());
    names.chain(["?"]).map(Arc::from).collect()
}
