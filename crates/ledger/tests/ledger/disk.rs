//! Real full and read-only disks: a small tmpfs in a mount namespace of its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use monban_ledger::{Batch, FILE_NAME, Ledger, LedgerError, Reader};
use monban_model::{Seq, StateRow};

use crate::sample;

/// In the child: where the small disk is.
const DISK: &str = "MONBAN_LEDGER_DISK";

#[test]
fn full_and_read_only_disks() {
    let root =
        fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if !root {
        println!("left out: a small disk needs root (a tmpfs in a mount namespace)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1m,mode=700 tmpfs \"$1\" || exit 99; \
                  exec \"$2\" --exact disk::child --nocapture --test-threads=1";
    let done = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(DISK, folder.path())
        .output();
    match done {
        Ok(done) if done.status.code() == Some(99) => {
            println!("left out: no tmpfs can be mounted here");
        }
        Err(error) => println!("left out: unshare cannot be run ({error})"),
        Ok(done) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            print!("{}", text(&done.stdout));
            assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
        }
    }
}

#[test]
fn child() {
    let Some(disk) = std::env::var_os(DISK) else {
        return;
    };
    let disk = PathBuf::from(disk);
    let next = goes_on_when_there_is_room_again(&disk);
    let next = starts_on_a_full_disk(&disk, next);
    starts_after_a_kill_on_a_full_disk(&disk, next);
    starts_with_an_older_form_on_a_full_disk(&disk);
    reads_from_a_read_only_disk(&disk);
}

/// Fills the disk to the last byte.
fn fill(disk: &Path) {
    let mut ballast = File::create(disk.join("ballast")).unwrap();
    for size in [65_536, 4096, 1] {
        while ballast.write_all(&vec![7; size]).is_ok() {}
    }
}

fn empty(disk: &Path) {
    fs::remove_file(disk.join("ballast")).unwrap();
}

fn batch(seq: u64) -> Batch {
    let n = u32::try_from(seq).unwrap();
    let mut batch = sample::of_records(sample::story(seq, sample::subject(n), sample::address(n)));
    batch.state = vec![StateRow::Block(sample::block(sample::subject(n)))];
    batch.meta = vec![("last".to_owned(), seq.to_string())];
    batch
}

fn is_whole(disk: &Path, next: u64) {
    let reader = Reader::open(disk).unwrap();
    assert_eq!(reader.last_seq().unwrap(), Seq(next - 1));
    assert_eq!(reader.meta("last").unwrap(), Some((next - 4).to_string()));
    assert_eq!(reader.blocks().unwrap().len() as u64, (next - 1) / 4);
    assert_eq!(reader.records_after(Seq(next - 5), 9).unwrap(), batch(next - 4).records);
}

fn goes_on_when_there_is_room_again(disk: &Path) -> u64 {
    let (mut ledger, _) = Ledger::open(disk).unwrap();
    let mut next = 1;
    ledger.commit(&batch(next)).unwrap();
    next += 4;
    for round in 0..5 {
        fill(disk);
        // What is left of the log's last page may still take a batch.
        let refused = loop {
            match ledger.commit(&batch(next)) {
                Ok(()) => next += 4,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, LedgerError::Disk(_)), "{refused:?}");
        assert!(refused.is_passing());
        println!("round {round}: {refused}");
        for _ in 0..3 {
            assert!(ledger.commit(&batch(next)).is_err());
        }
        is_whole(disk, next);
        let _ = ledger.trim(1, monban_model::Stamp(i64::MIN));
        empty(disk);
        ledger.commit(&batch(next)).unwrap();
        next += 4;
        is_whole(disk, next);
    }
    ledger.close().unwrap();
    next
}

fn starts_on_a_full_disk(disk: &Path, mut next: u64) -> u64 {
    fill(disk);
    let (mut ledger, saved) = Ledger::open(disk).unwrap();
    assert_eq!(saved.next_seq, Seq(next));
    assert_eq!(saved.blocks.len() as u64, (next - 1) / 4);
    assert_eq!(saved.notices.len(), 1, "{:?}", saved.notices);
    assert_eq!(saved.notices[0].key, "ledger-disk");
    assert!(matches!(ledger.commit(&batch(next)), Err(LedgerError::Disk(_))));
    empty(disk);
    ledger.commit(&batch(next)).unwrap();
    next += 4;
    is_whole(disk, next);
    ledger.close().unwrap();

    // A new one on a full disk, too.
    let folder = disk.join("new");
    fs::create_dir(&folder).unwrap();
    fill(disk);
    let (mut ledger, saved) = Ledger::open(&folder).unwrap();
    assert_eq!((saved.next_seq, saved.notices.len()), (Seq(1), 1));
    assert!(matches!(ledger.commit(&batch(1)), Err(LedgerError::Disk(_))));
    empty(disk);
    ledger.commit(&batch(1)).unwrap();
    is_whole(&folder, 5);
    drop(ledger);
    fs::remove_dir_all(&folder).unwrap();
    next
}

fn starts_after_a_kill_on_a_full_disk(disk: &Path, next: u64) {
    let (mut ledger, _) = Ledger::open(disk).unwrap();
    ledger.commit(&batch(next)).unwrap();
    let next = next + 4;
    let killed = disk.join("killed");
    fs::create_dir(&killed).unwrap();
    // As a kill leaves it, and as a reboot would: the last commit is only in the log.
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(disk.join(name), killed.join(name)).unwrap();
    }
    fill(disk);
    let (mut again, saved) = Ledger::open(&killed).unwrap();
    assert_eq!(saved.next_seq, Seq(next), "the log was read");
    assert_eq!(saved.notices[0].key, "ledger-disk");
    assert!(again.commit(&batch(next)).is_err());
    empty(disk);
    again.commit(&batch(next)).unwrap();
    is_whole(&killed, next + 4);
    drop(again);
    fs::remove_dir_all(&killed).unwrap();
}

