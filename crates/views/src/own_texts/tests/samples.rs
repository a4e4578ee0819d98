//! A message of each kind, for tests.

use std::collections::HashMap;

use monban_model::{
    Address, AlarmChange, AlarmState, Asn, Because, ByOrigin, Contributor, Decision, Earlier,
    Event, Evidence, Finding, FindingKind, HostFinding, Letter, Login, Net, Notice, OrderId,
    Origin, Outcome, OutcomeResult, Reason, Record, ReportKind, Scope, Semantics, Seq, Severity,
    Stamp, Standing, Subject, ToldBy, TopEntry, Verdict,
};

use crate::alarms::tests::change;
use crate::digest::tests::{read, two_weeks};
use crate::letter::Code;
use crate::{Envelope, Here, Known, LetterWriter, Say, Whereabouts};

const NOW: Stamp = Stamp(1_800_000_000_000);

fn address() -> Address {
    "203.0.113.9".parse().unwrap()
}

pub(super) fn here(guards: bool) -> Here {
    Here { host: "web1".to_owned(), home: None, guards }
}

/// Where the address is, by a name that does not lead back to it, and what decisions rest on.
pub(super) fn known() -> Known {
    let place = Whereabouts {
        origin: Origin { country: "JP".parse().ok(), asn: Some(Asn(4713)) },
        network: "OCN".to_owned(),
        name: "host.example".to_owned(),
        name_confirmed: false,
        abuse: "abuse@provider.example".to_owned(),
    };
    let rests_on = Record { seq: Seq(1), ..record(Event::Found(finding().into())) };
    Known::new(HashMap::from([(address(), place)]), &[rests_on])
}

fn line() -> Evidence {
    Evidence { time: NOW, rule: "r".to_owned(), weight: 1, line: b"a line".to_vec() }
}

pub(super) fn record(event: Event) -> Record {
    Record { seq: Seq(7), time: NOW, event }
}

pub(super) fn envelope(more: u64) -> Envelope {
    Envelope {
        id: "7-first.web1".to_owned(),
        thread: "login:alice".to_owned(),
        topic: "default".to_owned(),
        severity: Severity::Warning,
        standing: Standing::Once,
        more,
        again: false,
    }
}

fn entered(user: &[u8]) -> Login {
    Login {
        user: Some(user.to_vec()),
        by: None,
        address: Some(address()),
        subject: None,
        service: "sshd".to_owned(),
        method: Some(b"publickey".to_vec()),
        key: Some(b"ED25519".to_vec()),
        terminal: Some(b"pts/0".to_vec()),
        told_by: ToldBy::Hook,
        earlier: Earlier::default(),
        failures: 0,
        evidence: vec![line()],
    }
}

pub(super) fn login(user: &[u8]) -> Event {
    Event::Entered(entered(user).into())
}

fn logins() -> Vec<Event> {
    let ever = Earlier { ever: Some(Stamp(7)), ..Earlier::default() };
    let network = Earlier { network: Some(Stamp(8)), ..ever };
    let all = [
        entered(b"alice"),
        Login { earlier: ever, failures: 3, ..entered(b"alice") },
        Login { earlier: network, failures: 1, ..entered(b"alice") },
        Login { address: None, ..entered(b"alice") },
        Login { by: Some(b"bob".to_vec()), ..entered(b"root") },
    ];
    all.into_iter().map(|login| Event::Entered(login.into())).collect()
}

fn finding() -> Finding {
    Finding {
        kind: FindingKind::BruteForce,
        subject: Subject::of(address()),
        address: address(),
        service: "sshd".to_owned(),
        user: Some(b"root".to_vec()),
        method: None,
        policy: "default".to_owned(),
        failures: 5,
        window_s: 600,
        first: NOW,
        last: NOW,
        evidence: vec![line()],
    }
}

fn decisions() -> Vec<Event> {
    let net: Net = "203.0.113.0/24".parse().unwrap();
    let by_hand = || Because::Operator("why".to_owned());
    let end = Verdict::Block { until: Some(NOW.plus_s(60)) };
    let forever = Verdict::Block { until: None };
    let from = Origin { country: "CN".parse().ok(), asn: Some(Asn(4134)) };
    let place = "monban.toml:5".to_owned();
    let by_origin =
        || Because::Origin(Box::new(ByOrigin { from, number: 2, place: place.clone() }));
    let mut all = Vec::new();
    for policy in ["default", "jail sshd"] {
        for (verdict, because) in [
            (end, Because::Policy),
            (forever, Because::Policy),
            (end, by_origin()),
            (forever, by_origin()),
            (end, by_hand()),
            (forever, by_hand()),
            (end, Because::Operator(String::new())),
            (forever, Because::Operator(String::new())),
            (Verdict::Free, by_hand()),
            (Verdict::Free, Because::Allowed(net)),
            (Verdict::Free, Because::Administrator),
            (Verdict::Free, Because::TooWide),
            (Verdict::Free, Because::Named("203.0.113.9".to_owned())),
            (Verdict::Nothing, Because::Administrator),
            (Verdict::Nothing, Because::TooManyBlocks),
        ] {
            all.push(Event::Decided(Decision {
                subject: Subject::of(address()),
                verdict,
                scope: Scope::All,
                because,
                finding: Some(Seq(1)),
                policy: policy.to_owned(),
                earlier: 0,
            }));
        }
    }
    all
}

