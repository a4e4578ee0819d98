//! Several logs as one stream in the order of time, as the daemon would have seen them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use monban_model::{Line, Sighting, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, Scratch};
use monban_sources::archive::{Family, LogLines, Meter, Skipped};

use crate::watch::{Echoes, Form, LastLines, now};

/// A date that lies so far behind the last change of its file cannot be true.
const AHEAD_S: u64 = 86_400;

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
    logs: Vec<Log>,
    tools: Tools<'r>,
}

/// What all logs are read with.
struct Tools<'r> {
    rules: &'r RuleSet,
    scratch: Scratch,
    last_lines: LastLines,
    echoes: Echoes,
    misplaced: u64,
    disbelieved: u64,
}

/// One family.
struct Log {
    source: SourceId,
    lines: LogLines,
    clock: Clock,
    /// When its present file was last written.
    reference: Stamp,
    form: Option<Form>,
    /// It is standard input.
    piped: bool,
    /// A line whose turn has not come.
    held: Option<Vec<u8>>,
    time: Stamp,
}

impl<'r> Merged<'r> {
    /// Prepares to read these families.
    pub fn new(rules: &'r RuleSet, families: Vec<Family>, meter: &Meter) -> Self {
        let log = |(at, family): (usize, Family)| Log {
            source: SourceId(at as u32),
            piped: family.name.as_os_str() == "-",
            lines: LogLines::of(family, meter.clone()),
            clock: Clock::system(now()),
            reference: now(),
            form: None,
            held: None,
            time: Stamp::default(),
        };
        let logs = families.into_iter().enumerate().map(log).collect();
        let tools = Tools {
            rules,
            scratch: Scratch::default(),
            last_lines: LastLines::default(),
            echoes: Echoes::default(),
            misplaced: 0,
            disbelieved: 0,
        };
        Self { logs, tools }
    }

    /// Reads all logs. The one whose next line is the oldest goes on until another's is older.
    pub fn read(&mut self, each: &mut dyn FnMut(&Step<'_>)) {
        let mut order = BinaryHeap::new();
        for at in 0..self.logs.len() {
            // Nothing is as old as this, so each log stops at its first line with a date.
            self.logs[at].go_on(&mut self.tools, Some(Stamp(i64::MIN)), each);
            self.enqueue(at, &mut order);
        }
        while let Some(Reverse((_, at))) = order.pop() {
            let limit = order.peek().map(|Reverse((time, _))| *time);
            self.logs[at].go_on(&mut self.tools, limit, each);
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

    /// Lines of another form than their log's, which may be forged: they are not counted.
    pub fn misplaced(&self) -> u64 {
        self.tools.misplaced
    }

    /// Sightings that another log had told already.
    pub fn echoes(&self) -> u64 {
        self.tools.echoes.count()
    }

    /// Lines with a date after their file was last written.
    pub fn disbelieved(&self) -> u64 {
        self.tools.disbelieved
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
        tools: &mut Tools<'_>,
        limit: Option<Stamp>,
        each: &mut dyn FnMut(&Step<'_>),
    ) {
        if let Some(held) = self.held.take() {
            self.give(&held, tools, None, each);
        }
        loop {
            let mut lines = std::mem::take(&mut self.lines);
            let taken = match lines.next_line() {
                Some(line) => {
                    if let Some(start) = line.start {
                        // Before its first line: that may have no year either.
                        self.reference = start.modified.unwrap_or_else(now);
                        self.clock.set_reference(self.reference);
                    }
                    self.give(line.bytes, tools, limit, each)
                }
                None => false,
            };
            self.lines = lines;
            if !taken {
                return;
            }
        }
    }

    /// Gives out one line; holds it and answers false if its turn has not come.
    fn give(
        &mut self,
        bytes: &[u8],
        tools: &mut Tools<'_>,
        limit: Option<Stamp>,
        each: &mut dyn FnMut(&Step<'_>),
    ) -> bool {
        let line = Line { bytes, source: self.source, position: 0, arrival: self.time };
        let reading = tools.rules.read(&line, &mut self.clock, &mut tools.scratch);
        let newest = self.reference.plus_s(AHEAD_S);
        let own = reading.time.filter(|own| *own <= newest);
        let time = own.map_or(self.time, |own| own.max(self.time));
        self.time = time;
        if limit.is_some_and(|limit| time > limit) {
            self.held = Some(bytes.to_vec());
            return false;
        }
        tools.disbelieved += u64::from(reading.time.is_some_and(|own| own > newest));
        let mut sighting = None;
        if self.is_misplaced(Form::of(&reading, tools.rules)) {
            tools.misplaced += 1;
            tools.last_lines.forget(self.source);
        } else {
            let meant = tools.last_lines.meant(&line, reading, tools.rules, &mut self.clock);
            sighting = meant.sighting;
            if let Some(seen) = &mut sighting {
                seen.time = time;
                let counts = !seen.means_nothing();
                if counts && !tools.echoes.leave_fresh(self.source, &meant, seen) {
                    sighting = None;
                }
            }
        }
        each(&Step { sighting, bytes: bytes.len() as u64 + 1 });
        true
    }

    /// Whether a line has another form than its log; the first line decides.
    fn is_misplaced(&mut self, form: Option<Form>) -> bool {
        let Some(form) = form else { return false };
        // Standard input may be several logs one after the other.
        !self.piped && *self.form.get_or_insert(form) != form
    }
}
