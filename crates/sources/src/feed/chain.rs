//! The files that one path has led to, read one after the other.

use std::collections::{HashSet, VecDeque};
use std::io;

use monban_model::limits::{LATE_PER_PATH_MAX, LATE_S, PARTIAL_QUIET_S, SIBLINGS_MAX};
use monban_model::{PositionRow, SourceId, Stamp};

use super::mark::Mark;
use super::member::{FileKey, Member, Out, Step, is_used_up};
use super::resolve::{Anchor, Pending};
use super::row::{Late, Read, Words};
use super::{Counters, Lost, Notice};

/// Files that were read to their end and closed, which are not read again.
const FINISHED_MAX: usize = 16;

/// The files that one path has led to, oldest first: late ones that were read to their end, the
/// one that is read, and those after it. One row says how far all of them were read.
pub(crate) struct Chain {
    pub(crate) source: SourceId,
    pub(crate) members: VecDeque<Member>,
    /// A question to the warden that has to be answered before newer files are read.
    pub(crate) pending: Option<Pending>,
    pub(crate) finished: VecDeque<(FileKey, Mark)>,
    /// The last files that were read to their end, oldest first.
    pub(crate) read: VecDeque<Read>,
    pub(crate) row: PositionRow,
    pub(crate) dirty: bool,
    pub(crate) hot: bool,
    /// Since when no file stands at the path.
    pub(crate) gone_since: Option<Stamp>,
    /// Reading failed the last time; said once.
    failing: bool,
    pub(crate) counters: Counters,
}

/// What a turn of a chain came to.
pub(crate) struct Turn {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) more: bool,
}

impl Chain {
    pub(crate) fn new(source: SourceId, row: PositionRow) -> Self {
        Self {
            source,
            members: VecDeque::new(),
            pending: None,
            finished: VecDeque::new(),
            read: Words::read(&row.cursor).read.into(),
            row,
            dirty: false,
            hot: true,
            gone_since: None,
            failing: false,
            counters: Counters::default(),
        }
    }

    /// Whether the chain holds this file, or is about to ask for it.
    pub(crate) fn holds(&self, key: FileKey) -> bool {
        self.keys().contains(&key)
    }

    /// All files that it holds or is about to ask for.
    pub(crate) fn keys(&self) -> Vec<FileKey> {
        let arrivals = self.pending.iter().flat_map(|pending| &pending.arrivals);
        let held = self.members.iter().chain(arrivals).filter(|m| !m.borrowed);
        let mut keys: Vec<FileKey> = held.map(|m| m.key).collect();
        if self.pending.is_some() && self.members.is_empty() {
            keys.push((self.row.dev, self.row.ino));
            keys.extend(Words::read(&self.row.cursor).late.iter().map(|late| late.key));
        }
        keys
    }

    /// A file stands at the path that is not the one before. False if it is already known.
    pub(crate) fn arrive(&mut self, member: Member) -> bool {
        self.gone_since = None;
        self.hot = true;
        if let Some(pending) = &mut self.pending {
            if pending.arrivals.back().is_some_and(|last| last.key == member.key) {
                return false;
            }
            pending.arrivals.retain(|other| other.key != member.key);
            pending.arrivals.push_back(member);
            return true;
        }
        match self.members.back() {
            None => self.members.push_back(member),
            Some(last) if last.key == member.key => return false,
            Some(last) if last.borrowed => {
                self.members.pop_back();
                self.members.push_back(member);
            }
            Some(_) => self.pending = Some(Pending::new(Anchor::Live, member)),
        }
        true
    }

    /// Everything that waits here for a time to pass waits from `now` on.
    pub(crate) fn wait_from(&mut self, now: Stamp) {
        let drained = self.members.iter_mut().filter_map(|member| member.drained_at.as_mut());
        drained.chain(self.gone_since.as_mut()).for_each(|at| *at = now);
    }

