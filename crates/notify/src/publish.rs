//! From a publication to the groups of the topics that take it in.

use monban_model::limits::{GROUP_KEY_MAX, LABEL_VALUE_MAX, PUBLICATION_KEY_MAX};
use monban_model::{Publication, Standing, Theme, Topic};

use crate::bunch::Item;
use crate::firing::bunch_of;
use crate::group::{Group, GroupKey};
use crate::input::Telling;
use crate::mute;
use crate::quiet::{all_hold, label_of};
use crate::router::Router;
use crate::subscriber::For;

/// Parts the values in the key of a group; none of them holds it.
const PART: char = '\u{1f}';

impl Router {
    pub(crate) fn publish(&mut self, mut publication: Publication, telling: Telling) {
        self.own.counters.published += 1;
        self.own.counters.cut += cut(&mut publication);
        match (telling, publication.standing) {
            (_, Standing::Firing) => self.fire(publication),
            (_, Standing::Resolved) => self.resolve(&publication),
            (Telling::Not, Standing::Once) => self.own.counters.untold += 1,
            (_, Standing::Once) if self.is_quiet(&publication) => {}
            (Telling::Digest, Standing::Once) => {
                for topic in self.topics_for(&publication) {
                    self.put_off(topic, &publication);
                }
            }
            (Telling::Now, Standing::Once) => {
                self.route(&publication, true);
            }
        }
    }

    /// The topics that take something in; it is counted if there is none.
    fn topics_for(&mut self, publication: &Publication) -> Vec<usize> {
        let takes_in = |topic: &Topic| {
            let theme = publication.theme;
            (topic.themes.contains(&theme) || topic.daily.contains(&theme))
                && publication.severity >= topic.severity
                && all_hold(&topic.matchers, publication)
        };
        let found = (0..self.topics.len()).filter(|at| takes_in(&self.topics[*at]));
        let found: Vec<usize> = found.collect();
        self.own.counters.unrouted += u64::from(found.is_empty());
        found
    }

    /// Puts it into the groups of its topics, which are given back for what lasts. Unless it is to
    /// be told, it only belongs to them.
    pub(crate) fn route(&mut self, publication: &Publication, is_told: bool) -> Vec<GroupKey> {
        let mut joined = Vec::new();
        for topic in self.topics_for(publication) {
            if !self.topics[topic].themes.contains(&publication.theme) {
                if is_told {
                    self.put_off(topic, publication);
                }
                continue;
            }
            let key = self.join_group(topic, publication, is_told);
            joined.push(key);
        }
        joined
    }

    fn join_group(&mut self, at: usize, publication: &Publication, is_told: bool) -> GroupKey {
        let (now, touched) = (self.at.now, self.next_touch());
        let topic = &self.topics[at];
        let times = (topic.group_wait_s, topic.group_interval_s);
        // Each login is a message, unless the topic says what belongs together.
        let is_gathered = !topic.group_by.is_empty() || topic.group_wait_s > 0;
        let is_single = publication.theme == Theme::Login && !is_gathered;
        let key = (at as u8, group_key(topic, publication));
        if self.groups.get(&key).is_none() {
            let thread = thread_of(topic, publication);
            self.make_room_for_group();
            let mut group = Group::new(thread, publication.theme, publication.time);
            group.touched = touched;
            self.groups.insert(key.clone(), group);
        }
        let lasts = publication.standing == Standing::Firing;
        let item = Item { seq: publication.seq, severity: publication.severity };
        self.groups.change(&key, |group| {
            group.touched = touched;
            if group.members.is_empty() && group.pending.is_empty() {
                group.since = publication.time;
            }
            if lasts {
                group.members.insert(publication.key.clone());
            }
            if is_told {
                let is_single = is_single && group.may_be_single(now, times.1);
                let times = (times.0, if is_single { 0 } else { times.1 });
                group.add(item, publication.theme, now, times);
            }
        });
        key
    }

    /// It is told in the digest of the day.
    fn put_off(&mut self, topic: usize, publication: &Publication) {
        let bunch = bunch_of(publication.seq, publication.severity);
        let at = self.at;
        let due = mute::digest_due(at, 86_400);
        for sub in self.subs_of(topic) {
            let wants = publication.severity >= self.subs[sub].config.severity;
            if wants && self.is_told(sub, 1) {
                self.sub(sub).hold(For::Daily, &bunch, at.now, due);
            }
        }
    }
}

/// What a group has in common. What happened is grouped by its key and address, what lasts by its
/// key alone, unless the topic says otherwise.
fn group_key(topic: &Topic, publication: &Publication) -> String {
    let mut key = String::new();
    let mut add = |value: &str, most: usize| {
        for c in first_bytes(value, most).chars() {
            key.push(if c == PART { ' ' } else { c });
        }
        key.push(PART);
    };
    if !topic.group_by.is_empty() {
        let most = GROUP_KEY_MAX / topic.group_by.len() - 1;
        topic.group_by.iter().for_each(|label| add(label_of(publication, label), most));
    } else if publication.standing == Standing::Once {
        add(&publication.key, PUBLICATION_KEY_MAX);
        add(label_of(publication, "address"), GROUP_KEY_MAX - PUBLICATION_KEY_MAX - 4);
        add("", 0);
    } else {
        add(&publication.key, PUBLICATION_KEY_MAX);
    }
    key
}

/// What its messages have in common: the key, or the topic with the values it groups by.
fn thread_of(topic: &Topic, publication: &Publication) -> String {
    if topic.group_by.is_empty() {
        return publication.key.clone();
    }
    let values: Vec<&str> =
        topic.group_by.iter().map(|label| label_of(publication, label)).collect();
    first_bytes(&format!("{}:{}", topic.name, values.join(",")), PUBLICATION_KEY_MAX).to_owned()
}

/// Cuts what is longer than it may be; how much was cut.
fn cut(publication: &mut Publication) -> u64 {
    let mut count = 0;
    let mut shorten = |text: &mut String, most: usize| {
        if text.len() > most {
            *text = first_bytes(text, most).to_owned();
            count += 1;
        }
    };
    shorten(&mut publication.key, PUBLICATION_KEY_MAX);
    for (_, value) in &mut publication.labels {
        shorten(value, LABEL_VALUE_MAX);
    }
    count
}

/// The beginning of a text, on a character's edge.
pub(crate) fn first_bytes(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
