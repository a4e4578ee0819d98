//! One file of a chain: reading lines from it and knowing how far.

use std::fs::File;
use std::io;

use monban_model::limits::{LINE_MAX, TAIL_BYTES};
use monban_model::{Line, SourceId, Stamp};

use super::body::{Body, Stat};
use super::mark::Mark;
use super::{Counters, FileRef};
use crate::frame::{Left, clean, split};

/// Whether what is left of `budget` bytes behind `done` ones is not worth a read of its own. The
/// first one always is.
pub(crate) fn is_used_up(budget: u64, done: u64) -> bool {
    done > 0 && done + CHUNK_MIN as u64 > budget
}

/// Device and inode.
pub(crate) type FileKey = (u64, u64);

/// Least bytes that are read at once: more than the longest line, so that every read gets on.
const CHUNK_MIN: usize = 2 * LINE_MAX + TAIL_BYTES;

/// One file of a chain.
pub(crate) struct Member {
    pub(crate) key: FileKey,
    pub(crate) body: Body,
    /// When it was made, where the file system knows.
    pub(crate) born_ns: Option<i128>,
    /// When it had changed last before it was opened, read or begun anew.
    pub(crate) mtime_ns: i128,
    pub(crate) mark: Mark,
    /// A line that is longer than `LINE_MAX` and whose end was not found yet.
    long: Option<Long>,
    /// The file as it was when its end was reached.
    seen: Option<Stat>,
    /// Since when it has been at its end with an unfinished line.
    pub(crate) quiet_since: Option<Stamp>,
    /// Read to its end while a newer file was there; it is only watched for late lines.
    pub(crate) drained_at: Option<Stamp>,
    /// Another path reads this file; this one waits.
    pub(crate) borrowed: bool,
}

struct Long {
    head: Vec<u8>,
    /// Up to where no line end was found.
    mark: Mark,
}

/// What one step of reading came to.
pub(crate) enum Step {
    /// There is more.
    More,
    /// The end; perhaps with an unfinished line.
    End { partial: bool },
    /// The content before our place is not what it was, or is gone.
    Replaced,
}

/// Where lines go, and what is counted on the way.
pub(crate) struct Out<'a> {
    pub(crate) sink: &'a mut dyn FnMut(Line<'_>, FileRef<'_>),
    pub(crate) arrival: Stamp,
    pub(crate) source: SourceId,
    pub(crate) path: &'a str,
    pub(crate) rotated: bool,
    pub(crate) counters: &'a mut Counters,
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

impl Out<'_> {
    fn line(&mut self, bytes: &[u8], position: u64) {
        self.lines += 1;
        let line = Line { bytes, source: self.source, position, arrival: self.arrival };
        (self.sink)(line, FileRef { path: self.path, rotated: self.rotated });
    }

    fn count(&mut self, left: Left) {
        self.counters.cut += left.cut;
        self.counters.cut_bytes += left.cut_bytes;
        self.counters.nul_bytes += left.nul_bytes;
    }
}

impl Member {
    /// A file that is read from its start.
    ///
    /// # Errors
    /// What fstat and reading say.
    pub(crate) fn open(file: File) -> io::Result<Self> {
        let body = Body::open(file)?;
        let (key, born_ns, mtime_ns) = (body.id()?, body.born_ns(), body.stat()?.mtime_ns);
        Ok(Self {
            key,
            born_ns,
            mtime_ns,
            body,
            mark: Mark::start(),
            long: None,
            seen: None,
            quiet_since: None,
            drained_at: None,
            borrowed: false,
        })
    }

    /// The same file read from another place.
    pub(crate) fn at(mut self, mark: Mark) -> Self {
        self.restart(mark);
        self
    }

    /// Goes to another place.
    pub(crate) fn restart(&mut self, mark: Mark) {
        if let Ok(stat) = self.body.stat() {
            self.mtime_ns = stat.mtime_ns;
        }
        self.mark = mark;
        self.long = None;
        self.seen = None;
        self.quiet_since = None;
    }

    /// The bytes that are not counted yet; of a packed file, the packed ones, once.
    pub(crate) fn backlog(&self) -> u64 {
        match self.body.stat() {
            Ok(stat) if !self.body.is_packed() => stat.size.saturating_sub(self.mark.offset),
            Ok(stat) => stat.size.saturating_sub(self.mark.offset.min(stat.size)),
            Err(_) => 0,
        }
    }

    /// Unread bytes that were there when the file was looked at last.
    pub(crate) fn unread_seen(&self) -> u64 {
        self.seen.map_or(0, |stat| stat.size.saturating_sub(self.mark.offset))
    }

