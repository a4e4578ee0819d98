//! Datapoints into states, and states into changes.

use monban_model::limits::ALARM_POINTS_MAX;

use super::decide::{decide, reason, spare_unwatched};
use super::{
    AlarmChange, AlarmPoint, AlarmState, Alarms, Apart, Contributor, Datapoint, Evidence,
    Misplaced, Per, Reason, Shape, Stamp, State, Told, Watched, is_over, tops,
};
use monban_model::Semantics;

/// What an evaluation found.
enum Found {
    /// The state stays.
    Same,
    /// It is still in `ALARM`, and that is to be said again.
    Again(Reason),
    /// It is another one.
    Changed(AlarmState, Reason),
}

impl Alarms {
    /// Takes in a datapoint for one alarm.
    pub(super) fn take_for(
        &mut self,
        now: Stamp,
        at: u16,
        point: &Datapoint<'_>,
        out: &mut Vec<Told>,
    ) {
        let alarm = &self.alarms[usize::from(at)];
        let (Some(watched), Some(shape)) = (alarm.spec.watched(), alarm.shape) else { return };
        if !alarm.is_about(watched, point) {
            return;
        }
        let number = match shape.place(now, point.time) {
            Ok(number) => number,
            Err(Misplaced::Late) => return self.uncounted.late += 1,
            Err(Misplaced::Ahead) => return self.uncounted.ahead += 1,
        };
        let how = (watched, shape, alarm.spec.samples);
        match alarm.spec.per {
            Per::Nothing => {
                let state = &mut self.own[usize::from(at)];
                let has_grown = state.add((number, now), point, how);
                let due = state.schedule(now, watched, shape);
                self.own_changed[usize::from(at)] = true;
                if has_grown {
                    state.reweigh(&mut self.bytes);
                }
                let at_once = is_due_at_once(watched, shape);
                self.wake_by(due);
                if at_once {
                    self.evaluate_own(now, now, at, out);
                }
            }
            _ => {
                let Some(contributor) = alarm.contributor(point) else { return };
                self.take_apart(now, (at, contributor), number, point, out);
            }
        }
        self.make_room(now, out);
    }

    /// Takes in a datapoint for the state of somebody.
    fn take_apart(
        &mut self,
        now: Stamp,
        key: Apart,
        number: i64,
        point: &Datapoint<'_>,
        out: &mut Vec<Told>,
    ) {
        if !self.apart.contains(&key) {
            if self.apart.len() >= monban_model::limits::ALARM_STATES_MAX {
                self.evict(now, out);
            }
            let at = usize::from(key.0);
            let mut fresh = self.alarms[at].fresh();
            fresh.memory.watched_since = self.own[at].memory.watched_since;
            (fresh.since, fresh.last) = (now, now);
            self.bytes += fresh.bytes;
            *self.apart.entry(key.clone()) = fresh;
        }
        let alarm = &self.alarms[usize::from(key.0)];
        let (Some(watched), Some(shape)) = (alarm.spec.watched(), alarm.shape) else { return };
        let Some(state) = self.apart.get_mut(&key) else { return };
        let has_grown = state.add((number, now), point, (watched, shape, alarm.spec.samples));
        let due = state.schedule(now, watched, shape);
        if has_grown {
            state.reweigh(&mut self.bytes);
        }
        let at_once = is_due_at_once(watched, shape);
        self.wake_by(due);
        if at_once {
            self.evaluate_apart(now, now, &key, out);
        }
    }

    /// Evaluates an alarm of one state as of `at_time`.
    pub(super) fn evaluate_own(
        &mut self,
        at_time: Stamp,
        now: Stamp,
        at: u16,
        out: &mut Vec<Told>,
    ) {
        let alarm = &self.alarms[usize::from(at)];
        let (Some(watched), Some(shape)) = (alarm.spec.watched(), alarm.shape) else { return };
        let state = &mut self.own[usize::from(at)];
        let had = state.memory.slices.len();
        let found = state.evaluate(
            (at_time, now),
            (watched, shape, alarm.spec.repeat_s),
            &mut self.scratch,
        );
        self.own_changed[usize::from(at)] = true;
        let lost = state.memory.slices.len() != had;
        if lost {
            state.reweigh(&mut self.bytes);
        }
        match found {
            Found::Same => {}
            Found::Again(why) => {
                let (change, state) = (self.change(at, None, why), &mut self.own[usize::from(at)]);
                out.push((at_time, Box::new(state.tell(change, None, now))));
            }
            Found::Changed(new, why) => self.change_own(at_time, at, new, why, out),
        }
    }

