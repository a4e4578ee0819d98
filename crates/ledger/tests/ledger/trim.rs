//! The file stays small, and what matters stays in it.

use std::fs;
use std::path::Path;

use monban_ledger::{FILE_NAME, Ledger, Reader, Trimmed};
use monban_model::{Event, Seq, Stamp, StateRow, limits};

use crate::sample;

/// Records may be as old as they like.
const ANY_AGE: Stamp = Stamp(i64::MIN);

const MAX: u64 = 4 * 1024 * 1024;

/// Commits `batches` of 250 findings with their decisions, orders and outcomes.
fn fill(ledger: &mut Ledger, next_seq: &mut u64, batches: u32, trim_to: Option<u64>) -> Trimmed {
    let mut sum = Trimmed::default();
    for _ in 0..batches {
        let mut records = Vec::new();
        for _ in 0..250 {
            let n = u32::try_from(*next_seq % 65_536).unwrap();
            records.extend(sample::story(*next_seq, sample::subject(n), sample::address(n)));
            *next_seq += 4;
        }
        ledger.commit(&sample::of_records(records)).unwrap();
        if let Some(max) = trim_to {
            let one = ledger.trim(max, ANY_AGE).unwrap();
            sum.evidence_lines += one.evidence_lines;
            sum.records += one.records;
        }
    }
    sum
}

fn trim_all(ledger: &mut Ledger, max: u64) -> (Trimmed, u32) {
    let (mut sum, mut calls) = (Trimmed::default(), 0);
    loop {
        let one = ledger.trim(max, ANY_AGE).unwrap();
        sum.evidence_lines += one.evidence_lines;
        sum.records += one.records;
        calls += 1;
        if !one.more {
            return (sum, calls);
        }
    }
}

fn size(folder: &Path) -> u64 {
    fs::metadata(folder.join(FILE_NAME)).unwrap().len()
}

#[test]
fn a_large_file_shrinks_and_keeps_blocks_and_why_they_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let blocked = sample::named("192.0.2.77");
    let from = "192.0.2.77".parse().unwrap();
    let why = sample::story(1, blocked, from);
    let mut first = sample::of_records(why.clone());
    first.state =
        vec![StateRow::Block(sample::block(blocked)), StateRow::Tally(sample::tally(3, 10))];
    first.positions.push(sample::position("/var/log/auth.log", 1));
    ledger.commit(&first).unwrap();
    let mut next_seq = 5;
    fill(&mut ledger, &mut next_seq, 60, None);
    let (trimmed, calls) = trim_all(&mut ledger, MAX);
    ledger.close().unwrap();
    assert!(size(folder.path()) <= MAX, "{}", size(folder.path()));
    assert!(size(folder.path()) >= MAX / 2, "too much was dropped: {}", size(folder.path()));
    println!("{trimmed:?} in {calls} calls");

    let reader = Reader::open(folder.path()).unwrap();
    let kept = reader.records_of(blocked, 10).unwrap();
    assert_eq!(kept.into_iter().rev().collect::<Vec<_>>(), why, "with its evidence");
    assert_eq!(reader.block(blocked).unwrap().len(), 1);
    assert_eq!(reader.tallies_of(sample::subject(3)).unwrap(), [sample::tally(3, 10)]);
    assert_eq!(reader.positions().unwrap().len(), 1);
    let counts = reader.counts().unwrap();
    assert_eq!(counts.trimmed_evidence, trimmed.evidence_lines);
    assert_eq!(counts.trimmed_records, trimmed.records);
    assert_eq!(counts.records + trimmed.records, next_seq - 1);
    let newest = reader.record(Seq(next_seq - 4)).unwrap().unwrap();
    assert!(matches!(newest.event, Event::Found(found) if found.evidence.len() == 5));
}

#[test]
fn evidence_goes_before_records_and_its_loss_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let mut next_seq = 1;
    fill(&mut ledger, &mut next_seq, 20, None);
    let before = size(folder.path());
    ledger.close().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let (trimmed, _) = trim_all(&mut ledger, before.max(size(folder.path())) * 9 / 10);
    assert!(trimmed.evidence_lines > 0);
    assert_eq!(trimmed.records, 0);
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.evidence_dropped(Seq(1)).unwrap(), 5);
    assert_eq!(reader.evidence_dropped(Seq(next_seq - 4)).unwrap(), 0);
    assert!(reader.record(Seq(1)).unwrap().is_some());
}

