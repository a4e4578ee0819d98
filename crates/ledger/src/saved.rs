//! What a start finds in the ledger.

use monban_model::{
    AlarmRow, AwsSum, BlockRow, ConnectionRow, HistoryRow, JailRow, JailRowKind, Notice, NotifyRow,
    OrderId, PlaceRow, PositionRow, Seq, SuccessRow, TallyRow, limits,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::{LedgerError, alarms, entered, notify, shards, state, sums};

/// The prefix of the ledger's own names in `meta`.
pub(crate) const OWN: &str = "ledger.";
/// `1` while a writer has the file open; still there at the start if it did not end cleanly.
pub(crate) const RUNNING: &str = "ledger.running";
/// The lowest number that was never an order's: orders may be trimmed away.
pub(crate) const NEXT_ORDER: &str = "ledger.next_order";
/// The lowest number that was never a record's, where the records themselves do not tell.
pub(crate) const NEXT_SEQ: &str = "ledger.next_seq";

/// The state of the last commit, and what there is to say about it. Rows are in the order of
/// their keys (connections and subjects as text), so that equal files give equal starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// At most [`limits::TALLIES_MAX`].
    pub tallies: Vec<TallyRow>,
    /// At most [`limits::CONNECTIONS_MAX`].
    pub connections: Vec<ConnectionRow>,
    /// At most [`limits::BLOCKS_MAX`].
    pub blocks: Vec<BlockRow>,
    /// At most [`limits::HISTORY_MAX`].
    pub history: Vec<HistoryRow>,
    /// At most [`limits::SUCCESSES_MAX`].
    pub successes: Vec<SuccessRow>,
    /// From where accounts came in, at most [`limits::PLACES_MAX`].
    pub places: Vec<PlaceRow>,
    /// The state of jails, at most [`limits::JAIL_ROWS_MAX`].
    pub jails: Vec<JailRow>,
    /// The state of what people are told, at most [`limits::NOTIFY_ROWS_MAX`].
    pub notify: Vec<NotifyRow>,
    /// The states of alarms.
    pub alarms: Vec<AlarmRow>,
    /// Metrics on their way to CloudWatch, at most [`limits::AWS_SUMS_MAX`], oldest first.
    pub sums: Vec<AwsSum>,
    /// One per path that was ever committed and not forgotten.
    pub positions: Vec<PositionRow>,
    /// The pairs that were committed, without the ledger's own.
    pub meta: Vec<(String, String)>,
    /// The number of the next record; 1 in a new ledger.
    pub next_seq: Seq,
    /// The number of the next order; 1 in a new ledger.
    pub next_order: OrderId,
    /// What the operator should know: `ledger-damaged` (`moved_to`, `why`, `blocks_saved`),
    /// `ledger-rows-unreadable` (`rows`), `ledger-rows-over-limit` (`table`, `limit`),
    /// `ledger-disk` (`why`: nothing can be written now), `ledger-mode` (`path`, `why`: the file
    /// may be readable by others).
    pub notices: Vec<Notice>,
}

impl Saved {
    /// What a new ledger holds.
    pub(crate) fn empty() -> Self {
        Self { next_seq: Seq(1), next_order: OrderId(1), ..Self::default() }
    }

    /// Reads everything in one snapshot.
    pub(crate) fn load(db: &Connection) -> Result<Self, LedgerError> {
        Self::within(&*db.unchecked_transaction()?)
    }

    /// The same within a transaction that is open.
    pub(crate) fn within(db: &Connection) -> Result<Self, LedgerError> {
        let mut rows = Rows::new(db);
        let mut saved = Self {
            tallies: rows.all("tallies", state::TALLIES, limits::TALLIES_MAX, state::read_tally)?,
            connections: rows.connections()?,
            blocks: rows.all("blocks", state::BLOCKS, limits::BLOCKS_MAX, state::read_block)?,
            history: rows.all(
                "history",
                state::HISTORY,
                limits::HISTORY_MAX,
                state::read_history,
            )?,
            successes: rows.all(
                "successes",
                state::SUCCESSES,
                limits::SUCCESSES_MAX,
                state::read_success,
            )?,
            places: rows.all("places", entered::PLACES, limits::PLACES_MAX, entered::read_place)?,
            jails: rows.all("jails", state::JAILS, limits::JAIL_ROWS_MAX, state::read_jail)?,
            notify: rows.all("notify", notify::NOTIFY, limits::NOTIFY_ROWS_MAX, notify::read)?,
            alarms: rows.all("alarms", alarms::ALARMS, alarms::ROWS_MAX, alarms::read)?,
            sums: rows.all("aws_sums", sums::SUMS, limits::AWS_SUMS_MAX, sums::read)?,
            positions: rows.all(
                "positions",
                state::POSITIONS,
                limits::LEDGER_POSITIONS_MAX,
                state::read_position,
            )?,
            meta: rows
                .all("meta", META, limits::LEDGER_META_MAX, |row| Ok((row.get(0)?, row.get(1)?)))?,
            next_seq: next_seq(db)?,
            next_order: OrderId(number(db, NEXT_ORDER)?.unwrap_or(1)),
            notices: Vec::new(),
        };
        saved.notices = rows.into_notices();
        Ok(saved)
    }

