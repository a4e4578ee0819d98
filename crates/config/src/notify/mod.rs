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

/// What the file says of messages to people; `None` if it says nothing.
pub(crate) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> Option<Notify> {
    const KEYS: [&str; 6] = ["mail", "topic", "subscription", "silence", "inhibit", "logins"];
    let is_written = KEYS.iter().any(|key| root.place(key).is_some());
    let mail = mail::read(root, page);
    let mut topics = topics::read(root, page);
    let mut subscriptions = subscriptions::read(root, &mail, page);
    if let Some(short) = mail.subscription() {
        subscriptions.insert(0, short);
    }
    if topics.is_empty() && !subscriptions.is_empty() {
        topics.push(topics::named("default"));
    }
    names::check(&topics, &subscriptions, page);
    let silences = quiet::silences(root, page);
    let inhibitions = quiet::inhibitions(root, page);
    let logins = logins::read(root, page);
    let subscriptions = subscriptions.into_iter().map(|written| written.subscription).collect();
    let topics = topics.into_iter().map(|written| written.topic).collect();
    is_written.then_some(Notify { topics, subscriptions, silences, inhibitions, logins })
}
