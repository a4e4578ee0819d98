//! A start that fails says what failed, where, and what helps. Nothing is opened before.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
