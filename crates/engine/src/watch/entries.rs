//! One login, two witnesses: the log's line and the hook in PAM. Whichever comes first, it is told
//! once.
//!
//! A line is told at once; the hook's word that follows confirms it. What the hook alone told waits
//! for its line for a moment, since that says how somebody came in; then it is told without.
//!
//! Where both are at work, one that stays alone is news of its own: the hook is not called any
//! more, a line was forged, or lines are kept from being written.

use std::collections::VecDeque;

use monban_model::limits::ENTRIES_MAX;
use monban_model::{Address, Evidence, Stamp};

use crate::observation::Hooked;

/// So long the hook's word waits for the line.
const LINE_WAIT_MS: i64 = 2_000;

/// So long a line may wait for the hook's word, and the hook's for a line before it is said that
/// there is none.
const OTHER_WAIT_MS: i64 = 30_000;

/// What the log told, and the hook has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When it happened, by the line.
    pub(crate) time: Stamp,
    pub(crate) service: String,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) address: Option<Address>,
    /// The line itself, if it is to be told that the hook did not confirm it.
    pub(crate) evidence: Option<Evidence>,
}

/// Of which services the hook tells, and since when that is known.
#[derive(Debug, Default)]
struct Hooks {
    services: Vec<String>,
    since: Stamp,
}

/// Logins that one witness told of.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Since when they wait.
    lines: VecDeque<(Stamp, Line)>,
    hooked: VecDeque<(Stamp, Hooked)>,
    /// Hooks that came without room to wait.
    crowded: Vec<Hooked>,
    /// What was told by the hook's word alone, and may yet have its line.
    told: VecDeque<(Stamp, Hooked)>,
    hooks: Hooks,
}

impl Entries {
    /// The hook tells of these services from now on.
    pub(crate) fn expect_hooks(&mut self, now: Stamp, services: &[String]) {
        let mut services: Vec<String> =
            services.iter().map(|service| family(service).to_owned()).collect();
        services.sort();
        services.dedup();
        if services != self.hooks.services {
            self.hooks = Hooks { services, since: now };
        }
    }

    /// Whether the hook is to tell of what happened in this service then. What happened before it
    /// was known that it is there may have been told to somebody else.
    pub(crate) fn expects_hook(&self, service: &str, time: Stamp) -> bool {
        let service = family(service);
        time >= self.hooks.since && self.hooks.services.iter().any(|hooked| hooked == service)
    }

    /// A line told of a login: what the hook said of it before, if it did.
    pub(crate) fn line(&mut self, now: Stamp, line: Line) -> Option<Hooked> {
        let line = Line { service: family(&line.service).to_owned(), ..line };
        let same = |(_, hooked): &(Stamp, Hooked)| line.is_of(hooked);
        if let Some(at) = self.hooked.iter().position(same) {
            return self.hooked.remove(at).map(|(_, hooked)| hooked);
        }
        if let Some(at) = self.told.iter().position(same) {
            // It is late; what the hook told is told.
            self.told.remove(at);
            return None;
        }
        if self.lines.len() >= ENTRIES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back((now, line));
        None
    }

    /// The hook told of a login: whether a line did before.
    pub(crate) fn hooked(&mut self, now: Stamp, hooked: Hooked) -> bool {
        if self.confirm(now, &hooked) {
            return true;
        }
        if self.hooked.len() >= ENTRIES_MAX {
            self.crowded.extend(self.hooked.pop_front().map(|(_, hooked)| hooked));
        }
        self.hooked.push_back((now, hooked));
        false
    }

    /// The hook told of what only a line can tell of in full: it confirms one, or is forgotten.
    pub(crate) fn confirm(&mut self, now: Stamp, hooked: &Hooked) -> bool {
        let same = |(since, line): &(Stamp, Line)| {
            !is_over(*since, now, OTHER_WAIT_MS) && line.is_of(hooked)
        };
        let found = self.lines.iter().position(same);
        found.is_some_and(|at| self.lines.remove(at).is_some())
    }

