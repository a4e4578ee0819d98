//! One `[[metric]]`.

use monban_model::limits::{METRIC_DIMENSIONS_MAX, METRIC_PATTERN_CHARS_MAX};
use monban_model::{Amount, MetricSpec, is_built_in};
use toml::de::DeValue;

use super::{name, take_number, take_pairs};
use crate::words::meant;
use crate::written::{Page, Table};

/// CloudWatch's units.
pub(super) const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

pub(super) fn read(place: usize, mut table: Table<'_>, page: &mut Page<'_>) -> Option<MetricSpec> {
    let had_name = table.has("name");
    let found = table.text("name", page, |text| {
        let name = name(text)?;
        match is_built_in(&name) {
            true => Err(format!("`{name}` is a metric by itself and needs no [[metric]]")),
            false => Ok(name),
        }
    });
    let sources = table.texts("sources", page, |text| match text.trim() {
        "" => Err("a source of no name".to_owned()),
        _ => Ok(text.to_owned()),
    });
    let had_pattern = table.has("pattern");
    let pattern = table.text("pattern", page, |text| match text.chars().count() {
        0..=METRIC_PATTERN_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("the pattern has more than {METRIC_PATTERN_CHARS_MAX} characters")),
    });
    let value = read_value(&mut table, page);
    let default = take_number(&mut table, "default", page).map(Amount);
    let dimensions = read_dimensions(&mut table, page);
    let unit = read_unit(&mut table, page);
    if default.is_some() && !dimensions.is_empty() {
        let what = "a metric with `dimensions` has no `default`".to_owned();
        let why = "a line that does not match has no values for them";
        page.problem(place, what, why, "leave one of them out");
    }
    if found.is_none() && !had_name {
        page.problem(place, "a metric without a `name`".to_owned(), "alarms find it by that", "");
    }
    if pattern.is_none() && !had_pattern {
        let what = "a metric without a `pattern`".to_owned();
        page.problem(place, what, "", "write pattern = \"\" if every line is meant");
    }
    table.finish(page);
    Some(MetricSpec {
        name: found?,
        sources: sources.unwrap_or_default(),
        pattern: pattern?,
        value: value?,
        default,
        dimensions,
        unit,
    })
}

/// A number, or where the number stands in the line.
fn read_value(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<String> {
    let Some(value) = table.any("value") else { return Some("1".to_owned()) };
    if let Some(number) = super::number(&value) {
        return Some(Amount(number).to_string());
    }
    let text = match value.as_ref() {
        DeValue::String(text) => text.as_ref(),
        _ => "",
    };
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    let is_selector = text.len() > 1 && text.starts_with('$') && !text.contains('*');
    if is_number || is_selector {
        return Some(text.to_owned());
    }
    let what = "`value` is neither a number nor the name of a field".to_owned();
    let hint = "write 1, \"$bytes\" or \"$.latency\"; without * in it";
    page.problem(value.span().start, what, "it is what a line that matches counts", hint);
    None
}

fn read_dimensions(table: &mut Table<'_>, page: &mut Page<'_>) -> Vec<(String, String)> {
    let pairs = take_pairs(table, "dimensions", page);
    if let Some((_, _, place)) = pairs.get(METRIC_DIMENSIONS_MAX) {
        let what = format!("more than {METRIC_DIMENSIONS_MAX} dimensions");
        page.problem(*place, what, "CloudWatch takes no more from lines either", "");
    }
    let mut dimensions = Vec::new();
    for (key, value, place) in pairs.into_iter().take(METRIC_DIMENSIONS_MAX) {
        if let Err(why) = name(&key) {
            page.problem(place, format!("`dimensions`: {why}"), "", "");
        }
        if value.len() < 2 || !value.starts_with('$') || value.contains('*') {
            let what = format!("`{value}` is no field of a line");
            let hint = "write \"$field\" or \"$.path\"; without * in it";
            page.problem(place, what, "the value of a dimension comes from the line", hint);
        }
        dimensions.push((key, value));
    }
    dimensions
}

pub(super) fn read_unit(table: &mut Table<'_>, page: &mut Page<'_>) -> String {
    let unit = table.text("unit", page, |text| match UNITS.contains(&text) {
        true => Ok(text.to_owned()),
        false => {
            let hint = meant(text, UNITS.iter().copied());
            Err(format!("`{text}` is none of CloudWatch's units; {hint}"))
        }
    });
    unit.filter(|unit| unit != "None").unwrap_or_default()
}
