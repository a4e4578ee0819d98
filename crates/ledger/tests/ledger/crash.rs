//! kill -9 at any instant: what is found afterwards is one of the states that were committed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use monban_ledger::{Batch, FILE_NAME, Ledger, Reader, Saved};
use monban_model::{Event, Scope, Seq, StateRow};

use crate::sample;

/// In the child: the folder to write in.
const FOLDER: &str = "MONBAN_LEDGER_CRASH";
const KILLS: u32 = 50;
const SUBJECTS: u32 = 50;
const MAX_BYTES: u64 = 1024 * 1024;

/// The batch that makes state `n` of state `n - 1`: four records, a tally, a block that comes and
/// the one that goes, a position, and the number itself.
fn batch(n: u32) -> Batch {
    let who = n % SUBJECTS;
    let seq = u64::from(n - 1) * 4 + 1;
    let mut tally = sample::tally(who, 5);
    tally.total = u64::from(n);
    let mut state =
        vec![StateRow::Tally(tally), StateRow::Block(sample::block(sample::subject(1000 + n)))];
    if n > 10 {
        state.push(StateRow::NoBlock(sample::subject(1000 + n - 10), Scope::All));
    }
    Batch {
        records: sample::story(seq, sample::subject(1000 + n), sample::address(1000 + n)),
        state,
        positions: vec![sample::position("/var/log/auth.log", u64::from(n))],
        meta: vec![("n".to_owned(), n.to_string())],
        ..Batch::default()
    }
}

fn number(saved: &Saved) -> u32 {
    saved.meta.iter().find(|(key, _)| key == "n").map_or(0, |(_, value)| value.parse().unwrap())
}

/// Every part tells of the same `n`.
fn check(folder: &Path, saved: &Saved) -> u32 {
    let n = number(saved);
    assert_eq!(saved.notices, []);
    assert_eq!(saved.next_seq, Seq(u64::from(n) * 4 + 1));
    if n == 0 {
        return 0;
    }
    assert_eq!(saved.next_order.0, u64::from(n - 1) * 4 + 2);
    assert_eq!(saved.positions, [sample::position("/var/log/auth.log", u64::from(n))]);
    let blocks = (n.saturating_sub(9).max(1)..=n).map(|i| sample::subject(1000 + i));
    let mut blocks: Vec<_> = blocks.collect();
    blocks.sort_by_key(ToString::to_string);
    assert_eq!(saved.blocks.iter().map(|block| block.subject).collect::<Vec<_>>(), blocks);
    for tally in &saved.tallies {
        let who = (0..SUBJECTS).find(|who| sample::subject(*who) == tally.subject).unwrap();
        let last = n - (n + SUBJECTS - who) % SUBJECTS;
        assert_eq!(tally.total, u64::from(last));
        assert_eq!(tally.evidence, sample::tally(who, 5).evidence);
    }
    assert_eq!(saved.tallies.len(), n.min(SUBJECTS) as usize);

    let reader = Reader::open(folder).unwrap();
    let counts = reader.counts().unwrap();
    assert_eq!(counts.records + counts.trimmed_records, u64::from(n) * 4);
    let last = reader.records_after(Seq(u64::from(n - 1) * 4), 10).unwrap();
    assert_eq!(last, batch(n).records);
    assert!(matches!(&last[0].event, Event::Found(found) if found.evidence.len() == 5));
    n
}

#[test]
fn a_killed_writer_leaves_a_state_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut before, mut longest) = (0, Duration::ZERO);
    let (mut moved, mut size) = (0, 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        sleep(Duration::from_micros(2_000 + (random >> 33) % 100_000));
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();

        let begun = Instant::now();
        let (ledger, saved) = Ledger::open(folder.path()).unwrap();
        longest = longest.max(begun.elapsed());
        let n = check(folder.path(), &saved);
        assert!(n >= before, "{n} after {before}");
        moved += u32::from(n > before);
        before = n;
        // Leave it as the kill did, without the note of a clean end.
        std::mem::forget(ledger);
        size = size.max(std::fs::metadata(folder.path().join(FILE_NAME)).unwrap().len());
    }
    let db = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    println!(
        "{KILLS} kills, {before} commits, {moved} children came to commit, file up to {size} bytes, \
         longest start {longest:?}"
    );
    assert!(before > 0);
}

/// What is killed: commits and trims as fast as it can. A no-op when it is run as a test.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let (mut ledger, saved) = Ledger::open(Path::new(&folder)).unwrap();
    let mut n = number(&saved);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        n += 1;
        ledger.commit(&batch(n)).unwrap();
        ledger.trim(MAX_BYTES, monban_model::Stamp(i64::MIN)).unwrap();
    }
}
