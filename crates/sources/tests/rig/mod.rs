//! A gate, a feed and a ledger of nothing but rows and lines, over real files.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]
#![allow(unreachable_pub, reason = "a module of several test programs")]
#![allow(dead_code, reason = "each test file uses its part")]

pub mod baton;
pub mod model;
pub mod writer;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use monban_model::{PositionRow, Stamp};
use monban_sources::{Feed, From, Notice, Offer, Turns};
use monban_warden::{Gate, GateEvent};
use tempfile::TempDir;

pub struct Rig {
    pub dir: TempDir,
    patterns: Vec<String>,
    pub gate: Gate,
    pub feed: Feed,
    pub from: From,
    /// What a ledger would hold: rows and lines of one transaction after the other.
    pub rows: BTreeMap<String, PositionRow>,
    pub lines: Vec<String>,
    /// Lines that were handed out and not committed.
    pub open: Vec<String>,
    pub notices: Vec<Notice>,
    /// Notices that are not committed yet.
    pub open_notices: Vec<Notice>,
    /// Seconds by which the clock is ahead.
    pub ahead_s: u64,
    /// Called between the steps of a look: something else may happen there.
    pub pause: Box<dyn FnMut()>,
}

impl Rig {
    pub fn new(patterns: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let full = |name: &&str| dir.path().join(name).to_str().unwrap().to_owned();
        let patterns: Vec<String> = patterns.iter().map(full).collect();
        Self {
            gate: Gate::new(&patterns, &[]).unwrap(),
            dir,
            patterns,
            feed: Feed::new(Vec::new()),
            from: From::Start,
            rows: BTreeMap::new(),
            lines: Vec::new(),
            open: Vec::new(),
            notices: Vec::new(),
            open_notices: Vec::new(),
            ahead_s: 0,
            pause: Box::new(|| ()),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn now(&self) -> Stamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Stamp(now.as_millis() as i64).plus_s(self.ahead_s)
    }

    /// Looks for files, asks for siblings, reads everything.
    pub fn look(&mut self) {
        self.find();
        while self.read(1 << 20) {}
    }

    pub fn find(&mut self) {
        for event in self.gate.scan() {
            (self.pause)();
            match event {
                GateEvent::Opened(opened) => {
                    let from = if opened.appeared_later { From::Start } else { self.from };
                    let offer = Offer { path: opened.path, from };
                    self.feed.offer(offer, File::from(opened.fd)).unwrap();
                }
                GateEvent::Gone { path, .. } => self.feed.gone(&path),
                GateEvent::Unreadable { .. } | GateEvent::TooMany => {}
            }
        }
        self.answer();
    }

    fn answer(&mut self) {
        for want in self.feed.wants() {
            (self.pause)();
            for sibling in self.gate.siblings(&want.path, want.dev, want.ino).unwrap() {
                self.feed.sibling(&want.path, File::from(sibling.fd));
            }
            (self.pause)();
            self.feed.siblings_end(&want.path);
        }
    }

    pub fn read(&mut self, max_bytes: usize) -> bool {
        self.feed.wake_all();
        let now = self.now();
        let open = &mut self.open;
        let progress = self.feed.read(max_bytes, now, Turns::Round, &mut |line, _| {
            open.push(String::from_utf8_lossy(line.bytes).into_owned());
        });
        let asked = !self.feed.wants_are_empty();
        self.answer();
        self.open_notices.extend(self.feed.notices());
        progress.more && progress.bytes > 0 || asked
    }

    pub fn commit(&mut self) {
        self.lines.append(&mut self.open);
        self.notices.append(&mut self.open_notices);
        self.notices.extend(self.feed.notices());
        for row in self.feed.positions() {
            self.rows.insert(row.path.clone(), row);
        }
        for path in self.feed.forgotten() {
            self.rows.remove(&path);
        }
    }

    /// kill -9: what was not committed never happened.
    pub fn crash(&mut self) {
        self.open.clear();
        self.open_notices.clear();
        self.feed = Feed::new(self.rows.values().cloned().collect());
        self.gate = Gate::new(&self.patterns, &[]).unwrap();
    }

    /// Reads what is there, commits, and gives the lines that came since the last call.
    pub fn take(&mut self) -> Vec<String> {
        self.look();
        self.commit();
        std::mem::take(&mut self.lines)
    }

    pub fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text);
    }

    pub fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub fn copytruncate(&self, from: &str, to: &str) {
        std::fs::copy(self.path(from), self.path(to)).unwrap();
        truncate(&self.path(from), 0);
    }

    pub fn gzip(&self, name: &str) {
        gzip(&self.path(name));
    }
}

pub fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

pub fn truncate(path: &Path, size: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size).unwrap();
}

/// As gzip and logrotate do: the packed file is written beside, gets the time of the plain one,
/// then that is removed.
pub fn gzip(path: &Path) {
    gzip_with(path, &|| ());
}

/// The same with a point between the steps.
pub fn gzip_with(path: &Path, pause: &dyn Fn()) {
    let time = std::fs::metadata(path).unwrap().modified().unwrap();
    let packed = format!("{}.gz", path.to_str().unwrap());
    let mut writer =
        flate2::write::GzEncoder::new(File::create(packed).unwrap(), flate2::Compression::fast());
    pause();
    std::io::copy(&mut File::open(path).unwrap(), &mut writer).unwrap();
    let packed = writer.finish().unwrap();
    pause();
    packed.set_modified(time).unwrap();
    pause();
    std::fs::remove_file(path).unwrap();
}

/// The names beside a log with their inodes and sizes.
pub fn listing(path: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let facts = entry.metadata().ok()?;
            Some(format!("{:?}={}/{}", entry.file_name(), facts.ino(), facts.len()))
        })
        .collect();
    names.sort();
    names
}
