//! Following files over every style of rotation, each line exactly once.
//!
//! A [`Feed`] holds one chain of files for each path: the rotated file that is not read to its end
//! yet, the whole files after it, the one that stands at the path now. They are read strictly one
//! after the other, so one row says how far a path was read. The caller commits the rows of
//! [`Feed::positions`] together with what it made of the lines; after an end at any instant,
//! `Feed::new` with the committed rows goes on at exactly that place.
//!
//! What happens to a log, and how it is met:
//!
//! | happens | met by |
//! |---|---|
//! | rename and create, symlink swap | the old descriptor is read first and watched a while |
//! | the same while we were away | the half-read file is found by inode, later ones read whole |
//! | copytruncate | the size or the bytes before our place tell; the copy is found by its content |
//! | packed before we read the rest | the packed sibling is found by its content and unpacked |
//! | cut in its middle | what is left was counted; reading goes on where it was cut |
//! | a glob that also matches rotated names | a file is read by the path that began it, once |
//!
//! What a file begins with names no file: many logs begin with the same header in every file. A
//! copy is told by all that is in it, and a file that was read by its first and its last bytes.
//!
//! Absent on purpose: a log that is copied and truncated twice between two looks, so that nothing
//! of the content between was ever read, is not told from one that was truncated once. Rotated
//! files that hold nothing but the same header are not told from each other: where the file that
//! was read last is gone and such ones came while we were away, unread turns may be missed.
//! Rotated files in another directory (logrotate's `olddir`) are not found, and what was unread of
//! them is reported as lost.

mod age;
mod begin;
mod body;
mod chain;
mod copy;
mod mark;
mod member;
mod notice;
mod offer;
mod resolve;
mod row;
mod share;

use std::collections::HashMap;
use std::fs::File;

use monban_model::limits::{FEED_NOTICES_MAX, FILES_MAX, LATE_FILES_MAX, PATH_MAX, POSITIONS_MAX};
use monban_model::{Line, PositionRow, SourceId, Stamp};

use chain::Chain;
use member::{Member, Out, is_used_up};
pub use notice::{Counters, Lost, Notice};
pub use offer::{FileRef, From, Offer, OfferError, Progress, Want};

/// Bytes of one read, few enough to stay near the processor until their lines are read; it is also
/// what one file gets before the others have their turn.
const BUFFER_BYTES: usize = 64 * 1024;

/// The time before the first read: the feed knows no clock until then.
const BEFORE_ALL: Stamp = Stamp(i64::MIN);

/// Follows files. It opens nothing and knows no clock.
pub struct Feed {
    chains: Vec<Option<Chain>>,
    paths: HashMap<String, usize>,
    saved: HashMap<String, PositionRow>,
    forgotten: Vec<String>,
    /// Rows of paths that are not followed any more, not fetched yet.
    left: Vec<PositionRow>,
    notices: Vec<Notice>,
    buffer: Vec<u8>,
    next: usize,
    now: Stamp,
    looked_after: Stamp,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Each log's in its turn: live lines are all of now.
    Round,
    /// That of the log whose last line is the oldest, one buffer of it: old lines of several logs
    /// tell of the same events, and only those that are read close together are known as such.
    Oldest,
}

impl Feed {
    /// Goes on where these rows end. Rows of the journal (they have no inode) are left alone.
    pub fn new(saved: Vec<PositionRow>) -> Self {
        let files = saved.into_iter().filter(|row| row.ino != 0).take(POSITIONS_MAX);
        Self {
            chains: Vec::new(),
            paths: HashMap::new(),
            saved: files.map(|row| (row.path.clone(), row)).collect(),
            forgotten: Vec::new(),
            left: Vec::new(),
            notices: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            next: 0,
            now: BEFORE_ALL,
            looked_after: Stamp(i64::MIN),
        }
    }

    /// Takes the file that stands at a path now: at the start, when it appears, and when another
    /// one takes its place. The same file again changes nothing. Follow with [`Feed::wants`].
    ///
    /// # Errors
    /// See [`OfferError`]; nothing is changed then.
    pub fn offer(&mut self, offer: Offer, file: File) -> Result<SourceId, OfferError> {
        if offer.path.len() > PATH_MAX {
            return Err(OfferError::PathTooLong);
        }
        let mut member = Member::open(file).map_err(OfferError::Io)?;
        if let Some(&index) = self.paths.get(&offer.path) {
            let taken = self.taken_by_others(index);
            let known = self.known_mark(&offer.path, &mut member);
            if let Some(chain) = &mut self.chains[index] {
                if taken.contains(&member.key) {
                    member.borrowed = true;
                } else if let Some(mark) = known {
                    member.restart(mark);
                }
                chain.arrive(member);
            }
            return Ok(SourceId(index as u32));
        }
        if self.paths.len() >= FILES_MAX {
            return Err(OfferError::TooMany);
        }
        let index = self.chains.iter().position(Option::is_none).unwrap_or(self.chains.len());
        let chain = self.begin(index, &offer, member).map_err(OfferError::Io)?;
        if index == self.chains.len() {
            self.chains.push(None);
        }
        self.chains[index] = Some(chain);
        self.paths.insert(offer.path, index);
        Ok(SourceId(index as u32))
    }

