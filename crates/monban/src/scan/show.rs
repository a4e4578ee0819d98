//! A scan's report for people and machines.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use monban_model::{Address, Login, Stamp};
use monban_views::{LocalClock, Say, by_origin_json, printable, quoted, table, time_json, width};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use monban_sources::archive::{Fault, Skipped};

use crate::out;

use super::report::{Attacker, Report, WouldBlock};

/// Names that are shown of one attacker.
const NAMES_SHOWN: usize = 5;

/// As JSON: `{"lines","bytes","sightings","attackers":[...],"logins":[...]}`.
pub struct AsJson<'r>(pub &'r Report);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("attackers", &Attackers(report))?;
        map.serialize_entry("beyond_limit", &report.overflow)?;
        map.serialize_entry("bytes", &report.bytes)?;
        map.serialize_entry("disbelieved", &report.disbelieved)?;
        map.serialize_entry("echoes", &report.echoes)?;
        map.serialize_entry("files", &report.files)?;
        map.serialize_entry("lines", &report.lines)?;
        let logins: Vec<Value> = report.logins.iter().map(login_json).collect();
        map.serialize_entry("logins", &logins)?;
        map.serialize_entry("misplaced", &report.misplaced)?;
        map.serialize_entry("names_beyond_limit", &report.nameless)?;
        map.serialize_entry("sightings", &report.sightings)?;
        let skipped: Vec<Value> = report.skipped.iter().map(skipped_json).collect();
        map.serialize_entry("skipped", &skipped)?;
        map.end()
    }
}

/// One after the other: there may be a million.
struct Attackers<'r>(&'r Report);

impl Serialize for Attackers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let one = |(address, attacker)| attacker_json(report, address, attacker);
        serializer.collect_seq(report.sorted().into_iter().map(one))
    }
}

fn attacker_json(report: &Report, address: Address, attacker: &Attacker) -> Value {
    let names = report.names_of(attacker).into_iter().map(String::from_utf8_lossy);
    json!({
        "address": address.to_string(),
        "subject": report.subject_of(address).to_string(),
        "failures": attacker.failures,
        "services": report.services_of(attacker).iter().map(|(n, _)| *n).collect::<Vec<_>>(),
        "users": names.collect::<Vec<_>>(),
        "first": time_json(attacker.first),
        "last": time_json(attacker.last),
        "blocks": report.blocks_of(address).iter().map(block_json).collect::<Vec<_>>(),
    })
}

fn skipped_json(skipped: &Skipped) -> Value {
    let (lines, bytes) = match skipped.why {
        Fault::Damaged { lines, bytes, .. } => (Some(lines), Some(bytes)),
        _ => (None, None),
    };
    json!({
        "path": skipped.path.to_string_lossy(),
        "fault": skipped.why.word(),
        "failure": skipped.why.is_failure(),
        "why": skipped.why.to_string(),
        "lines": lines,
        "bytes": bytes,
    })
}

/// What is wrong with a file, and how far it was read.
pub fn skipped_text(skipped: &Skipped, say: &Say) -> String {
    let path = printable(skipped.path.as_os_str().as_bytes());
    let (error, lines, bytes) = match &skipped.why {
        Fault::Damaged { error, lines, bytes } => (error.as_str(), *lines, *bytes),
        Fault::Closed(error) | Fault::Misnamed(error) => (error.as_str(), 0, 0),
        _ => ("", 0, 0),
    };
    let values = [
        ("path", path.as_str()),
        ("error", &say.sentence(error)),
        ("lines", &lines.to_string()),
        ("bytes", &show_bytes(bytes)),
    ];
    say.text(&format!("scan-{}", skipped.why.word()), &values)
}

fn block_json(block: &WouldBlock) -> Value {
    json!({
        "from": time_json(block.from),
        "until": block.until.map(time_json),
        "rule": block.policy,
        "origin": block.by.as_deref().map(by_origin_json),
    })
}

fn login_json((time, login): &(Stamp, Login)) -> Value {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    json!({
        "time": time_json(*time),
        "address": login.address.map(|address| address.to_string()),
        "user": text(&login.user),
        "by": text(&login.by),
        "service": login.service,
        "method": text(&login.method),
        "key": text(&login.key),
        "after_failures": login.failures > 0,
        "failures": login.failures,
    })
}

/// As text for people.
pub fn as_text(report: &Report, say: &Say, top: usize, took: Duration) -> String {
    let clock = LocalClock::of_system();
    let mut text: String =
        report.skipped.iter().map(|skipped| skipped_text(skipped, say) + "\n").collect();
    let mut line = |key: &str, values: &[(&str, String)]| {
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        text.push_str(&say.text(key, &values));
        text.push('\n');
    };
    line(
        "scan-read",
        &[
            ("lines", report.lines.to_string()),
            ("bytes", show_bytes(report.bytes)),
            ("files", report.files.to_string()),
            ("time", format!("{:.1} s", took.as_secs_f64())),
            ("sightings", report.sightings.to_string()),
        ],
    );
    for (key, count) in [
        ("lines-misplaced", report.misplaced),
        ("lines-echoes", report.echoes),
        ("scan-disbelieved", report.disbelieved),
        ("scan-beyond", report.overflow),
        ("scan-nameless", report.nameless),
    ] {
        if count > 0 {
            line(key, &[("count", count.to_string())]);
        }
    }
    let all = report.sorted();
    if all.is_empty() {
        line("scan-none", &[]);
    } else {
        let blocked = all.iter().filter(|(a, _)| !report.blocks_of(*a).is_empty()).count();
        let counts = [("count", all.len().to_string()), ("blocked", blocked.to_string())];
        line("scan-attackers", &counts);
        text.push('\n');
        text.push_str(&attackers_table(report, &all, say, &clock, top));
    }
    for ((number, place), count) in &report.by_origin {
        let rule = format!("[[origin]] {number} ({place})");
        let values = [("count", &*count.to_string()), ("rule", &printable(rule.as_bytes()))];
        text.push_str(&(say.text("scan-origin", &values) + "\n"));
    }
    text.push_str(&logins_text(report, say, &clock));
    text
}

