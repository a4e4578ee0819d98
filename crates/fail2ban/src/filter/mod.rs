//! A filter at work: lines in, failures out, as fail2ban does it.
//!
//! A filter looks at lines in their order. It remembers the last date, the last lines (`maxlines`)
//! and the connections that are open (`F-MLFID`); all of that has a bound.

mod buffer;
mod connections;
mod dated;
mod failure;
mod groups;
mod id;
mod idle;
mod pattern;
mod search;
mod sieve;
mod table;
mod tags;
mod together;
mod who;

use std::cell::{Ref, RefCell};
use std::rc::Rc;
use std::time::Duration;

use monban_pyre::Opening;

use crate::dates::{DateFinder, Found};
use connections::Connections;
use dated::{Dating, Seen};
use idle::Idle;
use search::{May, Shape};
use sieve::Sieve;

pub use crate::config::UseDns;
pub use dated::{Odd, When};
pub use failure::{Failure, Lines, Split};
pub use groups::{Groups, Value};
pub use id::Id;
pub use pattern::Pattern;
pub use together::{Parted as FiltersParted, Together};

/// Lines that one filter keeps for `maxlines` at most.
pub const LINES_MAX: usize = 1000;

/// The regular expression that an expression of a filter stands for, with groups for its tags.
pub fn expanded(text: &str, dns: UseDns) -> String {
    pattern::expanded(text, dns)
}

/// What is wrong with an expression of a filter.
#[derive(Clone, Debug)]
pub enum Problem {
    /// It cannot be compiled.
    Regex(monban_pyre::Error),
    /// There is nothing in it.
    Empty,
    /// No group of it says who failed.
    NamesNobody,
}

/// The texts of a filter, every interpolation done.
#[derive(Clone, Debug, Default)]
pub struct Texts<'t> {
    /// A line has to match it, if it is there.
    pub prefregex: Option<&'t str>,
    /// A line that matches one of them is a failure.
    pub failregex: &'t [String],
    /// A line that matches one of them is none.
    pub ignoreregex: &'t [String],
    /// Lines that are searched together; 1 if in doubt.
    pub maxlines: usize,
    /// Whether names are used.
    pub usedns: UseDns,
}

/// How a filter is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Every expression is tried on every line, as a test of a filter does it.
    pub all: bool,
}

/// A problem with its place: `None` is the prefregex, else the number in the list, from 0.
pub type Misfit = (&'static str, usize, Problem);

/// A failure found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Which failregex, from 0.
    pub regex: usize,
    /// Who, if that is known already.
    pub id: Option<Id>,
    /// When (seconds since 1970); `None` if no date is known.
    pub time: Option<i64>,
    /// What else is known.
    pub failure: Failure,
}

/// What a line came to.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The failures; more than one only if every expression is tried.
    pub hits: Vec<Hit>,
    /// The date that was found in the line.
    pub date: Option<Found>,
    /// The ignoreregex that matched, from 0.
    pub ignored: Option<usize>,
    /// Searches that reached their bound; what they would have found is not known.
    pub overruns: u32,
    /// What was odd about its time.
    pub odd: Option<Odd>,
}

/// A compiled filter with its memory.
pub struct Filter {
    prefregex: Option<Pattern>,
    failregex: Vec<Pattern>,
    ignoreregex: Vec<Pattern>,
    /// Shared with filters that read the same lines and see dates alike.
    dating: Rc<RefCell<Dating>>,
    maxlines: usize,
    usedns: UseDns,
    way: Use,
    /// The lines before, where several are searched together.
    lines: Vec<Split>,
    /// By line: what it may match.
    mays: Vec<May>,
    /// The lines behind them that it was not asked about, where several are searched together.
    idle: Option<Rc<RefCell<Idle>>>,
    /// What is searched; kept for its room.
    text: String,
    /// Made for the first line that it reads alone.
    sieve: Option<Sieve>,
    connections: Connections,
    costs: Vec<Cost>,
}

