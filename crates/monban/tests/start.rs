//! A start that fails says what failed, where, and what helps. Nothing is opened before.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

mod running;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use running::Running;

/// What a run with this state folder says when it gives up.
fn refused(folder: &Path, state: &Path, lang: &str) -> String {
    let log = folder.join("auth.log");
    fs::write(&log, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(["run", "--observe", "--lang", lang, "--state"]).arg(state);
    let ran = command.arg("--log").arg(log).output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    String::from_utf8(ran.stderr).unwrap()
}

#[test]
fn a_state_folder_that_cannot_be_made_is_named_with_a_way_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let state = folder.path().join("file/state");
    for (lang, what) in [("en", "cannot make or use"), ("ja", "作れない")] {
        let said = refused(folder.path(), &state, lang);
        for word in [what, state.to_str().unwrap(), "--state PATH"] {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
    }
}

#[test]
fn a_state_folder_that_others_may_write_is_refused_with_the_chmod() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    let said = refused(folder.path(), &state, "en");
    let chmod = format!("chmod go-w {}", state.display());
    for word in ["0777", &chmod] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(!state.join("lock").exists());
}

#[test]
fn a_second_monban_says_that_one_runs_and_ends() {
    let namespace = Command::new("unshare").args(["-n", "true"]).stderr(Stdio::null()).status();
    if !namespace.is_ok_and(|status| status.success()) {
        println!("left out: no right to make a namespace");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, log) = (folder.path().join("state"), folder.path().join("auth.log"));
    fs::write(&log, "").unwrap();
    let run = |lang: &str| {
        let mut command = Command::new("unshare");
        command.args(["-n", env!("CARGO_BIN_EXE_monban"), "run", "--observe", "--lang", lang]);
        command.arg("--state").arg(&state).arg("--log").arg(&log).stdout(Stdio::null());
        command
    };
    let first = Running(run("en").stderr(Stdio::null()).spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    let status = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
        command.arg("status").arg("--state").arg(&state).output().unwrap().status
    };
    while !status().success() {
        assert!(Instant::now() < until, "the first did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    for (lang, words) in [("en", "monban runs already"), ("ja", "すでに")] {
        let second = run(lang).output().unwrap();
        let said = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(1), "{said}");
        assert!(said.contains(words) && said.contains("--state"), "{said}");
    }
    drop(first);
    // One that is gone keeps nobody from starting.
    let third = Running(run("en").stderr(Stdio::null()).spawn().unwrap());
    while !status().success() {
        assert!(Instant::now() < until, "the third did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(third);
}
