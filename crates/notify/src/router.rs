//! The router's state, and the one door into it.

use std::collections::{BTreeMap, BTreeSet};

use monban_model::limits::{INHIBITIONS_MAX, SUBSCRIPTIONS_MAX, TOPICS_MAX};
use monban_model::{
    Inhibition, Notice, Notify, NotifyRow, ReportKind, Severity, Silence, Stamp, Topic,
};

use crate::effect::Effect;
use crate::firing::Firing;
use crate::group::Groups;
use crate::input::{Input, Moment};
use crate::queue::{Delivery, Key};
use crate::rows;
use crate::shelf::Shelf;
use crate::status::Counters;
use crate::subscriber::Subscriber;

/// The clock may be behind that of the run before by so many milliseconds; further back it was set.
const DISORDER_MS: i64 = 60_000;

/// Subscriptions look at each other (fallbacks, escalation) so often in one step at most.
const ROUNDS_MAX: usize = 16;

/// What belongs to no subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) counters: Counters,
    /// The latest time so far.
    pub(crate) latest: Stamp,
    /// Numbers touches of groups and of what lasts.
    pub(crate) touches: u64,
    /// Numbers deliveries.
    pub(crate) orders: u64,
    pub(crate) silences: u32,
    /// Wrong codes since then.
    pub(crate) guesses: u32,
    pub(crate) guesses_since: Stamp,
    /// When the last report of each kind was due.
    pub(crate) reports: [Option<Stamp>; ReportKind::ALL.len()],
}

/// Publications in, deliveries out. See the crate's page.
#[derive(Clone, Debug)]
pub struct Router {
    pub(crate) topics: Vec<Topic>,
    pub(crate) subs: Vec<Subscriber>,
    pub(crate) inhibitions: Vec<Inhibition>,
    /// How much of what lasts is a source of each inhibition.
    pub(crate) inhibiting: Vec<u32>,
    /// Silences of the configuration.
    pub(crate) written: Vec<Silence>,
    /// Those of operators.
    pub(crate) silences: Shelf<u32, Silence>,
    pub(crate) groups: Groups,
    pub(crate) firing: Shelf<String, Firing>,
    /// What lasts, the one that makes room first.
    pub(crate) firing_order: BTreeSet<(Severity, u64, String)>,
    pub(crate) deliveries: Shelf<Key, Delivery>,
    pub(crate) ids: BTreeMap<String, Key>,
    pub(crate) own: Own,
    pub(crate) own_changed: bool,
    /// Topics of which no subscription works, and that was said.
    pub(crate) dark: Vec<bool>,
    /// When what is quiet is to be looked at again.
    pub(crate) recheck: Option<Stamp>,
    /// Rows of what the configuration does not name any more.
    pub(crate) stray: Vec<NotifyRow>,
    pub(crate) at: Moment,
    pub(crate) effects: Vec<Effect>,
}

impl Router {
    /// A router that goes on from these rows. Those of topics and subscriptions that are not
    /// there any more are forgotten; what cannot be read is counted.
    pub fn new(notify: &Notify, rows: Vec<NotifyRow>) -> Self {
        // A configuration that was read has no more than that.
        let topics: Vec<Topic> = notify.topics.iter().take(TOPICS_MAX).cloned().collect();
        let inhibitions: Vec<Inhibition> =
            notify.inhibitions.iter().take(INHIBITIONS_MAX).cloned().collect();
        let place = |name: &str| topics.iter().position(|topic| topic.name == name);
        let subs = notify.subscriptions.iter().filter_map(|subscription| {
            let topic = place(&subscription.topic)?;
            Some(Subscriber::new(subscription.clone(), topic))
        });
        let mut router = Self {
            subs: subs.take(SUBSCRIPTIONS_MAX).collect(),
            dark: vec![false; topics.len()],
            topics,
            inhibiting: vec![0; inhibitions.len()],
            inhibitions,
            written: notify.silences.clone(),
            silences: Shelf::default(),
            groups: Groups::default(),
            firing: Shelf::default(),
            firing_order: BTreeSet::new(),
            deliveries: Shelf::default(),
            ids: BTreeMap::new(),
            own: Own::default(),
            own_changed: false,
            recheck: Some(Stamp(i64::MIN)),
            stray: Vec::new(),
            at: Moment { now: Stamp(i64::MIN), offset_s: 0 },
            effects: Vec::new(),
        };
        rows::restore(&mut router, rows);
        router.dark = (0..router.topics.len()).map(|topic| router.is_dark(topic)).collect();
        router
    }

