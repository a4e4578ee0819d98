//! Whether lines come so fast that it pays to wait for more of them.
//!
//! Each time that the watcher is woken costs the same, and after it the processor has to fetch
//! anew what reading needs. So in a flood it is woken less often, for larger pieces.

use std::time::{Duration, Instant};

/// From so many bytes a second on it is a flood: some half a million lines.
const BEGINS_AT: u64 = 64 << 20;

/// Below so many it is none any more.
const ENDS_AT: u64 = 16 << 20;

/// It is looked so often.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Sees how fast lines come.
#[derive(Debug)]
pub(super) struct Flood {
    bytes: u64,
    since: Instant,
    is_on: bool,
}

impl Flood {
    /// None yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { bytes: 0, since: now, is_on: false }
    }

    /// So many bytes were read. Answers when a flood begins and when it ends.
    pub(super) fn read(&mut self, now: Instant, bytes: u64) -> Option<bool> {
        self.bytes += bytes;
        let passed = now.saturating_duration_since(self.since);
        if passed < LOOK_EVERY {
            return None;
        }
        self.since = now;
        let limit = if self.is_on { ENDS_AT } else { BEGINS_AT };
        let rate = u128::from(std::mem::take(&mut self.bytes)) * 1_000_000 / passed.as_micros();
        let is_on = rate >= u128::from(limit);
        let changes = is_on != self.is_on;
        self.is_on = is_on;
        changes.then_some(is_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_begins_when_it_is_fast_and_ends_when_it_is_slow() {
        let start = Instant::now();
        let (mut flood, mut at) = (Flood::new(start), 0);
        // So many bytes each millisecond, for 40 of them.
        let mut read = |bytes| -> Vec<bool> {
            let changes = (0..40).filter_map(|_| {
                at += 1;
                flood.read(start + Duration::from_millis(at), bytes)
            });
            changes.collect()
        };
        let each_ms = |rate: u64| rate / 1000;
        assert!(read(each_ms(BEGINS_AT) - 1).is_empty());
        assert_eq!(read(each_ms(BEGINS_AT) + 1), [true]);
        assert!(read(each_ms(ENDS_AT) + 1).is_empty());
        assert_eq!(read(each_ms(ENDS_AT) - 1), [false]);
        assert!(read(0).is_empty());
        assert_eq!(flood.read(start + Duration::from_secs(9), BEGINS_AT), None, "within 9 s");
    }
}
