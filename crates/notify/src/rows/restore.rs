//! The state of an earlier run, put back.

use std::collections::BTreeMap;

use monban_model::limits::{DELIVERIES_WAITING_MAX, FIRING_MAX, NOTIFY_GROUPS_MAX, SILENCES_MAX};
use monban_model::wire::FrameError;
use monban_model::{NotifyContent, NotifyRow, NotifyRowKind, Stamp};

use super::{Names, PART, codec, lasting};
use crate::effect::Service;
use crate::firing::Firing;
use crate::router::Router;
use crate::status::State;
use crate::subscriber::Subscriber;

/// What became of a row.
enum Put {
    /// It is in its place.
    Back,
    /// What it belongs to is not there any more.
    Stray,
}

/// Puts rows back. Those that belong to nothing are to be forgotten, those that cannot be read are
/// counted and forgotten.
pub(crate) fn restore(router: &mut Router, mut rows: Vec<NotifyRow>) {
    // What is to be delivered hangs on who confirmed.
    rows.sort_by_key(|row| row.kind != NotifyRowKind::Subscription);
    let (topics, subs) = (Names::topics(router), Names::subs(router));
    let mut lasting = BTreeMap::new();
    let mut unreadable = 0;
    for row in rows {
        let Some(content) = &row.content else { continue };
        let put = match row.kind {
            NotifyRowKind::Subscription if row.id.is_empty() => {
                codec::all(&content.data, codec::own).map(|own| {
                    router.own = own;
                    Put::Back
                })
            }
            NotifyRowKind::Subscription => put_sub(router, &row.id, content),
            NotifyRowKind::Delivery => put_delivery(router, &row.id, content, &subs),
            NotifyRowKind::Group => put_group(router, &row.id, content, &topics, &subs),
            NotifyRowKind::Firing => {
                let read = codec::all(&content.data, |from| {
                    lasting::firing(from, &row.id, &topics, &subs)
                });
                read.map(|firing| {
                    lasting.insert(row.id.clone(), firing);
                    Put::Back
                })
            }
            NotifyRowKind::Silence => put_silence(router, &row.id, content),
        };
        unreadable += u64::from(put.is_err());
        if !matches!(put, Ok(Put::Back)) {
            router.stray.push(NotifyRow { content: None, ..row });
        }
    }
    lasting.into_iter().take(FIRING_MAX).for_each(|(key, firing)| put_firing(router, key, firing));
    rest_anew(router);
    router.own.counters.unreadable_rows += unreadable;
    router.own_changed = unreadable > 0;
}

fn put_sub(router: &mut Router, name: &str, row: &NotifyContent) -> Result<Put, FrameError> {
    let Some(at) = router.find_sub(name) else { return Ok(Put::Stray) };
    let fresh = Subscriber::new(router.subs[at].config.clone(), router.subs[at].topic);
    let mut sub = fresh.clone();
    codec::all(&row.data, |from| codec::take_sub(from, &mut sub))?;
    let must_confirm = fresh.config.confirm && sub.readers != fresh.readers;
    let escalates =
        fresh.config.escalation.as_ref().is_some_and(|it| router.find_sub(&it.to).is_some());
    sub.changed = sub.readers != fresh.readers || (!escalates && !sub.awaiting.is_empty());
    if !escalates {
        sub.awaiting.clear();
    }
    if must_confirm {
        // What other readers confirmed does not hold for these, and nor does what they were told.
        sub.close(State::Pending, Stamp::default());
        (sub.code_sent, sub.wants_code) = (None, true);
    } else if sub.state == State::Pending && !fresh.config.confirm {
        (sub.state, sub.wants_code) = (State::Active, false);
    }
    sub.readers = fresh.readers;
    router.subs[at] = sub;
    Ok(Put::Back)
}

fn put_delivery(
    router: &mut Router,
    id: &str,
    row: &NotifyContent,
    subs: &Names,
) -> Result<Put, FrameError> {
    let order: u64 = id.parse().map_err(|_| FrameError::Unknown)?;
    let delivery = codec::all(&row.data, codec::delivery)?;
    let Some(at) = subs.place(&row.of) else { return Ok(Put::Stray) };
    let is_known = router.ids.contains_key(&delivery.id);
    if is_known || router.queue_of(at).count() >= DELIVERIES_WAITING_MAX {
        return Err(FrameError::Limit);
    }
    let sub = &mut router.subs[at];
    if sub.state != State::Active && delivery.service != Some(Service::Confirm) {
        sub.leave_untold(delivery.records());
        return Ok(Put::Stray);
    }
    let key = (at as u8, order);
    router.ids.insert(delivery.id.clone(), key);
    router.deliveries.restore(key, delivery);
    Ok(Put::Back)
}

fn put_group(
    router: &mut Router,
    id: &str,
    row: &NotifyContent,
    topics: &Names,
    subs: &Names,
) -> Result<Put, FrameError> {
    let group = codec::all(&row.data, |from| lasting::group(from, subs))?;
    let Some(topic) = topics.place(&row.of) else { return Ok(Put::Stray) };
    let key = id.strip_prefix(&*row.of).and_then(|rest| rest.strip_prefix(PART));
    let key = key.ok_or(FrameError::Unknown)?;
    if router.groups.len() >= NOTIFY_GROUPS_MAX {
        return Err(FrameError::Limit);
    }
    router.groups.restore((topic as u8, key.to_owned()), group);
    Ok(Put::Back)
}

/// Puts back what lasts, and into its groups.
fn put_firing(router: &mut Router, key: String, mut firing: Firing) {
    firing.inhibits = router.inhibits(&firing.publication);
    firing.groups.retain(|group| router.groups.get(group).is_some());
    for group in &firing.groups {
        router.groups.restore_member(group, &key);
    }
    router.restore_firing(key, firing);
}

/// How long groups rest, another configuration may say otherwise.
fn rest_anew(router: &mut Router) {
    let resting = router.groups.shelf.iter().filter(|(_, group)| group.rests());
    let until =
        resting.map(|(key, it)| (key.clone(), router.rest_until(usize::from(key.0), it, it.told)));
    for (key, due) in until.collect::<Vec<_>>() {
        router.groups.restore_due(&key, due);
    }
}

fn put_silence(router: &mut Router, id: &str, row: &NotifyContent) -> Result<Put, FrameError> {
    let number: u32 = id.parse().map_err(|_| FrameError::Unknown)?;
    let silence = codec::all(&row.data, lasting::silence)?;
    if router.silences.len() >= SILENCES_MAX {
        return Err(FrameError::Limit);
    }
    router.silences.restore(number, silence);
    Ok(Put::Back)
}
