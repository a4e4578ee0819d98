//! Everybody who reads: the command line and the web.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use monban_model::{
    Address, BlockRow, HistoryRow, JailRow, Made, Net, NotifyRow, PositionRow, Record, Scope, Seq,
    Stamp, Subject, SuccessRow, TallyRow, limits,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, ToSql};

use crate::damage::with_suffix;
use crate::trim::{TRIMMED_EVIDENCE, TRIMMED_RECORDS};
use crate::{FILE_NAME, LedgerError, notify, records, saved, schema, state};

/// Reads the ledger of a folder, while the daemon writes it or without one.
///
/// Each call sees one state of the ledger and gives it free again: a reader that held on to one
/// would keep the log from being moved into the file.
///
/// Where a subject is asked for, the rows of networks that contain it are found too.
#[derive(Debug)]
pub struct Reader {
    pub(crate) db: Connection,
    misses_latest: bool,
}

/// Bans of jails that their actions did not make, or not all of them, by their subject and policy.
pub type Unmade = HashMap<(Subject, String), Made>;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are kept.
    pub records: u64,
    /// Open counts of policies and subjects.
    pub tallies: u64,
    /// Open connections.
    pub connections: u64,
    /// Blocks in force.
    pub blocks: u64,
    /// Subjects whose earlier blocks are remembered.
    pub history: u64,
    /// Addresses whose last login is remembered.
    pub successes: u64,
    /// Sources whose position is kept.
    pub positions: u64,
    /// Records that were dropped to keep the file small.
    pub trimmed_records: u64,
    /// Lines of evidence that were dropped for the same reason.
    pub trimmed_evidence: u64,
    /// The size of the file in bytes, without its log.
    pub bytes: u64,
}

