//! Keeps the file under its size: the oldest evidence goes first, then the oldest records; and
//! drops what is older than is wanted. Blocks, counts and positions stay whatever it costs, and
//! so do the records that tell why a block in force was made.

use std::collections::{HashMap, HashSet};

use monban_model::limits::LEDGER_RECORDS_KEPT;
use monban_model::{Stamp, StateRow, Subject};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::ledger::{Batch, put_meta};
use crate::saved::number;
use crate::{Ledger, LedgerError, state};

/// Findings and records that one call looks at.
const STEPS_PER_CALL: usize = 4000;
/// Of these, how many between two looks at the size.
const STEPS_PER_LOOK: i64 = 250;
/// Free pages that one call gives back to the file system.
const PAGES_PER_CALL: u64 = 1024;
/// Subjects whose block ended that are remembered to drop what was kept for it.
const FREED_MAX: usize = 65_536;
/// How many of these one call looks at.
const FREED_PER_CALL: usize = 250;
/// Rows after the decision of a block among which its order and outcome are.
const FOLLOWERS: i64 = 16;

/// How many lines of evidence were dropped so far, in `meta`.
pub(crate) const TRIMMED_EVIDENCE: &str = "ledger.trimmed_evidence";
/// How many records were dropped so far, in `meta`.
pub(crate) const TRIMMED_RECORDS: &str = "ledger.trimmed_records";

/// What one call of [`Ledger::trim`] dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Lines of evidence, those of dropped records included.
    pub evidence_lines: u64,
    /// Records.
    pub records: u64,
    /// Of these, those that were too old, whether there was room or not.
    pub old_records: u64,
    /// There is more to drop: call again soon.
    pub more: bool,
}

/// How far dropping came in this run, by record number, so that what is kept for blocks at the
/// old end is not looked at again by every call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    evidence: i64,
    records: i64,
    /// Evidence of blocks in force: the last resort.
    kept_evidence: i64,
    freed: Vec<Subject>,
}

impl Progress {
    /// Remembers which blocks ended.
    pub(crate) fn note(&mut self, batch: &Batch) {
        if self.records == 0 {
            return;
        }
        for row in &batch.state {
            if let StateRow::NoBlock(subject, _) = row
                && self.freed.len() < FREED_MAX
            {
                self.freed.push(*subject);
            }
        }
    }
}

impl Ledger {
    /// Drops what is older than `keep_from`, and what is oldest until the file fits into
    /// `max_bytes`; a bounded piece per call, and next to nothing if there is nothing to drop, so
    /// it can be called after each commit.
    ///
    /// The evidence of the newer quarter of the records is dropped only when older records are
    /// all gone, and the newest [`LEDGER_RECORDS_KEPT`] records are never dropped for room (for
    /// their age all but the newest are). The file itself shrinks when SQLite next moves its log
    /// into it, at the latest at the clean end.
    ///
    /// # Errors
    /// As [`Ledger::commit`].
    pub fn trim(&mut self, max_bytes: u64, keep_from: Stamp) -> Result<Trimmed, LedgerError> {
        self.with_db(|db, progress| trim(db, progress, max_bytes, keep_from))
    }
}

fn trim(
    db: &mut Connection,
    progress: &mut Progress,
    max_bytes: u64,
    keep_from: Stamp,
) -> Result<Trimmed, LedgerError> {
    // A sixteenth is left free, so that the pages which one call frees are there for the next
    // commits and the file does not shrink and grow all the time.
    let goal = max_bytes - max_bytes / 16;
    let mut trimmed = Trimmed::default();
    if Size::of(db)?.used() > goal || is_old(db, progress.records, keep_from)? {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut run = Run::new(&transaction, progress.clone())?;
        run.drop_older(keep_from)?;
        run.until(goal)?;
        let Run { done, progress: at, .. } = run;
        count(&transaction, TRIMMED_EVIDENCE, done.evidence_lines)?;
        count(&transaction, TRIMMED_RECORDS, done.records)?;
        transaction.commit()?;
        (trimmed, *progress) = (done, at);
    }
    let size = Size::of(db)?;
    if size.file() > max_bytes && size.free > 0 {
        let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({PAGES_PER_CALL})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        trimmed.more |= size.free > PAGES_PER_CALL;
    }
    Ok(trimmed)
}

/// Whether the first record that was not looked at is older than is wanted. The newest is kept:
/// it says which number comes next.
fn is_old(db: &Connection, after: i64, keep_from: Stamp) -> Result<bool, LedgerError> {
    let first: Option<(i64, i64)> = db
        .prepare_cached("SELECT seq, time FROM records WHERE seq > ? ORDER BY seq LIMIT 1")?
        .query_row([after], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, _)) = first.filter(|(_, time)| *time < keep_from.0) else { return Ok(false) };
    let mut newest = db.prepare_cached("SELECT max(seq) FROM records")?;
    Ok(newest.query_row([], |row| row.get::<_, i64>(0))? > seq)
}

