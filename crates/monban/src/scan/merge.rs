//! The pages of several logs as one stream in the order of time, as the daemon would have seen
//! them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use monban_model::{Line, QuickState, Sighting, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, Scratch};

use super::page::{Last, Page, Told};
use crate::watch::{Echoes, Event, now, repeated};

/// What comes out.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// So many lines were read.
    Lines {
        /// Lines.
        count: u64,
        /// Their bytes, with the line ends.
        bytes: u64,
    },
    /// What a rule read out of one; its time never goes backwards within a log.
    Sighting(&'a Sighting<'a>),
}

/// Takes in pages, gives out steps.
pub struct Merger<'s> {
    logs: Vec<Log>,
    /// The logs whose next tell is known, by its time.
    order: BinaryHeap<Reverse<(Stamp, usize)>>,
    /// Logs whose next tell is not known yet.
    awaited: usize,
    tools: Tools<'s>,
    /// Lines and their bytes that were not told yet.
    lines: u64,
    bytes: u64,
    /// Pages that were taken in to their end, with their log, to be used again.
    pub done: Vec<(usize, Page)>,
    /// Lines of another form than their log's, which may be forged: they are not counted.
    pub misplaced: u64,
    /// Lines with a date after their file was last written.
    pub disbelieved: u64,
}

/// What tells are given out with.
struct Tools<'s> {
    rules: &'s RuleSet,
    scratch: Scratch,
    clock: Clock,
    /// One log alone has none.
    echoes: Option<Echoes>,
    each: &'s mut (dyn FnMut(&Step<'_>) + Send),
}

/// One log.
struct Log {
    source: SourceId,
    pages: VecDeque<(Page, Stamp)>,
    /// The next tell of the first page.
    next: usize,
    /// The latest time of the lines before the first page.
    time: Stamp,
    /// The last line before the first page.
    last: Option<Vec<u8>>,
    /// No further page comes.
    ended: bool,
}

impl<'s> Merger<'s> {
    /// For so many logs.
    pub fn new(
        rules: &'s RuleSet,
        logs: usize,
        each: &'s mut (dyn FnMut(&Step<'_>) + Send),
    ) -> Self {
        let log = |at| Log {
            source: SourceId(at as u32),
            pages: VecDeque::new(),
            next: 0,
            time: Stamp::default(),
            last: None,
            ended: false,
        };
        let tools = Tools {
            rules,
            scratch: Scratch::default(),
            clock: Clock::system(now()),
            echoes: (logs > 1).then(Echoes::default),
            each,
        };
        Self {
            logs: (0..logs).map(log).collect(),
            order: BinaryHeap::new(),
            awaited: logs,
            tools,
            lines: 0,
            bytes: 0,
            done: Vec::new(),
            misplaced: 0,
            disbelieved: 0,
        }
    }

    /// What makes events that can be compared here, if there are several logs.
    pub fn events(&self) -> Option<QuickState> {
        self.tools.echoes.as_ref().map(|echoes| echoes.hash().clone())
    }

    /// Sightings that another log had told already.
    pub fn echoes(&self) -> u64 {
        self.tools.echoes.as_ref().map_or(0, Echoes::count)
    }

    /// Takes in the next page of a log; `reference` is when its file was last written.
    pub fn take(&mut self, at: usize, page: Page, reference: Stamp) {
        self.lines += page.lines;
        self.bytes += page.bytes;
        self.misplaced += page.misplaced;
        self.disbelieved += page.disbelieved;
        let awaited = self.logs[at].is_awaited();
        self.logs[at].pages.push_back((page, reference));
        self.settle(at, awaited);
    }

    /// A log has no further pages.
    pub fn end(&mut self, at: usize) {
        let awaited = self.logs[at].is_awaited();
        self.logs[at].ended = true;
        self.settle(at, awaited);
    }

    /// Gives out all whose turn it is for sure. The log whose next tell is the oldest goes on
    /// until another's is older.
    pub fn give(&mut self) {
        let (count, bytes) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.bytes));
        (self.tools.each)(&Step::Lines { count, bytes });
        while self.awaited == 0
            && let Some(Reverse((_, at))) = self.order.pop()
        {
            let limit = self.order.peek().map(|Reverse(limit)| *limit);
            let log = &mut self.logs[at];
            log.give_until(limit, at, &mut self.tools);
            log.leave_done(at, &mut self.done);
            match log.next_time() {
                Some(time) => self.order.push(Reverse((time, at))),
                None => self.awaited += usize::from(!log.ended),
            }
        }
    }

    /// A log that was awaited, or not, has something new.
    fn settle(&mut self, at: usize, awaited: bool) {
        let log = &mut self.logs[at];
        log.leave_done(at, &mut self.done);
        if awaited && !log.is_awaited() {
            self.awaited -= 1;
            self.order.extend(log.next_time().map(|time| Reverse((time, at))));
        }
    }
}