    /// No file stands at this path any more. What is open is still read.
    pub fn gone(&mut self, path: &str) {
        let now = self.now;
        if let Some(chain) = self.chain_mut(path) {
            chain.gone_since.get_or_insert(now);
        }
    }

    /// This path is not followed any more. Its row is kept: followed again, it goes on there.
    pub fn leave(&mut self, path: &str) {
        let Some(index) = self.paths.remove(path) else { return };
        let Some(chain) = self.chains[index].take() else { return };
        if chain.dirty {
            self.left.push(chain.row.clone());
        }
        self.saved.insert(chain.row.path.clone(), chain.row);
    }

    /// Nothing will stand at this path again, which is not followed: its row is of no use.
    pub fn forget(&mut self, path: &str) {
        self.saved.remove(path);
        self.left.retain(|row| row.path != path);
    }

    /// What the warden has to be asked now. Each request is given once.
    pub fn wants(&mut self) -> Vec<Want> {
        self.chains.iter_mut().flatten().filter_map(Chain::want).collect()
    }

    /// Whether [`Feed::wants`] would give nothing.
    pub fn wants_are_empty(&self) -> bool {
        self.chains.iter().flatten().all(|chain| !chain.has_want())
    }

    /// Takes one file of the answer to a [`Want`]; oldest first.
    pub fn sibling(&mut self, path: &str, file: File) {
        if let Some(pending) = self.chain_mut(path).and_then(|chain| chain.pending.as_mut()) {
            pending.sibling(file);
        }
    }

    /// The answer to a [`Want`] is complete.
    pub fn siblings_end(&mut self, path: &str) {
        let Some(&index) = self.paths.get(path) else { return };
        let taken = self.taken_by_others(index);
        if let Some(chain) = &mut self.chains[index] {
            chain.resolve(&taken, self.now, &mut self.notices);
        }
    }

    /// The file at this path, or the one before it, may have changed.
    pub fn wake(&mut self, path: &str) {
        if let Some(chain) = self.chain_mut(path) {
            chain.hot = true;
        }
    }

    /// Every file may have changed. To be called about once a second, since not every file system
    /// tells of changes, and late files are closed by time.
    pub fn wake_all(&mut self) {
        for chain in self.chains.iter_mut().flatten() {
            chain.hot = true;
        }
    }

    /// Reads about `max_bytes` (at least one piece) of the files that were woken, in turns, and
    /// hands out complete lines. `arrival` is the time now.
    pub fn read(
        &mut self,
        max_bytes: usize,
        arrival: Stamp,
        turns: Turns,
        sink: &mut dyn FnMut(Line<'_>, FileRef<'_>),
    ) -> Progress {
        let before = std::mem::replace(&mut self.now, arrival);
        if before == BEFORE_ALL || arrival < before {
            // What was taken over from a saved row is as old as this run, not as all times; and a
            // clock that was set back must not hold up what waits.
            self.looked_after = BEFORE_ALL;
            self.chains.iter_mut().flatten().for_each(|chain| chain.wait_from(arrival));
        }
        let mut progress = Progress::default();
        let mut cold_in_a_row = 0;
        while cold_in_a_row < self.chains.len() && !is_used_up(max_bytes as u64, progress.bytes) {
            let index = match turns {
                Turns::Round => self.next % self.chains.len(),
                Turns::Oldest if progress.bytes > 0 => break,
                Turns::Oldest => match self.oldest() {
                    Some(index) => index,
                    None => break,
                },
            };
            self.next = index + 1;
            let Some(chain) = self.chains[index].as_mut().filter(|chain| chain.hot) else {
                cold_in_a_row += 1;
                continue;
            };
            let left = usize::try_from(max_bytes as u64 - progress.bytes).unwrap_or(max_bytes);
            let path = chain.row.path.clone();
            let mut counters = Counters::default();
            let mut out = Out {
                sink: &mut *sink,
                arrival,
                source: chain.source,
                path: &path,
                rotated: false,
                counters: &mut counters,
                bytes: 0,
                lines: 0,
            };
            let budget = left.min(BUFFER_BYTES);
            let turn = chain.turn(&mut self.buffer, budget, &mut out, &mut self.notices);
            progress.bytes += turn.bytes;
            progress.lines += turn.lines;
            chain.hot = turn.more;
            cold_in_a_row = if turn.more { 0 } else { cold_in_a_row + 1 };
        }
        self.hand_over();
        if arrival.since_s(self.looked_after) >= 1 {
            self.looked_after = arrival;
            self.look_after(arrival);
        }
        progress.more = self.chains.iter().flatten().any(|chain| chain.hot);
        progress
    }

