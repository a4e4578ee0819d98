//! The lines that a tally rests on.

use std::sync::Arc;

use monban_model::limits::{EVIDENCE_LINES_MAX, EVIDENCE_TEXT_MAX};
use monban_model::{Evidence, Stamp, TallyLine, TallyLineRef};

use super::hammering::push_exact;

/// One line that told of a counted failure.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceLine {
    pub(crate) time: Stamp,
    pub(crate) rule: Arc<str>,
    pub(crate) weight: u32,
    pub(crate) connection: u64,
    pub(crate) main: bool,
    line: Vec<u8>,
}

/// A line as it is told, before it is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineTold<'a> {
    pub(crate) time: Stamp,
    pub(crate) rule: &'a Arc<str>,
    pub(crate) weight: u32,
    pub(crate) connection: u64,
    pub(crate) main: bool,
    /// It is kept up to [`EVIDENCE_TEXT_MAX`].
    pub(crate) line: &'a [u8],
}

/// The last lines of a tally, at most [`EVIDENCE_LINES_MAX`]. They stand in a ring: whoever goes on
/// and on costs no new room, and nothing is moved for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct EvidenceLines {
    ring: Vec<EvidenceLine>,
    /// Where the oldest stands, once there are as many as are kept.
    oldest: u8,
}

impl EvidenceLines {
    /// Keeps one more line, if need be in the place of the oldest. Returns how many bytes that
    /// takes more.
    pub(crate) fn keep(&mut self, told: LineTold<'_>) -> isize {
        if self.ring.len() < EVIDENCE_LINES_MAX {
            let line = EvidenceLine::of(told);
            let gained = line.bytes() as isize;
            self.push(line);
            return gained;
        }
        let Some(oldest) = self.ring.get_mut(usize::from(self.oldest)) else { return 0 };
        self.oldest = (self.oldest + 1) % EVIDENCE_LINES_MAX as u8;
        oldest.become_line(told)
    }

    /// Takes in a line that was kept elsewhere as the newest.
    pub(crate) fn push(&mut self, line: EvidenceLine) {
        self.put_in_order();
        if self.ring.len() >= EVIDENCE_LINES_MAX {
            self.ring.remove(0);
        }
        push_exact(&mut self.ring, line);
    }

    /// Takes in lines that were kept elsewhere; the newest of both stay.
    pub(crate) fn join(&mut self, other: Self) {
        self.put_in_order();
        self.ring.extend(other.into_vec());
        self.ring.sort_by_key(|line| line.time);
        self.ring.drain(..self.ring.len().saturating_sub(EVIDENCE_LINES_MAX));
    }

    /// Keeps a better line for the same attempt, unless its service's own line is kept already.
    /// Returns how many bytes that takes more.
    pub(crate) fn retell(&mut self, better: LineTold<'_>) -> isize {
        let (newer, older) = self.ring.split_at_mut(usize::from(self.oldest));
        let same = |known: &&mut EvidenceLine| known.connection == better.connection && !known.main;
        match older.iter_mut().chain(newer).find(same) {
            Some(known) => {
                let (time, weight) = (known.time, known.weight);
                known.become_line(LineTold { time, weight, main: true, ..better })
            }
            None => 0,
        }
    }

    /// Drops the lines of a connection and account.
    pub(crate) fn forget(&mut self, connection: u64) {
        self.put_in_order();
        self.ring.retain(|line| line.connection != connection);
    }

    /// The lines, oldest first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &EvidenceLine> {
        let places = 0..self.ring.len();
        places.map(|at| &self.ring[(usize::from(self.oldest) + at) % self.ring.len()])
    }

    /// The lines, oldest first.
    pub(crate) fn into_vec(mut self) -> Vec<EvidenceLine> {
        self.put_in_order();
        self.ring
    }

    /// The room that their texts take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.ring.iter().map(EvidenceLine::bytes).sum()
    }

    fn put_in_order(&mut self) {
        self.ring.rotate_left(usize::from(std::mem::take(&mut self.oldest)));
    }
}

impl FromIterator<EvidenceLine> for EvidenceLines {
    fn from_iter<T: IntoIterator<Item = EvidenceLine>>(lines: T) -> Self {
        let mut kept = Self::default();
        lines.into_iter().for_each(|line| kept.push(line));
        kept
    }
}

impl LineTold<'_> {
    fn text(&self) -> &[u8] {
        &self.line[..self.line.len().min(EVIDENCE_TEXT_MAX)]
    }
}

impl EvidenceLine {
    /// Keeps a line.
    pub(crate) fn of(told: LineTold<'_>) -> Self {
        Self {
            time: told.time,
            rule: Arc::clone(told.rule),
            weight: told.weight,
            connection: told.connection,
            main: told.main,
            line: told.text().to_vec(),
        }
    }

