//! Reading beside the writer, after it, and where nothing can be written.

use std::fs;
use std::path::Path;

use monban_ledger::{Batch, Cause, FILE_NAME, Ledger, LedgerError, Reader, Unmade};
use monban_model::{
    Because, BlockRow, ByOrigin, Decision, Event, HistoryRow, JailBan, JailRow, JailRowKind, Made,
    Record, Scope, Seq, StateRow, Subject, SuccessRow, Verdict,
};

use crate::sample::{self, named};

fn filled(folder: &Path) -> Ledger {
    let (mut ledger, _) = Ledger::open(folder).unwrap();
    let mut batch = sample::of_state(sample::every_row());
    for text in ["10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "2001:db8::/32", "0.0.0.0/0"] {
        batch.state.push(StateRow::Block(sample::block(named(text))));
    }
    for (n, text) in (0..).zip(["10.1.2.3", "10.1.2.0/24", "10.1.2.3", "10.9.9.9"]) {
        let from = "10.1.2.3".parse().unwrap();
        batch.records.extend(sample::story(n * 4 + 1, named(text), from));
    }
    batch.positions.push(sample::position("/var/log/auth.log", 7));
    batch.meta.push(("a".to_owned(), "b".to_owned()));
    ledger.commit(&batch).unwrap();
    ledger
}

fn subjects(reader: &Reader, text: &str) -> Vec<String> {
    let found = reader.block(named(text)).unwrap();
    found.into_iter().map(|block| block.subject.to_string()).collect()
}

#[test]
fn an_address_is_found_in_the_networks_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let _ledger = filled(folder.path());
    let reader = Reader::open(folder.path()).unwrap();
    let around = ["10.1.2.3", "10.1.2.0/24", "10.1.0.0/16", "0.0.0.0/0"];
    assert_eq!(subjects(&reader, "10.1.2.3"), around);
    assert_eq!(subjects(&reader, "10.1.2.4"), around[1..]);
    assert_eq!(subjects(&reader, "192.0.2.1"), ["0.0.0.0/0"]);
    assert_eq!(subjects(&reader, "2001:db8:1::5"), ["2001:db8::/32"]);
    assert_eq!(subjects(&reader, "2001:db9::1"), [""; 0]);

    let of = |text| -> Vec<u64> {
        let found = reader.records_of(named(text), 6).unwrap();
        found.into_iter().map(|record| record.seq.0).collect()
    };
    assert_eq!(of("10.1.2.3"), [12, 11, 10, 9, 8, 7], "newest first, its network among them");
    assert_eq!(of("10.1.2.9"), [8, 7, 6, 5]);
    assert_eq!(of("::1"), [0; 0]);
}

#[test]
fn everything_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = filled(folder.path());
    let reader = Reader::open(folder.path()).unwrap();
    let subject = sample::subject(1);
    assert_eq!(reader.tallies_of(subject).unwrap(), [sample::tally(1, 5)]);
    let history = HistoryRow { subject, blocks: 4, last: sample::time(2) };
    assert_eq!(reader.history(subject).unwrap(), [history]);
    let (address, last) = (sample::address(1), sample::time(3));
    let success = SuccessRow { address, last, by_key: Some(sample::time(2)) };
    assert_eq!(reader.success(address).unwrap(), Some(success));
    assert_eq!(reader.success(sample::address(2)).unwrap(), None);
    assert_eq!(reader.positions().unwrap().len(), 1);
    assert_eq!(reader.blocks().unwrap().len(), 6);
    assert_eq!(reader.meta("a").unwrap().as_deref(), Some("b"));
    assert_eq!(reader.meta("c").unwrap(), None);
    assert_eq!(reader.last_seq().unwrap(), Seq(16));
    assert_eq!(reader.record(Seq(17)).unwrap(), None);
    assert_eq!(reader.record(Seq(u64::MAX)).unwrap(), None);
    assert_eq!(reader.records_after(Seq(14), 10).unwrap().len(), 2);
    assert_eq!(reader.records_after(Seq(0), 3).unwrap().len(), 3);
    let counts = reader.counts().unwrap();
    assert_eq!((counts.records, counts.blocks, counts.tallies), (16, 6, 1));

    // What the writer commits is seen by the next call, and the reader does not stop it.
    ledger.commit(&sample::of_records(sample::story(17, subject, address))).unwrap();
    assert_eq!(reader.last_seq().unwrap(), Seq(20));
    ledger.close().unwrap();
    assert_eq!(reader.last_seq().unwrap(), Seq(20));
}

#[test]
fn it_reads_when_the_daemon_is_down_however_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = filled(folder.path());
    // A copy of the files as a kill leaves them, with and without what is beside the file.
    let killed = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    assert_eq!(Reader::open(killed.path()).unwrap().last_seq().unwrap(), Seq(16));
    fs::remove_file(killed.path().join("ledger.db-shm")).unwrap();
    assert_eq!(Reader::open(killed.path()).unwrap().last_seq().unwrap(), Seq(16));
    ledger.close().unwrap();
    assert!(!folder.path().join("ledger.db-wal").exists());
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.last_seq().unwrap(), Seq(16));
    assert!(!reader.misses_latest());
}

