//! One event in two logs counts once.
//!
//! rsyslog writes mail lines into both syslog and mail.log, and the journal holds what the files
//! hold. A sighting that another source has told already is an echo; the same line twice from one
//! source is two events.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use monban_model::{QuickState, Sighting, SourceId, Stamp};
use monban_rules::Reading;

/// Events that are remembered. Sources are read in turns of about this many lines.
const REMEMBERED: usize = 16_384;

/// Two sources tell of one event with times at most so far apart, in seconds.
const APART_S: u64 = 60;

/// What a line tells, whichever log it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    key: u64,
    /// How many times it happened.
    times: u32,
}

impl Event {
    /// The event of a line. Each web server's log holds its own requests: equal lines are equal
    /// requests, and no events to be compared.
    pub fn of(reading: &Reading<'_>, hash: &QuickState) -> Option<Self> {
        let key = || hash.hash_one((reading.program, reading.pid, reading.message));
        let named = !reading.program.is_empty();
        named.then(|| Self { key: key(), times: reading.times.max(1) })
    }
}

/// What was told lately, and by whom.
#[derive(Debug, Default)]
pub struct Echoes {
    events: HashMap<u64, Told, QuickState>,
    hash: QuickState,
    order: VecDeque<u64>,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    source: SourceId,
    time: Stamp,
    /// How often its source told it more than others repeated it.
    ahead: u32,
}

impl Echoes {
    /// What makes events that can be compared here.
    pub fn hash(&self) -> &QuickState {
        &self.hash
    }

    /// Takes from a sighting what another source told before; false if nothing is left.
    pub fn leave_fresh(
        &mut self,
        source: SourceId,
        event: Option<Event>,
        sighting: &mut Sighting<'_>,
    ) -> bool {
        let Some(event) = event else { return true };
        let fresh = self.fresh(source, sighting.time, event);
        sighting.weight = (sighting.weight / event.times).max(1).saturating_mul(fresh);
        fresh > 0
    }

    /// How many equal events no other source told of before.
    fn fresh(&mut self, source: SourceId, time: Stamp, event: Event) -> u32 {
        let Event { key, times } = event;
        let anew = Told { source, time, ahead: times };
        match self.events.get_mut(&key) {
            Some(told) if time.since_s(told.time).max(told.time.since_s(time)) > APART_S => {
                *told = anew;
                times
            }
            Some(told) if told.source == source => {
                told.ahead = told.ahead.saturating_add(times);
                told.time = time;
                times
            }
            Some(told) => {
                let echoed = told.ahead.min(times);
                told.ahead -= echoed;
                self.count += u64::from(echoed);
                let fresh = times - echoed;
                if fresh > 0 {
                    *told = Told { ahead: fresh, ..anew };
                }
                fresh
            }
            None => {
                self.remember(key, anew);
                times
            }
        }
    }

    /// Echoes so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn remember(&mut self, key: u64, told: Told) {
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.events.remove(&oldest);
        }
        self.order.push_back(key);
        self.events.insert(key, told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_source_echoes_and_the_same_source_repeats() {
        let mut echoes = Echoes::default();
        let mut tell = |source, seconds| {
            let (source, time) = (SourceId(source), Stamp::from_s(seconds));
            echoes.fresh(source, time, Event { key: 7, times: 1 }) == 0
        };
        assert!(!tell(0, 10));
        assert!(!tell(0, 11), "twice in one log is two events");
        assert!(tell(1, 11));
        assert!(tell(1, 11));
        assert!(!tell(1, 12), "a third one that the first log has not told");
        assert!(tell(0, 12));
        assert!(!tell(1, 500), "long after it is another event");
    }

    #[test]
    fn a_line_that_stands_for_several_events_echoes_each_of_them() {
        let mut echoes = Echoes::default();
        let mut tell = |source, times| {
            echoes.fresh(SourceId(source), Stamp::from_s(10), Event { key: 7, times })
        };
        // The file sums up what the journal tells one by one.
        assert_eq!(tell(0, 1), 1);
        assert_eq!(tell(0, 3), 3);
        assert_eq!([tell(1, 1), tell(1, 1), tell(1, 1), tell(1, 1)], [0; 4]);
        // And the other way round.
        assert_eq!([tell(1, 1), tell(1, 1)], [1, 1]);
        assert_eq!(tell(0, 5), 3, "three more than the journal told");
        assert_eq!(tell(1, 3), 0);
        assert_eq!(tell(1, 1), 1);
        assert_eq!(tell(0, u32::MAX), u32::MAX - 1);
    }
}