#[test]
fn called_after_each_commit_it_holds_the_size() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let mut next_seq = 1;
    let sum = fill(&mut ledger, &mut next_seq, 80, Some(MAX));
    assert!(sum.records > 0);
    let most = size(folder.path());
    assert!(most <= MAX + MAX / 4, "{most}");
    drop(ledger);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.next_seq, Seq(next_seq), "numbers are never given twice");
    assert_eq!(saved.next_order.0, next_seq - 4 + 1);
    assert_eq!(saved.meta, [], "its own names are not given back");
}

#[test]
fn what_was_kept_for_a_block_goes_after_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let blocked = sample::named("192.0.2.77");
    let mut first = sample::of_records(sample::story(1, blocked, "192.0.2.77".parse().unwrap()));
    first.state = vec![StateRow::Block(sample::block(blocked))];
    ledger.commit(&first).unwrap();
    let mut next_seq = 5;
    fill(&mut ledger, &mut next_seq, 60, Some(MAX));
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.records_of(blocked, 10).unwrap().len(), 4);
    let free = StateRow::NoBlock(blocked, monban_model::Scope::All);
    ledger.commit(&sample::of_state(vec![free])).unwrap();
    fill(&mut ledger, &mut next_seq, 5, Some(MAX));
    assert_eq!(reader.records_of(blocked, 10).unwrap().len(), 0);
}

#[test]
fn state_that_alone_is_too_large_stays_and_so_do_the_newest_records() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let rows = (0..4000).map(|n| StateRow::Block(sample::block(sample::subject(n)))).collect();
    ledger.commit(&sample::of_state(rows)).unwrap();
    let mut next_seq = 1;
    fill(&mut ledger, &mut next_seq, 4, None);
    trim_all(&mut ledger, 64 * 1024);
    assert_eq!(ledger.trim(64 * 1024, ANY_AGE).unwrap(), Trimmed::default());
    drop(ledger);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.blocks.len(), 4000);
    let reader = Reader::open(folder.path()).unwrap();
    let left = reader.records_after(Seq(0), 100_000).unwrap();
    assert!(left.len() >= limits::LEDGER_RECORDS_KEPT as usize);
}

#[test]
fn what_is_too_old_goes_although_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let blocked = sample::named("192.0.2.77");
    let why = sample::story(1, blocked, "192.0.2.77".parse().unwrap());
    let mut first = sample::of_records(why.clone());
    first.state = vec![StateRow::Block(sample::block(blocked))];
    ledger.commit(&first).unwrap();
    let mut next_seq = 5;
    fill(&mut ledger, &mut next_seq, 20, None);
    let left = |ledger: &mut Ledger, keep_from: Stamp| {
        let mut old = 0;
        loop {
            let one = ledger.trim(u64::MAX / 2, keep_from).unwrap();
            old += one.old_records;
            assert_eq!(one.old_records, one.records);
            if !one.more {
                let reader = Reader::open(folder.path()).unwrap();
                return (old, reader.counts().unwrap().records);
            }
        }
    };
    let all = next_seq - 1;
    assert_eq!(left(&mut ledger, sample::time(0)), (0, all));
    let (bytes, since) = Reader::open(folder.path()).unwrap().extent().unwrap();
    assert!(bytes > 0 && since == Some(sample::time(1)), "{bytes} {since:?}");
    // The story of a number lasts until the next one; that of the block in force stays.
    let middle = 5 + 4 * 2500;
    let dropped = middle - 5;
    assert_eq!(left(&mut ledger, sample::time(middle)), (dropped, all - dropped));
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.record(Seq(middle - 1)).unwrap(), None);
    assert!(reader.record(Seq(middle)).unwrap().is_some());
    assert_eq!(reader.evidence_dropped(Seq(middle)).unwrap(), 0);
    // All of it: the newest record and those of the block are left, and numbers go on.
    assert_eq!(left(&mut ledger, Stamp(i64::MAX)).1, 4 + 1);
    let kept = reader.records_of(blocked, 10).unwrap();
    assert_eq!(kept.into_iter().rev().collect::<Vec<_>>(), why);
    drop((reader, ledger));
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.next_seq, Seq(next_seq));
}
