//! `monban alarm simulate` and `monban alarms`, through the binary.
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use monban_ledger::{Batch, Ledger};
use monban_model::{
    AlarmChange, AlarmMemory, AlarmRow, AlarmState, Amount, Event, Evidence, Generation, Reason,
    Record, Semantics, Seq, Severity, Slice, Stamp, StateRow, TopEntry, Watched,
};
use serde_json::{Value, json};

fn monban(arguments: &[&str], locale: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(arguments).env("TZ", "UTC").env("LC_ALL", locale).output().unwrap()
}

fn simulate(text: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, text).unwrap();
    let ran = monban(&["alarm", "simulate", file.to_str().unwrap(), "--json"], "C");
    assert!(ran.status.success(), "{ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Times, alarms and states of all changes.
fn changes(told: &Value) -> Vec<String> {
    let text = |one: &Value| {
        format!("{} {} {} {}", one["at_s"], one["alarm"], one["old"], one["new"]).replace('"', "")
    };
    told["changes"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn the_articles_six_matches_in_a_minute() {
    let told = simulate(
        "datapoints = [[5, 1], [6, 1], [6.5, 1], [7, 1], [8, 1], [9, 1]]\n\
         [[alarm]]\nname = \"変なSSHアクセスがありましたよ。\"\nmetric = \"preauth\"\n\
         threshold = 1\nsemantics = \"aws\"\n",
    );
    let name = "変なSSHアクセスがありましたよ。";
    let wanted = [
        format!("60.0 {name} INSUFFICIENT_DATA ALARM"),
        format!("240.0 {name} ALARM INSUFFICIENT_DATA"),
    ];
    assert_eq!(changes(&told), wanted);
    assert_eq!(
        told["changes"][0]["reason"],
        "Threshold Crossed: 1 out of the last 1 datapoints [6.0 (01/01/00 00:00:00)] was greater \
         than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
    );
    assert_eq!(told["states"][0]["state"], "INSUFFICIENT_DATA");
}

#[test]
fn rows_and_composites_are_simulated_by_the_engine() {
    let told = simulate(
        "row = \"0 X X 0 0\"\nend = \"10m\"\n[[alarm]]\nname = \"m\"\nmetric = \"x\"\n\
         threshold = 5\nevaluation_periods = 2\n[[alarm]]\nname = \"not\"\nrule = 'NOT ALARM(m)'\n",
    );
    let wanted = [
        "0.0 not OK ALARM",
        "150.0 m OK ALARM",
        "150.0 not ALARM OK",
        "210.0 m ALARM OK",
        "210.0 not OK ALARM",
    ];
    assert_eq!(changes(&told), wanted);
}

#[test]
fn a_mistake_is_shown_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, "row = \"0\"\n[[alarm]]\nname = \"a\"\nmetric = \"x\"\ntreshold = 1\n")
        .unwrap();
    let ran = monban(&["alarm", "simulate", file.to_str().unwrap()], "C");
    assert!(!ran.status.success());
    let said = String::from_utf8(ran.stderr).unwrap();
    for word in ["a.toml:5:1", "unknown key `treshold`", "did you mean `threshold`?"] {
        assert!(said.contains(word), "{said}");
    }
    let ran = monban(&["alarm", "simulate", "/nonexistent.toml"], "C");
    assert!(!ran.status.success() && !ran.stderr.is_empty());
}

fn change(watched: Watched, line: Evidence) -> AlarmChange {
    AlarmChange {
        alarm: "knocking".into(),
        description: String::new(),
        severity: Severity::Warning,
        semantics: Semantics::Monban,
        contributor: None,
        old: AlarmState::Ok,
        new: AlarmState::Alarm,
        since: Stamp::from_s(0),
        again: None,
        reason: Reason::Threshold {
            points: vec![monban_model::AlarmPoint {
                time: Stamp::from_s(0),
                value: Some(Amount(3.0)),
                samples: 3,
            }],
            count: 1,
            breaching: true,
            missing: 0,
        },
        watched: Some(watched),
        rule: String::new(),
        evaluated: Vec::new(),
        count: 3,
        addresses: Vec::new(),
        users: Vec::new(),
        samples: vec![line],
    }
}

/// A ledger with one alarm that went off.
fn filled(state: &Path) {
    let corner = state.join("watcher");
    fs::create_dir_all(&corner).unwrap();
    let watched = Watched {
        metric: "login-failed".into(),
        threshold: Amount(3.0),
        period_s: 60,
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        ..Watched::default()
    };
    let line = Evidence {
        time: Stamp::from_s(60),
        rule: String::new(),
        weight: 1,
        line: b"Failed password for root\x1b from 192.0.2.5".to_vec(),
    };
    let top = |name: &[u8], count| TopEntry { name: name.to_vec(), count, over: 0 };
    let slice =
        |number, count: u64| Slice { number, count, sum: Amount(count as f64), ..Slice::default() };
    let memory = AlarmMemory {
        slice_ms: 1000,
        slices: vec![slice(58, 1), slice(60, 2)],
        now: Generation {
            count: 3,
            addresses: vec![top(b"192.0.2.5", 3)],
            ..Generation::default()
        },
        first: vec![line.clone()],
        ..AlarmMemory::default()
    };
    let row = AlarmRow {
        alarm: "knocking".into(),
        contributor: None,
        state: AlarmState::Alarm,
        since: Stamp::from_s(60),
        last: Stamp::from_s(60),
        memory: Box::new(memory),
    };
    let change = change(watched, line.clone());
    let (mut ledger, _) = Ledger::open(&corner).unwrap();
    let record =
        Record { seq: Seq(1), time: Stamp::from_s(60), event: Event::Alarmed(Box::new(change)) };
    let state = vec![StateRow::Alarm(row)];
    ledger.commit(&Batch { records: vec![record], state, ..Batch::default() }).unwrap();
    ledger.close().unwrap();
}

#[test]
fn alarms_are_read_from_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let config = folder.path().join("monban.toml");
    fs::write(&config, "[[alarm]]\nname = \"quiet\"\nmetric = \"blocks\"\nthreshold = 9\n")
        .unwrap();
    let (state, config) = (folder.path().to_str().unwrap(), config.to_str().unwrap());
    let base = ["--state", state, "--config", config, "alarms"];
    let run = |more: &[&str], locale: &str| {
        let ran = monban(&[&base, more].concat(), locale);
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let all = run(&[], "C");
    assert!(all.contains("ALARM") && all.contains("Sum of login-failed >= 3.0 within 1m"), "{all}");
    assert!(all.contains("quiet") && all.contains("Sum of blocks >= 9.0"), "{all}");
    let one = run(&["knocking"], "C");
    for word in ["knocking: ALARM since", "+ #", "192.0.2.5 (3)", "root\\x1b from", "OK -> ALARM"] {
        assert!(one.contains(word), "`{word}` is not in {one}");
    }
    assert!(run(&["knocking"], "ja_JP.UTF-8").contains("履歴:"));
    assert!(run(&["knocking"], "C.UTF-8").contains('\u{2588}'));
    let told: Value = serde_json::from_str(&run(&["knocking", "--json"], "C")).unwrap();
    let alarm = &told["alarms"][0];
    assert_eq!(alarm["state"], "ALARM");
    assert_eq!(alarm["values"][1]["value"], json!(2.0));
    assert_eq!(alarm["threshold"]["comparison"], "GreaterThanOrEqualToThreshold");
    assert_eq!(alarm["history"][0]["event"], "alarm");
    let ran = monban(&[&base[..], &["nosuch"]].concat(), "C");
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && said.contains("known: knocking, quiet"), "{said}");
}
