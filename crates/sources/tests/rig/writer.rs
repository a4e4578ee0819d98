//! A writer that rotates its log in every style.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::baton::{Baton, Dice, Side};
use super::model::Model;
use super::{gzip_with, truncate};

pub struct Writer {
    path: PathBuf,
    file: File,
    dice: Dice,
    baton: Arc<Baton>,
    model: Arc<Mutex<Model>>,
    /// Lines that were written in whole.
    pub count: u64,
    pub rotations: u64,
    /// The line count at each of the last rotations.
    marks: Vec<u64>,
    /// The first line of the file as it is now.
    begins_with: u64,
    /// What every file begins with.
    header: String,
}

impl Writer {
    /// Every file begins with a header of so many bytes; it counts as no line.
    pub fn new(
        path: &Path,
        seed: u64,
        header_bytes: usize,
        baton: Arc<Baton>,
        model: Arc<Mutex<Model>>,
    ) -> Self {
        let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        let mut header = "# the same in every file ".repeat(header_bytes.div_ceil(25));
        header.truncate(header_bytes.saturating_sub(1));
        if header_bytes > 0 {
            header.push('\n');
        }
        Self {
            header,
            path: path.to_owned(),
            file,
            dice: Dice(seed),
            baton,
            model,
            count: 0,
            rotations: 0,
            marks: Vec::new(),
            begins_with: 0,
        }
    }

    /// Writes and rotates until `total` lines are there.
    pub fn write(&mut self, total: u64) {
        let free = self.baton.is_free();
        self.head();
        while self.count < total {
            self.line();
            if self.dice.roll(60) == 0 {
                self.rotate();
            }
            let rest = self.dice.roll(20) == 0;
            let rest_us = self.dice.roll(1500);
            if rest && free {
                std::thread::sleep(Duration::from_micros(rest_us));
            }
        }
    }

    fn point(&self) {
        self.baton.point(Side::Writer);
    }

    fn line(&mut self) {
        let mut pad = format!("{:x}-", self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(7);
        pad.truncate(self.dice.roll(120) as usize);
        let text = format!("line {} {pad}\n", self.count);
        if self.dice.roll(8) == 0 {
            // In two writes, as a buffered writer does.
            let (a, b) = text.as_bytes().split_at(self.dice.roll(text.len() as u64) as usize);
            self.file.write_all(a).unwrap();
            self.point();
            self.file.write_all(b).unwrap();
        } else {
            self.file.write_all(text.as_bytes()).unwrap();
        }
        self.count += 1;
        self.point();
    }

    /// Begins an empty file.
    fn head(&mut self) {
        if !self.header.is_empty() && self.file.metadata().unwrap().len() == 0 {
            self.file.write_all(self.header.as_bytes()).unwrap();
            self.point();
        }
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
                    self.point();
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
        let facts = self.file.metadata().unwrap();
        self.baton.tell(format!("new file {} from line {}", facts.ino(), self.count));
        self.point();
        self.head();
    }

    /// The log gets its first old name.
    fn rename(&self) {
        self.shift();
        std::fs::rename(&self.path, self.turn(1)).unwrap();
        self.point();
    }

    /// A copy gets the first old name, and the log is cut to nothing.
    fn copytruncate(&mut self) {
        self.shift();
        std::fs::copy(&self.path, self.turn(1)).unwrap();
        self.point();
        truncate(&self.path, 0);
        self.begins_with = self.count;
        self.point();
        self.head();
    }

    fn rotate(&mut self) {
        // A log that is rotated away ten times unread is lost to everybody. And nobody can tell
        // that a file was copied and truncated of which nothing was read yet.
        let committed = self.model.lock().unwrap().first_missing();
        if self.marks.len() >= 6 && committed < self.marks[self.marks.len() - 6] {
            return;
        }
        let begun = self.model.lock().unwrap().has_any(self.begins_with..self.count);
        let style = self.dice.roll(6);
        if matches!(style, 2 | 3) && !begun {
            return;
        }
        self.marks.push(self.count);
        self.rotations += 1;
        let names = ["rename", "rename, late", "copytruncate", "copytruncate, gzip"];
        let name =
            names.get(style as usize).unwrap_or(&["rename, gzip", "delete"][style as usize % 2]);
        self.baton.tell(format!("{name} at line {}, committed {committed}", self.count));
        match style {
            0 => {
                self.rename();
                self.reopen();
            }
            1 => {
                // The old descriptor gets lines until the writer is told.
                self.rename();
                File::create(&self.path).unwrap();
                self.point();
                for _ in 0..self.dice.roll(5) {
                    self.line();
                }
                self.reopen();
            }
            2 => self.copytruncate(),
            3 => {
                self.copytruncate();
                for _ in 0..self.dice.roll(40) {
                    self.line();
                }
                gzip_with(&self.turn(1), &|| self.point());
            }
            4 => {
                self.rename();
                self.reopen();
                gzip_with(&self.turn(1), &|| self.point());
            }
            _ => self.delete(),
        }
        self.baton.tell(format!("rotated: {:?}", super::listing(&self.path)));
        self.point();
    }

    /// Deletes the log and makes it anew. What was unread is lost, if nobody holds the file open;
    /// one time out of two all of it was read.
    fn delete(&mut self) {
        if self.baton.is_free() || self.dice.roll(2) == 0 {
            while self.model.lock().unwrap().first_missing() < self.count {
                self.baton.give(Side::Writer);
            }
        }
        let lines = self.begins_with..self.count;
        let told = self.model.lock().unwrap().delete(&self.file, lines);
        self.baton.tell(told);
        std::fs::remove_file(&self.path).unwrap();
        self.point();
        self.reopen();
    }
}