fn attackers_table(
    report: &Report,
    all: &[(Address, &Attacker)],
    say: &Say,
    clock: &LocalClock,
    top: usize,
) -> String {
    let existing = account_names();
    let (mut rows, mut tried_names) =
        (vec![say.text("scan-head", &[])], vec![say.text("scan-head-names", &[])]);
    let mut marked = false;
    for (address, attacker) in all.iter().take(top) {
        let services = report.services_of(attacker).into_iter();
        let services: Vec<String> =
            services.map(|(name, count)| format!("{name} {count}")).collect();
        let tried = report.names_of(attacker);
        let mut shown: Vec<String> = Vec::new();
        for name in tried.iter().take(NAMES_SHOWN) {
            let exists = existing.contains(*name);
            marked |= exists;
            shown.push(format!("{}{}", quoted(name), if exists { "*" } else { "" }));
        }
        if tried.len() > NAMES_SHOWN {
            shown.push("...".to_owned());
        }
        tried_names.push(shown.join(" "));
        rows.push(format!(
            "{address}\t{}\t{}\t{}\t{}\t{}",
            attacker.failures,
            services.join(", "),
            clock.date_time(attacker.first),
            clock.date_time(attacker.last),
            blocked_for(say, report.blocks_of(*address)),
        ));
    }
    let mut text = with_names(&rows, &tried_names, out::terminal_width());
    if all.len() > top {
        let values = [("count", (all.len() - top).to_string()), ("all", all.len().to_string())];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        text.push_str(&(say.text("scan-more", &values) + "\n"));
    }
    if marked {
        text.push_str(&(say.text("scan-exists", &[]) + "\n"));
    }
    text
}

/// The names are the third column; on a terminal that is too narrow for them each row has them
/// below it.
fn with_names(rows: &[String], names: &[String], columns: Option<usize>) -> String {
    let whole = |(row, names): (&String, &String)| {
        let mut cells: Vec<&str> = row.split('\t').collect();
        cells.insert(3.min(cells.len()), names);
        cells.join("\t")
    };
    let wide: Vec<String> = rows.iter().zip(names).map(whole).collect();
    let wide = table(&wide);
    let fits = |columns: usize| wide.lines().all(|line| width(line) <= columns);
    if columns.is_none_or(fits) {
        return wide;
    }
    let narrow = table(rows);
    let line = |(row, names): (&str, &String)| match names.is_empty() {
        true => format!("{row}\n"),
        false => format!("{row}\n    {names}\n"),
    };
    narrow.lines().zip(names).map(line).collect()
}

/// `10m, 20m, 40m`: the blocks that would have been made.
fn blocked_for(say: &Say, blocks: &[WouldBlock]) -> String {
    if blocks.is_empty() {
        return "-".to_owned();
    }
    let length = |block: &WouldBlock| match block.until {
        Some(end) => say.duration(end.since_s(block.from)),
        None => say.text("forever", &[]),
    };
    let mut shown: Vec<String> = blocks.iter().take(4).map(length).collect();
    if blocks.len() > 4 {
        shown.push(format!("... ({})", blocks.len()));
    }
    shown.join(", ")
}

fn logins_text(report: &Report, say: &Say, clock: &LocalClock) -> String {
    if report.logins.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", say.text("scan-logins", &[]));
    for (time, login) in &report.logins {
        let key = match (&login.by, login.address, login.failures) {
            (Some(_), ..) => "scan-login-became",
            (_, None, _) => "scan-login-here",
            (_, _, 0) => "scan-login",
            _ => "scan-login-after",
        };
        let shown = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or("?".to_owned(), printable);
        let address = login.address.map(|address| address.to_string()).unwrap_or_default();
        let values = [
            ("time", clock.date_time(*time)),
            ("user", shown(&login.user)),
            ("by", shown(&login.by)),
            ("address", address),
            ("service", login.service.clone()),
            ("method", shown(&login.method)),
            ("failures", login.failures.to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        text.push_str(&say.text(key, &values));
        text.push('\n');
    }
    text
}

/// The accounts of this machine: a name that exists here is worth another look.
fn account_names() -> HashSet<Vec<u8>> {
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    passwd
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b':').next())
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// `214 kB`, `1.2 GB`.
pub fn show_bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if size < 1000.0 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    if size < 10.0 && unit != "B" {
        format!("{size:.1} {unit}")
    } else {
        format!("{size:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_below_their_row_where_the_terminal_is_narrow() {
        let rows = ["A\tF\tS\tX".to_owned(), "192.0.2.1\t5\tsshd\ty".to_owned()];
        let names = ["NAMES".to_owned(), "root admin".to_owned()];
        let wide = "A          F  S     NAMES       X\n192.0.2.1  5  sshd  root admin  y\n";
        assert_eq!(with_names(&rows, &names, None), wide);
        assert_eq!(with_names(&rows, &names, Some(33)), wide);
        let narrow = "A          F  S     X\n    NAMES\n192.0.2.1  5  sshd  y\n    root admin\n";
        assert_eq!(with_names(&rows, &names, Some(32)), narrow);
    }
}
