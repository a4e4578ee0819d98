//! States of alarms and what they told, read back as they were.

use monban_ledger::{Batch, Ledger, Reader};
use monban_model::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::sample;

fn stamp() -> impl Strategy<Value = Stamp> {
    any::<i64>().prop_map(Stamp)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..80)
}

fn amount() -> impl Strategy<Value = Amount> {
    any::<f64>().prop_map(Amount)
}

fn state() -> impl Strategy<Value = AlarmState> {
    (0..3_usize).prop_map(|at| AlarmState::ALL[at])
}

fn evidence() -> impl Strategy<Value = Vec<Evidence>> {
    let one = (stamp(), "[a-z]{0,9}", any::<u32>(), bytes());
    let one = one.prop_map(|(time, rule, weight, line)| Evidence { time, rule, weight, line });
    vec(one, 0..5)
}

fn top() -> impl Strategy<Value = Vec<TopEntry>> {
    let one = (bytes(), any::<u64>(), any::<u64>());
    vec(one.prop_map(|(name, count, over)| TopEntry { name, count, over }), 0..4)
}

fn points() -> impl Strategy<Value = Vec<AlarmPoint>> {
    let one = (stamp(), proptest::option::of(amount()), any::<u64>());
    vec(one.prop_map(|(time, value, samples)| AlarmPoint { time, value, samples }), 0..6)
}

fn watched() -> impl Strategy<Value = Watched> {
    let words = ("[a-z]{1,9}", vec(("[a-z]{1,4}", ".{0,9}"), 0..3));
    let numbers = (amount(), any::<[u32; 3]>(), 0..4_usize, 0..4_usize, any::<bool>());
    (words, numbers).prop_map(|((metric, dimensions), (threshold, [p, n, m], c, missing, low))| {
        Watched {
            metric,
            dimensions,
            statistic: Statistic::parse("TM(10%:90%)").expect("a statistic"),
            comparison: Comparison::ALL[c],
            threshold,
            period_s: p,
            evaluation_periods: n,
            datapoints_to_alarm: m,
            missing: Missing::ALL[missing],
            ignore_low_samples: low,
            unit: "Count".into(),
        }
    })
}

fn reason() -> impl Strategy<Value = Reason> {
    let child = ("[a-z]{1,9}", state(), stamp());
    let child = child.prop_map(|(alarm, state, since)| ChildState { alarm, state, since });
    prop_oneof![
        Just(Reason::Created),
        Just(Reason::Evicted),
        any::<u32>().prop_map(|periods| Reason::Unknown { periods }),
        vec(child, 0..4).prop_map(Reason::Children),
        (points(), any::<u32>(), any::<bool>(), any::<u32>()).prop_map(
            |(points, count, breaching, missing)| Reason::Threshold {
                points,
                count,
                breaching,
                missing
            }
        ),
    ]
}

fn change() -> impl Strategy<Value = AlarmChange> {
    let contributor = ("[a-z]{1,9}", bytes()).prop_map(|(by, value)| Contributor { by, value });
    let whose = (".{1,20}", ".{0,40}", proptest::option::of(contributor));
    let states = (state(), state(), stamp(), proptest::option::of(0..i64::MAX as u64));
    let about = (reason(), proptest::option::of(watched()), points());
    (whose, states, about, (any::<u64>(), top(), top(), evidence())).prop_map(
        |(
            (alarm, description, contributor),
            (old, new, since, again),
            (reason, watched, evaluated),
            (count, addresses, users, samples),
        )| AlarmChange {
            alarm,
            description,
            severity: Severity::Critical,
            semantics: Semantics::Aws,
            contributor,
            old,
            new,
            since,
            again,
            reason,
            watched,
            rule: "ALARM(\"a\")".into(),
            evaluated,
            count,
            addresses,
            users,
            samples,
        },
    )
}