/// What the searches of one failregex have cost, where every expression is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How often it was searched for; not in lines that lack a text that it needs.
    pub searches: u64,
    /// How long that took.
    pub time: Duration,
}

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// Every expression that cannot be used.
    pub fn new(texts: &Texts<'_>, dates: DateFinder, way: Use) -> Result<Self, Vec<Misfit>> {
        let maxlines = texts.maxlines.clamp(1, LINES_MAX);
        let mut misfits = Vec::new();
        let mut compile = |what, list: &[String], multiline| -> Vec<Pattern> {
            let mut patterns = Vec::with_capacity(list.len());
            for (number, text) in list.iter().enumerate() {
                match Pattern::new(text, texts.usedns, multiline) {
                    Ok(pattern) => patterns.push(pattern),
                    Err(problem) => misfits.push((what, number, problem)),
                }
            }
            patterns
        };
        let prefregex = texts.prefregex.map(str::to_owned).into_iter().collect::<Vec<_>>();
        let prefregex = compile("prefregex", &prefregex, false).pop();
        let failregex = compile("failregex", texts.failregex, maxlines > 1);
        let ignoreregex = compile("ignoreregex", texts.ignoreregex, false);
        let by_prefix = prefregex.as_ref().is_some_and(Pattern::names_somebody);
        for (number, pattern) in failregex.iter().enumerate() {
            if !by_prefix && !pattern.names_somebody() {
                misfits.push(("failregex", number, Problem::NamesNobody));
            }
        }
        if !misfits.is_empty() {
            return Err(misfits);
        }
        let costs = if way.all { vec![Cost::default(); failregex.len()] } else { Vec::new() };
        Ok(Self {
            costs,
            prefregex,
            failregex,
            ignoreregex,
            dating: Rc::new(RefCell::new(Dating::new(dates))),
            maxlines,
            usedns: texts.usedns,
            way,
            lines: Vec::new(),
            mays: Vec::new(),
            idle: (maxlines > 1).then(|| Rc::new(RefCell::new(Idle::new(maxlines)))),
            text: String::new(),
            sieve: None,
            connections: Connections::default(),
        })
    }

    /// The failregexes, compiled.
    pub fn patterns(&self) -> &[Pattern] {
        &self.failregex
    }

    /// The templates of dates, and how often each was found.
    pub fn dates(&self) -> Ref<'_, DateFinder> {
        self.dating.borrow_mut().settle();
        Ref::map(self.dating.borrow(), Dating::finder)
    }

    /// What the searches have cost so far, by failregex; empty unless every expression is tried.
    pub fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// Reads a line that carries its own date.
    pub fn read(&mut self, line: &str, now: i64) -> Reading {
        self.read_when(line, now, When::Ever)
    }

    /// Reads a line that carries its own date, which has to be a time of which something follows.
    pub fn read_when(&mut self, line: &str, now: i64, when: When) -> Reading {
        self.part();
        let seen = self.dating.borrow_mut().see_alone(line, now, when == When::Now);
        self.read_alone(line, &seen, now, when)
    }

    /// Reads a line whose time is known, as one of the journal is.
    pub fn read_at(&mut self, line: &str, time: i64, now: i64, when: When) -> Reading {
        self.part();
        let seen = self.dating.borrow_mut().told(time, now, when == When::Now);
        self.read_alone(line, &seen, now, when)
    }

    /// From now on nobody shares what it knows of dates.
    fn part(&mut self) {
        if Rc::strong_count(&self.dating) > 1 {
            let mut shared = self.dating.borrow_mut();
            shared.note_parted();
            let own = Rc::new(RefCell::new(shared.copy()));
            drop(shared);
            self.dating = own;
        }
    }

    fn read_alone(&mut self, line: &str, seen: &Seen, now: i64, when: When) -> Reading {
        let mut sieve = match self.sieve.take() {
            Some(sieve) => sieve,
            None => Sieve::new(self.expressions()),
        };
        sieve.look(line.as_bytes());
        if let Some(cut) = seen.cut {
            sieve.look_without(line.as_bytes(), cut);
        }
        let reading = self.read_seen(line, seen, sieve.may(), now, when);
        self.sieve = Some(sieve);
        reading
    }

    /// All expressions: failregexes, ignoreregexes, and the prefregex.
    fn expressions(&self) -> impl Iterator<Item = &Pattern> {
        self.failregex.iter().chain(&self.ignoreregex).chain(&self.prefregex)
    }

    /// What begins a text that it may match, by expression, of those that need no text; `None` if
    /// one of them is not known.
    fn openings(&self) -> Option<Vec<Opening>> {
        let needs_nothing = |pattern: &&Pattern| pattern.regex().needed().is_none();
        match &self.prefregex {
            Some(prefix) => Some(vec![prefix.regex().opening()?.clone()]),
            None => {
                let patterns = self.failregex.iter().filter(needs_nothing);
                patterns.map(|pattern| pattern.regex().opening().cloned()).collect()
            }
        }
    }

    fn shape(&self) -> Shape {
        Shape {
            failregexes: self.failregex.len(),
            ignoreregexes: self.ignoreregex.len(),
            prefregex: self.prefregex.is_some(),
            several: self.maxlines > 1,
        }
    }
}
