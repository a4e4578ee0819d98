//! Rows per second, milliseconds and bytes. Small by default; `MONBAN_LEDGER_FIGURES=1` with
//! `--release` measures at full size, one at a time (`--test-threads=1 figures`).

use std::time::{Duration, Instant};

use monban_ledger::{Batch, Ledger, Reader};
use monban_model::{BlockRow, StateRow, Subject};

use crate::sample;

fn at_full_size() -> bool {
    std::env::var_os("MONBAN_LEDGER_FIGURES").is_some()
}

fn per_second(rows: u32, took: Duration) -> f64 {
    f64::from(rows) / took.as_secs_f64()
}

/// Resident memory of this process in KiB, from the kernel.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Commits the same batches, made beforehand, and says how fast that was.
fn commits(what: &str, ledger: &mut Ledger, batches: &[Batch], rows: u32) {
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    for batch in batches {
        let one = Instant::now();
        ledger.commit(batch).unwrap();
        longest = longest.max(one.elapsed());
    }
    let speed = per_second(rows, begun.elapsed());
    println!("{what}: {speed:.0} rows/s, longest commit {longest:?}");
}

#[test]
fn tallies_and_records_per_second() {
    let rounds: u32 = if at_full_size() { 50 } else { 3 };
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let tallies = |from: u32, spread: u32| -> Batch {
        let row = |n: u32| StateRow::Tally(sample::tally((from + n) % spread, 5));
        sample::of_state((0..1000).map(row).collect())
    };
    let rows = rounds * 1000;
    let new: Vec<_> = (0..rounds).map(|n| tallies(n * 1000, u32::MAX)).collect();
    commits("tallies of 5 lines, new subjects", &mut ledger, &new, rows);
    commits("tallies of 5 lines, changed, all over the table", &mut ledger, &new, rows);
    let same: Vec<_> = (0..rounds).map(|n| tallies(n, 1000)).collect();
    commits("tallies of 5 lines, the same 1,000 again", &mut ledger, &same, rows);
    let stories = |from: u32| -> Batch {
        let numbers = (0..250).map(|n| from * 1000 + n * 4 + 1);
        let story = |seq: u32| {
            sample::story(u64::from(seq), sample::subject(seq % 9999), sample::address(seq % 9999))
        };
        sample::of_records(numbers.flat_map(story).collect())
    };
    let records: Vec<_> = (0..rounds).map(stories).collect();
    commits("records, a quarter with 5 lines", &mut ledger, &records, rows);
    let trims = Instant::now();
    for _ in 0..1000 {
        ledger.trim(u64::MAX / 2, monban_model::Stamp(i64::MIN)).unwrap();
    }
    println!("trim with nothing to do: {:?}", trims.elapsed() / 1000);
}

#[test]
fn memory_and_look_ups_in_a_large_ledger() {
    let rounds: u32 = if at_full_size() { 200 } else { 10 };
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let before = resident_kib();
    for round in 0..rounds {
        let records = (0..250_u32).flat_map(|n| {
            let seq = round * 1000 + n * 4 + 1;
            sample::story(u64::from(seq), sample::subject(seq / 4), sample::address(seq / 4))
        });
        ledger.commit(&sample::of_records(records.collect())).unwrap();
    }
    let grown = resident_kib().saturating_sub(before);
    let reader = Reader::open(folder.path()).unwrap();
    let size = reader.counts().unwrap().bytes;
    println!("{} records: {size} bytes, RSS grew by {grown} KiB", rounds * 1000);
    let begun = Instant::now();
    for n in 0..10_000_u32 {
        let subject = sample::subject(n * 7919 % (rounds * 250));
        assert_eq!(reader.records_of(subject, 10).unwrap().len(), 4);
    }
    println!("10,000 times the records of a subject: {:?}", begun.elapsed());
    let begun = Instant::now();
    let counts = reader.counts().unwrap();
    println!("counts of {} records: {:?}", counts.records, begun.elapsed());
    drop(reader);
    let begun = Instant::now();
    std::mem::forget(ledger);
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    println!("start after a kill, with quick_check of {size} bytes: {:?}", begun.elapsed());
    let (mut calls, mut longest, begun) = (0, Duration::ZERO, Instant::now());
    loop {
        let one = Instant::now();
        let trimmed = ledger.trim(size / 2, monban_model::Stamp(i64::MIN)).unwrap();
        longest = longest.max(one.elapsed());
        calls += 1;
        if !trimmed.more {
            break;
        }
    }
    println!("trimmed to the half in {calls} calls, {:?}, longest {longest:?}", begun.elapsed());
}

#[test]
fn blocks_at_the_start() {
    let count: u32 = if at_full_size() { 100_000 } else { 10_000 };
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let rows = (0..count).map(|n| {
        let mut row: BlockRow =
            sample::block(Subject::of(sample::address(n.wrapping_mul(2_654_435) % (1 << 24))));
        row.policy = format!("policy-{}", n % 7);
        StateRow::Block(row)
    });
    let begun = Instant::now();
    ledger.commit(&sample::of_state(rows.collect())).unwrap();
    println!("{count} blocks committed: {:?}", begun.elapsed());
    ledger.close().unwrap();
    let begun = Instant::now();
    let (_ledger, saved) = Ledger::open(folder.path()).unwrap();
    let took = begun.elapsed();
    println!("{} blocks loaded at the start: {took:?}", saved.blocks.len());
    // The target is 300 ms for 100,000 in a release build; this allows for a busy machine.
    assert!(took < Duration::from_secs(3), "{took:?}");
}
