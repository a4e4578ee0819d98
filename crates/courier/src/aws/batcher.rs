//! Log events in, batches out, by the bounds of CloudWatch Logs.

use std::collections::VecDeque;

use monban_model::limits::{AWS_BATCHES_WAITING_MAX, AWS_EVENT_BYTES_MAX};
use monban_model::{AwsBatching, Stamp};

/// Bytes that AWS counts for each event beside its text.
pub const EVENT_OVERHEAD: usize = 26;
/// The longest span of a batch, in milliseconds: 24 hours.
const SPAN_MS: i64 = 86_400_000;
/// Events older than this are refused by AWS, in seconds: 14 days.
const OLDEST_S: u64 = 14 * 86_400;
/// Events so far ahead are refused, in seconds: 2 hours.
const NEWEST_S: u64 = 2 * 3600;

/// One event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When it happened.
    pub time: Stamp,
    /// Its text.
    pub message: String,
    /// Whatever its sender wants to know again when it has arrived: a position in a log. Of one
    /// source it only grows.
    pub mark: u64,
}

impl LogEvent {
    /// What AWS counts for it.
    fn bytes(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD
    }
}

/// Events that go out together, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogBatch {
    /// The events; never none.
    pub events: Vec<LogEvent>,
    /// The largest mark of all events up to here, also of those that were dropped: when this batch
    /// has arrived, everything up to it is done with.
    pub upto: u64,
}

/// What did not go out, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Older than 14 days, or than what the group keeps.
    pub too_old: u64,
    /// More than 2 hours ahead.
    pub too_new: u64,
    /// Without any text, which AWS takes not.
    pub empty: u64,
    /// Went out, but cut to the longest that AWS takes.
    pub cut: u64,
    /// Refused by AWS for themselves, see [`super::resend`].
    pub refused: u64,
}

/// Makes batches for one log stream. Pure: the time is given.
#[derive(Clone, Debug)]
pub struct LogBatcher {
    rules: AwsBatching,
    /// Older events than this many seconds are dropped.
    keep_s: u64,
    open: LogBatch,
    bytes: usize,
    /// Of the open batch: when its first event came, and its span.
    since: Stamp,
    oldest: Stamp,
    newest: Stamp,
    ready: VecDeque<LogBatch>,
    drops: Drops,
}

impl LogBatcher {
    /// One for a stream whose group keeps events for `retention_days`, if that is known.
    pub fn new(rules: AwsBatching, retention_days: Option<u32>) -> Self {
        let kept_s = retention_days.map_or(u64::MAX, |days| u64::from(days) * 86_400);
        let none = Stamp::default();
        Self {
            rules: rules.within_bounds(),
            keep_s: kept_s.min(OLDEST_S),
            open: LogBatch::default(),
            bytes: 0,
            since: none,
            oldest: none,
            newest: none,
            ready: VecDeque::new(),
            drops: Drops::default(),
        }
    }

    /// Takes an event that came at `now`.
    ///
    /// # Errors
    /// So many batches wait that none more is begun; the event comes back, to be given again when
    /// one has gone. Nothing is lost: it stands in the log.
    pub fn push(&mut self, mut event: LogEvent, now: Stamp) -> Result<(), LogEvent> {
        if self.ready.len() >= AWS_BATCHES_WAITING_MAX {
            return Err(event);
        }
        let dropped = match () {
            () if event.message.is_empty() => Some(&mut self.drops.empty),
            () if event.time < now.minus_s(self.keep_s) => Some(&mut self.drops.too_old),
            () if event.time > now.plus_s(NEWEST_S) => Some(&mut self.drops.too_new),
            () => None,
        };
        if let Some(count) = dropped {
            *count += 1;
            self.pass(event.mark);
            return Ok(());
        }
        let longest = AWS_EVENT_BYTES_MAX.min(self.rules.bytes - EVENT_OVERHEAD);
        if event.message.len() > longest {
            event.message.truncate(event.message.floor_char_boundary(longest));
            self.drops.cut += 1;
        }
        let span = self.newest.max(event.time).0 - self.oldest.min(event.time).0;
        let is_full = self.open.events.len() >= self.rules.events
            || self.bytes + event.bytes() > self.rules.bytes
            || span > SPAN_MS;
        if is_full && !self.open.events.is_empty() {
            self.close();
        }
        if self.open.events.is_empty() {
            (self.since, self.oldest, self.newest) = (now, event.time, event.time);
        }
        self.oldest = self.oldest.min(event.time);
        self.newest = self.newest.max(event.time);
        self.bytes += event.bytes();
        self.open.upto = self.open.upto.max(event.mark);
        self.open.events.push(event);
        Ok(())
    }

    /// What was dropped is done with when everything before it is.
    fn pass(&mut self, mark: u64) {
        match (self.open.events.is_empty(), self.ready.back_mut()) {
            (true, Some(last)) => last.upto = last.upto.max(mark),
            _ => self.open.upto = self.open.upto.max(mark),
        }
    }

    /// The mark up to which all was dropped and nothing waits; `None` if something waits.
    pub fn passed(&self) -> Option<u64> {
        (self.ready.is_empty() && self.open.events.is_empty()).then_some(self.open.upto)
    }

    /// The next batch that is full, or whose first event waited long enough.
    pub fn next(&mut self, now: Stamp) -> Option<LogBatch> {
        let waited_ms = now.0.saturating_sub(self.since.0);
        // A clock that was set back must not hold a batch for as long.
        let is_due = waited_ms < 0 || waited_ms.unsigned_abs() >= self.rules.flush_ms;
        if self.ready.is_empty() && is_due && !self.open.events.is_empty() {
            self.close();
        }
        self.ready.pop_front()
    }

    /// When [`Self::next`] has a batch without another event; `None` if there is nothing.
    pub fn due(&self) -> Option<Stamp> {
        match (self.ready.is_empty(), self.open.events.is_empty()) {
            (false, _) => Some(self.since),
            (true, false) => {
                let wait_ms = i64::try_from(self.rules.flush_ms).unwrap_or(i64::MAX);
                Some(self.since.plus_ms(wait_ms))
            }
            (true, true) => None,
        }
    }

    /// Closes the open batch, as at the end of the program.
    pub fn flush(&mut self) {
        if !self.open.events.is_empty() {
            self.close();
        }
    }

    /// Whether a batch is full that nobody took.
    pub fn has_full(&self) -> bool {
        !self.ready.is_empty()
    }

    /// All events that wait.
    pub fn waiting(&self) -> impl Iterator<Item = &LogEvent> {
        self.ready.iter().chain([&self.open]).flat_map(|batch| &batch.events)
    }

    /// What did not go out so far.
    pub const fn drops(&self) -> Drops {
        self.drops
    }

    /// Counts what AWS refused of a batch.
    pub fn count_refused(&mut self, events: u64) {
        self.drops.refused += events;
    }

    fn close(&mut self) {
        let mut batch = std::mem::take(&mut self.open);
        // Of several sources each is in order; a batch has to be in order as a whole. Events of
        // the same moment stay as they came.
        batch.events.sort_by_key(|event| event.time);
        self.bytes = 0;
        self.ready.push_back(batch);
    }
}

#[cfg(test)]
#[path = "batcher/tests.rs"]
mod tests;
