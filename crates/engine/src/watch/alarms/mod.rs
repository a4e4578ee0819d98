//! Detector: alarms over metrics, and alarms over alarms.
//!
//! An alarm counts the datapoints of its metric in slices of time. With monban's own rules it is
//! evaluated with each datapoint, over the periods that end at this moment, and whenever a slice
//! ends; with CloudWatch's once a minute, or every ten seconds where periods are shorter.
//!
//! # Absent on purpose
//! Flap damping: a state that goes back and forth is told as it is. Whoever wants less of it asks
//! for more of N periods.

mod composite;
mod decide;
mod gone;
mod shape;
mod state;
mod tops;
mod watching;

use std::sync::Arc;

use hashbrown::HashMap;
use monban_model::limits::{ALARM_BYTES_MAX, ALARM_STATES_MAX};
use monban_model::wire::alarm_bytes;
use monban_model::{
    AlarmChange, AlarmPoint, AlarmRow, AlarmSpec, AlarmState, Contributor, Datapoint, Evidence,
    Kind, Per, QuickState, Reason, Semantics, Stamp, StateRow, Subject, Watch, Watched,
    is_built_in,
};

use crate::bounded::Bounded;
use gone::Gone;
use shape::{Misplaced, Shape};
use state::State;

/// Alarms that are due are looked at within a second or two. If it took so long, nobody was there.
const GAP_MS: i64 = 60_000;

/// What did not count, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uncounted {
    /// Datapoints older than all that their alarm looks at.
    pub late: u64,
    /// Datapoints of a time to come.
    pub ahead: u64,
    /// Datapoints whose value is no number.
    pub no_number: u64,
    /// States of addresses, users or dimensions that had to make room.
    pub evicted: u64,
}

/// A change, and when it came about.
pub(crate) type Told = (Stamp, Box<AlarmChange>);

/// An alarm, ready to be evaluated.
#[derive(Debug)]
struct Alarm {
    spec: AlarmSpec,
    /// See [`monban_model::AlarmMemory::definition`].
    definition: u64,
    /// `None` for a composite alarm.
    shape: Option<Shape>,
    /// Whether a datapoint must have its dimensions and no others.
    exactly: bool,
    /// Its states in `ALARM`, if it has several.
    firing: u32,
}

/// Which state of which alarm.
type Apart = (u16, Box<[u8]>);

/// All alarms and their states.
#[derive(Debug)]
pub(crate) struct Alarms {
    alarms: Vec<Alarm>,
    by_metric: HashMap<String, Arc<[u16]>, QuickState>,
    /// Whether any alarm is about this kind.
    kinds: [bool; Kind::ALL.len()],
    /// Composite alarms, children before those that name them, each with its children.
    composites: Vec<(u16, Vec<u16>)>,
    /// One state for each alarm: its own, or what those that are apart come to.
    own: Vec<State>,
    own_changed: Vec<bool>,
    apart: Bounded<Apart, State>,
    bytes: usize,
    next: Option<Stamp>,
    begun: bool,
    /// Whether anything was evaluated in this run.
    looked: bool,
    uncounted: Uncounted,
    gone: Gone,
    scratch: Vec<AlarmPoint>,
}

impl Default for Alarms {
    fn default() -> Self {
        Self::new(&[], Vec::new())
    }
}

impl Alarms {
    /// Alarms that go on from what was saved.
    pub(crate) fn new(specs: &[AlarmSpec], saved: Vec<AlarmRow>) -> Self {
        let alarms: Vec<Alarm> = specs.iter().map(Alarm::new).collect();
        let mut by_metric: HashMap<String, Vec<u16>, QuickState> = HashMap::default();
        for (at, alarm) in alarms.iter().enumerate() {
            if let Some(watched) = alarm.spec.watched() {
                by_metric.entry(watched.metric.clone()).or_default().push(at as u16);
            }
        }
        let mut found = Self {
            kinds: std::array::from_fn(|kind| by_metric.contains_key(Kind::ALL[kind].name())),
            by_metric: by_metric.into_iter().map(|(name, of)| (name, of.into())).collect(),
            composites: composite::in_order(&alarms),
            own: alarms.iter().map(Alarm::fresh).collect(),
            own_changed: vec![false; alarms.len()],
            apart: Bounded::new(ALARM_STATES_MAX),
            bytes: 0,
            next: None,
            begun: false,
            looked: false,
            uncounted: Uncounted::default(),
            gone: Gone::default(),
            scratch: Vec::new(),
            alarms,
        };
        found.restore(saved);
        found
    }

