//! A real journal, written by systemd-journal-remote and read by journalctl as the daemon reads it.
//! Without these programs the tests say so and are left out.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use monban_model::Stamp;
use monban_model::limits::JOURNAL_ENTRY_MAX;
use monban_sources::journal::{JournalEntry, JournalReader, journalctl_arguments};
use rustix::event::{PollFd, PollFlags};

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
const BOOT: &str = "6c7c6013a26343b29e964691ff25d04c";

fn is_possible() -> bool {
    let possible = Path::new(REMOTE).exists() && Path::new("/usr/bin/journalctl").exists();
    if !possible {
        println!("left out: systemd-journal-remote and journalctl are not installed");
    }
    possible
}

/// A field of the export format; in the binary form where its value has line ends.
fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    if value.contains(&b'\n') {
        bytes.push(b'\n');
        bytes.extend((value.len() as u64).to_le_bytes());
    } else {
        bytes.push(b'=');
    }
    bytes.extend_from_slice(value);
    bytes.push(b'\n');
    bytes
}

/// One entry of the number `n`: so many seconds after a time an hour ago.
fn entry(n: u64, message: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time_us = (now / 3600 * 3600 - 3600 + n) * 1_000_000;
    let mut bytes = field("__REALTIME_TIMESTAMP", time_us.to_string().as_bytes());
    bytes.extend(field("__MONOTONIC_TIMESTAMP", (n * 1_000_000).to_string().as_bytes()));
    bytes.extend(field("_BOOT_ID", BOOT.as_bytes()));
    bytes.extend(field("_HOSTNAME", b"h"));
    bytes.extend(field("SYSLOG_IDENTIFIER", b"sshd"));
    bytes.extend(field("_PID", b"7"));
    bytes.extend(field("_UID", b"0"));
    bytes.extend(field("MESSAGE", message));
    bytes.push(b'\n');
    bytes
}

fn numbered(numbers: std::ops::Range<u64>) -> Vec<u8> {
    numbers.flat_map(|n| entry(n, format!("line {n}").as_bytes())).collect()
}

fn write(folder: &Path, name: &str, export: &[u8]) {
    let mut child = Command::new(REMOTE)
        .arg("-o")
        .arg(folder.join(name))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(export).unwrap();
    assert!(child.wait().unwrap().success());
}

/// `journalctl` as the daemon starts it, with its reader.
struct Journal {
    child: Child,
    reader: JournalReader,
}

impl Journal {
    fn open(folder: &Path, cursor: Option<&str>, since: Option<Stamp>) -> Self {
        let child = Command::new("/usr/bin/journalctl")
            .args(journalctl_arguments(folder.to_str(), cursor, since))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, reader: JournalReader::after(cursor.unwrap_or_default()) }
    }

    /// What comes until it is quiet.
    fn entries(&mut self, quiet: Duration) -> Vec<JournalEntry> {
        let mut found = Vec::new();
        let pipe = self.child.stdout.as_mut().unwrap();
        loop {
            let mut fds = [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)];
            let timeout = quiet.try_into().unwrap();
            if rustix::event::poll(&mut fds, Some(&timeout)).unwrap() == 0 {
                return found;
            }
            let mut bytes = [0; 65536];
            let count = pipe.read(&mut bytes).unwrap();
            assert!(count > 0, "journalctl ended");
            self.reader.push(&bytes[..count]);
            while let Some(entry) = self.reader.next_entry() {
                found.push(entry);
            }
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read(folder: &Path, cursor: Option<&str>) -> Vec<JournalEntry> {
    Journal::open(folder, cursor, None).entries(Duration::from_millis(700))
}

fn messages(entries: &[JournalEntry]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.message).into_owned()).collect()
}

fn lines(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| format!("line {n}")).collect()
}

#[test]
fn each_entry_comes_once_over_restarts_and_while_it_is_followed() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.journal", &numbered(0..40));
    let first = read(folder.path(), None);
    assert_eq!(messages(&first), lines(0..40));
    assert_eq!((first[3].uid, first[3].pid.as_slice()), (Some(0), b"7".as_slice()));
    assert!(first[3].as_line().ends_with(b" h sshd[7]: line 3"));
    for at in [0, 7, 38] {
        let rest = read(folder.path(), Some(&first[at].cursor));
        assert_eq!(messages(&rest), lines(at as u64 + 1..40), "after entry {at}");
    }
    // At its end nothing comes again, and what is new comes: also from a new file.
    let mut journal = Journal::open(folder.path(), Some(&first[39].cursor), None);
    assert_eq!(messages(&journal.entries(Duration::from_millis(700))), lines(0..0));
    write(folder.path(), "b.journal", &numbered(40..45));
    assert_eq!(messages(&journal.entries(Duration::from_secs(2))), lines(40..45));
    assert_eq!(messages(&read(folder.path(), Some(""))), lines(0..45), "an empty cursor is none");
}

