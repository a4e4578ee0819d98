//! What people are told is kept with everything else.

use monban_ledger::{Batch, Ledger, Reader};
use monban_model::{Amount, AwsSum, NotifyContent, NotifyRow, NotifyRowKind, Stamp, StateRow};
use proptest::prelude::*;

fn row() -> impl Strategy<Value = NotifyRow> {
    let kind = prop::sample::select(&NotifyRowKind::ALL[..]);
    let texts = (any::<String>(), any::<String>(), any::<String>());
    (kind, texts, any::<i64>(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(
        |(kind, (id, of, word), time, data)| {
            let content = Some(NotifyContent { of, word, time: Stamp(time), data });
            NotifyRow { kind, id, content }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_of_what_people_are_told_read_back(rows in prop::collection::vec(row(), 1..20)) {
        let mut rows = rows;
        rows.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
        rows.dedup_by(|a, b| (a.kind, &a.id) == (b.kind, &b.id));
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let write = |rows: &[NotifyRow]| Batch {
            state: rows.iter().cloned().map(StateRow::Notify).collect(),
            ..Batch::default()
        };
        ledger.commit(&write(&rows)).unwrap();
        ledger.commit(&write(&rows)).unwrap();
        let sorted = |mut found: Vec<NotifyRow>| {
            found.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
            found
        };
        let reader = Reader::open(folder.path()).unwrap();
        prop_assert_eq!(&sorted(reader.notify().unwrap()), &rows);
        drop(ledger);
        let (mut ledger, saved) = Ledger::open(folder.path()).unwrap();
        prop_assert_eq!(&sorted(saved.notify), &rows);
        let gone: Vec<NotifyRow> =
            rows.into_iter().map(|row| NotifyRow { content: None, ..row }).collect();
        ledger.commit(&write(&gone)).unwrap();
        prop_assert_eq!(reader.notify().unwrap().len(), 0);
    }
}

#[test]
fn metrics_on_their_way_read_back_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let sum = |id: u64, minute: i64| AwsSum {
        id,
        namespace: "monban".to_owned(),
        metric: "preauth".to_owned(),
        dimensions: vec![("user".to_owned(), "root\0".to_owned())],
        minute: Stamp(minute),
        count: 3,
        sum: Amount(1.5),
        ..AwsSum::default()
    };
    let state = |state: Vec<StateRow>| Batch { state, ..Batch::default() };
    let later = AwsSum { count: 4, ..sum(7, 60_000) };
    let rows = [sum(7, 60_000), sum(8, 0), sum(9, 0)].map(StateRow::Sum);
    ledger.commit(&state(rows.to_vec())).unwrap();
    ledger.commit(&state(vec![StateRow::Sum(later.clone()), StateRow::NoSum(9)])).unwrap();
    drop(ledger);
    let (_, saved) = Ledger::open(folder.path()).unwrap();
    assert_eq!(saved.sums, [sum(8, 0), later]);
}
