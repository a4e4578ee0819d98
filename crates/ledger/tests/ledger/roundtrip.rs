//! What goes in comes out, byte for byte.

use monban_ledger::{Batch, Ledger, Reader};
use monban_model::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::sample;

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Address::new(std::net::Ipv4Addr::from_bits(bits).into())),
        any::<u128>().prop_map(|bits| Address::new(std::net::Ipv6Addr::from_bits(bits).into())),
        Just("::ffff:1.2.3.4".parse().unwrap()),
        Just("::".parse().unwrap()),
        Just("::1.2.3.4".parse().unwrap()),
    ]
}

fn net() -> impl Strategy<Value = Net> {
    (address(), 0_u8..=128).prop_map(|(address, prefix)| {
        Net::new(address.ip(), prefix).unwrap_or_else(|| Net::host(address))
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![address().prop_map(Subject::of), net().prop_map(Subject::exactly)]
}

fn stamp() -> impl Strategy<Value = Stamp> {
    any::<i64>().prop_map(Stamp)
}

/// Bytes as attackers type them.
fn typed() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..limits::EVIDENCE_TEXT_MAX),
        ".{0,40}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            &b""[..],
            b"root\0--",
            b"'; DROP TABLE records; --",
            b"\xff\xfe",
            b"\x1b[2J%s%n",
            "\u{feff}\u{202e}日本".as_bytes(),
            b"1e400",
        ])
        .prop_map(<[u8]>::to_vec),
    ]
}

fn text() -> impl Strategy<Value = String> {
    typed().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::All), vec(any::<u16>(), 0..limits::PORTS_MAX).prop_map(Scope::Ports)]
}

fn evidence() -> impl Strategy<Value = Vec<Evidence>> {
    let one = (stamp(), text(), any::<u32>(), typed())
        .prop_map(|(time, rule, weight, line)| Evidence { time, rule, weight, line });
    vec(one, 0..=limits::EVIDENCE_LINES_MAX)
}

fn found() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![Just(FindingKind::BruteForce), Just(FindingKind::SlowBruteForce)];
    let who = (kind, subject(), address(), text(), option::of(typed()), option::of(typed()));
    let count = (text(), any::<u32>(), any::<u64>(), stamp(), stamp(), evidence());
    (who, count).prop_map(|(who, count)| {
        let (kind, subject, address, service, user, method) = who;
        let (policy, failures, window_s, first, last, evidence) = count;
        Event::Found(Box::new(Finding {
            kind,
            subject,
            address,
            service,
            user,
            method,
            policy,
            failures,
            window_s,
            first,
            last,
            evidence,
        }))
    })
}

fn entered() -> impl Strategy<Value = Event> {
    let typed = || option::of(typed());
    let who = (typed(), typed(), option::of(address()), option::of(subject()), text());
    let how = (typed(), typed(), typed(), (0..3_usize).prop_map(|at| ToldBy::ALL[at]));
    let earlier = (option::of(stamp()), option::of(stamp()), option::of(stamp()))
        .prop_map(|(ever, network, address)| Earlier { ever, network, address });
    (who, how, earlier, any::<u32>(), evidence()).prop_map(
        |(who, how, earlier, failures, evidence)| {
            let (user, by, address, subject, service) = who;
            let (method, key, terminal, told_by) = how;
            Event::Entered(Box::new(Login {
                user,
                by,
                address,
                subject,
                service,
                method,
                key,
                terminal,
                told_by,
                earlier,
                failures,
                evidence,
            }))
        },
    )
}

fn found_here() -> impl Strategy<Value = Event> {
    let severity = (0..4_usize).prop_map(|at| Severity::ALL[at]);
    let values = vec((text(), text()), 0..5);
    (text(), severity, text(), option::of(typed()), values, evidence()).prop_map(
        |(key, severity, service, user, values, evidence)| {
            let finding = HostFinding { key, severity, service, user, values, evidence };
            Event::FoundHere(Box::new(finding))
        },
    )
}

