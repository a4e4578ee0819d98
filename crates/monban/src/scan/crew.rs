//! Those who read logs side by side, one for each processor: each reads a block of a file and what
//! it tells, or takes in what was told, in order, whatever is to be done.
//!
//! A file is read from its start to its end. Where it has to be unpacked, which takes longer than
//! anything else, the files behind it are begun as well.

use std::io;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use monban_model::{QuickState, SourceId, Stamp};
use monban_rules::{RuleSet, Sieve};
use monban_sources::archive::{BLOCK_BYTES, Block, Blocks, Family, Fault, LogFile, Meter, Skipped};

use super::logs::{InWork, Log, State};
use super::merge::{Merger, Step};
use super::page::{Page, Reader, Way};
use crate::watch::Form;

/// Readers at most: the files of a packed log keep so many busy, a plain one about four.
const READERS_MAX: usize = 16;

/// Pages that wait to be taken in, of all logs; each log may have one in any case.
const PAGES_WAITING: usize = 64;

/// No file behind another is unpacked where pages of so many bytes wait.
const AHEAD_BYTES: usize = 48 * 1024 * 1024;

/// Pages that are kept to be used again.
const SPARE_PAGES: usize = 16;

/// What was read.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Files that were read.
    pub files: u64,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// Lines of another form than their log's, among those that were read one by one.
    pub misplaced: u64,
    /// Sightings that another log had told already.
    pub echoes: u64,
    /// Lines with a date after their file was last written, among those that were read one by one.
    pub disbelieved: u64,
}

/// How many read, and how much at once.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Readers.
    pub readers: usize,
    /// Bytes of a block.
    pub block: usize,
}

impl Default for Size {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self { readers: processors.min(READERS_MAX), block: BLOCK_BYTES }
    }
}

/// Reads all logs; `each` gets what they tell in the order of time.
pub fn read(
    rules: &RuleSet,
    families: Vec<Family>,
    meter: &Meter,
    size: Size,
    each: &mut (dyn FnMut(&Step<'_>) + Send),
) -> Outcome {
    let merger = Merger::new(rules, families.len(), each);
    let events = merger.events();
    let work = Work {
        logs: families.into_iter().map(Log::new).collect(),
        merger: Some(merger),
        arrived: true,
        sieves: Vec::new(),
        held: 0,
        idle: 0,
        spare: Vec::new(),
        skipped: Vec::new(),
        outcome: Outcome::default(),
        broken: false,
    };
    let crew = Crew { rules, meter, size, events, work: Mutex::new(work), news: Condvar::new() };
    thread::scope(|scope| {
        for _ in 1..size.readers {
            // With fewer it takes longer.
            let _ = thread::Builder::new().spawn_scoped(scope, || crew.work());
        }
        crew.work();
    });
    let Work { merger, mut skipped, mut outcome, .. } =
        crew.work.into_inner().unwrap_or_else(PoisonError::into_inner);
    skipped.sort_by_key(|(log, _)| *log);
    outcome.skipped = skipped.into_iter().map(|(_, skipped)| skipped).collect();
    if let Some(merger) = merger {
        outcome.misplaced = merger.misplaced;
        outcome.echoes = merger.echoes();
        outcome.disbelieved = merger.disbelieved;
    }
    outcome
}

/// Tells the others if a reader breaks down where a panic unwinds.
struct Alarm<'c, 's>(&'c Crew<'s>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().broken = true;
            self.0.news.notify_all();
        }
    }
}

struct Crew<'s> {
    rules: &'s RuleSet,
    meter: &'s Meter,
    size: Size,
    events: Option<QuickState>,
    work: Mutex<Work<'s>>,
    /// There may be something to do.
    news: Condvar,
}

/// All there is to do.
struct Work<'s> {
    logs: Vec<Log>,
    /// `None` while somebody takes in.
    merger: Option<Merger<'s>>,
    /// There may be something to take in: a page, or the end of a file.
    arrived: bool,
    /// What finds the lines that tell something, for each form that a log has.
    sieves: Vec<(Form, Option<Arc<Sieve<'s>>>)>,
    /// Bytes of all pages that are read and not yet taken in to their end.
    held: usize,
    /// Readers that wait for news. To wake one is a system call, also where nobody waits, and costs
    /// more than it brings where he finds nothing to do.
    idle: usize,
    spare: Vec<Page>,
    /// What was left out, with the number of its log.
    skipped: Vec<(usize, Skipped)>,
    outcome: Outcome,
    /// A reader broke down: the others have nothing to wait for.
    broken: bool,
}

