//! Rules and logs that are written for the plots.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::compare::stamps::{Civil, DAY_S, now_s};

/// Two words name a rule, so that many begin alike.
const WORDS: [&str; 32] = [
    "access", "account", "address", "answer", "badge", "bearer", "caller", "card", "client",
    "code", "cookie", "device", "domain", "entry", "factor", "grant", "handle", "ident", "key",
    "login", "member", "name", "origin", "pass", "proof", "query", "realm", "secret", "session",
    "ticket", "token", "visitor",
];

/// Rules that the lines of the log fit: the first ones, so that more rules do not change them.
const USED: u64 = 10;

/// Rules of one service that is not the log's.
const PER_SERVICE: u64 = 20;

/// Addresses in the log for rules.
const ADDRESSES: u64 = 1_000;

fn words(number: u64) -> String {
    let word = |index: u64| WORDS[usize::try_from(index % 32).unwrap_or(0)];
    // The numbers that follow each other differ in their first word.
    format!("{} {}", word(number), word(number / 32))
}

fn rule(number: u64) -> String {
    let (what, pattern) = (words(number), "for {user} from {address} port {int}");
    let seen = "for a from 192.0.2.1 port 1 => user=a";
    format!(
        "[[rule]]\nid = \"r{number}\"\nkind = \"login-failed\"\nline = 'Bad {what} {pattern}'\n\
         cites = \"made\"\nsees = ['Bad {what} {seen}']\nnot = ['Good {what}']\n"
    )
}

fn service(name: &str, numbers: impl Iterator<Item = u64>) -> String {
    let mut text =
        format!("service = \"{name}\"\ntitle = \"Made\"\nprograms = [\"{name}\"]\nports = [22]\n");
    for number in numbers {
        let _ = write!(text, "{}", rule(number));
    }
    text
}

/// Writes a configuration with so many rules beside the shipped ones: all of the log's service, or
/// those that its lines fit, and the rest of others.
pub fn rules(folder: &Path, count: u64, own: bool) -> io::Result<PathBuf> {
    let rules = folder.join("rules.d");
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&rules)?,
    }
    let path = folder.join("monban.toml");
    fs::write(&path, "")?;
    let of_log = if own { count } else { count.min(USED) };
    if of_log > 0 {
        fs::write(rules.join("made.toml"), service("made", 0..of_log))?;
    }
    let mut from = of_log;
    while from < count {
        let to = count.min(from + PER_SERVICE);
        let name = format!("made-{from}");
        fs::write(rules.join(format!("{name}.toml")), service(&name, from..to))?;
        from = to;
    }
    Ok(path)
}

/// A log of which four lines in five fit one of the first rules.
pub fn rules_log(path: &Path, lines: u64) -> io::Result<PathBuf> {
    write(path, lines, |number| {
        if number % 5 == 4 {
            return format!("made[{}]: worker {number} is idle", number % 4_000_000);
        }
        let what = words(number % USED);
        let host = number * 7 % ADDRESSES;
        format!(
            "made[{}]: Bad {what} for root from 10.1.{}.{} port 4711",
            number % 4_000_000,
            host / 256,
            host % 256
        )
    })
}

/// A log of sshd in which so many attackers fail in turn.
pub fn attackers_log(path: &Path, attackers: u64, lines: u64) -> io::Result<PathBuf> {
    write(path, lines, |number| {
        // An odd factor mixes all 2^24 addresses without meeting one twice.
        let host = (number % attackers) * 0x009E_3779 % (1 << 24);
        format!(
            "sshd[{}]: Failed password for root from 10.{}.{}.{} port 4711 ssh2",
            number % 4_000_000,
            host >> 16,
            host >> 8 & 255,
            host & 255
        )
    })
}

fn write(path: &Path, lines: u64, text: impl Fn(u64) -> String) -> io::Result<PathBuf> {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    let (mut last, mut date) = (0, String::new());
    for number in 0..lines {
        // A week, until an hour ago.
        let at = i128::from(number) * i128::from(7 * DAY_S) / i128::from(lines);
        let now = now_s() - 3600 - 7 * DAY_S + i64::try_from(at).unwrap_or(0);
        if now > last {
            (last, date) = (now, Civil::of(now).syslog());
        }
        writeln!(out, "{date} server {}", text(number))?;
    }
    out.flush()?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_and_every_attacker_is_another() {
        let mut all: Vec<String> = (0..1_000).map(words).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 1_000);
        let mut hosts: Vec<u64> = (0..100_000u64).map(|n| n * 0x009E_3779 % (1 << 24)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts.len(), 100_000);
    }
}
