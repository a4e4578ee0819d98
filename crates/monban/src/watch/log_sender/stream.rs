//! One stream of CloudWatch Logs: its logs, the events that wait, and the batch that is underway.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::time::{Duration, Instant};

use monban_courier::aws::{
    Accepted, After, Cause, Drops, Fault, LogBatch, LogBatcher, LogEvent, after,
};
use monban_model::limits::{AWS_BATCH_BYTES_MAX, AWS_LOGS_BYTES_MAX, AWS_LOGS_SHARE_MIN};
use monban_model::wire::{Taken, encode_events};
use monban_model::{AwsEvent, AwsLogs, AwsRefused, PositionRow, Stamp};
use monban_sources::{Feed, From, Offer, OfferError, Want};

use super::marks::{Marks, Rows};
use super::newest::Newest;
use super::reading::{Means, Reading};
use super::state::StreamState;

/// Without a report for so long a batch is handed over again; the courier knows if it has it.
const NO_REPORT: Duration = Duration::from_secs(300);

/// What is sent to one stream.
pub struct Stream {
    /// Tells it from all others of this process.
    pub serial: u64,
    /// Its place in the configuration.
    pub number: u32,
    /// What its positions are called by in the ledger.
    pub name: String,
    pub feed: Feed,
    /// As they are configured.
    logs: AwsLogs,
    /// Bytes of its batches at most.
    share: usize,
    reading: Reading,
    batcher: LogBatcher,
    marks: Marks,
    newest: Option<Newest>,
    /// Halves of a batch that was refused.
    todo: VecDeque<LogBatch>,
    sending: Option<Sending>,
    batches: u64,
    /// How far each path was sent.
    rows: HashMap<String, PositionRow>,
    /// The ledger knew of some path when this began.
    was_known: bool,
    /// What the ledger does not know yet.
    unsaved: Rows,
    sent: u64,
    sent_until: Option<Stamp>,
    refused: AwsRefused,
    pub lost: u64,
    pub error: Option<String>,
}

/// A batch that is underway.
struct Sending {
    batch: LogBatch,
    tries: u32,
    handed: Option<Instant>,
    again_at: Option<Instant>,
}

/// When a file came to its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Nobody knows: it is there at the start.
    AtStart,
    /// The same, but a watcher stood here before: what it knew nothing of came since.
    AfterRestart,
    /// While the guard ran.
    Later,
}

/// The bytes of each of so many streams.
pub fn share(streams: usize) -> usize {
    // One batch is underway while the next is put together.
    (AWS_LOGS_BYTES_MAX / 2 / streams.max(1)).clamp(AWS_LOGS_SHARE_MIN, AWS_BATCH_BYTES_MAX)
}

impl Stream {
    /// Goes on behind what was sent.
    ///
    /// # Errors
    /// A pattern cannot be used, in a few words.
    pub fn new(
        (serial, number): (u64, u32),
        (name, logs): (String, &AwsLogs),
        share: usize,
        rows: HashMap<String, PositionRow>,
    ) -> Result<Self, String> {
        let mut bounded = logs.clone();
        bounded.batching.bytes = bounded.batching.bytes.min(share);
        Ok(Self {
            serial,
            number,
            name,
            feed: Feed::new(rows.values().cloned().collect()),
            logs: logs.clone(),
            share,
            reading: Reading::new(&bounded)?,
            batcher: LogBatcher::new(bounded.batching, logs.retention_days),
            marks: Marks::default(),
            newest: logs.newest_only.then(Newest::default),
            todo: VecDeque::new(),
            sending: None,
            batches: 0,
            was_known: !rows.is_empty(),
            rows,
            unsaved: Rows::new(),
            sent: 0,
            sent_until: None,
            refused: AwsRefused::default(),
            lost: 0,
            error: None,
        })
    }

    /// Whether it would be made anew just as it is.
    pub fn is_of(&self, logs: &AwsLogs, share: usize) -> bool {
        self.logs == *logs && self.share == share
    }

    /// The configuration that it is of.
    pub fn logs(&self) -> &AwsLogs {
        &self.logs
    }

    /// How far each path was sent, as far as it is known.
    pub fn into_rows(self) -> HashMap<String, PositionRow> {
        self.rows
    }

    /// Whether a file at this path is sent.
    pub fn wants(&self, path: &str, watched: bool) -> bool {
        self.reading.wants(path, watched)
    }

    /// A file stands at a path.
    ///
    /// # Errors
    /// It cannot be followed.
    pub fn opened(&mut self, path: &str, file: File, came: Came) -> Result<(), OfferError> {
        if let Some(newest) = &mut self.newest {
            newest.opened(path, file.try_clone().map_err(OfferError::Io)?);
        }
        let new = match came {
            Came::AtStart => false,
            Came::AfterRestart => self.was_known,
            Came::Later => true,
        };
        let from = if new || self.logs.from_start { From::Start } else { From::End };
        let is_first = !self.feed.follows(path);
        // What came to a file since its row was saved made it the newest; from the start on, a file
        // that never was it has a row as well.
        let was_read = |row: &PositionRow| row.lines > 0 || !self.logs.from_start;
        if is_first
            && let Some(newest) = &mut self.newest
            && self.rows.get(path).is_some_and(was_read)
        {
            newest.was_chosen(path);
        }
        self.feed.offer(Offer { path: path.to_owned(), from }, file)?;
        if is_first {
            self.keep_first(path);
        }
        Ok(())
    }

