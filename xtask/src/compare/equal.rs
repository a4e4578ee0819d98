//! Equal work: the same attackers have to come out of everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::peers::Peers;
use crate::usage::wrong;

/// Addresses, and how often each failed.
pub type Failures = BTreeMap<String, u64>;

/// What `monban scan --json` tells of a log.
pub fn scanned(binary: &Path, paths: &[&Path]) -> io::Result<Failures> {
    let mut command = Command::new(binary);
    command.arg("scan").arg("--json").args(paths).env("TZ", "UTC");
    let output = command.output()?;
    if !output.status.success() {
        return Err(wrong(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(attackers(&String::from_utf8_lossy(&output.stdout)))
}

/// The attackers of a report in JSON. In its strings each quote has a backslash before it, so what
/// is looked for here can stand at no other place.
fn attackers(json: &str) -> Failures {
    let list = json.split_once("\"attackers\":[").map_or("", |(_, list)| list);
    let list = list.split_once("\"beyond_limit\":").map_or(list, |(list, _)| list);
    let one = |text: &str| -> Option<(String, u64)> {
        let (address, rest) = text.split_once('"')?;
        let number = rest.split_once("\"failures\":")?.1;
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        Some((address.to_owned(), number[..end].parse().ok()?))
    };
    list.split("{\"address\":\"").skip(1).filter_map(one).collect()
}

/// What a person greps out of an sshd log: the last address of each line that tells of a failure.
pub fn grepped(log: &str) -> Failures {
    let failed = |line: &&str| {
        ["Failed password", "authentication failure;", "Invalid user"]
            .iter()
            .any(|words| line.contains(words))
    };
    let address = |line: &str| {
        let after = line.rsplit_once(" from ").or_else(|| line.rsplit_once(" rhost="))?.1;
        let word = after.split_whitespace().next()?;
        word.parse::<IpAddr>().is_ok().then(|| word.to_owned())
    };
    counted(log.lines().filter(failed).filter_map(address))
}

/// What fail2ban-regex finds, if it is there.
pub fn of_fail2ban(peers: &Peers, log: &Path) -> io::Result<Option<Failures>> {
    let Some((program, filter)) = &peers.fail2ban_regex else { return Ok(None) };
    let mut command = Command::new(program);
    command.args(["--out", "ip"]).arg(log).arg(filter).env("TZ", "UTC");
    let text = String::from_utf8_lossy(&command.output()?.stdout).into_owned();
    let words = text.lines().map(str::trim).filter(|word| word.parse::<IpAddr>().is_ok());
    Ok(Some(counted(words.map(str::to_owned))))
}

/// What sshguard's parser finds, if it is there: `SERVICE ADDRESS KIND SCORE`.
pub fn of_sshguard(peers: &Peers, log: &Path) -> io::Result<Option<Failures>> {
    let Some(program) = &peers.sshguard_parser else { return Ok(None) };
    let mut command = Command::new(program);
    command.stdin(Stdio::from(std::fs::File::open(log)?));
    let text = String::from_utf8_lossy(&command.output()?.stdout).into_owned();
    let words = text.lines().filter_map(|line| line.split(' ').nth(1));
    let words = words.filter(|word| word.parse::<IpAddr>().is_ok());
    Ok(Some(counted(words.map(str::to_owned))))
}

fn counted(words: impl Iterator<Item = String>) -> Failures {
    let mut all = Failures::new();
    for word in words {
        *all.entry(word).or_default() += 1;
    }
    all
}

/// One sentence: how two lists of attackers differ.
pub fn difference(ours: &Failures, theirs: &Failures) -> String {
    let (missing, more) = (without(theirs, ours), without(ours, theirs));
    let mut text = format!("{} attackers", theirs.len());
    if missing.is_empty() && more.is_empty() {
        text.push_str(", the same as monban's");
    }
    if !more.is_empty() {
        text.push_str(&format!("; monban finds {} more: {}", more.len(), few(&more)));
    }
    if !missing.is_empty() {
        text.push_str(&format!("; monban lacks {}: {}", missing.len(), few(&missing)));
    }
    text
}

/// Those of `some` that are not in `others`.
pub fn without<'a>(some: &'a Failures, others: &Failures) -> BTreeSet<&'a str> {
    some.keys().filter(|one| !others.contains_key(*one)).map(String::as_str).collect()
}

fn few(all: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = all.iter().take(5).copied().collect();
    let dots = if all.len() > 5 { ", ..." } else { "" };
    shown.join(", ") + dots
}

/// Whether each address failed exactly `times` as often; else the first that did not.
pub fn is_multiple(one: &Failures, many: &Failures, times: u64) -> Result<(), String> {
    let differing: Vec<String> = one
        .iter()
        .filter(|(address, failures)| many.get(*address) != Some(&(**failures * times)))
        .map(|(address, failures)| {
            format!("{address}: {failures} in one, {:?} in all", many.get(address))
        })
        .chain(without(many, one).into_iter().map(|address| format!("{address}: in none of one")))
        .collect();
    match differing.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} addresses, such as {first}", differing.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let json = r#"{"attackers":[{"address":"192.0.2.1","blocks":[],"failures":12,"users":
            ["{\"address\":\"192.0.2.9\",\"failures\":1"]},{"address":"192.0.2.2","failures":3}],
            "beyond_limit":0,"logins":[{"address":"192.0.2.3","failures":3}]}"#;
        let found: Vec<(String, u64)> = attackers(json).into_iter().collect();
        assert_eq!(found, [("192.0.2.1".to_owned(), 12), ("192.0.2.2".to_owned(), 3)]);
    }

    #[test]
    fn lists_are_compared() {
        let list = |all: &[(&str, u64)]| -> Failures {
            all.iter().map(|(address, failures)| ((*address).to_owned(), *failures)).collect()
        };
        let (one, many) = (list(&[("a", 1), ("b", 2)]), list(&[("a", 3), ("b", 6)]));
        assert_eq!(is_multiple(&one, &many, 3), Ok(()));
        assert!(is_multiple(&one, &many, 2).is_err());
        assert!(is_multiple(&list(&[("a", 1)]), &many, 3).is_err());
        assert_eq!(difference(&one, &many), "2 attackers, the same as monban's");
        assert_eq!(difference(&one, &list(&[("a", 1)])), "1 attackers; monban finds 1 more: b");
    }
}
