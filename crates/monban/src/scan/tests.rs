//! However many read, and however small the blocks are: what comes out is the same.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use monban_sources::archive::{BLOCK_BYTES, Meter, expand};

use super::crew::{self, Size};
use super::merge::Step;
use crate::shipped;

/// One line of a log of sshd that many talk to; every seventh is repeated.
fn auth_line(at: usize, host: &str) -> String {
    let (minute, second) = (at / 60 % 60, at % 60);
    let head = format!("Nov 22 {:02}:{minute:02}:{second:02} {host}", at / 3600 % 24);
    let pid = 1000 + at / 3;
    let address = format!("192.0.2.{}", at % 200);
    match at % 7 {
        0 => format!("{head} last message repeated {} times", 1 + at % 3),
        1 | 2 | 6 => {
            format!("{head} sshd[{pid}]: Failed password for root from {address} port 4 ssh2")
        }
        4 => format!("{head} CRON[{pid}]: (root) CMD (true)"),
        5 => format!("{head} sshd[{pid}]: Accepted publickey for me from {address} port 4 ssh2"),
        _ => format!("{head} sshd[{pid}]: Connection closed by {address} port 4 [preauth]"),
    }
}

fn access_line(at: usize) -> String {
    let path = if at.is_multiple_of(997) { "/.git/config" } else { "/index.html" };
    let code = if at.is_multiple_of(997) { 404 } else { 200 };
    let (minute, second) = (at / 60 % 60, at % 60);
    let time = format!("22/Nov/2026:{:02}:{minute:02}:{second:02} +0000", at / 3600 % 24);
    format!(r#"198.51.100.{} - - [{time}] "GET {path} HTTP/1.1" {code} 9 "-" "-""#, at % 250)
}

/// One line of a log in which hardly anything is told, but for a while in its middle.
fn quiet_line(at: usize) -> String {
    let is_attack = at.is_multiple_of(997) || (9_000..11_000).contains(&at);
    let line = auth_line(if is_attack { at / 7 * 7 + 1 } else { at / 7 * 7 + 4 }, "mail");
    line.replace("192.0.2.", "198.18.0.")
}

fn write(path: &Path, lines: impl Iterator<Item = String>) {
    let file = File::create(path).unwrap();
    let text = lines.map(|line| line + "\n").collect::<String>();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
        return;
    }
    let mut file = file;
    file.write_all(text.as_bytes()).unwrap();
}

/// All that comes out of the logs in a folder with what was left out, and the counts of it.
fn told(folder: &Path, size: Size) -> (Vec<String>, [u64; 5]) {
    let bundle = monban_config::Bundle::read(Path::new("/nonexistent"), false).unwrap();
    let rules = shipped::load(&bundle, false).unwrap().rules;
    let (families, _) = expand(&[folder.to_owned()]);
    let (mut steps, mut lines, mut read) = (Vec::new(), 0, 0);
    let mut each = |step: &Step<'_>| match step {
        Step::Sighting(seen) => steps.push(format!("{seen:?}")),
        Step::Lines { count, bytes } => {
            lines += count;
            read += bytes;
        }
    };
    let outcome = crew::read(&rules, families, &Meter::default(), size, &mut each);
    steps.extend(outcome.skipped.iter().map(|skipped| format!("{skipped:?}")));
    let skipped = outcome.skipped.len() as u64;
    (steps, [lines, read, outcome.files, outcome.echoes, skipped])
}