fn count(db: &Connection, key: &str, more: u64) -> Result<(), LedgerError> {
    if more == 0 {
        return Ok(());
    }
    let so_far = number(db, key)?.unwrap_or(0);
    put_meta(db, key, &so_far.saturating_add(more).to_string())
}

/// The size of the file in pages, as the open transaction sees it.
struct Size {
    pages: u64,
    free: u64,
    page_bytes: u64,
}

impl Size {
    fn of(db: &Connection) -> Result<Self, LedgerError> {
        let number = |pragma: &str| -> Result<u64, LedgerError> {
            let found: i64 = db.prepare_cached(pragma)?.query_row([], |row| row.get(0))?;
            Ok(found.cast_unsigned())
        };
        Ok(Self {
            pages: number("PRAGMA page_count")?,
            free: number("PRAGMA freelist_count")?,
            page_bytes: number("PRAGMA page_size")?,
        })
    }

    fn file(&self) -> u64 {
        self.pages * self.page_bytes
    }

    fn used(&self) -> u64 {
        self.pages.saturating_sub(self.free) * self.page_bytes
    }
}

/// One call of trim, within its transaction.
struct Run<'a> {
    db: &'a Transaction<'a>,
    progress: Progress,
    in_force: HashMap<String, HashSet<i64>>,
    /// Records up to here may go.
    last_record: i64,
    /// Evidence up to here goes before any record does.
    last_evidence: i64,
    done: Trimmed,
}

impl<'a> Run<'a> {
    fn new(db: &'a Transaction<'a>, progress: Progress) -> Result<Self, LedgerError> {
        let edge = |sql| -> Result<i64, LedgerError> {
            let found: Option<i64> = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(found.unwrap_or(0))
        };
        let first = edge("SELECT min(seq) FROM records")?.max(progress.records);
        let last = edge("SELECT max(seq) FROM records")?;
        let last_record = last.saturating_sub(LEDGER_RECORDS_KEPT);
        Ok(Self {
            db,
            progress,
            in_force: HashMap::new(),
            last_record,
            last_evidence: last_record.min(last - (last - first) / 4),
            done: Trimmed::default(),
        })
    }

    /// Drops records from before a time, the newest excepted.
    fn drop_older(&mut self, keep_from: Stamp) -> Result<(), LedgerError> {
        let last = self.last_record.saturating_add(LEDGER_RECORDS_KEPT - 1);
        let before = self.done.records;
        for _ in 0..STEPS_PER_CALL as i64 / STEPS_PER_LOOK {
            let seen = self.drop_records(last, keep_from)?;
            self.done.old_records = self.done.records - before;
            if seen == 0 {
                return Ok(());
            }
        }
        self.done.more = true;
        Ok(())
    }

