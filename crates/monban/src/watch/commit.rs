//! Records, open state and positions become durable together.
//!
//! The positions are those behind the last line that went into the engine, so an end at any
//! instant loses nothing and counts nothing twice. Orders have left before: they are idempotent.

use std::io;
use std::time::{Duration, Instant};

use monban_engine::Observation;
use monban_ledger::{Batch, LedgerError, Trimmed};
use monban_model::limits::ORDERS_PER_FRAME_MAX;
use monban_model::wire::{ToWarden, WireAct, WireOrder};
use monban_model::{Event, Notice, Order, OrderAct, OrderId, Record, Stamp, StateRow};
use monban_warden::Channel;

use super::mind::Mind;
use super::scribe::{Keep, Written};
use super::{Watch, notice, now};

/// Records that wait for a disk that takes nothing at most; later ones are counted and dropped.
const WAITING_MAX: usize = 20_000;

/// So many bytes of rows and records are committed without waiting for the time.
const BYTES_AT_ONCE: usize = 3 << 19;

/// While the ledger writes, lines are read on until the rows and records that wait would take so
/// many bytes, as far as that can be told from their number. They are not copied before the
/// ledger can take them.
const BYTES_WAITING_MAX: usize = 3 << 20;

/// Bytes of a record beside its lines.
const RECORD_BYTES: usize = 250;

/// Bytes of a row of a jail.
const JAIL_ROW_BYTES: usize = 500;

/// Bytes of a line of evidence beside its text.
const LINE_BYTES: usize = 100;

/// While the disk takes nothing, it is tried so often.
const RETRY: Duration = Duration::from_secs(1);

/// Changes wait at most so long for their commit ...
const COMMIT_AFTER: Duration = Duration::from_millis(200);

/// ... or so many times as long as the last one took, so that the ledger leaves the processor to
/// the lines ...
const LEDGER_SHARE: u32 = 6;

/// ... but never longer than this.
const COMMIT_LATEST: Duration = Duration::from_secs(2);

/// That a full ledger drops what is oldest is told so often.
const TRIMMED_TOLD_EVERY: Duration = Duration::from_secs(3600);

/// What is not committed yet.
#[derive(Debug, Default)]
pub struct Pending {
    /// The records since the last batch.
    records: Vec<Record>,
    /// About the memory that they take.
    record_bytes: usize,
    /// Paths that will not come back.
    forgotten: Vec<String>,
    /// A batch that was not written. It goes first: what changed since waits where it changed.
    unwritten: Option<Batch>,
    since: Option<Instant>,
    retry_at: Option<Instant>,
    dropped: u64,
    /// Why the last commit was not written.
    trouble: Option<String>,
    /// How long the last commit took.
    took: Duration,
    /// What the ledger dropped for want of room, and when that was told last.
    trimmed: Trimmed,
    trimmed_told: Option<Instant>,
}

impl Pending {
    /// Something changed.
    pub fn touch(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// Something waits for the commit: it is due now.
    pub fn hurry(&mut self) {
        self.since = Instant::now().checked_sub(COMMIT_LATEST).or(self.since);
    }

    /// More records.
    pub fn add(&mut self, records: Vec<Record>) {
        self.record_bytes += records.iter().map(bytes_of).sum::<usize>();
        self.records.extend(records);
        self.bound_records();
        self.touch();
    }

    /// A batch that was not written.
    fn take_back(&mut self, batch: Batch) {
        self.unwritten = Some(batch);
        self.retry_at = Some(Instant::now() + RETRY);
        self.bound_records();
    }

    fn bound_records(&mut self) {
        if !self.disk_works() && self.records() > WAITING_MAX {
            let over = self.records() - WAITING_MAX;
            let kept = self.records.len().saturating_sub(over);
            self.dropped += (self.records.len() - kept) as u64;
            self.records.truncate(kept);
            self.record_bytes = self.records.iter().map(bytes_of).sum();
        }
    }

    /// How many records wait.
    fn records(&self) -> usize {
        self.records.len() + self.unwritten.as_ref().map_or(0, |batch| batch.records.len())
    }

    /// Whether the last commit was written.
    pub fn disk_works(&self) -> bool {
        self.retry_at.is_none()
    }

    /// A path will not come back.
    pub fn forget(&mut self, path: String) {
        self.forgotten.push(path);
        self.touch();
    }

    /// When the next commit is due.
    pub fn due_at(&self) -> Option<Instant> {
        // The more there is to write, the more of it is written once instead of several times.
        let after = (self.took * LEDGER_SHARE).clamp(COMMIT_AFTER, COMMIT_LATEST);
        self.retry_at.or(self.since.map(|since| since + after))
    }

    /// Whether a commit is due.
    pub fn is_due(&self) -> bool {
        self.due_at().is_some_and(|due| due <= Instant::now())
    }
}

impl Watch {
    /// Commits what has waited for long enough, or is much. What comes faster than it can be
    /// written waits in the logs.
    pub(super) fn commit_if_due(&mut self) {
        let waiting = match self.pending.disk_works() {
            true => self.waiting_bytes(),
            // Counts and blocks are bounded, and so are records then.
            false => 0,
        };
        self.end_commit(waiting > BYTES_WAITING_MAX);
        if !self.scribe.is_busy() && (waiting > BYTES_AT_ONCE || self.pending.is_due()) {
            self.begin_commit();
        }
    }