    /// Keeps another line in its place. Returns how many bytes it takes more.
    fn become_line(&mut self, told: LineTold<'_>) -> isize {
        let before = self.bytes();
        if !Arc::ptr_eq(&self.rule, told.rule) {
            self.rule = Arc::clone(told.rule);
        }
        (self.time, self.weight) = (told.time, told.weight);
        (self.connection, self.main) = (told.connection, told.main);
        self.line.clear();
        self.line.extend_from_slice(told.text());
        self.bytes() as isize - before as isize
    }

    /// The room that its text takes.
    fn bytes(&self) -> usize {
        self.line.capacity()
    }

    pub(crate) fn into_evidence(self) -> Evidence {
        Evidence {
            time: self.time,
            rule: self.rule.to_string(),
            weight: self.weight,
            line: self.line,
        }
    }

    pub(crate) fn as_ref(&self) -> TallyLineRef<'_> {
        TallyLineRef {
            time: self.time,
            rule: &self.rule,
            weight: self.weight,
            line: &self.line,
            connection: self.connection,
            main: self.main,
        }
    }

    pub(crate) fn from_row(row: TallyLine) -> Self {
        Self {
            time: row.evidence.time,
            rule: row.evidence.rule.into(),
            weight: row.evidence.weight,
            connection: row.connection,
            main: row.main,
            line: row.evidence.line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(lines: &mut EvidenceLines, number: i64, main: bool) -> isize {
        let (rule, text) = ("rule".into(), format!("line {number}"));
        lines.keep(LineTold {
            time: Stamp(number),
            rule: &rule,
            weight: 1,
            connection: number as u64,
            main,
            line: text.as_bytes(),
        })
    }

    fn numbers(lines: &EvidenceLines) -> Vec<i64> {
        let numbers: Vec<i64> = lines.iter().map(|line| line.time.0).collect();
        let moved: Vec<i64> = lines.clone().into_vec().iter().map(|line| line.time.0).collect();
        assert_eq!(numbers, moved);
        numbers
    }

    const MOST: i64 = EVIDENCE_LINES_MAX as i64;

    #[test]
    fn the_last_lines_stay_in_their_order() {
        let (mut lines, mut bytes) = (EvidenceLines::default(), 0);
        for number in 0..3 * MOST {
            bytes += keep(&mut lines, number, true);
            let first = (number + 1 - MOST).max(0);
            assert_eq!(numbers(&lines), (first..=number).collect::<Vec<_>>());
            assert_eq!(bytes, lines.bytes() as isize);
        }
    }

    #[test]
    fn a_ring_that_begins_anywhere_forgets_and_joins() {
        let mut lines = EvidenceLines::default();
        for number in 0..MOST + 2 {
            keep(&mut lines, number, true);
        }
        lines.forget(3);
        let rest: Vec<i64> = (2..MOST + 2).filter(|number| *number != 3).collect();
        assert_eq!(numbers(&lines), rest);
        keep(&mut lines, 100, true);
        keep(&mut lines, 101, true);
        let mut other = EvidenceLines::default();
        for number in 50..50 + 2 * MOST {
            keep(&mut other, number, true);
        }
        lines.join(other.clone());
        let newest = (50 + MOST + 2..50 + 2 * MOST).chain([100, 101]);
        assert_eq!(numbers(&lines), newest.collect::<Vec<_>>());
        assert_eq!(numbers(&other.iter().cloned().collect()), numbers(&other));
    }

    #[test]
    fn of_more_saved_lines_than_are_kept_the_last_ones_stay() {
        let saved = (0..2 * MOST).map(|number| {
            let mut one = EvidenceLines::default();
            keep(&mut one, number, true);
            one.into_vec().remove(0)
        });
        let lines: EvidenceLines = saved.collect();
        assert_eq!(numbers(&lines), (MOST..2 * MOST).collect::<Vec<_>>());
        assert_eq!(lines.bytes(), lines.iter().map(EvidenceLine::bytes).sum::<usize>());
    }

    #[test]
    fn a_better_line_takes_the_place_of_the_same_attempts() {
        let mut lines = EvidenceLines::default();
        for number in 0..MOST + 2 {
            keep(&mut lines, number, number == 2);
        }
        let rule = "better".into();
        let better = |connection| LineTold {
            time: Stamp(90),
            rule: &rule,
            weight: 7,
            connection,
            main: true,
            line: b"a longer line",
        };
        assert!(lines.retell(better(MOST as u64)) > 0);
        assert_eq!(lines.retell(better(MOST as u64)), 0, "it is the service's own already");
        assert_eq!(lines.retell(better(2)), 0);
        let kept = lines.iter().find(|line| &*line.rule == "better").unwrap();
        assert_eq!((kept.time.0, kept.weight, kept.main), (MOST, 1, true));
        assert_eq!(numbers(&lines), (2..MOST + 2).collect::<Vec<_>>());
    }
}