fn row() -> impl Strategy<Value = AlarmRow> {
    let slice = (any::<i64>(), any::<u64>(), amount(), vec((amount(), any::<u64>()), 0..4))
        .prop_map(|(number, count, sum, values)| Slice {
            number,
            count,
            sum,
            least: sum,
            most: sum,
            values,
        });
    let generation = (stamp(), any::<u64>(), top(), top())
        .prop_map(|(since, count, addresses, users)| Generation { since, count, addresses, users });
    let memory = (
        (any::<u64>(), any::<u32>(), vec(slice, 0..5), proptest::option::of(stamp())),
        (stamp(), stamp(), any::<u64>(), generation, evidence(), evidence()),
    )
        .prop_map(
            |((definition, slice_ms, slices, due), (since, told, since_told, now, first, last))| {
                AlarmMemory {
                    definition,
                    slice_ms,
                    slices,
                    due,
                    watched_since: since,
                    told,
                    since_told,
                    before: now.clone(),
                    now,
                    first,
                    last,
                }
            },
        );
    (".{1,20}", proptest::option::of(bytes()), state(), stamp(), stamp(), memory).prop_map(
        |(alarm, contributor, state, since, last, memory)| AlarmRow {
            alarm,
            contributor,
            state,
            since,
            last,
            memory: Box::new(memory),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_an_alarm_told_reads_back_as_it_was(changes in vec(change(), 1..5)) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let record = |(seq, change): (u64, &AlarmChange)| Record {
            seq: Seq(seq),
            time: Stamp(seq as i64),
            event: Event::Alarmed(Box::new(change.clone())),
        };
        let records: Vec<Record> = (1..).zip(&changes).map(record).collect();
        ledger.commit(&sample::of_records(records.clone())).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        prop_assert_eq!(&reader.records_after(Seq(0), 100).unwrap(), &records);
        let newest: Vec<Record> = records.iter().rev().cloned().collect();
        prop_assert_eq!(&reader.alarm_history(None, 100).unwrap(), &newest);
        let name = &changes[0].alarm;
        let of_name = reader.alarm_history(Some(name), 100).unwrap();
        prop_assert_eq!(of_name.len(), changes.iter().filter(|one| one.alarm == *name).count());
    }

    #[test]
    fn the_state_of_an_alarm_reads_back_as_it_was(row in row()) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let batch = Batch { state: vec![StateRow::Alarm(row.clone())], ..Batch::default() };
        ledger.commit(&batch).unwrap();
        ledger.commit(&batch).unwrap();
        prop_assert_eq!(
            &Reader::open(folder.path()).unwrap().alarms(Some(&row.alarm)).unwrap(),
            std::slice::from_ref(&row)
        );
        drop(ledger);
        let (mut ledger, saved) = Ledger::open(folder.path()).unwrap();
        prop_assert_eq!(&saved.alarms, std::slice::from_ref(&row));
        let gone = StateRow::NoAlarm(row.alarm.clone(), row.contributor.clone());
        ledger.commit(&Batch { state: vec![gone], ..Batch::default() }).unwrap();
        drop(ledger);
        prop_assert_eq!(&Ledger::open(folder.path()).unwrap().1.alarms, &[]);
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_more(bytes in vec(any::<u8>(), 0..200)) {
        let _ = monban_model::wire::alarm_from_bytes::<AlarmChange>(&bytes);
        let _ = monban_model::wire::alarm_from_bytes::<AlarmMemory>(&bytes);
    }
}

#[test]
fn a_row_of_the_contributor_stands_beside_the_alarms_own() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let row = |contributor: Option<&[u8]>| AlarmRow {
        alarm: "a".into(),
        contributor: contributor.map(<[u8]>::to_vec),
        state: AlarmState::Alarm,
        since: Stamp(1),
        last: Stamp(2),
        memory: Box::default(),
    };
    let rows = [row(None), row(Some(b"")), row(Some(b"192.0.2.1")), row(Some(&[0xff]))];
    let state = rows.iter().cloned().map(StateRow::Alarm).collect();
    ledger.commit(&Batch { state, ..Batch::default() }).unwrap();
    let found = Reader::open(folder.path()).unwrap().alarms(None).unwrap();
    assert_eq!(found.len(), 4);
    assert_eq!(found[0], rows[0]);
}
