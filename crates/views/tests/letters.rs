//! Messages as people read them: subjects that fit a phone, facts, and what to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use monban_model::*;
use monban_views::{Envelope, LetterWriter, Say, Tongue, Whereabouts, publication};

const ALICE: &str = "203.0.113.9";

fn writer(tongue: Tongue, home: &str) -> LetterWriter {
    let mut writer = LetterWriter::new(Say::new(tongue), "web1".to_owned(), home.to_owned());
    let origin = Whereabouts {
        country: "JP".to_owned(),
        network: "OCN".to_owned(),
        asn: Some(4713),
        name: "host.example".to_owned(),
        abuse: "abuse@provider.example".to_owned(),
    };
    writer.learn(ALICE.parse().unwrap(), origin);
    writer
}

fn envelope(more: u64) -> Envelope {
    Envelope {
        id: "7-first.web1".to_owned(),
        thread: "login:alice".to_owned(),
        topic: "default".to_owned(),
        severity: Severity::Warning,
        standing: Standing::Once,
        more,
    }
}

fn login(user: &[u8]) -> Login {
    let address: Address = ALICE.parse().unwrap();
    Login {
        user: Some(user.to_vec()),
        by: None,
        address: Some(address),
        subject: Some(Subject::of(address)),
        service: "sshd".to_owned(),
        method: Some(b"publickey".to_vec()),
        key: Some(b"ED25519 SHA256:abc".to_vec()),
        terminal: None,
        told_by: ToldBy::Log,
        earlier: Earlier { ever: Some(Stamp::from_s(1_700_000_000)), ..Earlier::default() },
        failures: 0,
        evidence: vec![Evidence {
            time: Stamp::from_s(1_800_000_000),
            rule: "sshd/accepted".to_owned(),
            weight: 1,
            line: b"sshd[7]: Accepted publickey for alice \x1b[2J".to_vec(),
        }],
    }
}

fn record(event: Event) -> Record {
    Record { seq: Seq(7), time: Stamp::from_s(1_800_000_000), event }
}

fn entered(login: Login) -> Record {
    record(Event::Entered(Box::new(login)))
}

#[test]
fn a_login_from_a_new_place_says_so_in_its_subject() {
    let records = [entered(login(b"alice"))];
    let now = Stamp::from_s(1_800_000_001);
    let letter = writer(Tongue::English, "JP").write(&records, &envelope(0), now);
    let subject = "[web1] login: alice from 203.0.113.9 (JP, OCN), first time from there";
    assert_eq!(letter.subject, subject);
    let labels: Vec<&str> = letter.facts.iter().map(|fact| fact.label.as_str()).collect();
    for label in ["User", "From", "Country", "Network", "Service", "Method", "Key", "Time"] {
        assert!(labels.contains(&label), "{label}: {labels:?}");
    }
    let commands = &letter.passages[1].lines;
    assert!(commands.contains(&format!("monban report {ALICE}")), "at home: {commands:?}");
    assert!(letter.passages[0].lines[0].ends_with("\\x1b[2J"), "{:?}", letter.passages[0]);
    assert_eq!(letter.theme, Theme::Login);

    let abroad = writer(Tongue::Japanese, "US").write(&records, &envelope(0), now);
    assert_eq!(
        abroad.subject,
        "[web1] ログイン: alice が 203.0.113.9 (JP, OCN) から、そこからは初めて"
    );
    let commands = &abroad.passages[1].lines;
    assert!(commands.contains(&format!("monban ban {ALICE} --for 7d")), "{commands:?}");
}

#[test]
fn a_name_that_a_shell_would_read_stands_in_no_command() {
    for user in [&b"$(reboot)"[..], b"a\nb", b"-rf", "名前".as_bytes(), b"a b"] {
        let letter =
            writer(Tongue::English, "").write(&[entered(login(user))], &envelope(0), Stamp(0));
        let commands = letter.passages[1].lines.join("\n");
        assert!(!commands.contains("usermod"), "{commands}");
        assert!(!letter.subject.contains('\n'));
        for line in &letter.passages[1].lines {
            assert!(line.is_ascii() && !line.contains(['$', '`', ';', '&', '|']), "{line}");
        }
    }
}

#[test]
fn many_things_are_counted_in_the_subject() {
    let mut second = entered(login(b"bob"));
    second.seq = Seq(8);
    let records = [entered(login(b"alice")), second];
    let letter = writer(Tongue::English, "").write(&records, &envelope(412), Stamp(0));
    assert_eq!(letter.subject, "[web1] 2 logins (+412 more)");
    assert_eq!(letter.passages[0].lines.len(), 2);
    let japanese = writer(Tongue::Japanese, "").write(&records, &envelope(412), Stamp(0));
    assert_eq!(japanese.subject, "[web1] ログイン 2 件（ほか 412 件）");
}

#[test]
fn what_topics_see_is_bounded_and_sorted() {
    let mut long = login(&[b'a'; 4096]);
    long.failures = 3;
    let told = publication(&entered(long)).unwrap();
    assert_eq!((told.theme, told.severity), (Theme::Login, Severity::Warning));
    assert!(told.key.len() <= limits::PUBLICATION_KEY_MAX);
    assert!(told.labels.iter().all(|(_, value)| value.len() <= limits::LABEL_VALUE_MAX));
    assert!(told.labels.is_sorted());
    let known = Earlier { address: Some(Stamp(1)), ..Earlier::default() };
    let quiet = publication(&entered(Login { earlier: known, ..login(b"alice") })).unwrap();
    assert_eq!(quiet.severity, Severity::Notice);
}
