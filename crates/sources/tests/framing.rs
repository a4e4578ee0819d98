//! What a feed hands out of one file, whatever it holds and however it grows.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::fs::{File, OpenOptions};
use std::io::Write;

use monban_model::limits::LINE_MAX;
use monban_model::{PositionRow, Stamp};
use monban_sources::{Feed, From, Offer, Turns};
use proptest::prelude::*;

fn offer(feed: &mut Feed, path: &std::path::Path) {
    let offer = Offer { path: path.to_str().unwrap().to_owned(), from: From::Start };
    feed.offer(offer, File::open(path).unwrap()).unwrap();
    // Nothing lies beside the file: every question has an empty answer.
    for want in feed.wants() {
        feed.siblings_end(&want.path);
    }
}

fn read(feed: &mut Feed, max_bytes: usize, lines: &mut Vec<Vec<u8>>) {
    feed.wake_all();
    while feed
        .read(max_bytes, Stamp(0), Turns::Round, &mut |line, _| lines.push(line.bytes.to_vec()))
        .more
    {}
}

fn naive(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    parts.pop();
    let line = |part: &[u8]| {
        let mut text: Vec<u8> = part.iter().copied().skip_while(|b| *b == 0).collect();
        if text.last() == Some(&b'\r') {
            text.pop();
        }
        text.truncate(LINE_MAX);
        text
    };
    parts.into_iter().map(line).collect()
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => proptest::collection::vec(
            prop_oneof![6 => Just(b'a'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => any::<u8>()],
            0..60,
        ),
        1 => (1usize..120_000).prop_map(|n| vec![b'x'; n]),
        1 => (1usize..40_000).prop_map(|n| vec![0; n]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Any bytes in any pieces, read in any amounts, with ends of the process between: the lines
    /// are those of a naive split.
    #[test]
    fn a_growing_file_is_split_like_a_whole_one(
        pieces in proptest::collection::vec((piece(), 0u8..4), 1..25),
        max_bytes in 1usize..200_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        let mut feed = Feed::new(Vec::new());
        offer(&mut feed, &path);
        let (mut all, mut lines, mut open) = (Vec::new(), Vec::new(), Vec::new());
        let mut row: Vec<PositionRow> = feed.positions();
        for (piece, then) in pieces {
            file.write_all(&piece).unwrap();
            all.extend(piece);
            read(&mut feed, max_bytes, &mut open);
            match then {
                0 => {
                    lines.append(&mut open);
                    let rows = feed.positions();
                    if !rows.is_empty() {
                        row = rows;
                    }
                }
                1 => {
                    open.clear();
                    feed = Feed::new(row.clone());
                    offer(&mut feed, &path);
                }
                _ => {}
            }
        }
        read(&mut feed, max_bytes, &mut open);
        lines.append(&mut open);
        prop_assert_eq!(lines, naive(&all));
        prop_assert!(feed.notices().is_empty());
    }

    /// Rows of a damaged or forged ledger are places like others, or none; nothing panics.
    #[test]
    fn any_row_is_survived(
        offset in any::<u64>(),
        tail in proptest::collection::vec(any::<u8>(), 0..100),
        head in (any::<u64>(), any::<u32>()),
        cursor in "(mtime=|born=|late=|[0-9a-f:-]| ){0,40}",
        same_inode in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        use std::os::unix::fs::MetadataExt;
        let data = std::fs::metadata(&path).unwrap();
        let mut feed = Feed::new(vec![PositionRow {
            path: path.to_str().unwrap().to_owned(),
            dev: data.dev(),
            ino: if same_inode { data.ino() } else { 1 },
            offset,
            tail: monban_model::Tail(tail),
            head,
            lines: 0,
            sightings: 0,
            last: Stamp(0),
            cursor,
        }]);
        offer(&mut feed, &path);
        let mut lines = Vec::new();
        read(&mut feed, 1000, &mut lines);
        prop_assert!(lines.len() <= 2);
    }
}

#[test]
fn a_flooded_file_does_not_starve_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut feed = Feed::new(Vec::new());
    for (name, count) in [("flood", 2_000_000), ("quiet", 3)] {
        let path = dir.path().join(name);
        std::fs::write(&path, "line\n".repeat(count)).unwrap();
        offer(&mut feed, &path);
    }
    let (mut quiet, mut total) = (0, 0);
    let progress = feed.read(1 << 20, Stamp(0), Turns::Round, &mut |_, file| {
        total += 1;
        quiet += usize::from(file.path.ends_with("quiet"));
    });
    assert_eq!(quiet, 3);
    assert!(progress.more && total < 400_000, "{total}");
    assert!(feed.backlog_bytes() > 8_000_000);
}

#[test]
fn a_line_beyond_every_limit_is_cut_counted_and_costs_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"first\n").unwrap();
    for _ in 0..64 {
        file.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    let mut feed = Feed::new(Vec::new());
    offer(&mut feed, &path);
    let mut lines = Vec::new();
    read(&mut feed, 1 << 20, &mut lines);
    assert_eq!(lines, [b"first"]);
    let row = feed.positions();
    assert_eq!(row[0].offset, 6, "an unfinished line is not counted");
    file.write_all(b"\nlast\n").unwrap();
    read(&mut feed, 1 << 20, &mut lines);
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [5, LINE_MAX, 4]);
    let (_, row, counters) = feed.sources().next().unwrap();
    assert_eq!((counters.cut, counters.cut_bytes), (1, (64 << 20) - LINE_MAX as u64));
    assert_eq!(row.offset, 6 + (64 << 20) + 6);
}
