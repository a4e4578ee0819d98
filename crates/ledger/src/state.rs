//! The rows of the open state: written when they change, read at the start and by readers.

use monban_model::{
    BlockRow, ConnectionKey, ConnectionRow, HistoryRow, JailBan, JailRow, JailRowKind, Made,
    PositionRow, Stamp, StateRow, SuccessRow, Tail, TallyRow, WITNESSES,
};
use rusqlite::{Connection, Row, ToSql};

use crate::codec::{evidence_from_bytes, marks_from_bytes};
use crate::words::{scope_of, scope_word, unknown};
use crate::{LedgerError, Packed, alarms, entered, notify, sums};

/// Writes or forgets one row.
pub(crate) fn write(db: &Connection, row: &StateRow) -> Result<(), LedgerError> {
    match row {
        StateRow::Tally(_)
        | StateRow::NoTally(..)
        | StateRow::Connection(_)
        | StateRow::NoConnection(_) => {
            let mut packed = Packed::default();
            packed.push(row.clone());
            packed.write(db)
        }
        StateRow::Block(block) => write_block(db, block),
        StateRow::NoBlock(subject, scope) => run(
            db,
            "DELETE FROM blocks WHERE subject = ? AND scope = ?",
            &[&subject.to_string(), &scope_word(scope)],
        ),
        StateRow::History(history) => run(
            db,
            "INSERT INTO history VALUES (?, ?, ?) ON CONFLICT (subject)
             DO UPDATE SET blocks = excluded.blocks, last = excluded.last",
            &[&history.subject.to_string(), &history.blocks, &history.last.0],
        ),
        StateRow::NoHistory(subject) => {
            run(db, "DELETE FROM history WHERE subject = ?", &[&subject.to_string()])
        }
        StateRow::Success(success) => run(
            db,
            "INSERT INTO successes VALUES (?, ?, ?) ON CONFLICT (address)
             DO UPDATE SET last = excluded.last, by_key = excluded.by_key",
            &[&success.address.to_string(), &success.last.0, &success.by_key.map(|stamp| stamp.0)],
        ),
        StateRow::Place(row) => entered::write_place(db, row),
        StateRow::NoPlace(service, user, origin) => {
            entered::drop_place(db, (service, user, *origin))
        }
        StateRow::Jail(row) => write_jail(db, row),
        StateRow::Notify(row) => notify::write(db, row),
        StateRow::Alarm(row) => alarms::write(db, row),
        StateRow::NoAlarm(alarm, contributor) => alarms::forget(db, alarm, contributor.as_deref()),
        StateRow::Sum(sum) => sums::write(db, sum),
        StateRow::NoSum(id) => sums::forget(db, *id),
        StateRow::NoSuccess(address) => {
            run(db, "DELETE FROM successes WHERE address = ?", &[&address.to_string()])
        }
    }
}

fn write_jail(db: &Connection, row: &JailRow) -> Result<(), LedgerError> {
    let what = row.kind.word();
    let Some(data) = &row.data else {
        let delete = "DELETE FROM jails WHERE jail = ? AND what = ? AND id = ?";
        return run(db, delete, &[&row.jail, &what, &row.id]);
    };
    run(
        db,
        "INSERT OR REPLACE INTO jails VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            &row.jail,
            &what,
            &row.id,
            &row.ban.map(|ban| ban.since.0),
            &row.ban.and_then(|ban| ban.until).map(|until| until.0),
            &row.ban.map(|ban| ban.earlier),
            data,
            &row.ban.filter(|ban| ban.made != Made::Whole).map(|ban| ban.made.word()),
        ],
    )
}

/// Writes how far a source was read.
pub(crate) fn write_position(db: &Connection, row: &PositionRow) -> Result<(), LedgerError> {
    run(
        db,
        "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            &row.path,
            &row.dev.cast_signed(),
            &row.ino.cast_signed(),
            &row.offset.cast_signed(),
            &row.tail.0,
            &row.head.0.cast_signed(),
            &row.head.1,
            &row.lines.cast_signed(),
            &row.sightings.cast_signed(),
            &row.last.0,
            &row.cursor,
        ],
    )
}

pub(crate) const TALLIES: &str =
    "SELECT subject, policy, first, last, total, marks, evidence FROM tallies";
/// In the forms before the fourth.
pub(crate) const OLD_CONNECTIONS: &str =
    "SELECT key, address, told, pending, last FROM connections";
pub(crate) const BLOCKS: &str = "SELECT subject, scope, since, until, policy, why FROM blocks";
pub(crate) const HISTORY: &str = "SELECT subject, blocks, last FROM history";
pub(crate) const SUCCESSES: &str = "SELECT address, last, by_key FROM successes";
pub(crate) const JAILS: &str =
    "SELECT jail, what, id, since, until, earlier, data, made FROM jails";
pub(crate) const POSITIONS: &str = "SELECT path, dev, ino, offset, tail, head, head_len, lines, \
    sightings, last, cursor FROM positions";

