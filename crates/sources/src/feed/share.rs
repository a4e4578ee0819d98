//! One file at several paths: it is read once, by the path that began it.

use std::collections::HashSet;

use super::Feed;
use super::body::Body;
use super::chain::Chain;
use super::mark::{Mark, Match};
use super::member::{FileKey, Member};
use super::row::Words;

impl Feed {
    /// How far a file was read under the name of another path, now or in an earlier run.
    pub(super) fn known_mark(&mut self, path: &str, member: &mut Member) -> Option<Mark> {
        let mut best: Option<Mark> = None;
        let mut consider = |mut mark: Mark, body: &mut Body| {
            let further = best.as_ref().is_none_or(|best| mark.offset > best.offset);
            if further && mark.offset > 0 && matches!(mark.compare(body), Ok(Match::Here)) {
                best = Some(mark);
            }
        };
        let followed = self.chains.iter().flatten().map(|chain| &chain.row);
        for row in self.saved.values().chain(followed).filter(|row| row.path != path) {
            if (row.dev, row.ino) == member.key {
                consider(Mark::of_row(row), &mut member.body);
            }
            for late in Words::read(&row.cursor).late {
                if late.key == member.key
                    && let Ok(mark) = Mark::read(&mut member.body, late.offset)
                    && mark.tail_hash() == late.tail_hash
                {
                    consider(mark, &mut member.body);
                }
            }
        }
        for chain in self.chains.iter().flatten().filter(|chain| chain.row.path != path) {
            for (_, mark) in chain.finished.iter().filter(|(key, _)| *key == member.key) {
                consider(mark.clone(), &mut member.body);
            }
        }
        best
    }

    /// The files that the chains other than `index` read.
    pub(super) fn taken_by_others(&self, index: usize) -> HashSet<FileKey> {
        let others = self.chains.iter().enumerate().filter(|(other, _)| *other != index);
        others.filter_map(|(_, chain)| chain.as_ref()).flat_map(Chain::keys).collect()
    }

    /// Gives a file that its first path has read to its end to the path it was renamed to.
    pub(super) fn hand_over(&mut self) {
        for index in 0..self.chains.len() {
            let keys = self.chains[index].as_ref().map(Chain::borrowed).unwrap_or_default();
            for key in keys {
                if !self.release(index, key) {
                    continue;
                }
                let Some(mut chain) = self.chains[index].take() else { continue };
                let path = chain.row.path.clone();
                let arrivals = chain.pending.iter_mut().flat_map(|pending| &mut pending.arrivals);
                let held = chain.members.iter_mut().chain(arrivals);
                for member in held.filter(|member| member.key == key) {
                    member.borrowed = false;
                    let mark = self.known_mark(&path, member).unwrap_or_else(Mark::start);
                    member.restart(mark);
                }
                chain.hot = true;
                chain.update_row(true);
                self.chains[index] = Some(chain);
            }
        }
    }

    /// Takes a file from the chain that holds it. False if that chain is not done with it.
    fn release(&mut self, index: usize, key: FileKey) -> bool {
        let others = self.chains.iter_mut().enumerate().filter(|(other, _)| *other != index);
        for chain in others.filter_map(|(_, chain)| chain.as_mut()) {
            if let Some(at) = chain.members.iter().position(|m| m.key == key && !m.borrowed) {
                if chain.members[at].drained_at.is_none() {
                    return false;
                }
                if let Some(member) = chain.members.remove(at) {
                    chain.remember(key, member.mark);
                }
                chain.update_row(true);
                return true;
            }
            if chain.holds(key) {
                return false;
            }
        }
        true
    }
}