    /// About the memory that the next batch would take.
    fn waiting_bytes(&self) -> usize {
        self.mind.engine().waiting_bytes()
            + self.jail_side.waiting_changes() * JAIL_ROW_BYTES
            + self.pending.record_bytes
    }

    /// Commits everything that was made from the lines so far, and waits until that is durable.
    pub(super) fn commit(&mut self) {
        self.end_commit(true);
        let again = self.pending.unwritten.is_some();
        self.begin_commit();
        self.end_commit(true);
        if again && self.pending.disk_works() {
            self.begin_commit();
            self.end_commit(true);
        }
    }

    /// Hands everything that was made from the lines so far to the ledger, which has answered for
    /// what it got before; what it could not write goes first.
    pub(super) fn begin_commit(&mut self) {
        if let Some(batch) = self.pending.unwritten.take() {
            return self.scribe.write(batch, self.keep());
        }
        // What was lost is told with the positions behind it: a kill between them would hide it.
        for told in self.feed.notices() {
            self.tell_of_feed(told);
        }
        let mut batch = Batch {
            records: std::mem::take(&mut self.pending.records),
            state: self.jail_side.take_changes(),
            positions: self.feed.positions(),
            forgotten_positions: std::mem::take(&mut self.pending.forgotten),
            ..Batch::default()
        };
        self.pending.record_bytes = 0;
        self.mind.give_changes(&mut batch);
        batch.state.extend(self.teller.take_rows().into_iter().map(StateRow::Notify));
        batch.positions.extend(self.journal_row.clone().filter(|row| !row.cursor.is_empty()));
        let (sent, forgotten) = self.sending.sender.take_unsaved();
        batch.positions.extend(sent);
        batch.forgotten_positions.extend(forgotten);
        self.pending.since = None;
        let states = self.jail_side.states();
        let (of_teller, is_told_news) = self.teller.meta();
        let (of_logs, entries) = (self.sending.sender.take_meta(), self.mind.take_entries());
        let is_news = self.watched.changed || self.jail_side.changed || is_told_news;
        let is_news = is_news || self.mind.origins().changed;
        let is_news = is_news || of_logs.is_some() || entries.is_some() || self.hook.is_news();
        if batch.is_empty() && !is_news && states.is_none() {
            return;
        }
        batch.meta = self.meta();
        batch.meta.extend(self.hook.meta(entries.as_deref()));
        batch.meta.extend(of_teller);
        batch.meta.extend(of_logs);
        batch.meta.extend(states.clone());
        batch.meta.push(self.mind.origins().meta());
        (self.watched.changed, self.jail_side.changed) = (false, false);
        self.mind.origins().changed = false;
        self.jail_side.keep_states(states);
        self.scribe.write(batch, self.keep());
    }

    /// Takes in how the last commit fared, if that is known by now; waits for it if `wait`.
    pub(super) fn end_commit(&mut self, wait: bool) {
        match self.scribe.answer(wait) {
            None => {}
            Some(Written::Done(trimmed, took)) => {
                self.pending.took = took;
                self.committed(trimmed);
            }
            Some(Written::Failed(batch, error)) => self.not_committed(batch, &error),
        }
    }

    fn committed(&mut self, trimmed: Trimmed) {
        self.teller.committed(now());
        self.hook_is_kept();
        self.pending.trouble = None;
        if self.pending.retry_at.take().is_some() {
            let dropped = std::mem::take(&mut self.pending.dropped);
            let values = [("dropped", dropped.to_string())];
            self.tell(notice("disk-back", &values));
        }
        // What was too old is dropped as it was wished, and not told.
        if trimmed.records > trimmed.old_records || trimmed.evidence_lines > 0 {
            self.pending.trimmed.evidence_lines += trimmed.evidence_lines;
            self.pending.trimmed.records += trimmed.records;
            self.tell_trimmed();
        }
    }

    /// What the ledger is to keep now.
    fn keep(&self) -> Keep {
        let from = now().minus_s(self.mind.ledger_keep_s);
        Keep { bytes: self.mind.ledger_bytes_max, from }
    }

    /// Has the ledger look for what it is to keep no longer, where nothing else wakes it.
    pub(super) fn trim(&mut self) {
        if !self.scribe.is_busy() && self.pending.disk_works() {
            self.scribe.write(Batch::default(), self.keep());
        }
    }

