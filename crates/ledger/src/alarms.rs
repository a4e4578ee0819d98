//! Alarms in the ledger: the rows of their states, and what they told.

use monban_model::wire::{alarm_bytes, alarm_from_bytes};
use monban_model::{AlarmChange, AlarmMemory, AlarmRow, AlarmState, Record, Seq, Stamp, limits};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::records::{self, seq_number};
use crate::state::run;
use crate::words::{Typed, unknown};
use crate::{LedgerError, Reader};

pub(crate) const ALARMS: &str =
    "SELECT alarm, apart, contributor, state, since, last, memory FROM alarms";

/// Rows of alarms that a start gives back: those kept apart, and one for each alarm.
pub(crate) const ROWS_MAX: usize = limits::ALARM_STATES_MAX + limits::ALARMS_MAX;

/// Writes the state of an alarm.
pub(crate) fn write(db: &Connection, row: &AlarmRow) -> Result<(), LedgerError> {
    let (apart, contributor) = key(row.contributor.as_deref());
    run(
        db,
        "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[
            &row.alarm,
            &apart,
            &contributor,
            &row.state.word(),
            &row.since.0,
            &row.last.0,
            &alarm_bytes(&*row.memory),
        ],
    )
}

/// Forgets the state of an alarm.
pub(crate) fn forget(
    db: &Connection,
    alarm: &str,
    contributor: Option<&[u8]>,
) -> Result<(), LedgerError> {
    let (apart, contributor) = key(contributor);
    let delete = "DELETE FROM alarms WHERE alarm = ? AND apart = ? AND contributor = ?";
    run(db, delete, &[&alarm, &apart, &contributor])
}

fn key(contributor: Option<&[u8]>) -> (bool, Typed<'_>) {
    (contributor.is_some(), Typed(contributor.unwrap_or_default()))
}

/// A row of [`ALARMS`].
pub(crate) fn read(row: &Row<'_>) -> Result<AlarmRow, LedgerError> {
    let apart: bool = row.get(1)?;
    let memory: AlarmMemory = alarm_from_bytes(&bytes(row, 6)?)
        .map_err(|error| LedgerError::Unreadable(format!("the state of an alarm: {error}")))?;
    Ok(AlarmRow {
        alarm: row.get(0)?,
        contributor: if apart { Some(bytes(row, 2)?) } else { None },
        state: state(&row.get::<_, String>(3)?)?,
        since: Stamp(row.get(4)?),
        last: Stamp(row.get(5)?),
        memory: Box::new(memory),
    })
}

/// Adds what an alarm told beside its record; its lines are evidence.
pub(crate) fn add(db: &Connection, seq: i64, change: &AlarmChange) -> Result<(), LedgerError> {
    let without_lines = AlarmChange { samples: Vec::new(), ..change.clone() };
    let contributor = change.contributor.as_ref().map(|one| Typed(&one.value));
    let again = change.again.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    run(
        db,
        "INSERT INTO alarm_changes VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[
            &seq,
            &change.alarm,
            &contributor,
            &change.old.word(),
            &change.new.word(),
            &again,
            &alarm_bytes(&without_lines),
        ],
    )
}

/// What an alarm told, with the lines that are still kept.
pub(crate) fn told(db: &Connection, seq: i64) -> Result<AlarmChange, LedgerError> {
    let mut statement = db.prepare_cached("SELECT told FROM alarm_changes WHERE seq = ?")?;
    let found = statement.query_row([seq], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    let gone = || LedgerError::Unreadable(format!("record {seq} of an alarm"));
    let mut change: AlarmChange = alarm_from_bytes(&found.ok_or_else(gone)?).map_err(|_| gone())?;
    change.samples = records::read_evidence(db, seq)?;
    Ok(change)
}

fn state(word: &str) -> Result<AlarmState, LedgerError> {
    AlarmState::from_word(word).ok_or_else(|| unknown("state of an alarm", word))
}

fn bytes(row: &Row<'_>, at: usize) -> Result<Vec<u8>, LedgerError> {
    let bytes = row.get_ref(at)?.as_bytes();
    Ok(bytes.map_err(|error| LedgerError::Unreadable(error.to_string()))?.to_vec())
}

impl Reader {
    /// The states of all alarms, or of one, by name; an alarm's own before those of contributors.
    /// At most as many as monban keeps.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn alarms(&self, name: Option<&str>) -> Result<Vec<AlarmRow>, LedgerError> {
        let most = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        let order = "ORDER BY alarm, apart, last DESC, contributor LIMIT ?";
        match name {
            None => self.rows(&format!("{ALARMS} {order}"), &[&most], read),
            Some(name) => self.rows(
                &format!("{ALARMS} WHERE alarm = ? {order}"),
                &[&name as &dyn ToSql, &most],
                read,
            ),
        }
    }

    /// What alarms, or this one, told: the newest first, at most `most` and
    /// [`limits::LEDGER_READ_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn alarm_history(
        &self,
        name: Option<&str>,
        most: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        let most = i64::try_from(most.min(limits::LEDGER_READ_MAX)).unwrap_or(i64::MAX);
        let number = |row: &Row<'_>| Ok(Seq(row.get::<_, i64>(0)?.cast_unsigned()));
        let seqs: Vec<Seq> = match name {
            None => {
                let sql = "SELECT seq FROM alarm_changes ORDER BY seq DESC LIMIT ?";
                self.rows(sql, &[&most], number)?
            }
            Some(name) => {
                let sql = "SELECT seq FROM alarm_changes WHERE alarm = ? ORDER BY seq DESC LIMIT ?";
                self.rows(sql, &[&name as &dyn ToSql, &most], number)?
            }
        };
        let mut found = Vec::with_capacity(seqs.len());
        for seq in seqs {
            seq_number(seq)?;
            found.extend(self.record(seq)?);
        }
        Ok(found)
    }
}
