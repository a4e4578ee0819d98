//! One login, two witnesses: the log's line and the hook in PAM. Whichever comes first, it is told
//! once.
//!
//! A line is told at once; the hook's word that follows confirms it. What the hook alone told waits
//! for its line for a moment, since that says how somebody came in; then it is told without.

use std::collections::VecDeque;

use monban_model::limits::ENTRIES_MAX;
use monban_model::{Address, Stamp};

use crate::observation::Hooked;

/// So long the hook's word waits for the line.
const LINE_WAIT_MS: i64 = 2_000;

/// So long a line may wait for the hook's word.
const HOOK_WAIT_MS: i64 = 15_000;

/// What the log told, and the hook has not confirmed.
#[derive(Debug)]
struct Line {
    time: Stamp,
    service: String,
    user: Option<Vec<u8>>,
    address: Option<Address>,
}

/// Logins that one witness told of.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    lines: VecDeque<Line>,
    hooked: VecDeque<(Stamp, Hooked)>,
    /// Hooks that came without room to wait.
    crowded: Vec<Hooked>,
}

impl Entries {
    /// A line told of a login: what the hook said of it before, if it did.
    pub(crate) fn line(
        &mut self,
        now: Stamp,
        service: &str,
        user: Option<&[u8]>,
        address: Option<Address>,
    ) -> Option<Hooked> {
        let service = family(service);
        let same = |hooked: &Hooked| {
            family(&hooked.service) == service
                && user.is_none_or(|user| user == hooked.user)
                && agree(address, hooked.address)
        };
        if let Some(at) = self.hooked.iter().position(|(_, hooked)| same(hooked)) {
            return self.hooked.remove(at).map(|(_, hooked)| hooked);
        }
        if self.lines.len() >= ENTRIES_MAX {
            self.lines.pop_front();
        }
        let (service, user) = (service.to_owned(), user.map(<[u8]>::to_vec));
        self.lines.push_back(Line { time: now, service, user, address });
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
        while self.lines.front().is_some_and(|line| is_over(line.time, now, HOOK_WAIT_MS)) {
            self.lines.pop_front();
        }
        let service = family(&hooked.service);
        let same = |line: &Line| {
            line.service == service
                && line.user.as_ref().is_none_or(|user| *user == hooked.user)
                && agree(line.address, hooked.address)
        };
        let found = self.lines.iter().position(same);
        found.is_some_and(|at| self.lines.remove(at).is_some())
    }

    /// What the hook alone told, and no line followed.
    pub(crate) fn alone(&mut self, now: Stamp) -> Vec<Hooked> {
        let mut alone = std::mem::take(&mut self.crowded);
        while let Some((_, hooked)) =
            self.hooked.pop_front_if(|(since, _)| is_over(*since, now, LINE_WAIT_MS))
        {
            alone.push(hooked);
        }
        alone
    }

    /// When there is something to be told.
    pub(crate) fn wake_at(&self) -> Option<Stamp> {
        self.hooked.front().map(|(since, _)| since.plus_ms(LINE_WAIT_MS))
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        self.lines.iter_mut().for_each(|line| line.time = line.time.plus_ms(ms));
        self.hooked.iter_mut().for_each(|(since, _)| *since = since.plus_ms(ms));
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
        }
    }

    fn line(entries: &mut Entries, at: i64, user: &str, address: &str) -> bool {
        let address = address.parse().ok();
        entries.line(Stamp(at), "sshd", Some(user.as_bytes()), address).is_some()
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
        assert!(!entries.hooked(Stamp(HOOK_WAIT_MS), hooked("alice", "192.0.2.1")));
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
