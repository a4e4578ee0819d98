//! `[[metric]]` and `[[alarm]]`.

mod circles;
mod metrics;
mod read;
mod simulation;

use monban_model::limits::{ALARM_NAME_MAX, ALARMS_MAX, METRICS_MAX};
use monban_model::{AlarmSpec, BLOCKS_METRIC, Kind, MetricSpec};
use toml::de::DeValue;

use crate::written::{Page, Table, Value};

pub use simulation::{SimulatedPoint, Simulation};

/// Reads both lists. The names that alarms use are looked for among the metrics, the kinds of
/// sightings and `blocks`; without `metrics` any will do.
pub(crate) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> (Vec<MetricSpec>, Vec<AlarmSpec>) {
    let mut metrics: Vec<MetricSpec> = Vec::new();
    for (place, table) in entries(root, ("metric", "[[metric]]"), METRICS_MAX, page) {
        let Some(metric) = metrics::read(place, table, page) else { continue };
        if metrics.iter().any(|other| other.name == metric.name) {
            let what = format!("two metrics are called `{}`", metric.name);
            page.problem(place, what, "alarms could not tell them apart", "give one another name");
        } else {
            metrics.push(metric);
        }
    }
    let alarms = read_alarms(root, Some(&metrics), page);
    (metrics, alarms)
}

fn read_alarms(
    root: &mut Table<'_>,
    metrics: Option<&[MetricSpec]>,
    page: &mut Page<'_>,
) -> Vec<AlarmSpec> {
    let mut found: Vec<(usize, AlarmSpec)> = Vec::new();
    for (place, table) in entries(root, ("alarm", "[[alarm]]"), ALARMS_MAX, page) {
        let Some(alarm) = read::alarm(place, table, metrics, page) else { continue };
        if found.iter().any(|(_, other)| other.name == alarm.name) {
            let what = format!("two alarms are called `{}`", alarm.name);
            page.problem(place, what, "their state is kept by name", "give one another name");
        } else {
            found.push((place, alarm));
        }
    }
    circles::check(&found, page);
    found.into_iter().map(|(_, alarm)| alarm).collect()
}

/// The tables of `[[key]]`; none if there are too many.
fn entries<'a>(
    root: &mut Table<'a>,
    (key, title): (&'static str, &str),
    most: usize,
    page: &mut Page<'_>,
) -> Vec<(usize, Table<'a>)> {
    let place = root.place(key).unwrap_or(0);
    let found = root.tables(key, title, page);
    if found.len() > most {
        let what = format!("more than {most} tables {title}");
        page.problem(place, what, "each of them costs time and memory", "");
        return Vec::new();
    }
    found
}

/// The name of a metric, alarm or dimension.
fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a name of nothing".to_owned());
    }
    if text.len() > ALARM_NAME_MAX {
        return Err(format!("the name has more than {ALARM_NAME_MAX} bytes"));
    }
    let is_bad = |c: char| c.is_control() || matches!(c, '"' | '\'');
    match text.chars().find(|c| is_bad(*c)) {
        Some(_) => Err("a name has no quotes and no control characters".to_owned()),
        None => Ok(text.to_owned()),
    }
}

/// A number, whole or not.
fn number(value: &Value<'_>) -> Option<f64> {
    let number = match value.as_ref() {
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|whole| whole as f64)
        }
        DeValue::Float(digits) => digits.as_str().replace('_', "").parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A number by its key.
fn take_number(table: &mut Table<'_>, key: &'static str, page: &mut Page<'_>) -> Option<f64> {
    let value = table.any(key)?;
    let found = number(&value);
    if found.is_none() {
        let what = format!("`{key}` is no number");
        page.problem(value.span().start, what, "", "write a number such as 1 or 99.5");
    }
    found
}

/// Names and texts of an inline table, sorted by name.
fn take_pairs(
    table: &mut Table<'_>,
    key: &'static str,
    page: &mut Page<'_>,
) -> Vec<(String, String, usize)> {
    let Some(value) = table.any(key) else { return Vec::new() };
    let place = value.span().start;
    let mut wrong = |place: usize| {
        let what = format!("`{key}` wants names with texts");
        page.problem(place, what, "", &format!("write {key} = {{ name = \"text\" }}"));
    };
    let DeValue::Table(inner) = value.into_inner() else {
        wrong(place);
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (key, value) in inner {
        let at = value.span().start;
        match value.as_ref().as_str() {
            Some(text) => pairs.push((key.into_inner().into_owned(), text.to_owned(), at)),
            None => wrong(at),
        }
    }
    pairs.sort();
    pairs
}

/// The names of metrics that an alarm can use.
fn metric_names(metrics: &[MetricSpec]) -> impl Iterator<Item = &str> {
    let own = metrics.iter().map(|metric| metric.name.as_str());
    own.chain(Kind::ALL.iter().map(|kind| kind.name())).chain([BLOCKS_METRIC])
}
