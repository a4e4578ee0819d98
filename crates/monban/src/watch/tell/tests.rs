//! From records to letters: the test takes the place of the courier.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::time::{Duration, Instant};

use monban_config::Config;
use monban_ledger::{Batch, Ledger};
use monban_model::limits::LETTER_BYTES_MAX;
use monban_model::wire::{Errand, Peer, decode_letter};
use monban_model::{
    Because, Decision, Earlier, Finding, FindingKind, Letter, ReportId, ReportKind, Scope, Seq,
    Severity, Standing, Subject, Theme, ToldBy, Verdict, Who, WhoAnswer,
};
use monban_notify::Reason;
use monban_views::Tongue;
use monban_warden::{Channel, Received, read_memory_file};

use super::curious::PATIENCE;
use super::*;

#[path = "../../../../courier/tests/mmdb/mod.rs"]
mod mmdb;

use mmdb::{country, database};

const MALLORY: &str = "8.8.8.8";

/// Everything to one web hook at once.
const CONFIG: &str = r#"
home = "JP"

[[topic]]
name = "all"
themes = ["login", "alarm", "block", "finding", "notice", "digest"]
daily = []

[[subscription]]
name = "chat"
topic = "all"
webhook = "https://chat.example.com/hook"
lang = "en"

[reports]
topic = "all"
daily = "07:00"
"#;

/// A teller with a way to the courier, and the courier's end of it.
fn teller(folder: &Path, now: Stamp) -> (Teller, Channel) {
    let config = Config::parse("monban.toml", CONFIG).unwrap();
    let say = Say::new(Tongue::English);
    let mut teller = Teller::new(Vec::new(), Stamp(0), Secret::of(&[]), folder, &say);
    let told = (config.notify, config.reports, OwnTexts::default());
    teller.take_over(told, (config.home, true), 1, now);
    let (here, there) = Channel::pair().unwrap();
    teller.lane(Peer::Courier, Some(here));
    (teller, Channel::over(there))
}

/// As the watcher does: what is wanted is committed, and leaves then.
fn commit(teller: &mut Teller, now: Stamp) {
    teller.tick(now);
    teller.take_rows();
    teller.committed(now);
}

fn letters(courier: &mut Channel) -> Vec<Letter> {
    let mut letters = Vec::new();
    while let Ok(Received::Frame(errand, Some(file))) = courier.receive::<Errand>() {
        assert!(matches!(errand, Errand::Deliver { .. }));
        letters.push(decode_letter(&read_memory_file(file, LETTER_BYTES_MAX).unwrap()).unwrap());
    }
    letters
}

fn values(letter: &Letter) -> Vec<&str> {
    letter.facts.iter().map(|fact| fact.value.as_str()).collect()
}

fn found(seq: u64, time: Stamp) -> Record {
    let address: Address = MALLORY.parse().unwrap();
    let finding = Finding {
        kind: FindingKind::BruteForce,
        subject: Subject::of(address),
        address,
        service: "sshd".to_owned(),
        user: Some(b"root".to_vec()),
        method: None,
        policy: "default".to_owned(),
        failures: 5,
        window_s: 600,
        first: time.minus_s(120),
        last: time,
        evidence: Vec::new(),
    };
    Record { seq: Seq(seq), time, event: Event::Found(Box::new(finding)) }
}

fn blocked(seq: u64, time: Stamp) -> Record {
    let event = Event::Decided(Decision {
        subject: Subject::of(MALLORY.parse().unwrap()),
        verdict: Verdict::Block { until: Some(time.plus_s(3600)) },
        scope: Scope::All,
        because: Because::Policy,
        finding: Some(Seq(seq - 1)),
        policy: "default".to_owned(),
        earlier: 0,
    });
    Record { seq: Seq(seq), time, event }
}

fn login(seq: u64, time: Stamp) -> Record {
    let login = Login {
        user: Some(b"alice".to_vec()),
        by: None,
        address: Some(MALLORY.parse().unwrap()),
        subject: None,
        service: "sshd".to_owned(),
        method: None,
        key: None,
        terminal: None,
        told_by: ToldBy::Log,
        earlier: Earlier::default(),
        failures: 0,
        evidence: Vec::new(),
    };
    Record { seq: Seq(seq), time, event: Event::Entered(Box::new(login)) }
}

#[test]
fn a_message_about_a_block_tells_the_failures_that_it_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::watch::now();
    let (mut teller, mut courier) = teller(folder.path(), now);
    teller.record(&found(1, now), now);
    teller.record(&blocked(2, now), now);
    commit(&mut teller, now);
    let letters = letters(&mut courier);
    assert_eq!(letters.len(), 1);
    let told = "BLOCKED 8.8.8.8 for 1h: 5 failures in 2m (sshd, policy default); block no. 1";
    assert_eq!(letters[0].lead, told);
    assert_eq!(letters[0].theme, Theme::Block);
    assert!(letters[0].labels.contains(&("policy".to_owned(), "default".to_owned())));
}

/// Older records are read from the ledger: after a restart, or a flood.
#[test]
fn a_message_that_waited_for_long_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::watch::now();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let records = vec![found(1, now), blocked(2, now)];
    ledger.commit(&Batch { records, ..Batch::default() }).unwrap();
    let (mut teller, mut courier) = teller(folder.path(), now);
    teller.record(&found(1, now), now);
    teller.record(&blocked(2, now), now);
    teller.recent = Recent::new(folder.path());
    commit(&mut teller, now);
    let letters = letters(&mut courier);
    assert!(letters[0].lead.contains("5 failures in 2m (sshd,"), "{}", letters[0].lead);
}