    /// Takes over other alarms; those that are as they were go on.
    pub(crate) fn set_up(&mut self, specs: &[AlarmSpec]) {
        let mut rows: Vec<AlarmRow> =
            self.own_rows().map(|(at, own)| own.to_row(self.name(at), None)).collect();
        let mut apart: Vec<(&Apart, &State)> = self.apart.iter().collect();
        apart.sort_by_key(|(key, state)| (state.last, *key));
        let row = |(key, state): &(&Apart, &State)| state.to_row(self.name(key.0), Some(&key.1));
        rows.extend(apart.iter().map(row));
        let mut waiting = Vec::new();
        self.give_changes(&mut |row| waiting.push(row));
        let uncounted = Uncounted { evicted: self.evicted(), ..self.uncounted };
        let mut gone = std::mem::take(&mut self.gone);
        *self = Self { looked: self.looked, ..Self::new(specs, rows) };
        // A state that was changed, but has another definition now, is forgotten after that.
        gone.rows = waiting;
        self.gone.go_on(gone);
        self.uncounted = uncounted;
    }

    /// Whether an alarm is about this kind of sighting.
    #[inline]
    pub(crate) fn watches(&self, kind: Kind) -> bool {
        self.kinds[kind as usize]
    }

    /// Whether there is any alarm.
    pub(crate) fn is_empty(&self) -> bool {
        self.alarms.is_empty()
    }

    /// Whether something is to be evaluated by now.
    #[inline]
    pub(crate) fn is_due(&self, now: Stamp) -> bool {
        let has_begun = self.begun && self.looked;
        !has_begun || self.gone.has_news() || self.next.is_some_and(|next| next <= now)
    }

    /// When an alarm is to be evaluated by itself.
    #[inline]
    pub(crate) fn wake_at(&self) -> Option<Stamp> {
        self.next
    }

    /// Takes in a datapoint.
    pub(crate) fn take(&mut self, now: Stamp, point: &Datapoint<'_>, out: &mut Vec<Told>) {
        if !point.value.is_finite() {
            self.uncounted.no_number += 1;
            return;
        }
        let Some(of_metric) = self.by_metric.get(point.metric) else { return };
        let of_metric = Arc::clone(of_metric);
        let before = out.len();
        for at in of_metric.iter() {
            self.take_for(now, *at, point, out);
        }
        if out.len() > before {
            self.follow(now, out);
        }
    }

    /// Evaluates what is due. Each evaluation is made as of its own moment.
    pub(crate) fn tick(&mut self, now: Stamp, out: &mut Vec<Told>) {
        if !self.begun {
            self.begin(now, out);
        }
        self.gone.tell(now, out);
        self.forget_gaps(now);
        while let Some(next) = self.next.filter(|next| *next <= now) {
            let before = out.len();
            for at in 0..self.own.len() as u16 {
                let state = &self.own[usize::from(at)];
                if state.memory.due.is_some_and(|due| due <= next) {
                    self.evaluate_own(next, now, at, out);
                }
            }
            let due = |state: &State| state.memory.due.is_some_and(|due| due <= next);
            let mut apart: Vec<Apart> = self
                .apart
                .iter()
                .filter(|(_, state)| due(state))
                .map(|(key, _)| key.clone())
                .collect();
            apart.sort_unstable();
            for key in apart {
                self.evaluate_apart(next, now, &key, out);
            }
            if out.len() > before {
                self.follow(next, out);
            }
            self.find_next();
        }
    }

    /// Gives what changed since the last call, each thing once.
    pub(crate) fn give_changes(&mut self, to: &mut impl FnMut(StateRow)) {
        std::mem::take(&mut self.gone.rows).into_iter().for_each(&mut *to);
        for at in 0..self.own.len() {
            if std::mem::take(&mut self.own_changed[at]) {
                let row = self.own[at].to_row(&self.alarms[at].spec.name, None);
                to(StateRow::Alarm(row));
            }
        }
        let alarms = &self.alarms;
        let name = |at: u16| alarms[usize::from(at)].spec.name.as_str();
        let mut gone = Vec::new();
        self.apart.take_changes(
            |key| gone.push(key),
            |key, state| to(StateRow::Alarm(state.to_row(name(key.0), Some(&key.1)))),
        );
        for (at, contributor) in gone {
            to(StateRow::NoAlarm(name(at).to_owned(), Some(contributor.into_vec())));
        }
    }

