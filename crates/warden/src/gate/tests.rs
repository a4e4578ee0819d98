use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

use super::*;

struct Logs(TempDir);

impl Logs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        use std::io::Write;
        let mut file = fs::File::options().append(true).create(true).open(self.at(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn gate(&self, patterns: &[&str]) -> Gate {
        let patterns: Vec<String> = patterns.iter().map(|name| self.text(name)).collect();
        Gate::new(&patterns, &[]).unwrap()
    }
}

/// The events in short: `+name`, `+name (later)`, `-name`, `!name why`.
fn short(events: &[GateEvent]) -> Vec<String> {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    events
        .iter()
        .map(|event| match event {
            GateEvent::Opened(o) if o.appeared_later => format!("+{} (later)", name(&o.path)),
            GateEvent::Opened(o) => format!("+{}", name(&o.path)),
            GateEvent::Gone { path, .. } => format!("-{}", name(path)),
            GateEvent::Unreadable { path, why, .. } => format!("!{} {why}", name(path)),
            GateEvent::TooMany => "too many".to_owned(),
        })
        .collect()
}

/// Waits until the gate is woken, at most two seconds.
fn woken(gate: &mut Gate) -> Woken {
    let end = Instant::now() + Duration::from_secs(2);
    let mut all = Woken::default();
    while Instant::now() < end {
        let wait = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        let fd = gate.fd();
        if poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&wait)).unwrap() == 0 {
            if all != Woken::default() {
                break;
            }
            continue;
        }
        let some = gate.woken();
        all.files.extend(some.files);
        all.rescan |= some.rescan;
    }
    all.files.dedup();
    all
}

#[test]
fn files_are_found_opened_once_and_missed() {
    let logs = Logs::new();
    logs.write("a.log", "1\n");
    let mut gate = logs.gate(&["a.log", "b.log", "sub/*.log"]);
    assert_eq!(short(&gate.scan()), ["+a.log"]);
    assert!(gate.scan().is_empty());
    logs.write("b.log", "");
    fs::create_dir(logs.at("sub")).unwrap();
    logs.write("sub/c.log", "");
    assert_eq!(short(&gate.scan()), ["+b.log (later)", "+c.log (later)"]);
    fs::remove_file(logs.at("b.log")).unwrap();
    assert_eq!(short(&gate.scan()), ["-b.log"]);
    assert!(gate.scan().is_empty());
    gate.reoffer();
    assert_eq!(gate.scan().len(), 2);
}

#[test]
fn every_kind_of_replacement_is_noticed_and_keeps_its_number() {
    let logs = Logs::new();
    logs.write("a.log", "1\n");
    logs.write("x", "x\n");
    logs.write("y", "y\n");
    symlink("x", logs.at("link")).unwrap();
    let mut gate = logs.gate(&["a.log", "link"]);
    let first = gate.scan();
    // Held, as the watcher does: so the inode is not used again.
    let GateEvent::Opened(held) = &first[0] else { panic!("{first:?}") };
    fs::rename(logs.at("a.log"), logs.at("a.log.1")).unwrap();
    logs.write("a.log", "2\n");
    let second = gate.scan();
    let GateEvent::Opened(next) = &second[0] else { panic!("{second:?}") };
    assert_eq!((next.file, next.size), (held.file, 2));
    assert_ne!((next.dev, next.ino), (held.dev, held.ino));
    fs::remove_file(logs.at("a.log")).unwrap();
    logs.write("a.log", "3\n");
    assert_eq!(short(&gate.scan()), ["+a.log (later)"]);
    symlink("y", logs.at("next")).unwrap();
    fs::rename(logs.at("next"), logs.at("link")).unwrap();
    assert_eq!(short(&gate.scan()), ["+link (later)"]);
}

