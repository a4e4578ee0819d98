//! The columns of rows: written and read in one order.

use monban_model::limits::{
    AWAITING_MAX, CODES_MAX, DELIVERY_ITEMS_MAX, DELIVERY_WHY_MAX, NOTIFY_ROW_BYTES_MAX,
    PUBLICATION_KEY_MAX, SUBSCRIPTIONS_MAX, TOPIC_NAME_MAX,
};
use monban_model::wire::{FrameError, Reader, Wire, Writer};
use monban_model::{CodeHash, ReportId, ReportKind, Seq, Severity, Stamp, Standing, Theme};

use super::{FORM, Names};
use crate::bunch::{Bunch, Item};
use crate::effect::{Reason, Service};
use crate::input::Purpose;
use crate::queue::Delivery;
use crate::router::Own;
use crate::status::{Counters, Figures, State};
use crate::subscriber::{Awaiting, Code, For, Held, RateWindow, Subscriber};

pub(super) type Read<T> = Result<T, FrameError>;

/// A row, all of it.
pub(super) fn all<T>(
    data: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, FrameError>,
) -> Result<T, FrameError> {
    if data.len() > NOTIFY_ROW_BYTES_MAX {
        return Err(FrameError::Limit);
    }
    let mut from = Reader::over(data);
    if from.byte()? != FORM {
        return Err(FrameError::Unknown);
    }
    let found = read(&mut from)?;
    if from.is_empty() { Ok(found) } else { Err(FrameError::Long) }
}

pub(super) fn put_stamp(out: &mut Writer, stamp: Stamp) {
    stamp.0.put(out);
}

pub(super) fn stamp(from: &mut Reader<'_>) -> Read<Stamp> {
    i64::take(from).map(Stamp)
}

pub(super) fn put_maybe(out: &mut Writer, stamp: Option<Stamp>) {
    stamp.map(|stamp| stamp.0).put(out);
}

pub(super) fn maybe(from: &mut Reader<'_>) -> Read<Option<Stamp>> {
    Ok(<Option<i64> as Wire>::take(from)?.map(Stamp))
}

/// One of a closed list, by its place in it.
pub(super) fn one_of<T: Copy, const N: usize>(from: &mut Reader<'_>, all: [T; N]) -> Read<T> {
    all.get(usize::from(from.byte()?)).copied().ok_or(FrameError::Unknown)
}

pub(super) fn place_in<T: PartialEq, const N: usize>(all: [T; N], one: &T) -> u8 {
    all.iter().position(|it| it == one).unwrap_or(0) as u8
}

pub(super) fn severity(from: &mut Reader<'_>) -> Read<Severity> {
    one_of(from, Severity::ALL)
}

pub(super) fn put_names(out: &mut Writer, names: &[&str]) {
    out.byte(names.len() as u8);
    names.iter().for_each(|name| out.text(name, TOPIC_NAME_MAX));
}

/// A bit for each of these names that is still there.
pub(super) fn mask(from: &mut Reader<'_>, subs: &Names) -> Read<u64> {
    let count = usize::from(from.byte()?);
    if count > SUBSCRIPTIONS_MAX {
        return Err(FrameError::Limit);
    }
    let mut mask = 0;
    for _ in 0..count {
        let name = from.text(TOPIC_NAME_MAX)?;
        mask |= subs.place(&name).map_or(0, |at| 1 << at);
    }
    Ok(mask)
}

impl Wire for Item {
    fn put(&self, out: &mut Writer) {
        self.seq.0.put(out);
        out.byte(self.severity as u8);
    }
    fn take(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { seq: Seq(u64::take(from)?), severity: severity(from)? })
    }
}

impl Wire for Bunch {
    fn put(&self, out: &mut Writer) {
        let named: Vec<Item> = self.named().collect();
        out.list(&named);
        self.counts().iter().for_each(|count| count.put(out));
    }
    fn take(from: &mut Reader<'_>) -> Read<Self> {
        let named: Vec<Item> = from.list(DELIVERY_ITEMS_MAX)?;
        let mut counts = [0; Severity::ALL.len()];
        for count in &mut counts {
            *count = u64::take(from)?;
        }
        Ok(Self::from_parts(&named, counts))
    }
}

impl Wire for Held {
    fn put(&self, out: &mut Writer) {
        put_stamp(out, self.since);
        put_stamp(out, self.due);
        self.bunch.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { since: stamp(from)?, due: stamp(from)?, bunch: Bunch::take(from)? })
    }
}

