//! Several logs as one stream in the order of time, as the daemon would have seen them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use monban_model::{Line, Sighting, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, Scratch};
use monban_sources::archive::{Family, LogLines, Meter, Skipped};

use crate::watch::{Form, now};

/// One line, read.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What a rule read out of it; its time never goes backwards within a log.
    pub sighting: Option<Sighting<'a>>,
    /// Bytes of the line with its line end.
    pub bytes: u64,
}

/// The logs, each standing at its next line.
pub struct Merged<'r> {
    rules: &'r RuleSet,
    logs: Vec<Log>,
    scratch: Scratch,
}

/// One family.
struct Log {
    source: SourceId,
    lines: LogLines,
    clock: Clock,
    form: Option<Form>,
    /// A line whose turn has not come.
    held: Option<Vec<u8>>,
    time: Stamp,
}

impl<'r> Merged<'r> {
    /// Prepares to read these families.
    pub fn new(rules: &'r RuleSet, families: Vec<Family>, meter: &Meter) -> Self {
        let log = |(at, family)| Log {
            source: SourceId(at as u32),
            lines: LogLines::of(family, meter.clone()),
            clock: Clock::system(now()),
            form: None,
            held: None,
            time: Stamp::default(),
        };
        let logs = families.into_iter().enumerate().map(log).collect();
        Self { rules, logs, scratch: Scratch::default() }
    }

    /// Reads all logs. The one whose next line is the oldest goes on until another's is older.
    pub fn read(&mut self, each: &mut dyn FnMut(&Step<'_>)) {
        let mut order = BinaryHeap::new();
        for at in 0..self.logs.len() {
            // Nothing is as old as this, so each log stops at its first line with a date.
            self.logs[at].go_on(self.rules, &mut self.scratch, Some(Stamp(i64::MIN)), each);
            self.enqueue(at, &mut order);
        }
        while let Some(Reverse((_, at))) = order.pop() {
            let limit = order.peek().map(|Reverse((time, _))| *time);
            self.logs[at].go_on(self.rules, &mut self.scratch, limit, each);
            self.enqueue(at, &mut order);
        }
    }

    fn enqueue(&self, at: usize, order: &mut BinaryHeap<Reverse<(Stamp, usize)>>) {
        if self.logs[at].held.is_some() {
            order.push(Reverse((self.logs[at].time, at)));
        }
    }

    /// What was left out of all logs.
    pub fn skipped(&self) -> impl Iterator<Item = &Skipped> {
        self.logs.iter().flat_map(|log| log.lines.skipped())
    }

    /// Files that were read.
    pub fn read_files(&self) -> u64 {
        self.logs.iter().map(|log| log.lines.read_files()).sum()
    }
}

impl Log {
    /// Gives out the held line and those after it up to `limit`; the first one beyond is held.
    fn go_on(
        &mut self,
        rules: &RuleSet,
        scratch: &mut Scratch,
        limit: Option<Stamp>,
        each: &mut dyn FnMut(&Step<'_>),
    ) {
        if let Some(held) = self.held.take() {
            let mut reader = Reader { rules, clock: &mut self.clock, form: &mut self.form };
            let (step, _) = reader.read(&held, self.source, self.time, scratch);
            each(&step);
        }
        loop {
            if let Some(start) = self.lines.take_start() {
                self.clock.set_reference(start.modified.unwrap_or_else(now));
            }
            let Some(line) = self.lines.next_line() else { return };
            let mut reader = Reader { rules, clock: &mut self.clock, form: &mut self.form };
            let (step, time) = reader.read(line, self.source, self.time, scratch);
            self.time = time;
            if limit.is_some_and(|limit| time > limit) {
                self.held = Some(line.to_vec());
                return;
            }
            each(&step);
        }
    }
}

struct Reader<'a> {
    rules: &'a RuleSet,
    clock: &'a mut Clock,
    form: &'a mut Option<Form>,
}

impl Reader<'_> {
    /// Reads a line; `last` is the time of the line before it.
    fn read<'l>(
        &mut self,
        bytes: &'l [u8],
        source: SourceId,
        last: Stamp,
        scratch: &'l mut Scratch,
    ) -> (Step<'l>, Stamp) {
        let line = Line { bytes, source, position: 0, arrival: last };
        let reading = self.rules.read(&line, self.clock, scratch);
        let time = reading.time.map_or(last, |own| own.max(last));
        let form = Form::of(&reading, self.rules);
        let misplaced = match (form, *self.form) {
            (Some(now), Some(known)) => now != known,
            (Some(now), None) => {
                *self.form = Some(now);
                false
            }
            _ => false,
        };
        let mut sighting = reading.sighting.filter(|_| !misplaced);
        if let Some(seen) = &mut sighting {
            seen.time = time;
        }
        (Step { sighting, bytes: bytes.len() as u64 + 1 }, time)
    }
}
