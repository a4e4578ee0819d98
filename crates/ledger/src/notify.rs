//! The rows of what people are told: subscriptions, deliveries, groups, silences.

use monban_model::{NotifyContent, NotifyRow, NotifyRowKind, Stamp};
use rusqlite::{Connection, Row};

use crate::LedgerError;
use crate::state::run;
use crate::words::unknown;

/// All of them, each kind by its names.
pub(crate) const NOTIFY: &str = "SELECT what, id, topic, state, since, data FROM (
    SELECT 'subscription' AS what, name AS id, topic, state, since, data FROM subscriptions
    UNION ALL SELECT 'delivery', number, subscription, reason, next, data FROM deliveries
    UNION ALL SELECT what, id, topic, state, since, data FROM notify_groups
    UNION ALL SELECT 'silence', number, by, state, since, data FROM silences)";

/// Writes or forgets one row.
pub(crate) fn write(db: &Connection, row: &NotifyRow) -> Result<(), LedgerError> {
    let (table, key) = match row.kind {
        NotifyRowKind::Subscription => ("subscriptions", "name"),
        NotifyRowKind::Delivery => ("deliveries", "number"),
        NotifyRowKind::Group | NotifyRowKind::Firing => return write_group(db, row),
        NotifyRowKind::Silence => ("silences", "number"),
    };
    let Some(it) = &row.content else {
        return run(db, &format!("DELETE FROM {table} WHERE {key} = ?"), &[&row.id]);
    };
    let insert = format!("INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)");
    run(db, &insert, &[&row.id, &it.of, &it.word, &it.time.0, &it.data])
}

fn write_group(db: &Connection, row: &NotifyRow) -> Result<(), LedgerError> {
    let what = row.kind.word();
    let Some(it) = &row.content else {
        let delete = "DELETE FROM notify_groups WHERE what = ? AND id = ?";
        return run(db, delete, &[&what, &row.id]);
    };
    let insert = "INSERT OR REPLACE INTO notify_groups VALUES (?, ?, ?, ?, ?, ?)";
    run(db, insert, &[&what, &row.id, &it.of, &it.word, &it.time.0, &it.data])
}

/// A row of [`NOTIFY`].
pub(crate) fn read(row: &Row<'_>) -> Result<NotifyRow, LedgerError> {
    let what: String = row.get(0)?;
    let kind = NotifyRowKind::ALL.into_iter().find(|kind| kind.word() == what);
    let content = NotifyContent {
        of: row.get(2)?,
        word: row.get(3)?,
        time: Stamp(row.get(4)?),
        data: row.get(5)?,
    };
    Ok(NotifyRow {
        kind: kind.ok_or_else(|| unknown("row of notifications", &what))?,
        id: row.get(1)?,
        content: Some(content),
    })
}
