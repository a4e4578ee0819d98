//! The state as rows: taken out for a commit, put back after a restart.
//!
//! A row names topics and subscriptions by their names, so that it stays what it is when the
//! configuration puts them into another order.

mod codec;
mod lasting;
mod restore;

use monban_model::wire::Writer;
use monban_model::{NotifyContent, NotifyRow, NotifyRowKind, Silence, Stamp};

use crate::firing::Firing;
use crate::group::{Group, GroupKey};
use crate::queue::{Delivery, Key};
use crate::router::Router;
use crate::subscriber::Subscriber;

pub(crate) use restore::restore;

/// Parts the topic of a group from what it has in common.
const PART: char = '/';

/// The form of all rows: another one is not read.
const FORM: u8 = 1;

impl Router {
    /// What changed since the last call, each thing once; to be committed with the records that
    /// the deliveries tell of.
    pub fn take_rows(&mut self) -> Vec<NotifyRow> {
        let mut rows = std::mem::take(&mut self.stray);
        if std::mem::take(&mut self.own_changed) {
            rows.push(self.own_row());
        }
        for at in 0..self.subs.len() {
            if std::mem::take(&mut self.subs[at].changed) {
                rows.push(sub_row(&self.subs[at]));
            }
        }
        let (topics, subs) = (Names::topics(self), Names::subs(self));
        self.deliveries.take_changes(|key, it| rows.push(delivery_row(*key, it, &subs)));
        self.groups.shelf.take_changes(|key, it| rows.push(group_row(key, it, &topics, &subs)));
        self.firing.take_changes(|key, it| rows.push(firing_row(key, it, &topics, &subs)));
        self.silences.take_changes(|number, it| rows.push(silence_row(*number, it)));
        rows
    }

    /// The whole state.
    pub(crate) fn all_rows(&self) -> Vec<NotifyRow> {
        let (topics, subs) = (Names::topics(self), Names::subs(self));
        let mut rows = vec![self.own_row()];
        rows.extend(self.subs.iter().map(sub_row));
        let all = self.deliveries.iter();
        rows.extend(all.map(|(key, it)| delivery_row(*key, Some(it), &subs)));
        let all = self.groups.shelf.iter();
        rows.extend(all.map(|(key, it)| group_row(key, Some(it), &topics, &subs)));
        let all = self.firing.iter();
        rows.extend(all.map(|(key, it)| firing_row(key, Some(it), &topics, &subs)));
        rows.extend(self.silences.iter().map(|(number, it)| silence_row(*number, Some(it))));
        rows
    }

    fn own_row(&self) -> NotifyRow {
        let write = |out: &mut Writer| codec::put_own(out, &self.own);
        let time = self.own.latest;
        row(NotifyRowKind::Subscription, String::new(), ["", "own"], time, write)
    }
}

/// The names of topics or subscriptions by their places.
pub(crate) struct Names(Vec<String>);

impl Names {
    fn topics(router: &Router) -> Self {
        Self(router.topics.iter().map(|topic| topic.name.clone()).collect())
    }

    fn subs(router: &Router) -> Self {
        Self(router.subs.iter().map(|sub| sub.config.name.clone()).collect())
    }

    fn get(&self, at: usize) -> &str {
        self.0.get(at).map_or("", String::as_str)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|it| it == name)
    }

    /// The names of those whose bit is set.
    fn of_mask(&self, mask: u64) -> Vec<&str> {
        let is_set = |(at, _): &(usize, &String)| mask >> at & 1 == 1;
        self.0.iter().enumerate().filter(is_set).map(|(_, name)| name.as_str()).collect()
    }
}

fn row(
    kind: NotifyRowKind,
    id: String,
    [of, word]: [&str; 2],
    time: Stamp,
    write: impl FnOnce(&mut Writer),
) -> NotifyRow {
    let mut out = Writer::default();
    out.byte(FORM);
    write(&mut out);
    let data = out.into_bytes();
    let content = NotifyContent { of: of.to_owned(), word: word.to_owned(), time, data };
    NotifyRow { kind, id, content: Some(content) }
}

fn gone(kind: NotifyRowKind, id: String) -> NotifyRow {
    NotifyRow { kind, id, content: None }
}

fn sub_row(sub: &Subscriber) -> NotifyRow {
    let (name, topic) = (sub.config.name.clone(), &sub.config.topic);
    let heads = [topic.as_str(), sub.state.word()];
    let write = |out: &mut Writer| codec::put_sub(out, sub);
    row(NotifyRowKind::Subscription, name, heads, sub.since, write)
}

fn delivery_row(key: Key, delivery: Option<&Delivery>, subs: &Names) -> NotifyRow {
    let id = key.1.to_string();
    let Some(delivery) = delivery else { return gone(NotifyRowKind::Delivery, id) };
    let heads = [subs.get(usize::from(key.0)), delivery.reason.word()];
    let write = |out: &mut Writer| codec::put_delivery(out, delivery);
    row(NotifyRowKind::Delivery, id, heads, delivery.next, write)
}

fn group_row(key: &GroupKey, group: Option<&Group>, topics: &Names, subs: &Names) -> NotifyRow {
    let topic = topics.get(usize::from(key.0));
    let id = format!("{topic}{PART}{}", key.1);
    let Some(group) = group else { return gone(NotifyRowKind::Group, id) };
    let word = if group.pending.is_empty() { "told" } else { "pending" };
    let time = group.told.unwrap_or(group.since);
    let write = |out: &mut Writer| lasting::put_group(out, group, subs);
    row(NotifyRowKind::Group, id, [topic, word], time, write)
}

fn firing_row(key: &str, firing: Option<&Firing>, topics: &Names, subs: &Names) -> NotifyRow {
    let id = key.to_owned();
    let Some(firing) = firing else { return gone(NotifyRowKind::Firing, id) };
    let publication = &firing.publication;
    let heads = [publication.theme.word(), publication.severity.word()];
    let write = |out: &mut Writer| lasting::put_firing(out, firing, topics, subs);
    row(NotifyRowKind::Firing, id, heads, firing.since, write)
}

fn silence_row(number: u32, silence: Option<&Silence>) -> NotifyRow {
    let id = number.to_string();
    let Some(silence) = silence else { return gone(NotifyRowKind::Silence, id) };
    let write = |out: &mut Writer| lasting::put_silence(out, silence);
    row(NotifyRowKind::Silence, id, ["operator", "silence"], silence.from, write)
}