impl Wire for Code {
    fn put(&self, out: &mut Writer) {
        out.bytes(&self.hash.0, 32);
        (self.purpose == Purpose::Leave).put(out);
        put_maybe(out, self.until);
    }
    fn take(from: &mut Reader<'_>) -> Read<Self> {
        let hash = from.byte_list(32)?.try_into().map_err(|_| FrameError::Short)?;
        let purpose = if bool::take(from)? { Purpose::Leave } else { Purpose::Confirm };
        Ok(Self { hash: CodeHash(hash), purpose, until: maybe(from)? })
    }
}

impl Wire for Awaiting {
    fn put(&self, out: &mut Writer) {
        out.text(&self.thread, PUBLICATION_KEY_MAX);
        Item { seq: self.seq, severity: self.severity }.put(out);
        out.byte(place_in(Theme::ALL, &self.theme));
        put_stamp(out, self.since);
        put_stamp(out, self.due);
        out.byte(self.depth);
    }
    fn take(from: &mut Reader<'_>) -> Read<Self> {
        let thread = from.text(PUBLICATION_KEY_MAX)?;
        let Item { seq, severity } = Item::take(from)?;
        let theme = one_of(from, Theme::ALL)?;
        let (since, due) = (stamp(from)?, stamp(from)?);
        Ok(Self { thread, seq, severity, theme, since, due, depth: from.byte()? })
    }
}

fn figures(it: &Figures) -> [u64; 8] {
    [
        it.delivered,
        it.unconfirmed,
        it.held_back,
        it.overflowed,
        it.given_up,
        it.failed,
        it.escalated,
        it.unescalated,
    ]
}

fn counters(it: &Counters) -> [u64; 12] {
    [
        it.published,
        it.unrouted,
        it.untold,
        it.silenced,
        it.inhibited,
        it.unknown_ends,
        it.groups_evicted,
        it.firing_evicted,
        it.stale_outcomes,
        it.duplicates,
        it.cut,
        it.unreadable_rows,
    ]
}

fn numbers<const N: usize>(from: &mut Reader<'_>) -> Read<[u64; N]> {
    let mut found = [0; N];
    for number in &mut found {
        *number = u64::take(from)?;
    }
    Ok(found)
}

pub(super) fn put_own(out: &mut Writer, own: &Own) {
    counters(&own.counters).iter().for_each(|count| count.put(out));
    put_stamp(out, own.latest);
    own.touches.put(out);
    own.orders.put(out);
    own.silences.put(out);
    own.guesses.put(out);
    put_stamp(out, own.guesses_since);
    own.reports.iter().for_each(|due| put_maybe(out, *due));
}

pub(super) fn own(from: &mut Reader<'_>) -> Read<Own> {
    let [
        published,
        unrouted,
        untold,
        silenced,
        inhibited,
        unknown_ends,
        groups_evicted,
        firing_evicted,
        stale_outcomes,
        duplicates,
        cut,
        unreadable_rows,
    ] = numbers(from)?;
    let counters = Counters {
        published,
        unrouted,
        untold,
        silenced,
        inhibited,
        unknown_ends,
        groups_evicted,
        firing_evicted,
        stale_outcomes,
        duplicates,
        cut,
        unreadable_rows,
    };
    Ok(Own {
        counters,
        latest: stamp(from)?,
        touches: u64::take(from)?,
        orders: u64::take(from)?,
        silences: u32::take(from)?,
        guesses: u32::take(from)?,
        guesses_since: stamp(from)?,
        reports: reports(from)?,
    })
}

fn reports(from: &mut Reader<'_>) -> Read<[Option<Stamp>; ReportKind::ALL.len()]> {
    let mut found = [None; ReportKind::ALL.len()];
    for due in &mut found {
        *due = maybe(from)?;
    }
    Ok(found)
}

pub(super) fn put_sub(out: &mut Writer, sub: &Subscriber) {
    out.byte(place_in(State::ALL, &sub.state));
    put_stamp(out, sub.since);
    sub.readers.put(out);
    sub.wants_code.put(out);
    put_maybe(out, sub.code_sent);
    out.list(&sub.codes);
    sub.held.iter().for_each(|held| put_held(out, held.as_ref()));
    put_maybe(out, sub.rate.start);
    sub.rate.used.put(out);
    sub.rate.reserve.put(out);
    put_maybe(out, sub.mute_until);
    put_maybe(out, sub.failing.as_ref().map(|(since, _)| *since));
    out.text(sub.failing.as_ref().map_or("", |(_, why)| why), DELIVERY_WHY_MAX);
    sub.streak.put(out);
    out.list(&sub.awaiting);
    figures(&sub.figures).iter().for_each(|count| count.put(out));
    if sub.failed_at.is_some() {
        put_maybe(out, sub.failed_at);
    }
}

fn put_held(out: &mut Writer, held: Option<&Held>) {
    held.is_some().put(out);
    if let Some(held) = held {
        held.put(out);
    }
}

