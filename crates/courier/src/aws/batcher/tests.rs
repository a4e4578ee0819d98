use monban_model::limits::{AWS_BATCH_BYTES_MAX, AWS_BATCH_EVENTS_MAX};
use proptest::prelude::*;

use super::*;

const NOW: Stamp = Stamp(1_800_000_000_000);

fn event(time: Stamp, message: &str, mark: u64) -> LogEvent {
    LogEvent { time, message: message.to_owned(), mark }
}

fn batcher() -> LogBatcher {
    LogBatcher::new(AwsBatching::default(), None)
}

#[test]
fn a_batch_goes_when_its_first_event_waited_five_seconds() {
    let mut batcher = batcher();
    batcher.push(event(NOW.plus_ms(7), "b", 2), NOW).unwrap();
    batcher.push(event(NOW, "a", 1), NOW.plus_ms(4000)).unwrap();
    assert_eq!(batcher.due(), Some(NOW.plus_ms(5000)));
    assert_eq!(batcher.next(NOW.plus_ms(4999)), None);
    let batch = batcher.next(NOW.plus_ms(5000)).unwrap();
    let messages: Vec<&str> = batch.events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!((messages, batch.upto), (vec!["a", "b"], 2));
    assert_eq!((batcher.next(NOW.plus_s(60)), batcher.due()), (None, None));
}

#[test]
fn a_batch_has_ten_thousand_events_at_most() {
    let mut batcher = batcher();
    for mark in 0..=AWS_BATCH_EVENTS_MAX as u64 {
        batcher.push(event(NOW, "a", mark), NOW).unwrap();
    }
    let batch = batcher.next(NOW).unwrap();
    assert_eq!((batch.events.len(), batch.upto), (AWS_BATCH_EVENTS_MAX, 9999));
    assert_eq!(batcher.next(NOW), None);
}

#[test]
fn a_batch_is_as_long_as_aws_takes_and_no_longer() {
    // Four events of a quarter fill it to the byte.
    let text = "x".repeat(AWS_BATCH_BYTES_MAX / 4 - EVENT_OVERHEAD);
    let mut batcher = batcher();
    for mark in 1..=5 {
        batcher.push(event(NOW, &text, mark), NOW).unwrap();
    }
    assert_eq!(batcher.next(NOW).unwrap().events.len(), 4);
    batcher.flush();
    assert_eq!(batcher.next(NOW).unwrap().events.len(), 1);
}

#[test]
fn a_batch_spans_a_day_and_no_more() {
    let mut batcher = batcher();
    let day_ago = NOW.minus_s(86_400);
    batcher.push(event(day_ago, "a", 1), NOW).unwrap();
    batcher.push(event(NOW, "b", 2), NOW).unwrap();
    assert_eq!(batcher.next(NOW), None);
    batcher.push(event(NOW.plus_ms(1), "c", 3), NOW).unwrap();
    assert_eq!(batcher.next(NOW).unwrap().events.len(), 2);
    // Also when the older one comes later.
    batcher.push(event(day_ago, "d", 4), NOW).unwrap();
    assert_eq!(batcher.next(NOW).unwrap().events.len(), 1);
}

#[test]
fn what_aws_would_not_take_is_dropped_and_counted() {
    let mut batcher = LogBatcher::new(AwsBatching::default(), Some(7));
    let long = "門".repeat(400_000);
    for (mark, (time, text)) in (1..).zip([
        (NOW.minus_s(7 * 86_400 + 1), "old"),
        (NOW.minus_s(7 * 86_400), "kept"),
        (NOW.plus_s(7201), "new"),
        (NOW.plus_s(7200), "kept"),
        (NOW, ""),
        (NOW, long.as_str()),
    ]) {
        batcher.push(event(time, text, mark), NOW).unwrap();
    }
    batcher.flush();
    let batches: Vec<LogBatch> = std::iter::from_fn(|| batcher.next(NOW)).collect();
    let kept: usize = batches.iter().map(|batch| batch.events.len()).sum();
    assert_eq!((kept, batches.last().map(|batch| batch.upto)), (3, Some(6)));
    let expected = Drops { too_old: 1, too_new: 1, empty: 1, cut: 1, refused: 0 };
    assert_eq!(batcher.drops(), expected);
}

#[test]
fn what_is_dropped_alone_is_done_with() {
    let mut batcher = batcher();
    assert_eq!(batcher.passed(), Some(0));
    batcher.push(event(NOW, "", 7), NOW).unwrap();
    assert_eq!(batcher.passed(), Some(7));
    batcher.push(event(NOW, "a", 8), NOW).unwrap();
    assert_eq!(batcher.passed(), None);
}

#[test]
fn what_waits_is_bounded_and_nothing_is_lost() {
    let rules = AwsBatching { events: 1, ..AwsBatching::default() };
    let mut batcher = LogBatcher::new(rules, None);
    let mut taken = 0;
    while batcher.push(event(NOW, "a", taken), NOW).is_ok() {
        taken += 1;
    }
    // The last one is still open.
    assert_eq!(taken, AWS_BATCHES_WAITING_MAX as u64 + 1);
    assert_eq!(batcher.next(NOW).unwrap().upto, 0);
    assert!(batcher.push(event(NOW, "a", taken), NOW).is_ok());
}

#[test]
fn a_clock_that_was_set_back_holds_nothing() {
    let mut batcher = batcher();
    batcher.push(event(NOW, "a", 1), NOW).unwrap();
    assert!(batcher.next(NOW.minus_s(3600)).is_some());
}

proptest! {
    #[test]
    fn every_batch_keeps_every_bound(
        given in prop::collection::vec((-20_000_000_i64..10_000_000, 0_usize..3000), 0..60),
        events in 1_usize..20,
        bytes in 1000_usize..20_000,
    ) {
        let rules = AwsBatching { flush_ms: 5000, events, bytes, gzip: true };
        let mut batcher = LogBatcher::new(rules, None);
        let mut batches = Vec::new();
        for (mark, (apart_s, length)) in (1..).zip(&given) {
            let time = NOW.plus_ms(apart_s / 100 * 1000);
            prop_assert!(batcher.push(event(time, &"x".repeat(*length), mark), NOW).is_ok());
            batches.extend(batcher.next(NOW));
        }
        batcher.flush();
        batches.extend(std::iter::from_fn(|| batcher.next(NOW)));
        let mut count = 0;
        for batch in &batches {
            let size: usize = batch.events.iter().map(LogEvent::bytes).sum();
            let times: Vec<Stamp> = batch.events.iter().map(|event| event.time).collect();
            prop_assert!(times.is_sorted() && !times.is_empty() && times.len() <= events);
            prop_assert!(times[times.len() - 1].0 - times[0].0 <= SPAN_MS);
            prop_assert!(size <= bytes);
            count += times.len() as u64;
        }
        let drops = batcher.drops();
        prop_assert_eq!(
            count + drops.too_old + drops.too_new + drops.empty,
            given.len() as u64
        );
        prop_assert!(batches.is_sorted_by_key(|batch| batch.upto));
    }
}