/// A block to be read.
struct Task {
    log: usize,
    /// The file's number in its log.
    file: usize,
    from: From,
    reference: Stamp,
    form: Option<Form>,
    piped: bool,
}

enum From {
    Start(LogFile),
    Here(Blocks),
}

impl<'s> Crew<'s> {
    /// Does what there is to do until all is done.
    fn work(&self) {
        let _alarm = Alarm(self);
        let mut reader = Reader::new(self.rules, self.events.clone());
        let mut block = Block::new(self.size.block);
        let mut page = Page::default();
        let mut work = self.lock();
        loop {
            if work.arrived
                && let Some(mut merger) = work.merger.take()
            {
                work.hand_over(&mut merger);
                drop(work);
                merger.give();
                work = self.lock();
                work.use_again(&mut merger);
                work.merger = Some(merger);
                if work.is_news() {
                    self.news.notify_all();
                }
            } else if let Some(task) = work.next_task(self.size.readers) {
                drop(work);
                self.read(task, &mut reader, &mut block, &mut page);
                work = self.lock();
            } else if work.is_done() {
                self.news.notify_all();
                return;
            } else {
                work.idle += 1;
                work = self.news.wait(work).unwrap_or_else(PoisonError::into_inner);
                work.idle -= 1;
            }
        }
    }

    /// Reads a block and what it tells.
    fn read(&self, task: Task, reader: &mut Reader<'s>, block: &mut Block, page: &mut Page) {
        let Task { log, file, from, reference, form, piped } = task;
        let opened = match from {
            From::Here(blocks) => Ok((blocks, 0)),
            From::Start(file) => Blocks::open(&file, self.meter).map(|blocks| (blocks, 1)),
        };
        let damaged = |error: io::Error| {
            let error = error.to_string();
            Fault::Damaged { error, lines: 0, bytes: 0 }
        };
        let read = opened.and_then(|(mut blocks, files)| {
            let more = blocks.read(block).map_err(damaged);
            self.lock().outcome.files += files;
            more.map(|more| more.then_some(blocks))
        });
        let blocks = match read {
            Ok(Some(blocks)) => blocks,
            Ok(None) => return self.end(log, file, None),
            Err(fault) => return self.end(log, file, Some(fault)),
        };
        let number = self.tell(|work| work.go_on(log, file, blocks));
        page.clear();
        let source = SourceId(log as u32);
        let sieve_of = &|form| self.lock().sieve(form, self.rules);
        let way = Way { source, reference, form, piped, sieve_of };
        reader.read(block, &way, page);
        self.tell(|work| work.arrive(log, file, number, page));
    }

    fn end(&self, log: usize, file: usize, fault: Option<Fault>) {
        self.tell(|work| work.end(log, file, fault));
    }

