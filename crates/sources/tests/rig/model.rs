//! What a reader can know at best: which lines were committed, and which ones nobody can read
//! any more.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

#[derive(Default)]
pub struct Model {
    committed: BTreeSet<u64>,
    /// Lines of deleted files that a reader holds open: lost if it is killed before it commits.
    held: Vec<Range<u64>>,
    /// Lines that nobody can read any more.
    pub lost: BTreeSet<u64>,
    /// One of them lay in a file of which the reader had committed something: it must say so.
    pub must_tell: bool,
}

impl Model {
    pub fn commit(&mut self, lines: &[String]) {
        self.committed.extend(lines.iter().map(|line| number(line)));
    }

    /// The first line that was neither committed nor lost.
    pub fn first_missing(&self) -> u64 {
        let done = |n: &u64| self.committed.contains(n) || self.lost.contains(n);
        (0..).find(|n| !done(n)).unwrap_or(u64::MAX)
    }

    pub fn has_any(&self, lines: Range<u64>) -> bool {
        self.committed.range(lines).next().is_some()
    }

    /// The file with these lines is going to be deleted. The kernel tells who else holds it.
    pub fn delete(&mut self, file: &File, lines: Range<u64>) -> String {
        let own = file.metadata().unwrap();
        let held = std::fs::read_dir("/proc/self/fd").unwrap().flatten().any(|entry| {
            entry.file_name().to_str() != Some(&file.as_raw_fd().to_string())
                && std::fs::metadata(entry.path())
                    .is_ok_and(|facts| (facts.dev(), facts.ino()) == (own.dev(), own.ino()))
        });
        let before = self.lost.len();
        if held {
            self.held.push(lines.clone());
        } else {
            self.lose(lines.clone());
        }
        let lost = self.lost.len() - before;
        format!("delete {} with lines {lines:?}, held {held}, {lost} lost", own.ino())
    }

    /// The reader is killed.
    pub fn kill(&mut self) {
        for lines in std::mem::take(&mut self.held) {
            self.lose(lines);
        }
    }

    fn lose(&mut self, lines: Range<u64>) {
        let begun = self.has_any(lines.clone());
        let lost: Vec<u64> = lines.filter(|n| !self.committed.contains(n)).collect();
        self.must_tell |= begun && !lost.is_empty();
        self.lost.extend(lost);
    }
}

/// The number of a line.
pub fn number(line: &str) -> u64 {
    line.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(u64::MAX)
}