fn because() -> impl Strategy<Value = Because> {
    prop_oneof![
        Just(Because::Policy),
        net().prop_map(Because::Allowed),
        Just(Because::Administrator),
        Just(Because::TooWide),
        Just(Because::PolicyObserves),
        Just(Because::AlreadyBlocked),
        Just(Because::TooManyBlocks),
        text().prop_map(Because::Operator),
        Just(Because::Expired),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![
        option::of(stamp()).prop_map(|until| Verdict::Block { until }),
        Just(Verdict::Free),
        Just(Verdict::Nothing),
    ];
    let finding = option::of((0..i64::MAX as u64).prop_map(Seq));
    let decided = (subject(), verdict, scope(), because(), finding, text(), any::<u32>()).prop_map(
        |(subject, verdict, scope, because, finding, policy, earlier)| {
            Event::Decided(Decision { subject, verdict, scope, because, finding, policy, earlier })
        },
    );
    let act = prop_oneof![
        (scope(), option::of(stamp())).prop_map(|(scope, until)| OrderAct::Block { scope, until }),
        Just(OrderAct::Free),
    ];
    let ordered = (any::<u64>(), subject(), act)
        .prop_map(|(id, subject, act)| Event::Ordered(Order { id: OrderId(id), subject, act }));
    let result = prop_oneof![
        Just(OutcomeResult::Applied),
        Just(OutcomeResult::Observed),
        text().prop_map(OutcomeResult::Refused),
        text().prop_map(OutcomeResult::Failed),
    ];
    let happened = (any::<u64>(), subject(), result).prop_map(|(order, subject, result)| {
        Event::Happened(Outcome { order: OrderId(order), subject, result })
    });
    let noticed = (text(), vec((text(), text()), 0..5))
        .prop_map(|(key, values)| Event::Noticed(Notice { key, values }));
    prop_oneof![found(), entered(), found_here(), decided, ordered, happened, noticed]
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    vec((stamp(), event()), 1..12).prop_map(|events| {
        let numbered = (1_u64..).zip(events);
        numbered.map(|(seq, (time, event))| Record { seq: Seq(seq), time, event }).collect()
    })
}

fn subject_of(event: &Event) -> Option<Subject> {
    match event {
        Event::Found(finding) => Some(finding.subject),
        Event::Decided(decision) => Some(decision.subject),
        Event::Ordered(order) => Some(order.subject),
        Event::Happened(outcome) => Some(outcome.subject),
        Event::Entered(login) => login.subject,
        Event::FoundHere(_) | Event::Noticed(_) | Event::Alarmed(_) => None,
    }
}

fn tally() -> impl Strategy<Value = TallyRow> {
    let marks = vec((stamp(), any::<u64>()), 0..20);
    let lines =
        (evidence(), any::<u64>(), any::<bool>()).prop_map(|(evidence, connection, main)| {
            evidence
                .into_iter()
                .map(|evidence| TallyLine { evidence, connection, main })
                .collect::<Vec<_>>()
        });
    (text(), subject(), stamp(), stamp(), any::<u64>(), marks, lines).prop_map(
        |(policy, subject, first, last, total, marks, evidence)| TallyRow {
            policy,
            subject,
            first,
            last,
            total,
            marks,
            evidence,
        },
    )
}

fn block() -> impl Strategy<Value = BlockRow> {
    (subject(), scope(), stamp(), option::of(stamp()), text(), text()).prop_map(
        |(subject, scope, since, until, policy, why)| BlockRow {
            subject,
            scope,
            since,
            until,
            policy,
            why,
        },
    )
}

fn connection() -> impl Strategy<Value = ConnectionRow> {
    (any::<u64>(), option::of(address()), any::<[u32; WITNESSES]>(), any::<u32>(), stamp())
        .prop_map(|(key, address, told, pending, last)| ConnectionRow {
            key: ConnectionKey(key),
            address,
            told,
            pending,
            last,
        })
}

fn position() -> impl Strategy<Value = PositionRow> {
    let numbers = (any::<[u64; 6]>(), any::<u32>());
    (text(), numbers, vec(any::<u8>(), 0..64), stamp(), text()).prop_map(
        |(path, ([dev, ino, offset, hash, lines, sightings], covered), tail, last, cursor)| {
            let (tail, head) = (Tail(tail), (hash, covered));
            PositionRow { path, dev, ino, offset, tail, head, lines, sightings, last, cursor }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_record_reads_back_as_it_was(records in records()) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        ledger.commit(&sample::of_records(records.clone())).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        prop_assert_eq!(&reader.records_after(Seq(0), 100).unwrap(), &records);
        for record in &records {
            let again = reader.record(record.seq).unwrap();
            prop_assert_eq!(again.as_ref(), Some(record));
            if let Some(subject) = subject_of(&record.event) {
                prop_assert!(reader.records_of(subject, 100).unwrap().contains(record));
            }
        }
    }

    #[test]
    fn every_state_row_reads_back_as_it_was(
        tally in tally(), block in block(), connection in connection(), position in position(),
        who in subject(), blocks in any::<u32>(), last in stamp(), by_key in option::of(stamp()),
        from in address(), meta in (text(), text()), origin in option::of(net()), user in typed(),
    ) {
        let history = HistoryRow { subject: who, blocks, last };
        let success = SuccessRow { address: from, last, by_key };
        let meta = (format!("x{}", meta.0), meta.1);
        let service = "sshd".to_owned();
        let place = PlaceRow { service, user, origin, first: last, last, count: u64::from(blocks) };
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let batch = Batch {
            state: vec![
                StateRow::Tally(tally.clone()),
                StateRow::Block(block.clone()),
                StateRow::Connection(connection.clone()),
                StateRow::History(history),
                StateRow::Success(success),
                StateRow::Place(place.clone()),
            ],
            positions: vec![position.clone()],
            meta: vec![meta.clone()],
            ..Batch::default()
        };
        // Twice: the second time each row is there already.
        ledger.commit(&batch).unwrap();
        ledger.commit(&batch).unwrap();
        drop(ledger);
        let (mut ledger, saved) = Ledger::open(folder.path()).unwrap();
        prop_assert_eq!(&saved.tallies, std::slice::from_ref(&tally));
        prop_assert_eq!(&saved.blocks, std::slice::from_ref(&block));
        prop_assert_eq!(&saved.connections, std::slice::from_ref(&connection));
        prop_assert_eq!(&saved.history, &[history]);
        prop_assert_eq!(&saved.successes, &[success]);
        prop_assert_eq!(&saved.places, std::slice::from_ref(&place));
        prop_assert_eq!(&saved.positions, std::slice::from_ref(&position));
        prop_assert_eq!(&saved.meta, &[meta]);
        prop_assert_eq!(&saved.notices, &[]);

        let forget = Batch {
            state: vec![
                StateRow::NoTally(tally.policy, tally.subject),
                StateRow::NoBlock(block.subject, block.scope),
                StateRow::NoConnection(connection.key),
                StateRow::NoHistory(who),
                StateRow::NoSuccess(from),
                StateRow::NoPlace(place.service, place.user, place.origin),
            ],
            forgotten_positions: vec![position.path],
            ..Batch::default()
        };
        ledger.commit(&forget).unwrap();
        drop(ledger);
        let (_, saved) = Ledger::open(folder.path()).unwrap();
        let rows = saved.tallies.len() + saved.blocks.len() + saved.connections.len()
            + saved.history.len() + saved.successes.len() + saved.positions.len()
            + saved.places.len();
        prop_assert_eq!(rows, 0);
    }
}