fn starts_with_an_older_form_on_a_full_disk(disk: &Path) {
    let older = disk.join("older");
    fs::create_dir(&older).unwrap();
    let (mut ledger, _) = Ledger::open(&older).unwrap();
    ledger.commit(&batch(1)).unwrap();
    ledger.close().unwrap();
    sample::made_older(&older);
    fill(disk);
    for _ in 0..2 {
        let (mut again, saved) = Ledger::open(&older).unwrap();
        assert_eq!((saved.next_seq, saved.blocks.len(), saved.connections.len()), (Seq(5), 1, 400));
        assert_eq!(saved.notices.len(), 1, "{:?}", saved.notices);
        assert_eq!(saved.notices[0].key, "ledger-disk");
        assert!(matches!(again.commit(&batch(5)), Err(LedgerError::Disk(_))));
    }
    let (mut again, _) = Ledger::open(&older).unwrap();
    empty(disk);
    again.commit(&batch(5)).unwrap();
    is_whole(&older, 9);
    drop(again);
    let (_, saved) = Ledger::open(&older).unwrap();
    assert_eq!((saved.connections.len(), saved.notices.len()), (400, 0));
    fs::remove_dir_all(&older).unwrap();
}

fn reads_from_a_read_only_disk(disk: &Path) {
    let remount = |how: &str| {
        let done = Command::new("mount").args(["-o", how]).arg(disk).status().unwrap();
        assert!(done.success());
    };
    let (mut ledger, saved) = Ledger::open(disk).unwrap();
    let mut next = saved.next_seq.0;
    ledger.commit(&batch(next)).unwrap();
    next += 4;
    ledger.close().unwrap();
    remount("remount,ro");
    let reader = Reader::open(disk).unwrap();
    assert_eq!(reader.last_seq().unwrap(), Seq(next - 1));
    assert!(!reader.misses_latest());
    let refused = Ledger::open(disk).map(|_| ()).unwrap_err();
    println!("read-only: {refused}");
    assert!(matches!(refused, LedgerError::Disk(_)));
    drop(reader);
    remount("remount,rw");

    let (mut ledger, _) = Ledger::open(disk).unwrap();
    ledger.commit(&batch(next)).unwrap();
    let killed = disk.join("killed");
    fs::create_dir(&killed).unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(disk.join(name), killed.join(name)).unwrap();
    }
    ledger.close().unwrap();
    remount("remount,ro");
    let reader = Reader::open(&killed).unwrap();
    assert!(reader.misses_latest(), "the log cannot be read here, and that is said");
    assert!(reader.last_seq().unwrap() < Seq(next + 4));
    drop(reader);
    remount("remount,rw");
    assert!(killed.join(FILE_NAME).exists());
}