    /// About how many bytes the rows of [`Alarms::give_changes`] would take.
    pub(crate) fn waiting_bytes(&self) -> usize {
        let states = self.own.len() + self.apart.len();
        let each = self.bytes.checked_div(states).unwrap_or(0);
        let own = self.own_changed.iter().filter(|changed| **changed).count();
        (own + self.apart.waiting() + self.gone.rows.len()) * each
    }

    /// What did not count so far.
    pub(crate) fn uncounted(&self) -> Uncounted {
        Uncounted { evicted: self.evicted(), ..self.uncounted }
    }

    /// States that are kept apart, and what all states hold, in bytes.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.apart.len(), self.bytes)
    }

    /// The clock was set: what is open keeps its age.
    pub(crate) fn shift(&mut self, ms: i64) {
        self.own.iter_mut().for_each(|state| state.shift(ms));
        self.own_changed.fill(true);
        self.apart.change_all(|state| state.shift(ms));
        self.find_next();
    }

    fn evicted(&self) -> u64 {
        self.uncounted.evicted + self.apart.evicted()
    }

    fn name(&self, at: u16) -> &str {
        &self.alarms[usize::from(at)].spec.name
    }

    fn own_rows(&self) -> impl Iterator<Item = (u16, &State)> {
        self.own.iter().enumerate().map(|(at, state)| (at as u16, state))
    }

    fn restore(&mut self, mut saved: Vec<AlarmRow>) {
        saved.sort_by_key(|row| row.last);
        let sums = gone::with_contributors(&saved);
        for row in saved {
            let was_told = row.contributor.is_some() || !sums.contains(&row.alarm);
            let place = self.alarms.iter().position(|alarm| alarm.spec.name == row.alarm);
            let Some(at) = place else {
                self.gone.forget(row, was_told);
                continue;
            };
            let alarm = &mut self.alarms[at];
            let is_same = alarm.definition == row.memory.definition;
            let is_apart = alarm.spec.per != Per::Nothing;
            match row.contributor.clone() {
                Some(contributor) if is_same && is_apart => {
                    alarm.firing += u32::from(row.state == AlarmState::Alarm);
                    let state = alarm.restored(row);
                    self.bytes += state.bytes;
                    self.apart.restore((at as u16, contributor.into()), state);
                }
                Some(_) => self.gone.forget(row, true),
                None if is_same => self.own[at] = alarm.restored(row),
                // A state that counts others now, or did before, says nothing of what comes.
                None if is_apart || !was_told => self.gone.close(row, was_told),
                None => {
                    // Another definition: its state stays until it is evaluated anew.
                    let fresh = alarm.fresh();
                    let (state, since, last) = (row.state, row.since, row.last);
                    self.own[at] = State { state, since, last, ..fresh };
                }
            }
        }
        self.bytes += self.own.iter().map(|state| state.bytes).sum::<usize>();
        self.begun = !self.own.is_empty()
            && self.own.iter().all(|state| state.memory.watched_since != Stamp::default());
        self.find_next();
    }

    /// The first moment: from here on metrics are watched.
    fn begin(&mut self, now: Stamp, out: &mut Vec<Told>) {
        self.begun = true;
        for at in 0..self.own.len() {
            let state = &mut self.own[at];
            if state.memory.watched_since != Stamp::default() {
                continue;
            }
            state.memory.watched_since = now;
            if state.since == Stamp::default() {
                (state.since, state.last) = (now, now);
            }
            let alarm = &self.alarms[at];
            state.memory.due = match (alarm.shape, &alarm.spec.per) {
                (Some(shape), Per::Nothing) => Some(shape.next_end(now)),
                _ => None,
            };
            self.own_changed[at] = true;
        }
        self.find_next();
        self.follow_all(now, out);
    }

    /// Nobody looked for a while: the machine slept, or monban was not running. What silence then
    /// means is only known once the logs of that time were read, so alarms about silence wait.
    fn forget_gaps(&mut self, now: Stamp) {
        // At the start nothing was read yet of even a short time.
        let short_ms = if std::mem::replace(&mut self.looked, true) { GAP_MS } else { 0 };
        let is_gap = |due: Stamp| now.0.saturating_sub(due.0) >= short_ms;
        if !self.next.is_some_and(is_gap) {
            return;
        }
        let has_gap = |state: &State| state.memory.due.is_some_and(is_gap);
        for (at, state) in self.own.iter_mut().enumerate() {
            let alarm = &self.alarms[at];
            let Some(shape) = alarm.shape.filter(|_| alarm.is_about_silence()) else { continue };
            if has_gap(state) {
                (state.memory.watched_since, state.memory.due) = (now, Some(shape.next_end(now)));
                self.own_changed[at] = true;
            }
        }
        let is_left = |(key, state): &(&Apart, &State)| {
            has_gap(state) && self.alarms[usize::from(key.0)].is_about_silence()
        };
        let mut apart: Vec<Apart> =
            self.apart.iter().filter(is_left).map(|(key, _)| key.clone()).collect();
        apart.sort_unstable();
        for key in apart {
            let Some(shape) = self.alarms[usize::from(key.0)].shape else { continue };
            self.apart.change(&key, |state| {
                (state.memory.watched_since, state.memory.due) = (now, Some(shape.next_end(now)));
            });
        }
        self.find_next();
    }

    fn find_next(&mut self) {
        let own = self.own.iter().filter_map(|state| state.memory.due);
        let apart = self.apart.iter().filter_map(|(_, state)| state.memory.due);
        self.next = own.chain(apart).min();
    }
}

