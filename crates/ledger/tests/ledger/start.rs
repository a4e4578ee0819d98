//! Starts: new, after a clean end, after a kill, after damage, with a file of somebody else.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use monban_ledger::{Batch, FILE_NAME, Ledger, LedgerError, Reader};
use monban_model::{OrderId, Seq, StateRow, limits};

use crate::sample;

fn filled(folder: &Path, subjects: u32) {
    let (mut ledger, _) = Ledger::open(folder).unwrap();
    let mut batch = sample::of_state(sample::every_row());
    for n in 0..subjects {
        let subject = sample::subject(n);
        batch.state.push(StateRow::Block(sample::block(subject)));
        batch.records.extend(sample::story(u64::from(n) * 4 + 1, subject, sample::address(n)));
    }
    batch.positions.push(sample::position("/var/log/auth.log", 4711));
    batch.meta.push(("since".to_owned(), "yesterday".to_owned()));
    ledger.commit(&batch).unwrap();
    ledger.close().unwrap();
}

/// Overwrites a part of the file, as a dying disk does.
fn spoil(folder: &Path, from: u64, length: usize) {
    let mut file = fs::OpenOptions::new().write(true).open(folder.join(FILE_NAME)).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&vec![0xA5; length]).unwrap();
}

fn not_ended_cleanly(folder: &Path) {
    let db = rusqlite::Connection::open(folder.join(FILE_NAME)).unwrap();
    db.execute("UPDATE meta SET value = '1' WHERE key = 'ledger.running'", []).unwrap();
}

#[test]
fn a_new_ledger_is_empty_and_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!((saved.next_seq, saved.next_order), (Seq(1), OrderId(1)));
    assert!(saved.notices.is_empty() && saved.blocks.is_empty());
    ledger.commit(&sample::of_state(sample::every_row())).unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["ledger.db", "ledger.db-shm", "ledger.db-wal"]);
    ledger.close().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "one file after a clean end");
}

#[test]
fn a_file_that_others_may_read_is_closed_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    filled(folder.path(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let (_ledger, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(saved.notices.is_empty());
}

#[test]
fn numbers_go_on_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 10);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!((saved.next_seq, saved.next_order), (Seq(41), OrderId(38)));
    assert_eq!(saved.positions, [sample::position("/var/log/auth.log", 4711)]);
    assert_eq!(saved.meta, [("since".to_owned(), "yesterday".to_owned())]);
    assert_eq!(saved.blocks.len(), 10);
}

#[test]
fn a_batch_with_one_wrong_record_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 2);
    let (mut ledger, before) = Ledger::open(folder.path()).unwrap();
    let mut batch = sample::of_state(vec![StateRow::Block(sample::block(sample::subject(99)))]);
    batch.records = sample::story(100, sample::subject(99), sample::address(99));
    batch.records.push(sample::story(1, sample::subject(1), sample::address(1)).remove(0));
    assert!(matches!(ledger.commit(&batch), Err(LedgerError::Refused(_))));
    let own = Batch { meta: vec![("ledger.running".into(), "0".into())], ..Batch::default() };
    assert!(matches!(ledger.commit(&own), Err(LedgerError::Refused(_))));
    drop(ledger);
    assert_eq!(Ledger::open(folder.path()).unwrap().1, before);
}

#[test]
fn text_instead_of_a_database_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=limits::LEDGER_DAMAGED_KEPT + 2 {
        let text = format!("round {round}: {}", "no database ".repeat(500));
        fs::write(folder.path().join(FILE_NAME), text).unwrap();
        let (_, saved) = Ledger::open(folder.path()).unwrap();
        assert_eq!(saved.notices.len(), 1);
        assert_eq!(saved.notices[0].key, "ledger-damaged");
        assert_eq!(saved.next_seq, Seq(1));
    }
    let kept = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(kept, 1 + limits::LEDGER_DAMAGED_KEPT as usize);
    let newest = format!("{FILE_NAME}.damaged-{}", limits::LEDGER_DAMAGED_KEPT);
    let newest = fs::read(folder.path().join(newest)).unwrap();
    assert!(newest.starts_with(format!("round {}", limits::LEDGER_DAMAGED_KEPT + 2).as_bytes()));
}

