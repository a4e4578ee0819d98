//! The columns of groups, of what lasts, and of silences.

use monban_model::limits::{
    FIRING_LABELS_BYTES_MAX, LABEL_VALUE_MAX, MATCHER_VALUE_BYTES_MAX, MATCHER_VALUES_MAX,
    MATCHERS_MAX, NOTIFY_ROW_BYTES_MAX, PUBLICATION_KEY_MAX, SILENCE_COMMENT_MAX, TOPIC_NAME_MAX,
};
use monban_model::wire::{FrameError, Reader, Wire, Writer};
use monban_model::{Matcher, Publication, Seq, Silence, Stamp, Standing, Theme};

use super::Names;
use super::codec::{
    Read, mask, maybe, one_of, place_in, put_maybe, put_names, put_stamp, severity, stamp,
};
use crate::bunch::Bunch;
use crate::firing::{FIRING_GROUPS_MAX, Firing};
use crate::group::Group;

pub(super) fn put_group(out: &mut Writer, it: &Group, subs: &Names) {
    it.pending.put(out);
    it.resolved.put(out);
    put_names(out, &subs.of_mask(it.resolved_to));
    it.again.put(out);
    put_maybe(out, it.told);
    out.byte(it.told_severity as u8);
    put_stamp(out, it.due);
    it.touched.put(out);
    put_stamp(out, it.since);
    out.text(&it.thread, PUBLICATION_KEY_MAX);
    out.byte(place_in(Theme::ALL, &it.theme));
    if it.ahead.is_some() {
        put_maybe(out, it.ahead);
    }
}

/// A group without its members, who know their groups.
pub(super) fn group(from: &mut Reader<'_>, subs: &Names) -> Read<Group> {
    let (pending, resolved) = (Bunch::take(from)?, Bunch::take(from)?);
    let mut it = Group::new(String::new(), Theme::Notice, Stamp::default());
    (it.pending, it.resolved) = (pending, resolved);
    it.resolved_to = mask(from, subs)?;
    it.again = Bunch::take(from)?;
    it.told = maybe(from)?;
    it.told_severity = severity(from)?;
    it.due = stamp(from)?;
    it.touched = u64::take(from)?;
    it.since = stamp(from)?;
    it.thread = from.text(PUBLICATION_KEY_MAX)?;
    it.theme = one_of(from, Theme::ALL)?;
    // One of an earlier version ends here.
    it.ahead = if from.is_empty() { None } else { maybe(from)? };
    Ok(it)
}

/// What lasts, with the names of the topics of its groups.
pub(super) fn put_firing(out: &mut Writer, it: &Firing, topics: &Names, subs: &Names) {
    let publication = &it.publication;
    publication.seq.0.put(out);
    put_stamp(out, publication.time);
    out.byte(place_in(Theme::ALL, &publication.theme));
    out.byte(publication.severity as u8);
    publication.repeats.put(out);
    (publication.labels.len() as u16).put(out);
    for (name, value) in &publication.labels {
        out.text(name, FIRING_LABELS_BYTES_MAX);
        out.text(value, LABEL_VALUE_MAX);
    }
    put_stamp(out, it.since);
    put_names(out, &subs.of_mask(it.told));
    it.acknowledged.put(out);
    it.waiting.put(out);
    it.touched.put(out);
    out.byte(it.groups.len() as u8);
    for (topic, key) in &it.groups {
        out.text(topics.get(usize::from(*topic)), TOPIC_NAME_MAX);
        out.text(key, NOTIFY_ROW_BYTES_MAX);
    }
}

pub(super) fn firing(
    from: &mut Reader<'_>,
    key: &str,
    topics: &Names,
    subs: &Names,
) -> Read<Firing> {
    let seq = Seq(u64::take(from)?);
    let time = stamp(from)?;
    let theme = one_of(from, Theme::ALL)?;
    let severity = severity(from)?;
    let repeats = bool::take(from)?;
    let count = usize::from(u16::take(from)?);
    if count > FIRING_LABELS_BYTES_MAX {
        return Err(FrameError::Limit);
    }
    let mut labels = Vec::new();
    for _ in 0..count {
        labels.push((from.text(FIRING_LABELS_BYTES_MAX)?, from.text(LABEL_VALUE_MAX)?));
    }
    let (key, standing) = (key.to_owned(), Standing::Firing);
    let publication = Publication { seq, time, theme, severity, standing, repeats, key, labels };
    let since = stamp(from)?;
    let told = mask(from, subs)?;
    let (acknowledged, waiting) = (bool::take(from)?, bool::take(from)?);
    let touched = u64::take(from)?;
    let count = usize::from(from.byte()?);
    if count > FIRING_GROUPS_MAX {
        return Err(FrameError::Limit);
    }
    let mut groups = Vec::new();
    for _ in 0..count {
        let topic = from.text(TOPIC_NAME_MAX)?;
        let key = from.text(NOTIFY_ROW_BYTES_MAX)?;
        groups.extend(topics.place(&topic).map(|at| (at as u8, key)));
    }
    let inhibits = 0;
    Ok(Firing { publication, since, told, acknowledged, waiting, groups, touched, inhibits })
}

pub(super) fn put_silence(out: &mut Writer, it: &Silence) {
    out.byte(it.matchers.len() as u8);
    for matcher in &it.matchers {
        out.text(&matcher.label, MATCHER_VALUE_BYTES_MAX);
        out.byte(matcher.values.len() as u8);
        matcher.values.iter().for_each(|value| out.text(value, MATCHER_VALUE_BYTES_MAX));
        matcher.negated.put(out);
    }
    put_stamp(out, it.from);
    put_maybe(out, it.until);
    out.text(&it.comment, SILENCE_COMMENT_MAX);
}

pub(super) fn silence(from: &mut Reader<'_>) -> Read<Silence> {
    let count = usize::from(from.byte()?);
    if count > MATCHERS_MAX {
        return Err(FrameError::Limit);
    }
    let mut matchers = Vec::new();
    for _ in 0..count {
        let label = from.text(MATCHER_VALUE_BYTES_MAX)?;
        let values = usize::from(from.byte()?);
        if values > MATCHER_VALUES_MAX {
            return Err(FrameError::Limit);
        }
        let values: Read<Vec<String>> =
            (0..values).map(|_| from.text(MATCHER_VALUE_BYTES_MAX)).collect();
        matchers.push(Matcher { label, values: values?, negated: bool::take(from)? });
    }
    let (begin, until) = (stamp(from)?, maybe(from)?);
    Ok(Silence { matchers, from: begin, until, comment: from.text(SILENCE_COMMENT_MAX)? })
}
