//! The tables, their history, and how a connection is set up.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::{LedgerError, places, shards};

/// The steps from an empty file to the present form. A step is never changed once it was
/// released; a change of the tables is a further step. The form is the number of steps done.
const STEPS: &[Step] = &[
    Step { sql: include_str!("schema/1.sql"), then: None },
    Step { sql: include_str!("schema/2.sql"), then: None },
    Step { sql: include_str!("schema/3.sql"), then: None },
    Step { sql: include_str!("schema/4.sql"), then: Some(shards::move_rows) },
    Step { sql: include_str!("schema/5.sql"), then: Some(places::find) },
    Step { sql: include_str!("schema/6.sql"), then: None },
    Step { sql: include_str!("schema/7.sql"), then: None },
    Step { sql: include_str!("schema/8.sql"), then: None },
];

/// From one form to the next.
#[derive(Clone, Copy)]
struct Step {
    sql: &'static str,
    /// What SQL cannot do.
    then: Option<Then>,
}

/// How many rows it had to leave out.
type Then = fn(&Connection) -> Result<u64, LedgerError>;

/// The form of the tables that this program writes (`PRAGMA user_version`).
pub(crate) const FORM: i64 = STEPS.len() as i64;

/// `PRAGMA application_id`: "monb". Tells a ledger from any other SQLite file.
const APPLICATION: i64 = 0x6d6f_6e62;

/// How long another process may hold the file before a call gives up.
const BUSY: Duration = Duration::from_secs(2);

/// Settings of every connection, writing or reading. Nothing is written outside the folder
/// (`temp_store`), no page of the database is mapped (a mapped page of a failing disk is a
/// SIGBUS; `-shm` is mapped all the same, WAL cannot do without), and a schema that somebody else
/// put into the file runs nothing.
pub(crate) fn set_up(connection: &Connection) -> Result<(), LedgerError> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch(
        "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cache_size = -512;
         PRAGMA foreign_keys = OFF; PRAGMA cell_size_check = ON;",
    )?;
    Ok(())
}

/// Settings of the one connection that writes, and the tables brought to the present form. Gives
/// back how many rows could not be brought over.
pub(crate) fn prepare(connection: &mut Connection) -> Result<u64, LedgerError> {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if pages == 0 {
        // It counts only before the first page; later it would be a write at every start. There is
        // nothing to lose yet: what is made here is synced with the first checkpoint, and a start
        // does not wait for the disk half a dozen times. The first page is written by the second.
        connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    let found = known_form(connection)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(LedgerError::Disk(format!(
            "this file system cannot do SQLite's WAL (journal mode `{mode}`)"
        )));
    }
    // NORMAL: after a power cut the last commits may be missing, and the sources are read again
    // from the positions that were committed with them. An end of the process loses nothing.
    connection
        .execute_batch("PRAGMA journal_size_limit = 16777216; PRAGMA wal_autocheckpoint = 4000;")?;
    if pages > 0 {
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    }
    let left_out = migrate(connection, found, STEPS)?;
    connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    Ok(left_out)
}

/// What is read of the tables in the present form, with how many rows could not be brought over.
/// All of that happens in memory: nothing is written, so that it works where the disk is full.
pub(crate) fn read_as_present<T>(
    connection: &mut Connection,
    read: impl FnOnce(&Connection) -> Result<T, LedgerError>,
) -> Result<(T, u64), LedgerError> {
    let found = known_form(connection)?;
    connection.execute_batch("PRAGMA cache_spill = OFF")?;
    let transaction = connection.transaction()?;
    let left_out = bring_over(&transaction, found, STEPS)?;
    // It is rolled back at its end.
    Ok((read(&transaction)?, left_out))
}

/// The form of a ledger that this program can read or bring over.
fn known_form(connection: &Connection) -> Result<i64, LedgerError> {
    match form(connection)? {
        found if found > FORM => Err(LedgerError::NewerSchema { found, known: FORM }),
        found => Ok(found),
    }
}

/// Whether the tables of a file are to be brought over from an older form.
pub(crate) fn is_older(connection: &Connection) -> Result<bool, LedgerError> {
    Ok((1..FORM).contains(&form(connection)?))
}

/// Whether the file is a ledger, and in which form; 0 for an empty file.
pub(crate) fn form(connection: &Connection) -> Result<i64, LedgerError> {
    let form: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if application == APPLICATION || (tables == 0 && form == 0 && application == 0) {
        return Ok(form);
    }
    Err(LedgerError::NotALedger {
        path: connection.path().unwrap_or_default().into(),
        why: "it is a database of another program".to_owned(),
    })
}

/// All missing steps in one transaction: the file has the old form or the new one. Gives back how
/// many rows were left out.
fn migrate(connection: &mut Connection, found: i64, steps: &[Step]) -> Result<u64, LedgerError> {
    if usize::try_from(found) == Ok(steps.len()) {
        return Ok(0);
    }
    let transaction = connection.transaction()?;
    let left_out = bring_over(&transaction, found, steps)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    transaction.commit()?;
    Ok(left_out)
}

fn bring_over(connection: &Connection, found: i64, steps: &[Step]) -> Result<u64, LedgerError> {
    let mut left_out = 0;
    for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
        connection.execute_batch(step.sql)?;
        left_out += step.then.map_or(Ok(0), |then| then(connection))?;
    }
    Ok(left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_form_gets_the_missing_steps_and_a_failing_step_changes_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        let sql = |sql| Step { sql, then: None };
        let first = sql("CREATE TABLE one (a)");
        migrate(&mut db, 0, &[first]).unwrap();
        assert_eq!(form(&db).unwrap(), 1);
        db.execute("INSERT INTO one VALUES (7)", []).unwrap();

        let broken = [first, sql("ALTER TABLE one ADD b"), sql("ALTER TABLE missing ADD c")];
        assert!(migrate(&mut db, 1, &broken).is_err());
        assert_eq!(form(&db).unwrap(), 1);
        assert!(db.prepare("SELECT b FROM one").is_err());

        migrate(&mut db, 1, &[first, sql("ALTER TABLE one ADD b")]).unwrap();
        assert_eq!(form(&db).unwrap(), 2);
        let kept: i64 =
            db.query_row("SELECT a FROM one WHERE b IS NULL", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 7);
    }

    #[test]
    fn the_tables_of_another_program_are_not_ours() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE bips (ip)").unwrap();
        assert!(matches!(form(&db), Err(LedgerError::NotALedger { .. })));
    }
}
