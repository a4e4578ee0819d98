//! Alarms, in the order in which CloudWatch's mail has them.

use monban_model::*;
use monban_views::{Envelope, Tongue};

use super::{ALICE, NOW, check_texts, commands, envelope, facts, known, record, write, writer};

const HOSTILE: &str = "knocks\u{1b}[2J; rm -rf ~ 'x'";

fn change(new: AlarmState) -> AlarmChange {
    let time = Stamp::from_s(1_800_000_000);
    let top = |name: &[u8], count, over| TopEntry { name: name.to_vec(), count, over };
    AlarmChange {
        alarm: HOSTILE.to_owned(),
        description: "somebody knocks\u{202e}".to_owned(),
        severity: Severity::Warning,
        semantics: Semantics::Aws,
        contributor: None,
        old: if new == AlarmState::Ok { AlarmState::Alarm } else { AlarmState::Ok },
        new,
        since: Stamp::from_s(1_799_990_000),
        again: None,
        reason: Reason::Threshold {
            points: vec![AlarmPoint { time, value: Some(Amount(6.0)), samples: 6 }],
            count: 1,
            breaching: true,
            missing: 0,
        },
        watched: Some(Watched {
            metric: "preauth".to_owned(),
            threshold: Amount(1.0),
            period_s: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: 1,
            ..Watched::default()
        }),
        rule: String::new(),
        evaluated: Vec::new(),
        count: 9,
        addresses: vec![
            top(ALICE.as_bytes(), 6, 0),
            top(b"8.8.8.8", 2, 1),
            top(b"not an address \x1b", 1, 0),
            top(ALICE.as_bytes(), 1, 0),
        ],
        users: vec![top(b"root\x1b", 6, 0)],
        samples: vec![Evidence {
            time,
            rule: "preauth".to_owned(),
            weight: 1,
            line: b"sshd[7]: Connection closed by 203.0.113.9 \x1b[preauth]".to_vec(),
        }],
    }
}

#[test]
fn an_alarm_reads_as_that_of_cloudwatch_and_names_the_next_step() {
    for (tongue, labels, title) in [
        (
            Tongue::English,
            ["Name", "Description", "State change", "Reason", "Time", "Threshold"],
            "Addresses with the most",
        ),
        (Tongue::Japanese, ["名前", "説明", "状態の変化", "理由", "時刻", "しきい値"], "アドレス"),
    ] {
        let changed = record(Event::Alarmed(Box::new(change(AlarmState::Alarm))));
        let letter = write(tongue, "JP", &[changed]);
        assert_eq!(letter.theme, Theme::Alarm);
        let told = facts(&letter);
        let names: Vec<&str> = told.iter().map(|(label, _)| *label).collect();
        assert_eq!(names, labels);
        assert_eq!(told[2].1, "OK -> ALARM");
        assert!(told[3].1.starts_with("Threshold Crossed: "), "{told:?}");
        assert!(told[4].1.ends_with(" (2027-01-15T08:00:00Z)"), "{told:?}");
        assert_eq!(letter.passages[0].setting, Setting::Log);
        assert!(letter.passages[0].lines[0].contains("\\x1b[preauth]"));
        let top = &letter.passages[1];
        assert!(top.title.contains(title), "{top:?}");
        let lines = ["6  203.0.113.9 (JP, OCN)", "1-2  8.8.8.8", "1  not an address \\x1b"];
        assert_eq!(top.lines[..3], lines);
        let name = r"knocks\x1b[2J; rm -rf ~ '\''x'\''";
        let next = [
            format!("monban alarms '{name}'"),
            format!("monban notify acknowledge 'alarm:{name}'"),
            "monban report 203.0.113.9".to_owned(),
            "monban ban 8.8.8.8 --for 7d".to_owned(),
            "monban report 8.8.8.8".to_owned(),
        ];
        assert_eq!(commands(&letter), next);
        check_texts(&letter);
    }
}

#[test]
fn an_alarm_that_is_over_names_no_step_against_anybody() {
    let changed = record(Event::Alarmed(Box::new(change(AlarmState::Ok))));
    let letter = write(Tongue::English, "JP", &[changed]);
    assert_eq!(commands(&letter).len(), 1, "{:?}", commands(&letter));
}

#[test]
fn a_contributor_that_is_an_address_has_a_place() {
    let contributor = Contributor { by: "address".to_owned(), value: ALICE.as_bytes().to_vec() };
    let of_one = AlarmChange { contributor: Some(contributor), ..change(AlarmState::Alarm) };
    let letter = write(Tongue::English, "JP", &[record(Event::Alarmed(Box::new(of_one)))]);
    assert!(facts(&letter).contains(&("Of", "203.0.113.9 (JP, OCN)")), "{:?}", facts(&letter));
}

#[test]
fn an_alarm_tells_the_service_that_it_looks_at() {
    let mut change = change(AlarmState::Alarm);
    if let Some(watched) = &mut change.watched {
        watched.dimensions = vec![("service".to_owned(), "postfix".to_owned())];
    }
    let letter = write(Tongue::English, "JP", &[record(Event::Alarmed(Box::new(change)))]);
    let service = ("service".to_owned(), "postfix".to_owned());
    assert!(letter.labels.contains(&service) && letter.labels.is_sorted(), "{:?}", letter.labels);
}

/// A stranger chooses the lines: in JSON each of these bytes has six. What goes to topics of AWS in
/// CloudWatch's form is made of these data.
#[test]
fn lines_that_are_too_long_do_not_take_the_alarm_out_of_the_data() {
    let mut loud = change(AlarmState::Alarm);
    let line = Evidence { line: vec![0x1b; limits::EVIDENCE_TEXT_MAX], ..loud.samples[0].clone() };
    loud.samples = vec![line; limits::ALARM_SAMPLES_MAX as usize];
    let letter = write(Tongue::English, "JP", &[record(Event::Alarmed(Box::new(loud)))]);
    let data: serde_json::Value = serde_json::from_str(&letter.data).unwrap();
    assert!(letter.data.len() <= limits::LETTER_DATA_MAX);
    assert_eq!((&data[0]["event"], &data[0]["alarm"]), (&"alarm".into(), &HOSTILE.into()));
    assert_eq!((&data[0]["lines"], &data[0]["lines_left_out"]), (&vec![(); 0].into(), &50.into()));
}

#[test]
fn an_alarm_that_still_lasts_says_so_with_its_reason() {
    let rule = |rule: &str, again| {
        let change = AlarmChange {
            alarm: "knocking".to_owned(),
            old: if again { AlarmState::Alarm } else { AlarmState::Ok },
            again: again.then_some(41),
            reason: Reason::Created,
            watched: None,
            rule: rule.to_owned(),
            ..change(AlarmState::Alarm)
        };
        record(Event::Alarmed(Box::new(change)))
    };
    let cases = [
        (rule("", true), true, "[web1] still firing: knocking (+41)"),
        (rule("ALARM(\"a\")", false), true, "[web1] still firing: knocking"),
        (rule("ALARM(\"a\")", false), false, "[web1] ALARM: knocking"),
    ];
    for (record, again, subject) in cases {
        let envelope = Envelope { again, ..envelope(0) };
        let letter = writer(Tongue::English, "").write(&[record], &envelope, &known(), NOW);
        assert_eq!(letter.subject, subject);
        assert!(facts(&letter).iter().any(|(label, _)| *label == "Reason"), "{letter:?}");
    }
}
