//! The spool under many hooks, ends in between, full disks and what does not belong there.

use super::*;
use monban_model::wire::encode;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Instant;

fn event(pid: u32) -> PamEvent {
    let user = format!("user{pid}");
    PamEvent { service: "sshd".to_owned(), user, pid, boot_ns: 7, ..Default::default() }
}

/// A frame of nearly the largest size.
fn large(pid: u32) -> Vec<u8> {
    encode(&PamEvent { auth: "k".repeat(2800), user: "u".repeat(256), ..event(pid) })
}

fn pids(taken: &Taken) -> Vec<u32> {
    taken.spooled.events.iter().map(|event| event.pid).collect()
}

#[test]
fn what_is_appended_is_taken_once_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::of(folder.path());
    assert!(spool.take().unwrap().is_none());
    for pid in 1..=3 {
        assert_eq!(spool.append(&encode(&event(pid))), Kept::Spooled);
    }
    let facts = fs::metadata(folder.path().join("pam.spool")).unwrap();
    assert_eq!((facts.mode() & 0o7777, facts.len() % 256), (0o600, 0));
    let taken = spool.take().unwrap().unwrap();
    assert_eq!(pids(&taken), [1, 2, 3]);
    assert_eq!(taken.spooled.events[1], event(2));
    taken.done().unwrap();
    assert!(spool.take().unwrap().is_none());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_end_before_it_is_done_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::of(folder.path());
    spool.append(&encode(&event(1)));
    drop(spool.take().unwrap());
    spool.append(&encode(&event(2)));
    let again = spool.take().unwrap().unwrap();
    assert_eq!(pids(&again), [1]);
    again.done().unwrap();
    assert_eq!(pids(&spool.take().unwrap().unwrap()), [2]);
}

#[test]
fn over_its_bound_it_counts_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::of(folder.path());
    let small = encode(&event(5));
    for _ in 0..PAM_SPOOL_RECORDS_MAX {
        assert_eq!(spool.append(&small), Kept::Spooled);
    }
    for _ in 0..7 {
        assert_eq!(spool.append(&small), Kept::Dropped);
    }
    let length = fs::metadata(folder.path().join("pam.spool")).unwrap().len();
    assert_eq!(length, PAM_SPOOL_BYTES_MAX as u64);
    let taken = spool.take().unwrap().unwrap();
    assert_eq!(taken.spooled.events.len(), PAM_SPOOL_RECORDS_MAX);
    assert_eq!((taken.spooled.damaged, taken.spooled.dropped), (0, 7));
    taken.done().unwrap();
    // There is room again, and the count begins anew.
    assert_eq!(spool.append(&large(1)), Kept::Spooled);
    assert_eq!(spool.take().unwrap().unwrap().spooled.dropped, 0);
}

#[test]
fn only_what_was_dropped_is_told_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::of(folder.path());
    spool.count_dropped().unwrap();
    let taken = spool.take().unwrap().unwrap();
    assert_eq!(taken.spooled, Spooled { dropped: 1, ..Spooled::default() });
    taken.done().unwrap();
    assert!(spool.take().unwrap().is_none());
}

#[test]
fn torn_and_foreign_bytes_cost_only_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, file) = (Spool::of(folder.path()), folder.path().join("pam.spool"));
    spool.append(&encode(&event(1)));
    // A hook that was killed while it wrote.
    let torn = record(&large(2));
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(&torn[..300]);
    fs::write(&file, &bytes).unwrap();
    spool.append(&encode(&event(3)));
    let mut bytes = fs::read(&file).unwrap();
    assert_eq!(bytes.len() % PAM_SPOOL_BLOCK, 0);
    // A changed byte, a length without end, and zeros.
    let mut changed = record(&encode(&event(4)));
    changed[40] ^= 1;
    bytes.extend_from_slice(&changed);
    bytes.extend_from_slice(&record(&encode(&event(5))));
    let mut endless = record(&encode(&event(6)));
    endless[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes.extend_from_slice(&endless);
    bytes.extend_from_slice(&[0; 1024]);
    bytes.extend_from_slice(&record(&encode(&event(7))));
    fs::write(&file, &bytes).unwrap();
    let taken = spool.take().unwrap().unwrap();
    assert_eq!(pids(&taken), [1, 3, 5, 7]);
    assert_eq!(taken.spooled.damaged, 3);
}