    /// What the hook alone told, and no line followed.
    pub(crate) fn alone(&mut self, now: Stamp) -> Vec<Hooked> {
        let mut alone = std::mem::take(&mut self.crowded);
        while let Some((since, hooked)) =
            self.hooked.pop_front_if(|(since, _)| is_over(*since, now, LINE_WAIT_MS))
        {
            if self.told.len() < ENTRIES_MAX && self.expects_hook(&hooked.service, hooked.time) {
                self.told.push_back((since, hooked.clone()));
            }
            alone.push(hooked);
        }
        alone
    }

    /// Lines that the hook did not confirm, where it is to.
    pub(crate) fn unconfirmed(&mut self, now: Stamp) -> Vec<Line> {
        let mut found = Vec::new();
        while let Some((_, line)) =
            self.lines.pop_front_if(|(since, _)| is_over(*since, now, OTHER_WAIT_MS))
        {
            if line.evidence.is_some() {
                found.push(line);
            }
        }
        found
    }

    /// What the hook told, and no line has followed in all this time.
    pub(crate) fn unlogged(&mut self, now: Stamp) -> Vec<Hooked> {
        let mut found = Vec::new();
        while let Some((_, hooked)) =
            self.told.pop_front_if(|(since, _)| is_over(*since, now, OTHER_WAIT_MS))
        {
            found.push(hooked);
        }
        found
    }

    /// When there is something to be told.
    pub(crate) fn wake_at(&self) -> Option<Stamp> {
        let line = self.lines.iter().find(|(_, line)| line.evidence.is_some());
        let waits = [
            self.hooked.front().map(|(since, _)| since.plus_ms(LINE_WAIT_MS)),
            line.map(|(since, _)| since.plus_ms(OTHER_WAIT_MS)),
            self.told.front().map(|(since, _)| since.plus_ms(OTHER_WAIT_MS)),
        ];
        waits.into_iter().flatten().min()
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        let shift = |since: &mut Stamp| *since = since.plus_ms(ms);
        self.lines.iter_mut().for_each(|(since, _)| shift(since));
        self.hooked.iter_mut().chain(&mut self.told).for_each(|(since, _)| shift(since));
        shift(&mut self.hooks.since);
    }
}

impl Line {
    /// Whether both tell of the same login.
    fn is_of(&self, hooked: &Hooked) -> bool {
        self.service == family(&hooked.service)
            && self.user.as_ref().is_none_or(|user| *user == hooked.user)
            && agree(self.address, hooked.address)
    }
}

fn is_over(since: Stamp, now: Stamp, wait_ms: i64) -> bool {
    now.0.saturating_sub(since.0) >= wait_ms
}

/// `su -` and `sudo -i` have services of their own in PAM.
pub(crate) fn family(service: &str) -> &str {
    match service {
        "su-l" => "su",
        "sudo-i" => "sudo",
        other => other,
    }
}

