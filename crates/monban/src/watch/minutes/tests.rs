use monban_model::wire::decode_sums;

use super::*;

const START: Stamp = Stamp(1_800_000_000_000);

const TEXT: &str = r#"
[aws]
region = "ap-northeast-1"
[[aws.metrics]]
namespace = "monban"
[[metric]]
name = "preauth"
pattern = '"[preauth]"'
"#;

fn minutes(saved: Vec<AwsSum>) -> Minutes {
    let mut minutes = Minutes::new(saved, START);
    minutes.take_over(&Config::parse("m.toml", TEXT).unwrap());
    minutes
}

fn add(minutes: &mut Minutes, time: Stamp, value: f64, user: &str) {
    let dimensions: &[(&str, &[u8])] = &[("user", user.as_bytes())];
    let point = Datapoint {
        metric: "preauth",
        time,
        value,
        count: 1,
        dimensions,
        address: None,
        user: None,
        line: b"",
    };
    minutes.add(&point);
}

fn report(id: &str, taken: Taken) -> Report {
    Report { id: id.to_owned(), taken, dialogue: String::new() }
}

fn later(why: &str) -> Taken {
    Taken::No { permanent: false, retry_after_s: None, why: why.to_owned() }
}

#[test]
fn a_minute_goes_when_it_is_over_and_is_kept_until_it_was_taken() {
    let (mut minutes, begin) = (minutes(Vec::new()), Instant::now());
    for value in [2.0, 5.0, 3.0] {
        add(&mut minutes, START.plus_s(1), value, "root");
    }
    add(&mut minutes, START.plus_s(1), 1.0, "admin");
    add(&mut minutes, START.plus_s(61), 1.0, "root");
    let end = START.plus_s(60 + GRACE_S);
    assert_eq!(minutes.due(end, begin), None, "not before the ledger has it");
    let rows = minutes.take_rows();
    assert_eq!(rows.len(), 3);
    assert_eq!(minutes.due(end.minus_s(1), begin + LOOK), None);
    let (id, bytes) = minutes.due(end, begin + 2 * LOOK).unwrap();
    let sums = decode_sums(&bytes).unwrap();
    assert_eq!(sums.len(), 2);
    let root = &sums[0];
    assert_eq!((root.count, root.sum, root.minute), (3, Amount(10.0), START));
    assert_eq!((root.least, root.most), (Amount(2.0), Amount(5.0)));
    assert_eq!(root.dimensions, [("user".to_owned(), "root".to_owned())]);
    minutes.handed(begin + 2 * LOOK);
    assert_eq!(minutes.due(end, begin + 4 * LOOK), None);
    // A courier that died says nothing: the same once more, under the same id.
    let late = begin + 3 * LOOK + NO_REPORT;
    assert_eq!(minutes.due(end, late).map(|(again, _)| again), Some(id.clone()));
    // A line that comes now belongs to none of those on their way.
    add(&mut minutes, START.plus_s(2), 7.0, "root");
    assert!(!minutes.reported(&report("metrics-0-0", later("x")), late));
    assert!(minutes.reported(&report(&id, Taken::Yes { said: String::new() }), late));
    let rows = minutes.take_rows();
    assert!(matches!(&rows[..2], [StateRow::NoSum(1), StateRow::NoSum(2)]), "{rows:?}");
    assert!(matches!(&rows[2], StateRow::Sum(sum) if sum.count == 1 && sum.minute == START));
    let (_, bytes) = minutes.due(end, late + 2 * LOOK).unwrap();
    assert_eq!(decode_sums(&bytes).unwrap()[0].sum, Amount(7.0));
}

#[test]
fn what_was_saved_is_sent_as_it_was() {
    let mut before = minutes(Vec::new());
    add(&mut before, START, 2.0, "root");
    let saved: Vec<AwsSum> = before
        .take_rows()
        .into_iter()
        .filter_map(|row| match row {
            StateRow::Sum(sum) => Some(sum),
            _ => None,
        })
        .collect();
    let mut after = minutes(saved.clone());
    add(&mut after, START, 3.0, "root");
    after.take_rows();
    let (_, bytes) = after.due(START.plus_s(100), Instant::now()).unwrap();
    let sums = decode_sums(&bytes).unwrap();
    assert_eq!((sums.len(), &sums[0]), (2, &saved[0]));
    assert_eq!(sums[1].sum, Amount(3.0));
    // Nobody wants it any more.
    let mut none = Minutes::new(saved, START);
    none.take_over(&Config::parse("m.toml", "").unwrap());
    assert!(matches!(none.take_rows()[..], [StateRow::NoSum(_)]));
}

#[test]
fn failures_wait_and_one_that_is_refused_costs_only_itself() {
    let (mut minutes, mut now) = (minutes(Vec::new()), Instant::now());
    for user in ["a", "bad", "c", "d"] {
        add(&mut minutes, START, 1.0, user);
    }
    minutes.take_rows();
    let clock = START.plus_s(100);
    let (id, _) = minutes.due(clock, now).unwrap();
    minutes.reported(&report(&id, later("no rights")), now);
    assert_eq!(minutes.take_notices()[0].key, "aws-metrics-failing");
    assert_eq!(minutes.due(clock, now + AGAIN_FIRST - LOOK), None);
    let (mut sent, mut calls) = (Vec::new(), 0);
    while sent.len() < 3 || !minutes.sums.is_empty() {
        now += AGAIN_FIRST;
        calls += 1;
        let (id, bytes) = minutes.due(clock, now).unwrap();
        let users: Vec<String> =
            decode_sums(&bytes).unwrap().iter().map(|sum| sum.dimensions[0].1.clone()).collect();
        let is_bad = users.iter().any(|user| user == "bad");
        let why = "unfit".to_owned();
        let taken = match is_bad {
            true => Taken::No { permanent: true, retry_after_s: None, why },
            false => Taken::Yes { said: String::new() },
        };
        minutes.reported(&report(&id, taken), now);
        if !is_bad {
            sent.extend(users);
        }
        assert!(calls < 20);
    }
    assert_eq!(sent, ["a", "c", "d"]);
}

#[test]
fn whatever_strangers_type_takes_bounded_memory() {
    let mut minutes = minutes(Vec::new());
    for at in 0..2 * AWS_SUMS_MAX {
        add(&mut minutes, START, f64::NAN, "x");
        add(&mut minutes, START, 1.0, &format!("{at}{}", "é".repeat(2000)));
    }
    assert!(minutes.sums.len() <= AWS_SUMS_MAX && minutes.open.len() <= AWS_SUMS_MAX);
    assert_eq!(minutes.take_notices()[0].key, "aws-metrics-dropped");
    minutes.take_rows();
    let (_, bytes) = minutes.due(START.plus_s(100), Instant::now()).unwrap();
    assert!(bytes.len() <= AWS_SUMS_BYTES_MAX && !decode_sums(&bytes).unwrap().is_empty());
}
