//! One event in two logs counts once.
//!
//! rsyslog writes mail lines into both syslog and mail.log, and the journal holds what the files
//! hold. A sighting that another source has told already is an echo; the same line twice from one
//! source is two events.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use monban_model::{SourceId, Stamp};

/// Events that are remembered. Sources are read in turns of about this many lines.
const REMEMBERED: usize = 16_384;

/// Two sources tell of one event with times at most so far apart, in seconds.
const APART_S: u64 = 60;

/// What was told lately, and by whom.
#[derive(Debug, Default)]
pub struct Echoes {
    events: HashMap<u64, Told>,
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
    /// Whether another source told of this event before.
    pub fn is_echo(
        &mut self,
        source: SourceId,
        time: Stamp,
        program: &[u8],
        pid: &[u8],
        message: &[u8],
    ) -> bool {
        // The hash lives within this process; it need not be stable.
        let mut hasher = DefaultHasher::new();
        (program, pid, message).hash(&mut hasher);
        let key = hasher.finish();
        match self.events.get_mut(&key) {
            Some(told) if time.since_s(told.time).max(told.time.since_s(time)) > APART_S => {
                *told = Told { source, time, ahead: 1 };
                false
            }
            Some(told) if told.source == source => {
                told.ahead += 1;
                told.time = time;
                false
            }
            Some(told) if told.ahead > 0 => {
                told.ahead -= 1;
                self.count += 1;
                true
            }
            Some(told) => {
                *told = Told { source, time, ahead: 1 };
                false
            }
            None => {
                self.remember(key, Told { source, time, ahead: 1 });
                false
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
            echoes.is_echo(SourceId(source), Stamp::from_s(seconds), b"dovecot", b"", b"failed")
        };
        assert!(!tell(0, 10));
        assert!(!tell(0, 11), "twice in one log is two events");
        assert!(tell(1, 11));
        assert!(tell(1, 11));
        assert!(!tell(1, 12), "a third one that the first log has not told");
        assert!(tell(0, 12));
        assert!(!tell(1, 500), "long after it is another event");
    }
}
