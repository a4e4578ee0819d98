//! Blocks, findings about the host, and what monban says of itself.

use monban_model::*;
use monban_views::{Here, Known, LetterWriter, Say, Tongue, publication};

use super::{
    ALICE, NOW, check_texts, commands, envelope, facts, known, record, texts, write, writer,
};

const HOSTILE: &[u8] = b"root\x1b[2J\r\nBcc: x \xe2\x80\xae";

fn finding(address: &str) -> Finding {
    let address: Address = address.parse().unwrap();
    Finding {
        kind: FindingKind::BruteForce,
        subject: Subject::of(address),
        address,
        service: "sshd".to_owned(),
        user: Some(HOSTILE.to_vec()),
        method: None,
        policy: "default".to_owned(),
        failures: 5,
        window_s: 600,
        first: Stamp::from_s(1_799_999_880),
        last: Stamp::from_s(1_800_000_000),
        evidence: vec![Evidence {
            time: Stamp::from_s(1_800_000_000),
            rule: "sshd/failed".to_owned(),
            weight: 1,
            line: [b"sshd[7]: Failed password for ", HOSTILE].concat(),
        }],
    }
}

fn decided(verdict: Verdict, because: Because) -> Record {
    record(Event::Decided(Decision {
        subject: Subject::of(ALICE.parse().unwrap()),
        verdict,
        scope: Scope::All,
        because,
        finding: Some(Seq(6)),
        policy: "default".to_owned(),
        earlier: 2,
    }))
}

fn with_finding() -> Known {
    let found = Record { seq: Seq(6), ..record(Event::Found(Box::new(finding(ALICE)))) };
    Known::new(known().places, &[found])
}

const BLOCK: Verdict = Verdict::Block { until: Some(Stamp::from_s(1_800_003_600)) };

#[test]
fn a_block_tells_what_it_rests_on_where_it_is_and_what_to_do() {
    for (tongue, home, subject, next) in [
        (
            Tongue::English,
            "US",
            "[web1] BLOCKED 203.0.113.9 for 1h: 5 failures in 2m (sshd, policy default); \
             block no. 3",
            &["monban why 203.0.113.9", "monban free 203.0.113.9"][..],
        ),
        (
            Tongue::Japanese,
            "JP",
            "[web1] 遮断",
            &["monban why 203.0.113.9", "monban free 203.0.113.9", "monban report 203.0.113.9"],
        ),
    ] {
        let records = [decided(BLOCK, Because::Policy)];
        let letter = writer(tongue, home).write(&records, &envelope(0), &with_finding(), NOW);
        assert!(letter.subject.starts_with(subject), "{}", letter.subject);
        let values: Vec<&str> = facts(&letter).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values[0], ALICE);
        assert!(values[1].ends_with("(2027-01-15T08:00:00Z)"), "{values:?}");
        assert_eq!(values[2..], ["host.example", "JP", "OCN (AS4713)", "abuse@provider.example"]);
        assert_eq!(commands(&letter), next);
        let known = with_finding();
        let told = publication(&records[0], known.findings.values().next().map(|one| &**one));
        let told = told.unwrap();
        assert!(told.labels.contains(&("service".to_owned(), "sshd".to_owned())), "{told:?}");
        assert_eq!((letter.theme, &letter.labels), (told.theme, &told.labels));
        check_texts(&letter);
        assert!(texts(&letter).iter().any(|text| text.contains("root\\x1b[2J")));
    }
}

/// Topics chose by the publication: whoever gets the message as JSON sees the same.
#[test]
fn a_letter_has_the_theme_and_labels_that_topics_matched() {
    let notice = |key: &str| {
        let values = vec![("path".to_owned(), "/var/log/a\u{1b}".to_owned())];
        record(Event::Noticed(Notice { key: key.to_owned(), values }))
    };
    let outcome = Outcome {
        order: OrderId(1),
        subject: "192.0.2.1".parse().unwrap(),
        result: OutcomeResult::Failed("EPERM\u{1b}".to_owned()),
    };
    for (record, theme) in [
        (decided(Verdict::Nothing, Because::TooManyBlocks), Theme::Finding),
        (decided(Verdict::Free, Because::Operator(String::new())), Theme::Block),
        (record(Event::Happened(outcome)), Theme::Notice),
        (notice("source-lost"), Theme::Notice),
    ] {
        let told = publication(&record, None).unwrap();
        for tongue in [Tongue::English, Tongue::Japanese] {
            let letter = write(tongue, "JP", std::slice::from_ref(&record));
            assert_eq!((letter.theme, told.theme), (theme, theme), "{}", letter.subject);
            assert_eq!(letter.labels, told.labels);
            check_texts(&letter);
        }
    }
}

#[test]
fn nobody_is_told_of_a_block_where_monban_only_observes() {
    let here = Here { host: "web1".to_owned(), home: None, guards: false };
    let writer = LetterWriter::new(Say::new(Tongue::English), here);
    let records = [decided(BLOCK, Because::Policy)];
    let letter = writer.write(&records, &envelope(0), &with_finding(), NOW);
    assert!(letter.subject.starts_with("[web1] would block 203.0.113.9"), "{}", letter.subject);
    assert_eq!(commands(&letter), ["monban why 203.0.113.9"]);
}

#[test]
fn blocks_that_are_told_together_say_where_they_are() {
    let mut elsewhere = decided(BLOCK, Because::Policy);
    if let Event::Decided(decision) = &mut elsewhere.event {
        decision.subject = Subject::of("198.51.100.7".parse().unwrap());
    }
    let records = [decided(BLOCK, Because::Policy), elsewhere];
    let letter = writer(Tongue::English, "").write(&records, &envelope(0), &with_finding(), NOW);
    let [known, unknown] = letter.passages[0].lines.as_slice() else { panic!("{letter:?}") };
    assert!(known.contains("BLOCKED 203.0.113.9 ") && known.ends_with(" · JP, OCN"), "{known}");
    assert!(unknown.contains("198.51.100.7") && !unknown.contains('·'), "{unknown}");
}

#[test]
fn refusals_that_were_not_told_one_by_one_are_told_as_so_many() {
    for (tongue, wanted) in [
        (Tongue::English, "sudo refused eve the rights of others 49 more times"),
        (Tongue::Japanese, "sudo が eve の要求をさらに 49 回拒否しました"),
    ] {
        let found = HostFinding {
            key: "sudo-refused".to_owned(),
            severity: Severity::Warning,
            service: "sudo".to_owned(),
            user: Some(b"eve".to_vec()),
            values: vec![("more".to_owned(), "49".to_owned())],
            evidence: Vec::new(),
        };
        let letter = write(tongue, "JP", &[record(Event::FoundHere(Box::new(found)))]);
        assert!(letter.subject.contains(wanted), "{}", letter.subject);
        check_texts(&letter);
    }
}

#[test]
fn a_finding_about_the_host_is_told_in_both_languages() {
    for tongue in [Tongue::English, Tongue::Japanese] {
        let found = HostFinding {
            key: "login-without-log".to_owned(),
            severity: Severity::Warning,
            service: "sshd".to_owned(),
            user: Some(HOSTILE.to_vec()),
            values: vec![("name".to_owned(), "a\u{202e}b".to_owned())],
            evidence: finding(ALICE).evidence,
        };
        let letter = write(tongue, "JP", &[record(Event::FoundHere(Box::new(found)))]);
        assert_eq!(letter.theme, Theme::Finding);
        assert!(letter.labels.contains(&("finding".to_owned(), "login-without-log".to_owned())));
        check_texts(&letter);
    }
}
