//! What happened in a time, counted: what the report of a day or week is made of.
//!
//! One look for the first record of the time and then a handful of aggregates behind it: no record
//! is read whole. With 300,000 records, all of them in the time, see the test at the end.

use monban_model::limits::{
    DIGEST_ATTACKERS_MAX, DIGEST_BUCKETS_MAX, DIGEST_LOGINS_MAX, DIGEST_NAMES_MAX,
    DIGEST_SERVICES_MAX, DIGEST_THINGS_MAX,
};
use monban_model::{Address, Seq, Stamp, Subject};
use rusqlite::types::ValueRef;
use rusqlite::{Row, ToSql};

use crate::trim::{TRIMMED_EVIDENCE, TRIMMED_RECORDS};
use crate::{LedgerError, Reader, saved};

/// A time, and the one before it that it is compared with. Each begins with its first instant and
/// ends before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestSpan {
    /// When the time before begins.
    pub before: Stamp,
    /// When the time begins.
    pub start: Stamp,
    /// When it is over.
    pub end: Stamp,
}

/// A count, and the same of the time before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// In the time.
    pub now: u64,
    /// In the time before.
    pub before: u64,
}

/// All counts of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestCounts {
    /// Blocks that were decided.
    pub blocks: Compared,
    /// Blocks that only would have been made, as monban observes.
    pub observed: Compared,
    /// Logins, and those who became another user.
    pub logins: Compared,
    /// Findings about addresses.
    pub findings: Compared,
    /// Different addresses and networks that were found to attack.
    pub attackers: Compared,
    /// Changes of alarms into `ALARM`.
    pub alarms: Compared,
    /// Findings about this host.
    pub here: Compared,
    /// Orders that the warden refused, or the firewall failed.
    pub unmade: Compared,
    /// Attackers that were spared, as an administrator is logged in from there.
    pub spared: Compared,
}

/// Blocks of a service in a quarter of an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestBlocks {
    /// The quarter of an hour, from the start of the time.
    pub quarter: u64,
    /// The service, such as `sshd`; empty if an operator wanted it.
    pub service: String,
    /// How many.
    pub count: u64,
}

/// Somebody who attacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestAttacker {
    /// Who is counted.
    pub subject: Subject,
    /// One of the addresses of that.
    pub address: Address,
    /// Failures in findings; of several policies that of the one that counted most.
    pub tries: u64,
    /// The services, at most a few.
    pub services: Vec<String>,
}

/// A name that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestName {
    /// As it was typed.
    pub user: Vec<u8>,
    /// By so many addresses and networks.
    pub attackers: u64,
}

/// Logins of an account from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestLogin {
    /// The account that was entered.
    pub user: Vec<u8>,
    /// The account that was left for it.
    pub by: Option<Vec<u8>>,
    /// From where.
    pub address: Option<Address>,
    /// The service.
    pub service: String,
    /// How often.
    pub count: u64,
    /// The last one.
    pub last: Stamp,
    /// Whether one of them was the first from there.
    pub is_new: bool,
    /// Most failures from there before one of them.
    pub failures: u64,
}

/// An alarm, a kind of finding about this host or a kind of notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestThing {
    /// The name of the alarm, or the key of the finding or notice.
    pub key: String,
    /// How often.
    pub count: u64,
    /// The record of the last time.
    pub last: Seq,
}

/// What happened in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestRows {
    /// All counts.
    pub counts: DigestCounts,
    /// Blocks by time and service.
    pub blocks: Vec<DigestBlocks>,
    /// Those with most tries first; at most [`DIGEST_ATTACKERS_MAX`].
    pub attackers: Vec<DigestAttacker>,
    /// What most tried first; at most [`DIGEST_NAMES_MAX`].
    pub names: Vec<DigestName>,
    /// New places first, then the last ones; at most [`DIGEST_LOGINS_MAX`].
    pub logins: Vec<DigestLogin>,
    /// How many more there are of these.
    pub logins_more: u64,
    /// Logins that were the first from there.
    pub new_places: u64,
    /// Alarms that fired; at most [`DIGEST_THINGS_MAX`].
    pub alarms: Vec<DigestThing>,
    /// Findings about this host; at most [`DIGEST_THINGS_MAX`].
    pub here: Vec<DigestThing>,
    /// Notices, of all kinds: whoever reads them knows which of them matter.
    pub notices: Vec<DigestThing>,
    /// Blocks and bans in force now.
    pub in_force: u64,
    /// Records that were ever dropped to keep the file small.
    pub trimmed_records: u64,
    /// Lines of evidence that were ever dropped for the same reason.
    pub trimmed_evidence: u64,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The oldest record.
    pub oldest: Option<Stamp>,
}

/// Milliseconds of a quarter of an hour: all time zones are ahead by whole ones.
pub const QUARTER_MS: i64 = 900_000;

/// The time of a record lies in one of both times; `?1` to `?4` are the first record, the start of
/// the time before, that of the time and its end.
const BOTH: &str = "seq >= ?1 AND time >= ?2 AND time < ?4";

