//! Files that are deleted, left and come back, each as its own story.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod rig;

use std::fs::File;

use monban_sources::{From, Offer};
use rig::{Rig, append};

#[test]
fn a_late_file_is_watched_on_after_a_restart() {
    let mut rig = Rig::new(&["log"]);
    rig.append("log", "one\n");
    rig.take();
    rig.rename("log", "log.1");
    rig.append("log", "two\n");
    assert_eq!(rig.take(), ["two"]);
    rig.crash();
    rig.look();
    rig.append("log.1", "late\n");
    rig.append("log", "three\n");
    assert_eq!(rig.take(), ["late", "three"]);
}

#[test]
fn a_file_that_was_deleted_before_its_place_was_known_is_read_in_order() {
    let mut rig = Rig::new(&["log"]);
    rig.append("log", "one\n");
    rig.take();
    rig.rename("log", "log.1");
    rig.append("log", "two\n");
    // The log is opened; before its siblings are listed, it is deleted and two more come.
    let (log, next) = (rig.path("log"), rig.path("log.1"));
    let mut calls = 0;
    rig.pause = Box::new(move || {
        calls += 1;
        if calls == 2 {
            std::fs::remove_file(&log).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(12));
            append(&log, "three\n");
            std::fs::rename(&log, &next).unwrap();
            append(&log, "four\n");
        }
    });
    assert_eq!(rig.take(), ["two"]);
    assert_eq!(rig.take(), ["three", "four"]);
}

#[test]
fn truncated_and_deleted_between_two_looks() {
    let mut rig = Rig::new(&["log"]);
    rig.append("log", "one\ntwo\nthree\n");
    rig.take();
    rig.append("log", "four\n");
    rig.copytruncate("log", "log.1");
    rig.append("log", "five\n");
    std::fs::remove_file(rig.path("log")).unwrap();
    rig.append("log", "six\n");
    let mut lines = rig.take();
    lines.extend(rig.take());
    assert_eq!(lines, ["four", "five", "six"]);
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
}

#[test]
fn a_path_that_was_left_goes_on_where_it_ended() {
    let mut rig = Rig::new(&["log"]);
    rig.append("log", "one\n");
    rig.look();
    let path = rig.path("log").to_str().unwrap().to_owned();
    rig.feed.leave(&path);
    assert_eq!(rig.take(), ["one"]);
    assert_eq!((rig.feed.sources().count(), rig.rows[&path].offset), (0, 4));
    rig.append("log", "two\n");
    assert_eq!(rig.take(), Vec::<String>::new());
    let offer = Offer { path: path.clone(), from: From::Start };
    rig.feed.offer(offer, File::open(&path).unwrap()).unwrap();
    assert_eq!(rig.take(), ["two"]);
}

#[test]
fn a_new_log_that_begins_as_a_packed_one_is_not_taken_for_it() {
    for start in ["line 1", "# a header that is the same in every file, day for day\n"] {
        let mut rig = Rig::new(&["log"]);
        rig.append("log", "one\n");
        rig.take();
        rig.rename("log", "log.2");
        rig.append("log", start);
        rig.append("log", "1\n");
        rig.rename("log", "log.1");
        rig.gzip("log.1");
        rig.append("log", start);
        let mut lines = rig.take();
        rig.append("log", "2\n");
        lines.extend(rig.take());
        let twice = [format!("{start}1\n"), format!("{start}2\n")].concat();
        assert_eq!(lines, twice.lines().collect::<Vec<_>>());
    }
}

#[test]
fn a_place_behind_a_header_is_not_looked_for_in_files_that_were_read() {
    let mut rig = Rig::new(&["log"]);
    rig.append("log", "# header\none\n");
    assert_eq!(rig.take(), ["# header", "one"]);
    rig.rename("log", "log.2");
    rig.append("log", "# header\n");
    assert_eq!(rig.take(), ["# header"]);
    // The first file is not held any more.
    rig.ahead_s += 1000;
    rig.take();
    rig.append("log", "two\n");
    rig.rename("log", "log.1");
    rig.gzip("log.1");
    rig.append("log", "# header\nthree\n");
    rig.crash();
    assert_eq!(rig.take(), ["two", "# header", "three"]);
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
}

#[test]
fn long_headers_do_not_make_two_files_one() {
    let header = format!("# {}\n", "the same in each ".repeat(80));
    let mut rig = Rig::new(&["log"]);
    rig.append("log", &header);
    rig.append("log", "one\n");
    assert_eq!(rig.take().len(), 2);
    rig.rename("log", "log.3");
    rig.append("log", &header);
    rig.append("log", "two\n");
    assert_eq!(rig.take().len(), 2);
    rig.rename("log", "log.2");
    rig.append("log", &header);
    rig.append("log", "three\n");
    rig.rename("log", "log.1");
    rig.append("log", "four\n");
    rig.crash();
    assert_eq!(rig.take()[1..], ["three", "four"]);
}

#[test]
fn a_shorter_file_with_the_same_header_is_not_the_one_that_was_deleted() {
    let header = format!("# {}\n", "the same in each ".repeat(80));
    let mut rig = Rig::new(&["log"]);
    rig.append("log", &format!("{header}a first line\na second line\n"));
    assert_eq!(rig.take().len(), 3);
    rig.crash();
    std::fs::remove_file(rig.path("log")).unwrap();
    // Other inodes than that one.
    rig.append("other", "");
    rig.append("log", &format!("{header}next\n"));
    rig.rename("log", "log.1");
    rig.gzip("log.1");
    rig.append("log", &format!("{header}last\n"));
    let lines = rig.take();
    assert_eq!([&lines[1], &lines[3]], ["next", "last"]);
}

#[test]
fn a_rotated_file_with_nothing_but_a_header_hides_no_other_one() {
    for restart in [false, true] {
        let mut rig = Rig::new(&["log"]);
        rig.append("log", "# header\n");
        assert_eq!(rig.take(), ["# header"]);
        rig.rename("log", "log.3");
        rig.append("log", "# header\none\n");
        assert_eq!(rig.take(), ["# header", "one"]);
        rig.rename("log", "log.2");
        rig.append("log", "# header\ntwo\n");
        rig.rename("log", "log.1");
        rig.append("log", "# header\nthree\n");
        if restart {
            rig.crash();
        }
        assert_eq!(rig.take(), ["# header", "two", "# header", "three"]);
    }
}