fn outcomes() -> Vec<Event> {
    let results = [OutcomeResult::Refused("no".to_owned()), OutcomeResult::Failed("no".to_owned())];
    let of = |result| Outcome { order: OrderId(1), subject: Subject::of(address()), result };
    results.map(|result| Event::Happened(of(result))).to_vec()
}

fn alarms() -> Vec<Event> {
    let entry = || vec![TopEntry { name: b"x".to_vec(), count: 7, over: 2 }];
    let full = AlarmChange {
        description: "what".to_owned(),
        contributor: Some(Contributor { by: "user".to_owned(), value: b"x".to_vec() }),
        addresses: entry(),
        users: entry(),
        samples: vec![line()],
        rule: "ALARM(x)".to_owned(),
        ..change(Semantics::Monban)
    };
    let ends = [Reason::Created, Reason::Evicted, Reason::Removed, Reason::Unknown { periods: 3 }];
    let ends =
        ends.map(|reason| AlarmChange { reason, new: AlarmState::Ok, ..change(Semantics::Monban) });
    let again = AlarmChange { again: Some(37), ..full.clone() };
    let all = [vec![full, again, change(Semantics::Aws)], ends.to_vec()].concat();
    all.into_iter().map(|change| Event::Alarmed(change.into())).collect()
}

/// Findings about this host, and what their values are called.
pub(super) const FOUND: [(&str, &[&str]); 32] = [
    ("sudo-refused", &["target", "command", "terminal", "more"]),
    ("su-refused", &["target", "command", "terminal", "more"]),
    ("sudo-first", &["target", "command", "terminal", "more"]),
    ("origin-failure", &["address", "origin", "rule", "more"]),
    ("origin-login", &["address", "origin", "rule", "more"]),
    ("login-unconfirmed", &["address", "more"]),
    ("login-unlogged", &["address", "more"]),
    ("pam-well", &[]),
    ("pam-crlf", &["file"]),
    ("pam-elsewhere", &["file", "path"]),
    ("pam-gone", &["file", "service", "line"]),
    ("pam-hook-user-environment", &["file", "program", "reader"]),
    ("pam-include-missing", &["file", "name"]),
    ("pam-no-file", &["file", "error"]),
    ("pam-no-rules", &["file", "service"]),
    ("pam-no-session", &["file"]),
    ("pam-not-optional", &["file", "control"]),
    ("pam-other-arguments", &["file", "line"]),
    ("pam-other-program", &["file", "program", "expected"]),
    ("pam-other-service", &["file", "name"]),
    ("pam-passed-over", &["file", "control"]),
    ("pam-program-missing", &["file", "program"]),
    ("pam-program-not-executable", &["file", "program"]),
    ("pam-program-owner", &["file", "program", "path", "uid"]),
    ("pam-program-writable", &["file", "program", "path", "mode"]),
    ("pam-script-user-environment", &["file", "program", "reader"]),
    ("pam-twice", &["file", "service"]),
    ("pam-two-messages", &["file", "service", "program"]),
    ("pam-unended", &["file"]),
    ("pam-usepam-in-match", &["file"]),
    ("pam-usepam-no", &["file"]),
    ("pam-usepam-unset", &["file"]),
];

fn found() -> Vec<Event> {
    let of = |(key, names): (&str, &[&str])| HostFinding {
        key: key.to_owned(),
        severity: Severity::Notice,
        service: "sudo".to_owned(),
        user: Some(b"alice".to_vec()),
        values: names.iter().map(|name| ((*name).to_owned(), "7".to_owned())).collect(),
        evidence: vec![line()],
    };
    FOUND.into_iter().map(|one| Event::FoundHere(of(one).into())).collect()
}

fn notices() -> Vec<Event> {
    let keys = ["firewall-broken", "source-gone", "disk-back", "aws-metrics-failing", "evicted"];
    keys.map(|key| Event::Noticed(Notice { key: key.to_owned(), values: Vec::new() })).to_vec()
}

/// Letters of all kinds.
pub(super) fn letters(say: &Say) -> Vec<Letter> {
    [true, false].into_iter().flat_map(|guards| letters_of(say, guards)).collect()
}

fn letters_of(say: &Say, guards: bool) -> Vec<Letter> {
    let writer = LetterWriter::new(say.clone(), here(guards));
    let known = known();
    let write = |records: &[Record], more| writer.write(records, &envelope(more), &known, NOW);
    let single = [logins(), decisions(), outcomes(), alarms(), found(), notices()].concat();
    let records: Vec<Record> = single.into_iter().map(record).collect();
    let mut all: Vec<_> = records.iter().map(|one| write(std::slice::from_ref(one), 0)).collect();
    all.push(write(&records, 12));
    let code = || Code { subscription: "mail", code: "k3mh-9xwt-p2ra" };
    all.push(writer.confirm(&envelope(0), NOW, code()));
    all.push(writer.left(&envelope(0), NOW, "chat"));
    all.push(writer.failing(&envelope(0), NOW, "chat", "why"));
    all.push(writer.dark(&envelope(0), NOW, "default"));
    let mut test = writer.test(&envelope(0), NOW);
    writer.sign(&mut test, code());
    all.push(test);
    let folder = two_weeks();
    for kind in [ReportKind::Daily, ReportKind::Weekly] {
        all.push(writer.report(&envelope(0), &read(&folder, kind)));
    }
    all
}