    /// Reads one piece of about `budget` bytes, but not beyond `limit`, and hands out its lines.
    ///
    /// # Errors
    /// What reading says.
    pub(crate) fn step(
        &mut self,
        buf: &mut [u8],
        budget: usize,
        limit: Option<u64>,
        out: &mut Out<'_>,
    ) -> io::Result<Step> {
        let stat = self.body.stat()?;
        if !self.body.is_packed() {
            if stat.size < self.mark.offset {
                return Ok(Step::Replaced);
            }
            if self.seen == Some(stat) {
                return Ok(Step::End { partial: stat.size > self.mark.offset });
            }
            if self.long.as_ref().is_some_and(|long| stat.size < long.mark.offset) {
                self.long = None;
            }
        }
        (self.quiet_since, self.mtime_ns) = (None, stat.mtime_ns);
        match self.long.take() {
            None => self.piece(buf, budget, limit, stat, out),
            Some(long) => self.piece_of_long(long, buf, budget, limit, stat, out),
        }
    }

    /// Hands out the unfinished line at the end, for a file that gets no more.
    ///
    /// # Errors
    /// What reading says.
    pub(crate) fn finish(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        let mut left = Left::default();
        if let Some(long) = self.long.take() {
            left.cut = 1;
            left.cut_bytes = long.mark.offset - self.mark.offset - LINE_MAX as u64;
            out.line(&long.head, self.mark.offset);
            self.mark = long.mark;
        } else {
            let mut rest = vec![0; LINE_MAX + 2];
            let got = self.body.read_at(&mut rest, self.mark.offset)?;
            rest.truncate(got);
            if !rest.is_empty() {
                out.line(clean(&rest, &mut left), self.mark.offset);
                self.mark.advance(&rest);
            }
        }
        out.count(left);
        self.seen = None;
        Ok(())
    }

    /// Whether its end was not reached since it changed.
    pub(crate) fn is_unlooked(&self) -> bool {
        self.seen.is_none() && !self.borrowed
    }

    /// Remembers the file as it was before a read that came to its end.
    fn looked(&mut self, short: bool, up_to: u64, stat: Stat) {
        if short || up_to >= stat.size {
            self.seen = Some(stat);
        }
    }

    fn piece(
        &mut self,
        buf: &mut [u8],
        budget: usize,
        limit: Option<u64>,
        stat: Stat,
        out: &mut Out<'_>,
    ) -> io::Result<Step> {
        let before = self.mark.tail().len();
        let from = self.mark.offset - before as u64;
        let want = before + budget.clamp(CHUNK_MIN, buf.len() - TAIL_BYTES);
        let (want, limited) = within(want, from, limit);
        let want = want.max(before);
        let got = self.body.read_at(&mut buf[..want], from)?;
        if got < before || buf[..before] != *self.mark.tail() {
            return Ok(Step::Replaced);
        }
        let data = &buf[before..got];
        let start = self.mark.offset;
        let mut left = Left::default();
        let done = split(data, &mut left, |at, line| out.line(line, start + at as u64));
        out.count(left);
        out.bytes += done as u64;
        self.mark.advance(&data[..done]);
        let rest = &data[done..];
        if rest.len() > LINE_MAX + 1 {
            let mut mark = self.mark.clone();
            mark.advance(rest);
            out.bytes += rest.len() as u64;
            self.long = Some(Long { head: rest[..LINE_MAX].to_vec(), mark });
            return Ok(Step::More);
        }
        if got == want && !limited {
            return Ok(Step::More);
        }
        self.looked(got < want, from + got as u64, stat);
        Ok(Step::End { partial: !rest.is_empty() })
    }

    /// Looks for the end of a line that was too long for one piece.
    fn piece_of_long(
        &mut self,
        mut long: Long,
        buf: &mut [u8],
        budget: usize,
        limit: Option<u64>,
        stat: Stat,
        out: &mut Out<'_>,
    ) -> io::Result<Step> {
        // Of a packed file nothing can have changed, and it does not like to step back.
        if !self.body.is_packed() {
            let mut tail = [0; TAIL_BYTES];
            let tail = &mut tail[..self.mark.tail().len()];
            let got = self.body.read_at(tail, self.mark.offset - tail.len() as u64)?;
            if got < tail.len() || tail != self.mark.tail() {
                return Ok(Step::Replaced);
            }
        }
        let from = long.mark.offset;
        let (want, limited) = within(budget.clamp(CHUNK_MIN, buf.len()), from, limit);
        let got = self.body.read_at(&mut buf[..want], from)?;
        out.bytes += got as u64;
        let Some(end) = memchr::memchr(b'\n', &buf[..got]) else {
            long.mark.advance(&buf[..got]);
            self.long = Some(long);
            if got == want && !limited {
                return Ok(Step::More);
            }
            self.looked(got < want, from + got as u64, stat);
            return Ok(Step::End { partial: true });
        };
        long.mark.advance(&buf[..=end]);
        let length = long.mark.offset - 1 - self.mark.offset;
        out.count(Left { cut: 1, cut_bytes: length - LINE_MAX as u64, nul_bytes: 0 });
        out.line(&long.head, self.mark.offset);
        self.mark = long.mark;
        Ok(Step::More)
    }
}

/// How much to read from `from` so that `limit` is not passed, and whether that is less.
fn within(want: usize, from: u64, limit: Option<u64>) -> (usize, bool) {
    match limit.map(|limit| limit.saturating_sub(from)) {
        Some(room) if room < want as u64 => (room as usize, true),
        _ => (want, false),
    }
}
