//! The lines that are searched together, where a filter says `maxlines`.

use std::sync::Arc;

use monban_pyre::Match;

use super::dated::Seen;
use super::failure::Split;
use super::pattern::Pattern;

/// A line in which the date is known, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'l> {
    /// What stands before the date.
    pub before: &'l str,
    /// The date; empty if there is none.
    pub date: &'l str,
    /// What stands behind it.
    pub behind: &'l str,
    /// The last date that was seen stands for its own.
    pub carries: bool,
}

impl<'l> Cut<'l> {
    /// A line whose date was seen.
    pub fn of(line: &'l str, seen: &Seen) -> Self {
        match seen.cut {
            Some(_) => Self::at(line, seen.cut),
            None => Self { carries: seen.carries, ..Self::at(line, None) },
        }
    }

    /// A line whose date is between these bytes.
    pub fn at(line: &'l str, cut: Option<(usize, usize)>) -> Self {
        let Some((start, end)) = cut else {
            return Self { before: "", date: "", behind: line, carries: false };
        };
        Self {
            before: line.get(..start).unwrap_or_default(),
            date: line.get(start..end).unwrap_or_default(),
            behind: line.get(end..).unwrap_or_default(),
            carries: false,
        }
    }
}

/// Makes `text` that of the lines; without lines it is an empty line.
pub fn joined<L: AsRef<Split>>(text: &mut String, lines: &[L]) {
    text.clear();
    append(text, lines);
    if lines.is_empty() {
        text.push('\n');
    }
}

/// Adds the text of the lines, each with its end.
pub fn append<L: AsRef<Split>>(text: &mut String, lines: &[L]) {
    for line in lines.iter().map(AsRef::as_ref) {
        text.extend([line.before.as_str(), &line.behind, "\n"]);
    }
}

/// The lines that a match covers, and the others.
#[derive(Clone, Debug, Default)]
pub struct Parted {
    /// Those that the match is about.
    pub matched: Vec<Arc<Split>>,
    /// Those before, behind, and passed over by `<SKIPLINES>`.
    pub others: Vec<Split>,
}

/// Parts `lines`, from which `text` may have been made, by a match in that text.
pub fn part(lines: &[Split], text: &str, pattern: &Pattern, found: &Match) -> Parted {
    let shared = |line: &Split| Arc::new(line.clone());
    if lines.len() <= 1 {
        return Parted { matched: lines.iter().map(shared).collect(), others: Vec::new() };
    }
    let (start, end) = found.span(0).unwrap_or((0, 0));
    let bytes = text.as_bytes();
    // The start of the match may be the end of the line before: that line is in it then.
    let begin = bytes[..(start + 1).min(bytes.len())].iter().rposition(|b| *b == b'\n');
    let begin = begin.map_or(0, |at| at + 1);
    let from = end.saturating_sub(1).min(bytes.len());
    let finish = bytes[from..].iter().position(|b| *b == b'\n');
    let finish = finish.map_or(bytes.len(), |at| from + at + 1);
    let count = |until: usize| bytes[..until].iter().filter(|b| **b == b'\n').count();
    let (first, last) = (count(begin).min(lines.len()), count(finish).min(lines.len()));
    let mut matched: Vec<_> = lines[first..last.max(first)].iter().map(shared).collect();
    let mut others = lines[..first].to_vec();
    let mut at = 0;
    for skipped in pattern.skipped(found, text) {
        let place = matched.iter().skip(at).position(|line| line.is_searched_as(skipped));
        if let Some(place) = place {
            others.push(Arc::unwrap_or_clone(matched.remove(at + place)));
            at += place;
        }
    }
    others.extend_from_slice(&lines[last.max(first)..]);
    Parted { matched, others }
}
