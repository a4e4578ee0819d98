//! What `ignorecommand` said of late, and for which failures one answer is enough.

use std::collections::{BTreeMap, HashMap, VecDeque};

use monban_fail2ban::client::IgnoreCache;
use monban_fail2ban::filter::Id;

use crate::tickets::{Facts, Failure, captures_bytes, id_bytes, lines_bytes};

/// Answers that are kept, whatever `max-count` says.
const CACHE_MAX: usize = 10_000;

/// Tags of a command whose values follow from the address and the jail.
const STEADY: &[&str] = &["ip", "fid", "family", "ip-rev", "ip-host", "jail.name", "bantime"];

/// What failures have in common that one answer of `ignorecommand` is for: all that the command is
/// told. A stranger chooses some of it, such as the name of a user, and must not get the answer
/// that somebody else's name has got.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Likeness {
    /// The key of `ignorecache`: whoever wrote it says what is alike.
    Kept(String),
    /// Values of tags.
    Told {
        id: Id,
        ip: Option<Id>,
        /// Captures, if the command has any.
        captures: BTreeMap<String, String>,
        /// The time and the lines, if the command may have them.
        moment: Option<(i64, Vec<String>)>,
    },
}

impl Likeness {
    /// What it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Kept(key) => key.len(),
            Self::Told { id, ip, captures, moment } => {
                let ids = id_bytes(id) + ip.as_ref().map_or(0, id_bytes);
                let lines = moment.as_ref().map_or(0, |(_, lines)| lines_bytes(lines));
                ids + captures_bytes(captures) + lines
            }
        }
    }

    pub(crate) fn of(command: &str, cache: Option<&Cache>, id: &Id, failure: &Failure) -> Self {
        let facts = &failure.facts;
        if let Some(cache) = cache {
            return Self::Kept(cache.key(id, facts));
        }
        let (mut captures, mut moment) = (BTreeMap::new(), None);
        let mut rest = command;
        while let Some(start) = rest.find('<') {
            let Some(end) = rest[start..].find('>').map(|end| start + end) else { break };
            match &rest[start + 1..end] {
                tag if STEADY.contains(&tag) => {}
                tag if tag.starts_with("F-") => captures.clone_from(&facts.captures),
                _ => moment = Some((failure.time, failure.lines.clone())),
            }
            rest = &rest[end + 1..];
        }
        if moment.is_some() {
            captures.clone_from(&facts.captures);
        }
        Self::Told { id: id.clone(), ip: facts.ip.clone(), captures, moment }
    }
}

/// What was said of late: `ignorecache`.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    key: String,
    max_count: usize,
    max_s: i64,
    said: HashMap<String, (bool, i64)>,
    order: VecDeque<String>,
}

impl Cache {
    pub(crate) fn of(settings: &IgnoreCache) -> Self {
        Self {
            key: settings.key.clone(),
            max_count: usize::try_from(settings.max_count).unwrap_or(0).min(CACHE_MAX),
            max_s: settings.max_time.whole(),
            said: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The key of a failure: tags are replaced, once.
    pub(crate) fn key(&self, id: &Id, facts: &Facts) -> String {
        let mut out = String::new();
        let mut rest = self.key.as_str();
        while let Some(start) = rest.find('<') {
            let Some(end) = rest[start..].find('>').map(|end| start + end) else { break };
            let tag = &rest[start + 1..end];
            out.push_str(&rest[..start]);
            match tag {
                "fid" => out.push_str(&id.to_string()),
                "ip" => out.push_str(&facts.ip.as_ref().unwrap_or(id).to_string()),
                _ => {
                    let name = tag.strip_prefix("F-").unwrap_or(tag).to_lowercase();
                    match facts.captures.get(&name) {
                        Some(value) => out.push_str(value),
                        None => out.push_str(&rest[start..=end]),
                    }
                }
            }
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        out
    }

    pub(crate) fn get(&self, key: &str, now: i64) -> Option<bool> {
        let (yes, at) = self.said.get(key)?;
        (now < at.saturating_add(self.max_s)).then_some(*yes)
    }

    pub(crate) fn put(&mut self, key: String, yes: bool, now: i64) {
        if self.max_count == 0 {
            return;
        }
        if self.said.insert(key.clone(), (yes, now)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > self.max_count {
            if let Some(oldest) = self.order.pop_front() {
                self.said.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_for_their_time_and_number() {
        let text = "key=\"<F-USER>@<ip>\", max-count=2, max-time=1m";
        let mut cache = Cache::of(&IgnoreCache::parse(text).expect("good").expect("there"));
        let captures = [("user".to_owned(), "<ip>".to_owned())].into();
        let facts = Facts { ip: None, captures };
        let key = cache.key(&Id::of_text("192.0.2.1"), &facts);
        assert_eq!(key, "<ip>@192.0.2.1");
        cache.put(key.clone(), true, 100);
        assert_eq!((cache.get(&key, 159), cache.get(&key, 160)), (Some(true), None));
        for number in 0..3 {
            cache.put(number.to_string(), false, 100);
        }
        assert_eq!((cache.get(&key, 100), cache.said.len()), (None, 2));
    }

    #[test]
    fn failures_are_alike_if_the_command_is_told_the_same() {
        let failure = |user: &str, time| {
            let captures = [("user".to_owned(), user.to_owned())].into();
            let facts = Facts { ip: None, captures };
            Failure { time, lines: vec![user.to_owned()], facts, counts: 1 }
        };
        let like = |command: &str, id: &str, user: &str, time| {
            Likeness::of(command, None, &Id::of_text(id), &failure(user, time))
        };
        let (a, b) = ("192.0.2.1", "192.0.2.2");
        // Only who it is.
        assert_eq!(like("x <ip>", a, "root", 1), like("x <ip>", a, "eve", 2));
        assert_ne!(like("x <ip>", a, "root", 1), like("x <ip>", b, "root", 1));
        assert_eq!(like("x <ip> <F-USER>", a, "root", 1), like("x <ip> <F-USER>", a, "root", 2));
        assert_ne!(like("x <F-USER>", a, "root", 1), like("x <F-USER>", a, "eve", 1));
        for odd in ["x <matches>", "x <time>", "x < a | y > b <F-USER>", "x <raw-ticket>"] {
            assert_ne!(like(odd, a, "root", 1), like(odd, a, "root", 2), "{odd}");
            assert_ne!(like(odd, a, "root", 1), like(odd, a, "eve", 1), "{odd}");
        }
        // An end that never comes is none.
        assert_eq!(like("x < <ip", a, "root", 1), like("x < <ip", a, "root", 1));
    }
}
