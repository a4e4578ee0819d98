//! `[[topic]]`: what is taken in, and what belongs together.

use monban_model::limits::GROUP_LABELS_MAX;
use monban_model::{Severity, Theme, Topic, parse_duration_s};

use super::{matchers, names};
use crate::words::repeat;
use crate::written::{Page, Table};

/// A topic and where it is written.
pub(super) struct Written {
    pub(super) topic: Topic,
    pub(super) place: usize,
}

/// The topic of whoever names none. It is there as soon as somebody subscribes to it.
pub(crate) const DEFAULT: &str = "default";

/// A topic that says nothing but its name.
pub(super) fn named(name: &str) -> Written {
    let themes = vec![Theme::Login, Theme::Alarm, Theme::Finding, Theme::Notice, Theme::Digest];
    let topic = Topic {
        name: name.to_owned(),
        themes,
        daily: vec![Theme::Block],
        severity: Severity::Info,
        matchers: Vec::new(),
        group_by: Vec::new(),
        group_wait_s: 0,
        group_interval_s: 300,
        repeat_s: Some(4 * 3600),
    };
    Written { topic, place: 0 }
}

pub(super) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> Vec<Written> {
    let tables = root.tables("topic", "[[topic]]", page);
    tables.into_iter().map(|(place, table)| one(place, table, page)).collect()
}

fn one(place: usize, mut table: Table<'_>, page: &mut Page<'_>) -> Written {
    let is_named = table.place("name").is_some();
    let name = table.text("name", page, names::read);
    if !is_named {
        let what = "a topic has no `name`".to_owned();
        page.problem(place, what, "nobody could subscribe to it", "write name = \"ops\"");
    }
    let mut written = Written { place, ..named(&name.unwrap_or_default()) };
    let topic = &mut written.topic;
    if let Some(themes) = table.texts("themes", page, matchers::theme) {
        topic.daily.retain(|theme| !themes.contains(theme));
        topic.themes = themes;
    }
    if let Some(daily) = table.texts("daily", page, matchers::theme) {
        topic.themes.retain(|theme| !daily.contains(theme));
        topic.daily = daily;
    }
    topic.severity = table.text("severity", page, matchers::severity).unwrap_or(topic.severity);
    topic.matchers = matchers::read(&mut table, "where", page).unwrap_or_default();
    let group_place = table.place("group_by").unwrap_or(place);
    topic.group_by = table.texts("group_by", page, matchers::label_name).unwrap_or_default();
    if topic.group_by.len() > GROUP_LABELS_MAX {
        let what = format!("`group_by` has more than {GROUP_LABELS_MAX} labels");
        page.problem(group_place, what, "hardly anything would belong together", "");
    }
    let mut seconds = |key, page: &mut Page<'_>| table.text(key, page, parse_duration_s);
    topic.group_wait_s = seconds("group_wait", page).unwrap_or(topic.group_wait_s);
    topic.group_interval_s = seconds("group_interval", page).unwrap_or(topic.group_interval_s);
    if let Some(repeat) = table.text("repeat", page, repeat) {
        topic.repeat_s = repeat;
    }
    table.finish(page);
    written
}
