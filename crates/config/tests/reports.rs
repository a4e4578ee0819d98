//! When reports are sent by themselves.

#![allow(clippy::unwrap_used, reason = "in a test that is the failure")]

use monban_config::Config;
use monban_model::{ReportTime, Reports};

const MAIL: &str = "[mail]\nto = \"me@example.com\"\n";

fn read(text: &str) -> Reports {
    Config::parse("m.toml", text).unwrap().reports
}

fn time(day: Option<u8>, minute: u16) -> Option<ReportTime> {
    Some(ReportTime { day, minute })
}

#[test]
fn whoever_named_himself_gets_the_report_of_a_week_and_others_what_they_ask_for() {
    let none = Reports { topic: "default".to_owned(), ..Reports::default() };
    assert_eq!(Config::shipped().reports, none);
    assert_eq!(read(MAIL), Reports { weekly: time(Some(0), 420), ..none.clone() });
    let text = |reports: &str| format!("{MAIL}[reports]\n{reports}");
    assert_eq!(read(&text("weekly = \"never\"")), none);
    let all = read(&text("daily = \"06:30\"\nweekly = \"sun 23:59\""));
    assert_eq!((all.daily, all.weekly), (time(None, 390), time(Some(6), 1439)));
    let topic = "[[topic]]\nname = \"ops\"\n[[subscription]]\ntopic = \"ops\"\n\
                 syslog = \"local\"\n[reports]\ndaily = \"7:00\"\ntopic = \"ops\"\n";
    let ops = read(topic);
    assert_eq!((ops.daily, ops.weekly, &*ops.topic), (time(None, 420), None, "ops"));
}

#[test]
fn without_a_reader_in_mail_nobody_gets_a_report_unasked() {
    let chat = "[mail]\nserver = \"mx.example.com\"\n[[subscription]]\nsyslog = \"local\"\n";
    assert_eq!((read(chat).weekly, read(chat).daily), (None, None));
    let slip = Config::parse("m.toml", &format!("{MAIL}[report]\ndaily = \"07:00\"\n"));
    let said = slip.unwrap_err()[0].to_string();
    assert!(said.contains("unknown key `report`") && said.contains("`reports`?"), "{said}");
}

#[test]
fn what_cannot_be_is_told_with_its_line() {
    for (text, wanted) in [
        ("daily = \"24:00\"", "no time of day such as 07:00"),
        ("daily = \"+7:00\"", "no time of day such as 07:00"),
        ("daily = \"7\"", "no time of day such as 07:00"),
        ("daily = 7", "a text in quotes"),
        ("weekly = \"07:00\"", "no day and time such as"),
        ("weekly = \"Mond 07:00\"", "no day and time such as"),
        ("weekly = \"Mon 07:60\"", "no day and time such as"),
        ("topic = \"defalt\"", "did you mean `default`?"),
        ("hourly = \"x\"", "hourly"),
    ] {
        let text = format!("{MAIL}[reports]\n{text}\n");
        let problems = Config::parse("m.toml", &text).unwrap_err();
        let said = problems[0].to_string();
        assert!(said.contains(wanted) && said.contains("m.toml:4"), "{said}");
    }
    let nobody = Config::parse("m.toml", "[reports]\ndaily = \"07:00\"\n").unwrap_err();
    assert!(nobody[0].to_string().contains("reach nobody"));
}
