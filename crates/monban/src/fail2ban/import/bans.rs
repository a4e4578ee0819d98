//! Which bans of fail2ban become blocks of monban, which become history, and which neither.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use monban_ledger::{Fail2banBan, Fail2banLength};
use monban_model::limits::{BLOCKS_MAX, DURATION_MAX_S, HISTORY_MAX, WHY_MAX};
use monban_model::{HistoryRow, Net, Stamp, Subject};

/// Bans of one reason that are named.
const EXAMPLES: usize = 3;

/// The shortest prefixes that the warden blocks without an operator's word.
const PREFIXES: (u8, u8) = (16, 32);

/// Why a ban is not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It is about something else than an address or a network.
    NoAddress,
    /// Its end is over; it counts as history.
    Expired,
    /// No jail of this name is on, so fail2ban would not restore it either.
    NoJail,
    /// monban's allow list or `ignoreip` holds it.
    Allowed,
    /// monban blocks it for as long already.
    Known,
    /// Another network holds it.
    Inside,
    /// Networks as wide are blocked at an operator's word only.
    Wide,
    /// There are too many.
    Full,
}

impl LeftOut {
    /// Its word in JSON; with `import-left-` before it, its key.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoAddress => "no-address",
            Self::Expired => "expired",
            Self::NoJail => "no-jail",
            Self::Allowed => "allowed",
            Self::Known => "known",
            Self::Inside => "inside",
            Self::Wide => "wide",
            Self::Full => "full",
        }
    }
}

/// A ban that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Since when.
    pub since: Stamp,
    /// Until when; `None` is forever.
    pub until: Option<Stamp>,
    /// The jails that banned.
    pub jails: BTreeSet<String>,
}

impl Block {
    /// The reason to be told of it.
    pub fn why(&self) -> String {
        let jails: Vec<&str> = self.jails.iter().map(String::as_str).collect();
        let mut why = format!("taken over from fail2ban: {}", jails.join(", "));
        while why.len() > WHY_MAX {
            why.pop();
        }
        why
    }
}

/// How many were left out for a reason, and some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// The first of them, as they were written.
    pub examples: Vec<String>,
}

/// What bans are judged by.
pub struct Judge<'a> {
    /// The time.
    pub now: Stamp,
    /// Ban times of the jails that are on, in seconds; `None` is forever.
    pub jails: BTreeMap<String, Option<u64>>,
    /// Whether nothing may block this.
    pub spares: &'a dyn Fn(Subject) -> bool,
    /// What monban blocks already, and until when.
    pub blocked: HashMap<Subject, Option<Stamp>>,
}

/// What becomes of the bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Bans that go on.
    pub blocks: BTreeMap<Subject, Block>,
    /// Who was banned before, and how often.
    pub history: BTreeMap<Subject, HistoryRow>,
    /// What is left out.
    pub left: BTreeMap<LeftOut, Count>,
}

impl Taken {
    /// The last ban of an address in a jail.
    pub fn last(&mut self, judge: &Judge<'_>, ban: Fail2banBan<'_>) {
        if let Err(why) = self.take(judge, ban) {
            self.leave(why, ban.ip);
        }
    }

    /// One of all bans, for the history.
    pub fn earlier(&mut self, judge: &Judge<'_>, ban: Fail2banBan<'_>, times: &mut Times) {
        let Some(net) = net_of(ban.ip) else { return };
        let end = end_of(judge, ban).unwrap_or(None).unwrap_or(Stamp::from_s(ban.time_s));
        let subject = counted(net);
        let known = times.0.len();
        let so_far = match times.0.get_mut(&subject) {
            Some(so_far) => so_far,
            None if known >= HISTORY_MAX => return self.leave(LeftOut::Full, ban.ip),
            None => times.0.entry(subject).or_default(),
        };
        *so_far += 1;
        let count = ban.count.max(*so_far);
        self.remember(judge, subject, count, end);
    }

    /// Networks that lie in others of them, or in one that is blocked, go: the kernel takes no
    /// overlaps.
    pub fn settle(&mut self, judge: &Judge<'_>) {
        let wide = |subject: &&Subject| !subject.is_single();
        let mut outer: Vec<Subject> = judge.blocked.keys().filter(wide).copied().collect();
        let mut nets: Vec<Subject> = self.blocks.keys().filter(wide).copied().collect();
        nets.sort_by_key(|net| net.net().prefix());
        for net in nets {
            if outer.iter().any(|known| *known != net && known.net().overlaps(net.net())) {
                self.blocks.remove(&net);
                self.leave(LeftOut::Inside, &net.to_string());
            } else {
                outer.push(net);
            }
        }
    }