#[test]
fn a_cursor_that_was_vacuumed_away_loses_nothing_that_is_left() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.journal", &numbered(0..10));
    write(folder.path(), "b.journal", &numbered(10..20));
    let all = read(folder.path(), None);
    assert_eq!(messages(&all), lines(0..20));
    std::fs::remove_file(folder.path().join("a.journal")).unwrap();
    for at in [2, 9] {
        let rest = read(folder.path(), Some(&all[at].cursor));
        assert_eq!(messages(&rest), lines(10..20), "after entry {at}, which is gone");
    }
    let rest = read(folder.path(), Some(&all[12].cursor));
    assert_eq!(messages(&rest), lines(13..20));
}

#[test]
fn a_message_cannot_pose_as_another_field() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut posing = b"Failed password\n_UID=0\nSYSLOG_IDENTIFIER=sshd\n_PID=1\n\n".to_vec();
    posing.extend(b"__CURSOR=s=0;i=0\n__REALTIME_TIMESTAMP=1\n_UID=0\nMESSAGE=forged\n\nMESSAGE\n");
    posing.extend(u64::MAX.to_le_bytes());
    posing.extend(b"\n\n");
    let mut export = entry(0, b"_UID=0");
    let hostile = entry(1, &posing);
    // Who logged it is another user, by the kernel's word.
    let text = hostile.windows(7).position(|bytes| bytes == b"_UID=0\n").unwrap();
    export.extend_from_slice(&hostile[..text]);
    export.extend(b"_UID=1000\n");
    export.extend_from_slice(&hostile[text + 7..]);
    export.extend(entry(2, b"\x00\x1b[31m\xff tail"));
    export.extend(entry(3, &[b'x'; 100_000]));
    export.extend(entry(4, b""));
    export.extend(entry(5, b"last"));
    write(folder.path(), "a.journal", &export);
    let entries = read(folder.path(), None);
    assert_eq!(entries.len(), 6, "{:?}", messages(&entries).iter().map(String::len));
    assert_eq!((entries[0].message.as_slice(), entries[0].uid), (b"_UID=0".as_slice(), Some(0)));
    assert_eq!(entries[1].message, b"Failed password");
    assert_eq!((entries[1].uid, entries[1].pid.as_slice()), (Some(1000), b"7".as_slice()));
    assert!(entries.iter().all(|entry| entry.cursor.len() > 20 && entry.realtime_us > 1));
    for entry in &entries {
        let line = entry.as_line();
        assert!(!line.contains(&b'\n') && line.len() <= monban_model::limits::LINE_MAX);
    }
    assert_eq!(messages(&entries)[5], "last");
}

#[test]
fn a_field_above_the_limit_tells_nothing_of_its_own() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let forged = b"\n\n__CURSOR=s=f;i=1\n__REALTIME_TIMESTAMP=1\n_UID=0\nSYSLOG_IDENTIFIER=sshd\n\
        MESSAGE=Failed password for root from 192.0.2.9\n\n";
    let mut export = Vec::new();
    let sizes = [JOURNAL_ENTRY_MAX - 4096, JOURNAL_ENTRY_MAX + 1, 3 * JOURNAL_ENTRY_MAX];
    for (n, size) in sizes.into_iter().enumerate() {
        let mut value = forged.repeat(size / forged.len() + 1);
        value.truncate(size);
        let whole = entry(2 * n as u64, format!("line {}", 2 * n).as_bytes());
        export.extend_from_slice(&whole[..whole.len() - 1]);
        export.extend(field("BIG", &value));
        export.push(b'\n');
        export.extend(entry(2 * n as u64 + 1, format!("line {}", 2 * n + 1).as_bytes()));
    }
    write(folder.path(), "a.journal", &export);
    let mut journal = Journal::open(folder.path(), None, None);
    let entries = journal.entries(Duration::from_millis(700));
    assert_eq!(messages(&entries), ["line 0", "line 1", "line 3", "line 5"]);
    assert_eq!((journal.reader.take_skipped(), journal.reader.is_broken()), (2, false));
    let rest = read(folder.path(), Some(&entries[2].cursor));
    assert_eq!(messages(&rest), ["line 5"], "the cursors are true ones");
}

#[test]
fn without_its_cursor_reading_goes_on_at_the_time_of_the_last_entry() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.journal", &numbered(0..20));
    let all = read(folder.path(), None);
    let refused = journalctl_arguments(folder.path().to_str(), Some("s=forged;i=6"), None);
    let output = Command::new("/usr/bin/journalctl").args(refused).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "it ends and writes nothing");
    let after = Stamp((all[12].realtime_us / 1000) as i64 + 1);
    let mut journal = Journal::open(folder.path(), None, Some(after));
    assert_eq!(messages(&journal.entries(Duration::from_millis(700))), lines(13..20));
}