    /// Reads about `budget` bytes.
    pub(crate) fn turn(
        &mut self,
        buf: &mut [u8],
        budget: usize,
        out: &mut Out<'_>,
        notices: &mut Vec<Notice>,
    ) -> Turn {
        out.counters.clone_from(&self.counters);
        let mut index = 0;
        let mut more = false;
        // Only what is in the newer files now may be read before the older ones are looked at
        // once more: a writer finishes with the old file before it begins with the new one.
        let limits: Vec<Option<u64>> = (0..self.members.len()).map(|i| self.limit(i)).collect();
        let mut limits = VecDeque::from(limits);
        while index < self.members.len() {
            if is_used_up(budget as u64, out.bytes) {
                more = true;
                break;
            }
            let result = self.read_one(index, buf, budget, limits[index], out);
            let failed_before = std::mem::replace(&mut self.failing, result.is_err());
            match result {
                Ok(Next::Again) => {}
                Ok(Next::File) => {
                    self.drained(index);
                    index += 1;
                }
                Ok(Next::Wait) => break,
                Ok(Next::Remove(lost)) => {
                    if lost.is_none() {
                        self.drained(index);
                    }
                    self.retire(index, lost, out, notices);
                    limits.remove(index);
                }
                Ok(Next::Replaced) => {
                    self.replaced(index);
                    break;
                }
                Err(error) => {
                    if !failed_before {
                        notices.push(Notice::unreadable(&self.row.path, &error));
                    }
                    let packed = self.members[index].body.is_packed();
                    if !packed || index + 1 == self.members.len() {
                        break;
                    }
                    self.retire(index, Some(Lost::Broken), out, notices);
                    limits.remove(index);
                }
            }
        }
        // A file whose read ended at the limit may have grown since.
        let at_last = index + 1 == self.members.len();
        more |= index > 0 && at_last && self.members.back().is_some_and(Member::is_unlooked);
        self.trim_late(out, notices);
        self.counters = out.counters.clone();
        self.counters.lines += out.lines;
        self.row.lines += out.lines;
        self.update_row(out.lines > 0);
        Turn { bytes: out.bytes, lines: out.lines, more }
    }

    fn limit(&self, index: usize) -> Option<u64> {
        let member = self.members.get(index).filter(|_| index > 0)?;
        if member.body.is_packed() {
            return None;
        }
        member.body.stat().ok().map(|stat| stat.size)
    }

    fn read_one(
        &mut self,
        index: usize,
        buf: &mut [u8],
        budget: usize,
        limit: Option<u64>,
        out: &mut Out<'_>,
    ) -> io::Result<Next> {
        let is_last = index + 1 == self.members.len();
        let newer_has_bytes = self
            .members
            .iter()
            .skip(index + 1)
            .any(|m| m.body.is_packed() || m.body.stat().is_ok_and(|stat| stat.size > 0));
        let member = &mut self.members[index];
        if member.borrowed {
            return Ok(Next::Wait);
        }
        out.rotated = !is_last;
        let left = (budget as u64).saturating_sub(out.bytes);
        let left = usize::try_from(left).unwrap_or(budget);
        match member.step(buf, left, limit, out)? {
            Step::More => Ok(Next::Again),
            Step::Replaced if member.drained_at.is_none() => Ok(Next::Replaced),
            Step::Replaced => Ok(Next::Remove(Some(Lost::Replaced(member.unread_seen())))),
            Step::End { .. } if is_last && !member.body.is_packed() => Ok(Next::Wait),
            Step::End { .. } if member.body.is_packed() => {
                member.finish(out)?;
                Ok(if is_last { Next::Wait } else { Next::Remove(None) })
            }
            Step::End { partial } => {
                let since = *member.quiet_since.get_or_insert(out.arrival);
                let quiet = out.arrival.since_s(since) >= PARTIAL_QUIET_S;
                if partial && !newer_has_bytes && !quiet {
                    return Ok(Next::Wait);
                }
                if partial && (member.drained_at.is_none() || quiet) {
                    member.finish(out)?;
                }
                let drained = *member.drained_at.get_or_insert(out.arrival);
                let over = out.arrival.since_s(drained) >= LATE_S;
                Ok(if over { Next::Remove(None) } else { Next::File })
            }
        }
    }

    /// Remembers a file that is read to its end. What was remembered of it when it ended sooner
    /// is forgotten: perhaps it was no more than a header that others have as well.
    fn drained(&mut self, index: usize) {
        let Some(member) = self.members.get_mut(index) else { return };
        let read = Read::of(&member.mark);
        if read.offset == 0 || self.read.contains(&read) {
            return;
        }
        self.read.retain(|sooner| sooner.offset >= read.offset || !sooner.is_in(member));
        if self.read.len() >= SIBLINGS_MAX {
            self.read.pop_front();
        }
        self.read.push_back(read);
    }

    /// Closes a file that is not the last.
    fn retire(
        &mut self,
        index: usize,
        lost: Option<Lost>,
        out: &mut Out<'_>,
        notices: &mut Vec<Notice>,
    ) {
        if let Some(lost) = lost {
            lost.count(out.counters);
            notices.push(Notice::Lost { path: self.row.path.clone(), lost });
        }
        if let Some(member) = self.members.remove(index) {
            self.remember(member.key, member.mark);
        }
        self.dirty = true;
    }