    /// Evaluates the state of somebody; one that has nothing left to say is forgotten.
    pub(super) fn evaluate_apart(
        &mut self,
        at_time: Stamp,
        now: Stamp,
        key: &Apart,
        out: &mut Vec<Told>,
    ) {
        let alarm = &self.alarms[usize::from(key.0)];
        let (Some(watched), Some(shape)) = (alarm.spec.watched(), alarm.shape) else { return };
        let repeat_s = alarm.spec.repeat_s;
        let (mut found, mut is_idle) = (Found::Same, false);
        let (scratch, bytes) = (&mut self.scratch, &mut self.bytes);
        self.apart.change(key, |state| {
            let had = state.memory.slices.len();
            found = state.evaluate((at_time, now), (watched, shape, repeat_s), scratch);
            if state.memory.slices.len() != had {
                state.reweigh(bytes);
            }
            is_idle = state.memory.slices.is_empty();
        });
        let mut state_now = None;
        match found {
            Found::Same => {}
            Found::Again(why) => {
                let change = self.change(key.0, Some(key), why);
                self.apart.change(key, |state| {
                    out.push((at_time, Box::new(state.tell(change, None, now))));
                });
            }
            Found::Changed(new, why) => {
                let change = self.change(key.0, Some(key), why);
                let mut old = new;
                self.apart.change(key, |state| {
                    old = state.state;
                    out.push((at_time, Box::new(state.tell(change, Some((new, at_time)), now))));
                });
                state_now = Some((old, new));
            }
        }
        if let Some((old, new)) = state_now {
            self.count_firing(at_time, key.0, old, new);
        }
        let is_firing = self.apart.get(key).is_some_and(|state| state.state == AlarmState::Alarm);
        if is_idle
            && !is_firing
            && let Some(state) = self.apart.remove(key)
        {
            self.bytes = self.bytes.saturating_sub(state.bytes);
        }
    }

    /// An alarm of one state, or of other alarms, changes.
    pub(super) fn change_own(
        &mut self,
        time: Stamp,
        at: u16,
        new: AlarmState,
        why: Reason,
        out: &mut Vec<Told>,
    ) {
        let (change, state) = (self.change(at, None, why), &mut self.own[usize::from(at)]);
        out.push((time, Box::new(state.tell(change, Some((new, time)), time))));
        self.own_changed[usize::from(at)] = true;
    }

    /// What all states of an alarm come to.
    fn count_firing(&mut self, time: Stamp, at: u16, old: AlarmState, new: AlarmState) {
        let alarm = &mut self.alarms[usize::from(at)];
        match (old == AlarmState::Alarm, new == AlarmState::Alarm) {
            (false, true) => alarm.firing += 1,
            (true, false) => alarm.firing = alarm.firing.saturating_sub(1),
            _ => {}
        }
        let sum = if alarm.firing > 0 { AlarmState::Alarm } else { AlarmState::Ok };
        let own = &mut self.own[usize::from(at)];
        if own.state != sum {
            (own.state, own.since) = (sum, time);
            self.own_changed[usize::from(at)] = true;
        }
    }

    /// The state that was quiet for longest makes room. One that was in `ALARM` is told of.
    fn evict(&mut self, now: Stamp, out: &mut Vec<Told>) {
        let Some((key, state)) = self.apart.oldest() else { return };
        let (key, old) = (key.clone(), state.state);
        if old == AlarmState::Alarm {
            let change = self.change(key.0, Some(&key), Reason::Evicted);
            self.apart.change(&key, |state| {
                let new = Some((AlarmState::Insufficient, now));
                out.push((now, Box::new(state.tell(change, new, now))));
            });
            self.count_firing(now, key.0, old, AlarmState::Insufficient);
        }
        if let Some(state) = self.apart.evict() {
            self.bytes = self.bytes.saturating_sub(state.bytes);
        }
    }

    fn make_room(&mut self, now: Stamp, out: &mut Vec<Told>) {
        while is_over(self.bytes) && !self.apart.is_empty() {
            self.evict(now, out);
        }
    }

    fn wake_by(&mut self, due: Option<Stamp>) {
        self.next = match (self.next, due) {
            (Some(next), Some(due)) => Some(next.min(due)),
            (next, due) => next.or(due),
        };
    }

