//! Log lines that are made, not logged, for checks that need many of them.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use monban_model::{Stamp, days_from_civil};

use crate::trouble::Tried;

/// `2026-11-22T05:33:01.123456+00:00`, as rsyslog writes it.
pub fn iso_time(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let second = Stamp::from_s(i64::try_from(since.as_secs()).unwrap_or(0)).to_string();
    format!("{}.{:06}+00:00", second.trim_end_matches('Z'), since.subsec_micros())
}

/// The time at which such a line begins.
pub fn time_of(line: &str) -> Option<SystemTime> {
    let (time, _) = line.split_once(' ')?;
    let part = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let days = days_from_civil(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let of_day = part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)?;
    let (sign, minutes) = match time.get(26..)? {
        "Z" => (1, 0),
        zone => (
            if zone.starts_with('-') { -1 } else { 1 },
            zone.get(1..3)?.parse::<i64>().ok()? * 60 + zone.get(4..6)?.parse::<i64>().ok()?,
        ),
    };
    let seconds = u64::try_from(days * 86_400 + of_day - sign * minutes * 60).ok()?;
    let micros = u32::try_from(part(20, 26)?).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, micros * 1000))
}

/// One wrong password for sshd, by a process of its own.
pub fn failed_password(pid: u32, address: &str) -> String {
    let time = iso_time(SystemTime::now());
    format!("{time} server sshd[{pid}]: Failed password for root from {address} port 40022 ssh2\n")
}

/// Something harmless that sshd says.
pub fn harmless(pid: u32) -> String {
    let time = iso_time(SystemTime::now());
    format!("{time} server sshd[{pid}]: Server listening on 0.0.0.0 port 22.\n")
}

/// The attacker of a number: half of them IPv4 in 100.64.0.0/10 (4 million addresses that no
/// host on the Internet has), half IPv6, each in a /64 of its own.
pub fn many(number: u32) -> String {
    if number.is_multiple_of(2) {
        let base = Ipv4Addr::new(100, 64, 0, 0).to_bits();
        Ipv4Addr::from_bits(base + number / 2).to_string()
    } else {
        let base = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).to_bits();
        Ipv6Addr::from_bits(base | u128::from(number / 2) << 64).to_string()
    }
}

/// A log that is written and rotated as by a daemon and logrotate.
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens it for appending.
    pub fn open(path: &Path) -> Tried<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends the text with one write, as rsyslogd does.
    pub fn write(&mut self, text: &str) -> Tried<()> {
        Ok(self.file.write_all(text.as_bytes())?)
    }

    /// Renames it to `.1` (and `.1` to `.2`, up to `.15`) and creates a new one.
    pub fn rotate(&mut self) -> Tried<()> {
        let name = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        for number in (1..15).rev().filter(|number| name(*number).exists()) {
            fs::rename(name(number), name(number + 1))?;
        }
        fs::rename(&self.path, name(1))?;
        self.file = OpenOptions::new().create_new(true).append(true).open(&self.path)?;
        Ok(())
    }
}

/// Numbers that look random and are the same for the same seed (Knuth's MMIX generator).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_rsyslog_does() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_795_325_581, 123_456_000);
        assert_eq!(iso_time(time), "2026-11-22T05:33:01.123456+00:00");
        assert_eq!(time_of(&(iso_time(time) + " server sshd[1]: x")), Some(time));
        assert_eq!(time_of("2026-11-22T14:33:01.123456+09:00 server x"), Some(time));
        assert_eq!(time_of("Nov 22 14:33:01 server x"), None);
        let leap = SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_164_800);
        assert_eq!(iso_time(leap), "2024-02-29T00:00:00.000000+00:00");
    }

    #[test]
    fn a_rotated_log_keeps_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.log");
        let mut log = Log::open(&path).unwrap();
        for word in ["one", "two", "three"] {
            log.write(word).unwrap();
            log.rotate().unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            [read("auth.log.3"), read("auth.log.1"), read("auth.log")],
            ["one", "three", ""]
        );
    }

    #[test]
    fn many_addresses_are_all_different() {
        let mut all: Vec<String> = (0..10_000).map(many).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 10_000);
    }
}