/// The same for the time alone.
const TIME: &str = "seq >= ?1 AND ?2 <= ?3 AND time >= ?3 AND time < ?4";

impl Reader {
    /// What happened in a time, all of it from one state of the ledger.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest(&self, span: DigestSpan) -> Result<DigestRows, LedgerError> {
        let _snapshot = self.db.unchecked_transaction()?;
        let first: Option<i64> = {
            let mut statement =
                self.db.prepare_cached("SELECT min(seq) FROM records WHERE time >= ?")?;
            statement.query_row([span.before.0], |row| row.get(0))?
        };
        let first = first.unwrap_or(i64::MAX);
        let ask = Ask { reader: self, bounds: [first, span.before.0, span.start.0, span.end.0] };
        let mut rows = DigestRows::default();
        ask.counts(&mut rows.counts)?;
        ask.blocks(&mut rows)?;
        ask.attackers(&mut rows)?;
        ask.logins(&mut rows)?;
        ask.things(&mut rows)?;
        self.store(&mut rows)?;
        Ok(rows)
    }

    /// What does not hang on the time.
    fn store(&self, rows: &mut DigestRows) -> Result<(), LedgerError> {
        let sql = "SELECT (SELECT count(*) FROM blocks)
                        + (SELECT count(*) FROM jails WHERE what = 'ban')";
        rows.in_force = self.db.query_row(sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned();
        rows.trimmed_records = saved::number(&self.db, TRIMMED_RECORDS)?.unwrap_or(0);
        rows.trimmed_evidence = saved::number(&self.db, TRIMMED_EVIDENCE)?.unwrap_or(0);
        (rows.bytes, rows.oldest) = self.extent()?;
        Ok(())
    }
}

/// A reader that asks about one time.
struct Ask<'r> {
    reader: &'r Reader,
    /// The first record, the start of the time before, that of the time, its end.
    bounds: [i64; 4],
}

