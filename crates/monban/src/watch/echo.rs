//! One event in two logs counts once.
//!
//! rsyslog writes mail lines into both syslog and mail.log, and the journal holds what the files
//! hold. A sighting that another source has told already is an echo; the same line twice from one
//! source is two events.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use monban_model::{QuickState, Sighting, SourceId, Stamp};
use monban_rules::Reading;

/// Events that are remembered. Sources are read in turns of a piece, which is some 600 lines, so
/// this is several times what may lie between two logs that tell the same.
const REMEMBERED: usize = 8_192;

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
    #[inline]
    pub fn of(reading: &Reading<'_>, hash: &QuickState) -> Option<Self> {
        if reading.program.is_empty() {
            return None;
        }
        let mut hasher = hash.build_hasher();
        // Both are hashed with their lengths.
        hasher.write(reading.program);
        hasher.write(reading.pid);
        hasher.write_u64(reading.key);
        Some(Self { key: hasher.finish(), times: reading.times.max(1) })
    }
}

/// What was told lately, and by whom. Each line that counts comes by here, and what was told
/// before is nowhere near it in memory: so the events stand in the order in which they came, a new
/// one in the place of the oldest, and what is searched has no more than their numbers.
#[derive(Debug, Default)]
pub struct Echoes {
    told: Vec<Told>,
    /// The oldest, once there are as many as are remembered.
    oldest: usize,
    /// The one source that told anything so far: nothing is searched then.
    only: Option<SourceId>,
    /// The numbers of the events by their keys, from a second source on.
    numbers: Option<HashTable<u32>>,
    hash: QuickState,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    key: u64,
    time: Stamp,
    source: SourceId,
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
        let anew = Told { key, source, time, ahead: times };
        if self.numbers.is_none() {
            if *self.only.get_or_insert(source) == source {
                self.put(anew);
                return times;
            }
            self.begin_to_look();
        }
        match self.find(key).and_then(|number| self.told.get_mut(number)) {
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
                self.remember(anew);
                times
            }
        }
    }

    /// Echoes so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number of the event of this key.
    fn find(&self, key: u64) -> Option<usize> {
        let is_it = |number: &u32| self.told[*number as usize].key == key;
        Some(*self.numbers.as_ref()?.find(key, is_it)? as usize)
    }

    /// A second source tells something: from now on it is looked for what was told before.
    #[cold]
    fn begin_to_look(&mut self) {
        self.numbers = Some(HashTable::with_capacity(REMEMBERED));
        let mut told = std::mem::take(&mut self.told);
        told.rotate_left(std::mem::take(&mut self.oldest));
        for Told { key, time, source, ahead } in told {
            self.fresh(source, time, Event { key, times: ahead });
        }
    }

    /// Puts an event in the place of the oldest, which comes out; its number.
    #[inline]
    fn put(&mut self, anew: Told) -> (usize, Option<Told>) {
        if self.told.len() < REMEMBERED {
            self.told.push(anew);
            return (self.told.len() - 1, None);
        }
        let number = self.oldest;
        self.oldest = (number + 1) % REMEMBERED;
        (number, Some(std::mem::replace(&mut self.told[number], anew)))
    }

    /// Remembers an event that was not known, where it is found.
    fn remember(&mut self, anew: Told) {
        let (number, oldest) = self.put(anew);
        let number = number as u32;
        let Some(numbers) = &mut self.numbers else { return };
        if let Some(oldest) = oldest
            && let Ok(known) = numbers.find_entry(oldest.key, |other| *other == number)
        {
            known.remove();
        }
        numbers.insert_unique(anew.key, number, |number| self.told[*number as usize].key);
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
    fn as_many_are_remembered_as_there_is_room_for() {
        let mut echoes = Echoes::default();
        echoes.begin_to_look();
        let tell = |echoes: &mut Echoes, source, key| {
            echoes.fresh(SourceId(source), Stamp::from_s(10), Event { key, times: 1 })
        };
        let key = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for number in 0..3 * REMEMBERED as u64 {
            assert_eq!(tell(&mut echoes, 0, key(number)), 1);
            let old = number.saturating_sub(REMEMBERED as u64 - 1);
            assert!(echoes.find(key(old)).is_some() && echoes.find(key(number)).is_some());
            if old > 0 {
                assert!(echoes.find(key(old - 1)).is_none());
            }
        }
        assert_eq!(echoes.numbers.as_ref().map(HashTable::len), Some(REMEMBERED));
        let known = (0..3 * REMEMBERED as u64).filter(|&old| echoes.find(key(old)).is_some());
        assert_eq!(known.count(), REMEMBERED);
        assert_eq!(tell(&mut echoes, 1, key(3 * REMEMBERED as u64 - 1)), 0);
    }

    #[test]
    fn what_one_source_told_is_found_when_the_second_comes() {
        let mut echoes = Echoes::default();
        let mut tell = |source, key, seconds| {
            let event = Event { key, times: 1 };
            echoes.fresh(SourceId(source), Stamp::from_s(seconds), event)
        };
        for key in 0..REMEMBERED as u64 + 100 {
            assert_eq!(tell(0, key, 10), 1);
        }
        for (seconds, key) in [(10, 500), (11, 500), (90, 600)] {
            assert_eq!(tell(0, key, seconds), 1);
        }
        assert_eq!([tell(1, 102, 10), tell(1, 103, 10)], [1, 0], "102 made room");
        assert_eq!([(); 4].map(|()| tell(1, 500, 11)), [0, 0, 0, 1], "told three times");
        assert_eq!([tell(1, 600, 91), tell(1, 600, 91)], [0, 1], "the first one is long ago");
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