fn deliver(id: &str) -> Deliver {
    Deliver {
        id: id.to_owned(),
        subscription: "chat".to_owned(),
        topic: "all".to_owned(),
        items: vec![Seq(1)],
        more: 0,
        reason: Reason::First,
        thread: "login:alice".to_owned(),
        severity: Severity::Warning,
        standing: Standing::Once,
        theme: Theme::Login,
        made: Stamp(0),
        since: Stamp(0),
        attempt: 1,
        service: None,
    }
}

/// Mail and chat are told of the same login: both wait for the same answer.
#[test]
fn all_readers_of_a_login_wait_for_one_answer() {
    let mut usual = login(1, Stamp(0));
    if let Event::Entered(login) = &mut usual.event {
        let before = Some(Stamp(0));
        login.earlier = Earlier { ever: before, network: before, address: before };
    }
    let address: Address = MALLORY.parse().unwrap();
    let who = Who { country: Some(Country::JP), ..Who::nothing(address, Stamp(0)) };
    let known = WhoAnswer::Known(Box::new(who));
    for (answer, country) in [(known, Some(Country::JP)), (WhoAnswer::Failed("no".into()), None)] {
        let mut curious = Curious::default();
        curious.set(true);
        let records = [login(1, Stamp(0))];
        assert_eq!(curious.hold(deliver("1-mail"), &records), None);
        assert_eq!(curious.hold(deliver("1-chat"), &[usual.clone()]), None, "it waits as well");
        assert_eq!(curious.questions(), [address], "and nobody is asked twice");
        assert!(curious.due().is_empty());
        curious.answered(address, answer);
        assert_eq!(curious.due().len(), 2);
        assert!(curious.hold(deliver("1-late"), &records).is_some(), "nothing is waited for");
        assert_eq!(curious.who(address).and_then(|who| who.country), country);
    }
}

#[test]
fn nobody_waits_for_an_answer_without_end_nor_for_what_has_none() {
    let mut curious = Curious::default();
    let records = [login(1, Stamp(0))];
    assert!(curious.hold(deliver("1-mail"), &records).is_some(), "nobody is asked");
    curious.set(true);
    let begun = Instant::now();
    assert_eq!(curious.hold(deliver("1-mail"), &records), None);
    while curious.due().is_empty() {
        assert!(begun.elapsed() < PATIENCE * 2);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() >= PATIENCE);
    assert!(curious.hold(deliver("1-chat"), &records).is_some(), "the time is over for all");
    let mut inside = login(2, Stamp(0));
    if let Event::Entered(login) = &mut inside.event {
        login.address = Some("192.168.1.5".parse().unwrap());
    }
    assert!(curious.hold(deliver("2-mail"), &[inside]).is_some(), "a network of one's own");
}

/// The answer of a registry is in the letter, before what the database says.
#[test]
fn a_login_from_a_new_place_says_where_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::watch::now();
    let (mut teller, mut courier) = teller(folder.path(), now);
    teller.ask_who(true);
    teller.record(&login(1, now), now);
    commit(&mut teller, now);
    assert!(letters(&mut courier).is_empty(), "it waits");
    let address = MALLORY.parse().unwrap();
    assert_eq!(teller.questions(), [address]);
    let who = Who {
        country: Some(Country::JP),
        org: "Example\u{ad} Inc".to_owned(),
        name: "office.your-firm.example".to_owned(),
        ..Who::nothing(address, now)
    };
    teller.answered(address, WhoAnswer::Known(Box::new(who)));
    let letters = letters(&mut courier);
    let subject = "login: alice from 8.8.8.8 (JP, Example\\u{ad} Inc), first login on record";
    assert!(letters[0].subject.ends_with(subject), "{}", letters[0].subject);
    let name = "office.your-firm.example (does not lead back to the address)";
    assert!(values(&letters[0]).contains(&name), "{:?}", values(&letters[0]));
    let commands = &letters[0].passages[0].lines;
    assert!(commands.contains(&"monban report 8.8.8.8".to_owned()), "{commands:?}");
    assert!(!commands.iter().any(|one| one.starts_with("monban ban")), "{commands:?}");
}

/// Reports by themselves name countries and what does not work, as those by command do.
#[test]
fn a_report_that_is_sent_says_what_one_by_command_says() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::watch::now();
    let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
    let records = vec![found(1, now.minus_s(60)), blocked(2, now.minus_s(60))];
    ledger.commit(&Batch { records, ..Batch::default() }).unwrap();
    let (mut teller, mut courier) = teller(folder.path(), now);
    let path = folder.path().join("places.mmdb");
    std::fs::write(&path, database("test", &[("8.0.0.0/8", country("US"))])).unwrap();
    teller.take_geo(Some(std::fs::File::open(&path).unwrap().into()));
    // A first report has nothing to tell that was not told when monban was set up.
    for due in [now.minus_s(86_400), now] {
        let report = ReportId { kind: ReportKind::Daily, due };
        teller.step(now, Input::Report(report, "all".into()));
    }
    let begun = Instant::now();
    let letters = loop {
        commit(&mut teller, now);
        let letters = letters(&mut courier);
        if !letters.is_empty() {
            break letters;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    };
    let lines: Vec<&String> = letters[0].passages.iter().flat_map(|one| &one.lines).collect();
    assert!(lines.iter().any(|line| line.contains("8.8.8.8") && line.contains("US")), "{lines:?}");
}