    /// A change with all that the alarm's definition says; the rest is its state's.
    fn change(&self, at: u16, key: Option<&Apart>, why: Reason) -> AlarmChange {
        let spec = &self.alarms[usize::from(at)].spec;
        let contributor = key.map(|(_, value)| Contributor {
            by: spec.per.word().to_owned(),
            value: value.to_vec(),
        });
        let rule = match &spec.watch {
            monban_model::Watch::Metric(_) => String::new(),
            monban_model::Watch::Rule(rule) => rule.to_string(),
        };
        let has_points = matches!(why, Reason::Threshold { .. } | Reason::Unknown { .. });
        let evaluated: Vec<AlarmPoint> = match has_points {
            true => self.scratch.iter().take(ALARM_POINTS_MAX).copied().collect(),
            false => Vec::new(),
        };
        AlarmChange {
            alarm: spec.name.clone(),
            description: spec.description.clone(),
            severity: spec.severity,
            semantics: spec.semantics,
            contributor,
            old: AlarmState::Insufficient,
            new: AlarmState::Insufficient,
            since: Stamp::default(),
            again: None,
            reason: why,
            watched: spec.watched().cloned(),
            rule,
            evaluated,
            count: 0,
            addresses: Vec::new(),
            users: Vec::new(),
            samples: Vec::new(),
        }
    }
}

/// Whether a datapoint has its alarm evaluated. Percentiles are worked out once a second: of
/// thousands of values it takes longer.
fn is_due_at_once(watched: &Watched, shape: Shape) -> bool {
    shape.semantics == Semantics::Monban && !watched.statistic.needs_values()
}

impl State {
    /// When it is to be looked at by itself, now that there is something.
    fn schedule(&mut self, now: Stamp, watched: &Watched, shape: Shape) -> Option<Stamp> {
        let end = match shape.semantics {
            Semantics::Monban if watched.statistic.needs_values() => {
                shape.next_end(now).min(Stamp::from_s(now.as_s() + 1))
            }
            _ => shape.next_end(now),
        };
        self.memory.due = Some(self.memory.due.map_or(end, |due| due.min(end)));
        self.memory.due
    }

    /// Works out the state as of `at_time`, and when that is to be done again.
    fn evaluate(
        &mut self,
        (at_time, now): (Stamp, Stamp),
        (watched, shape, repeat_s): (&Watched, Shape, Option<u64>),
        scratch: &mut Vec<AlarmPoint>,
    ) -> Found {
        let has_data = self.trim(shape.begin(at_time));
        self.points(watched, shape, at_time, scratch);
        let from = self.memory.watched_since;
        let unknown = spare_unwatched(watched, shape.semantics, scratch, from);
        let new = decide(watched, self.state, scratch, unknown);
        let repeat = repeat_s.filter(|_| new == AlarmState::Alarm);
        let is_again = new == self.state
            && repeat.is_some_and(|every| at_time >= self.memory.told.plus_s(every));
        let told = if is_again || new != self.state { at_time } else { self.memory.told };
        // As long as a period may still change, it is looked at whenever a slice ends.
        let slice = (has_data || unknown > 0).then(|| shape.next_end(at_time));
        let again = repeat.map(|every| told.max(now.minus_s(every)).plus_s(every));
        self.memory.due = match (slice, again) {
            (Some(slice), Some(again)) => Some(slice.min(again.max(at_time.plus_ms(1)))),
            (slice, again) => slice.or(again),
        };
        if new != self.state {
            Found::Changed(new, reason(watched, new, scratch))
        } else if is_again {
            Found::Again(reason(watched, new, scratch))
        } else {
            Found::Same
        }
    }

    /// Completes a change with what this state knows, and takes the new state over.
    fn tell(
        &mut self,
        mut change: AlarmChange,
        new: Option<(AlarmState, Stamp)>,
        now: Stamp,
    ) -> AlarmChange {
        let memory = &mut self.memory;
        (change.old, change.since) = (self.state, self.since);
        match new {
            Some((state, time)) => (self.state, self.since) = (state, time),
            None => change.again = Some(memory.since_told),
        }
        change.new = self.state;
        if change.new == AlarmState::Alarm {
            (memory.told, memory.since_told) = (now, 0);
        }
        change.count = memory.now.count.saturating_add(memory.before.count);
        change.addresses = tops::told(&memory.now.addresses, &memory.before.addresses);
        change.users = tops::told(&memory.now.users, &memory.before.users);
        let metric = change.watched.as_ref().map_or("", |watched| watched.metric.as_str());
        let sample = |line: &Evidence| Evidence { rule: metric.to_owned(), ..line.clone() };
        change.samples = memory.first.iter().chain(&memory.last).map(sample).collect();
        change
    }
}