#[test]
fn what_is_no_regular_file_does_not_block_and_is_refused() {
    let logs = Logs::new();
    mkfifoat(CWD, logs.at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    fs::create_dir(logs.at("directory")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(logs.at("socket")).unwrap();
    symlink("/dev/zero", logs.at("zero")).unwrap();
    symlink("round", logs.at("round")).unwrap();
    let mut gate = logs.gate(&["fifo", "directory", "socket", "zero", "round"]);
    let events = short(&gate.scan());
    assert_eq!(
        events[..4],
        [
            "!fifo not a regular file",
            "!directory not a regular file",
            "!socket not a regular file",
            "!zero not a regular file",
        ]
    );
    assert!(events[4].starts_with("!round "), "{events:?}");
    assert!(gate.scan().is_empty(), "said once");
}

#[test]
fn a_link_of_a_user_leads_only_to_his_own_files() {
    if !rustix::process::geteuid().is_root() {
        println!("left out: links of another user can only be made by root");
        return;
    }
    let logs = Logs::new();
    logs.write("mine", "1\n");
    logs.write("his", "2\n");
    for name in ["bad", "good"] {
        symlink(if name == "bad" { "mine" } else { "his" }, logs.at(name)).unwrap();
        std::os::unix::fs::lchown(logs.at(name), Some(12_345), None).unwrap();
    }
    std::os::unix::fs::chown(logs.at("his"), Some(12_345), None).unwrap();
    let mut gate = logs.gate(&["bad", "good"]);
    assert_eq!(
        short(&gate.scan()),
        ["!bad a symlink of a user to a file of somebody else", "+good"]
    );
}

#[test]
fn an_unreadable_file_is_named_with_owner_and_mode() {
    if rustix::process::geteuid().is_root() {
        println!("left out: root can read every file");
        return;
    }
    let logs = Logs::new();
    logs.write("a.log", "1\n");
    fs::set_permissions(logs.at("a.log"), fs::Permissions::from_mode(0o200)).unwrap();
    let mut gate = logs.gate(&["a.log"]);
    let events = gate.scan();
    let GateEvent::Unreadable { owner, mode, why, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((*mode, why), (0o200, &Why::Permission));
    assert!(!owner.is_empty());
}

#[test]
fn patterns_that_are_not_allowed() {
    for bad in ["relative.log", "/var/**/x", "/var/log/[", "/a\0b"] {
        assert!(Gate::new(&[bad.to_owned()], &[]).is_err(), "{bad}");
    }
    let many = vec!["/x".to_owned(); LOG_PATTERNS_MAX + 1];
    assert!(matches!(Gate::new(&many, &[]), Err(GateError::TooManyPatterns)));
}

#[test]
fn too_many_files_are_said_once() {
    let logs = Logs::new();
    for number in 0..FILES_MAX + 3 {
        logs.write(&format!("host{number:04}x"), "");
    }
    let mut gate = logs.gate(&["host*"]);
    let events = gate.scan();
    let opened = events.iter().filter(|event| matches!(event, GateEvent::Opened(_))).count();
    assert_eq!(opened, FILES_MAX);
    assert!(matches!(events.last(), Some(GateEvent::TooMany)));
    assert!(gate.scan().is_empty());
}

#[test]
fn rotated_turns_under_a_glob_are_not_files_of_their_own() {
    let logs = Logs::new();
    for name in ["a.log", "a.log.1", "a.log.2.gz", "b.log-20260101", "c.log.gz"] {
        logs.write(name, "x\n");
    }
    let mut gate = logs.gate(&["*.log*"]);
    // The log of the dated name is not there, so it stands for itself.
    assert_eq!(short(&gate.scan()), ["+a.log", "+b.log-20260101"]);
}

#[test]
fn siblings_come_oldest_first() {
    let logs = Logs::new();
    for name in
        ["a.log.10.gz", "a.log.3.gz", "a.log.2", "a.log.2.gz", "a.log.1", "a.log", "b.log.1"]
    {
        logs.write(name, name);
    }
    let mut gate = logs.gate(&["a.log"]);
    gate.scan();
    let names = |dev, ino| -> Vec<u64> {
        let found = gate.siblings(&logs.text("a.log"), dev, ino).unwrap();
        found.iter().map(|opened| opened.size).collect()
    };
    // The sizes are the lengths of the names; a.log.2.gz is still being written.
    assert_eq!(names(0, 0), [11, 10, 7, 7]);
    let other = open::key_of(&logs.text("b.log.1")).unwrap();
    assert_eq!(names(other.0, other.1), [7, 11, 10, 7, 7]);
    assert!(gate.siblings("/etc/passwd", 0, 0).is_err());
    assert!(gate.siblings(&logs.text("b.log"), 0, 0).is_err());
}

#[test]
fn writing_and_renaming_wake() {
    let logs = Logs::new();
    logs.write("a.log", "1\n");
    logs.write("b.log", "1\n");
    let mut gate = logs.gate(&["a.log", "b.log"]);
    gate.scan();
    gate.woken();
    logs.write("b.log", "2\n");
    let b = gate.files[&logs.text("b.log")].id;
    assert_eq!(woken(&mut gate), Woken { files: vec![b], rescan: false });
    assert_eq!(gate.path(b), Some(&logs.text("b.log")[..]));
    fs::rename(logs.at("b.log"), logs.at("b.log.1")).unwrap();
    assert!(woken(&mut gate).rescan);
    logs.write("b.log", "3\n");
    gate.scan();
    woken(&mut gate);
    // Late lines of the rotated file wake the same path.
    logs.write("b.log.1", "late\n");
    assert_eq!(woken(&mut gate).files, [b]);
    assert_eq!(gate.unwatched(), 0);
}
