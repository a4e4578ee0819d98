//! Detector: brute force, fast and slow.
//!
//! Each policy counts failures per subject in two windows: a short one for those who hammer, and
//! a long one for the patient, which blocks only an address that never logged in.
//!
//! # Absent on purpose
//! User names play no part: attackers change them, and a password typed into the wrong field
//! must not become a key of durable state.

use monban_model::{
    ConnectionKey, Evidence, FindingKind, Policy, Stamp, Subject, TakeChanges, TallyHead, TallyRow,
    Window,
};

use super::evidence::{EvidenceLine, EvidenceLines, LineTold};

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

/// The failures of one subject under one policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) first: Stamp,
    pub(crate) last: Stamp,
    pub(crate) total: u64,
    /// Few, and most attackers are seen once: a vector without room to spare.
    marks: Vec<Mark>,
    evidence: EvidenceLines,
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
        self.evidence.keep(line)
    }

    /// The service's own line tells of an attempt that another witness told of before: it is the
    /// better evidence for the same attempt.
    pub(crate) fn retell(&mut self, better: LineTold<'_>) -> isize {
        self.evidence.retell(better)
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
        self.evidence.forget(key);
        let taken = (before - self.marks.len()) as u32;
        self.total = self.total.saturating_sub(u64::from(taken));
        taken
    }

    /// The answer is given: counting starts anew. Returns the lines it rests on.
    pub(crate) fn settle(&mut self) -> Vec<Evidence> {
        // Their room goes with them: most of those who were blocked do not come back.
        self.marks = Vec::new();
        let lines = std::mem::take(&mut self.evidence).into_vec();
        lines.into_iter().map(EvidenceLine::into_evidence).collect()
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
    pub(crate) fn lines(&self) -> impl Iterator<Item = &EvidenceLine> {
        self.evidence.iter()
    }

    /// Its marks and its lines, oldest first.
    pub(crate) fn into_parts(self) -> (Vec<Mark>, Vec<EvidenceLine>) {
        (self.marks, self.evidence.into_vec())
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
        for mark in other.marks {
            self.take_mark(mark);
        }
        self.marks.sort_by_key(|mark| mark.time);
        self.evidence.join(other.evidence);
    }

    pub(crate) fn evidence_bytes(&self) -> usize {
        self.evidence.bytes()
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
pub(super) fn push_exact<T>(items: &mut Vec<T>, item: T) {
    if items.capacity() == items.len() && items.len() < 4 {
        items.reserve_exact(1);
    }
    items.push(item);
}
