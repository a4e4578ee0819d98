//! Every style of rotation, alive and across a restart.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod rig;

use std::os::unix::fs::symlink;

use monban_sources::{From, Lost, Notice};
use rig::{Rig, append, truncate};

fn lost(rig: &Rig) -> Vec<Lost> {
    let lost = |notice: &Notice| match notice {
        Notice::Lost { lost, .. } => Some(*lost),
        _ => None,
    };
    rig.notices.iter().filter_map(lost).collect()
}

/// Runs a story three times: read before the rotation and alive over it; read before it and
/// restarted after it; the same with a crash right after the first look of the new run.
fn each_way(
    patterns: &[&str],
    before: impl Fn(&Rig),
    rotate: impl Fn(&Rig),
    expected: &[&str],
    lossless: bool,
) {
    each_way_told(patterns, before, rotate, expected, [lossless; 3]);
}

/// The same; `lossless` says for each of the three runs whether no loss may be told.
fn each_way_told(
    patterns: &[&str],
    before: impl Fn(&Rig),
    rotate: impl Fn(&Rig),
    expected: &[&str],
    lossless: [bool; 3],
) {
    for (restarts, lossless) in lossless.into_iter().enumerate() {
        let mut rig = Rig::new(patterns);
        before(&rig);
        let mut got = rig.take();
        rotate(&rig);
        for _ in 0..restarts {
            rig.crash();
            rig.find();
            rig.read(1);
        }
        if restarts == 2 {
            rig.crash();
        }
        got.extend(rig.take());
        got.extend(rig.take());
        // Between two paths there is no order.
        if patterns.len() > 1 {
            got.sort();
        }
        assert_eq!(got, expected, "with {restarts} restarts");
        assert_eq!(lost(&rig).is_empty(), lossless, "{:?}", lost(&rig));
        assert_eq!(rig.feed.backlog_bytes(), 0);
    }
}

#[test]
fn rename_and_create() {
    each_way(
        &["auth.log"],
        |rig| rig.append("auth.log", "a1\na2\n"),
        |rig| {
            rig.append("auth.log", "a3\n");
            rig.rename("auth.log", "auth.log.1");
            rig.append("auth.log", "b1\n");
        },
        &["a1", "a2", "a3", "b1"],
        true,
    );
}

#[test]
fn the_last_line_of_a_rotated_file_counts_without_its_newline() {
    each_way(
        &["auth.log"],
        |rig| rig.append("auth.log", "a1\na2"),
        |rig| {
            rig.append("auth.log", "-end");
            rig.rename("auth.log", "auth.log.1");
            rig.append("auth.log", "b1\n");
        },
        &["a1", "a2-end", "b1"],
        true,
    );
}

#[test]
fn several_rotations_between_two_looks() {
    each_way(
        &["auth.log"],
        |rig| rig.append("auth.log", "a1\n"),
        |rig| {
            rig.append("auth.log", "a2\n");
            for turn in ["b", "c", "d"] {
                for number in (1..5).rev() {
                    let from = format!("auth.log.{number}");
                    if rig.path(&from).exists() {
                        rig.rename(&from, &format!("auth.log.{}", number + 1));
                    }
                }
                rig.rename("auth.log", "auth.log.1");
                rig.append("auth.log", &format!("{turn}1\n{turn}2\n"));
            }
        },
        &["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"],
        true,
    );
}

#[test]
fn several_rotations_and_packing() {
    each_way(
        &["auth.log"],
        |rig| rig.append("auth.log", "a1 with some words\n"),
        |rig| {
            rig.append("auth.log", "a2\n");
            rig.rename("auth.log", "auth.log.2");
            rig.append("auth.log", "b1\n");
            rig.gzip("auth.log.2");
            rig.rename("auth.log", "auth.log.1");
            rig.append("auth.log", "c1\n");
        },
        &["a1 with some words", "a2", "b1", "c1"],
        true,
    );
}

