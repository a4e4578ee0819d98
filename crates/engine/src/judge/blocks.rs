//! The blocks in force: one a subject, kept free of overlaps.

use std::collections::{BTreeMap, BTreeSet};

use monban_model::limits::BLOCKS_MAX;
use monban_model::{BlockRow, Net, Scope, Stamp, StateRow, Subject};

/// All blocks in force, in the order of their ends as well. There may be a million of them, so
/// each takes few bytes.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    by_subject: BTreeMap<Subject, Held>,
    ends: BTreeSet<(Stamp, Subject)>,
    /// The first of them: it is asked for with every line.
    next_end: Option<Stamp>,
    networks: BTreeSet<Subject>,
    /// What changed since the last commit, with the scope that was committed before.
    changed: BTreeMap<Subject, Option<Scope>>,
    /// The names behind [`Held::policy`].
    policies: Vec<String>,
}

/// One block.
#[derive(Clone, Debug)]
struct Held {
    since: Stamp,
    until: Option<Stamp>,
    /// `None` is every port, as almost always.
    ports: Option<Box<[u16]>>,
    /// The operator's reason.
    why: Option<Box<str>>,
    policy: u16,
}

/// How a subject lies to the networks that are blocked. Single subjects do not count: they stand
/// in sets of their own, so they keep their own ends beside a network that covers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// It shares no address with another network.
    Free,
    /// It lies within this network.
    Inside(Subject),
    /// It covers these networks.
    Covers(Vec<Subject>),
}

impl Blocks {
    pub(crate) fn get(&self, subject: Subject) -> Option<BlockRow> {
        self.by_subject.get(&subject).map(|held| self.row(subject, held))
    }

    pub(crate) fn is_blocked(&self, subject: Subject) -> bool {
        self.by_subject.contains_key(&subject)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_subject.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= BLOCKS_MAX
    }