/// Where one of them does not know the address (a console; a name in place of it), they agree.
fn agree(one: Option<Address>, other: Option<Address>) -> bool {
    one.is_none() || other.is_none() || one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooked(user: &str, address: &str) -> Hooked {
        Hooked {
            time: Stamp(0),
            service: "sshd".to_owned(),
            user: user.as_bytes().to_vec(),
            by: None,
            address: address.parse().ok(),
            terminal: None,
            origin: Default::default(),
            method: None,
            key: None,
        }
    }

    fn line(entries: &mut Entries, at: i64, user: &str, address: &str) -> bool {
        let time = Stamp(at);
        let evidence = entries.expects_hook("sshd", time).then(|| Evidence {
            rule: "sshd/accepted".into(),
            time,
            line: b"a line".to_vec(),
            weight: 1,
        });
        let line = Line {
            time,
            service: "sshd".to_owned(),
            user: Some(user.as_bytes().to_vec()),
            address: address.parse().ok(),
            evidence,
        };
        entries.line(time, line).is_some()
    }

    #[test]
    fn whichever_comes_first_the_other_is_not_told_again() {
        let mut entries = Entries::default();
        assert!(!line(&mut entries, 0, "alice", "192.0.2.1"));
        assert!(entries.hooked(Stamp(300), hooked("alice", "192.0.2.1")));
        assert!(!entries.hooked(Stamp(400), hooked("alice", "192.0.2.1")), "it confirms one");
        assert!(line(&mut entries, 700, "alice", "192.0.2.1"));
        assert_eq!(entries.alone(Stamp(100_000)), []);
    }

    #[test]
    fn another_account_or_address_is_another_login() {
        let mut entries = Entries::default();
        assert!(!line(&mut entries, 0, "alice", "192.0.2.1"));
        assert!(!entries.hooked(Stamp(1), hooked("bob", "192.0.2.1")));
        assert!(!entries.hooked(Stamp(2), hooked("alice", "192.0.2.2")));
        assert!(entries.hooked(Stamp(3), hooked("alice", "a name")));
        assert_eq!(entries.wake_at(), Some(Stamp(1 + LINE_WAIT_MS)));
        assert_eq!(entries.alone(Stamp(1 + LINE_WAIT_MS)), [hooked("bob", "192.0.2.1")]);
        assert_eq!(entries.alone(Stamp(2 + LINE_WAIT_MS)).len(), 1);
    }

    #[test]
    fn a_line_is_confirmed_for_a_while_only() {
        let mut entries = Entries::default();
        assert!(!line(&mut entries, 0, "alice", "192.0.2.1"));
        assert!(!entries.hooked(Stamp(OTHER_WAIT_MS), hooked("alice", "192.0.2.1")));
    }

    #[test]
    fn where_both_are_at_work_one_that_stays_alone_is_news() {
        let mut entries = Entries::default();
        assert!(!line(&mut entries, 0, "early", "192.0.2.1"));
        entries.expect_hooks(Stamp(1), &["sshd".to_owned(), "su-l".to_owned()]);
        assert!(!line(&mut entries, 10, "alice", "192.0.2.1"));
        assert!(!line(&mut entries, 20, "bob", "192.0.2.1"));
        assert!(entries.hooked(Stamp(30), hooked("bob", "192.0.2.1")));
        assert!(!entries.hooked(Stamp(40), Hooked { time: Stamp(40), ..hooked("carol", "x") }));
        assert!(!entries.hooked(Stamp(50), Hooked { time: Stamp(50), ..hooked("dave", "x") }));
        assert_eq!(entries.alone(Stamp(5_000)).len(), 2);
        assert!(!line(&mut entries, 6_000, "dave", "192.0.2.1"), "late, and yet there");
        assert_eq!(entries.wake_at(), Some(Stamp(10 + OTHER_WAIT_MS)));
        let users = |found: Vec<Option<Vec<u8>>>| -> Vec<String> {
            found.into_iter().flatten().map(|it| String::from_utf8(it).unwrap()).collect()
        };
        let at = Stamp(100 + OTHER_WAIT_MS);
        let lines = entries.unconfirmed(at).into_iter().map(|line| line.user).collect();
        assert_eq!(users(lines), ["alice"]);
        let hooks = entries.unlogged(at).into_iter().map(|hooked| Some(hooked.user)).collect();
        assert_eq!(users(hooks), ["carol"]);
        assert_eq!(entries.wake_at(), None);
        assert!(!entries.expects_hook("dropbear", at) && entries.expects_hook("su", at));
    }

    #[test]
    fn any_number_of_logins_takes_bounded_memory_and_none_is_lost() {
        let mut entries = Entries::default();
        for number in 0..3 * ENTRIES_MAX {
            entries.hooked(Stamp(0), hooked(&format!("a{number}"), "192.0.2.1"));
            line(&mut entries, 0, &format!("b{number}"), "192.0.2.1");
        }
        assert_eq!(entries.lines.len(), ENTRIES_MAX);
        assert_eq!(entries.alone(Stamp(0)).len(), 2 * ENTRIES_MAX);
        assert_eq!(entries.alone(Stamp(LINE_WAIT_MS)).len(), ENTRIES_MAX);
    }
}