#[test]
fn copytruncate() {
    each_way(
        &["mail.log"],
        |rig| rig.append("mail.log", "a1\na2\n"),
        |rig| {
            rig.append("mail.log", "a3\n");
            rig.copytruncate("mail.log", "mail.log.1");
            rig.append("mail.log", "b1\n");
        },
        &["a1", "a2", "a3", "b1"],
        true,
    );
}

#[test]
fn copytruncate_twice_and_packed_and_longer_than_before() {
    each_way(
        &["mail.log"],
        |rig| rig.append("mail.log", "a1\na2\n"),
        |rig| {
            rig.append("mail.log", "a3\n");
            rig.copytruncate("mail.log", "mail.log.2");
            rig.gzip("mail.log.2");
            rig.append("mail.log", "b1\nb2 with many words\n");
            rig.copytruncate("mail.log", "mail.log.1");
            rig.append("mail.log", "c1\nc2 with many more words than before\n");
        },
        &[
            "a1",
            "a2",
            "a3",
            "b1",
            "b2 with many words",
            "c1",
            "c2 with many more words than before",
        ],
        true,
    );
}

#[test]
fn copytruncate_under_a_writer_that_does_not_append() {
    each_way(
        &["app.log"],
        |rig| rig.append("app.log", "a1\na2\n"),
        |rig| {
            use std::os::unix::fs::FileExt;
            let writer = std::fs::File::options().write(true).open(rig.path("app.log")).unwrap();
            rig.copytruncate("app.log", "app.log.1");
            // The writer's own offset is still 6: a hole of six NUL bytes.
            writer.write_all_at(b"b1\n", 6).unwrap();
        },
        &["a1", "a2", "b1"],
        true,
    );
}

#[test]
fn delete_and_recreate() {
    each_way_told(
        &["auth.log"],
        |rig| rig.append("auth.log", "a1\na2\n"),
        |rig| {
            std::fs::remove_file(rig.path("auth.log")).unwrap();
            rig.append("auth.log", "b1\n");
        },
        &["a1", "a2", "b1"],
        // Alive nothing is lost; after a restart nobody knows what the deleted file still got.
        [true, false, false],
    );
}

#[test]
#[should_panic(expected = "with")]
fn the_story_teller_can_fail() {
    each_way(&["a"], |rig| rig.append("a", "1\n"), |rig| rig.append("a", "2\n"), &["1"], true);
}

#[test]
fn symlink_swap() {
    each_way(
        &["current"],
        |rig| {
            rig.append("log.a", "a1\na2\n");
            symlink("log.a", rig.path("current")).unwrap();
        },
        |rig| {
            rig.append("log.a", "a3\n");
            rig.append("log.b", "b1\n");
            symlink("log.b", rig.path("next")).unwrap();
            rig.rename("next", "current");
        },
        &["a1", "a2", "a3", "b1"],
        true,
    );
}

#[test]
fn dated_names_under_a_glob() {
    each_way(
        &["app-*.log"],
        |rig| rig.append("app-2026-01-01.log", "a1\n"),
        |rig| {
            rig.append("app-2026-01-01.log", "a2\n");
        },
        &["a1", "a2"],
        true,
    );
    let mut rig = Rig::new(&["app-*.log"]);
    rig.from = From::End;
    rig.append("app-2026-01-01.log", "old\n");
    assert!(rig.take().is_empty());
    rig.append("app-2026-01-01.log", "a1\n");
    rig.append("app-2026-01-02.log", "b1\n");
    let mut got = rig.take();
    got.sort();
    assert_eq!(got, ["a1", "b1"]);
}

#[test]
fn a_glob_that_matches_the_rotated_names_too() {
    each_way(
        &["auth.log*"],
        |rig| rig.append("auth.log", "a1\n"),
        |rig| {
            rig.append("auth.log", "a2\n");
            rig.rename("auth.log", "auth.log.1");
            rig.append("auth.log", "b1\n");
        },
        &["a1", "a2", "b1"],
        true,
    );
}

