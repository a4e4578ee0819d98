//! `monban scan` and what the command line refuses, through the binary.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

fn monban(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(arguments).env("TZ", "UTC").env("LC_ALL", "C");
    command.output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A log of failures that was last written at `modified`, in seconds since 1970.
fn log(path: &Path, dates: &[&str], modified: u64) {
    let line = |date: &&str| {
        format!("{date} web sshd[7]: Failed password for root from 192.0.2.5 port 4001 ssh2\n")
    };
    fs::write(path, dates.iter().map(line).collect::<String>()).unwrap();
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(modified)).unwrap();
}

#[test]
fn dates_without_a_year_lie_before_the_last_change_of_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.log");
    // 2020-01-01T12:00:00Z.
    log(&path, &["Dec 31 23:59:50", "Jan  1 00:00:01", "Jan  1 00:00:06"], 1_577_880_000);
    let report = json(&monban(&["scan", "--json", path.to_str().unwrap()]));
    let attacker = &report["attackers"][0];
    assert_eq!(attacker["first"], "2019-12-31T23:59:50Z");
    assert_eq!(attacker["last"], "2020-01-01T00:00:06Z");
}

#[test]
fn whom_the_configuration_allows_would_not_have_been_blocked() {
    let folder = tempfile::tempdir().unwrap();
    let (path, config) = (folder.path().join("auth.log"), folder.path().join("monban.toml"));
    log(&path, &["Nov 22 05:33:01"; 6], 1_795_325_600);
    fs::write(&config, "[allow]\naddresses = [\"192.0.2.5\"]\n").unwrap();
    let scan = |more: &[&str]| {
        let arguments = [&["scan", "--json", path.to_str().unwrap()], more].concat();
        json(&monban(&arguments))["attackers"][0]["blocks"].as_array().unwrap().len()
    };
    assert_eq!(scan(&[]), 1);
    assert_eq!(scan(&["--config", config.to_str().unwrap()]), 0);
}

#[test]
fn a_scan_that_read_nothing_is_no_good_news() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    fs::write(&path, [0, 159, 146, 150]).unwrap();
    let output = monban(&["scan", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no log line was read"));
}

#[test]
fn what_is_probably_mistyped_is_refused() {
    for (arguments, told) in
        [(["ban", "203.0.113.7/3"], "192.0.0.0/3"), (["allow", "10.1.2.3/8"], "10.0.0.0/8")]
    {
        let output = monban(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(told), "{text}");
    }
    let output = monban(&["ban", "192.0.2.1", "--for", "5"]);
    assert_eq!(output.status.code(), Some(2), "five of what?");
}
