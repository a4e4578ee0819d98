use std::time::Instant;

use monban_model::{
    Because, Decision, Earlier, Event, Finding, FindingKind, Login, Notice, Record, Scope, ToldBy,
    Verdict,
};
use tempfile::TempDir;

use super::*;
use crate::{Batch, Ledger};

const START: Stamp = Stamp(1_790_000_000_000);

fn span() -> DigestSpan {
    DigestSpan {
        before: START.plus_s(0).plus_ms(-86_400_000),
        start: START,
        end: START.plus_s(86_400),
    }
}

/// Somebody hammers and is blocked: two records.
fn attack(records: &mut Vec<Record>, time: Stamp, host: u64, service: &str, user: &[u8]) {
    let seq = records.len() as u64 + 1;
    let address: Address =
        format!("198.{}.{}.{}", 18 + (host >> 16 & 1), host >> 8 & 255, host & 255)
            .parse()
            .unwrap();
    let subject = address.to_string().parse().unwrap();
    let finding = Finding {
        kind: FindingKind::BruteForce,
        subject,
        address,
        service: service.to_owned(),
        user: Some(user.to_vec()),
        method: None,
        policy: "default".to_owned(),
        failures: 5,
        window_s: 600,
        first: time,
        last: time,
        evidence: Vec::new(),
    };
    records.push(Record { seq: Seq(seq), time, event: Event::Found(Box::new(finding)) });
    let decision = Decision {
        subject,
        verdict: Verdict::Block { until: None },
        scope: Scope::All,
        because: Because::Policy,
        finding: Some(Seq(seq)),
        policy: "default".to_owned(),
        earlier: 0,
    };
    records.push(Record { seq: Seq(seq + 1), time, event: Event::Decided(decision) });
}

fn login(records: &mut Vec<Record>, time: Stamp, user: &[u8], last: Option<Stamp>) {
    let address: Address = "203.0.113.9".parse().unwrap();
    let login = Login {
        user: Some(user.to_vec()),
        by: None,
        address: Some(address),
        subject: None,
        service: "sshd".to_owned(),
        method: None,
        key: None,
        terminal: None,
        told_by: ToldBy::Log,
        earlier: Earlier { ever: last, network: last, address: last },
        failures: 0,
        evidence: Vec::new(),
    };
    let seq = Seq(records.len() as u64 + 1);
    records.push(Record { seq, time, event: Event::Entered(Box::new(login)) });
}

fn written(records: Vec<Record>) -> TempDir {
    let folder = TempDir::new().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    for part in records.chunks(10_000) {
        ledger.commit(&Batch { records: part.to_vec(), ..Batch::default() }).unwrap();
    }
    ledger.close().unwrap();
    folder
}

#[test]
fn a_day_is_counted_and_compared_and_what_lies_beside_it_is_not() {
    let mut records = Vec::new();
    attack(&mut records, START.plus_ms(-86_400_001), 1, "sshd", b"too old");
    attack(&mut records, START.plus_ms(-1), 1, "sshd", b"root");
    attack(&mut records, START, 1, "sshd", b"root");
    attack(&mut records, START.plus_s(900), 2, "dovecot", b"root");
    // A line that came late: its record has a higher number than newer ones.
    attack(&mut records, START.plus_s(899), 1, "postfix", b"\xff\0");
    login(&mut records, START.plus_s(60), b"alice", None);
    login(&mut records, START.plus_s(61), b"alice", Some(START));
    login(&mut records, START.plus_s(62), b"bob", Some(START));
    let seq = Seq(records.len() as u64 + 1);
    let notice = Notice { key: "source-gone".to_owned(), values: Vec::new() };
    records.push(Record { seq, time: START.plus_s(70), event: Event::Noticed(notice) });
    attack(&mut records, START.plus_s(86_400), 3, "sshd", b"tomorrow");
    let folder = written(records);
    let rows = Reader::open(folder.path()).unwrap().digest(span()).unwrap();
    assert_eq!(rows.counts.blocks, Compared { now: 3, before: 1 });
    assert_eq!(rows.counts.attackers, Compared { now: 2, before: 1 });
    assert_eq!(rows.counts.logins, Compared { now: 3, before: 0 });
    let blocks: Vec<(u64, &str, u64)> =
        rows.blocks.iter().map(|row| (row.quarter, row.service.as_str(), row.count)).collect();
    assert_eq!(blocks, [(0, "postfix", 1), (0, "sshd", 1), (1, "dovecot", 1)]);
    assert_eq!(rows.attackers[0].tries, 10);
    assert_eq!(rows.attackers[0].services, ["postfix", "sshd"]);
    assert_eq!(rows.names[0], DigestName { user: b"root".to_vec(), attackers: 2 });
    assert_eq!(rows.names[1].user, b"\xff\0");
    let logins: Vec<(&[u8], u64, bool)> =
        rows.logins.iter().map(|row| (&*row.user, row.count, row.is_new)).collect();
    assert_eq!(logins, [(&b"alice"[..], 2, true), (&b"bob"[..], 1, false)]);
    assert_eq!((rows.logins_more, rows.new_places), (0, 1));
    assert_eq!(rows.notices, [DigestThing { key: "source-gone".to_owned(), count: 1, last: seq }]);
}

#[test]
fn an_empty_ledger_has_an_empty_day() {
    let folder = written(Vec::new());
    let rows = Reader::open(folder.path()).unwrap().digest(span()).unwrap();
    let bytes = rows.bytes;
    assert_eq!(rows, DigestRows { bytes, ..DigestRows::default() });
}

/// Says how long it takes: with `MONBAN_DIGEST_ATTACKS=150000`, which are 300,000 records, and
/// `--nocapture`.
#[test]
fn a_flood_is_counted_and_few_are_named() {
    let attacks: u64 =
        std::env::var("MONBAN_DIGEST_ATTACKS").map_or(5_000, |number| number.parse().unwrap());
    let mut records = Vec::new();
    for number in 0..attacks {
        let time = START.plus_ms((number as i64) * 575);
        let service = ["sshd", "dovecot", "postfix"][(number % 3) as usize];
        let user = format!("user{}", number % 5000);
        attack(&mut records, time, number, service, user.as_bytes());
    }
    let folder = written(records);
    let reader = Reader::open(folder.path()).unwrap();
    for round in 0..2 {
        let begin = Instant::now();
        let rows = reader.digest(span()).unwrap();
        eprintln!("round {round}: {:?}, {} MiB", begin.elapsed(), rows.bytes >> 20);
        assert_eq!(rows.counts.blocks.now, attacks);
        assert_eq!(rows.attackers.len(), DIGEST_ATTACKERS_MAX);
    }
}