    /// Where a log begins that is seen for the first time is saved at once: what comes behind it is
    /// sent even if nothing can be before the next start.
    fn keep_first(&mut self, path: &str) {
        let mut rows = self.reading.positions(&mut self.feed, Instant::now());
        let first = rows.remove_entry(path);
        self.keep(first.into_iter().collect());
        self.marks.add(self.reading.last(), rows);
    }

    /// No file stands there any more.
    pub fn gone(&mut self, path: &str) {
        self.feed.gone(path);
        self.newest.iter_mut().for_each(|newest| newest.gone(path));
        // Names with a date would be kept for ever, as nothing stands there again.
        if !self.feed.follows(path) && self.rows.contains_key(path) {
            self.feed.forget(path);
            self.marks.add(self.reading.last(), Rows::from([(path.to_owned(), None)]));
        }
    }

    /// The configuration names the path no more.
    pub fn dropped(&mut self, path: &str) {
        self.feed.leave(path);
        self.newest.iter_mut().for_each(|newest| newest.gone(path));
    }

    /// Of several files the newest is read.
    pub fn choose(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.choose(&mut self.feed);
        }
    }

    /// The same while not all files are known.
    pub fn leave_others(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.leave_others(&mut self.feed);
        }
    }

    /// How many files are looked at for the newest.
    pub fn candidates(&self) -> usize {
        self.newest.as_ref().map_or(0, Newest::len)
    }

    /// One less is.
    pub fn forget_oldest(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.forget_oldest(&mut self.feed);
        }
    }

    /// What the warden is to be asked.
    pub fn wants_siblings(&mut self) -> Vec<Want> {
        self.feed.wants()
    }

    /// Reads a piece of its logs, if there is room for more events; whether there is more to read
    /// now.
    pub fn step(&mut self, means: &mut Means<'_>) -> bool {
        self.pour(means.now);
        let mut more = false;
        if self.has_room() {
            let quiet = self.reading.complete_quiet(means.instant);
            self.marks.add(self.reading.last(), quiet);
            let (progress, rows) = self.reading.read(&mut self.feed, means);
            self.marks.add(self.reading.last(), rows);
            self.pour(means.now);
            more = progress.more && self.has_room();
        }
        self.save_what_arrived();
        more
    }

    fn has_room(&self) -> bool {
        self.todo.is_empty() && !self.reading.has_events() && !self.batcher.has_full()
    }

    fn pour(&mut self, now: Stamp) {
        while let Some(event) = self.reading.queue().pop_front() {
            if let Err(event) = self.batcher.push(event, now) {
                self.reading.queue().push_front(event);
                return;
            }
        }
    }

    /// Nothing is underway, and all was sent or left out.
    fn is_idle(&self) -> bool {
        self.sending.is_none()
            && self.todo.is_empty()
            && !self.reading.has_events()
            && self.batcher.passed().is_some()
    }

    fn save_what_arrived(&mut self) {
        if self.is_idle() {
            self.arrived(self.reading.last());
        }
    }

    fn arrived(&mut self, upto: u64) {
        let rows = self.marks.take(upto);
        self.keep(rows);
    }

    fn keep(&mut self, rows: Rows) {
        for (path, row) in &rows {
            match row {
                Some(row) => self.rows.insert(path.clone(), row.clone()),
                None => self.rows.remove(path),
            };
        }
        self.unsaved.extend(rows);
    }

    /// Whether the ledger is to be told something.
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// What the ledger is to be told.
    pub fn take_unsaved(&mut self) -> Rows {
        std::mem::take(&mut self.unsaved)
    }

    /// Whether a batch is with the courier.
    pub fn is_underway(&self) -> bool {
        self.sending.as_ref().is_some_and(|sending| sending.handed.is_some())
    }

    /// Whether a batch is to be handed over now.
    pub fn is_due(&mut self, now: Stamp, instant: Instant) -> bool {
        if self.sending.is_none()
            && let Some(batch) = self.todo.pop_front().or_else(|| self.batcher.next(now))
        {
            self.batches += 1;
            self.sending = Some(Sending { batch, tries: 0, handed: None, again_at: None });
        }
        self.sending.as_ref().is_some_and(|sending| {
            let waits = sending.again_at.is_some_and(|at| instant < at);
            !waits && sending.handed.is_none_or(|at| instant >= at + NO_REPORT)
        })
    }

    /// When one is, if nothing else happens.
    pub fn due_at(&self, now: Stamp, instant: Instant) -> Option<Instant> {
        match &self.sending {
            Some(Sending { handed: Some(_), .. }) => None,
            Some(sending) => Some(sending.again_at.unwrap_or(instant)),
            None => {
                let left_ms = self.batcher.due()?.0.saturating_sub(now.0).max(0);
                Some(instant + Duration::from_millis(left_ms.unsigned_abs()))
            }
        }
    }

    /// The batch that is to be handed over: its number, and its bytes.
    pub fn batch(&self) -> Option<(u64, Vec<u8>)> {
        let batch = &self.sending.as_ref()?.batch;
        let event = |event: &LogEvent| AwsEvent { time: event.time, text: event.message.clone() };
        let events: Vec<AwsEvent> = batch.events.iter().map(event).collect();
        Some((self.batches, encode_events(&events)))
    }

    /// The courier has it.
    pub fn handed(&mut self, instant: Instant) {
        if let Some(sending) = &mut self.sending {
            (sending.handed, sending.again_at) = (Some(instant), None);
        }
    }

    /// It could not be handed over, and is not due before then.
    pub fn put_off(&mut self, until: Instant) {
        if let Some(sending) = &mut self.sending {
            sending.again_at = Some(until);
        }
    }

    /// The courier is gone, and perhaps the batch with it.
    pub fn lost_courier(&mut self) {
        if let Some(sending) = &mut self.sending {
            sending.handed = None;
        }
    }

    /// What became of the batch of this number.
    pub fn reported(&mut self, number: u64, taken: &Taken, chance: u64, instant: Instant) {
        if number != self.batches || !self.is_underway() {
            return;
        }
        let Some(Sending { batch, tries, .. }) = self.sending.take() else { return };
        let events = batch.events.len() as u64;
        let until = batch.events.iter().map(|event| event.time).max();
        let result = result_of(taken);
        self.error = result.as_ref().err().map(|fault| fault.text.clone());
        match after(batch, &result, tries + 1, chance) {
            After::Done { upto } => {
                let refused = result.unwrap_or_default();
                self.refused.too_old += refused.too_old;
                self.refused.too_new += refused.too_new;
                self.sent += events.saturating_sub(refused.too_old + refused.too_new);
                self.sent_until = self.sent_until.max(until);
                self.arrived(upto);
            }
            After::Again { batch, wait_ms } => {
                let again_at = Some(instant + Duration::from_millis(wait_ms));
                self.sending = Some(Sending { batch, tries: tries + 1, handed: None, again_at });
            }
            After::Halves(first, second) => {
                self.todo.push_front(second);
                self.todo.push_front(first);
            }
            After::Refused { upto, events } => {
                self.batcher.count_refused(events);
                self.arrived(upto);
            }
        }
        self.save_what_arrived();
    }

    /// What was left out until now.
    pub fn left_out(&self) -> Drops {
        let drops = self.batcher.drops();
        let AwsRefused { too_old, too_new } = self.refused;
        Drops {
            too_old: drops.too_old + too_old,
            too_new: drops.too_new + too_new,
            cut: drops.cut + self.reading.cut(),
            ..drops
        }
    }

    /// The sizes of all that is kept by path.
    #[cfg(test)]
    pub fn sizes(&self) -> Vec<usize> {
        let newest = self.newest.iter().flat_map(Newest::sizes);
        newest.chain([self.rows.len(), self.reading.files()]).collect()
    }

    /// How it stands.
    pub fn state(&self) -> StreamState {
        let Drops { too_old, too_new, empty, refused, cut } = self.left_out();
        let underway = self.sending.iter().map(|sending| &sending.batch).chain(&self.todo);
        let held = underway.flat_map(|batch| &batch.events).chain(self.batcher.waiting());
        let held: usize = held.map(|event| event.message.len() + 1).sum();
        let held = (held + self.reading.waiting_bytes()) as u64;
        StreamState {
            group: self.logs.group.clone(),
            stream: self.logs.stream.clone(),
            sent_until: self.sent_until,
            backlog_bytes: self.feed.backlog_bytes() + held,
            error: self.error.clone(),
            sent: self.sent,
            left_out: too_old + too_new + empty + refused,
            cut,
            lost: self.lost,
        }
    }
}

fn result_of(taken: &Taken) -> Result<Accepted, Fault> {
    let fault = |cause, transient, text: &str| Fault { cause, transient, text: text.to_owned() };
    match taken {
        Taken::Yes { .. } => Ok(Accepted::default()),
        Taken::But(AwsRefused { too_old, too_new }) => {
            Ok(Accepted { too_old: *too_old, too_new: *too_new, ..Accepted::default() })
        }
        Taken::No { permanent: true, why, .. } => Err(fault(Cause::Unfit, false, why)),
        Taken::No { retry_after_s: Some(_), why, .. } => Err(fault(Cause::Denied, false, why)),
        Taken::No { why, .. } => Err(fault(Cause::Server, true, why)),
    }
}
