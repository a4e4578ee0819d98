//! `[mail]`, `[[topic]]`, `[[subscription]]`, `[[silence]]`, `[[inhibit]]` and `[logins]`: who is
//! told what.

mod endpoints;
mod logins;
mod mail;
mod matchers;
mod names;
mod quiet;
mod subscriptions;
mod topics;
mod web;

use monban_model::Notify;

use crate::written::{Page, Table};

/// What the file says of messages to people, and whether somebody stands in `[mail] to`; `None` if
/// it says nothing.
pub(crate) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> Option<(Notify, bool)> {
    const KEYS: [&str; 6] = ["mail", "topic", "subscription", "silence", "inhibit", "logins"];
    let is_written = KEYS.iter().any(|key| root.place(key).is_some());
    let (mail, short) = mail::read(root, page);
    let has_reader = short.is_some();
    let mut topics = topics::read(root, page);
    let mut subscriptions = Vec::from_iter(short);
    subscriptions.extend(subscriptions::read(root, &mail, page));
    let is_wanted = subscriptions.iter().any(|one| one.subscription.topic == topics::DEFAULT);
    if is_wanted && topics.iter().all(|one| one.topic.name != topics::DEFAULT) {
        topics.push(topics::named(topics::DEFAULT));
    }
    names::check(&topics, &subscriptions, page);
    let silences = quiet::silences(root, page);
    let inhibitions = quiet::inhibitions(root, page);
    let logins = logins::read(root, page);
    let subscriptions = subscriptions.into_iter().map(|written| written.subscription).collect();
    let topics = topics.into_iter().map(|written| written.topic).collect();
    let notify = Notify { topics, subscriptions, silences, inhibitions, logins };
    is_written.then_some((notify, has_reader))
}
