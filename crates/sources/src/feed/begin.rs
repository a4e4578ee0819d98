//! Where the chain of a path begins: at its saved row, or where the offer says.

use std::io;

use monban_model::{PositionRow, SourceId};

use super::chain::Chain;
use super::mark::{Mark, Match};
use super::member::Member;
use super::resolve::{Anchor, Pending};
use super::row::Words;
use super::{BUFFER_BYTES, Feed, From, Offer};

impl Feed {
    /// Begins the chain of a path that was not followed until now.
    pub(super) fn begin(
        &mut self,
        index: usize,
        offer: &Offer,
        mut member: Member,
    ) -> io::Result<Chain> {
        let source = SourceId(index as u32);
        let taken = self.taken_by_others(index);
        let row = self.saved.remove(&offer.path);
        let Some(row) = row else {
            let mut chain = Chain::new(source, PositionRow::unread(&offer.path));
            if taken.contains(&member.key) {
                member.borrowed = true;
            } else if let Some(mark) = self.known_mark(&offer.path, &mut member) {
                member.restart(mark);
            } else {
                let mark = first_mark(&mut member, offer.from)?;
                member.restart(mark);
            }
            chain.arrive(member);
            chain.update_row(true);
            return Ok(chain);
        };
        let mut mark = Mark::of_row(&row);
        let key = (row.dev, row.ino);
        let words = Box::new(Words::read(&row.cursor));
        let mut chain = Chain::new(source, row);
        if taken.contains(&member.key) {
            member.borrowed = true;
        }
        let born = (words.born_ns, member.born_ns);
        let is_other = matches!(born, (Some(then), Some(now)) if then != now);
        if key == member.key && !is_other {
            if matches!(mark.compare(&mut member.body), Ok(Match::Here)) {
                let further = self.known_mark(&offer.path, &mut member);
                let further = further.filter(|further| further.offset > mark.offset);
                let mark = further.unwrap_or(mark);
                let begun_at = mark.offset;
                member.restart(mark);
                if begun_at == 0 {
                    // Nothing of it was read, so nothing shows whether it was copied and
                    // truncated since; what is newer among its siblings was.
                    let anchor = Anchor::Gone { key, mark: Mark::start(), words, unread: 0 };
                    chain.pending = Some(Pending::truncated(anchor, [member].into(), None));
                } else if words.late.is_empty() {
                    chain.arrive(member);
                } else {
                    chain.pending = Some(Pending::new(Anchor::Same, member));
                }
                return Ok(chain);
            }
            let size = member.body.stat()?.size;
            let cut = size > 0 && size < mark.offset && mark.is_cut(&mut member.body, size);
            let anchor = Anchor::Gone { key, mark, words, unread: 0 };
            let arrivals = [member].into();
            chain.pending = Some(Pending::truncated(anchor, arrivals, cut.then_some(size)));
            return Ok(chain);
        }
        if !member.borrowed
            && let Some(known) = self.known_mark(&offer.path, &mut member)
        {
            member.restart(known);
        }
        let anchor = Anchor::Gone { key, mark, words, unread: 0 };
        chain.pending = Some(Pending::new(anchor, member));
        Ok(chain)
    }
}

/// Where a file begins that was never read.
fn first_mark(member: &mut Member, from: From) -> io::Result<Mark> {
    let back = match from {
        From::Start => return Ok(Mark::start()),
        From::End => 0,
        From::Bytes(back) => back,
    };
    if member.body.is_packed() {
        return Ok(Mark::start());
    }
    let size = member.body.stat()?.size;
    let around = size.saturating_sub(back);
    let mut buf = vec![0; BUFFER_BYTES];
    // For the end: the start of the last line, which may not be finished yet.
    if back == 0 {
        let from = size.saturating_sub(BUFFER_BYTES as u64);
        let got = member.body.read_at(&mut buf, from)?;
        let line = memchr::memrchr(b'\n', &buf[..got]).map_or(0, |at| at + 1);
        return Mark::read(&mut member.body, from + line as u64);
    }
    if around == 0 {
        return Ok(Mark::start());
    }
    let got = member.body.read_at(&mut buf, around - 1)?;
    let offset = match memchr::memchr(b'\n', &buf[..got]) {
        Some(at) => around + at as u64,
        None => around,
    };
    Mark::read(&mut member.body, offset)
}
