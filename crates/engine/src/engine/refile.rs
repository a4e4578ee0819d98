//! Counts that go on under other policies, after a reload or a start with another configuration.
//!
//! What was counted belongs to whoever would count it now: a service that gets a policy of its
//! own takes its failures along. Each mark goes with the line of its moment and connection; the
//! marks that are older than the lines that were kept go with the first of those.

use std::collections::{BTreeMap, HashMap};

use monban_model::{Kind, Policy, StateRow, Subject};

use super::{Engine, TallyKey};
use crate::watch::{EvidenceLine, Mark, Tally};

/// Where the failures that each rule tells of are counted now.
pub(super) struct Places {
    by_rule: HashMap<String, Option<u8>>,
}

impl Engine {
    pub(super) fn counted_where(&self) -> Places {
        let catalog = &self.setup.catalog;
        let place = |info: &monban_model::RuleInfo| {
            let at = self.policy_for(info.kind, catalog.service(info.service));
            at.and_then(|at| u8::try_from(at).ok())
        };
        // What a probe's line brought may be logins that failed before it.
        let rules = catalog.rules.iter().filter(|info| info.kind != Kind::Probe);
        Places { by_rule: rules.map(|info| (info.name.clone(), place(info))).collect() }
    }

    /// After a change of policies: every count goes to where it is counted now.
    pub(super) fn refile(&mut self, old: &[Policy]) {
        let places = self.counted_where();
        let mut kept = Vec::new();
        while let Some((&key, _)) = self.tallies.oldest() {
            kept.extend(self.tallies.remove(&key).map(|tally| (key, tally)));
        }
        // What changed was taken out before: the rows stand under their names already.
        self.tallies.take_changes(|_| {}, |_, _| {});
        self.evidence_bytes = 0;
        for ((at, subject), tally) in kept {
            self.put_where_counted(&places, &old[usize::from(at)].name, subject, tally);
        }
    }

    /// Puts a tally that was counted under the policy `name` to where it is counted now.
    pub(super) fn put_where_counted(
        &mut self,
        places: &Places,
        name: &str,
        subject: Subject,
        tally: Tally,
    ) {
        let by_name = self.setup.policies.iter().position(|policy| policy.name == name);
        let by_name = by_name.and_then(|at| u8::try_from(at).ok());
        let mut parts = places.part(tally, by_name);
        let whole = by_name.and_then(|at| parts.remove(&at).map(|tally| (at, tally)));
        match (whole, parts.is_empty()) {
            (Some((at, tally)), true) if !self.tallies.contains(&(at, subject)) => {
                self.evidence_bytes += tally.evidence_bytes();
                self.tallies.restore((at, subject), tally);
            }
            (whole, _) => {
                if whole.is_none() {
                    self.carried.push(StateRow::NoTally(name.to_owned(), subject));
                }
                for (at, tally) in whole.into_iter().chain(parts) {
                    self.join((at, subject), tally);
                }
            }
        }
    }

    fn join(&mut self, key: TallyKey, tally: Tally) {
        self.evidence_bytes += tally.evidence_bytes();
        let mut lost = 0;
        self.tallies.entry_and(key, |out| lost = out.evidence_bytes()).join(tally);
        self.evidence_bytes = self.evidence_bytes.saturating_sub(lost);
    }
}

impl Places {
    /// The parts of a tally by the policy that counts them now; what nobody counts is left out.
    fn part(&self, tally: Tally, by_name: Option<u8>) -> BTreeMap<u8, Tally> {
        let place = |line: &EvidenceLine| match self.by_rule.get(&*line.rule) {
            Some(place) => *place,
            None => by_name,
        };
        if let Some(at) = by_name
            && tally.lines().all(|line| place(line) == by_name)
        {
            // As almost always: nothing changes.
            return BTreeMap::from([(at, tally)]);
        }
        let (marks, lines) = tally.into_parts();
        let oldest = lines.first().map_or(by_name, place);
        let of_mark = |mark: &Mark| {
            let line = lines
                .iter()
                .find(|line| line.time == mark.time && line.connection == mark.connection);
            line.map_or(oldest, place)
        };
        let mut parts: BTreeMap<u8, Tally> = BTreeMap::new();
        for mark in marks {
            if let Some(at) = of_mark(&mark) {
                parts.entry(at).or_default().take_mark(mark);
            }
        }
        for line in &lines {
            if let Some(part) = place(line).and_then(|at| parts.get_mut(&at)) {
                part.take_line(line.clone());
            }
        }
        parts
    }
}
