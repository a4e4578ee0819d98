use monban_ledger::{Batch, Ledger, Reader};
use monban_model::{
    Because, Decision, Earlier, Event, Finding, FindingKind, Login, Notice, Record, ReportId,
    ReportKind, Scope, Seq, Severity, Stamp, Standing, ToldBy, Verdict,
};
use tempfile::TempDir;

use super::*;
use crate::{Envelope, Here, LetterWriter, Say, Tongue};

/// A Monday, seven in the morning in UTC.
const DUE: Stamp = Stamp(1_795_417_200_000);

fn record(records: &mut Vec<Record>, time: Stamp, event: Event) -> Seq {
    let seq = Seq(records.len() as u64 + 1);
    records.push(Record { seq, time, event });
    seq
}

fn attack(records: &mut Vec<Record>, time: Stamp, number: u64, service: &str, user: &[u8]) {
    let address: Address = format!("198.51.{}.{}", number / 250, number % 250 + 1).parse().unwrap();
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
    let finding = record(records, time, Event::Found(Box::new(finding)));
    let decision = Decision {
        subject,
        verdict: Verdict::Block { until: None },
        scope: Scope::All,
        because: Because::Policy,
        finding: Some(finding),
        policy: "default".to_owned(),
        earlier: 0,
    };
    record(records, time, Event::Decided(decision));
}

fn login(records: &mut Vec<Record>, time: Stamp, user: &[u8]) {
    let login = Login {
        user: Some(user.to_vec()),
        by: None,
        address: Some("203.0.113.9".parse().unwrap()),
        subject: None,
        service: "sshd".to_owned(),
        method: None,
        key: None,
        terminal: None,
        told_by: ToldBy::Log,
        earlier: Earlier::default(),
        failures: 2,
        evidence: Vec::new(),
    };
    record(records, time, Event::Entered(Box::new(login)));
}

/// Two weeks of attacks, more in the second one, a login and a log that went away.
pub(crate) fn two_weeks() -> TempDir {
    let mut records = Vec::new();
    let begin = DUE.minus_s(15 * 86_400);
    for number in 0..360 {
        let time = begin.plus_s(number * 3600);
        for more in 0..=number / 120 {
            let service = ["sshd", "dovecot", "\u{1b}[2Jsshd"][(number % 3) as usize];
            attack(&mut records, time, number * 3 + more, service, b"root");
        }
    }
    login(&mut records, DUE.minus_s(5 * 3600), b"alice\nbob");
    let values = vec![("path".to_owned(), "/var/log/auth.log".to_owned())];
    let notice = Notice { key: "source-gone".to_owned(), values };
    record(&mut records, DUE.minus_s(21 * 3600), Event::Noticed(notice));
    let folder = TempDir::new().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    ledger.commit(&Batch { records, ..Batch::default() }).unwrap();
    ledger.close().unwrap();
    folder
}

pub(crate) fn read(folder: &TempDir, kind: ReportKind) -> Digest {
    let reader = Reader::open(folder.path()).unwrap();
    let report = ReportId { kind, due: DUE };
    let why = "550 no such user".to_owned();
    let subscription = "mail".to_owned();
    let failing = vec![Failing { subscription, since: DUE.minus_s(60), why }];
    let find = |attackers: &[Address]| {
        HashMap::from([(attackers[0], "JP, AS64500 \u{202e}Example".to_owned())])
    };
    Digest::read(&reader, &LocalClock::of_system(), report, failing, find).unwrap()
}

#[test]
fn a_day_tells_what_happened_and_what_changed() {
    let digest = read(&two_weeks(), ReportKind::Daily);
    assert_eq!(digest.rows.counts.blocks.now, 72);
    let clock = LocalClock::of_system();
    let text = digest_text(&Say::new(Tongue::English), &clock, &digest, true);
    let head = "24 hours: 2 things to look at, 72 blocks (±0 %), 1 login (1 from a new place)\n";
    assert!(text.starts_with(head), "{text}");
    for wanted in [
        "/var/log/auth.log",
        "messages to the subscription mail do not arrive: 550 no such user (since ",
        "\"alice\\x0abob\" from 203.0.113.9, sshd, first time from there, after 2 failures from there",
        "JP, AS64500 \\u{202e}Example",
        "root 72",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains('\u{1b}') && !text.contains("digest-"), "{text}");
    assert!(!text.contains("blue"), "there is no picture: {text}");
}

