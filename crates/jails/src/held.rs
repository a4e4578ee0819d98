//! Lines that wait for a jail to be idle no more.

use std::collections::VecDeque;

/// What a line costs beside its text, in bytes.
const EACH: usize = 64;

/// A line that waits.
pub(crate) struct Line {
    pub text: String,
    /// The time that the journal knows of it.
    pub time_s: Option<i64>,
    arrived_s: i64,
}

/// The lines that wait for one jail, the oldest first.
#[derive(Default)]
pub(crate) struct Held {
    lines: VecDeque<Line>,
    bytes: usize,
    lost: u64,
}

impl Held {
    /// A line came. Those that are older than `findtime_s` would not be counted any more and go.
    pub(crate) fn add(&mut self, (text, time_s): (String, Option<i64>), now: i64, findtime_s: i64) {
        while self.lines.front().is_some_and(|line| line.arrived_s < now - findtime_s) {
            self.drop_oldest();
        }
        self.bytes += cost(&text);
        self.lines.push_back(Line { text, time_s, arrived_s: now });
    }

    /// The oldest line makes room, if there is one.
    pub(crate) fn lose_oldest(&mut self) -> bool {
        let is_lost = self.drop_oldest();
        self.lost += u64::from(is_lost);
        is_lost
    }

    fn drop_oldest(&mut self) -> bool {
        self.next().is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lines that had to make room.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// How many had to make room since that was asked last.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// None of them will be read; how many that are, with those that had to make room.
    pub(crate) fn lose_all(&mut self) -> u64 {
        let held = std::mem::take(self);
        held.lines.len() as u64 + held.lost
    }

    /// The oldest line, to be read.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let line = self.lines.pop_front()?;
        self.bytes -= cost(&line.text);
        Some(line)
    }
}

/// What a line takes while it waits, in bytes.
pub(crate) fn cost(text: &str) -> usize {
    text.len() + EACH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_in_bytes_and_has_an_end_in_time() {
        let mut held = Held::default();
        let line = || ("x".repeat(100 - EACH), None);
        for second in 0..50 {
            held.add(line(), second, 600);
        }
        while held.bytes() > 1000 {
            assert!(held.lose_oldest());
        }
        assert_eq!((held.len(), held.bytes(), held.lost()), (10, 1000, 40));
        // Too old to be counted is not lost.
        held.add(line(), 10_000, 600);
        assert_eq!((held.len(), held.bytes(), held.lost()), (1, 100, 40));
        assert!(held.lose_oldest() && !held.lose_oldest());
        assert_eq!((held.take_lost(), held.lost()), (41, 0));
    }
}