    fn until(&mut self, goal: u64) -> Result<(), LedgerError> {
        self.drop_of_freed()?;
        let mut left = STEPS_PER_CALL;
        while Size::of(self.db)?.used() > goal {
            let mut seen = self.drop_evidence()?;
            if seen == 0 {
                seen = self.drop_records(self.last_record, Stamp(i64::MAX))?;
            }
            if seen == 0 {
                seen = self.drop_kept_evidence()?;
            }
            if seen == 0 {
                return Ok(());
            }
            left = left.saturating_sub(seen);
            if left == 0 {
                self.done.more = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// What was kept for blocks that have ended meanwhile.
    fn drop_of_freed(&mut self) -> Result<(), LedgerError> {
        let count = self.progress.freed.len().min(FREED_PER_CALL);
        let freed: Vec<Subject> = self.progress.freed.drain(..count).collect();
        for subject in freed {
            let subject = subject.to_string();
            let seqs = self.seqs(
                "SELECT seq FROM records WHERE subject = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
                &[&subject, &self.progress.records, &STEPS_PER_LOOK],
            )?;
            for seq in seqs {
                if !self.keeps(seq, &subject)? {
                    self.drop_record(seq)?;
                }
            }
        }
        Ok(())
    }

    fn drop_evidence(&mut self) -> Result<usize, LedgerError> {
        let seqs = self.evidence_between(self.progress.evidence, self.last_evidence)?;
        for seq in &seqs {
            let subject: Option<String> = self
                .db
                .prepare_cached("SELECT subject FROM records WHERE seq = ?")?
                .query_row([seq], |row| row.get(0))
                .optional()?;
            let keeps = match subject {
                Some(subject) => self.keeps(*seq, &subject)?,
                None => false,
            };
            if !keeps {
                self.drop_lines(*seq)?;
            }
            self.progress.evidence = *seq;
        }
        Ok(seqs.len())
    }

    /// Drops some records up to a number that are from before a time.
    fn drop_records(&mut self, last: i64, before: Stamp) -> Result<usize, LedgerError> {
        let mut rows: Vec<(i64, Option<String>)> = Vec::new();
        {
            let mut statement = self.db.prepare_cached(
                "SELECT seq, subject, time FROM records WHERE seq > ? AND seq <= ?
                 ORDER BY seq LIMIT ?",
            )?;
            let bounds = (self.progress.records, last, STEPS_PER_LOOK);
            let mut found = statement.query(bounds)?;
            // The first younger one ends it: records are as good as in the order of their times.
            while let Some(row) = found.next()?
                && row.get::<_, i64>(2)? < before.0
            {
                rows.push((row.get(0)?, row.get(1)?));
            }
        }
        for (seq, subject) in &rows {
            let keeps = match subject {
                Some(subject) => self.keeps(*seq, subject)?,
                None => false,
            };
            if !keeps {
                self.drop_record(*seq)?;
            }
            self.progress.records = *seq;
        }
        Ok(rows.len())
    }

    fn drop_kept_evidence(&mut self) -> Result<usize, LedgerError> {
        let seqs = self.evidence_between(self.progress.kept_evidence, self.last_record)?;
        for seq in &seqs {
            self.drop_lines(*seq)?;
            self.progress.kept_evidence = *seq;
        }
        Ok(seqs.len())
    }

    fn evidence_between(&self, after: i64, upto: i64) -> Result<Vec<i64>, LedgerError> {
        self.seqs(
            "SELECT DISTINCT seq FROM evidence WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            &[&after, &upto, &STEPS_PER_LOOK],
        )
    }

    fn seqs(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let found = statement.query_map(values, |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn drop_record(&mut self, seq: i64) -> Result<(), LedgerError> {
        self.drop_lines(seq)?;
        state::run(self.db, "DELETE FROM notice_values WHERE seq = ?", &[&seq])?;
        state::run(self.db, "DELETE FROM logins WHERE seq = ?", &[&seq])?;
        state::run(self.db, "DELETE FROM alarm_changes WHERE seq = ?", &[&seq])?;
        state::run(self.db, "DELETE FROM records WHERE seq = ?", &[&seq])?;
        self.done.records += 1;
        Ok(())
    }

    fn drop_lines(&mut self, seq: i64) -> Result<(), LedgerError> {
        let mut statement = self.db.prepare_cached("DELETE FROM evidence WHERE seq = ?")?;
        self.done.evidence_lines += statement.execute([seq])? as u64;
        Ok(())
    }

    /// Whether a record tells why a block in force was made: the last decision to block with its
    /// scope, the finding that this answers, and the order and outcome behind it.
    fn keeps(&mut self, seq: i64, subject: &str) -> Result<bool, LedgerError> {
        if let Some(kept) = self.in_force.get(subject) {
            return Ok(kept.contains(&seq));
        }
        let kept = kept_of(self.db, subject)?;
        let keeps = kept.contains(&seq);
        self.in_force.insert(subject.to_owned(), kept);
        Ok(keeps)
    }
}

fn kept_of(db: &Connection, subject: &str) -> Result<HashSet<i64>, LedgerError> {
    let mut kept = HashSet::new();
    let mut blocks = db.prepare_cached("SELECT scope FROM blocks WHERE subject = ?")?;
    let scopes = blocks.query_map([subject], |row| row.get::<_, String>(0))?;
    for scope in scopes {
        let decision: Option<(i64, Option<i64>)> = db
            .prepare_cached(
                "SELECT seq, finding FROM records WHERE event = 'decided' AND what = 'block'
                 AND subject = ? AND scope = ? ORDER BY seq DESC LIMIT 1",
            )?
            .query_row((subject, scope?), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((decision, finding)) = decision else {
            continue;
        };
        kept.insert(decision);
        kept.extend(finding);
        let mut followers = db.prepare_cached(
            "SELECT seq, event FROM records WHERE subject = ? AND seq > ? ORDER BY seq LIMIT ?",
        )?;
        let mut rows = followers.query((subject, decision, FOLLOWERS))?;
        while let Some(row) = rows.next()? {
            let event: String = row.get(1)?;
            if event == "ordered" || event == "happened" {
                kept.insert(row.get(0)?);
            }
        }
    }
    Ok(kept)
}
