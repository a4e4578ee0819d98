//! The report of a day or week: what a busy owner reads in a minute.

mod bars;
mod json;
mod page;
mod passages;
mod picture;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use std::collections::HashMap;

use monban_ledger::{DigestRows, DigestSpan, DigestThing, LedgerError, Reader};
use monban_model::limits::DIGEST_THINGS_MAX;
use monban_model::{Address, Notice, Record, ReportId, ReportKind, Stamp};

use crate::{LocalClock, publication};
use bars::Bars;

pub use json::digest_json;
pub use write::digest_text;

/// Hours of the longest day.
const HOURS: u64 = 25;

/// Days of a week.
const DAYS: i32 = 7;

/// What happened in a day or week.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// Which report it is.
    pub report: ReportId,
    /// The time, and the one before.
    pub span: DigestSpan,
    /// What the ledger counted.
    pub rows: DigestRows,
    /// Subscriptions that do not work now.
    failing: Vec<Failing>,
    /// Where attackers are, such as `JP, AS4713 OCN`; a stranger's words, made harmless.
    places: HashMap<Address, String>,
    /// Blocks by hours or days.
    bars: Bars,
    alarms: Vec<Told>,
    here: Vec<Told>,
    troubles: Vec<Told>,
}

/// A subscription that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Its name.
    pub subscription: String,
    /// Since when.
    pub since: Stamp,
    /// What was answered.
    pub why: String,
}

/// Something that happened some times, and its last record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    count: u64,
    record: Record,
}

impl Digest {
    /// Reads what the report tells: of a day all since the same time of the day before, of a week
    /// the seven whole days before. `failing` are the subscriptions that do not work now; `find`
    /// says where attackers are.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn read(
        reader: &Reader,
        clock: &LocalClock,
        report: ReportId,
        failing: Vec<Failing>,
        find: impl FnOnce(&[Address]) -> HashMap<Address, String>,
    ) -> Result<Self, LedgerError> {
        let (span, marks) = time_of(clock, report);
        let rows = reader.digest(span)?;
        let told = |things: &[DigestThing]| -> Result<Vec<Told>, LedgerError> {
            let mut all = Vec::with_capacity(things.len());
            for thing in things {
                let found = reader.record(thing.last)?;
                all.extend(found.map(|record| Told { count: thing.count, record }));
            }
            Ok(all)
        };
        let mut troubles = told(&rows.notices)?;
        // What a person should hear of is what is published.
        troubles.retain(|told| publication(&told.record, None).is_some());
        troubles.truncate(DIGEST_THINGS_MAX);
        // Those that are named, the ones with most tries first.
        let attackers: Vec<Address> = rows.attackers.iter().map(|one| one.address).collect();
        Ok(Self {
            report,
            span,
            bars: Bars::new(marks, &rows.blocks, span.start),
            alarms: told(&rows.alarms)?,
            here: told(&rows.here)?,
            troubles,
            failing,
            places: find(&attackers),
            rows,
        })
    }

    /// Whether the ledger knows the time before from its start.
    fn is_comparable(&self) -> bool {
        self.rows.oldest.is_some_and(|oldest| oldest <= self.span.before.plus_s(3600))
    }

    /// How many things want to be looked at.
    fn to_look_at(&self) -> usize {
        self.troubles.len() + self.failing.len() + usize::from(self.rows.counts.unmade.now > 0)
    }

    /// Whether monban only observed.
    fn is_observed(&self) -> bool {
        let counts = &self.rows.counts;
        counts.blocks.now > 0 && counts.observed.now >= counts.blocks.now
    }

    fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.troubles.iter().filter_map(|told| match &told.record.event {
            monban_model::Event::Noticed(notice) => Some(notice),
            _ => None,
        })
    }
}

/// The time of a report and the one before; and where each bar begins, with the end behind.
fn time_of(clock: &LocalClock, report: ReportId) -> (DigestSpan, Vec<Stamp>) {
    match report.kind {
        ReportKind::Daily => {
            let end = report.due;
            // So that no hour is told twice or never: where clocks are set, the report of the day
            // before was due 23 or 25 hours ago.
            let start = clock.day_before(end);
            let hours = (0..=HOURS).map(|hour| start.plus_s(hour * 3600));
            let marks = hours.take_while(|mark| *mark < end).chain([end]).collect();
            (DigestSpan { before: clock.day_before(start), start, end }, marks)
        }
        ReportKind::Weekly => {
            let day = |days| clock.day_start(report.due, days);
            let marks: Vec<Stamp> = (0..=DAYS).rev().map(day).collect();
            (DigestSpan { before: day(2 * DAYS), start: day(DAYS), end: day(0) }, marks)
        }
    }
}
