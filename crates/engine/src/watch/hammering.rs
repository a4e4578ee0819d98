//! Detector: brute force, fast and slow.
//!
//! Each policy counts failures per subject in two windows: a short one for those who hammer, and
//! a long one for the patient, which blocks only an address that never logged in.
//!
//! # Absent on purpose
//! User names play no part: attackers change them, and a password typed into the wrong field
//! must not become a key of durable state.

use std::sync::Arc;

use monban_model::limits::{EVIDENCE_LINES_MAX, EVIDENCE_TEXT_MAX};
use monban_model::{
    ConnectionKey, Evidence, FindingKind, Policy, Stamp, Subject, TakeChanges, TallyHead,
    TallyLine, TallyLineRef, TallyRow, Window,
};

/// Lines of the same moment come from several sources within so many seconds.
const SOURCES_APART_S: u64 = 60;

/// One counted failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) time: Stamp,
    /// Which connection tried which account, see [`try_key`]; 0: the line named no connection.
    pub(crate) connection: u64,
}

/// Names a connection and the account that it tries. A login takes back the failures of its own
/// account only: whoever has one account here must not guess the others' between two logins.
pub(crate) fn try_key(connection: Option<ConnectionKey>, user: Option<&[u8]>) -> u64 {
    let Some(connection) = connection else { return 0 };
    // FNV-1a: the key is kept over restarts, so the hash has to stay what it is.
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let user = user.unwrap_or_default().iter().fold(0xcbf2_9ce4_8422_2325, mix);
    (connection.0 ^ user).max(1)
}

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

/// The failures of one subject under one policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) first: Stamp,
    pub(crate) last: Stamp,
    pub(crate) total: u64,
    /// Few, and most attackers are seen once: a vector without room to spare.
    marks: Vec<Mark>,
    evidence: Vec<EvidenceLine>,
}

/// A window that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) kind: FindingKind,
    pub(crate) failures: u32,
    pub(crate) window: Window,
}

impl Tally {
    /// Counts `attempts` failures. Returns how many bytes of evidence the tally gained or lost.
    pub(crate) fn add(
        &mut self,
        mark: Mark,
        attempts: u32,
        line: LineTold<'_>,
        most: u32,
    ) -> isize {
        if self.total == 0 {
            self.first = mark.time;
        }
        // Lines of several sources come in almost, but not quite, in the order of time.
        self.last = self.last.max(mark.time);
        self.total = self.total.saturating_add(u64::from(attempts));
        for _ in 0..attempts.min(most) {
            if self.marks.len() >= most as usize {
                self.marks.remove(0);
            }
            push_exact(&mut self.marks, mark);
        }
        if self.evidence.len() < EVIDENCE_LINES_MAX {
            let line = EvidenceLine::of(line);
            let gained = line.bytes() as isize;
            push_exact(&mut self.evidence, line);
            return gained;
        }
        // Whoever goes on and on costs no new room: the oldest line's is taken.
        self.evidence.rotate_left(1);
        self.evidence.last_mut().map_or(0, |oldest| oldest.become_line(line))
    }

    /// The service's own line tells of an attempt that another witness told of before: it is the
    /// better evidence for the same attempt.
    pub(crate) fn retell(&mut self, better: LineTold<'_>) -> isize {
        let same = |known: &&mut EvidenceLine| known.connection == better.connection && !known.main;
        match self.evidence.iter_mut().find(same) {
            Some(known) => {
                let (time, weight) = (known.time, known.weight);
                known.become_line(LineTold { time, weight, main: true, ..better })
            }
            None => 0,
        }
    }

    /// How many failures lie in a window that ends now. Several sources are read one after the
    /// other, so a mark may lie behind it as well; then it is not in the window.
    #[inline]
    pub(crate) fn within(&self, window: Window, now: Stamp) -> u32 {
        let (oldest, newest) = (now.minus_s(window.length_s), now.plus_s(SOURCES_APART_S));
        let inside = |mark: &&Mark| oldest < mark.time && mark.time <= newest;
        self.marks.iter().filter(inside).count() as u32
    }

    /// Which window is full now, with `factor` times the failures of the policy. `in_window` is
    /// what [`Tally::within`] says of its short one.
    #[inline]
    pub(crate) fn full(
        &self,
        policy: &Policy,
        in_window: u32,
        factor: u32,
        ever_logged_in: bool,
        now: Stamp,
    ) -> Option<Full> {
        let needed = |window: Window| window.failures.saturating_mul(factor);
        let (kind, failures, window) = if in_window >= needed(policy.window) {
            (FindingKind::BruteForce, in_window, policy.window)
        } else {
            let slow = policy.slow.filter(|_| !ever_logged_in)?;
            // Mostly there are too few at all.
            if self.marks.len() < needed(slow) as usize {
                return None;
            }
            (FindingKind::SlowBruteForce, self.within(slow, now), slow)
        };
        (failures >= needed(window)).then_some(Full { kind, failures, window })
    }

