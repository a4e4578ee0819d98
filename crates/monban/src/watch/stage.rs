//! How far the watcher has come: starting, catching up, live.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use monban_model::Notice;

use super::mind::{Answer, Mind};

/// A backlog of so many lines is told, with its progress.
const BACKLOG_LINES: u64 = 100_000;

/// The backlog is looked at so often.
const BACKLOG_LOOK: Duration = Duration::from_millis(50);

/// Bytes of a line, as long as none was read: that of a usual syslog line.
const USUAL_LINE_BYTES: u64 = 110;

/// The wait before the journal is opened again.
const JOURNAL_WAIT: Duration = Duration::from_secs(2);

/// After so long without an entry the journal's old ones are read.
const JOURNAL_QUIET: Duration = Duration::from_secs(2);

/// An entry of this age is not an old one.
const JOURNAL_LIVE_S: u64 = 5;

/// How far the watcher has come.
#[derive(Debug, Default)]
pub struct Stage {
    /// Every file of the start was passed on.
    pub all_opened: bool,
    /// A configuration is in force.
    pub briefed: bool,
    /// Answers to operators that leave after the orders they caused.
    pub answers: Vec<Answer>,
    /// What jails had to say to a command, for its answer.
    pub jails_said: HashMap<u32, Vec<Notice>>,
    caught_up: bool,
    told_caught_up: bool,
    /// All that stood there at the start was read.
    has_started: bool,
    /// Logs that hold old lines, read since then.
    old: HashSet<String>,
    backlog: Option<Backlog>,
    /// When the backlog was looked at last.
    looked: Option<Instant>,
    journal_at: Option<Instant>,
    /// The journal gives old entries; since when it has given none.
    journal_old: Option<Instant>,
}

#[derive(Debug)]
struct Backlog {
    bytes_at_start: u64,
    told_percent: u64,
    lines_left: u64,
    percent: u64,
}

impl Stage {
    /// Whether files are being read that may hold old lines.
    pub fn is_catching_up(&self) -> bool {
        !self.caught_up
    }

    /// Whether all that stood there at the start was read.
    pub fn has_started(&self) -> bool {
        self.has_started
    }

    /// Whether the lines of this log were written before they could be read: their own times count
    /// then. Those of all others go on as they come.
    pub fn has_old_lines(&self, path: &str) -> bool {
        !self.has_started || (!self.old.is_empty() && self.old.contains(path))
    }

    /// Whether the journal still gives old entries.
    pub fn journal_is_catching_up(&self) -> bool {
        self.journal_old.is_some()
    }

    /// The journal was opened: it begins with what was missed.
    pub fn journal_opened(&mut self, now: Instant) {
        self.journal_old = Some(now);
    }

    /// An entry came; a young one means that the old ones are read.
    pub fn journal_gave(&mut self, now: Instant, age_s: u64) {
        if self.journal_old.is_some() {
            self.journal_old = (age_s > JOURNAL_LIVE_S).then_some(now);
        }
    }

    /// The journal has given nothing for a while: what comes now is new.
    pub fn journal_waits(&mut self, now: Instant) {
        self.journal_old.take_if(|since| now.duration_since(*since) > JOURNAL_QUIET);
    }

    /// A file came. One that took the place of another holds new lines, as that was read before
    /// it; any other may hold `old` ones.
    pub fn new_file(&mut self, path: &str, old: bool) {
        self.caught_up = false;
        if old && self.has_started {
            self.old.insert(path.to_owned());
        }
    }

    /// Everything is read for the moment. True the first time that a source is open: without one
    /// there is nothing to be ready for.
    pub fn settle(&mut self, has_source: bool) -> bool {
        if !self.all_opened || !self.briefed {
            return false;
        }
        (self.caught_up, self.has_started) = (true, true);
        self.old.clear();
        has_source && !std::mem::replace(&mut self.told_caught_up, true)
    }

    /// Whether it is time to look how much waits: each look asks for the size of each file.
    pub fn looks_at_backlog(&mut self, now: Instant) -> bool {
        let due = self.looked.is_none_or(|looked| now.duration_since(looked) >= BACKLOG_LOOK);
        if due {
            self.looked = Some(now);
        }
        due
    }

    /// Tells of a long backlog, and of each tenth of it.
    pub fn progress(&mut self, mind: &mut Mind, left: u64, lines: u64, bytes: u64) {
        let line_bytes = bytes.checked_div(lines).unwrap_or(USUAL_LINE_BYTES).max(1);
        let lines_left = left / line_bytes;
        let Some(backlog) = &mut self.backlog else {
            if lines_left > BACKLOG_LINES {
                self.backlog =
                    Some(Backlog { bytes_at_start: left, told_percent: 0, lines_left, percent: 0 });
                tell(mind, lines_left, 0);
            }
            return;
        };
        backlog.bytes_at_start = backlog.bytes_at_start.max(left);
        let done = backlog.bytes_at_start - left;
        let percent = done.saturating_mul(100).checked_div(backlog.bytes_at_start).unwrap_or(100);
        (backlog.lines_left, backlog.percent) = (lines_left, percent);
        if left == 0 {
            self.backlog = None;
            mind.output().notice(&super::notice("caught-up", &[]));
        } else if percent >= backlog.told_percent + 10 {
            backlog.told_percent = percent / 10 * 10;
            let percent = backlog.told_percent;
            tell(mind, lines_left, percent);
        }
    }

    /// How far a long backlog is read, while there is one.
    pub fn backlog_notice(&self) -> Option<Notice> {
        self.backlog.as_ref().map(|backlog| backlog_notice(backlog.lines_left, backlog.percent))
    }

    /// The journal is to be opened.
    pub fn want_journal(&mut self) {
        self.journal_at = Some(Instant::now());
    }

    /// The journal ended: it is opened again after a while.
    pub fn journal_ended(&mut self, now: Instant) {
        self.journal_at = Some(now + JOURNAL_WAIT);
    }

    /// The journal is not read any more.
    pub fn forget_journal(&mut self) {
        (self.journal_at, self.journal_old) = (None, None);
    }

    /// Whether the journal is to be asked for now.
    pub fn journal_due(&mut self, now: Instant) -> bool {
        self.journal_at.take_if(|at| *at <= now).is_some()
    }
}

fn tell(mind: &mut Mind, lines: u64, percent: u64) {
    mind.output().notice(&backlog_notice(lines, percent));
}

fn backlog_notice(lines: u64, percent: u64) -> Notice {
    let values = [("lines", lines.to_string()), ("percent", percent.to_string())];
    super::notice("backlog", &values)
}
