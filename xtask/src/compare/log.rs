//! The sshd log of the corpus many times over, with time going on; whole, as weekly archives, or as
//! lines of this moment.

use std::fs::{self, File, FileTimes};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use super::stamps::{Civil, DAY_S, SYSLOG_BYTES, now_s};
use crate::usage::wrong;

/// The year that the lines of a source are read in: one with a 29th of February.
const ANY_YEAR: i64 = 2024;

/// A log must not be older: without a year in its dates, an older line would be of another year.
const AGE_MAX_S: i64 = 330 * DAY_S;

/// How long before now the last line is, so that nothing is of the future.
const END_S: i64 = 3600;

const WEEK_S: i64 = 7 * DAY_S;

/// A log that was written for a comparison.
#[derive(Clone, Debug)]
pub struct Made {
    /// Where.
    pub path: PathBuf,
    /// Its lines.
    pub lines: u64,
    /// Its bytes.
    pub bytes: u64,
}

impl Made {
    /// A file as it is.
    pub fn of(path: &Path) -> io::Result<Self> {
        let text = fs::read(path)?;
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        Ok(Self { path: path.to_owned(), lines: lines as u64, bytes: text.len() as u64 })
    }
}

/// A log whose lines begin with a syslog date.
pub struct Source {
    /// Seconds since the first line, and the line without its date.
    lines: Vec<(i64, String)>,
}

impl Source {
    /// Reads it.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes =
            fs::read(path).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = Vec::new();
        let mut first = None;
        for (number, line) in (1..).zip(text.lines()) {
            let moment = Civil::of_syslog(line, ANY_YEAR)
                .map(Civil::seconds)
                .ok_or_else(|| wrong(format!("{}:{number}: no syslog date", path.display())))?;
            let since = moment - *first.get_or_insert(moment);
            lines.push((since, line.get(SYSLOG_BYTES..).unwrap_or_default().to_owned()));
        }
        if lines.is_empty() {
            return Err(wrong(format!("{} has no lines", path.display())));
        }
        Ok(Self { lines })
    }

    /// Lines of one copy.
    pub fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    /// From one copy to the next: a minute more than the copy is long.
    fn step_s(&self) -> i64 {
        self.lines.last().map_or(0, |(since, _)| *since) + 60
    }

    /// Writes whole copies, at least `lines` lines, the last of which is about an hour old.
    pub fn repeat(&self, to: &Path, lines: u64) -> io::Result<Made> {
        let copies = lines.div_ceil(self.len()).max(1);
        let long = i64::try_from(copies).unwrap_or(i64::MAX).saturating_mul(self.step_s());
        let within_s = long.min(AGE_MAX_S);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
        let bytes = self.copies(&mut out, now_s() - END_S - within_s, within_s, copies)?;
        out.flush()?;
        Ok(Made { path: to.to_owned(), lines: copies * self.len(), bytes })
    }

    /// Writes `weeks` packed files as logrotate leaves them: `auth.log.1.gz` is the youngest. Each
    /// is as old as its last line, as the year of its dates is found by that.
    pub fn weekly(&self, folder: &Path, lines: u64, weeks: u64) -> io::Result<Vec<Made>> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(folder)?,
        }
        let copies = lines.div_ceil(weeks * self.len()).max(1);
        let mut made = Vec::new();
        for age in 1..=weeks {
            let path = folder.join(format!("auth.log.{age}.gz"));
            let end = now_s() - END_S - i64::try_from(age - 1).unwrap_or(0) * WEEK_S;
            let bytes = pack(&path, |out| self.copies(out, end - WEEK_S, WEEK_S, copies))?;
            let age = Duration::from_secs(u64::try_from(end).unwrap_or(0));
            File::options()
                .write(true)
                .open(&path)?
                .set_times(FileTimes::new().set_modified(UNIX_EPOCH + age))?;
            made.push(Made { path, lines: copies * self.len(), bytes });
        }
        Ok(made)
    }

    /// Copies within some seconds from `begin`; how many bytes.
    fn copies(&self, out: &mut dyn Write, begin: i64, within: i64, copies: u64) -> io::Result<u64> {
        let long = self.step_s().saturating_mul(i64::try_from(copies).unwrap_or(i64::MAX));
        // Where the copies do not fit, time goes faster; never slower.
        let within = within.min(long);
        let (mut bytes, mut last, mut date) = (0, 0, String::new());
        for copy in 0..i64::try_from(copies).unwrap_or(0) {
            for (since, rest) in &self.lines {
                let at = i128::from(copy * self.step_s() + since) * i128::from(within);
                let now = begin + i64::try_from(at / i128::from(long)).unwrap_or(0);
                if now != last {
                    (last, date) = (now, Civil::of(now).syslog());
                }
                writeln!(out, "{date}{rest}")?;
                bytes += (SYSLOG_BYTES + rest.len() + 1) as u64;
            }
        }
        Ok(bytes)
    }

    /// The lines from `from` on, dated now. Each copy has other process numbers, so that its
    /// connections are its own.
    pub fn of_now(&self, from: u64, count: u64) -> String {
        let date = Civil::of(now_s()).syslog();
        let mut text = String::new();
        for number in from..from + count {
            let index = usize::try_from(number % self.len()).unwrap_or(0);
            let rest = self.lines.get(index).map_or("", |(_, rest)| rest);
            text.push_str(&date);
            push_moved(&mut text, rest, number / self.len());
            text.push('\n');
        }
        text
    }
}