/// A row of [`JAILS`].
pub(crate) fn read_jail(row: &Row<'_>) -> Result<JailRow, LedgerError> {
    let what: String = row.get(1)?;
    let kind = JailRowKind::ALL.into_iter().find(|kind| kind.word() == what);
    let since: Option<i64> = row.get(3)?;
    let until: Option<i64> = row.get(4)?;
    let earlier: Option<u32> = row.get(5)?;
    let made = made_of(row, 7)?;
    let ban = since.map(|since| JailBan {
        since: Stamp(since),
        until: until.map(Stamp),
        earlier: earlier.unwrap_or(0),
        made,
    });
    Ok(JailRow {
        jail: row.get(0)?,
        kind: kind.ok_or_else(|| unknown("row of a jail", &what))?,
        id: row.get(2)?,
        ban,
        data: Some(row.get(6)?),
    })
}

/// What the actions of a jail made of a ban.
pub(crate) fn made_of(row: &Row<'_>, at: usize) -> Result<Made, LedgerError> {
    let word: Option<String> = row.get(at)?;
    let Some(word) = word else { return Ok(Made::Whole) };
    let made = Made::ALL.into_iter().find(|made| made.word() == word);
    made.ok_or_else(|| unknown("word for what became of a ban", &word))
}

/// A row of [`TALLIES`].
pub(crate) fn read_tally(row: &Row<'_>) -> Result<TallyRow, LedgerError> {
    let blob = |at| -> Result<&[u8], LedgerError> {
        let bytes = row.get_ref(at)?.as_bytes();
        bytes.map_err(|error| LedgerError::Unreadable(error.to_string()))
    };
    let broken = |what| LedgerError::Unreadable(format!("the {what} of a tally"));
    Ok(TallyRow {
        subject: parsed(row, 0)?,
        policy: row.get(1)?,
        first: Stamp(row.get(2)?),
        last: Stamp(row.get(3)?),
        total: row.get::<_, i64>(4)?.cast_unsigned(),
        marks: marks_from_bytes(blob(5)?).ok_or_else(|| broken("marks"))?,
        evidence: evidence_from_bytes(blob(6)?).ok_or_else(|| broken("evidence"))?,
    })
}

/// A row of [`OLD_CONNECTIONS`].
pub(crate) fn read_old_connection(row: &Row<'_>) -> Result<ConnectionRow, LedgerError> {
    let word: String = row.get(2)?;
    let mut told = [0; WITNESSES];
    let mut parts = word.split(',');
    for one in &mut told {
        let part = parts.next().and_then(|part| part.parse().ok());
        *one = part.ok_or_else(|| unknown("list of attempts", &word))?;
    }
    Ok(ConnectionRow {
        key: ConnectionKey(row.get::<_, i64>(0)?.cast_unsigned()),
        address: match row.get_ref(1)?.data_type() {
            rusqlite::types::Type::Null => None,
            _ => Some(parsed(row, 1)?),
        },
        told,
        pending: row.get(3)?,
        last: Stamp(row.get(4)?),
    })
}

/// A row of [`BLOCKS`].
pub(crate) fn read_block(row: &Row<'_>) -> Result<BlockRow, LedgerError> {
    Ok(BlockRow {
        subject: parsed(row, 0)?,
        scope: scope_of(&row.get::<_, String>(1)?)?,
        since: Stamp(row.get(2)?),
        until: row.get::<_, Option<i64>>(3)?.map(Stamp),
        policy: row.get(4)?,
        why: row.get(5)?,
    })
}

/// A row of [`HISTORY`].
pub(crate) fn read_history(row: &Row<'_>) -> Result<HistoryRow, LedgerError> {
    Ok(HistoryRow { subject: parsed(row, 0)?, blocks: row.get(1)?, last: Stamp(row.get(2)?) })
}

/// A row of [`SUCCESSES`].
pub(crate) fn read_success(row: &Row<'_>) -> Result<SuccessRow, LedgerError> {
    Ok(SuccessRow {
        address: parsed(row, 0)?,
        last: Stamp(row.get(1)?),
        by_key: row.get::<_, Option<i64>>(2)?.map(Stamp),
    })
}

/// A row of [`POSITIONS`].
pub(crate) fn read_position(row: &Row<'_>) -> Result<PositionRow, LedgerError> {
    let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(PositionRow {
        path: row.get(0)?,
        dev: number(1)?,
        ino: number(2)?,
        offset: number(3)?,
        tail: Tail(row.get(4)?),
        head: (number(5)?, row.get(6)?),
        lines: number(7)?,
        sightings: number(8)?,
        last: Stamp(row.get(9)?),
        cursor: row.get(10)?,
    })
}

/// Runs a cached statement.
pub(crate) fn run(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<(), LedgerError> {
    db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn write_block(db: &Connection, row: &BlockRow) -> Result<(), LedgerError> {
    run(
        db,
        "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?)",
        &[
            &row.subject.to_string(),
            &scope_word(&row.scope),
            &row.since.0,
            &row.until.map(|stamp| stamp.0),
            &row.policy,
            &row.why,
        ],
    )
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> Result<T, LedgerError> {
    let text = row.get_ref(at)?.as_str();
    let text = text.map_err(|error| LedgerError::Unreadable(error.to_string()))?;
    text.parse().map_err(|_| unknown("address or network", text))
}
