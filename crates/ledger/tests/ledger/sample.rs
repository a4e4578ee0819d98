//! Rows and records to write.

use monban_ledger::Batch;
use monban_model::{
    Address, Because, BlockRow, ConnectionKey, ConnectionRow, Decision, Event, Evidence, Finding,
    FindingKind, HistoryRow, Order, OrderAct, OrderId, Outcome, OutcomeResult, PlaceRow,
    PositionRow, Record, Scope, Seq, Stamp, StateRow, Subject, SuccessRow, Tail, TallyLine,
    TallyRow, Verdict,
};

/// The n-th IPv4 address from 10.0.0.0.
pub(crate) fn address(n: u32) -> Address {
    Address::new(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into())
}

pub(crate) fn subject(n: u32) -> Subject {
    Subject::of(address(n))
}

pub(crate) fn named(text: &str) -> Subject {
    text.parse().unwrap()
}

pub(crate) fn time(n: u64) -> Stamp {
    Stamp::from_s(1_790_000_000).plus_s(n)
}

/// A line of the length of sshd's.
pub(crate) fn evidence(n: u32) -> Evidence {
    let line = format!(
        "Nov 22 05:33:{:02} host sshd[{n}]: Failed password for invalid user admin from {} port {} ssh2",
        n % 60,
        address(n),
        n % 65_536,
    );
    Evidence {
        time: time(u64::from(n)),
        rule: "sshd/failed-password".to_owned(),
        weight: 1,
        line: line.into_bytes(),
    }
}

pub(crate) fn tally(n: u32, lines: u32) -> TallyRow {
    TallyRow {
        policy: "ssh".to_owned(),
        subject: subject(n),
        first: time(0),
        last: time(u64::from(n)),
        total: u64::from(lines),
        marks: (0..lines).map(|i| (time(u64::from(n + i)), u64::from(n) << 32)).collect(),
        evidence: (0..lines).map(|i| tally_line(n + i)).collect(),
    }
}

fn tally_line(n: u32) -> TallyLine {
    TallyLine { evidence: evidence(n), connection: u64::from(n) << 32, main: n.is_multiple_of(2) }
}

pub(crate) fn block(subject: Subject) -> BlockRow {
    BlockRow {
        subject,
        scope: Scope::All,
        since: time(0),
        until: Some(time(600)),
        policy: "ssh".to_owned(),
        why: String::new(),
    }
}

pub(crate) fn position(path: &str, offset: u64) -> PositionRow {
    PositionRow {
        path: path.to_owned(),
        dev: 1,
        ino: 2,
        offset,
        tail: Tail(b"last bytes\n".to_vec()),
        head: (u64::MAX - 1, 1024),
        lines: offset / 100,
        sightings: 3,
        last: time(offset),
        cursor: String::new(),
    }
}

/// One row of each kind.
pub(crate) fn every_row() -> Vec<StateRow> {
    vec![
        StateRow::Tally(tally(1, 5)),
        StateRow::Connection(ConnectionRow {
            key: ConnectionKey(u64::MAX),
            address: Some(address(1)),
            told: [1, 0, u32::MAX, 2, 1],
            pending: 3,
            last: time(1),
        }),
        StateRow::Block(block(subject(1))),
        StateRow::History(HistoryRow { subject: subject(1), blocks: 4, last: time(2) }),
        StateRow::Success(SuccessRow { address: address(1), last: time(3), by_key: Some(time(2)) }),
        StateRow::Place(PlaceRow {
            service: "sshd".to_owned(),
            user: b"alice".to_vec(),
            origin: None,
            first: time(1),
            last: time(3),
            count: 2,
        }),
    ]
}

/// What the engine writes when a window is full: finding, decision, order, outcome.
pub(crate) fn story(first_seq: u64, subject: Subject, address: Address) -> Vec<Record> {
    let at = time(first_seq);
    let finding = Finding {
        kind: FindingKind::BruteForce,
        subject,
        address,
        service: "sshd".to_owned(),
        user: Some(b"admin".to_vec()),
        method: None,
        policy: "ssh".to_owned(),
        failures: 5,
        window_s: 600,
        first: at,
        last: at,
        evidence: (0..5).map(evidence).collect(),
    };
    let until = Some(at.plus_s(600));
    let order = OrderId(first_seq);
    let events = [
        Event::Found(Box::new(finding)),
        Event::Decided(Decision {
            subject,
            verdict: Verdict::Block { until },
            scope: Scope::All,
            because: Because::Policy,
            finding: Some(Seq(first_seq)),
            policy: "ssh".to_owned(),
            earlier: 0,
        }),
        Event::Ordered(Order {
            id: order,
            subject,
            act: OrderAct::Block { scope: Scope::All, until },
        }),
        Event::Happened(Outcome { order, subject, result: OutcomeResult::Applied }),
    ];
    (first_seq..)
        .zip(events)
        .map(|(seq, event)| Record { seq: Seq(seq), time: at, event })
        .collect()
}

pub(crate) fn of_records(records: Vec<Record>) -> Batch {
    Batch { records, ..Batch::default() }
}

pub(crate) fn of_state(state: Vec<StateRow>) -> Batch {
    Batch { state, ..Batch::default() }
}

/// The file as the third form had it, with 400 connections in rows of their own.
pub fn made_older(folder: &std::path::Path) {
    let db = rusqlite::Connection::open(folder.join(monban_ledger::FILE_NAME)).unwrap();
    db.execute_batch(
        "DROP TABLE open_connections; DROP TABLE logins; DROP TABLE places;
         DROP TABLE subscriptions; DROP TABLE deliveries; DROP TABLE notify_groups;
         DROP TABLE silences; DROP TABLE aws_sums; DROP TABLE alarms; DROP TABLE alarm_changes;
         CREATE TABLE connections (key INTEGER PRIMARY KEY, address TEXT, told TEXT NOT NULL,
             pending INTEGER NOT NULL, last INTEGER NOT NULL);
         WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 400)
             INSERT INTO connections SELECT at << 54, '192.0.2.1', '1,0,2,0,0', 1, at FROM n;
         PRAGMA user_version = 3;",
    )
    .unwrap();
}
