//! The file of `monban alarm simulate`: alarms, and the datapoints that they are shown.
//!
//! ```toml
//! datapoints = [[0, 1], [70, 2.5], { at = "2m", value = 1, address = "192.0.2.1" }]
//! end = "10m"
//! [[alarm]]
//! name = "a"
//! metric = "x"
//! threshold = 1
//! ```
//!
//! In place of `datapoints`, `row = "0 - X"` has one sign for each period of the first alarm:
//! `-` nothing, `X` a value that breaches, `0` one that does not, or a number.

use monban_model::limits::ALARM_SPAN_MAX_S;
use monban_model::{Address, AlarmSpec, Problem, Stamp, Watched, parse_duration_s};
use toml::de::{DeTable, DeValue};

use super::{number, read_alarms, take_number, take_pairs};
use crate::written::{Page, Table, Value};

/// Datapoints of one simulation.
const POINTS_MAX: usize = 100_000;

/// Where it ends at the latest: a month.
const END_MAX_S: f64 = 31.0 * 86_400.0;

/// A datapoint of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedPoint {
    /// When, from the beginning.
    pub at: Stamp,
    /// Its metric; `None`: the one of each alarm.
    pub metric: Option<String>,
    /// Its value.
    pub value: f64,
    /// Its dimensions.
    pub dimensions: Vec<(String, String)>,
    /// Whose line it was.
    pub address: Option<Address>,
    /// The user that was named.
    pub user: Option<String>,
    /// The line.
    pub line: String,
}

/// What is to be simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// The alarms.
    pub alarms: Vec<AlarmSpec>,
    /// The datapoints, in the order of time.
    pub points: Vec<SimulatedPoint>,
    /// When it ends, from the beginning.
    pub end: Stamp,
}

impl Simulation {
    /// Reads a simulation.
    ///
    /// # Errors
    /// All problems of the text at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut page = Page { file, text, problems: Vec::new() };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = error.span().map_or(0, |span| span.start);
            page.problem(place, error.message().to_owned(), "the file is no valid TOML here", "");
        }
        let mut root = Table::new("the file", root.into_inner());
        let alarms = read_alarms(&mut root, None, &mut page);
        if alarms.is_empty() && page.problems.is_empty() {
            page.problem(0, "there is no [[alarm]]".to_owned(), "there is nothing to show", "");
        }
        let first = alarms.iter().find_map(AlarmSpec::watched);
        let mut points =
            root.any("datapoints").map_or_else(Vec::new, |value| points(&value, &mut page));
        if let Some(row) = root.any("row") {
            points.extend(row_points(&row, first, &mut page));
        }
        points.sort_by_key(|point| point.at);
        let end = root.any("end").and_then(|value| moment(&value, "end", &mut page));
        root.finish(&mut page);
        let spans = alarms.iter().filter_map(AlarmSpec::watched).map(Watched::span_ms);
        let last = points.last().map_or(Stamp(0), |point| point.at);
        // Long enough to see how it ends: CloudWatch looks two periods further back.
        let after = spans.max().unwrap_or(0).saturating_mul(3).min(ALARM_SPAN_MAX_S as i64 * 3000);
        let end = end.unwrap_or_else(|| last.plus_ms(after + 120_000));
        page.problems.sort_by_key(|problem| (problem.line, problem.column));
        match page.problems.is_empty() {
            true => Ok(Self { alarms, points, end }),
            false => Err(page.problems),
        }
    }
}

fn points(value: &Value<'_>, page: &mut Page<'_>) -> Vec<SimulatedPoint> {
    let hint = "write datapoints = [[0, 1], [70, 2.5]]: seconds and values";
    let place = value.span().start;
    let DeValue::Array(items) = value.as_ref() else {
        page.problem(place, "`datapoints` is no list".to_owned(), "", hint);
        return Vec::new();
    };
    if items.len() > POINTS_MAX {
        page.problem(place, format!("more than {POINTS_MAX} datapoints"), "", "");
        return Vec::new();
    }
    let mut points = Vec::new();
    for item in items.iter() {
        let place = item.span().start;
        match item.as_ref() {
            DeValue::Array(pair) => {
                match (pair.first(), pair.get(1).and_then(number), pair.len()) {
                    (Some(at), Some(value), 2) => {
                        points.extend(moment(at, "at", page).map(|at| plain(at, value)));
                    }
                    _ => page.problem(
                        place,
                        "a datapoint has a time and a value".to_owned(),
                        "",
                        hint,
                    ),
                }
            }
            DeValue::Table(fields) => {
                let table = Table::new("a datapoint", fields.clone());
                points.extend(point(table, place, page));
            }
            _ => page.problem(place, "a datapoint has a time and a value".to_owned(), "", hint),
        }
    }
    points
}

