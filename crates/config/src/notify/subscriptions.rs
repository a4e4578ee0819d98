//! `[[subscription]]`: who is told, where, how often.

use monban_model::limits::MUTES_MAX;
use monban_model::{
    Endpoint, Escalation, MuteWindow, Rate, Severity, Shape, Subscription, parse_duration_s,
};

use super::mail::Mail;
use super::topics::DEFAULT;
use super::{endpoints, matchers, names};
use crate::written::{Page, Table};

/// A subscription, and where it and what it names are written.
pub(super) struct Written {
    pub(super) subscription: Subscription,
    pub(super) place: usize,
    pub(super) topic_place: usize,
    pub(super) fallback_place: usize,
    pub(super) escalation_place: usize,
}

/// A subscription that says nothing but where it goes.
pub(super) fn plain(name: &str, endpoint: Endpoint, place: usize) -> Written {
    let subscription = Subscription {
        name: name.to_owned(),
        topic: DEFAULT.to_owned(),
        severity: Severity::Info,
        lang: None,
        rate: usual_rate(&endpoint),
        digest_s: None,
        mute: Vec::new(),
        mute_critical: false,
        escalation: None,
        fallback: None,
        confirm: matches!(endpoint, Endpoint::Mail { .. }),
        resolved: true,
        endpoint,
    };
    let (topic_place, fallback_place, escalation_place) = (place, place, place);
    Written { subscription, place, topic_place, fallback_place, escalation_place }
}

/// As often as a person can read; a log server takes all.
fn usual_rate(endpoint: &Endpoint) -> Option<Rate> {
    let count = match endpoint {
        Endpoint::Mail { .. } | Endpoint::Sns { .. } => 20,
        Endpoint::Webhook(_) | Endpoint::Command(_) => 60,
        Endpoint::Syslog { .. } => return None,
    };
    Some(Rate { count, window_s: 3600 })
}

pub(super) fn read(root: &mut Table<'_>, mail: &Mail, page: &mut Page<'_>) -> Vec<Written> {
    let tables = root.tables("subscription", "[[subscription]]", page);
    tables.into_iter().filter_map(|(place, table)| one(place, table, mail, page)).collect()
}

fn one(place: usize, mut table: Table<'_>, mail: &Mail, page: &mut Page<'_>) -> Option<Written> {
    let name = table.text("name", page, names::read);
    let topic_place = table.place("topic").unwrap_or(place);
    let endpoint = endpoints::read(place, &mut table, mail, page);
    // What else is wrong is told as well, so a place to go is made up.
    let usual = endpoint.clone().unwrap_or_else(|| Endpoint::Command(Vec::new()));
    let mut written = plain(&name.unwrap_or_else(|| usual_name(&usual)), usual, place);
    written.topic_place = topic_place;
    if let Some(topic) = table.text("topic", page, names::read) {
        written.subscription.topic = topic;
    }
    read_manner(&mut table, &mut written, page);
    table.finish(page);
    endpoint.is_some().then_some(written)
}

/// The keys that say how somebody is told, whom else, and in which language.
pub(super) const MANNER: [&str; 11] = [
    "severity",
    "lang",
    "rate",
    "digest",
    "mute",
    "mute_critical",
    "escalate_after",
    "escalate_to",
    "fallback",
    "confirm",
    "resolved",
];

/// Takes over what the table says by the keys of [`MANNER`].
pub(super) fn read_manner(table: &mut Table<'_>, written: &mut Written, page: &mut Page<'_>) {
    let place_of = |key: &str| table.place(key).unwrap_or(written.place);
    (written.fallback_place, written.escalation_place) =
        (place_of("fallback"), place_of("escalate_to"));
    let subscription = &mut written.subscription;
    if let Some(severity) = table.text("severity", page, matchers::severity) {
        subscription.severity = severity;
    }
    subscription.lang = table.text("lang", page, |text| match text {
        "en" | "ja" => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is neither \"en\" nor \"ja\"")),
    });
    if let Some(rate) = table.text("rate", page, rate) {
        subscription.rate = rate;
    }
    read_times(table, subscription, written.place, page);
    subscription.fallback = table.text("fallback", page, names::read);
    subscription.confirm = table.bool("confirm", page).unwrap_or(subscription.confirm);
    subscription.resolved = table.bool("resolved", page).unwrap_or(subscription.resolved);
}