    /// Takes back the failures of a connection and account that ended in a login.
    pub(crate) fn forgive(&mut self, key: u64) -> u32 {
        let before = self.marks.len();
        self.marks.retain(|mark| mark.connection != key);
        self.evidence.retain(|line| line.connection != key);
        let taken = (before - self.marks.len()) as u32;
        self.total = self.total.saturating_sub(u64::from(taken));
        taken
    }

    /// The answer is given: counting starts anew. Returns the lines it rests on.
    pub(crate) fn settle(&mut self) -> Vec<Evidence> {
        // Their room goes with them: most of those who were blocked do not come back.
        self.marks = Vec::new();
        std::mem::take(&mut self.evidence).into_iter().map(EvidenceLine::into_evidence).collect()
    }

    /// Counting starts anew without an answer: the last lines stay for the next one, and the room
    /// for marks too, as this one goes on.
    pub(crate) fn restart(&mut self) {
        self.marks.clear();
    }

    /// The clock was set: what was counted stays as long ago as it was. The lines keep the time
    /// that is written in them.
    pub(crate) fn shift(&mut self, ms: i64) {
        self.first = self.first.plus_ms(ms);
        self.last = self.last.plus_ms(ms);
        for mark in &mut self.marks {
            mark.time = mark.time.plus_ms(ms);
        }
    }

    /// The lines that are kept, oldest first.
    pub(crate) fn lines(&self) -> &[EvidenceLine] {
        &self.evidence
    }

    /// Its marks and its lines, oldest first.
    pub(crate) fn into_parts(self) -> (Vec<Mark>, Vec<EvidenceLine>) {
        (self.marks, self.evidence)
    }

    /// Takes in a mark that was counted elsewhere.
    pub(crate) fn take_mark(&mut self, mark: Mark) {
        self.first = if self.total == 0 { mark.time } else { self.first.min(mark.time) };
        self.last = self.last.max(mark.time);
        self.total = self.total.saturating_add(1);
        self.marks.push(mark);
    }

    /// Takes in a line that was kept elsewhere.
    pub(crate) fn take_line(&mut self, line: EvidenceLine) {
        self.evidence.push(line);
    }

    /// Takes in what was counted elsewhere. The newest of both is what may still matter.
    pub(crate) fn join(&mut self, other: Self) {
        let (marks, evidence) = other.into_parts();
        for mark in marks {
            self.take_mark(mark);
        }
        self.evidence.extend(evidence);
        self.marks.sort_by_key(|mark| mark.time);
        self.evidence.sort_by_key(|line| line.time);
        let over = self.evidence.len().saturating_sub(EVIDENCE_LINES_MAX);
        self.evidence.drain(..over);
    }

    pub(crate) fn evidence_bytes(&self) -> usize {
        self.evidence.iter().map(EvidenceLine::bytes).sum()
    }

    pub(crate) fn give(&self, policy: &str, subject: Subject, to: &mut impl TakeChanges) {
        let (first, last, total) = (self.first, self.last, self.total);
        let head = TallyHead { policy, subject, first, last, total };
        let marks = self.marks.iter().map(|mark| (mark.time, mark.connection));
        to.tally(head, marks, self.evidence.iter().map(EvidenceLine::as_ref));
    }

    pub(crate) fn from_row(row: TallyRow) -> Self {
        let mark = |(time, connection)| Mark { time, connection };
        Self {
            first: row.first,
            last: row.last,
            total: row.total,
            marks: row.marks.into_iter().map(mark).collect(),
            evidence: row.evidence.into_iter().map(EvidenceLine::from_row).collect(),
        }
    }
}

/// Appends an item; as long as there are few, without room to spare.
fn push_exact<T>(items: &mut Vec<T>, item: T) {
    if items.capacity() == items.len() && items.len() < 4 {
        items.reserve_exact(1);
    }
    items.push(item);
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

    fn as_ref(&self) -> TallyLineRef<'_> {
        TallyLineRef {
            time: self.time,
            rule: &self.rule,
            weight: self.weight,
            line: &self.line,
            connection: self.connection,
            main: self.main,
        }
    }

    fn from_row(row: TallyLine) -> Self {
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
