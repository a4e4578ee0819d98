//! A start that fails says what failed, where, and what helps. Nothing is opened before.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

mod running;

use std::fs;
use std::io::Read;
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

/// Everything in a folder and below it.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        found.push(entry.path().display().to_string());
        if entry.path().is_dir() {
            found.extend(below(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn jails_that_are_refused_leave_nothing_behind() {
    let inside = "ip link set lo up; \"$0\" run --state \"$1\" --fail2ban \"$2\"; echo code $?; \
                  nft list tables";
    let tools = "unshare -n true && nft --version && ip -Version";
    let has_tools = Command::new("sh").args(["-c", tools]).output().unwrap().status.success();
    if !has_tools {
        println!("left out: needs root, ip and nft");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let jails = folder.path().join("jails");
    let file = jails.join("jail.local");
    fs::create_dir(&jails).unwrap();
    fs::write(&file, "[x]\nenabled = yes\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let run = |state: &Path| {
        let mut command = Command::new("unshare");
        command.args(["-n", "sh", "-c", inside, env!("CARGO_BIN_EXE_monban")]);
        let ran = command.arg(state).arg(&jails).output().unwrap();
        let (out, err) =
            (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        // Its table is gone again, and so is whoever it started.
        assert_eq!(out, "code 2\n", "{err}");
        assert!(err.contains("jail.local"), "{err}");
    };
    let before = below(folder.path());
    run(&folder.path().join("new/state"));
    assert_eq!(below(folder.path()), before);
    // A ledger of an older form stays one.
    let state = folder.path().join("state");
    let ledger = state.join("watcher/ledger.db");
    fs::create_dir_all(state.join("watcher")).unwrap();
    fs::write(&ledger, "whatever it is").unwrap();
    run(&state);
    assert_eq!(fs::read(&ledger).unwrap(), b"whatever it is");
    assert_eq!(below(&state.join("watcher")).len(), 2, "the ledger and the lock");
}

/// Whether this process may; else it says that a test is left out.
fn may_make_namespaces() -> bool {
    let made = Command::new("unshare").args(["-n", "true"]).stderr(Stdio::null()).status();
    let may = made.is_ok_and(|status| status.success());
    if !may {
        println!("left out: no right to make a namespace");
    }
    may
}

/// A monban in a namespace of its own that watches an empty log in this folder.
fn observing(folder: &Path, state: &Path, lang: &str) -> Command {
    let log = folder.join("auth.log");
    fs::write(&log, "").unwrap();
    let mut command = Command::new("unshare");
    command.args(["-n", env!("CARGO_BIN_EXE_monban"), "run", "--observe", "--lang", lang]);
    command.arg("--state").arg(state).arg("--log").arg(&log).stdout(Stdio::null());
    command
}

#[test]
fn a_second_monban_says_that_one_runs_and_ends() {
    if !may_make_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = |lang: &str| observing(folder.path(), &state, lang);
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

#[test]
fn a_start_that_waited_for_a_refused_one_makes_a_lock_of_its_own() {
    if !may_make_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    // As one that is about to be refused holds it.
    let path = state.join("lock");
    let refused = fs::File::create(&path).unwrap();
    refused.lock().unwrap();
    let mut command = observing(folder.path(), &state, "en");
    let mut waits = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = [0; 16];
    waits.0.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
    fs::remove_file(&path).unwrap();
    drop(refused);
    let until = Instant::now() + Duration::from_secs(20);
    let is_held = || fs::File::open(&path).is_ok_and(|lock| lock.try_lock().is_err());
    while !is_held() {
        assert!(Instant::now() < until, "nobody holds the lock that stands there");
        std::thread::sleep(Duration::from_millis(20));
    }
}