impl Reader {
    /// Opens the ledger of a folder to read.
    ///
    /// Where SQLite cannot take part in the locking (a folder that cannot be written, without
    /// `-shm` in it), the file alone is read; then [`Reader::misses_latest`] tells whether there
    /// is a log beside it that was not.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] if there is no ledger; [`LedgerError::NewerSchema`],
    /// [`LedgerError::OlderSchema`], [`LedgerError::NotALedger`], [`LedgerError::Damaged`],
    /// [`LedgerError::Disk`] as their names say.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let folder = std::path::absolute(folder)
            .map_err(|error| LedgerError::io(folder, "finding", &error))?;
        let path = folder.join(FILE_NAME);
        match fs::symlink_metadata(&path) {
            Ok(file) if file.is_file() => {}
            Ok(_) => {
                let why = "it is not a plain file".to_owned();
                return Err(LedgerError::NotALedger { path, why });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LedgerError::Missing(path));
            }
            Err(error) => return Err(LedgerError::io(&path, "reading", &error)),
        }
        let (db, misses_latest) = match connect(&path, "mode=ro") {
            Err(LedgerError::Disk(_)) => {
                let log = fs::metadata(with_suffix(&path, "-wal"));
                let unread = log.is_ok_and(|log| log.len() > 0);
                (connect(&path, "mode=ro&immutable=1")?, unread)
            }
            other => (other?, false),
        };
        match schema::form(&db)? {
            0 => Err(LedgerError::Missing(path)),
            form if form > schema::FORM => {
                Err(LedgerError::NewerSchema { found: form, known: schema::FORM })
            }
            form if form < schema::FORM => {
                Err(LedgerError::OlderSchema { found: form, known: schema::FORM })
            }
            _ => Ok(Self { db, misses_latest }),
        }
    }

    /// Whether the last commits are in a log that could not be read, so that what is shown is
    /// older than what is known.
    pub const fn misses_latest(&self) -> bool {
        self.misses_latest
    }

    /// All blocks in force, by the text of their subject, at most [`limits::BLOCKS_MAX`], and then
    /// the bans of jails, as blocks of the policy `jail NAME`.
    ///
    /// # Errors
    /// As every method here: the file cannot be read.
    pub fn blocks(&self) -> Result<Vec<BlockRow>, LedgerError> {
        let sql = format!("{} ORDER BY subject, scope LIMIT ?", state::BLOCKS);
        let mut blocks = self.rows(&sql, &[&rows_max(limits::BLOCKS_MAX)], state::read_block)?;
        blocks.extend(self.jail_bans("", &[])?);
        Ok(blocks)
    }

    /// The bans of jails that are in force and about addresses or networks.
    fn jail_bans(&self, only: &str, values: &[&dyn ToSql]) -> Result<Vec<BlockRow>, LedgerError> {
        let most = limits::JAIL_BANS_MAX;
        let sql =
            format!("{} WHERE what = 'ban' {only} ORDER BY id, jail LIMIT {most}", state::JAILS);
        let rows = self.rows(&sql, values, state::read_jail)?;
        let block = |row: JailRow| {
            let (net, ban) = (row.id.parse().ok()?, row.ban?);
            Some(BlockRow {
                subject: Subject::exactly(net),
                scope: Scope::All,
                since: ban.since,
                until: ban.until,
                policy: format!("jail {}", row.jail),
                why: String::new(),
            })
        };
        Ok(rows.into_iter().filter_map(block).collect())
    }

    /// The state of what people are told: subscriptions, deliveries, groups, silences.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn notify(&self) -> Result<Vec<NotifyRow>, LedgerError> {
        let sql = format!("{} LIMIT ?", notify::NOTIFY);
        self.rows(&sql, &[&rows_max(limits::NOTIFY_ROWS_MAX)], notify::read)
    }

    /// Bans of jails that their actions did not make, or not all of them, by their subject and
    /// policy as [`Reader::blocks`] has them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn unmade(&self) -> Result<Unmade, LedgerError> {
        let most = limits::JAIL_BANS_MAX;
        let sql = format!(
            "SELECT id, jail, made FROM jails WHERE what = 'ban' AND made IS NOT NULL LIMIT {most}"
        );
        let row = |row: &Row<'_>| {
            let (id, jail): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((id, format!("jail {jail}"), state::made_of(row, 2)?))
        };
        let rows = self.rows(&sql, &[], row)?.into_iter();
        let known = rows.filter_map(|(id, policy, made)| {
            Some(((Subject::exactly(id.parse().ok()?), policy), made))
        });
        Ok(known.collect())
    }

    /// The blocks that hold this subject: its own and those of networks around it, the narrowest
    /// first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn block(&self, subject: Subject) -> Result<Vec<BlockRow>, LedgerError> {
        let sql = format!("{} WHERE subject = ?", state::BLOCKS);
        let mut blocks = self.around(&sql, subject, state::read_block)?;
        // Its own, and those of networks, which are few.
        let only = "AND (id = ? OR id LIKE '%/%')";
        let own = subject.net().to_string();
        let covers = |row: &BlockRow| row.subject.net().covers(subject.net());
        blocks.extend(self.jail_bans(only, &[&own])?.into_iter().filter(covers));
        Ok(blocks)
    }

    /// The counts of one address in jails, open ones and those of what was spared, of which only
    /// the jails can say more.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn jail_counts(&self, address: Address) -> Result<Vec<JailRow>, LedgerError> {
        let sql =
            format!("{} WHERE what IN ('ticket', 'spared') AND id = ? ORDER BY jail", state::JAILS);
        let id = Subject::alone(address).net().to_string();
        self.rows(&sql, &[&id], state::read_jail)
    }

    /// The open counts of this subject (one per policy), and of networks around it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tallies_of(&self, subject: Subject) -> Result<Vec<TallyRow>, LedgerError> {
        let sql = format!("{} WHERE subject = ?", state::TALLIES);
        self.around(&sql, subject, state::read_tally)
    }

    /// The earlier blocks of this subject, and of networks around it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn history(&self, subject: Subject) -> Result<Vec<HistoryRow>, LedgerError> {
        let sql = format!("{} WHERE subject = ?", state::HISTORY);
        self.around(&sql, subject, state::read_history)
    }

    /// The last login from exactly this address.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn success(&self, address: Address) -> Result<Option<SuccessRow>, LedgerError> {
        let sql = format!("{} WHERE address = ?", state::SUCCESSES);
        let found = self.rows(&sql, &[&address.to_string()], state::read_success)?;
        Ok(found.into_iter().next())
    }

    /// How far each source was read, by path; at most [`limits::LEDGER_POSITIONS_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn positions(&self) -> Result<Vec<PositionRow>, LedgerError> {
        let sql = format!("{} ORDER BY path LIMIT ?", state::POSITIONS);
        self.rows(&sql, &[&rows_max(limits::LEDGER_POSITIONS_MAX)], state::read_position)
    }

    /// The value under a name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn meta(&self, key: &str) -> Result<Option<String>, LedgerError> {
        let mut statement = self.db.prepare_cached("SELECT value FROM meta WHERE key = ?")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// The records about this subject and about networks around it, newest first; at most
    /// `limit` and [`limits::LEDGER_READ_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn records_of(&self, subject: Subject, limit: usize) -> Result<Vec<Record>, LedgerError> {
        let snapshot = self.db.unchecked_transaction()?;
        let limit = limit.min(limits::LEDGER_READ_MAX);
        let mut seqs: Vec<i64> = Vec::new();
        {
            let mut statement = snapshot.prepare_cached(
                "SELECT seq FROM records WHERE subject = ? ORDER BY seq DESC LIMIT ?",
            )?;
            for name in names_around(subject) {
                let found = statement.query_map((name, rows_max(limit)), |row| row.get(0))?;
                for seq in found {
                    seqs.push(seq?);
                }
            }
        }
        seqs.sort_unstable_by(|a, b| b.cmp(a));
        seqs.truncate(limit);
        let mut found = Vec::with_capacity(seqs.len());
        for seq in seqs {
            found.extend(record(&snapshot, seq)?);
        }
        Ok(found)
    }

    /// The records behind this number, oldest first; at most `limit` and
    /// [`limits::LEDGER_READ_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn records_after(&self, seq: Seq, limit: usize) -> Result<Vec<Record>, LedgerError> {
        let snapshot = self.db.unchecked_transaction()?;
        let Ok(after) = records::seq_number(seq) else {
            return Ok(Vec::new());
        };
        let mut statement = snapshot.prepare_cached(&format!(
            "SELECT {} FROM records WHERE seq > ? ORDER BY seq LIMIT ?",
            records::COLUMNS
        ))?;
        let mut rows = statement.query((after, rows_max(limit.min(limits::LEDGER_READ_MAX))))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(records::read(&snapshot, row)?);
        }
        Ok(found)
    }

    /// The record of this number, unless it was dropped.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn record(&self, seq: Seq) -> Result<Option<Record>, LedgerError> {
        let Ok(seq) = records::seq_number(seq) else {
            return Ok(None);
        };
        record(&*self.db.unchecked_transaction()?, seq)
    }

    /// How many lines of evidence this record had and lost when the file was kept small.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn evidence_dropped(&self, seq: Seq) -> Result<u64, LedgerError> {
        let Ok(seq) = records::seq_number(seq) else {
            return Ok(0);
        };
        let mut statement = self.db.prepare_cached(
            "SELECT max(0, coalesce(lines, 0) - (SELECT count(*) FROM evidence WHERE seq = ?1))
             FROM records WHERE seq = ?1",
        )?;
        let lost: Option<i64> = statement.query_row([seq], |row| row.get(0)).optional()?;
        Ok(lost.unwrap_or(0).cast_unsigned())
    }

    /// The number of the newest record; 0 if there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_seq(&self) -> Result<Seq, LedgerError> {
        let mut statement = self.db.prepare_cached("SELECT max(seq) FROM records")?;
        let last: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(Seq(last.unwrap_or(0).cast_unsigned()))
    }

    /// The size of the file in bytes, without its log, and the time of the oldest record.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn extent(&self) -> Result<(u64, Option<Stamp>), LedgerError> {
        let number = |sql: &str| -> Result<i64, LedgerError> {
            Ok(self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
        };
        let bytes = number("PRAGMA page_count")? * number("PRAGMA page_size")?;
        let oldest: Option<i64> = self
            .db
            .prepare_cached("SELECT time FROM records ORDER BY seq LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok((bytes.cast_unsigned(), oldest.map(Stamp)))
    }

    /// How much there is. It walks the tables: about 20 ms for a ledger of the largest size.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        let snapshot = self.db.unchecked_transaction()?;
        let one = |sql: &str| -> Result<u64, LedgerError> {
            let found: i64 = snapshot.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(found.cast_unsigned())
        };
        Ok(Counts {
            records: one("SELECT count(*) FROM records")?,
            tallies: one("SELECT count(*) FROM tallies")?,
            connections: one("SELECT coalesce(sum(count), 0) FROM open_connections")?,
            blocks: one("SELECT count(*) FROM blocks")?,
            history: one("SELECT count(*) FROM history")?,
            successes: one("SELECT count(*) FROM successes")?,
            positions: one("SELECT count(*) FROM positions")?,
            trimmed_records: saved::number(&snapshot, TRIMMED_RECORDS)?.unwrap_or(0),
            trimmed_evidence: saved::number(&snapshot, TRIMMED_EVIDENCE)?.unwrap_or(0),
            bytes: one("PRAGMA page_count")? * one("PRAGMA page_size")?,
        })
    }

    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
        read: fn(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// The rows of each network around a subject. Each is one look-up in an index, so the cost
    /// does not grow with the number of networks in the table.
    fn around<T>(
        &self,
        sql: &str,
        subject: Subject,
        read: fn(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let snapshot = self.db.unchecked_transaction()?;
        let mut statement = snapshot.prepare_cached(sql)?;
        let mut found = Vec::new();
        for name in names_around(subject) {
            let mut rows = statement.query([&name])?;
            while let Some(row) = rows.next()? {
                found.push(read(row)?);
            }
        }
        Ok(found)
    }
}

/// The subject and every network that contains it, as they stand in the tables, the narrowest
/// first: 33 for an IPv4 address, 65 for an IPv6 /64, 129 for an IPv6 address alone.
fn names_around(subject: Subject) -> impl Iterator<Item = String> {
    let net = subject.net();
    (0..=net.prefix())
        .rev()
        .filter_map(move |prefix| Net::new(net.base(), prefix))
        .map(|net| Subject::exactly(net).to_string())
}

/// A number of rows as SQLite takes it.
fn rows_max(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn record(db: &Connection, seq: i64) -> Result<Option<Record>, LedgerError> {
    let sql = format!("SELECT {} FROM records WHERE seq = ?", records::COLUMNS);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([seq])?;
    match rows.next()? {
        Some(row) => records::read(db, row).map(Some),
        None => Ok(None),
    }
}

/// Opens as a URI, the only way to say `immutable`. A first read shows whether it works.
pub(crate) fn connect(path: &Path, mode: &str) -> Result<Connection, LedgerError> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let db = Connection::open_with_flags(format!("{uri}?{mode}"), flags)?;
    schema::set_up(&db)?;
    db.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(db)
}
