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