    /// The log with something to read whose last line is the oldest.
    fn oldest(&self) -> Option<usize> {
        let hot = self.chains.iter().enumerate();
        let hot = hot.filter_map(|(at, chain)| Some((chain.as_ref().filter(|c| c.hot)?, at)));
        hot.min_by_key(|(chain, at)| (chain.row.last, *at)).map(|(_, at)| at)
    }

    /// Adds to the sightings of a source and sets the event time of its last line; both are kept
    /// in its row.
    pub fn note(&mut self, source: SourceId, sightings: u64, last: Stamp) {
        if let Some(Some(chain)) = self.chains.get_mut(source.0 as usize) {
            chain.row.sightings += sightings;
            // Nothing is known of the time of a line that only jails read.
            if last > Stamp::default() {
                chain.row.last = last;
            }
        }
    }

    /// The rows that changed since the last call. Every offset is behind the last line that was
    /// handed out, so they are to be committed with what was made from the lines up to now.
    pub fn positions(&mut self) -> Vec<PositionRow> {
        let left = std::mem::take(&mut self.left);
        let dirty = self.chains.iter_mut().flatten().filter(|chain| chain.dirty);
        let rows = dirty.map(|chain| {
            chain.dirty = false;
            chain.row.clone()
        });
        left.into_iter().chain(rows).collect()
    }

    /// Paths whose rows are of no use any more: their files were read, and have no name now.
    pub fn forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    /// What was lost or could not be read since the last call, at most [`FEED_NOTICES_MAX`].
    pub fn notices(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.notices);
        let over = notices.len().saturating_sub(FEED_NOTICES_MAX);
        if over > 0 {
            notices.truncate(FEED_NOTICES_MAX);
            notices.push(Notice::More(over));
        }
        notices
    }

    /// Bytes that are there and not read, packed files by their packed size.
    pub fn backlog_bytes(&self) -> u64 {
        self.chains.iter().flatten().map(Chain::backlog).sum()
    }

    /// The same of one path.
    pub fn backlog_of(&self, path: &str) -> u64 {
        let chain = self.paths.get(path).and_then(|index| self.chains.get(*index)?.as_ref());
        chain.map_or(0, Chain::backlog)
    }

    /// How many files are open.
    pub fn files(&self) -> usize {
        self.chains.iter().flatten().map(Chain::files).sum()
    }

    /// For a feed that is not read all the time: gives up the oldest file of the path that has most
    /// of them, and says so if something of it was unread. False if each path has but one.
    pub fn give_up_oldest(&mut self) -> bool {
        let several = self.chains.iter_mut().flatten().filter(|chain| chain.holds_several());
        let most = several.max_by_key(|chain| chain.files());
        most.is_some_and(|chain| chain.give_up_oldest(&mut self.notices))
    }

    /// Whether a path is followed: the file there, or what is left of one that is gone.
    pub fn follows(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// The path of a source.
    pub fn path(&self, source: SourceId) -> Option<&str> {
        Some(&self.chains.get(source.0 as usize)?.as_ref()?.row.path)
    }

    /// Every path that is followed, with its row as it is now and what was counted in this run.
    pub fn sources(&self) -> impl Iterator<Item = (SourceId, &PositionRow, &Counters)> {
        self.chains.iter().flatten().map(|chain| (chain.source, &chain.row, &chain.counters))
    }

    fn chain_mut(&mut self, path: &str) -> Option<&mut Chain> {
        self.chains.get_mut(*self.paths.get(path)?)?.as_mut()
    }

    /// Closes what is not needed any more.
    fn look_after(&mut self, now: Stamp) {
        let late: usize = self.chains.iter().flatten().map(Chain::late_count).sum();
        for _ in LATE_FILES_MAX..late {
            let most = self.chains.iter_mut().flatten().max_by_key(|chain| chain.late_count());
            most.into_iter().for_each(Chain::drop_oldest_late);
        }
        for slot in &mut self.chains {
            // A chain with a change that was not fetched yet stays until it was.
            let Some(chain) = slot.take_if(|chain| chain.is_over(now) && !chain.dirty) else {
                continue;
            };
            self.paths.remove(&chain.row.path);
            let unread = chain.backlog();
            if unread > 0 {
                let path = chain.row.path.clone();
                self.notices.push(Notice::Lost { path, lost: Lost::Unfinished(unread) });
            }
            if chain.members.back().is_none_or(|member| member.body.is_deleted())
                || self.saved.len() >= POSITIONS_MAX
            {
                self.forgotten.push(chain.row.path);
            } else {
                self.saved.insert(chain.row.path.clone(), chain.row);
            }
        }
    }
}
