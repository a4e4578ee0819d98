//! Whether one file is the other one again: a copy, its packed form, a copy that is being made.

use std::collections::VecDeque;

use monban_model::limits::HEAD_BYTES;

use super::mark::{Mark, Match};
use super::member::{FileKey, Member};
use super::row::Read;

/// Whether `copy` is a copy of `original` or its packed form, perhaps one that is still being made:
/// it is not the older one, and the original begins with all that is in it. The other way round
/// tells nothing: every file that was just begun is the beginning of others, where each begins
/// with the same header or with half of a first line.
pub(super) fn is_copy(copy: &mut Member, original: &mut Member) -> bool {
    let born = (original.born_ns, copy.body.born_ns());
    if original.body.is_packed() || matches!(born, (Some(first), Some(second)) if second < first) {
        return false;
    }
    let Ok(room) = original.body.stat().map(|stat| stat.size) else { return false };
    // The first bytes are cheap, and mostly tell.
    if !begins_as(original, copy) {
        return false;
    }
    let Ok(Some(size)) = copy.body.size_within(room) else { return false };
    let mark = Mark::read(&mut original.body, size);
    mark.is_ok_and(|mut mark| matches!(mark.compare(&mut copy.body), Ok(Match::Here)))
}

/// Whether `original` has the first bytes of `copy`, which is not empty.
fn begins_as(original: &mut Member, copy: &mut Member) -> bool {
    let mut bytes = [[0; HEAD_BYTES]; 2];
    let Ok(size) = copy.body.read_at(&mut bytes[1], 0) else { return false };
    let got = original.body.read_at(&mut bytes[0][..size], 0);
    size > 0 && got.is_ok_and(|got| bytes[0][..got] == bytes[1][..size])
}

/// Whether `other` is empty and younger than a file that still has its name: a copy of it is being
/// made, and what will stand in it is read where it stands now.
pub(super) fn is_begun_copy(arrival: &Member, other: &Member) -> bool {
    let born = (arrival.born_ns, other.body.born_ns());
    arrival.key != other.key
        && other.body.stat().is_ok_and(|stat| stat.size == 0)
        && matches!(born, (Some(then), Some(later)) if later > then)
        && !arrival.body.is_deleted()
}

/// Whether `copy` is a plain and complete copy of a file that still has its name: it is going to
/// be truncated. Then the copy is read, and the file from behind what was copied, so that its
/// truncation is noticed. Both end with a whole line.
pub(super) fn continues(arrival: &mut Member, copy: &mut Member) -> bool {
    let sizes = (arrival.body.stat(), copy.body.stat());
    let (Ok(size), Ok(copied)) = (sizes.0.map(|s| s.size), sizes.1.map(|s| s.size)) else {
        return false;
    };
    let mut last = [0];
    if arrival.key == copy.key
        || copy.body.is_packed()
        || arrival.mark.offset > 0
        || arrival.body.is_deleted()
        || size != copied
        || copy.body.read_at(&mut last, copied.saturating_sub(1)).is_err()
        || last != *b"\n"
    {
        return false;
    }
    match Mark::read(&mut arrival.body, copied) {
        Ok(mark) => {
            arrival.restart(mark);
            true
        }
        Err(_) => false,
    }
}

/// Whether a file of the same inode is the same file: an inode that is free is soon used again.
/// Where the file system knows no birth times, the bytes before a mark have to tell, if there
/// are any.
pub(super) fn is_same(born_ns: Option<i128>, member: &Member, offset: u64) -> bool {
    match (born_ns, member.born_ns) {
        (Some(then), Some(now)) => then == now,
        _ => offset > 0,
    }
}

/// The sibling that holds a copy of what the mark was made in, other than `own` and those that were
/// read further: with the unread rest, or else at least with the same beginning.
pub(super) fn copy_of(
    mark: &mut Mark,
    found: &mut [Member],
    own: &[FileKey],
    read: &VecDeque<Read>,
) -> Option<(usize, Match)> {
    if mark.offset == 0 {
        return None;
    }
    let mut behind = None;
    for (at, member) in found.iter_mut().enumerate() {
        if own.contains(&member.key) {
            continue;
        }
        match mark.compare(&mut member.body) {
            Ok(Match::Here) => {
                let mut further = read.iter().filter(|read| read.offset > mark.offset);
                if !further.any(|read| read.is_in(member)) {
                    return Some((at, Match::Here));
                }
            }
            Ok(Match::Behind) => behind = Some((at, Match::Behind)),
            Ok(Match::No) | Err(_) => {}
        }
    }
    behind
}
