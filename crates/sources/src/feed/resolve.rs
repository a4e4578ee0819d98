//! Finding the half-read file among its siblings, and putting the files after it in order.

use std::collections::{HashSet, VecDeque};
use std::fs::File;

use monban_model::Stamp;
use monban_model::limits::SIBLINGS_MAX;

use super::age::Age;
use super::chain::Chain;
use super::copy::{continues, copy_of, is_begun_copy, is_copy, is_same};
use super::mark::{Mark, Match};
use super::member::{FileKey, Member};
use super::row::{Read, Words};
use super::{Lost, Notice, Want};

/// The file that was read last, before the ones that came.
pub(crate) enum Anchor {
    /// The last of the chain: it is still open, so nothing of it is lost.
    Live,
    /// The arrival itself: only the late files of a saved row are asked for.
    Same,
    /// Only known by its place: it was read before a restart, or its bytes were replaced.
    Gone {
        key: FileKey,
        mark: Mark,
        /// The time of its last change as it was read: every older turn is older than that. And
        /// the time of its birth.
        words: Box<Words>,
        /// Bytes that were seen in it and not read.
        unread: u64,
    },
}

/// A question to the warden: which files lie between the anchor and the arrivals?
pub(crate) struct Pending {
    anchor: Anchor,
    /// Files that stood at the path since, oldest first.
    pub(crate) arrivals: VecDeque<Member>,
    /// The first arrival is the anchor's own file, cut to this size while we read it.
    cut_at: Option<u64>,
    /// The first arrival is the anchor's own file with other content.
    truncated: bool,
    asked: bool,
    got: Vec<File>,
}

impl Pending {
    pub(crate) fn new(anchor: Anchor, arrival: Member) -> Self {
        Self {
            anchor,
            arrivals: VecDeque::from([arrival]),
            cut_at: None,
            truncated: false,
            asked: false,
            got: Vec::new(),
        }
    }

    /// The first of the arrivals was cut or written anew.
    pub(crate) fn truncated(
        anchor: Anchor,
        arrivals: VecDeque<Member>,
        cut_at: Option<u64>,
    ) -> Self {
        let got = Vec::new();
        Self { anchor, arrivals, cut_at, truncated: true, asked: false, got }
    }

    /// Takes one file of the answer.
    pub(crate) fn sibling(&mut self, file: File) {
        if self.got.len() < SIBLINGS_MAX {
            self.got.push(file);
        }
    }
}