fn usual_name(endpoint: &Endpoint) -> String {
    let word = match endpoint {
        Endpoint::Mail { .. } => "mail",
        Endpoint::Webhook(hook) if hook.shape == Shape::Json => "webhook",
        Endpoint::Webhook(hook) => hook.shape.word(),
        Endpoint::Sns { .. } => "sns",
        Endpoint::Syslog { .. } => "syslog",
        Endpoint::Command(_) => "command",
    };
    word.to_owned()
}

fn read_times(
    table: &mut Table<'_>,
    subscription: &mut Subscription,
    place: usize,
    page: &mut Page<'_>,
) {
    subscription.digest_s = table.text("digest", page, |text| match parse_duration_s(text)? {
        60..=604_800 => parse_duration_s(text),
        _ => Err(format!("`{text}` is not between 1m and 7d")),
    });
    let mute_place = table.place("mute").unwrap_or(place);
    let mute = table.text_or_texts("mute", page, mute).unwrap_or_default();
    subscription.mute = mute.into_iter().flatten().collect();
    if subscription.mute.len() > MUTES_MAX {
        page.problem(mute_place, format!("`mute` has more than {MUTES_MAX} times"), "", "");
    }
    subscription.mute_critical = table.bool("mute_critical", page).unwrap_or(false);
    let given = [table.place("escalate_after"), table.place("escalate_to")];
    let after_s = table.text("escalate_after", page, |text| match parse_duration_s(text)? {
        60..=604_800 => parse_duration_s(text),
        _ => Err(format!("`{text}` is not between 1m and 7d")),
    });
    let to = table.text("escalate_to", page, names::read);
    if let [Some(place), None] | [None, Some(place)] = given {
        let what = "there is only one of `escalate_after` and `escalate_to`".to_owned();
        let hint = "write escalate_after = \"15m\" and escalate_to = \"NAME\"";
        page.problem(place, what, "nobody would be told", hint);
    }
    subscription.escalation = after_s.zip(to).map(|(after_s, to)| Escalation { after_s, to });
}

/// `20/1h`: so many in a time; `none`.
fn rate(text: &str) -> Result<Option<Rate>, String> {
    if text == "none" {
        return Ok(None);
    }
    let wrong = || format!("`{text}` is no rate such as 20/1h, and not \"none\"");
    let (count, window) = text.split_once('/').ok_or_else(wrong)?;
    let count = count.trim().parse().ok().filter(|count| (1..=10_000).contains(count));
    let window_s = parse_duration_s(window.trim())?;
    match (count, window_s) {
        (Some(count), 1..=604_800) => Ok(Some(Rate { count, window_s })),
        _ => Err(wrong()),
    }
}

/// `22:00-07:00`, `Sat,Sun`, `Mon-Fri`.
fn mute(text: &str) -> Result<Vec<MuteWindow>, String> {
    if text.contains(':') {
        let wrong = || format!("`{text}` is no time of day such as 22:00-07:00");
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let minutes = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
            (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
        };
        let (from_min, until_min) = minutes(from)
            .zip(minutes(until))
            .filter(|(from, until)| from != until)
            .ok_or_else(wrong)?;
        return Ok(vec![MuteWindow::Hours { from_min, until_min }]);
    }
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let wrong = || format!("`{text}` is no list of days such as Sat,Sun or Mon-Fri");
    let day = |word: &str| DAYS.iter().position(|day| *day == word.trim().to_ascii_lowercase());
    let mut days = 0_u8;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = day(first).zip(day(last)).ok_or_else(wrong)?;
        let length = (last + 7 - first) % 7;
        (0..=length).for_each(|step| days |= 1 << ((first + step) % 7));
    }
    Ok(vec![MuteWindow::Days(days)])
}