impl Ask<'_> {
    fn each(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut statement = self.reader.db.prepare_cached(sql)?;
        let bounds: Vec<&dyn ToSql> = self.bounds.iter().map(|bound| bound as _).collect();
        let mut found = statement.query(bounds.as_slice())?;
        while let Some(row) = found.next()? {
            take(row)?;
        }
        Ok(())
    }

    fn counts(&self, counts: &mut DigestCounts) -> Result<(), LedgerError> {
        // Keys of notices and hosts' findings are from closed lists, so there are few groups.
        let sql = format!(
            "SELECT event, what, because, time >= ?3, count(*) FROM records WHERE {BOTH}
             AND event IN ('decided', 'happened', 'entered', 'found', 'here')
             GROUP BY 1, 2, 3, 4"
        );
        self.each(&sql, |row| {
            let word = |at| row.get_ref(at).map(|value| value.as_str().unwrap_or_default());
            let count = match (word(0)?, word(1)?, word(2)?) {
                ("decided", "block", _) => &mut counts.blocks,
                ("decided", "nothing", "administrator") => &mut counts.spared,
                ("happened", "observed", _) => &mut counts.observed,
                ("happened", "failed" | "refused", _) => &mut counts.unmade,
                ("entered", ..) => &mut counts.logins,
                ("found", ..) => &mut counts.findings,
                ("here", ..) => &mut counts.here,
                _ => return Ok(()),
            };
            count.add(row.get(3)?, number(row, 4)?);
            Ok(())
        })?;
        let sql = format!(
            "SELECT time >= ?3, count(DISTINCT subject) FROM records WHERE {BOTH}
             AND event = 'found' GROUP BY 1"
        );
        self.each(&sql, |row| {
            counts.attackers.add(row.get(0)?, number(row, 1)?);
            Ok(())
        })?;
        // That an alarm still fires is no change.
        let sql = format!(
            "SELECT time >= ?3, count(*) FROM records JOIN alarm_changes USING (seq)
             WHERE {BOTH} AND event = 'alarmed' AND what = 'ALARM' AND again IS NULL GROUP BY 1"
        );
        self.each(&sql, |row| {
            counts.alarms.add(row.get(0)?, number(row, 1)?);
            Ok(())
        })
    }

    fn blocks(&self, rows: &mut DigestRows) -> Result<(), LedgerError> {
        // A jail's own name says more than nothing where its finding is not there any more.
        let sql = format!(
            "SELECT (d.time - ?3) / {QUARTER_MS},
                    coalesce(f.service, CASE WHEN d.policy LIKE 'jail %' THEN d.policy END, ''),
                    count(*)
             FROM (SELECT time, policy, finding FROM records WHERE {TIME}
                   AND event = 'decided' AND what = 'block') d
             LEFT JOIN records f ON f.seq = d.finding AND f.event = 'found'
             GROUP BY 1, 2 LIMIT {}",
            DIGEST_BUCKETS_MAX * 64
        );
        self.each(&sql, |row| {
            let (quarter, count) = (number(row, 0)?, number(row, 2)?);
            rows.blocks.push(DigestBlocks { quarter, service: row.get(1)?, count });
            Ok(())
        })
    }

    fn attackers(&self, rows: &mut DigestRows) -> Result<(), LedgerError> {
        let sql = format!(
            "SELECT subject, max(address), max(tries), group_concat(services) FROM (
                 SELECT subject, max(address) AS address, sum(failures) AS tries,
                        group_concat(DISTINCT service) AS services
                 FROM records WHERE {TIME} AND event = 'found' GROUP BY subject, policy)
             GROUP BY subject ORDER BY 3 DESC, 1 LIMIT {DIGEST_ATTACKERS_MAX}"
        );
        self.each(&sql, |row| {
            let (subject, address): (String, String) = (row.get(0)?, row.get(1)?);
            let (Ok(subject), Ok(address)) = (subject.parse(), address.parse()) else {
                return Ok(());
            };
            let all: String = row.get(3)?;
            let mut services: Vec<String> = all.split(',').map(str::to_owned).collect();
            services.sort();
            services.dedup();
            services.truncate(DIGEST_SERVICES_MAX);
            rows.attackers.push(DigestAttacker {
                subject,
                address,
                tries: number(row, 2)?,
                services,
            });
            Ok(())
        })?;
        let sql = format!(
            "SELECT user, count(DISTINCT subject) FROM records WHERE {TIME} AND event = 'found'
             AND user IS NOT NULL GROUP BY user ORDER BY 2 DESC, 1 LIMIT {DIGEST_NAMES_MAX}"
        );
        self.each(&sql, |row| {
            let user = typed(row, 0)?.unwrap_or_default();
            rows.names.push(DigestName { user, attackers: number(row, 1)? });
            Ok(())
        })
    }

    fn logins(&self, rows: &mut DigestRows) -> Result<(), LedgerError> {
        // Over a network a place is an address, elsewhere any.
        let new = "CASE WHEN address IS NULL THEN last_ever ELSE last_address END IS NULL";
        let groups = format!(
            "SELECT user, by, address, service, count(*) AS times, max(time) AS latest,
                    sum({new}) AS new, max(coalesce(failures, 0)) AS failures
             FROM records LEFT JOIN logins USING (seq)
             WHERE {TIME} AND event = 'entered' GROUP BY 1, 2, 3, 4"
        );
        let sql = format!(
            "SELECT *, count(*) OVER (), sum(new) OVER () FROM ({groups})
             ORDER BY new > 0 DESC, failures > 0 DESC, latest DESC LIMIT {DIGEST_LOGINS_MAX}"
        );
        self.each(&sql, |row| {
            let address: Option<String> = row.get(2)?;
            rows.logins.push(DigestLogin {
                user: typed(row, 0)?.unwrap_or_default(),
                by: typed(row, 1)?,
                address: address.and_then(|address| address.parse().ok()),
                service: row.get(3)?,
                count: number(row, 4)?,
                last: Stamp(row.get(5)?),
                is_new: number(row, 6)? > 0,
                failures: number(row, 7)?,
            });
            rows.logins_more = number(row, 8)?;
            rows.new_places = number(row, 9)?;
            Ok(())
        })?;
        rows.logins_more = rows.logins_more.saturating_sub(rows.logins.len() as u64);
        Ok(())
    }

    fn things(&self, rows: &mut DigestRows) -> Result<(), LedgerError> {
        let most = DIGEST_THINGS_MAX;
        let of_event = |event: &str, limit: &str| {
            format!(
                "SELECT what, count(*), max(seq) FROM records WHERE {TIME} AND event = '{event}'
                 GROUP BY 1 ORDER BY 3 DESC {limit}"
            )
        };
        let alarms = format!(
            "SELECT alarm, count(*), max(seq) FROM records JOIN alarm_changes USING (seq)
             WHERE {TIME} AND event = 'alarmed' AND what = 'ALARM' AND again IS NULL
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}"
        );
        let all = [
            (alarms, &mut rows.alarms),
            (of_event("here", &format!("LIMIT {most}")), &mut rows.here),
            (of_event("noticed", ""), &mut rows.notices),
        ];
        for (sql, things) in all {
            self.each(&sql, |row| {
                let (count, last) = (number(row, 1)?, Seq(number(row, 2)?));
                things.push(DigestThing { key: row.get(0)?, count, last });
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Compared {
    fn add(&mut self, is_now: bool, count: u64) {
        let part = if is_now { &mut self.now } else { &mut self.before };
        *part = part.saturating_add(count);
    }
}

/// A count; SQLite's are signed.
fn number(row: &Row<'_>, at: usize) -> Result<u64, LedgerError> {
    Ok(row.get::<_, Option<i64>>(at)?.unwrap_or(0).max(0).cast_unsigned())
}

/// What a stranger typed: text where it is one, else a blob.
fn typed(row: &Row<'_>, at: usize) -> Result<Option<Vec<u8>>, LedgerError> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