#[test]
fn without_a_ledger_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    assert_eq!(Reader::open(folder.path()).unwrap_err(), LedgerError::Missing(path.clone()));
    fs::write(&path, b"").unwrap();
    assert_eq!(Reader::open(folder.path()).unwrap_err(), LedgerError::Missing(path.clone()));
    fs::write(&path, "text ".repeat(1000)).unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(LedgerError::Damaged(_))));
    assert!(path.exists(), "a reader moves nothing");
}

#[test]
fn ten_thousand_look_ups() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let rows = (0..20_000).map(|n| StateRow::Block(sample::block(sample::subject(n)))).collect();
    ledger.commit(&sample::of_state(rows)).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let begun = std::time::Instant::now();
    let found: usize =
        (0..10_000).map(|n| reader.block(Subject::of(sample::address(n * 2))).unwrap().len()).sum();
    println!("10,000 blocks looked up with the networks around them: {:?}", begun.elapsed());
    assert_eq!(found, 10_000);
}

#[test]
fn a_block_is_told_with_what_led_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = filled(folder.path());
    let banned = named("198.51.100.7");
    let by_hand = BlockRow { policy: String::new(), ..sample::block(banned) };
    let past = HistoryRow { subject: named("10.1.2.3"), blocks: 3, last: sample::time(2) };
    let state = vec![StateRow::Block(by_hand), StateRow::History(past)];
    ledger.commit(&sample::of_state(state)).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let causes = reader.causes().unwrap();
    let of = |text: &str| {
        let found = causes.iter().find(|((subject, ..), _)| *subject == named(text));
        found.unwrap().1.clone()
    };
    let counted = Cause {
        blocks: 3,
        service: Some("sshd".to_owned()),
        rule: Some("sshd/failed-password".to_owned()),
        failures: 5,
        by_hand: false,
        taken_over: false,
        origin: None,
    };
    assert_eq!(of("10.1.2.3"), counted);
    assert_eq!(of("198.51.100.7"), Cause::default(), "no finding led to an operator's block");
    assert_eq!(causes.len(), 7);
}

#[test]
fn a_block_because_of_an_origin_is_told_with_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let by: ByOrigin = "CN, AS4134 by [[origin]] 2 at monban.toml:12".parse().unwrap();
    let block = sample::block(named("198.51.100.7"));
    let decision = Decision {
        subject: block.subject,
        verdict: Verdict::Block { until: block.until },
        scope: block.scope.clone(),
        because: Because::Origin(Box::new(by.clone())),
        finding: None,
        policy: block.policy.clone(),
        earlier: 0,
    };
    let event = Event::Decided(decision);
    let records = vec![Record { seq: Seq(1), time: block.since, event }];
    let batch = Batch { records, state: vec![StateRow::Block(block)], ..Batch::default() };
    ledger.commit(&batch).unwrap();
    let causes = Reader::open(folder.path()).unwrap().causes().unwrap();
    let told: Vec<_> = causes.values().map(|cause| cause.origin.as_deref()).collect();
    assert_eq!(told, [Some(&by)]);
}

#[test]
fn a_ban_of_a_jail_is_told_with_its_number_and_who_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let ban = |jail: &str, id: &str, earlier| {
        let made = if earlier == 4 { Made::Not } else { Made::Whole };
        let ban = JailBan { since: sample::time(1), until: None, earlier, made };
        StateRow::Jail(JailRow {
            jail: jail.to_owned(),
            kind: JailRowKind::Ban,
            id: id.to_owned(),
            ban: Some(ban),
            data: Some(vec![1]),
        })
    };
    let state = vec![
        ban("sshd", "192.0.2.1", 2),
        ban("web", "192.0.2.1", 0),
        ban("sshd", "2001:db8::1", 0),
        ban("sshd", "text root", 0),
        ban("web", "192.0.2.9", 4),
    ];
    let decided = |seq, subject: &str, jail: &str, because| {
        let decision = Decision {
            subject: subject.parse().unwrap(),
            verdict: Verdict::Block { until: None },
            scope: Scope::All,
            because,
            finding: None,
            policy: format!("jail {jail}"),
            earlier: 0,
        };
        Record { seq: Seq(seq), time: sample::time(1), event: Event::Decided(decision) }
    };
    let records = vec![
        decided(1, "192.0.2.1/32", "sshd", Because::Policy),
        decided(2, "192.0.2.1/32", "web", Because::Operator(String::new())),
        decided(3, "2001:db8::1/128", "sshd", Because::Operator(String::new())),
        decided(4, "192.0.2.9/32", "web", Because::TakenOver),
    ];
    ledger.commit(&Batch { records, state, ..Batch::default() }).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let causes = reader.causes().unwrap();
    let unmade = (("192.0.2.9".parse().unwrap(), "jail web".to_owned()), Made::Not);
    assert_eq!(reader.unmade().unwrap(), Unmade::from([unmade]));
    let of = |subject: &str, jail: &str| {
        let found = &causes[&(subject.parse().unwrap(), Scope::All, format!("jail {jail}"))];
        (found.blocks, found.by_hand, found.taken_over)
    };
    assert_eq!(of("192.0.2.1", "sshd"), (3, false, false));
    assert_eq!(of("192.0.2.1", "web"), (1, true, false));
    assert_eq!(of("2001:db8::1/128", "sshd"), (1, true, false));
    assert_eq!(of("192.0.2.9", "web"), (5, false, true));
    assert_eq!(causes.len(), 4, "an ID that is no address is in no list of blocks");
}