#[test]
fn both_names_are_followed_and_a_file_is_read_once() {
    each_way(
        &["auth.log.1", "auth.log", "auth.log.2"],
        |rig| rig.append("auth.log", "a1\n"),
        |rig| {
            rig.append("auth.log", "a2\n");
            rig.rename("auth.log", "auth.log.1");
            rig.append("auth.log", "b1\n");
            rig.rename("auth.log.1", "auth.log.2");
            rig.rename("auth.log", "auth.log.1");
            rig.append("auth.log", "c1\n");
        },
        &["a1", "a2", "b1", "c1"],
        true,
    );
}

#[test]
fn two_paths_to_one_file() {
    let mut rig = Rig::new(&["a.log", "b.log"]);
    rig.append("a.log", "1\n");
    std::fs::hard_link(rig.path("a.log"), rig.path("b.log")).unwrap();
    assert_eq!(rig.take(), ["1"]);
    rig.append("b.log", "2\n");
    assert_eq!(rig.take(), ["2"]);
    rig.crash();
    rig.append("b.log", "3\n");
    assert_eq!(rig.take(), ["3"]);
}

#[test]
fn cut_in_the_middle_of_a_line() {
    each_way(
        &["auth.log"],
        |rig| rig.append("auth.log", &"0123456789\n".repeat(200)),
        |rig| truncate(&rig.path("auth.log"), 1504),
        &["0123456789"; 200],
        false,
    );
    let mut rig = Rig::new(&["auth.log"]);
    rig.append("auth.log", "first line of the file, long enough\nsecond\nthird\n");
    assert_eq!(rig.take().len(), 3);
    truncate(&rig.path("auth.log"), 39);
    assert!(rig.take().is_empty());
    rig.append("auth.log", "fourth\nfifth\n");
    assert_eq!(rig.take(), ["fourth", "fifth"]);
    assert_eq!(lost(&rig), [Lost::Cut(0)]);
}

#[test]
fn truncated_while_a_line_is_unfinished() {
    let mut rig = Rig::new(&["auth.log"]);
    rig.append("auth.log", "one\ntw");
    assert_eq!(rig.take(), ["one"]);
    truncate(&rig.path("auth.log"), 0);
    rig.append("auth.log", "three\n");
    assert_eq!(rig.take(), ["three"]);
    assert_eq!(lost(&rig), [Lost::Truncated(2)]);
    let (_, _, counters) = rig.feed.sources().next().unwrap();
    assert_eq!((counters.lost_bytes, counters.lost_unknown), (2, 1));
}

#[test]
fn a_half_read_file_is_found_by_its_inode_under_any_name() {
    let mut rig = Rig::new(&["auth.log"]);
    rig.append("auth.log", "a1\n");
    assert_eq!(rig.take(), ["a1"]);
    rig.append("auth.log", "a2\n");
    rig.rename("auth.log", "kept-for-later");
    rig.append("auth.log", "b1\n");
    rig.crash();
    assert_eq!(rig.take(), ["a2", "b1"]);
    assert!(lost(&rig).is_empty());
}

#[test]
fn what_is_rotated_away_is_said() {
    let mut rig = Rig::new(&["auth.log"]);
    rig.append("auth.log", "a1\n");
    rig.take();
    // An older turn that was read long ago must not be read again.
    append(&rig.path("auth.log.1"), "old\n");
    let file = std::fs::File::options().append(true).open(rig.path("auth.log.1")).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(99)).unwrap();
    std::fs::rename(rig.path("auth.log"), rig.path("../gone-from-monban-test")).ok();
    std::fs::remove_file(rig.path("../gone-from-monban-test")).ok();
    rig.append("auth.log", "b1\n");
    rig.crash();
    assert_eq!(rig.take(), ["b1"]);
    assert_eq!(lost(&rig).len(), 1);
}