    fn take(&mut self, judge: &Judge<'_>, ban: Fail2banBan<'_>) -> Result<(), LeftOut> {
        let net = net_of(ban.ip).ok_or(LeftOut::NoAddress)?;
        let until = end_of(judge, ban);
        let end = until.unwrap_or(None).unwrap_or(Stamp::from_s(ban.time_s));
        self.remember(judge, counted(net), ban.count, end);
        if !judge.jails.contains_key(ban.jail) {
            return Err(LeftOut::NoJail);
        }
        let until = until.ok_or(LeftOut::NoJail)?;
        if until.is_some_and(|until| until <= judge.now) {
            return Err(LeftOut::Expired);
        }
        let subject = Subject::exactly(net);
        let narrowest = if net.base().is_ipv4() { PREFIXES.0 } else { PREFIXES.1 };
        if (judge.spares)(subject) {
            return Err(LeftOut::Allowed);
        }
        if net.prefix() < narrowest {
            return Err(LeftOut::Wide);
        }
        if judge.blocked.get(&subject).is_some_and(|known| !ends_after(until, *known)) {
            return Err(LeftOut::Known);
        }
        let room = BLOCKS_MAX.saturating_sub(judge.blocked.len());
        if self.blocks.len() >= room && !self.blocks.contains_key(&subject) {
            return Err(LeftOut::Full);
        }
        let since = Stamp::from_s(ban.time_s).min(judge.now);
        let block = self.blocks.entry(subject).or_insert_with(|| Block {
            since,
            until,
            jails: BTreeSet::new(),
        });
        block.since = block.since.min(since);
        if ends_after(until, block.until) {
            block.until = until;
        }
        block.jails.insert(ban.jail.chars().filter(|c| !c.is_control()).collect());
        // It goes on: as of monban's own blocks its end is remembered, and not this moment.
        if let (Some(until), Some(known)) = (until, self.history.get_mut(&counted(net))) {
            known.last = known.last.max(until);
        }
        Ok(())
    }

    fn remember(&mut self, judge: &Judge<'_>, subject: Subject, blocks: u32, last: Stamp) {
        let last = last.min(judge.now);
        if let Some(known) = self.history.get_mut(&subject) {
            known.blocks = known.blocks.max(blocks);
            known.last = known.last.max(last);
        } else if self.history.len() < HISTORY_MAX {
            self.history.insert(subject, HistoryRow { subject, blocks, last });
        } else {
            self.leave(LeftOut::Full, &subject.to_string());
        }
    }

    fn leave(&mut self, why: LeftOut, what: &str) {
        let count = self.left.entry(why).or_default();
        count.count += 1;
        if count.examples.len() < EXAMPLES && !count.examples.iter().any(|known| known == what) {
            count.examples.push(what.to_owned());
        }
    }
}

/// How often each subject stands among all bans.
#[derive(Debug, Default)]
pub struct Times(HashMap<Subject, u32>);