#[test]
fn a_name_that_looks_like_a_record_is_none() {
    let inner = String::from_utf8_lossy(&record(&encode(&event(66)))).into_owned();
    let outer = PamEvent { auth: format!("{}{inner}", " ".repeat(100)), ..event(1) };
    let spooled = read(&record(&encode(&outer)));
    assert_eq!((spooled.events.len(), spooled.events[0].pid), (1, 1));
}

#[test]
fn links_pipes_and_files_of_others_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, file) = (Spool::of(folder.path()), folder.path().join("pam.spool"));
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&victim, &file).unwrap();
    assert_eq!(spool.append(&encode(&event(1))), Kept::Dropped);
    fs::remove_file(&file).unwrap();
    fs::hard_link(&victim, &file).unwrap();
    assert_eq!(spool.append(&encode(&event(2))), Kept::Dropped);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(spool.append(&encode(&event(3))), Kept::Dropped);
    assert!(spool.take().is_err());
    fs::remove_file(folder.path().join("pam.spool.taken")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    let start = Instant::now();
    assert_eq!(spool.append(&encode(&event(4))), Kept::Dropped);
    assert!(spool.take().is_err());
    assert!(start.elapsed() < Duration::from_secs(2));
    fs::remove_file(folder.path().join("pam.spool.taken")).unwrap();
    let first = spool.take().unwrap().unwrap();
    assert_eq!(first.spooled.dropped, 3);
    first.done().unwrap();
    assert_eq!(spool.take().unwrap().unwrap().spooled.dropped, 1);
}

#[test]
fn a_lock_that_is_held_makes_nobody_wait_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::of(folder.path());
    spool.append(&encode(&event(1)));
    let held = File::open(folder.path().join("pam.spool")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let start = Instant::now();
    assert_eq!(spool.append(&encode(&event(2))), Kept::Dropped);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    drop(held);
    assert_eq!(spool.append(&encode(&event(3))), Kept::Spooled);
    let taken = spool.take().unwrap().unwrap();
    assert_eq!((pids(&taken), taken.spooled.dropped), (vec![1, 3], 1));
}

#[test]
fn nothing_is_lost_or_doubled_while_it_is_taken_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::of(folder.path());
    let mut got = Vec::new();
    let mut dropped = 0;
    thread::scope(|scope| {
        let hooks: Vec<_> = (0..4_u32)
            .map(|hook| {
                let spool = spool.clone();
                scope.spawn(move || {
                    let append = |each| spool.append(&encode(&event(hook * 1000 + each)));
                    (0..300_u32).filter(|each| append(*each) == Kept::Spooled).count()
                })
            })
            .collect();
        while hooks.iter().any(|hook| !hook.is_finished()) {
            if let Some(taken) = spool.take().unwrap() {
                got.extend(pids(&taken));
                dropped += taken.spooled.dropped;
                assert_eq!(taken.spooled.damaged, 0);
                taken.done().unwrap();
            }
        }
        let kept: usize = hooks.into_iter().map(|hook| hook.join().unwrap()).sum();
        while let Some(taken) = spool.take().unwrap() {
            got.extend(pids(&taken));
            dropped += taken.spooled.dropped;
            taken.done().unwrap();
        }
        assert_eq!(got.len(), kept);
    });
    got.sort_unstable();
    got.dedup();
    assert!(got.len() as u64 + dropped <= 1200 && got.len() > 600, "{} {dropped}", got.len());
}