#[test]
fn damage_anywhere_is_found_after_a_kill_and_the_blocks_are_taken_along() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 400);
    not_ended_cleanly(folder.path());
    let sound = fs::read(folder.path().join(FILE_NAME)).unwrap();
    let pages = sound.len() as u64 / 4096;
    let (mut found, mut blocks_whole) = (0, 0);
    for page in 0..pages {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), &sound).unwrap();
        spoil(folder.path(), page * 4096, 4096);
        let (mut ledger, saved) = Ledger::open(folder.path()).unwrap();
        ledger.commit(&sample::of_state(sample::every_row())).unwrap();
        let is_said = saved.notices.iter().any(|notice| notice.key == "ledger-damaged");
        found += u64::from(is_said);
        blocks_whole += u64::from(saved.blocks.len() == 400);
        if is_said && saved.blocks.len() == 400 && saved.next_seq != Seq(1) {
            assert_eq!(saved.next_seq, Seq(1601));
        }
    }
    println!("{pages} pages spoilt one by one: {found} found, all blocks kept in {blocks_whole}");
    // A free page may hold anything.
    assert!(found * 10 >= pages * 9, "{found} of {pages}");
    assert!(blocks_whole * 10 >= pages * 7, "{blocks_whole} of {pages}");
}

#[test]
fn a_row_that_cannot_be_read_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    let db = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    db.execute_batch(
        "UPDATE blocks SET subject = 'example.org' WHERE subject = '10.0.0.2';
         UPDATE tallies SET evidence = x'09'; UPDATE positions SET offset = 'far';",
    )
    .unwrap();
    drop(db);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!((saved.blocks.len(), saved.tallies.len(), saved.positions.len()), (2, 0, 0));
    assert_eq!(saved.notices.len(), 1);
    assert_eq!(saved.notices[0].values, [("rows".to_owned(), "3".to_owned())]);
}

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    let path = folder.path().join(FILE_NAME);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let newer = LedgerError::NewerSchema { found: 99, known: 8 };
    assert_eq!(Ledger::open(folder.path()).unwrap_err(), newer);
    assert_eq!(Reader::open(folder.path()).unwrap_err(), newer);
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE bips (ip)").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    assert!(matches!(Ledger::open(folder.path()), Err(LedgerError::NotALedger { .. })));
    assert!(matches!(Reader::open(folder.path()), Err(LedgerError::NotALedger { .. })));
    assert!(fs::read(&path).unwrap() == before, "the file was changed");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(Ledger::open(folder.path()), Err(LedgerError::NotALedger { .. })));
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    assert!(matches!(Ledger::open(folder.path()), Err(LedgerError::NotALedger { .. })));
    assert!(matches!(Reader::open(folder.path()), Err(LedgerError::NotALedger { .. })));
}

#[test]
fn a_folder_with_a_strange_name_works() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a b?mode=memory#%20'日本");
    fs::create_dir(&folder).unwrap();
    filled(&folder, 2);
    assert_eq!(Ledger::open(&folder).unwrap().1.blocks.len(), 2);
    assert_eq!(Reader::open(&folder).unwrap().blocks().unwrap().len(), 2);
    assert!(matches!(Ledger::open(&parent.path().join("missing")), Err(LedgerError::Disk(_))));
}

#[test]
fn a_file_of_an_older_form_is_brought_over_also_if_its_connections_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 10);
    sample::made_older(folder.path());
    let sound = fs::read(folder.path().join(FILE_NAME)).unwrap();
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert!(saved.notices.is_empty(), "{:?}", saved.notices);
    assert_eq!((saved.connections.len(), saved.blocks.len()), (400, 10));
    let db = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    let left: i64 = db
        .query_row("SELECT count(*) FROM sqlite_master WHERE name = 'connections'", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(left, 0);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, sound).unwrap();
    let root: u32 = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_master WHERE name = 'connections'", [], |r| {
            r.get(0)
        })
        .unwrap();
    spoil(folder.path(), u64::from(root - 1) * 4096, 4096);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.notices[0].key, "ledger-damaged");
    assert_eq!((saved.blocks.len(), saved.next_seq), (10, Seq(41)));
}

#[test]
fn what_cannot_be_brought_over_is_told() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    sample::made_older(folder.path());
    let db = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    db.execute_batch("UPDATE connections SET told = 'nothing' WHERE last <= 7").unwrap();
    drop(db);
    let (ledger, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.connections.len(), 393);
    assert_eq!(saved.notices[0].key, "ledger-rows-unreadable");
    assert_eq!(saved.notices[0].values, [("rows".to_owned(), "7".to_owned())]);
    drop(ledger);
    assert_eq!(Ledger::open(folder.path()).unwrap().1.notices, []);
}

#[test]
fn an_older_file_that_did_not_end_cleanly_is_checked_before_it_is_brought_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    filled(folder.path(), 300);
    sample::made_older(folder.path());
    not_ended_cleanly(folder.path());
    let db = rusqlite::Connection::open(&path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = 'evidence'";
    let root: u32 = db.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(db);
    spoil(folder.path(), u64::from(root - 1) * 4096, 4096);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.notices[0].key, "ledger-damaged");
    assert_eq!(saved.blocks.len(), 300);
    let aside = folder.path().join(format!("{FILE_NAME}.damaged-1"));
    let form = |db: &rusqlite::Connection| -> i64 {
        db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(form(&rusqlite::Connection::open(aside).unwrap()), 3, "it is as it was");
}
