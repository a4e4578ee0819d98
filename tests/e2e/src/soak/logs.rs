//! The logs of a soak: who writes what, and how each is rotated.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;
use crate::traffic::{Attackers, Daemon, Traffic};
use crate::trouble::Tried;

/// Lines of one write.
const PIECE: usize = 500;
/// A log of this size is rotated.
const ROTATE_BYTES: u64 = 24 << 20;
/// Rotated files that are kept of a log.
const KEPT: u32 = 3;
/// Of so many pieces one begins a flood.
const FLOOD_EVERY: u64 = 4000;
/// Pieces of a flood.
const FLOOD: u64 = 200;

/// Usually few strangers, in a flood nobody else.
const USUAL: Attackers = Attackers { known: 500, strangers: 2000, stranger_in: 20 };
const FLOODING: Attackers = Attackers { known: 1, strangers: 1_900_000, stranger_in: 1 };

/// As logrotate does it, by its options.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// `create`: renamed to `.1`, then made anew.
    Create,
    /// `copytruncate`.
    CopyTruncate,
    /// `compress` and `delaycompress`: `.1` is packed when it becomes `.2`.
    Compress,
    /// `dateext`: the name has a date.
    DateExt,
}

struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
    daemon: Daemon,
    style: Style,
    /// One piece in so many is of this log.
    share: u64,
    /// Its rotated files with a date, oldest first.
    dated: VecDeque<PathBuf>,
}

/// Four logs.
pub struct Logs {
    logs: Vec<Log>,
    usual: Traffic,
    flood: Traffic,
    pieces: u64,
    text: String,
    /// How often one of them was rotated.
    pub rotations: u64,
}

impl Logs {
    /// Their names in `/var/log`.
    pub const NAMES: [&'static str; 4] = ["auth.log", "access.log", "mail.log", "syslog"];

    /// Makes them in a folder.
    pub fn open(folder: &Path) -> Tried<Self> {
        let kinds = [
            (Daemon::Sshd, Style::Create, 2),
            (Daemon::Nginx, Style::Compress, 3),
            (Daemon::Mail, Style::CopyTruncate, 5),
            (Daemon::Noise, Style::DateExt, 7),
        ];
        let mut logs = Vec::new();
        for (name, (daemon, style, share)) in Self::NAMES.iter().zip(kinds) {
            let path = folder.join(name);
            let file = append(&path)?;
            logs.push(Log { path, file, bytes: 0, daemon, style, share, dated: VecDeque::new() });
        }
        Ok(Self {
            logs,
            usual: Traffic::new(5, USUAL),
            flood: Traffic::new(6, FLOODING),
            pieces: 0,
            text: String::new(),
            rotations: 0,
        })
    }

    /// Writes a piece to one of them and rotates it when it is large; how many lines it has.
    pub fn write_some(&mut self) -> Tried<u64> {
        self.pieces += 1;
        let floods = self.pieces % FLOOD_EVERY < FLOOD;
        let at = match self.logs.iter().rposition(|log| self.pieces.is_multiple_of(log.share)) {
            Some(at) if !floods => at,
            _ => 0,
        };
        let traffic = if floods { &mut self.flood } else { &mut self.usual };
        let Some(log) = self.logs.get_mut(at) else { return Ok(0) };
        self.text.clear();
        traffic.write(log.daemon, PIECE, &mut self.text);
        log.file.write_all(self.text.as_bytes())?;
        log.bytes += self.text.len() as u64;
        if log.bytes >= ROTATE_BYTES {
            self.rotations += 1;
            log.rotate(self.rotations)?;
        }
        Ok(PIECE as u64)
    }
}

impl Log {
    /// `number` has never been given before.
    fn rotate(&mut self, number: u64) -> Tried<()> {
        self.bytes = 0;
        let named = |suffix: &str| PathBuf::from(format!("{}{suffix}", self.path.display()));
        match self.style {
            Style::DateExt => {
                let dated = named(&format!("-{number:08}"));
                fs::rename(&self.path, &dated)?;
                self.dated.push_back(dated);
                if self.dated.len() > KEPT as usize
                    && let Some(oldest) = self.dated.pop_front()
                {
                    fs::remove_file(oldest)?;
                }
            }
            Style::Create | Style::CopyTruncate => {
                let numbered = |number: u32| named(&format!(".{number}"));
                shift(numbered, 1)?;
                if let Style::CopyTruncate = self.style {
                    fs::copy(&self.path, numbered(1))?;
                    return Ok(self.file.set_len(0)?);
                }
                fs::rename(&self.path, numbered(1))?;
            }
            Style::Compress => {
                shift(|number| named(&format!(".{number}.gz")), 2)?;
                if named(".1").exists() {
                    run(Command::new("gzip").arg("-1").arg(named(".1")))?;
                    fs::rename(named(".1.gz"), named(".2.gz"))?;
                }
                fs::rename(&self.path, named(".1"))?;
            }
        }
        self.file = append(&self.path)?;
        Ok(())
    }
}

/// Makes room for the file of number `first`; the oldest is gone then.
fn shift(name: impl Fn(u32) -> PathBuf, first: u32) -> Tried<()> {
    for number in (first..KEPT).rev().filter(|number| name(*number).exists()) {
        fs::rename(name(number), name(number + 1))?;
    }
    Ok(())
}

fn append(path: &Path) -> Tried<File> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_written_and_rotated_in_each_style() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = Logs::open(folder.path()).unwrap();
        let lines: u64 = (0..210).map(|_| logs.write_some().unwrap()).sum();
        assert_eq!(lines, 210 * PIECE as u64);
        for round in 0..4 {
            for (at, log) in logs.logs.iter_mut().enumerate() {
                log.rotate(round * 4 + at as u64).unwrap();
            }
        }
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        let expected = [
            "access.log",
            "access.log.1",
            "access.log.2.gz",
            "access.log.3.gz",
            "auth.log",
            "auth.log.1",
            "auth.log.2",
            "auth.log.3",
            "mail.log",
            "mail.log.1",
            "mail.log.2",
            "mail.log.3",
            "syslog",
            "syslog-00000007",
            "syslog-00000011",
            "syslog-00000015",
        ];
        assert_eq!(names, expected);
    }
}
