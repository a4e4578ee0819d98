//! One state of an alarm: what came in, in slices, who it was, and the lines of it.

use monban_model::limits::{ALARM_VALUES_MAX, EVIDENCE_TEXT_MAX};
use monban_model::{
    AlarmMemory, AlarmPoint, AlarmRow, AlarmState, Amount, Datapoint, Evidence, Slice, Stamp,
    Watched,
};

use super::shape::Shape;
use super::tops;

/// Bytes of a state beside its lists.
const STATE_BYTES: usize = 400;

/// One state of an alarm.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) state: AlarmState,
    /// Since when.
    pub(super) since: Stamp,
    /// The last datapoint, or the beginning.
    pub(super) last: Stamp,
    /// What it holds, in bytes, as it was last worked out.
    pub(super) bytes: usize,
    pub(super) memory: AlarmMemory,
}

impl State {
    pub(super) fn from_row(row: AlarmRow) -> Self {
        let (state, since, last) = (row.state, row.since, row.last);
        let mut found = Self { state, since, last, bytes: 0, memory: *row.memory };
        found.bytes = found.weigh();
        found
    }

    pub(super) fn to_row(&self, alarm: &str, contributor: Option<&[u8]>) -> AlarmRow {
        AlarmRow {
            alarm: alarm.to_owned(),
            contributor: contributor.map(<[u8]>::to_vec),
            state: self.state,
            since: self.since,
            last: self.last,
            memory: Box::new(self.memory.clone()),
        }
    }

    /// Takes in a datapoint that belongs into this slice. Returns whether its size may have
    /// changed.
    pub(super) fn add(
        &mut self,
        (number, now): (i64, Stamp),
        point: &Datapoint<'_>,
        (watched, shape, samples): (&Watched, Shape, u32),
    ) -> bool {
        self.last = self.last.max(point.time.min(now));
        let times = u64::from(point.count.max(1));
        let memory = &mut self.memory;
        memory.since_told = memory.since_told.saturating_add(times);
        let is_new = add_to_slice(memory, number, point.value, times, watched);
        if tops::turn(&mut memory.now, &mut memory.before, now, shape.range_ms())
            && self.state != AlarmState::Alarm
        {
            let since = memory.before.since;
            memory.first.retain(|line| line.time >= since);
            memory.last.retain(|line| line.time >= since);
        }
        memory.now.count = memory.now.count.saturating_add(times);
        if let Some(address) = point.address {
            tops::count(&mut memory.now.addresses, address.to_string().as_bytes(), times);
        }
        if let Some(user) = point.user {
            tops::count(&mut memory.now.users, user, times);
        }
        self.keep_line(point, samples) || is_new
    }

    /// Forgets what is older than the range. Returns whether anything is left.
    pub(super) fn trim(&mut self, begin: i64) -> bool {
        let old = self.memory.slices.partition_point(|slice| slice.number < begin);
        self.memory.slices.drain(..old);
        !self.memory.slices.is_empty()
    }

    /// The periods of the range, newest first.
    pub(super) fn points(
        &self,
        watched: &Watched,
        shape: Shape,
        now: Stamp,
        to: &mut Vec<AlarmPoint>,
    ) {
        to.clear();
        let mut end = shape.end(now);
        let mut rest = self.memory.slices.as_slice();
        // Slices of a time to come say nothing yet.
        rest = &rest[..rest.partition_point(|slice| slice.number < end)];
        let mut more = shape.newest_more;
        for _ in 0..shape.periods {
            let begin = end - shape.per_period - std::mem::take(&mut more);
            let (older, period) = rest.split_at(rest.partition_point(|slice| slice.number < begin));
            rest = older;
            let time = Stamp(begin.saturating_mul(shape.slice_ms));
            let (value, samples) = watched.statistic.of_slices(period);
            to.push(AlarmPoint { time, value: value.map(Amount), samples });
            end = begin;
        }
    }

    /// Works out again what it holds; `all` is the sum over all states.
    pub(super) fn reweigh(&mut self, all: &mut usize) {
        let now = self.weigh();
        *all = (*all + now).saturating_sub(self.bytes);
        self.bytes = now;
    }

