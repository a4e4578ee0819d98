//! Logins, and many things in one message.

use monban_model::*;
use monban_views::{Tongue, publication};

use super::{ALICE, NOW, envelope, known, record, write, writer};

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

fn entered(login: Login) -> Record {
    record(Event::Entered(Box::new(login)))
}

#[test]
fn a_login_from_a_new_place_says_so_in_its_subject() {
    let records = [entered(login(b"alice"))];
    let letter = write(Tongue::English, "JP", &records);
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

    let abroad = write(Tongue::Japanese, "US", &records);
    assert_eq!(
        abroad.subject,
        "[web1] ログイン: alice が 203.0.113.9 (JP, OCN) から、そこからは初めて"
    );
    assert!(abroad.lead.ends_with("そこからは初めて。"), "{}", abroad.lead);
    let commands = &abroad.passages[1].lines;
    assert!(commands.contains(&format!("monban ban {ALICE} --for 7d")), "{commands:?}");
}

#[test]
fn a_name_that_a_shell_would_read_stands_in_no_command() {
    for user in [&b"$(reboot)"[..], b"a\nb", b"-rf", "名前".as_bytes(), b"a b"] {
        let letter = write(Tongue::English, "", &[entered(login(user))]);
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
    let letter = writer(Tongue::English, "").write(&records, &envelope(412), &known(), NOW);
    assert_eq!(letter.subject, "[web1] 2 logins (+412 more)");
    assert_eq!(letter.passages[0].lines.len(), 2);
    let line = &letter.passages[0].lines[0];
    assert!(line.contains("from 203.0.113.9 (JP, OCN)"), "{line}");
    let step = ["monban ban 203.0.113.9 --for 7d"];
    assert_eq!(letter.passages[1].lines, step, "once against each address");
    let japanese = writer(Tongue::Japanese, "").write(&records, &envelope(412), &known(), NOW);
    assert_eq!(japanese.subject, "[web1] ログイン 2 件（ほか 412 件）");
}

#[test]
fn what_topics_see_is_bounded_and_sorted() {
    let mut long = login(&[b'a'; 4096]);
    long.failures = 3;
    let told = publication(&entered(long), None).unwrap();
    assert_eq!((told.theme, told.severity), (Theme::Login, Severity::Warning));
    assert!(told.key.len() <= limits::PUBLICATION_KEY_MAX);
    assert!(told.labels.iter().all(|(_, value)| value.len() <= limits::LABEL_VALUE_MAX));
    assert!(told.labels.is_sorted());
    let known = Earlier { address: Some(Stamp(1)), ..Earlier::default() };
    let quiet = publication(&entered(Login { earlier: known, ..login(b"alice") }), None).unwrap();
    assert_eq!(quiet.severity, Severity::Notice);
}

/// Whoever reads the JSON knows how many it does not name.
#[test]
fn more_records_than_data_take_are_counted() {
    let records = vec![entered(login(&[b'a'; 255])); 200];
    let letter = write(Tongue::English, "JP", &records);
    assert!(letter.data.len() <= limits::LETTER_DATA_MAX);
    let data: Vec<serde_json::Value> = serde_json::from_str(&letter.data).unwrap();
    let (last, named) = data.split_last().unwrap();
    assert!(named.len() > 50, "{}", named.len());
    assert!(named.iter().all(|record| record["lines_left_out"] == 1), "{:?}", named[0]);
    assert_eq!(last["left_out"], 200 - named.len());
}

/// Whoever has an address may write any name of a host there.
#[test]
fn a_host_name_that_does_not_lead_back_says_so() {
    let mut known = known();
    let place = known.places.get_mut(&ALICE.parse().unwrap()).unwrap();
    (place.name, place.name_confirmed) = ("office.your-firm.example".to_owned(), false);
    for (tongue, mark) in
        [(Tongue::English, "does not lead back"), (Tongue::Japanese, "戻りません")]
    {
        let records = [entered(login(b"alice"))];
        let letter = writer(tongue, "JP").write(&records, &envelope(0), &known, NOW);
        let named = |fact: &&Fact| fact.value.contains("office.your-firm");
        let fact = letter.facts.iter().find(named).unwrap();
        assert!(fact.value.contains(mark), "{fact:?}");
    }
}
