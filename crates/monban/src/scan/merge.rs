//! Several logs as one stream in the order of time, as the daemon would have seen them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use monban_model::{Line, Sighting, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, Scratch, Sieve};
use monban_sources::archive::{Family, FileStart, LogLines, Meter, Skipped};

use crate::watch::{Echoes, Form, LastLines, now};

/// A date that lies so far behind the last change of its file cannot be true.
const AHEAD_S: u64 = 86_400;

/// One line, read; or several that tell nothing.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What a rule read out of it; its time never goes backwards within a log.
    pub sighting: Option<Sighting<'a>>,
    /// Lines.
    pub lines: u64,
    /// Their bytes, with the line ends.
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
    /// One log alone has none.
    echoes: Option<Echoes>,
    /// What finds the lines that tell something, for each form that a log has.
    sieves: Vec<(Form, Option<Sieve>)>,
    misplaced: u64,
    disbelieved: u64,
}

/// One family.
struct Log {
    lines: LogLines,
    reader: Reader,
    /// A line whose turn has not come.
    held: Option<Vec<u8>>,
}

/// How the lines of a family are read.
struct Reader {
    source: SourceId,
    clock: Clock,
    /// When its present file was last written.
    reference: Stamp,
    form: Option<Form>,
    /// It is standard input.
    piped: bool,
    time: Stamp,
    density: Density,
}

impl<'r> Merged<'r> {
    /// Prepares to read these families.
    pub fn new(rules: &'r RuleSet, families: Vec<Family>, meter: &Meter) -> Self {
        let log = |(at, family): (usize, Family)| Log {
            reader: Reader {
                source: SourceId(at as u32),
                clock: Clock::system(now()),
                reference: now(),
                form: None,
                piped: family.name.as_os_str() == "-",
                time: Stamp::default(),
                density: Density::default(),
            },
            lines: LogLines::of(family, meter.clone()),
            held: None,
        };
        let logs: Vec<Log> = families.into_iter().enumerate().map(log).collect();
        let tools = Tools {
            rules,
            scratch: Scratch::default(),
            last_lines: LastLines::default(),
            echoes: (logs.len() > 1).then(Echoes::default),
            sieves: Vec::new(),
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
            order.push(Reverse((self.logs[at].reader.time, at)));
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
        self.tools.echoes.as_ref().map_or(0, Echoes::count)
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
            self.reader.give(&held, tools, None, each);
        }
        loop {
            if self.reader.density.is_low() {
                self.pass_over(tools, each);
            }
            let Some(line) = self.lines.next_line() else { return };
            if let Some(start) = line.start {
                self.reader.begin_file(start);
            }
            if !self.reader.give(line.bytes, tools, limit, each) {
                self.held = Some(line.bytes.to_vec());
                return;
            }
        }
    }

    /// Passes over lines that tell nothing.
    fn pass_over(&mut self, tools: &mut Tools<'_>, each: &mut dyn FnMut(&Step<'_>)) {
        let Some(form) = self.reader.form else { return };
        let Some(sieve) = tools.sieve(form) else { return };
        let passed = self.lines.pass_over(|lines| sieve.find(lines));
        self.reader.density.passed(passed.count);
        if let Some(last) = passed.last() {
            self.reader.pass(last, tools);
            let bytes = passed.bytes.len() as u64;
            each(&Step { sighting: None, lines: passed.count, bytes });
        }
    }
}

impl Tools<'_> {
    fn sieve(&mut self, form: Form) -> Option<&Sieve> {
        let known = self.sieves.iter().position(|(of, _)| *of == form);
        let at = known.unwrap_or_else(|| {
            let shape = match form {
                Form::Headed => None,
                Form::Shaped(shape) => Some(shape),
            };
            self.sieves.push((form, self.rules.sieve(shape)));
            self.sieves.len() - 1
        });
        self.sieves[at].1.as_ref()
    }
}

impl Reader {
    /// Another file of the family begins.
    fn begin_file(&mut self, start: FileStart) {
        // Before its first line: that may have no year either.
        self.reference = start.modified.unwrap_or_else(now);
        self.clock.set_reference(self.reference);
    }

    /// Lines were passed over; what has no time of its own behind them happened at that of the
    /// last one.
    fn pass(&mut self, last: &[u8], tools: &mut Tools<'_>) {
        let line = Line { bytes: last, source: self.source, position: 0, arrival: self.time };
        let own = tools.rules.read(&line, &mut self.clock, &mut tools.scratch).time;
        self.time =
            own.filter(|own| *own <= self.newest()).map_or(self.time, |own| own.max(self.time));
        tools.last_lines.forget(self.source);
    }

    /// The latest time that is believed.
    fn newest(&self) -> Stamp {
        self.reference.plus_s(AHEAD_S)
    }

    /// Gives out one line; false if its turn has not come.
    fn give(
        &mut self,
        bytes: &[u8],
        tools: &mut Tools<'_>,
        limit: Option<Stamp>,
        each: &mut dyn FnMut(&Step<'_>),
    ) -> bool {
        let line = Line { bytes, source: self.source, position: 0, arrival: self.time };
        let reading = tools.rules.read(&line, &mut self.clock, &mut tools.scratch);
        let newest = self.newest();
        let own = reading.time.filter(|own| *own <= newest);
        let time = own.map_or(self.time, |own| own.max(self.time));
        self.time = time;
        if limit.is_some_and(|limit| time > limit) {
            return false;
        }
        tools.disbelieved += u64::from(reading.time.is_some_and(|own| own > newest));
        let mut sighting = None;
        if self.is_misplaced(Form::of(&reading, tools.rules)) {
            tools.misplaced += 1;
            tools.last_lines.forget(self.source);
        } else {
            let repeated = tools.last_lines.meant(&line, &reading, tools.rules, &mut self.clock);
            let meant = repeated.as_ref().unwrap_or(&reading);
            sighting = meant.sighting;
            if let Some(seen) = &mut sighting {
                seen.time = time;
                if let Some(echoes) = &mut tools.echoes
                    && !echoes.leave_fresh(self.source, meant, seen)
                {
                    sighting = None;
                }
            }
        }
        each(&Step { sighting, lines: 1, bytes: bytes.len() as u64 + 1 });
        true
    }

    /// Whether a line has another form than its log; the first line decides.
    fn is_misplaced(&mut self, form: Option<Form>) -> bool {
        let Some(form) = form else { return false };
        // Standard input may be several logs one after the other.
        !self.piped && *self.form.get_or_insert(form) != form
    }
}

/// Whether it pays to search for the next line that tells something: not where most lines do.
#[derive(Debug, Default)]
struct Density {
    /// Searches in a row that passed over hardly anything.
    in_vain: u32,
    /// Lines to be read one by one before it is tried again.
    one_by_one: u32,
}

impl Density {
    /// A search that passes over fewer lines costs more than it saves.
    const FEW: u64 = 4;
    const IN_VAIN_MAX: u32 = 16;
    const ONE_BY_ONE: u32 = 4096;

    /// Whether to search now.
    fn is_low(&mut self) -> bool {
        if self.one_by_one == 0 {
            return true;
        }
        self.one_by_one -= 1;
        false
    }

    /// A search passed over so many lines.
    fn passed(&mut self, lines: u64) {
        self.in_vain = if lines < Self::FEW { self.in_vain + 1 } else { 0 };
        if self.in_vain > Self::IN_VAIN_MAX {
            *self = Self { in_vain: 0, one_by_one: Self::ONE_BY_ONE };
        }
    }
}