    /// Takes over another configuration; what is open goes on.
    pub fn reload(&mut self, notify: &Notify) {
        let mut stray = std::mem::take(&mut self.stray);
        let gone = self.take_rows().into_iter().filter(|row| row.content.is_none());
        stray.extend(gone);
        let (rows, at) = (self.all_rows(), self.at);
        let is_again = |it: &&Delivery| it.again;
        let again: BTreeSet<String> = self
            .deliveries
            .iter()
            .map(|(_, it)| it)
            .filter(is_again)
            .map(|it| it.id.clone())
            .collect();
        *self = Self::new(notify, rows.clone());
        self.at = at;
        // Whoever has what is underway still has it.
        let keys: Vec<Key> = self.deliveries.iter().map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(delivery) = self.deliveries.get_unmarked(&key) {
                delivery.again = again.contains(&delivery.id);
            }
        }
        // What was taken last may not be written yet: all of it is handed out again.
        let is_same =
            |one: &NotifyRow, other: &NotifyRow| one.kind == other.kind && one.id == other.id;
        let is_kept = |row: &NotifyRow| !self.stray.iter().any(|gone| is_same(gone, row));
        stray.extend(rows.into_iter().filter(is_kept));
        stray.append(&mut self.stray);
        self.stray = stray;
    }

    /// Takes in one thing and appends what follows from it.
    pub fn step(&mut self, at: Moment, input: Input, out: &mut Vec<Effect>) {
        if let Input::ClockSet(ms) = input {
            self.shift(ms);
            self.own.latest = at.now;
        }
        self.begin(at);
        match input {
            Input::Publish(publication, telling) => self.publish(publication, telling),
            Input::Outcome { id, outcome } => self.outcome(&id, outcome),
            Input::Code { subscription, purpose, hash } => {
                self.take_code(&subscription, purpose, hash);
            }
            Input::Report(report, topic) => self.report(report, &topic),
            Input::Command(id, command) => {
                let answer = self.command(command);
                self.effects.push(Effect::Answer { id, answer });
            }
            Input::ClockSet(_) | Input::Tick => {}
        }
        self.advance();
        out.append(&mut self.effects);
    }

    /// When the next [`Input::Tick`] is due; `None` if nothing waits for a time. Before the first
    /// step it is due at once, whatever the time.
    pub fn wake_at(&self) -> Option<Stamp> {
        let subs = self.subs.iter().map(|sub| sub.wake).min();
        let all = [subs, self.groups.next_due(), self.recheck];
        all.into_iter().flatten().min().filter(|wake| *wake < Stamp(i64::MAX))
    }

    /// Takes over the time of a step, which does not go backwards.
    fn begin(&mut self, at: Moment) {
        let is_first = self.at.now == Stamp(i64::MIN);
        let back_ms = self.own.latest.0.saturating_sub(at.now.0);
        if is_first && back_ms > DISORDER_MS {
            self.shift(-back_ms);
            self.own.latest = at.now;
        }
        self.own.latest = self.own.latest.max(at.now);
        self.at = Moment { now: self.own.latest, ..at };
        self.own_changed = true;
    }

    /// The clock was set: what waits keeps waiting as long as it would have, and what operators
    /// made quiet is quiet as long as they said.
    fn shift(&mut self, ms: i64) {
        self.subs.iter_mut().for_each(|sub| sub.shift(ms));
        self.groups.shift(ms);
        self.deliveries.change_all(|delivery| delivery.shift(ms));
        self.silences.change_all(|silence| {
            silence.from = silence.from.plus_ms(ms);
            silence.until = silence.until.map(|until| until.plus_ms(ms));
        });
        self.recheck = Some(Stamp(i64::MIN));
        self.own.guesses_since = self.own.guesses_since.plus_ms(ms);
    }

    /// Does all that is due.
    fn advance(&mut self) {
        if self.recheck.is_some_and(|recheck| recheck <= self.at.now) {
            self.look_at_quiet();
        }
        for _ in 0..ROUNDS_MAX {
            self.flush_groups();
            let due: Vec<usize> =
                (0..self.subs.len()).filter(|at| self.subs[*at].wake <= self.at.now).collect();
            if due.is_empty() {
                break;
            }
            due.into_iter().for_each(|at| self.tend(at));
        }
    }

    /// The subscription to be changed.
    pub(crate) fn sub(&mut self, at: usize) -> &mut Subscriber {
        let sub = &mut self.subs[at];
        sub.changed = true;
        sub
    }

    pub(crate) fn find_sub(&self, name: &str) -> Option<usize> {
        self.subs.iter().position(|sub| sub.config.name == name)
    }

    /// Says something on this host.
    pub(crate) fn say(&mut self, key: &str, values: &[(&str, &str)]) {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let notice = Notice { key: key.to_owned(), values: values.collect() };
        self.effects.push(Effect::Notice(notice));
    }

    pub(crate) fn next_touch(&mut self) -> u64 {
        self.own.touches += 1;
        self.own.touches
    }
}
