//! `monban fail2ban check`: what of a configuration runs here, and what is dangerous in it.

use std::process::ExitCode;

use monban_fail2ban::check::{self, Part, Report, Services, Verdict};
use monban_fail2ban::config::{Configuration, Reading, Severity};
use monban_views::{Say, printable, table};
use serde_json::{Value, json};

use super::complaints::{self, Rendered};
use super::good;
use crate::cli::{CheckArgs, Common};
use crate::out;

/// Checks a configuration. Exits 0 if all of it can run as fail2ban would run it, else 2.
pub fn main(common: &Common, args: &CheckArgs, say: &Say) -> ExitCode {
    let reading = Reading { all: args.all, ..Reading::default() };
    let mut found = Configuration::read(&args.dir, &reading);
    let report = check::check(&found, &good::lines(), &services());
    // The same expression may stand in several filters, as an included file does.
    for complaint in &report.complaints {
        found.complaints.add(complaint.clone());
    }
    let mut rendered = complaints::render_all(&found, say);
    rendered.sort_by_key(|one| one.severity);
    let verdict = match complaints::is_of_no_folder(&found) {
        true => Verdict::Cannot,
        false => report.verdict(),
    };
    if common.json {
        out::json(&in_json(&report, verdict, &rendered, found.complaints.more, say));
    } else if complaints::is_of_no_folder(&found) {
        out::write(&complaints::show(&rendered, found.complaints.more, say));
    } else {
        out::write(&in_words(&report, say));
        if report.jails.is_empty() {
            out::line(say.text("f2b-no-jails", &[("dir", &args.dir.display().to_string())]));
        }
        out::line("");
        out::write(&complaints::show(&rendered, found.complaints.more, say));
        out::line(count(&report, say));
    }
    let is_wrong = rendered.iter().any(|one| one.severity == Severity::Error);
    match verdict {
        Verdict::Native | Verdict::Shell if !is_wrong => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

/// The names of services that this machine knows; none where it has no list.
fn services() -> Services {
    Services::read(&std::fs::read_to_string("/etc/services").unwrap_or_default())
}

/// A table with one row for each part.
fn in_words(report: &Report, say: &Say) -> String {
    let mut rows = vec![say.text("check-head", &[])];
    for (key, part) in parts(report) {
        let what = say.text(&format!("check-{key}"), &[]);
        let verdict = say.text(&format!("check-{}", part.verdict.name()), &[]);
        let name = match part.name.as_str() {
            "" => "-".to_owned(),
            name => printable(name.as_bytes()),
        };
        let place = printable(part.place.to_string().as_bytes());
        rows.push(format!("{what}\t{name}\t{verdict}\t{place}\t{}", reasons(part, say)));
    }
    table(&rows)
}

fn parts(report: &Report) -> impl Iterator<Item = (&'static str, &Part)> {
    let jails = report.jails.iter().map(|part| ("jail", part));
    let filters = report.filters.iter().map(|part| ("filter", part));
    let actions = report.actions.iter().map(|part| ("action", part));
    jails.chain(filters).chain(actions)
}

fn reasons(part: &Part, say: &Say) -> String {
    let texts: Vec<String> = part.reasons.iter().map(|reason| sentence(reason, say)).collect();
    texts.join("; ")
}

fn sentence(reason: &check::Reason, say: &Say) -> String {
    let clean: Vec<(&str, String)> =
        reason.values.iter().map(|(name, value)| (*name, printable(value.as_bytes()))).collect();
    let values: Vec<(&str, &str)> = clean.iter().map(|(n, v)| (*n, v.as_str())).collect();
    say.text(&format!("check-why-{}", reason.kind), &values)
}

fn count(report: &Report, say: &Say) -> String {
    let with = |verdict| report.jails.iter().filter(|part| part.verdict == verdict).count();
    let values = [
        ("jails", report.jails.len()),
        ("native", with(Verdict::Native)),
        ("shell", with(Verdict::Shell)),
        ("differs", with(Verdict::Differs)),
        ("cannot", with(Verdict::Cannot)),
    ];
    let values = values.map(|(name, count)| (name, count.to_string()));
    say.text("check-count", &values.each_ref().map(|(name, count)| (*name, count.as_str())))
}

/// The contract of `--json`.
fn in_json(
    report: &Report,
    verdict: Verdict,
    rendered: &[Rendered],
    more: usize,
    say: &Say,
) -> Value {
    let list = |parts: &[Part]| parts.iter().map(|part| part_json(part, say)).collect::<Vec<_>>();
    json!({
        "verdict": verdict.name(),
        "jails": list(&report.jails),
        "filters": list(&report.filters),
        "actions": list(&report.actions),
        "problems": rendered.iter().map(problem).collect::<Vec<_>>(),
        "more_problems": more,
    })
}

fn part_json(part: &Part, say: &Say) -> Value {
    let reasons = part.reasons.iter();
    let reasons: Vec<Value> =
        reasons.map(|reason| json!({"kind": reason.kind, "text": sentence(reason, say)})).collect();
    json!({
        "name": part.name,
        "verdict": part.verdict.name(),
        "reasons": reasons,
        "jails": part.jails,
        "file": part.place.file.as_ref(),
        "line": part.place.line,
    })
}

fn problem(one: &Rendered) -> Value {
    let values: serde_json::Map<String, Value> =
        one.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut whole = super::json::problem(one);
    if let Some(object) = whole.as_object_mut() {
        object.insert("values".to_owned(), Value::Object(values));
    }
    whole
}