/// Pushes a line with the number in its first brackets moved by `copy` times some thousand.
fn push_moved(text: &mut String, rest: &str, copy: u64) {
    let parts = rest.split_once('[').and_then(|(before, behind)| {
        let (number, behind) = behind.split_once(']')?;
        Some((before, number.parse::<u64>().ok()?, behind))
    });
    match parts {
        Some((before, number, behind)) => {
            let moved = (number + copy * 4_001) % 4_000_000;
            text.push_str(&format!("{before}[{moved}]{behind}"));
        }
        None => text.push_str(rest),
    }
}

/// Packs what `write` writes with gzip; how many bytes it wrote.
pub fn pack(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<u64>) -> io::Result<u64> {
    let mut gzip =
        Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(File::create(path)?).spawn()?;
    let pipe = gzip.stdin.take().ok_or_else(|| wrong("gzip has no input"))?;
    let mut out = BufWriter::with_capacity(1 << 16, pipe);
    let bytes = write(&mut out)?;
    out.flush()?;
    drop(out);
    if gzip.wait()?.success() { Ok(bytes) } else { Err(wrong("gzip failed")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let lines = [(0, " h sshd[7]: a".to_owned()), (50, " h sshd[8]: b".to_owned())];
        Source { lines: lines.into() }
    }

    #[test]
    fn copies_stay_in_order_and_are_not_of_the_future() {
        for (copies, within) in [(3, i64::MAX), (1000, 500)] {
            let mut text = Vec::new();
            let begin = Civil { year: 2026, month: 1, day: 1, of_day_s: 0 }.seconds();
            let bytes = source().copies(&mut text, begin, within, copies).unwrap();
            assert_eq!(bytes, text.len() as u64);
            let text = String::from_utf8(text).unwrap();
            let dates: Vec<i64> = text
                .lines()
                .map(|line| Civil::of_syslog(line, 2026).unwrap().seconds() - begin)
                .collect();
            assert_eq!(dates.len() as u64, 2 * copies);
            assert!(dates.is_sorted());
            assert!(dates.iter().all(|date| *date < within));
            if copies == 3 {
                assert_eq!(dates, [0, 50, 110, 160, 220, 270]);
            }
        }
    }

    #[test]
    fn lines_of_now_have_processes_of_their_own() {
        let text = source().of_now(1, 2);
        let tails: Vec<&str> = text.lines().map(|line| &line[SYSLOG_BYTES..]).collect();
        assert_eq!(tails, [" h sshd[8]: b", " h sshd[4008]: a"]);
    }
}
