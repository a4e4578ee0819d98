//! A demonstration that is ended early leaves nothing behind: no daemon, no folder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

fn play(folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.arg("demo").env("TMPDIR", folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Waits until the daemon of the play serves; gives the play's folder and process. `None` if the
/// play cannot be set up here.
fn wait_for_daemon(folder: &Path, play: &mut Child, old: &Path) -> Option<(PathBuf, Pid)> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let pid = name.strip_prefix("monban-demo-").and_then(|pid| pid.parse().ok());
            if entry.path() != old && entry.path().join("state/control.sock").exists() {
                return Some((entry.path(), pid.and_then(Pid::from_raw).unwrap()));
            }
        }
        if play.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no daemon comes up");
}

/// Processes that name the folder on their command line.
fn processes(folder: &Path) -> Vec<String> {
    let named = |path: PathBuf| {
        let line = fs::read(path.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(folder.to_str()?).then_some(line)
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| named(entry.path())).collect()
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_demonstration_that_is_killed_takes_its_daemon_along_and_the_next_one_tidies_up() {
    let all = tempfile::tempdir().unwrap();
    let mut first = play(all.path());
    let Some((folder, player)) = wait_for_daemon(all.path(), &mut first, Path::new("")) else {
        println!("left out: no namespace can be made here");
        return;
    };
    assert!(!processes(&folder).is_empty());
    kill_process(player, Signal::KILL).unwrap();
    first.wait().unwrap();
    wait_until("the daemon of a killed play runs on", || processes(&folder).is_empty());
    assert!(folder.exists(), "nobody was left to remove it");

    let mut second = play(all.path());
    let (newer, player) = wait_for_daemon(all.path(), &mut second, &folder).unwrap();
    assert!(!folder.exists(), "the next play removes it");
    kill_process(player, Signal::TERM).unwrap();
    second.wait().unwrap();
    assert!(!newer.exists(), "a play that is asked to end removes its folder itself");
    assert!(processes(&newer).is_empty());
}