    /// What it holds, in bytes, about.
    pub(super) fn weigh(&self) -> usize {
        let memory = &self.memory;
        let slice = |slice: &Slice| size_of::<Slice>() + slice.values.len() * 16;
        let line = |line: &Evidence| size_of::<Evidence>() + line.line.capacity();
        let tops = [&memory.now, &memory.before].map(|generation| {
            (generation.addresses.len() + generation.users.len()) * (size_of::<Evidence>() + 24)
        });
        STATE_BYTES
            + memory.slices.iter().map(slice).sum::<usize>()
            + memory.first.iter().chain(&memory.last).map(line).sum::<usize>()
            + tops.iter().sum::<usize>()
    }

    /// The clock was set: everything keeps its age.
    pub(super) fn shift(&mut self, ms: i64) {
        let memory = &mut self.memory;
        for time in [
            &mut self.since,
            &mut self.last,
            &mut memory.watched_since,
            &mut memory.told,
            &mut memory.now.since,
            &mut memory.before.since,
        ] {
            *time = time.plus_ms(ms);
        }
        memory.due = memory.due.map(|due| due.plus_ms(ms));
        for line in memory.first.iter_mut().chain(&mut memory.last) {
            line.time = line.time.plus_ms(ms);
        }
        if memory.slice_ms > 0 {
            let slices = (ms as f64 / f64::from(memory.slice_ms)).round() as i64;
            memory.slices.iter_mut().for_each(|slice| slice.number += slices);
        }
    }

    /// The first lines and the last. Returns whether there is one more.
    fn keep_line(&mut self, point: &Datapoint<'_>, samples: u32) -> bool {
        if point.line.is_empty() || samples == 0 {
            return false;
        }
        let first = (samples as usize).div_ceil(3);
        let last = samples as usize - first;
        let cut = &point.line[..point.line.len().min(EVIDENCE_TEXT_MAX)];
        let memory = &mut self.memory;
        let (list, room) = match memory.last.is_empty() && memory.first.len() < first {
            true => (&mut memory.first, first),
            false => (&mut memory.last, last),
        };
        if list.len() < room {
            let (rule, line) = (String::new(), cut.to_vec());
            list.push(Evidence { time: point.time, rule, weight: point.count, line });
            return true;
        }
        // The oldest one's room is the newest one's.
        if let Some(oldest) = list.first_mut() {
            (oldest.time, oldest.weight) = (point.time, point.count);
            oldest.line.clear();
            oldest.line.extend_from_slice(cut);
            list.rotate_left(1);
        }
        false
    }
}

/// Returns whether the slice or a value in it is new.
fn add_to_slice(
    memory: &mut AlarmMemory,
    number: i64,
    value: f64,
    times: u64,
    watched: &Watched,
) -> bool {
    // Mostly it is the newest; what is late belongs further back.
    let at = memory.slices.partition_point(|slice| slice.number < number);
    let is_new = memory.slices.get(at).is_none_or(|slice| slice.number != number);
    if is_new {
        let (least, most) = (Amount(value), Amount(value));
        let fresh = Slice { number, least, most, ..Slice::default() };
        memory.slices.insert(at, fresh);
    }
    let slice = &mut memory.slices[at];
    slice.count = slice.count.saturating_add(times);
    slice.sum = Amount(finite(slice.sum.0 + value * times as f64));
    slice.least = Amount(slice.least.0.min(value));
    slice.most = Amount(slice.most.0.max(value));
    watched.statistic.needs_values() && add_value(&mut slice.values, value, times) || is_new
}

/// A sum that is over all bounds stays at the bound.
fn finite(sum: f64) -> f64 {
    sum.clamp(f64::MIN, f64::MAX)
}

fn add_value(values: &mut Vec<(Amount, u64)>, value: f64, times: u64) -> bool {
    match values.binary_search_by(|(known, _)| known.0.total_cmp(&value)) {
        Ok(at) => {
            values[at].1 = values[at].1.saturating_add(times);
            false
        }
        Err(at) => {
            values.insert(at, (Amount(value), times));
            if values.len() >= 2 * ALARM_VALUES_MAX {
                join_neighbours(values);
            }
            true
        }
    }
}

/// Halves the list: two neighbours become the one that was there more often.
fn join_neighbours(values: &mut Vec<(Amount, u64)>) {
    let joined = values.chunks(2).filter_map(|pair| {
        let most = pair.iter().max_by_key(|(_, times)| *times)?;
        Some((most.0, pair.iter().map(|(_, times)| times).sum()))
    });
    *values = joined.collect();
}