    /// A full ledger drops something with every commit, which is told once in a while.
    fn tell_trimmed(&mut self) {
        let told = &mut self.pending.trimmed_told;
        if told.is_some_and(|told| told.elapsed() < TRIMMED_TOLD_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        let Trimmed { evidence_lines, records, .. } = std::mem::take(&mut self.pending.trimmed);
        let values = [("evidence", evidence_lines.to_string()), ("records", records.to_string())];
        self.mind.output().notice(&notice("ledger-trimmed", &values));
    }

    pub(super) fn not_committed(&mut self, batch: Batch, error: &LedgerError) {
        if self.pending.retry_at.is_none() {
            self.tell(notice("disk-full", &[("error", error.to_string())]));
        }
        self.teller.disk_full(now());
        if !error.is_passing() {
            // It would fail for ever: the watcher starts anew, and a damaged file is set aside.
            eprintln!("monban watcher: {error}");
            self.ended = true;
        }
        self.pending.trouble = Some(error.to_string());
        self.pending.take_back(batch);
    }

    fn meta(&self) -> Vec<(String, String)> {
        let evicted = self.mind.engine().evicted();
        let alarms = self.mind.engine().alarms_uncounted();
        let uncounted = alarms.late + alarms.ahead + alarms.no_number;
        let watched = self.watched.changed.then(|| self.watched.meta());
        let counts = vec![
            ("hook.refused".to_owned(), self.hook.refused().to_string()),
            ("metrics.skipped".to_owned(), self.mind.metrics_skipped().to_string()),
            ("evicted.tallies".to_owned(), evicted.tallies.to_string()),
            ("evicted.connections".to_owned(), evicted.connections.to_string()),
            ("evicted.successes".to_owned(), evicted.successes.to_string()),
            ("evicted.places".to_owned(), evicted.places.to_string()),
            ("evicted.history".to_owned(), evicted.history.to_string()),
            ("evicted.entries".to_owned(), evicted.entries.to_string()),
            ("evicted.alarms".to_owned(), alarms.evicted.to_string()),
            ("alarms.uncounted".to_owned(), uncounted.to_string()),
            ("lines.echoes".to_owned(), self.mind.echoes().to_string()),
            ("lines.misplaced".to_owned(), self.mind.misplaced().to_string()),
            ("time.disbelieved".to_owned(), self.mind.disbelieved().to_string()),
        ];
        counts.into_iter().chain(self.jail_side.meta()).chain(watched).collect()
    }

    /// Sends the orders that the engine gave, and the answers that follow them.
    pub(super) fn send_orders(&mut self) -> io::Result<()> {
        send_orders_of(&mut self.mind, &mut self.channel)?;
        for answer in std::mem::take(&mut self.stage.answers) {
            let (id, done, mut notices) = self.with_jails(answer);
            // Whoever asks the ledger after the answer finds what he did.
            self.commit();
            notices.extend(self.troubles());
            self.channel.send(&ToWarden::Answer { id, done, notices }, None)?;
        }
        Ok(())
    }

    /// What keeps the ledger behind what is known here.
    fn troubles(&self) -> Vec<Notice> {
        let disk = self.pending.trouble.as_ref().map(|error| {
            let values =
                [("error", error.clone()), ("records", self.pending.records().to_string())];
            notice("ledger-behind", &values)
        });
        disk.into_iter().chain(self.stage.backlog_notice()).collect()
    }

    /// Says which blocks are in force.
    pub(super) fn send_blocks(&mut self) -> io::Result<()> {
        self.observe(Observation::Tick);
        let clock = now();
        let blocks: Vec<WireOrder> = self
            .mind
            .engine()
            .standing_orders()
            .map(|(subject, scope, until)| {
                let act = OrderAct::Block { scope, until };
                wire_order(&Order { id: OrderId(0), subject, act }, clock)
            })
            .collect();
        let mut parts = blocks.chunks(ORDERS_PER_FRAME_MAX).peekable();
        if parts.peek().is_none() {
            self.channel.send(&ToWarden::Restore { blocks: Vec::new(), more: false }, None)?;
        }
        while let Some(part) = parts.next() {
            let more = parts.peek().is_some();
            self.channel.send(&ToWarden::Restore { blocks: part.to_vec(), more }, None)?;
        }
        Ok(())
    }
}

/// Sends the orders that the engine gave.
pub(super) fn send_orders_of(mind: &mut Mind, channel: &mut Channel) -> io::Result<()> {
    let orders = mind.take_orders();
    let clock = now();
    for part in orders.chunks(ORDERS_PER_FRAME_MAX) {
        let wire = part.iter().map(|order| wire_order(order, clock)).collect();
        channel.send(&ToWarden::Orders(wire), None)?;
    }
    Ok(())
}

fn wire_order(order: &Order, clock: Stamp) -> WireOrder {
    let act = match &order.act {
        OrderAct::Block { scope, until } => WireAct::Block {
            scope: scope.clone(),
            left_ms: until.map(|end| end.0.saturating_sub(clock.0).max(1) as u64),
        },
        OrderAct::Free => WireAct::Free,
    };
    WireOrder { id: order.id, subject: order.subject, act }
}

/// About the memory that a record takes.
pub(super) fn bytes_of(record: &Record) -> usize {
    let lines = match &record.event {
        Event::Found(finding) => finding.evidence.as_slice(),
        Event::Entered(login) => login.evidence.as_slice(),
        Event::FoundHere(finding) => finding.evidence.as_slice(),
        _ => &[],
    };
    RECORD_BYTES + lines.iter().map(|one| one.line.len() + LINE_BYTES).sum::<usize>()
}
