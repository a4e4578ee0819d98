//! The one writer.

use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use monban_model::{Event, Notice, PositionRow, Record, StateRow};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::records::Inserts;
use crate::saved::{NEXT_ORDER, NEXT_SEQ, OWN, RUNNING, notice, number};
use crate::trim::Progress;
use crate::{LedgerError, Packed, Saved, damage, schema, state};

/// The name of the file in the state folder. SQLite puts `-wal` and `-shm` beside it.
pub const FILE_NAME: &str = "ledger.db";

/// What is committed at once. The caller has at most one state row per key in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// New records; their numbers are new.
    pub records: Vec<Record>,
    /// Rows of the open state that were changed or forgotten.
    pub state: Vec<StateRow>,
    /// More of them: what there may be much of.
    pub packed: Packed,
    /// How far the sources were read, one per path.
    pub positions: Vec<PositionRow>,
    /// Paths that are not read any more and will not come back.
    pub forgotten_positions: Vec<String>,
    /// Whatever else has to agree with the rest: name and value. Names that begin with `ledger.`
    /// are refused.
    pub meta: Vec<(String, String)>,
}

impl Batch {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.state.is_empty()
            && self.packed.is_empty()
            && self.positions.is_empty()
            && self.forgotten_positions.is_empty()
            && self.meta.is_empty()
    }
}

/// The open ledger. There is one per folder: whoever starts it holds the folder's lock.
///
/// Dropping it notes a clean end; after anything else the next start checks the whole file.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    /// `None` while the disk takes nothing since the start; each commit tries again.
    db: Option<Connection>,
    /// The file is damaged, so its end is not a clean one.
    damaged: bool,
    pub(crate) progress: Progress,
}

impl Ledger {
    /// Opens the ledger of a folder, or begins one, and gives back what the last commit left.
    ///
    /// A damaged file is moved aside, its blocks are taken along, and that is said in
    /// [`Saved::notices`]. On a full disk what was saved is given back all the same; then
    /// [`Ledger::commit`] fails until there is room.
    ///
    /// # Errors
    /// [`LedgerError::NewerSchema`], [`LedgerError::NotALedger`], [`LedgerError::Busy`]; and
    /// [`LedgerError::Disk`] if the folder cannot be used at all.
    pub fn open(folder: &Path) -> Result<(Self, Saved), LedgerError> {
        let folder = std::path::absolute(folder)
            .map_err(|error| LedgerError::io(folder, "finding", &error))?;
        let path = folder.join(FILE_NAME);
        let mut notices = make_file(&path)?;
        let (db, mut saved) = match start(&path) {
            Err(LedgerError::Damaged(why)) => start_anew(&path, &why)?,
            Err(LedgerError::Disk(why)) => (None, start_without_disk(&path, &why)?),
            other => other.map(|(db, saved)| (Some(db), saved))?,
        };
        notices.append(&mut saved.notices);
        saved.notices = notices;
        let ledger = Self { path, db, damaged: false, progress: Progress::default() };
        Ok((ledger, saved))
    }

    /// Writes a batch, all of it or nothing.
    ///
    /// # Errors
    /// After any error the file is as before and the batch may be committed again. While
    /// [`LedgerError::is_passing`], go on from memory and try again later.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), LedgerError> {
        self.with_db(|db, progress| {
            write(db, batch)?;
            progress.note(batch);
            Ok(())
        })
    }

    /// Ends cleanly: moves the log into the file and notes that all is well. Dropping does the
    /// same and cannot tell of an error.
    ///
    /// # Errors
    /// As [`Ledger::commit`]; nothing that was committed is lost then.
    pub fn close(mut self) -> Result<(), LedgerError> {
        self.end()
    }

    /// Runs something on the connection, which is made first if the disk did not let it yet.
    pub(crate) fn with_db<T>(
        &mut self,
        work: impl FnOnce(&mut Connection, &mut Progress) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let db = match &mut self.db {
            Some(db) => db,
            none => {
                make_file(&self.path)?;
                // What cannot be brought over was told of at the start.
                let (db, _) = connect(&self.path)?;
                mark(&db, "1")?;
                none.insert(db)
            }
        };
        let done = work(db, &mut self.progress);
        self.damaged |= matches!(done, Err(LedgerError::Damaged(_)));
        done
    }

    fn end(&mut self) -> Result<(), LedgerError> {
        let Some(db) = self.db.take() else {
            return Ok(());
        };
        if !self.damaged && !std::thread::panicking() {
            mark(&db, "0")?;
        }
        db.close().map_err(|(_, error)| error.into())
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // Without the note the next start only takes longer.
        let _ = self.end();
    }
}

