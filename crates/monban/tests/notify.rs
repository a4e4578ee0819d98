//! Subscriptions, silences and tests at a running monban, through the binary.
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod running;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use running::Running;
use serde_json::{Value, json};

/// Nobody takes mail here, and nothing comes back from a datagram.
const CONFIG: &str = r#"
[mail]
to = "me@example.com"
from = "monban@example.com"
server = "127.0.0.1:2525"
security = "plain"

[[subscription]]
name = "log"
topic = "default"
syslog = "udp://127.0.0.1:5514"
"#;

/// Whether this process may; else it says that a test is left out.
fn may_make_namespaces() -> bool {
    let inside = ["-n", "ip", "link", "set", "lo", "up"];
    let made = Command::new("unshare").args(inside).stderr(Stdio::null()).status();
    let may = made.is_ok_and(|status| status.success());
    if !may {
        println!("left out: no right to make a namespace, or no ip");
    }
    may
}

fn monban(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(arguments).arg("--state").arg(folder.join("state"));
    command.args(["--lang", "en"]).output().unwrap()
}

/// The exit code and what it said as JSON.
fn told(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let ran = monban(folder, &[arguments, &["--json"]].concat());
    (ran.status.code(), serde_json::from_slice(&ran.stdout).unwrap())
}

/// A monban in a namespace of its own that watches an empty log and is ready.
fn started(folder: &Path) -> Running {
    let (log, config) = (folder.join("auth.log"), folder.join("monban.toml"));
    fs::write(&log, "").unwrap();
    fs::write(&config, CONFIG).unwrap();
    let mut command = Command::new("unshare");
    let inside = "ip link set lo up; exec \"$0\" \"$@\"";
    command.args(["-n", "sh", "-c", inside, env!("CARGO_BIN_EXE_monban"), "run", "--observe"]);
    command.arg("--state").arg(folder.join("state")).arg("--config").arg(config);
    command.arg("--log").arg(log).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    while !monban(folder, &["status"]).status.success() {
        assert!(Instant::now() < until, "it did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

#[test]
fn without_a_running_monban_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["subscription"][..], &["silence", "end", "1"], &["notify", "test"]] {
        let ran = monban(folder.path(), command);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{said}");
        assert!(said.contains("monban is not running"), "{said}");
    }
}

#[test]
fn what_is_kept_of_messages_is_asked_for_changed_and_there_after_a_restart() {
    if !may_make_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let running = started(folder);
    let (code, list) = told(folder, &["subscription"]);
    let all = list["subscriptions"].as_array().unwrap();
    let stands: Vec<_> = all.iter().map(|one| (&one["subscription"], &one["state"])).collect();
    assert_eq!(stands, [(&json!("mail"), &json!("pending")), (&json!("log"), &json!("active"))]);
    assert_eq!(code, Some(0));
    let text = String::from_utf8(monban(folder, &["subscription", "list"]).stdout).unwrap();
    assert!(text.contains("monban subscription confirm CODE"), "{text}");

    // One of two is not confirmed, so not all of the test was done.
    let (code, test) = told(folder, &["notify", "test"]);
    assert_eq!((code, &test["done"]), (Some(1), &json!(false)), "{test}");
    assert_eq!(test["tests"][0]["subscription"], "log");
    assert_eq!(test["tests"][0]["taken"], true, "{test}");
    assert_eq!(test["tests"][1]["taken"], false, "{test}");
    let (code, refused) = told(folder, &["notify", "test", "nope"]);
    assert_eq!((code, &refused["notices"][0]["notice"]), (Some(1), &json!("notify-unknown")));

    let wrong = ["subscription", "confirm", "aaaa-bbbb-cccc"];
    assert_eq!(told(folder, &wrong).1["notices"][0]["notice"], "notify-wrong-code");
    let (code, refused) = told(folder, &["silence", "add", "no condition"]);
    assert_eq!((code, &refused["notices"][0]["notice"]), (Some(1), &json!("notify-condition")));
    let (code, refused) = told(folder, &["silence", "add", "kind!=alarm"]);
    assert_eq!((code, &refused["notices"][0]["notice"]), (Some(1), &json!("notify-label")));
    let long = format!("user={}", "x".repeat(600));
    let refused = monban(folder, &["silence", "add", &long]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("longer than"));
    let add = ["silence", "add", "user=backup*", "theme!=alarm", "--for", "forever"];
    assert_eq!(told(folder, &add).0, Some(0));
    assert_eq!(told(folder, &["subscription", "mute", "log", "--for", "8h"]).0, Some(0));

    drop(running);
    let _running = started(folder);
    let (_, list) = told(folder, &["silence"]);
    assert_eq!(list["silences"][0]["conditions"], json!(["user=backup*", "theme!=alarm"]));
    assert_eq!(list["silences"][0]["until"], Value::Null);
    assert!(list["subscriptions"][1]["quiet_until"].is_string(), "{list}");
    let (_, status) = told(folder, &["status"]);
    assert_eq!(
        (&status["subscriptions"], &status["subscriptions_pending"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(told(folder, &["silence", "end", "1"]).0, Some(0));
    assert_eq!(told(folder, &["silence", "end", "1"]).0, Some(1));
    assert_eq!(told(folder, &["silence"]).1["silences"], json!([]));
}