#[test]
fn a_week_is_seven_whole_days_and_is_drawn_by_day_in_both_languages() {
    let digest = read(&two_weeks(), ReportKind::Weekly);
    assert_eq!(digest.bars.len(), 7);
    assert_eq!(digest.span.end.since_s(digest.span.start), 7 * 86_400);
    assert!(digest.span.end <= DUE && DUE.since_s(digest.span.end) < 86_400);
    let clock = LocalClock::of_system();
    for tongue in [Tongue::English, Tongue::Japanese] {
        let text = digest_text(&Say::new(tongue), &clock, &digest, false);
        assert!(text.contains("##########") && !text.contains("digest-"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let json = digest_json(&digest);
    assert_eq!(json["bars"].as_array().unwrap().len(), 7);
    assert_eq!(json["notices"][0]["notice"], "source-gone");
    assert_eq!(json["failing"][0]["subscription"], "mail");
}

#[test]
fn the_letter_has_a_picture_and_fits() {
    let digest = read(&two_weeks(), ReportKind::Daily);
    let envelope = Envelope {
        id: "report-1.web1".to_owned(),
        thread: "report:daily".to_owned(),
        topic: "default".to_owned(),
        severity: Severity::Info,
        standing: Standing::Once,
        more: 0,
        again: false,
    };
    let here = Here { host: "web1".to_owned(), home: None, guards: true };
    for (tongue, subject) in
        [(Tongue::English, "[web1] 24 hours: "), (Tongue::Japanese, "[web1] 24 時間: ")]
    {
        let writer = LetterWriter::new(Say::new(tongue), here.clone());
        let letter = writer.report(&envelope, &digest);
        assert!(letter.subject.starts_with(subject), "{}", letter.subject);
        assert_eq!(letter.severity, Severity::Warning);
        let texts = letter.passages.iter().flat_map(|passage| &passage.lines);
        let all: Vec<&String> = texts.chain([&letter.lead]).collect();
        assert!(!all.iter().any(|text| text.contains('?') || text.contains("digest-")), "{all:?}");
        let picture = letter.picture.unwrap();
        assert!(picture.png.starts_with(b"\x89PNG") && picture.png.len() < 20 * 1024);
        assert!(!picture.alt.is_empty());
    }
}

#[test]
fn the_last_time_of_the_week_is_found() {
    let clock = LocalClock::of_system();
    let daily = monban_model::ReportTime { day: None, minute: 7 * 60 };
    let weekly = monban_model::ReportTime { day: Some(0), ..daily };
    let last = clock.last_time(DUE, daily);
    assert!(last <= DUE && DUE.since_s(last) < 86_400);
    assert_eq!(clock.minute(last), "07:00");
    let monday = clock.last_time(DUE, weekly);
    assert!(monday <= DUE && DUE.since_s(monday) < 7 * 86_400 + 3600);
    assert_eq!((clock.weekday(monday), clock.minute(monday)), (0, "07:00".to_owned()));
    assert_eq!(clock.last_time(monday, weekly), monday);
    assert!(clock.last_time(monday.plus_ms(-1), weekly) < monday);
}

#[test]
fn no_hour_is_told_twice_or_never_where_clocks_are_set() {
    // Central Europe; Chile, whose clocks are set at midnight.
    for rule in ["CET-1CEST,M3.5.0,M10.5.0/3", "<-04>4<-03>,M9.1.6/24,M4.1.6/24"] {
        let clock = LocalClock::of(jiff::tz::TimeZone::posix(rule).unwrap());
        for minute in [0, 60, 150, 7 * 60, 23 * 60 + 59] {
            let daily = monban_model::ReportTime { day: None, minute };
            let shown = format!("{:02}:{:02}", minute / 60, minute % 60);
            let mut hours = Vec::new();
            let mut due = clock.last_time(DUE, daily);
            for _ in 0..366 {
                let (span, marks) = time_of(&clock, ReportId { kind: ReportKind::Daily, due });
                let before = clock.last_time(due.plus_ms(-1), daily);
                assert!(span.start <= before && span.end == due, "{rule} {minute}");
                // What clocks skip comes an hour early, and tells that hour twice.
                let is_shown = |stamp| clock.minute(stamp) == shown;
                assert!(span.start == before || !is_shown(due), "{rule} {minute}");
                let earlier = clock.last_time(before.plus_ms(-1), daily);
                let is_exact = is_shown(due) && is_shown(before);
                assert!(span.before == earlier || !is_exact, "{rule} {minute}");
                assert!(marks.is_sorted_by(|one, next| next.since_s(*one) == 3600));
                assert_eq!((marks[0], marks.last()), (span.start, Some(&due)));
                hours.push(marks.len() - 1);
                due = before;
            }
            let of_length = |length| hours.iter().filter(|hours| **hours == length).count();
            assert!(of_length(23) <= 1 && of_length(25) == 1, "{rule} {minute}");
            assert!(of_length(24) >= 364, "{rule} {minute}");
        }
    }
}

#[test]
fn what_needs_a_look_is_not_hidden_by_what_does_not() {
    let mut records = Vec::new();
    let mut notice = |key: &str, minutes: u64| {
        let notice = Notice { key: key.to_owned(), values: Vec::new() };
        record(&mut records, DUE.minus_s(minutes * 60), Event::Noticed(notice));
    };
    notice("disk-full", 600);
    (0..40).for_each(|kind| notice(&format!("started-{kind}"), 500 - kind));
    let folder = TempDir::new().unwrap();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    ledger.commit(&Batch { records, ..Batch::default() }).unwrap();
    ledger.close().unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let report = ReportId { kind: ReportKind::Daily, due: DUE };
    let clock = LocalClock::of_system();
    let digest = Digest::read(&reader, &clock, report, Vec::new(), |_| HashMap::new()).unwrap();
    let keys: Vec<&str> = digest.notices().map(|notice| notice.key.as_str()).collect();
    assert_eq!(keys, ["disk-full"]);
}
