//! How much is read at a time, of which log, and what a row says of the file.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod rig;

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rig::{Rig, truncate};

#[test]
fn two_busy_logs_share_a_slice_and_neither_waits() {
    let mut rig = Rig::new(&["a.log", "b.log"]);
    let lines = |name: char| format!("{name}{}\n", "x".repeat(98)).repeat(4_000);
    rig.append("a.log", &lines('a'));
    rig.append("b.log", &lines('b'));
    rig.find();
    let slice = 128 << 10;
    while rig.read(slice) {
        let of = |name: char| rig.open.iter().filter(|line| line.starts_with(name)).count();
        let (a, b) = (of('a'), of('b'));
        assert!((a + b) * 100 <= slice, "{a} and {b} lines of a slice");
        assert!(a.abs_diff(b) * 100 <= slice / 2 || a + b < 1_000, "{a} and {b}");
        rig.commit();
    }
    rig.commit();
    assert_eq!(rig.lines.len(), 8_000);
}

#[test]
fn a_piece_is_read_however_little_is_asked_for() {
    let mut rig = Rig::new(&["a.log"]);
    rig.append("a.log", &"line\n".repeat(20_000));
    rig.find();
    let mut reads = 1;
    while rig.read(1) {
        reads += 1;
    }
    assert_eq!(rig.open.len(), 20_000);
    assert!((2..10).contains(&reads), "{reads}");
}

#[test]
fn the_row_of_a_cut_file_has_its_time() {
    let mut rig = Rig::new(&["app.log"]);
    rig.append("app.log", "first line of some length\n");
    rig.take();
    std::thread::sleep(Duration::from_millis(50));
    truncate(&rig.path("app.log"), 0);
    for _ in 0..6 {
        rig.read(1);
        rig.commit();
    }
    let path = rig.path("app.log");
    let file = std::fs::metadata(&path).unwrap();
    let cursor = &rig.rows[path.to_str().unwrap()].cursor;
    let time = cursor.split(' ').find_map(|word| word.strip_prefix("mtime=")).unwrap();
    let expected = i128::from(file.mtime()) * 1_000_000_000 + i128::from(file.mtime_nsec());
    assert_eq!(time.parse(), Ok(expected));
}
