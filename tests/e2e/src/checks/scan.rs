//! Reading logs after the fact.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::run_within;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};

/// Runs `monban scan PATH... --json` and reads what it prints.
pub fn scan(setting: &Setting, paths: &[&Path]) -> Tried<Value> {
    let mut command = Command::new(&setting.binary);
    // The lines have no zone; the checks read the times as they are written.
    command.arg("scan").args(paths).arg("--json").env("TZ", "UTC");
    let ran = run_within(&mut command, Duration::from_secs(120))?.good()?;
    let json: Value = serde_json::from_str(&ran.out)?;
    for key in ["lines", "bytes", "sightings", "attackers", "logins"] {
        must(!json[key].is_null(), || format!("the report has no `{key}`: {json}"))?;
    }
    Ok(json)
}

/// The attackers of a report with their failures, in the order of the addresses.
pub fn attackers(report: &Value) -> Vec<(String, u64)> {
    let list = report["attackers"].as_array().into_iter().flatten();
    let mut found: Vec<(String, u64)> = list
        .map(|one| {
            let address = one["address"].as_str().unwrap_or("?").to_owned();
            (address, one["failures"].as_u64().unwrap_or(0))
        })
        .collect();
    found.sort();
    found
}

/// The real log of a honeypot against what a person greps out of it.
pub fn loghub(setting: &Setting) -> Tried<String> {
    let path = setting.corpus.join("loghub/OpenSSH_2k.log");
    let text = fs::read(&path).map_err(|error| Trouble(format!("{}: {error}", path.display())))?;
    let text = String::from_utf8_lossy(&text);
    let start = Instant::now();
    let report = scan(setting, &[&path])?;
    let took = start.elapsed();
    let lines = text.lines().count();
    must(report["lines"] == lines, || format!("{} lines, not {lines}", report["lines"]))?;
    let grepped = grep(&text);
    let found: BTreeSet<String> =
        attackers(&report).into_iter().map(|(address, _)| address).collect();
    let missing: Vec<_> = grepped.difference(&found).collect();
    must(missing.is_empty(), || format!("grep finds what scan does not: {missing:?}"))?;
    let invented: Vec<_> = found.iter().filter(|address| !text.contains(*address)).collect();
    must(invented.is_empty(), || format!("scan finds what is not there: {invented:?}"))?;
    Ok(format!(
        "{lines} lines in {:.0} ms: all {} addresses of grep, {} of scan",
        took.as_secs_f64() * 1e3,
        grepped.len(),
        found.len()
    ))
}

/// `grep -E 'Failed password|authentication failure|Invalid user'`, and the address after the
/// last word that announces one.
fn grep(text: &str) -> BTreeSet<String> {
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
    text.lines().filter(failed).filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grep_takes_the_last_address() {
        let text = "a sshd[1]: Failed password for x from 8.8.8.8 from 192.0.2.1 port 2 ssh2\n\
                    a sshd[1]: pam_unix(sshd:auth): authentication failure; rhost=192.0.2.2  user=x\n\
                    a sshd[1]: pam_unix(sshd:auth): authentication failure; rhost=a.example\n\
                    a sshd[1]: Accepted password for x from 192.0.2.3 port 2 ssh2\n";
        assert_eq!(grep(text).into_iter().collect::<Vec<_>>(), ["192.0.2.1", "192.0.2.2"]);
    }
}