#[test]
fn late_lines_of_a_rotated_file_are_read_alive_and_after_a_restart() {
    for restart in [false, true] {
        let mut rig = Rig::new(&["access.log"]);
        rig.append("access.log", "a1\n");
        rig.take();
        rig.rename("access.log", "access.log.1");
        rig.append("access.log", "b1\n");
        assert_eq!(rig.take(), ["b1"]);
        rig.append("access.log.1", "a2\n");
        if restart {
            rig.crash();
        }
        rig.append("access.log", "b2\n");
        assert_eq!(rig.take(), ["a2", "b2"], "restart: {restart}");
        // After the late time the rotated file is closed.
        rig.ahead_s += 1000;
        rig.take();
        rig.append("access.log.1", "too late\n");
        rig.append("access.log", "b3\n");
        assert_eq!(rig.take(), ["b3"], "restart: {restart}");
        assert!(lost(&rig).is_empty());
    }
}

#[test]
fn a_line_that_was_begun_before_the_rotation_is_waited_for() {
    let mut rig = Rig::new(&["auth.log"]);
    rig.append("auth.log", "a1\nbeg");
    assert_eq!(rig.take(), ["a1"]);
    rig.rename("auth.log", "auth.log.1");
    rig.append("auth.log", "");
    assert!(rig.take().is_empty());
    rig.append("auth.log.1", "un\n");
    rig.append("auth.log", "b1\n");
    assert_eq!(rig.take(), ["begun", "b1"]);
}

#[test]
fn where_a_file_begins_that_was_never_read() {
    for (from, expected) in [
        (From::Start, vec!["one", "two", "three"]),
        (From::End, vec!["three"]),
        (From::Bytes(4 + 4), vec!["two", "three"]),
        (From::Bytes(4 + 5), vec!["two", "three"]),
        (From::Bytes(3 + 4), vec!["three"]),
        (From::Bytes(1000), vec!["one", "two", "three"]),
    ] {
        let mut rig = Rig::new(&["a.log"]);
        rig.from = from;
        rig.append("a.log", "one\ntwo\nthre");
        let mut got = rig.take();
        rig.append("a.log", "e\n");
        got.extend(rig.take());
        assert_eq!(got, expected, "{from:?}");
    }
}

#[test]
fn a_file_that_appears_later_is_read_from_its_start() {
    let mut rig = Rig::new(&["sub/*.log"]);
    rig.from = From::End;
    rig.take();
    std::fs::create_dir(rig.path("sub")).unwrap();
    rig.append("sub/x.log", "x1\n");
    assert_eq!(rig.take(), ["x1"]);
}

#[test]
fn a_deleted_file_is_let_go() {
    let mut rig = Rig::new(&["*.log"]);
    rig.append("a.log", "1\n");
    rig.take();
    std::fs::remove_file(rig.path("a.log")).unwrap();
    rig.take();
    assert_eq!(rig.rows.len(), 1);
    rig.ahead_s += 1000;
    rig.take();
    rig.take();
    assert_eq!((rig.feed.sources().count(), rig.rows.len()), (0, 0));
    rig.append("a.log", "2\n");
    assert_eq!(rig.take(), ["2"]);
}

#[test]
fn a_symlink_that_swings_back_does_not_count_twice() {
    let mut rig = Rig::new(&["current"]);
    rig.append("log.a", "a1\n");
    rig.append("log.b", "b1\n");
    let swing = |rig: &Rig, to: &str| {
        symlink(to, rig.path("next")).unwrap();
        rig.rename("next", "current");
    };
    swing(&rig, "log.a");
    assert_eq!(rig.take(), ["a1"]);
    swing(&rig, "log.b");
    assert_eq!(rig.take(), ["b1"]);
    rig.append("log.a", "a2\n");
    swing(&rig, "log.a");
    assert_eq!(rig.take(), ["a2"]);
}