/// Whether others may read meanwhile. `Exclusive` keeps the index of the log in memory instead
/// of in `-shm`, which a full disk has no room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Locking {
    Shared,
    Exclusive,
}

fn open_file(path: &Path, locking: Locking) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    if locking == Locking::Exclusive {
        // First of all: it counts only before the first page is read.
        db.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    }
    schema::set_up(&db)?;
    Ok(db)
}

/// The file in the present form, and how many rows could not be brought over.
fn connect(path: &Path) -> Result<(Connection, u64), LedgerError> {
    let mut db = open_file(path, Locking::Shared)?;
    if schema::is_older(&db)? {
        // What is set aside for damage is the file as it was.
        check_unless_ended(&db)?;
    }
    let left_out = schema::prepare(&mut db)?;
    Ok((db, left_out))
}

/// Checks the file if it did not end cleanly.
fn check_unless_ended(db: &Connection) -> Result<(), LedgerError> {
    if number(db, RUNNING)? == Some(1) { damage::check(db) } else { Ok(()) }
}

/// The usual start. That the disk takes no mark is said, and does not stop it.
fn start(path: &Path) -> Result<(Connection, Saved), LedgerError> {
    let (db, left_out) = connect(path)?;
    check_unless_ended(&db)?;
    let mut saved = Saved::load(&db)?;
    saved.tell_left_out(left_out);
    match mark(&db, "1") {
        Err(LedgerError::Disk(why)) => saved.notices.push(notice("ledger-disk", &[("why", &why)])),
        other => other?,
    }
    Ok((db, saved))
}

/// The start when the disk has no room even for `-shm`. What is said is why the usual start did
/// not work.
fn start_without_disk(path: &Path, why: &str) -> Result<Saved, LedgerError> {
    let is_new = fs::metadata(path).is_ok_and(|file| file.len() == 0);
    let read = if is_new { Ok(Saved::empty()) } else { read_in_memory(path) };
    let mut saved = match read {
        Err(LedgerError::Disk(_)) => return Err(LedgerError::Disk(why.to_owned())),
        other => other?,
    };
    saved.notices.push(notice("ledger-disk", &[("why", why)]));
    Ok(saved)
}

/// What the file holds, also one of an older form.
fn read_in_memory(path: &Path) -> Result<Saved, LedgerError> {
    let mut db = open_file(path, Locking::Exclusive)?;
    let (mut saved, left_out) = schema::read_as_present(&mut db, Saved::within)?;
    saved.tell_left_out(left_out);
    Ok(saved)
}

/// The start after damage: a new file with what could be read of the old one.
fn start_anew(path: &Path, why: &str) -> Result<(Option<Connection>, Saved), LedgerError> {
    let moved = damage::move_aside(path)?;
    let rescued = damage::rescue(&moved);
    make_file(path)?;
    let (mut db, _) = connect(path)?;
    write_rescued(&mut db, &rescued)?;
    let mut saved = Saved::load(&db)?;
    saved.notices.push(notice(
        "ledger-damaged",
        &[
            ("moved_to", &moved.display().to_string()),
            ("why", why),
            ("blocks_saved", &saved.blocks.len().to_string()),
        ],
    ));
    Ok((Some(db), saved))
}

fn write_rescued(db: &mut Connection, rescued: &Saved) -> Result<(), LedgerError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for block in &rescued.blocks {
        state::write(&transaction, &StateRow::Block(block.clone()))?;
    }
    for history in &rescued.history {
        state::write(&transaction, &StateRow::History(*history))?;
    }
    for success in &rescued.successes {
        state::write(&transaction, &StateRow::Success(*success))?;
    }
    for place in &rescued.places {
        state::write(&transaction, &StateRow::Place(place.clone()))?;
    }
    for row in &rescued.notify {
        state::write(&transaction, &StateRow::Notify(row.clone()))?;
    }
    for alarm in &rescued.alarms {
        state::write(&transaction, &StateRow::Alarm(alarm.clone()))?;
    }
    for jail in &rescued.jails {
        state::write(&transaction, &StateRow::Jail(jail.clone()))?;
    }
    put_meta(&transaction, NEXT_SEQ, &rescued.next_seq.0.to_string())?;
    put_meta(&transaction, NEXT_ORDER, &rescued.next_order.0.to_string())?;
    mark(&transaction, "1")?;
    transaction.commit()?;
    Ok(())
}

