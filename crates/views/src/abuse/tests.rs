//! The mail as an abuse desk gets it.

use monban_model::{Span, Stamp, Who};

use super::*;

fn report(address: &str) -> AbuseReport<'static> {
    let address: Address = address.parse().unwrap();
    let line = |at: i64, text: &str| (Stamp::from_s(1_763_953_981 + at), text.as_bytes().to_vec());
    AbuseReport {
        address,
        subject: Subject::of(address),
        lines: vec![
            line(0, &format!("web1 sshd[9]: Failed password for root from {address} port 22")),
            line(9, "web1 dovecot: rip=203.0.113.9, lip=192.0.2.80\x1b[2J\n--=_monban_x"),
        ],
        lines_left_out: 3,
        attempts: 12,
        service: "sshd".into(),
        first: Stamp::from_s(1_763_953_981),
        last: Stamp::from_s(1_763_953_990),
        who: None,
        country: None,
        from: "root@web1.example".into(),
        to: "abuse@example.net".into(),
        host: "web1.example".into(),
        destination: None,
        now: Stamp(1_763_954_000_123),
        zone: "UTC+09:00".into(),
    }
}

/// Parts of a mail: headers of each, and its body.
fn parts(mail: &str) -> Vec<(String, String)> {
    let (head, rest) = mail.split_once("\n\n").unwrap();
    let boundary = head.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let rest = format!("\n{rest}");
    let mut parts: Vec<&str> = rest.split(&format!("\n--{boundary}")).collect();
    assert_eq!(parts.pop(), Some("--\n"));
    let part = |part: &str| {
        let (head, body) = part.trim_start_matches('\n').split_once("\n\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    parts.into_iter().skip(1).map(part).collect()
}

#[test]
fn the_mail_has_the_form_of_x_arf() {
    let mail = report("203.0.113.9").mail();
    let head = mail.split("\n\n").next().unwrap();
    for line in [
        "From: root@web1.example",
        "To: abuse@example.net",
        "Subject: Abuse report: login attack from 203.0.113.9 (2025-11-24)",
        "Date: Mon, 24 Nov 2025 03:13:20 +0000",
        "Message-ID: <monban.20251124031320.123.203.0.113.9@web1.example>",
        "X-XARF: PLAIN",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(head.lines().any(|found| found == line), "{line}\n{head}");
    }
    let parts = parts(&mail);
    let kinds =
        ["text/plain; charset=utf-8", "text/plain", "text/plain", "message/feedback-report"];
    assert_eq!(parts.len(), kinds.len());
    for ((head, _), kind) in parts.iter().zip(kinds) {
        assert!(head.starts_with(&format!("Content-Type: {kind}")), "{head}");
    }
    let yaml = "---\nReported-From: root@web1.example\nCategory: abuse\n\
        Report-Type: login-attack\nService: ssh\nVersion: 0.2\nUser-Agent: monban 0.1.0\n\
        Date: Mon, 24 Nov 2025 03:13:10 +0000\nSource-Type: ip-address\nSource: 203.0.113.9\n\
        Port: 22\nReport-ID: monban.20251124031320.123.203.0.113.9@web1.example\n\
        Schema-URL: http://www.x-arf.org/schema/abuse_login-attack_0.1.2.json\n\
        Attachment: text/plain\nOccurrences: 12\n";
    assert_eq!(parts[1].1, yaml);
    assert!(parts[3].1.contains("Feedback-Type: other\n") && parts[3].1.contains("Incidents: 12"));
    assert_eq!(
        parts[3].1.lines().find(|line| line.starts_with("Source")),
        Some("Source-IP: 203.0.113.9")
    );
}

#[test]
fn lines_have_their_time_and_nothing_of_others() {
    let mail = report("203.0.113.9").mail();
    let log = "2025-11-24T03:13:01Z  web1 sshd[9]: Failed password for root from 203.0.113.9 port 22\n\
               2025-11-24T03:13:10Z  web1 dovecot: rip=203.0.113.9, lip=[address]\\x1b[2J\\x0a--=_monban_x\n";
    assert_eq!(parts(&mail)[2].1, log);
    assert!(!mail.contains("192.0.2.80") && !mail.contains('\x1b'));
    let told = AbuseReport { destination: "192.0.2.80".parse().ok(), ..report("203.0.113.9") };
    let mail = told.mail();
    assert!(mail.contains("lip=192.0.2.80") && mail.contains("Destination: 192.0.2.80\n"));
    let text = parts(&mail)[0].1.replace('\n', " ");
    assert!(text.contains("UTC+09:00") && text.contains("12 attempts"), "{text}");
    assert!(text.contains("(3 earlier lines are left out)"), "{text}");
    assert!(mail.lines().all(|line| line.len() <= 998));
}

#[test]
fn a_provider_in_japan_is_written_to_in_japanese_too() {
    let mut who = Who::nothing("203.0.113.9".parse().unwrap(), Stamp(0));
    let address = |text: &str| text.parse().unwrap();
    who.net = Span::new(address("203.0.113.0"), address("203.0.113.255"));
    who.netname = "EXAMPLE-JP".into();
    let japan =
        AbuseReport { who: Some(&who), country: Some(Country::JP), ..report("203.0.113.9") };
    let mail = japan.mail();
    let (head, text) = &parts(&mail)[0];
    assert!(head.contains("8bit") && text.starts_with("不正アクセス対応ご担当者様\n"), "{text}");
    assert!(text.contains("Dear abuse team,") && text.contains("EXAMPLE-JP"), "{text}");
    assert!(mail.split("\n\n").next().unwrap().is_ascii());
    assert!(!text.contains("report-") && !text.contains('?'), "{text}");
}

#[test]
fn six_and_strange_services_keep_their_form() {
    let six = AbuseReport { service: "x: y\n".into(), ..report("2001:db8::9") };
    let mail = six.mail();
    let yaml = &parts(&mail)[1].1;
    assert!(yaml.contains("Source: \"2001:db8::9\"\n") && yaml.contains("Service: login\n"));
    assert!(!yaml.contains("Port"), "{yaml}");
    assert!(six.json()["mail"].as_str().is_some_and(|text| text == mail));
    let long = AbuseReport { lines: vec![(Stamp(0), "é".repeat(9000).into())], ..six };
    assert!(long.mail().lines().all(|line| line.len() <= 998));
}

#[test]
fn no_line_ends_a_part() {
    let mut evil = report("203.0.113.9");
    let boundary = format!("--=_monban_{:x}", evil.now.0);
    evil.lines = vec![(Stamp(0), boundary.clone().into_bytes())];
    assert_eq!(parts(&evil.mail()).len(), 4);
}