/// An address, also in brackets, or a network.
fn net_of(ip: &str) -> Option<Net> {
    ip.trim().trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// As whom monban counts it: an IPv6 address by its /64.
fn counted(net: Net) -> Subject {
    net.to_string().parse().unwrap_or(Subject::exactly(net))
}

/// Until when it lasts, `Some(None)` is forever; `None` if nobody knows, as its jail is gone.
fn end_of(judge: &Judge<'_>, ban: Fail2banBan<'_>) -> Option<Option<Stamp>> {
    let length_s = match ban.length {
        Fail2banLength::Forever => None,
        Fail2banLength::Seconds(seconds) => Some(seconds.unsigned_abs()),
        Fail2banLength::OfJail => *judge.jails.get(ban.jail)?,
    };
    let longest = judge.now.plus_s(DURATION_MAX_S);
    Some(length_s.map(|s| Stamp::from_s(ban.time_s).plus_s(s.min(DURATION_MAX_S)).min(longest)))
}

/// Whether the first end is later than the other; `None` is forever.
fn ends_after(one: Option<Stamp>, other: Option<Stamp>) -> bool {
    match (one, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(one), Some(other)) => one > other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn subject(text: &str) -> Subject {
        Subject::exactly(text.parse().unwrap())
    }

    fn judged(bans: &[(&str, &str, i64, Fail2banLength, u32)]) -> Taken {
        let spares = |subject: Subject| subject.contains("198.51.100.7".parse().unwrap());
        let judge = Judge {
            now: Stamp::from_s(NOW),
            jails: [("sshd".to_owned(), Some(600)), ("recidive".to_owned(), None)].into(),
            spares: &spares,
            blocked: [
                (subject("203.0.113.9"), Some(Stamp::from_s(NOW + 5000))),
                (subject("203.0.0.0/18"), None),
            ]
            .into(),
        };
        let (mut taken, mut times) = (Taken::default(), Times::default());
        for (jail, ip, time_s, length, count) in bans.iter().copied() {
            taken.last(&judge, Fail2banBan { jail, ip, time_s, length, count });
        }
        for (jail, ip, time_s, length, count) in bans.iter().copied() {
            taken.earlier(&judge, Fail2banBan { jail, ip, time_s, length, count }, &mut times);
        }
        taken.settle(&judge);
        taken
    }

    #[test]
    fn running_bans_go_on_with_the_time_that_is_left() {
        use Fail2banLength::{Forever, OfJail, Seconds};
        let taken = judged(&[
            ("sshd", "192.0.2.1", NOW - 100, Seconds(600), 3),
            ("recidive", "192.0.2.1", NOW - 50, Seconds(6000), 1),
            ("sshd", "192.0.2.2", NOW - 100, OfJail, 1),
            ("recidive", "192.0.2.3", NOW - 100, OfJail, 1),
            ("sshd", "2001:db8::1", NOW, Forever, 1),
            ("sshd", "192.0.2.0/28", NOW + 50, Seconds(i64::MAX), 1),
        ]);
        let end = |text: &str| taken.blocks[&subject(text)].until.map(|until| until.0 / 1000);
        assert_eq!(end("192.0.2.1"), Some(NOW + 5950));
        assert_eq!(
            taken.blocks[&subject("192.0.2.1")].why(),
            "taken over from fail2ban: recidive, sshd"
        );
        assert_eq!(end("192.0.2.2"), Some(NOW + 500));
        assert_eq!(end("192.0.2.3"), None);
        assert_eq!(end("2001:db8::1/128"), None, "not its /64, as fail2ban had it");
        assert_eq!(end("192.0.2.0/28"), Some(NOW + DURATION_MAX_S as i64));
        assert_eq!(taken.left, BTreeMap::new());
        let of_64: Subject = "2001:db8::1".parse().unwrap();
        assert_eq!(taken.history[&of_64].blocks, 1, "counted by its /64");
        assert_eq!(taken.history[&subject("192.0.2.1")].blocks, 3);
        // What `why` calls the end of the last one is the end of the one that goes on.
        let last = |text: &str| taken.history[&subject(text)].last.0 / 1000;
        assert_eq!((last("192.0.2.1"), last("192.0.2.2")), (NOW + 5950, NOW + 500));
        assert_eq!(last("192.0.2.3"), NOW - 100, "for ever: it has no end");
    }

    #[test]
    fn what_is_left_out_says_why() {
        use Fail2banLength::{OfJail, Seconds};
        let taken = judged(&[
            ("sshd", "root@example.org", NOW, Seconds(600), 1),
            ("sshd", "192.0.2.1", NOW - 601, Seconds(600), 4),
            ("gone", "192.0.2.2", NOW, Seconds(600), 1),
            ("gone", "192.0.2.3", NOW, OfJail, 1),
            ("sshd", "198.51.100.0/24", NOW, Seconds(600), 1),
            ("sshd", "203.0.113.9", NOW, Seconds(600), 1),
            ("sshd", "203.0.16.0/24", NOW, Seconds(600), 1),
            ("sshd", "10.0.0.0/8", NOW, Seconds(600), 1),
        ]);
        assert_eq!(taken.blocks, BTreeMap::new());
        let left: Vec<(&str, u64, &str)> = taken
            .left
            .iter()
            .map(|(why, left)| (why.word(), left.count, left.examples[0].as_str()))
            .collect();
        let expected = [
            ("no-address", 1, "root@example.org"),
            ("expired", 1, "192.0.2.1"),
            ("no-jail", 2, "192.0.2.2"),
            ("allowed", 1, "198.51.100.0/24"),
            ("known", 1, "203.0.113.9"),
            ("inside", 1, "203.0.16.0/24"),
            ("wide", 1, "10.0.0.0/8"),
        ];
        assert_eq!(left, expected);
        assert_eq!(taken.history[&subject("192.0.2.1")].blocks, 4);
    }
}