    pub(crate) fn subjects(&self) -> impl Iterator<Item = Subject> {
        self.by_subject.keys().copied()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = BlockRow> {
        self.by_subject.iter().map(|(subject, held)| self.row(*subject, held))
    }

    /// Blocked networks other than `subject` that share addresses with it.
    pub(crate) fn overlap(&self, subject: Subject) -> Overlap {
        let outer =
            self.networks.iter().find(|net| **net != subject && net.net().covers(subject.net()));
        if let Some(outer) = outer {
            return Overlap::Inside(*outer);
        }
        let covered = |net: &&Subject| **net != subject && subject.net().covers(net.net());
        match self.networks.iter().filter(covered).copied().collect::<Vec<_>>() {
            none if none.is_empty() => Overlap::Free,
            some => Overlap::Covers(some),
        }
    }

    /// The blocked subjects that share an address with `net`.
    pub(crate) fn touching(&self, net: Net) -> Vec<Subject> {
        let touches = |subject: &&Subject| subject.net().overlaps(net);
        self.by_subject.keys().filter(touches).copied().collect()
    }

    /// The blocked subjects that lie within `net`.
    pub(crate) fn within(&self, net: Net) -> Vec<Subject> {
        self.by_subject.keys().filter(|subject| net.covers(subject.net())).copied().collect()
    }

    /// Puts a block in force. A second block of a subject widens the first: the later end, and
    /// the ports of both.
    pub(crate) fn put(&mut self, row: BlockRow) -> BlockRow {
        let subject = row.subject;
        let known = self.get(subject);
        self.note_change(subject, known.as_ref());
        let row = match known {
            Some(known) => BlockRow {
                scope: union(&known.scope, &row.scope),
                until: known.until.and_then(|old| row.until.map(|new| new.max(old))),
                since: known.since,
                ..row
            },
            None => row,
        };
        self.place(&row);
        row
    }

    /// The clock was set: every block keeps the time it has left.
    pub(crate) fn shift(&mut self, ms: i64) {
        let subjects: Vec<Subject> = self.subjects().collect();
        for subject in subjects {
            let Some(mut row) = self.get(subject) else { continue };
            self.note_change(subject, Some(&row));
            row.since = row.since.plus_ms(ms);
            row.until = row.until.map(|until| until.plus_ms(ms));
            self.place(&row);
        }
    }

    /// Puts a saved block back.
    pub(crate) fn restore(&mut self, row: &BlockRow) {
        self.place(row);
    }

    /// Ends a block.
    pub(crate) fn remove(&mut self, subject: Subject) -> Option<BlockRow> {
        let row = self.get(subject)?;
        self.note_change(subject, Some(&row));
        self.take_end(subject);
        self.networks.remove(&subject);
        self.by_subject.remove(&subject);
        // While nobody takes changes, those who come and go leave nothing behind.
        if self.changed.get(&subject) == Some(&None) {
            self.changed.remove(&subject);
        }
        Some(row)
    }

    /// Takes out the next block whose end has come.
    pub(crate) fn next_ended(&mut self, now: Stamp) -> Option<BlockRow> {
        let (until, subject) = *self.ends.first()?;
        if until > now { None } else { self.remove(subject) }
    }

    /// The next end.
    pub(crate) fn next_end(&self) -> Option<Stamp> {
        self.next_end
    }

    /// Hands out what changed since the last call, as rows.
    pub(crate) fn take_changes(&mut self, mut give: impl FnMut(StateRow)) {
        for (subject, committed) in std::mem::take(&mut self.changed) {
            let now = self.get(subject);
            if let Some(scope) = committed
                && now.as_ref().is_none_or(|row| row.scope != scope)
            {
                give(StateRow::NoBlock(subject, scope));
            }
            now.map(StateRow::Block).into_iter().for_each(&mut give);
        }
    }

    /// Changes that wait to be handed out.
    pub(crate) fn waiting(&self) -> usize {
        self.changed.len()
    }

    /// The first change since a commit remembers what was committed.
    fn note_change(&mut self, subject: Subject, before: Option<&BlockRow>) {
        let scope = before.map(|row| row.scope.clone());
        self.changed.entry(subject).or_insert(scope);
    }

    fn place(&mut self, row: &BlockRow) {
        self.take_end(row.subject);
        if let Some(until) = row.until {
            self.ends.insert((until, row.subject));
            self.find_next_end();
        }
        if !row.subject.is_single() {
            self.networks.insert(row.subject);
        }
        let held = Held {
            since: row.since,
            until: row.until,
            ports: match &row.scope {
                Scope::All => None,
                Scope::Ports(ports) => Some(ports.as_slice().into()),
            },
            why: (!row.why.is_empty()).then(|| row.why.as_str().into()),
            policy: self.policy_number(&row.policy),
        };
        self.by_subject.insert(row.subject, held);
    }

    /// The number of a policy's name. There are few, and those of old configurations die out.
    fn policy_number(&mut self, name: &str) -> u16 {
        let known = self.policies.iter().position(|policy| policy == name);
        let at = known.unwrap_or_else(|| {
            self.policies.push(name.to_owned());
            self.policies.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    fn row(&self, subject: Subject, held: &Held) -> BlockRow {
        BlockRow {
            subject,
            scope: held.ports.as_ref().map_or(Scope::All, |ports| Scope::Ports(ports.to_vec())),
            since: held.since,
            until: held.until,
            policy: self.policies.get(usize::from(held.policy)).cloned().unwrap_or_default(),
            why: held.why.as_deref().unwrap_or_default().to_owned(),
        }
    }

    fn take_end(&mut self, subject: Subject) {
        if let Some(until) = self.by_subject.get(&subject).and_then(|held| held.until) {
            self.ends.remove(&(until, subject));
            self.find_next_end();
        }
    }

    fn find_next_end(&mut self) {
        self.next_end = self.ends.first().map(|(until, _)| *until);
    }
}

/// The ports of both; more than a scope may hold means every port.
fn union(one: &Scope, other: &Scope) -> Scope {
    match (one, other) {
        (Scope::Ports(a), Scope::Ports(b)) => {
            let ports: BTreeSet<u16> = a.iter().chain(b).copied().collect();
            if ports.len() > monban_model::limits::PORTS_MAX {
                return Scope::All;
            }
            Scope::Ports(ports.into_iter().collect())
        }
        _ => Scope::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &str, until: Option<i64>, scope: Scope) -> BlockRow {
        BlockRow {
            subject: subject.parse().unwrap(),
            scope,
            since: Stamp(0),
            until: until.map(Stamp),
            policy: String::new(),
            why: String::new(),
        }
    }

    #[test]
    fn a_second_block_widens_the_first() {
        let mut blocks = Blocks::default();
        blocks.put(row("192.0.2.1", Some(10), Scope::Ports(vec![22])));
        let wider = blocks.put(row("192.0.2.1", Some(5), Scope::Ports(vec![25])));
        assert_eq!((wider.until, wider.scope), (Some(Stamp(10)), Scope::Ports(vec![22, 25])));
        assert_eq!(blocks.put(row("192.0.2.1", None, Scope::All)).until, None);
        assert_eq!(blocks.next_end(), None);
    }

    #[test]
    fn networks_never_overlap_unseen() {
        let mut blocks = Blocks::default();
        blocks.put(row("192.0.2.1", None, Scope::All));
        blocks.put(row("192.0.2.16/28", None, Scope::All));
        let net = "192.0.2.0/24".parse().unwrap();
        let covered = Overlap::Covers(vec!["192.0.2.16/28".parse().unwrap()]);
        assert_eq!(blocks.overlap(net), covered);
        blocks.remove("192.0.2.16/28".parse().unwrap());
        blocks.put(row("192.0.2.0/24", None, Scope::All));
        assert_eq!(blocks.overlap("192.0.2.9".parse().unwrap()), Overlap::Inside(net));
        assert_eq!(blocks.overlap("192.0.3.9".parse().unwrap()), Overlap::Free);
        assert_eq!(blocks.overlap(net), Overlap::Free);
    }

    #[test]
    fn changes_are_rows_once() {
        let mut blocks = Blocks::default();
        let mut rows = Vec::new();
        blocks.put(row("192.0.2.1", Some(10), Scope::Ports(vec![22])));
        blocks.take_changes(|row| rows.push(row));
        blocks.put(row("192.0.2.1", Some(10), Scope::All));
        blocks.take_changes(|row| rows.push(row));
        assert!(blocks.next_ended(Stamp(9)).is_none());
        assert!(blocks.next_ended(Stamp(10)).is_some());
        blocks.take_changes(|row| rows.push(row));
        let subject = "192.0.2.1".parse().unwrap();
        assert_eq!(rows[1], StateRow::NoBlock(subject, Scope::Ports(vec![22])));
        assert_eq!(rows[3], StateRow::NoBlock(subject, Scope::All));
        assert_eq!(rows.len(), 4);
    }
}