/// Reads what [`put_sub`] wrote into a subscription of the same name.
pub(super) fn take_sub(from: &mut Reader<'_>, sub: &mut Subscriber) -> Read<()> {
    sub.state = one_of(from, State::ALL)?;
    sub.since = stamp(from)?;
    sub.readers = u64::take(from)?;
    sub.wants_code = bool::take(from)?;
    sub.code_sent = maybe(from)?;
    sub.codes = from.list(2 * CODES_MAX)?;
    for why in For::ALL {
        sub.held[why as usize] = Wire::take(from)?;
    }
    let start = maybe(from)?;
    sub.rate = RateWindow { start, used: u32::take(from)?, reserve: u32::take(from)? };
    sub.mute_until = maybe(from)?;
    let failing = maybe(from)?;
    let why = from.text(DELIVERY_WHY_MAX)?;
    sub.failing = failing.map(|since| (since, why));
    sub.streak = u32::take(from)?;
    sub.awaiting = from.list(AWAITING_MAX)?;
    let [delivered, unconfirmed, held_back, overflowed, given_up, failed, escalated, unescalated] =
        numbers(from)?;
    sub.figures = Figures {
        delivered,
        unconfirmed,
        held_back,
        overflowed,
        given_up,
        failed,
        escalated,
        unescalated,
    };
    // One of an earlier version ends here.
    sub.failed_at = if from.is_empty() { None } else { maybe(from)? };
    Ok(())
}

impl Wire for Service {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Confirm => out.byte(0),
            Self::Test => out.byte(1),
            Self::Left(name) => {
                out.byte(2);
                out.text(name, TOPIC_NAME_MAX);
            }
            Self::Failing { subscription, why } => {
                out.byte(3);
                out.text(subscription, TOPIC_NAME_MAX);
                out.text(why, DELIVERY_WHY_MAX);
            }
            Self::Dark(topic) => {
                out.byte(4);
                out.text(topic, TOPIC_NAME_MAX);
            }
            Self::Report(report) => {
                out.byte(5);
                out.byte(place_in(ReportKind::ALL, &report.kind));
                put_stamp(out, report.due);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Read<Self> {
        Ok(match from.byte()? {
            0 => Self::Confirm,
            1 => Self::Test,
            2 => Self::Left(from.text(TOPIC_NAME_MAX)?),
            3 => {
                let subscription = from.text(TOPIC_NAME_MAX)?;
                Self::Failing { subscription, why: from.text(DELIVERY_WHY_MAX)? }
            }
            4 => Self::Dark(from.text(TOPIC_NAME_MAX)?),
            5 => {
                let kind = one_of(from, ReportKind::ALL)?;
                Self::Report(ReportId { kind, due: stamp(from)? })
            }
            _ => return Err(FrameError::Unknown),
        })
    }
}

pub(super) fn put_delivery(out: &mut Writer, it: &Delivery) {
    out.text(&it.id, TOPIC_NAME_MAX);
    out.byte(it.items.len() as u8);
    it.items.iter().for_each(|seq| seq.0.put(out));
    it.more.put(out);
    out.byte(place_in(Reason::ALL, &it.reason));
    out.text(&it.thread, PUBLICATION_KEY_MAX);
    out.byte(it.severity as u8);
    out.byte(place_in(Standing::ALL, &it.standing));
    out.byte(place_in(Theme::ALL, &it.theme));
    put_stamp(out, it.made);
    put_stamp(out, it.since);
    it.service.is_some().put(out);
    if let Some(service) = &it.service {
        service.put(out);
    }
    it.attempt.put(out);
    put_stamp(out, it.next);
    put_maybe(out, it.underway);
    it.passed_on.put(out);
}

pub(super) fn delivery(from: &mut Reader<'_>) -> Read<Delivery> {
    let id = from.text(TOPIC_NAME_MAX)?;
    let count = usize::from(from.byte()?);
    if count > DELIVERY_ITEMS_MAX {
        return Err(FrameError::Limit);
    }
    let items: Read<Vec<Seq>> = (0..count).map(|_| u64::take(from).map(Seq)).collect();
    let mut it = Delivery {
        id,
        items: items?,
        more: u64::take(from)?,
        reason: one_of(from, Reason::ALL)?,
        thread: from.text(PUBLICATION_KEY_MAX)?,
        severity: severity(from)?,
        standing: one_of(from, Standing::ALL)?,
        theme: one_of(from, Theme::ALL)?,
        made: stamp(from)?,
        since: stamp(from)?,
        service: Wire::take(from)?,
        attempt: u32::take(from)?,
        next: stamp(from)?,
        underway: maybe(from)?,
        again: false,
        passed_on: bool::take(from)?,
    };
    it.again = it.underway.is_some();
    Ok(it)
}
