//! `[[silence]]` and `[[inhibit]]`: what is not told.

use monban_model::limits::{GROUP_LABELS_MAX, INHIBITIONS_MAX, SILENCE_COMMENT_MAX, SILENCES_MAX};
use monban_model::{Inhibition, Silence, Stamp, days_from_civil};
use toml::de::DeValue;
use toml::value::{Datetime, Offset};

use super::matchers;
use crate::written::{Page, Table};

pub(super) fn silences(root: &mut Table<'_>, page: &mut Page<'_>) -> Vec<Silence> {
    let tables = root.tables("silence", "[[silence]]", page);
    if let Some((place, _)) = tables.get(SILENCES_MAX) {
        let what = format!("more than {SILENCES_MAX} silences");
        page.problem(*place, what, "all that happens is compared with them", "");
    }
    tables.into_iter().map(|(place, table)| silence(place, table, page)).collect()
}

fn silence(place: usize, mut table: Table<'_>, page: &mut Page<'_>) -> Silence {
    let known = page.problems.len();
    let matchers = matchers::read(&mut table, "where", page).unwrap_or_default();
    if matchers.is_empty() && page.problems.len() == known {
        let hint = "write where = { alarm = \"disk\" }; { key = \"*\" } is all";
        page.problem(place, "a silence has no `where`".to_owned(), "it would hide all", hint);
    }
    let from = time(&mut table, "from", page).unwrap_or_default();
    let until = time(&mut table, "until", page);
    if until.is_some_and(|until| until <= from) {
        let what = "a silence ends before it begins".to_owned();
        page.problem(place, what, "it would have no effect", "look at `from` and `until`");
    }
    let comment = table.text("comment", page, |text| match text.len() <= SILENCE_COMMENT_MAX {
        true => Ok(text.to_owned()),
        false => Err(format!("more than {SILENCE_COMMENT_MAX} bytes")),
    });
    table.finish(page);
    Silence { matchers, from, until, comment: comment.unwrap_or_default() }
}

/// A time, written as TOML's date or as a text of the same form.
fn time(table: &mut Table<'_>, key: &'static str, page: &mut Page<'_>) -> Option<Stamp> {
    let value = table.any(key)?;
    let written: Option<Datetime> = match value.as_ref() {
        DeValue::Datetime(datetime) => Some(*datetime),
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    };
    let stamp = written.and_then(stamp_of);
    if stamp.is_none() {
        let what = format!("`{key}` is no time with its distance from UTC");
        let hint = "write for example 2026-11-23T22:00:00+09:00";
        page.problem(value.span().start, what, "", hint);
    }
    stamp
}

fn stamp_of(datetime: Datetime) -> Option<Stamp> {
    let (date, time) = (datetime.date?, datetime.time?);
    let offset_min = match datetime.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let (year, month, day) = (date.year, date.month, date.day);
    let days = days_from_civil(i64::from(year), i64::from(month), i64::from(day));
    let second = i64::from(time.second.unwrap_or(0));
    let of_day = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + second;
    Some(Stamp::from_s(days * 86_400 + of_day - offset_min * 60))
}

pub(super) fn inhibitions(root: &mut Table<'_>, page: &mut Page<'_>) -> Vec<Inhibition> {
    let tables = root.tables("inhibit", "[[inhibit]]", page);
    if let Some((place, _)) = tables.get(INHIBITIONS_MAX) {
        let what = format!("more than {INHIBITIONS_MAX} inhibitions");
        page.problem(*place, what, "each is compared with all that lasts", "");
    }
    tables.into_iter().map(|(place, table)| inhibition(place, table, page)).collect()
}

fn inhibition(place: usize, mut table: Table<'_>, page: &mut Page<'_>) -> Inhibition {
    let [source, target] = ["source", "target"].map(|key| {
        let known = page.problems.len();
        let matchers = matchers::read(&mut table, key, page).unwrap_or_default();
        if matchers.is_empty() && page.problems.len() == known {
            let what = format!("an inhibition has no `{key}`");
            let hint = format!("write {key} = {{ alarm = \"network-down\" }}");
            page.problem(place, what, "everything would keep everything quiet", &hint);
        }
        matchers
    });
    let equal_place = table.place("equal").unwrap_or(place);
    let equal = table.texts("equal", page, matchers::label_name).unwrap_or_default();
    if equal.len() > GROUP_LABELS_MAX {
        let what = format!("`equal` has more than {GROUP_LABELS_MAX} labels");
        page.problem(equal_place, what, "hardly anything would be kept quiet", "");
    }
    table.finish(page);
    Inhibition { source, target, equal }
}
