//! Names of topics and subscriptions: their form, and whether what is named is there.

use monban_model::limits::{SUBSCRIPTIONS_MAX, TOPIC_NAME_MAX, TOPICS_MAX};

use super::subscriptions::Written;
use super::topics;
use crate::words::meant;
use crate::written::Page;

/// A name of a topic or subscription.
///
/// # Errors
/// A sentence that says what a name is.
pub(super) fn read(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || text.len() > TOPIC_NAME_MAX || !text.chars().all(fits) {
        return Err(format!(
            "`{text}` is no name: at most {TOPIC_NAME_MAX} letters, digits, `-`, `_` and `.`"
        ));
    }
    Ok(text.to_owned())
}

/// Names that are there twice, and those that name nothing.
pub(super) fn check(topics: &[topics::Written], written: &[Written], page: &mut Page<'_>) {
    for (at, one) in topics.iter().enumerate() {
        let name = &one.topic.name;
        if topics[..at].iter().any(|other| other.topic.name == *name) {
            let what = format!("there are two topics `{name}`");
            page.problem(one.place, what, "a subscription could not tell which is meant", "");
        }
    }
    if let Some(one) = topics.get(TOPICS_MAX) {
        let what = format!("more than {TOPICS_MAX} topics");
        page.problem(one.place, what, "all that happens is compared with each", "");
    }
    if let Some(one) = written.get(SUBSCRIPTIONS_MAX) {
        let what = format!("more than {SUBSCRIPTIONS_MAX} subscriptions");
        let hint = "one mail subscription takes several addresses";
        page.problem(one.place, what, "what was told is remembered of each", hint);
    }
    for (at, one) in written.iter().enumerate() {
        let name = &one.subscription.name;
        if written[..at].iter().any(|other| other.subscription.name == *name) {
            let what = format!("there are two subscriptions `{name}`");
            let why = "what was told to whom is kept under the name";
            page.problem(one.place, what, why, "give each its own `name`");
        }
    }
    for one in written {
        check_references(topics, written, one, page);
    }
}

fn check_references(
    topics: &[topics::Written],
    written: &[Written],
    one: &Written,
    page: &mut Page<'_>,
) {
    let subscription = &one.subscription;
    let topic_names = || topics.iter().map(|topic| topic.topic.name.as_str());
    if !topic_names().any(|name| name == subscription.topic) {
        let hint = meant(&subscription.topic, topic_names());
        let what = format!("`topic`: there is no topic `{}`", subscription.topic);
        page.problem(one.topic_place, what, "nothing would be told", &hint);
    }
    let others = || {
        let names = written.iter().map(|other| other.subscription.name.as_str());
        names.filter(|name| *name != subscription.name)
    };
    let escalate_to = subscription.escalation.as_ref().map(|escalation| &escalation.to);
    let named = [
        ("fallback", subscription.fallback.as_ref(), one.fallback_place),
        ("escalate_to", escalate_to, one.escalation_place),
    ];
    for (key, name, place) in named {
        let Some(name) = name.filter(|name| !others().any(|other| other == *name)) else {
            continue;
        };
        let what = format!("`{key}`: there is no other subscription `{name}`");
        page.problem(place, what, "nobody would be told", &meant(name, others()));
    }
}