impl Log {
    /// Whether its next tell is not known yet.
    fn is_awaited(&self) -> bool {
        self.pages.is_empty() && !self.ended
    }

    /// The time of its next tell.
    fn next_time(&self) -> Option<Stamp> {
        let tell = self.pages.front()?.0.tells.get(self.next)?;
        Some(tell.latest.max(self.time))
    }

    /// Gives out what its first page tells until another log's turn comes: the oldest first, of
    /// several at one time that of the first log.
    fn give_until(&mut self, limit: Option<(Stamp, usize)>, at: usize, tools: &mut Tools<'_>) {
        let Some((page, reference)) = self.pages.front() else { return };
        while let Some(tell) = page.tells.get(self.next) {
            let time = tell.latest.max(self.time);
            if limit.is_some_and(|limit| (time, at) > limit) {
                return;
            }
            let told = page.told(self.next, time);
            self.next += 1;
            match told {
                None => {}
                Some(Told::Seen(seen, event)) => tools.give(self.source, seen, event),
                Some(Told::Repeats(text)) => {
                    tools.clock.set_reference(*reference);
                    let (source, position) = (self.source, 0);
                    let line = Line { bytes: text, source, position, arrival: time };
                    tools.repeat(&line, self.last.as_deref());
                }
            }
        }
    }

    /// Leaves the pages that have nothing more to tell.
    fn leave_done(&mut self, at: usize, done: &mut Vec<(usize, Page)>) {
        while self.pages.front().is_some_and(|(page, _)| page.tells.len() == self.next) {
            let Some((page, _)) = self.pages.pop_front() else { return };
            self.next = 0;
            self.time = self.time.max(page.latest.unwrap_or(self.time));
            match page.last {
                Last::AsBefore => {}
                Last::Nothing => self.last = None,
                Last::Text(span) => {
                    let last = self.last.get_or_insert_default();
                    last.clear();
                    last.extend_from_slice(page.text(span));
                }
            }
            done.push((at, page));
        }
    }
}

impl Tools<'_> {
    #[inline]
    fn give(&mut self, source: SourceId, mut seen: Sighting<'_>, event: Option<Event>) {
        if let Some(echoes) = &mut self.echoes
            && !echoes.leave_fresh(source, event, &mut seen)
        {
            return;
        }
        (self.each)(&Step::Sighting(&seen));
    }

    /// A line that repeats the last one of the page before.
    fn repeat(&mut self, line: &Line<'_>, last: Option<&[u8]>) {
        let Some(last) = last else { return };
        let (mut own, mut again) = (Scratch::default(), std::mem::take(&mut self.scratch));
        let reading = self.rules.read(line, &mut self.clock, &mut own);
        let meant = repeated(last, line, &reading, self.rules, &mut self.clock, &mut again);
        if let Some(meant) = meant
            && let Some(seen) = meant.sighting
        {
            let event = self.echoes.as_ref().and_then(|echoes| Event::of(&meant, echoes.hash()));
            self.give(line.source, Sighting { time: line.arrival, line: &[], ..seen }, event);
        }
        self.scratch = again;
    }
}