fn plain(at: Stamp, value: f64) -> SimulatedPoint {
    SimulatedPoint {
        at,
        metric: None,
        value,
        dimensions: Vec::new(),
        address: None,
        user: None,
        line: String::new(),
    }
}

fn point(mut table: Table<'_>, place: usize, page: &mut Page<'_>) -> Option<SimulatedPoint> {
    let at = table.any("at").and_then(|value| moment(&value, "at", page));
    let value = take_number(&mut table, "value", page);
    let metric = table.text("metric", page, super::name);
    let address = table
        .text("address", page, |text| text.parse::<Address>().map_err(|error| error.to_string()));
    let user = table.text("user", page, |text| Ok(text.to_owned()));
    let line = table.text("line", page, |text| Ok(text.to_owned())).unwrap_or_default();
    let dimensions = take_pairs(&mut table, "dimensions", page);
    let dimensions = dimensions.into_iter().map(|(key, value, _)| (key, value)).collect();
    let found = at.zip(value);
    if found.is_none() {
        let what = "a datapoint has a time and a value".to_owned();
        page.problem(place, what, "", "write { at = 0, value = 1 }");
    }
    table.finish(page);
    let (at, value) = found?;
    Some(SimulatedPoint { at, metric, value, dimensions, address, user, line })
}

/// Seconds as a number, or a duration such as `1m30s`.
fn moment(value: &Value<'_>, key: &str, page: &mut Page<'_>) -> Option<Stamp> {
    let seconds = match value.as_ref() {
        DeValue::String(text) => parse_duration_s(text).ok().map(|seconds| seconds as f64),
        _ => number(value),
    };
    let found = seconds.filter(|seconds| (0.0..=END_MAX_S).contains(seconds));
    if found.is_none() {
        let what = format!("`{key}` is no time within a month of the beginning");
        page.problem(value.span().start, what, "", "write seconds such as 90, or \"1m30s\"");
    }
    found.map(|seconds| Stamp((seconds * 1000.0).round() as i64))
}

/// One sign for each period of the first alarm: its datapoint stands in the middle of it.
fn row_points(
    value: &Value<'_>,
    watched: Option<&Watched>,
    page: &mut Page<'_>,
) -> Vec<SimulatedPoint> {
    let place = value.span().start;
    let (Some(text), Some(watched)) = (value.as_ref().as_str(), watched) else {
        let what = "`row` is a text beside an alarm with a metric".to_owned();
        page.problem(place, what, "", "write row = \"0 - X\"");
        return Vec::new();
    };
    let threshold = watched.threshold.0;
    let (breaching, fine) = match watched.comparison.is_upward() {
        true => (threshold + 1.0, threshold - 1.0),
        false => (threshold - 1.0, threshold + 1.0),
    };
    let mut points = Vec::new();
    for (n, sign) in text.split_whitespace().take(POINTS_MAX).enumerate() {
        let value = match sign {
            "-" => continue,
            "X" | "x" => breaching,
            "0" => {
                if watched.comparison.breaches(0.0, threshold) {
                    fine
                } else {
                    0.0
                }
            }
            _ => match sign.parse::<f64>() {
                Ok(value) if value.is_finite() => value,
                _ => {
                    let what = format!("`{sign}` stands for no datapoint");
                    page.problem(place, what, "", "write -, 0, X or a number");
                    continue;
                }
            },
        };
        let period_ms = i64::from(watched.period_s) * 1000;
        points.push(plain(Stamp(n as i64 * period_ms + period_ms / 2), value));
    }
    points
}