#[test]
fn what_is_told_does_not_hang_on_who_reads_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Each file ends where the next one may repeat its last line.
    for (at, name) in
        ["auth.log.3.gz", "auth.log.2.gz", "auth.log.1", "auth.log"].iter().enumerate()
    {
        let first = at * 5_005;
        write(&path(name), (first..first + 5_005).map(|at| auth_line(at, "web")));
    }
    write(&path("secure"), (3_000..4_000).map(|at| auth_line(at, "web")));
    // At the same times, of others.
    let other = |at| auth_line(at, "db").replace("192.0.2.", "203.0.113.");
    write(&path("messages"), (2_000..6_000).map(other));
    write(&path("access.log"), (0..20_000).map(access_line));
    write(&path("syslog"), (0..20_000).map(quiet_line));
    for name in ["wtmp", "btmp", "a.gz", "z.gz"] {
        std::fs::write(path(name), [7, 0, 0, 0]).unwrap();
    }
    let small = Size { readers: 1, block: 0 };
    let (steps, counts) = told(folder.path(), small);
    assert_eq!(counts[..3], [65_020, counts[1], 8]);
    assert!(counts[3] > 400 && counts[4] == 4, "{counts:?}");
    assert!(steps.len() > 10_000, "{}", steps.len());
    let repeated = steps.iter().filter(|seen| seen.contains("weight: 3")).count();
    assert!(repeated > 100, "{repeated}");
    for (readers, block) in [(1, BLOCK_BYTES), (2, 0), (2, BLOCK_BYTES), (5, 50_000), (16, 0)] {
        let (again, counts_again) = told(folder.path(), Size { readers, block });
        assert_eq!(counts_again, counts, "{readers} {block}");
        let differs = steps.iter().zip(&again).position(|(one, other)| one != other);
        assert_eq!(differs, None, "{readers} {block}");
        assert_eq!(again.len(), steps.len());
    }
}

#[test]
fn a_stray_line_before_a_log_of_another_form_does_not_make_it_pass_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let stray = ["Nov 22 05:33:01 web CRON[1]: (root) CMD (true)".to_owned()];
    write(&folder.path().join("access.log"), stray.into_iter().chain((0..500).map(access_line)));
    let bundle = monban_config::Bundle::read(Path::new("/nonexistent"), false).unwrap();
    let rules = shipped::load(&bundle, false).unwrap().rules;
    let (families, _) = expand(&[folder.path().to_owned()]);
    let outcome =
        crew::read(&rules, families, &Meter::default(), Size::default(), &mut |_: &Step<'_>| {});
    assert_eq!(outcome.misplaced, 500);
}

#[test]
fn more_logs_than_pages_may_wait_are_told_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for log in 0..150 {
        let lines = (0..40).map(|at| match log % 2 {
            0 => auth_line(at * 150 + log, "web"),
            _ => quiet_line(9_000 + at * 150 + log),
        });
        write(&folder.path().join(format!("auth-{log}.log")), lines);
    }
    let (steps, counts) = told(folder.path(), Size { readers: 1, block: 0 });
    assert_eq!(counts[..3], [6_000, counts[1], 150]);
    assert!(steps.len() > 2_000, "{}", steps.len());
    for readers in [2, 7] {
        assert_eq!(told(folder.path(), Size { readers, block: 0 }), (steps.clone(), counts));
    }
}

#[test]
fn a_damaged_archive_says_how_far_it_was_read_and_the_next_file_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("auth.log.2.gz"), (0..20_000).map(|at| auth_line(at, "web")));
    let whole = std::fs::read(path("auth.log.2.gz")).unwrap();
    std::fs::write(path("auth.log.2.gz"), &whole[..whole.len() / 2]).unwrap();
    write(&path("auth.log.1"), (20_000..20_100).map(|at| auth_line(at, "web")));
    let bundle = monban_config::Bundle::read(Path::new("/nonexistent"), false).unwrap();
    let rules = shipped::load(&bundle, false).unwrap().rules;
    let (families, _) = expand(&[folder.path().to_owned()]);
    let mut lines = 0;
    let mut each = |step: &Step<'_>| {
        if let Step::Lines { count, .. } = step {
            lines += count;
        }
    };
    let size = Size { readers: 3, block: 0 };
    let outcome = crew::read(&rules, families, &Meter::default(), size, &mut each);
    assert_eq!(outcome.files, 2);
    let [skipped] = &outcome.skipped[..] else { panic!("{:?}", outcome.skipped) };
    let monban_sources::archive::Fault::Damaged { lines: read, .. } = skipped.why else {
        panic!("{skipped:?}")
    };
    assert_eq!(read + 100, lines);
    assert!((1_000..20_000).contains(&read), "{read}");
}