    /// Makes a change that may be news for somebody who waits.
    fn tell<T>(&self, change: impl FnOnce(&mut Work<'s>) -> T) -> T {
        let mut work = self.lock();
        let changed = change(&mut work);
        let is_news = work.is_news();
        drop(work);
        if is_news {
            self.news.notify_all();
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Work<'s>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'s> Work<'s> {
    /// Hands over the pages whose turn has come.
    fn hand_over(&mut self, merger: &mut Merger<'s>) {
        self.arrived = false;
        for (at, log) in self.logs.iter_mut().enumerate().filter(|(_, log)| !log.ended) {
            while let Some(file) = log.files.front_mut() {
                while let Some(page) = file.next_page() {
                    log.merging += 1;
                    merger.take(at, page, file.reference);
                }
                let State::Ended(fault) = &mut file.state else { break };
                if !file.pages.is_empty() {
                    break;
                }
                if let Some(mut why) = fault.take() {
                    if let Fault::Damaged { lines, bytes, .. } = &mut why {
                        (*lines, *bytes) = (file.lines, file.bytes);
                    }
                    let path = file.file.path.clone();
                    self.skipped.push((at, Skipped { path, why }));
                }
                log.files.pop_front();
                log.done += 1;
            }
            if log.files.is_empty() {
                log.ended = true;
                merger.end(at);
            }
        }
    }

    /// Takes back the pages that were taken in to their end.
    fn use_again(&mut self, merger: &mut Merger<'s>) {
        for (at, page) in merger.done.drain(..) {
            self.logs[at].merging -= 1;
            self.held -= page.room();
            if self.spare.len() < SPARE_PAGES && page.room() >= BLOCK_BYTES {
                self.spare.push(page);
            }
        }
    }

    /// Whether somebody waits who would find something to do beside who brings the news and goes
    /// on himself.
    fn is_news(&self) -> bool {
        let room = |log: &&Log| log.has_room();
        let readers = |log: &Log| if log.is_for_many() { 2 } else { 1 };
        let wanted = || self.logs.iter().filter(room).map(readers).take(2).sum::<usize>();
        self.idle > 0 && (self.is_done() || wanted() > 1)
    }

    /// All is read and taken in.
    fn is_done(&self) -> bool {
        let done = self.merger.is_some() && !self.arrived;
        self.broken || done && self.logs.iter().all(|log| log.ended)
    }

    /// What is best read now: of the log of which the least waits.
    fn next_task(&mut self, readers: usize) -> Option<Task> {
        let share = (PAGES_WAITING / self.logs.len().max(1)).clamp(1, 2 * readers + 1);
        let logs = || self.logs.iter().enumerate().filter(|(_, log)| log.has_room());
        let first = logs().filter_map(|(at, log)| {
            let (file, waiting) = log.front()?;
            let may = waiting < share && (waiting == 0 || log.knows_form());
            (may && log.files[file].is_free()).then_some((waiting, at, file))
        });
        let (at, file) = match first.min() {
            Some((_, at, file)) => (at, file),
            None if self.held >= AHEAD_BYTES => return None,
            None => logs().find_map(|(at, log)| Some((at, log.behind(readers)?)))?,
        };
        let log = &mut self.logs[at];
        let InWork { file: facts, reference, state, .. } = &mut log.files[file];
        let reference = *reference;
        let beside = state.beside();
        let from = match std::mem::replace(state, State::Busy { beside }) {
            State::Open(blocks) => From::Here(blocks),
            _ => From::Start(facts.clone()),
        };
        let (form, piped) = (log.form, log.piped);
        Some(Task { log: at, file: log.done + file, from, reference, form, piped })
    }

    /// What finds the lines that tell something in logs of this form.
    fn sieve(&mut self, form: Form, rules: &'s RuleSet) -> Option<Arc<Sieve<'s>>> {
        if let Some((_, sieve)) = self.sieves.iter().find(|(of, _)| *of == form) {
            return sieve.clone();
        }
        let shape = match form {
            Form::Headed => None,
            Form::Shaped(shape) => Some(shape),
        };
        let sieve = rules.sieve(shape).map(Arc::new);
        self.sieves.push((form, sieve.clone()));
        sieve
    }

    /// A block was read from a file, which goes on. The number of its page.
    fn go_on(&mut self, log: usize, file: usize, blocks: Blocks) -> usize {
        let file = self.file(log, file);
        file.state = State::Open(blocks);
        file.pages.push_back(None);
        file.taken + file.pages.len() - 1
    }

    /// A file is at its end.
    fn end(&mut self, log: usize, file: usize, fault: Option<Fault>) {
        self.file(log, file).state = State::Ended(fault);
        self.arrived = true;
    }

    /// A page is read. What is handed in for it may be written again.
    fn arrive(&mut self, log: usize, file: usize, number: usize, page: &mut Page) {
        self.arrived = true;
        if !self.logs[log].piped {
            self.logs[log].form = page.form;
        }
        self.logs[log].is_quiet = page.is_passed_over();
        let page = match page.is_rather_empty() {
            true => page.clone(),
            false => std::mem::replace(page, self.spare.pop().unwrap_or_default()),
        };
        self.held += page.room();
        let file = self.file(log, file);
        let place = number - file.taken;
        file.pages[place] = Some(page);
    }

    fn file(&mut self, log: usize, file: usize) -> &mut InWork {
        let log = &mut self.logs[log];
        &mut log.files[file - log.done]
    }
}