    /// Remembers how far a file was read that is not held any more.
    pub(crate) fn remember(&mut self, key: FileKey, mark: Mark) {
        self.finished.retain(|(other, _)| *other != key);
        if self.finished.len() >= FINISHED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back((key, mark));
    }

    /// A file was cut or written anew: what was unread of it may lie in a copy. Everything from
    /// it on waits for the answer; an answer that is on its way tells of the same siblings.
    pub(crate) fn replaced(&mut self, index: usize) {
        let mut arrivals = self.members.split_off(index);
        let Some(member) = arrivals.front_mut() else { return };
        let size = member.body.stat().map_or(0, |stat| stat.size);
        let cut =
            size > 0 && size < member.mark.offset && member.mark.is_cut(&mut member.body, size);
        let anchor = Anchor::Gone {
            key: member.key,
            mark: member.mark.clone(),
            words: Box::new(Words::read(&self.row.cursor)),
            unread: member.unread_seen(),
        };
        member.restart(Mark::start());
        arrivals.extend(self.pending.take().into_iter().flat_map(|pending| pending.arrivals));
        self.pending = Some(Pending::truncated(anchor, arrivals, cut.then_some(size)));
    }

    fn trim_late(&mut self, out: &mut Out<'_>, notices: &mut Vec<Notice>) {
        while self.late_count() > LATE_PER_PATH_MAX {
            self.retire(0, None, out, notices);
        }
    }

    /// How many rotated files are only watched for late lines.
    pub(crate) fn late_count(&self) -> usize {
        self.members.iter().take_while(|m| m.drained_at.is_some()).count()
    }

    /// Closes the oldest of the late files.
    pub(crate) fn drop_oldest_late(&mut self) {
        if self.late_count() > 0
            && let Some(member) = self.members.pop_front()
        {
            self.remember(member.key, member.mark);
            self.update_row(true);
        }
    }

    /// How many files it holds.
    pub(crate) fn files(&self) -> usize {
        self.members.len() + self.pending.as_ref().map_or(0, |pending| pending.arrivals.len())
    }

    /// Whether it could give one up.
    pub(crate) fn holds_several(&self) -> bool {
        self.members.len() > 1
    }

    /// Gives up the oldest file that it holds, unless that is the last; whether it did.
    pub(crate) fn give_up_oldest(&mut self, notices: &mut Vec<Notice>) -> bool {
        if !self.holds_several() {
            return false;
        }
        let Some(member) = self.members.pop_front() else { return false };
        let unread = member.backlog();
        if unread > 0 {
            let lost = Lost::GivenUp(unread);
            lost.count(&mut self.counters);
            notices.push(Notice::Lost { path: self.row.path.clone(), lost });
        }
        self.remember(member.key, member.mark);
        self.update_row(true);
        true
    }

    /// Brings the row to where reading is.
    pub(crate) fn update_row(&mut self, moved: bool) {
        let late_count = self.late_count();
        let Some(front) = self.members.get(late_count) else { return };
        if front.borrowed {
            return;
        }
        if !moved
            && !self.dirty
            && (self.row.dev, self.row.ino) == front.key
            && self.row.offset == front.mark.offset
        {
            return;
        }
        let words = Words {
            mtime_ns: Some(front.mtime_ns),
            born_ns: front.born_ns,
            late: self.members.iter().take(late_count).map(Late::of).collect(),
            read: self.read.iter().copied().collect(),
        };
        (self.row.dev, self.row.ino) = front.key;
        front.mark.to_row(&mut self.row);
        self.row.cursor = words.write();
        self.dirty = true;
    }

    /// Whether the chain can be closed: its path is gone for long, and it was read to its end.
    pub(crate) fn is_over(&self, now: Stamp) -> bool {
        self.gone_since.is_some_and(|since| now.since_s(since) >= LATE_S)
            && self.pending.is_none()
            && self.members.len() <= 1
            && !self.hot
    }

    /// The bytes that wait.
    pub(crate) fn backlog(&self) -> u64 {
        let arrivals = self.pending.iter().flat_map(|pending| &pending.arrivals);
        let unread = |m: &Member| if m.borrowed { 0 } else { m.backlog() };
        self.members.iter().chain(arrivals).map(unread).sum()
    }

    /// The files of other chains that this one waits for.
    pub(crate) fn borrowed(&self) -> HashSet<FileKey> {
        let arrivals = self.pending.iter().flat_map(|pending| &pending.arrivals);
        self.members.iter().chain(arrivals).filter(|m| m.borrowed).map(|m| m.key).collect()
    }
}

/// What to do after one step of one file.
enum Next {
    Again,
    File,
    Wait,
    Remove(Option<Lost>),
    Replaced,
}