impl Chain {
    /// Whether something has to be asked.
    pub(crate) fn has_want(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| !pending.asked)
    }

    /// What has to be asked, once.
    pub(crate) fn want(&mut self) -> Option<Want> {
        let late = Words::read(&self.row.cursor).late;
        let last = self.members.back().map(|member| (member.key, member.mark.offset));
        let pending = self.pending.as_mut().filter(|pending| !pending.asked)?;
        pending.asked = true;
        let ((dev, ino), offset) = match &pending.anchor {
            Anchor::Live => last?,
            Anchor::Same => (late.first()?.key, 0),
            Anchor::Gone { key, mark, .. } => {
                // The warden answers with the named file and those after it.
                let oldest = late.first().filter(|_| self.members.is_empty());
                (oldest.map_or(*key, |late| late.key), mark.offset)
            }
        };
        Some(Want { path: self.row.path.clone(), dev, ino, size_min: offset })
    }

    /// Uses the answer. `taken` are the files that other paths read.
    pub(crate) fn resolve(
        &mut self,
        taken: &HashSet<FileKey>,
        now: Stamp,
        notices: &mut Vec<Notice>,
    ) {
        if self.is_last_replaced() {
            // Its unread rest may lie in a copy: that is another question.
            return self.replaced(self.members.len() - 1);
        }
        let Some(mut pending) = self.pending.take() else { return };
        self.hot = true;
        let mut found: Vec<Member> =
            pending.got.drain(..).filter_map(|file| Member::open(file).ok()).collect();
        self.adopt_late(&mut found, taken, now);
        let mut after = match self.find_anchor(&pending, &mut found) {
            Some((at, place)) => {
                let mut rest = found.split_off(at);
                let half_read = rest.remove(0);
                if let Some(mark) = place.filter(|_| !taken.contains(&half_read.key)) {
                    match pending.arrivals.iter_mut().find(|m| m.key == half_read.key) {
                        Some(again) => again.restart(mark),
                        None => self.members.push_back(half_read.at(mark)),
                    }
                }
                rest
            }
            None if matches!(pending.anchor, Anchor::Same) => Vec::new(),
            None => self.not_found(&mut pending, found, notices),
        };
        let known: HashSet<FileKey> =
            self.keys().into_iter().chain(taken.iter().copied()).collect();
        cut_newer(&mut pending, &mut after);
        for member in after {
            self.put_in_order(&mut pending, member, &known);
        }
        for member in pending.arrivals {
            self.take_up(member);
        }
        self.dirty = true;
        self.update_row(true);
    }

    /// Adds one file between the anchor and the arrivals, and the arrivals that are older than it.
    /// Files that are `known` are read already.
    fn put_in_order(
        &mut self,
        pending: &mut Pending,
        mut member: Member,
        known: &HashSet<FileKey>,
    ) {
        // What was deleted stands no more among the siblings: the times tell where it belongs.
        while let Some(first) = pending.arrivals.front_mut()
            && first.body.is_deleted()
            && Age::of(first).is_before(&member) == Some(true)
            && !is_copy(&mut member, first)
            && let Some(first) = pending.arrivals.pop_front()
        {
            self.take_up(first);
        }
        if pending.arrivals.iter().any(|m| is_begun_copy(m, &member)) {
            return;
        }
        let mut arrivals = pending.arrivals.iter_mut();
        let arrived = match arrivals.position(|m| m.key == member.key) {
            Some(at) => Some(at),
            // What came may have been packed or copied before the answer.
            None => pending.arrivals.iter_mut().position(|m| is_copy(&mut member, m)),
        };
        if let Some(arrival) = arrived.and_then(|at| pending.arrivals.get_mut(at))
            && continues(arrival, &mut member)
        {
            return self.members.push_back(member);
        }
        if let Some(arrival) = arrived.and_then(|at| pending.arrivals.remove(at)) {
            member = arrival;
            self.recall(&mut member);
        } else if known.contains(&member.key) || self.was_read(&mut member) {
            return;
        }
        self.members.push_back(member);
    }

    /// Whether the live anchor was cut or written anew before the file after it came.
    fn is_last_replaced(&mut self) -> bool {
        let live = matches!(self.pending, Some(Pending { anchor: Anchor::Live, .. }));
        let last = self.members.back_mut().filter(|m| live && !m.borrowed && !m.body.is_packed());
        last.is_some_and(|last| {
            let mut mark = last.mark.clone();
            matches!(mark.compare(&mut last.body), Ok(Match::Behind | Match::No))
        })
    }

    /// The place of the anchor among the siblings, and where to read on in it, if it is to be
    /// read there.
    fn find_anchor(
        &mut self,
        pending: &Pending,
        found: &mut [Member],
    ) -> Option<(usize, Option<Mark>)> {
        match &pending.anchor {
            Anchor::Live => {
                let last = self.members.back_mut()?;
                let key = last.key;
                if let Some(at) = found.iter().position(|m| m.key == key) {
                    return Some((at, None));
                }
                // It may have been packed.
                found.iter_mut().position(|m| is_copy(m, last)).map(|at| (at, None))
            }
            Anchor::Same => None,
            Anchor::Gone { key, mark, words, .. } => {
                let mut mark = mark.clone();
                if !pending.truncated {
                    for (at, member) in found.iter_mut().enumerate() {
                        if member.key == *key
                            && is_same(words.born_ns, member, mark.offset)
                            && matches!(mark.compare(&mut member.body), Ok(Match::Here))
                        {
                            return Some((at, Some(mark)));
                        }
                    }
                }
                let own: Vec<FileKey> = pending.arrivals.iter().map(|m| m.key).collect();
                let (at, is) = copy_of(&mut mark, found, &own, &self.read)?;
                // Only a copy that was made while lines came ends before what was read of it.
                if is == Match::Behind && !pending.truncated {
                    return None;
                }
                Some((at, (is == Match::Here).then_some(mark)))
            }
        }
    }

    /// Nothing is like the anchor. Answers the siblings that must be newer than it, and says
    /// what is lost.
    fn not_found(
        &mut self,
        pending: &mut Pending,
        mut found: Vec<Member>,
        notices: &mut Vec<Notice>,
    ) -> Vec<Member> {
        let age = match &pending.anchor {
            Anchor::Live => self.members.back().map(Age::of).unwrap_or_default(),
            Anchor::Same => Age::default(),
            Anchor::Gone { key, words, mark, unread } => {
                if !pending.truncated {
                    // It may stand at another path, in another directory.
                    self.remember(*key, mark.clone());
                }
                let lost = match pending.cut_at {
                    Some(_) => Some(Lost::Cut(*unread)),
                    None if mark.offset == 0 && *unread == 0 => None,
                    None if pending.truncated => Some(Lost::Truncated(*unread)),
                    None => Some(Lost::RotatedAway),
                };
                if let Some(lost) = lost {
                    lost.count(&mut self.counters);
                    notices.push(Notice::Lost { path: self.row.path.clone(), lost });
                }
                let age = Age::of_words(words);
                if pending.truncated { age.rewritten() } else { age }
            }
        };
        if let (Some(size), Some(first)) = (pending.cut_at, pending.arrivals.front_mut())
            && let Ok(mark) = Mark::read(&mut first.body, size)
        {
            // What is left of the file was counted already; new lines follow it.
            first.restart(mark);
        }
        // Every turn after the last one that was read is unread. Only where none of them is left,
        // the times have to tell.
        if let Some(at) = found.iter_mut().rposition(|m| self.read.iter().any(|r| r.is_in(m))) {
            return found.split_off(at + 1);
        }
        let late = Words::read(&self.row.cursor).late;
        let arrived: Vec<FileKey> = pending.arrivals.iter().map(|m| m.key).collect();
        // What is read in any case stays: it shows when.
        found.retain_mut(|member| {
            arrived.contains(&member.key)
                || age
                    .is_before(member)
                    .unwrap_or_else(|| !late.iter().any(|late| late.is_in(member)))
        });
        found
    }

    /// Takes back the late files of a saved row, so that their late lines are not lost either.
    fn adopt_late(&mut self, found: &mut Vec<Member>, taken: &HashSet<FileKey>, now: Stamp) {
        if !self.members.is_empty() {
            return;
        }
        for late in Words::read(&self.row.cursor).late {
            let same = |m: &Member| m.key == late.key && is_same(late.born_ns, m, late.offset);
            let Some(at) = found.iter().position(same) else { continue };
            if taken.contains(&late.key) {
                continue;
            }
            let mark = Mark::read(&mut found[at].body, late.offset);
            if let Ok(mark) = mark
                && mark.tail_hash() == late.tail_hash
            {
                let mut member = found.remove(at).at(mark);
                member.drained_at = Some(now);
                self.members.push_back(member);
            }
        }
    }

    /// Takes up a file that came, unless it was packed meanwhile and is held in that form.
    fn take_up(&mut self, mut member: Member) {
        let mut held = self.members.iter_mut().filter(|held| held.body.is_packed());
        if member.body.is_deleted() && held.any(|held| is_copy(held, &mut member)) {
            return;
        }
        self.recall(&mut member);
        self.members.push_back(member);
    }

    /// Whether all of this file was read before, here or in a file that it was packed from.
    fn was_read(&mut self, member: &mut Member) -> bool {
        // What was packed of a file that is held is read in that file.
        let mut packed = self.members.iter_mut().filter(|held| held.body.is_deleted());
        if packed.any(|held| is_copy(member, held)) {
            return true;
        }
        let late = self.members.iter().filter(|held| held.drained_at.is_some());
        let finished = self.finished.iter().map(|(_, mark)| mark);
        let held = late.map(|held| &held.mark).chain(finished).map(Read::of);
        held.chain(self.read.iter().copied()).any(|read| read.is_in(member))
    }

    /// A file that stood at this path before stands there again: it is read on, not anew.
    fn recall(&mut self, member: &mut Member) {
        let held = self.members.iter().position(|m| m.key == member.key && m.drained_at.is_some());
        if let Some(old) = held.and_then(|at| self.members.remove(at)) {
            member.restart(old.mark);
        } else if let Some((_, mark)) = self.finished.iter_mut().find(|(key, _)| *key == member.key)
            && mark.offset > 0
            && matches!(mark.compare(&mut member.body), Ok(Match::Here))
        {
            member.restart(mark.clone());
        }
    }
}

/// Leaves out what is newer than the newest file that came. It is asked for once that file's
/// successor comes: it may be a copy of that one.
fn cut_newer(pending: &mut Pending, after: &mut Vec<Member>) {
    let Some(newest) = pending.arrivals.back_mut() else { return };
    let same = |m: &mut Member| m.key == newest.key || is_copy(m, newest);
    if let Some(at) = after.iter_mut().position(same) {
        after.truncate(at + 1);
    } else if newest.body.is_deleted() {
        // It stands no more among them.
        let age = Age::of(newest);
        let newer = after.iter().position(|m| age.is_before(m) != Some(false));
        after.truncate(newer.unwrap_or(after.len()));
    }
}
