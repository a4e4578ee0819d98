//! `[reports]`: the report of a day or week, sent by itself.

use monban_model::{Notify, ReportTime, Reports};

use crate::words::{meant, never_or};
use crate::written::{Page, Table};

/// Days of the week, as they are written.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// When the report of a week is sent where nobody said.
const USUAL: ReportTime = ReportTime { day: Some(0), minute: 7 * 60 };

/// Takes over what the file says. If somebody stands in `[mail] to`, his topic gets the report of a
/// week, unless the file says otherwise.
pub(crate) fn read(
    root: &mut Table<'_>,
    reports: &mut Reports,
    (notify, has_reader): (&Notify, bool),
    page: &mut Page<'_>,
) {
    let is_topic = |name: &str| notify.topics.iter().any(|topic| topic.name == name);
    if has_reader {
        reports.weekly = Some(USUAL);
    }
    let place = root.place("reports").unwrap_or(0);
    let Some(mut table) = root.table("reports", page) else { return };
    if let Some(daily) = table.text("daily", page, |text| never_or(text, minute)) {
        reports.daily = daily.map(|minute| ReportTime { day: None, minute });
    }
    if let Some(weekly) = table.text("weekly", page, |text| never_or(text, of_week)) {
        reports.weekly = weekly;
    }
    let topic_place = table.place("topic").unwrap_or(place);
    if let Some(topic) = table.text("topic", page, |text| Ok(text.to_owned())) {
        reports.topic = topic;
    }
    let is_sent = reports.daily.is_some() || reports.weekly.is_some();
    if is_sent && !is_topic(&reports.topic) {
        let known = notify.topics.iter().map(|topic| topic.name.as_str());
        let hint = match notify.topics.is_empty() {
            true => "name somebody in [mail], or a [[topic]] and its [[subscription]]".to_owned(),
            false => meant(&reports.topic, known),
        };
        let what = format!("[reports] is for the topic `{}`, and there is none", reports.topic);
        page.problem(topic_place, what, "the reports would reach nobody", &hint);
    }
    table.finish(page);
}

/// `07:00`.
fn minute(text: &str) -> Result<u16, String> {
    let parts = text.split_once(':').filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2);
    let number = |text: &str, most: u16| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| is_plain && *number <= most)
    };
    let found = parts.and_then(|(hour, minute)| Some(number(hour, 23)? * 60 + number(minute, 59)?));
    found.ok_or_else(|| format!("`{text}` is no time of day such as 07:00, and not never"))
}

/// `Mon 07:00`.
fn of_week(text: &str) -> Result<ReportTime, String> {
    let wrong = || format!("`{text}` is no day and time such as \"Mon 07:00\", and not never");
    let (day, time) = text.split_once(' ').ok_or_else(wrong)?;
    let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day)).ok_or_else(wrong)?;
    let minute = minute(time.trim_start()).map_err(|_| wrong())?;
    Ok(ReportTime { day: u8::try_from(day).ok(), minute })
}