    /// Says that so many rows of an older form could not be brought over.
    pub(crate) fn tell_left_out(&mut self, rows: u64) {
        if rows > 0 {
            let values = [("rows", &*rows.to_string())];
            self.notices.push(notice("ledger-rows-unreadable", &values));
        }
    }

    /// What can still be read of a damaged file and must not be lost: blocks (an operator's ban
    /// is written nowhere else), what is known of the blocked, who logged in, and the numbers.
    /// Counts and positions are left: they are one thing, and are made again from the logs.
    pub(crate) fn rescue(db: &Connection) -> Self {
        let mut rows = Rows::new(db);
        let mut saved = Self::empty();
        saved.blocks = rows.readable(state::BLOCKS, limits::BLOCKS_MAX, state::read_block);
        saved.history = rows.readable(state::HISTORY, limits::HISTORY_MAX, state::read_history);
        saved.successes =
            rows.readable(state::SUCCESSES, limits::SUCCESSES_MAX, state::read_success);
        saved.places = rows.readable(entered::PLACES, limits::PLACES_MAX, entered::read_place);
        saved.jails = rows.readable(state::JAILS, limits::JAIL_ROWS_MAX, state::read_jail);
        saved.notify = rows.readable(notify::NOTIFY, limits::NOTIFY_ROWS_MAX, notify::read);
        saved.alarms = rows.readable(alarms::ALARMS, alarms::ROWS_MAX, alarms::read);
        // What they counted will be read from the logs once more.
        saved.alarms.iter_mut().for_each(|row| row.memory.slices.clear());
        saved.jails.retain(|row| row.kind != JailRowKind::Ticket);
        if let Ok(next) = next_seq(db) {
            saved.next_seq = next;
        }
        if let Ok(Some(next)) = number(db, NEXT_ORDER) {
            saved.next_order = OrderId(next);
        }
        saved
    }
}

const META: &str = "SELECT key, value FROM meta WHERE key NOT LIKE 'ledger.%'";

fn next_seq(db: &Connection) -> Result<Seq, LedgerError> {
    let last: Option<i64> = db.query_row("SELECT max(seq) FROM records", [], |row| row.get(0))?;
    let after_last = last.unwrap_or(0).cast_unsigned() + 1;
    Ok(Seq(after_last.max(number(db, NEXT_SEQ)?.unwrap_or(1))))
}

/// A number in `meta`; `None` if it is not there or is none.
pub(crate) fn number(db: &Connection, key: &str) -> Result<Option<u64>, LedgerError> {
    let text: Option<String> = db
        .prepare_cached("SELECT value FROM meta WHERE key = ?")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Reads tables, counting what it has to leave out.
struct Rows<'a> {
    db: &'a Connection,
    unreadable: u64,
    over: Vec<(&'static str, usize)>,
}

impl<'a> Rows<'a> {
    fn new(db: &'a Connection) -> Self {
        Self { db, unreadable: 0, over: Vec::new() }
    }

    /// The rows of a table, at most `limit`; a row that cannot be understood is left out.
    fn all<T>(
        &mut self,
        table: &'static str,
        sql: &str,
        limit: usize,
        read: fn(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if found.len() == limit {
                self.over.push((table, limit));
                break;
            }
            match read(row) {
                Ok(one) => found.push(one),
                Err(LedgerError::Unreadable(_)) => self.unreadable += 1,
                Err(other) => return Err(other),
            }
        }
        Ok(found)
    }

    /// The open connections, as far as they can be understood.
    fn connections(&mut self) -> Result<Vec<ConnectionRow>, LedgerError> {
        let mut statement = self.db.prepare(shards::SHARDS)?;
        let mut found = Vec::new();
        let mut shards = statement.query([])?;
        while let Some(shard) = shards.next()? {
            let rows = shard.get_ref(0)?.as_blob().unwrap_or(b"?");
            self.unreadable += u64::from(!shards::read(rows, |row| found.push(row)));
            if found.len() > limits::CONNECTIONS_MAX {
                found.truncate(limits::CONNECTIONS_MAX);
                self.over.push(("connections", limits::CONNECTIONS_MAX));
                break;
            }
        }
        Ok(found)
    }

    /// The rows of a damaged table up to the damage.
    fn readable<T>(
        &mut self,
        sql: &str,
        limit: usize,
        read: fn(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        let Ok(mut statement) = self.db.prepare(sql) else {
            return found;
        };
        let Ok(mut rows) = statement.query([]) else {
            return found;
        };
        while let Ok(Some(row)) = rows.next()
            && found.len() < limit
        {
            if let Ok(one) = read(row) {
                found.push(one);
            }
        }
        found
    }

    fn into_notices(self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self
            .over
            .into_iter()
            .map(|(table, limit)| {
                let limit = limit.to_string();
                notice("ledger-rows-over-limit", &[("table", table), ("limit", &limit)])
            })
            .collect();
        if self.unreadable > 0 {
            let rows = self.unreadable.to_string();
            notices.push(notice("ledger-rows-unreadable", &[("rows", &rows)]));
        }
        notices
    }
}

/// A notice with these values.
pub(crate) fn notice(key: &str, values: &[(&str, &str)]) -> Notice {
    Notice {
        key: key.to_owned(),
        values: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}