fn write(db: &mut Connection, batch: &Batch) -> Result<(), LedgerError> {
    if let Some((key, _)) = batch.meta.iter().find(|(key, _)| key.starts_with(OWN)) {
        return Err(LedgerError::Refused(format!("`{key}` is the ledger's own name")));
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !batch.records.is_empty() {
        let mut inserts = Inserts::new(&transaction)?;
        batch.records.iter().try_for_each(|record| inserts.add(record))?;
    }
    for row in &batch.state {
        state::write(&transaction, row)?;
    }
    batch.packed.write(&transaction)?;
    for row in &batch.positions {
        state::write_position(&transaction, row)?;
    }
    for path in &batch.forgotten_positions {
        state::run(&transaction, "DELETE FROM positions WHERE path = ?", &[path])?;
    }
    for (key, value) in &batch.meta {
        put_meta(&transaction, key, value)?;
    }
    let orders = batch.records.iter().filter_map(|record| match &record.event {
        Event::Ordered(order) => Some(order.id.0),
        _ => None,
    });
    if let Some(last) = orders.max() {
        let known = number(&transaction, NEXT_ORDER)?.unwrap_or(1);
        let next = known.max(last.saturating_add(1));
        put_meta(&transaction, NEXT_ORDER, &next.to_string())?;
    }
    transaction.commit()?;
    Ok(())
}

pub(crate) fn put_meta(db: &Connection, key: &str, value: &str) -> Result<(), LedgerError> {
    state::run(
        db,
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        &[&key, &value],
    )
}

fn mark(db: &Connection, running: &str) -> Result<(), LedgerError> {
    put_meta(db, RUNNING, running)
}

/// Makes the file for its owner only, before SQLite does (its `-wal` and `-shm` take the mode
/// over), or narrows the mode of the one that is there.
fn make_file(path: &Path) -> Result<Vec<Notice>, LedgerError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => return Ok(Vec::new()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(LedgerError::io(path, "creating", &error)),
    }
    let there =
        fs::symlink_metadata(path).map_err(|error| LedgerError::io(path, "reading", &error))?;
    if !there.is_file() {
        return Err(LedgerError::NotALedger {
            path: path.to_owned(),
            why: "it is not a plain file".to_owned(),
        });
    }
    if there.permissions().mode() & 0o077 == 0 {
        return Ok(Vec::new());
    }
    Ok(match fs::set_permissions(path, Permissions::from_mode(0o600)) {
        Ok(()) => Vec::new(),
        Err(error) => {
            let path = path.display().to_string();
            vec![notice("ledger-mode", &[("path", &path), ("why", &error.to_string())])]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a full disk does, without a disk: SQLite refuses to let the file grow.
    #[test]
    fn a_file_that_may_not_grow_refuses_and_goes_on_later() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let limit = |ledger: &mut Ledger, pages: u32| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            ledger.with_db(|db, _| Ok(db.execute_batch(&sql)?)).unwrap();
        };
        let large = |n: u32| Batch {
            meta: vec![(format!("key {n}"), "x".repeat(20_000))],
            ..Batch::default()
        };
        limit(&mut ledger, 60);
        let mut done = 0;
        let refused = loop {
            match ledger.commit(&large(done)) {
                Ok(()) => done += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, LedgerError::Disk(_)), "{refused:?}");
        let keys =
            |ledger: &mut Ledger| ledger.with_db(|db, _| Ok(Saved::load(db)?.meta.len())).unwrap();
        assert_eq!(keys(&mut ledger), done as usize);
        assert!(ledger.commit(&large(done)).is_err());
        limit(&mut ledger, 1_000_000);
        ledger.commit(&large(done)).unwrap();
        assert_eq!(keys(&mut ledger), done as usize + 1);
    }
}