impl Alarm {
    fn new(spec: &AlarmSpec) -> Self {
        let is_apart = spec.per != Per::Nothing;
        let shape = spec.watched().map(|watched| Shape::of(watched, spec.semantics, is_apart));
        let is_of_lines = spec.watched().is_some_and(|watched| !is_built_in(&watched.metric));
        let exactly = spec.semantics == Semantics::Aws && is_of_lines;
        Self { definition: definition(spec), shape, spec: spec.clone(), exactly, firing: 0 }
    }

    /// A state that nothing is known of.
    fn fresh(&self) -> State {
        let mut state = State { state: self.spec.first_state(), ..State::default() };
        state.memory.definition = self.definition;
        state.memory.slice_ms =
            self.shape.map_or(0, |shape| u32::try_from(shape.slice_ms).unwrap_or(u32::MAX));
        state.bytes = state.weigh();
        state
    }

    /// A state as it was saved. One that waits for nothing may have to be repeated now.
    fn restored(&self, row: AlarmRow) -> State {
        let is_sum = row.contributor.is_none() && self.spec.per != Per::Nothing;
        let mut state = State::from_row(row);
        if state.state == AlarmState::Alarm && self.shape.is_some() && !is_sum {
            let again = self.spec.repeat_s.map(|every| state.memory.told.plus_s(every));
            state.memory.due = state.memory.due.or(again);
        }
        state
    }

    /// See [`decide::is_about_silence`].
    fn is_about_silence(&self) -> bool {
        let watched = self.spec.watched();
        watched.is_some_and(|watched| decide::is_about_silence(watched, self.spec.semantics))
    }

    /// Whether a datapoint of its metric is meant.
    fn is_about(&self, watched: &Watched, point: &Datapoint<'_>) -> bool {
        let has = |(name, value): &(String, String)| {
            point.dimensions.iter().any(|(known, is)| known == name && *is == value.as_bytes())
        };
        (!self.exactly || point.dimensions.len() == watched.dimensions.len())
            && watched.dimensions.iter().all(has)
    }

    /// Whose state a datapoint belongs to, if the alarm has several.
    fn contributor(&self, point: &Datapoint<'_>) -> Option<Box<[u8]>> {
        let of_dimension = |name: &str| {
            let found = point.dimensions.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        };
        let name: Box<[u8]> = match &self.spec.per {
            Per::Nothing => return None,
            // As blocks count: an IPv6 address with its neighbours in the /64.
            Per::Address => Subject::of(point.address?).to_string().into_bytes().into(),
            Per::User => point.user?.into(),
            Per::Dimension(name) => of_dimension(name)?.into(),
        };
        let most = monban_model::limits::LABEL_VALUE_MAX;
        Some(if name.len() > most { name[..most].into() } else { name })
    }
}

/// A number that another definition hardly has: FNV-1a over what decides its state.
fn definition(spec: &AlarmSpec) -> u64 {
    let mut bytes = match &spec.watch {
        Watch::Metric(watched) => alarm_bytes(watched),
        Watch::Rule(rule) => rule.to_string().into_bytes(),
    };
    bytes.push(b'/');
    bytes.extend_from_slice(spec.semantics.word().as_bytes());
    bytes.extend_from_slice(spec.per.word().as_bytes());
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// How much a state may take before others make room.
const fn is_over(bytes: usize) -> bool {
    bytes > ALARM_BYTES_MAX
}
