//! A test of a filter, for people and for machines.

use monban_fail2ban::dates::Zone;
use monban_fail2ban::filter::{Reading, Value};
use monban_views::{Say, printable, table};
use serde_json::{Map, Value as Json, json};

use super::report::Report;

/// One line's result: the contract of `--json`.
pub fn line_json(number: u64, reading: &Reading, zone: &mut Zone) -> Json {
    let hits: Vec<Json> = reading
        .hits
        .iter()
        .map(|hit| {
            let mut captures = Map::new();
            for (name, value) in hit.failure.groups.iter() {
                captures.insert(name.to_owned(), value_json(value));
            }
            if let Some(users) = &hit.failure.users {
                captures.insert("users".to_owned(), json!(users));
            }
            if let Some(ip) = &hit.failure.ip {
                captures.insert("ip".to_owned(), json!(ip));
            }
            json!({
                "regex": hit.regex,
                "host": hit.id.as_ref().map(ToString::to_string),
                "time": hit.time.map(|time| local(time, zone)),
                "nofail": hit.failure.has("nofail"),
                "pending": hit.id.is_none(),
                "attempts": hit.failure.attempts(),
                "captures": captures,
            })
        })
        .collect();
    json!({"line": number, "hits": hits})
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Text(text) => json!(text.as_ref()),
        Value::Tuple(parts) => json!(parts),
    }
}

/// Local time without a zone, as `2005-08-14T10:00:00`.
pub fn local(time: i64, zone: &mut Zone) -> String {
    let local = monban_model::Stamp::from_s(zone.local(time)).to_string();
    local.trim_end_matches('Z').to_owned()
}

/// The whole test.
pub fn text(report: &Report, say: &Say) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    if !report.facts.files.is_empty() {
        let files = report.facts.files.join(", ");
        line(say.text("filter-files", &[("name", &report.facts.name), ("files", &files)]));
    }
    if !report.shown.is_empty() {
        line(String::new());
        let head = say.text("filter-hits-head", &[]);
        line(table(&[vec![head], report.shown.clone()].concat()).trim_end().to_owned());
        more(&mut line, report.matched, report.shown.len(), say);
    }
    line(String::new());
    line(table(&expressions(report, say)).trim_end().to_owned());
    if !report.missed.is_empty() {
        line(String::new());
        line(say.text("filter-missed", &[("count", &report.missed_count.to_string())]));
        for missed in &report.missed {
            line(format!("  {}", printable(missed.as_bytes())));
        }
        more(&mut line, report.missed_count, report.missed.len(), say);
    }
    line(String::new());
    for (name, hits) in &report.dates {
        let hits = hits.to_string();
        line(say.text("filter-date", &[("name", name), ("count", &hits)]));
    }
    let counts = [
        ("lines", report.lines),
        ("matched", report.matched),
        ("ignored", report.ignored),
        ("missed", report.missed_count),
        ("undated", report.lines - report.dated),
    ];
    let counts = counts.map(|(name, count)| (name, count.to_string()));
    line(say.text("filter-counts", &counts.each_ref().map(|(name, text)| (*name, text.as_str()))));
    if report.overruns > 0 {
        line(say.text("filter-overruns", &[("count", &report.overruns.to_string())]));
    }
    out
}

/// The expressions with their figures.
fn expressions(report: &Report, say: &Say) -> Vec<String> {
    let mut rows = vec![say.text("filter-expressions-head", &[])];
    for (number, (text, tried)) in report.facts.failregex.iter().zip(&report.tried).enumerate() {
        let each = tried.time.checked_div(u32::try_from(tried.searches).unwrap_or(u32::MAX));
        let each = each.map_or_else(|| "-".to_owned(), |each| format!("{each:.1?}"));
        let text = printable(text.as_bytes());
        rows.push(format!("#{}\t{}\t{each}\t{text}", number + 1, tried.hits));
    }
    rows
}

fn more(line: &mut impl FnMut(String), all: u64, shown: usize, say: &Say) {
    let left = all.saturating_sub(shown as u64);
    if left > 0 {
        line(say.text("filter-more", &[("count", &left.to_string())]));
    }
}
