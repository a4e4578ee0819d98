//! A filter at work: lines in, failures out, as fail2ban does it.
//!
//! A filter looks at lines in their order. It remembers the last date, the last lines (`maxlines`)
//! and the connections that are open (`F-MLFID`); all of that has a bound.

mod buffer;
mod connections;
mod dated;
mod failure;
mod id;
mod pattern;
mod sieve;
mod tags;
mod who;

use std::time::{Duration, Instant};

use monban_pyre::Match;

use crate::dates::{DateFinder, Found};
use buffer::{Cut, Parted, append, joined, part};
use connections::Connections;
use sieve::Sieve;
use who::Who;

pub use crate::config::UseDns;
pub use dated::{Odd, When};
pub use failure::{Failure, Lines, Split};
pub use id::Id;
pub use pattern::{Groups, Pattern, Value};

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
    dates: DateFinder,
    maxlines: usize,
    usedns: UseDns,
    way: Use,
    /// The lines before, where several are searched together.
    lines: Vec<Split>,
    /// What is searched; kept for its room.
    text: String,
    sieve: Sieve,
    last: Option<(i64, String)>,
    connections: Connections,
    costs: Vec<Cost>,
}

/// What a match came to.
enum Taken {
    /// It is a failure, or part of one.
    Failure,
    /// The line is part of a connection and no failure: nothing more is looked for in it.
    Line,
    /// The groups for it took no part, so the expression names nobody.
    Nobody,
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
        let all = failregex.iter().chain(&ignoreregex).chain(&prefregex);
        let sieve = Sieve::new(all);
        let costs = if way.all { vec![Cost::default(); failregex.len()] } else { Vec::new() };
        Ok(Self {
            costs,
            prefregex,
            failregex,
            ignoreregex,
            dates,
            maxlines,
            usedns: texts.usedns,
            way,
            lines: Vec::new(),
            text: String::new(),
            sieve,
            last: None,
            connections: Connections::default(),
        })
    }

    /// The failregexes, compiled.
    pub fn patterns(&self) -> &[Pattern] {
        &self.failregex
    }

    /// The templates of dates, and how often each was found.
    pub fn dates(&self) -> &DateFinder {
        &self.dates
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
        let found = self.dates.find(line, now);
        if found.is_some_and(|found| found.stumbles) {
            return Reading { date: found, ..Reading::default() };
        }
        let (cut, time) = self.date_of(line, found.as_ref(), now);
        let judged = self.judge(time, now, when);
        if judged.odd == Some(Odd::Old) {
            return Reading { date: found, odd: judged.odd, ..Reading::default() };
        }
        let mut reading = self.search(cut, judged.time, now);
        (reading.date, reading.odd) = (found, judged.odd);
        reading
    }

    /// Reads a line whose time is known, as one of the journal is.
    pub fn read_at(&mut self, line: &str, time: i64, now: i64, when: When) -> Reading {
        self.remember(time, "");
        let judged = self.judge(Some(time), now, when);
        if judged.odd == Some(Odd::Old) {
            return Reading { odd: judged.odd, ..Reading::default() };
        }
        let mut reading = self.search(Cut::undated(line, false), judged.time, now);
        reading.odd = judged.odd;
        reading
    }

    fn search(&mut self, cut: Cut<'_>, time: Option<i64>, now: i64) -> Reading {
        let several = self.maxlines > 1;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        if several {
            let line = self.split(cut);
            self.lines.push(line);
            let too_many = self.lines.len().saturating_sub(self.maxlines);
            self.lines.drain(..too_many);
            append(&mut text, &self.lines);
        } else {
            text.extend([cut.before, cut.behind, "\n"]);
        }
        self.sieve.look(&text);
        let mut reading = Reading::default();
        if !self.is_ignored_at_once(&text, &mut reading) && self.may_change(several) {
            self.search_text(&mut text, cut, (time, now), &mut reading);
        }
        self.text = text;
        reading
    }

    /// Whether the text that the sieve looked at can be a failure, or changes what is kept: with a
    /// prefregex, several lines become what it took out of them.
    fn may_change(&self, several: bool) -> bool {
        if self.prefregex.is_none() {
            return self.sieve.may_any(self.failregex.len());
        }
        let prefix = self.failregex.len() + self.ignoreregex.len();
        self.sieve.may(prefix) && (several || self.sieve.may_any(self.failregex.len()))
    }

    /// The few ignoreregexes beside many failregexes are asked before them.
    fn is_ignored_at_once(&self, text: &str, reading: &mut Reading) -> bool {
        if self.ignoreregex.len() + 2 < self.failregex.len() {
            reading.ignored = self.ignored_by(text, &mut reading.overruns);
        }
        reading.ignored.is_some()
    }

    fn search_text(
        &mut self,
        text: &mut String,
        cut: Cut<'_>,
        times: (Option<i64>, i64),
        reading: &mut Reading,
    ) {
        let several = self.maxlines > 1;
        let mut original = several.then(|| self.lines.clone());
        let mut prefix = Groups::new();
        if let Some(pattern) = &self.prefregex {
            let Some(found) = searched(pattern, text, &mut reading.overruns) else { return };
            prefix = pattern.groups(&found, text);
            if let Some(Value::Text(content)) = prefix.remove("content")
                && !content.is_empty()
            {
                text.clear();
                text.extend([&content, "\n"]);
                if several {
                    self.lines = vec![Split { behind: content, ..Split::default() }];
                }
            }
        }
        for number in 0..self.failregex.len() {
            let Some(found) = self.try_one(number, text, reading) else { continue };
            let pattern = &self.failregex[number];
            let groups = pattern.groups(&found, text);
            let original = original.get_or_insert_with(|| vec![self.split(cut)]);
            let parted = part(original, text, pattern, &found);
            if self.is_ignored(text, &parted, reading) {
                if several {
                    joined(text, &self.lines);
                }
                match self.way.all {
                    true => continue,
                    false => break,
                }
            }
            if !self.way.all || several {
                joined(text, &parted.others);
            }
            if several {
                self.lines.clone_from(&parted.others);
            }
            let groups = over(&prefix, groups);
            match self.take(number, groups, &parted, times, &mut reading.hits) {
                Taken::Failure if self.way.all => {}
                Taken::Failure | Taken::Line => break,
                Taken::Nobody => {}
            }
        }
    }

    fn try_one(&mut self, number: usize, text: &str, reading: &mut Reading) -> Option<Match> {
        if !self.sieve.may(number) {
            return None;
        }
        let started = self.way.all.then(Instant::now);
        let found = searched(&self.failregex[number], text, &mut reading.overruns);
        if let (Some(started), Some(cost)) = (started, self.costs.get_mut(number)) {
            cost.searches += 1;
            cost.time += started.elapsed();
        }
        found
    }

    /// The line with its date, to be kept.
    fn split(&self, cut: Cut<'_>) -> Split {
        let carried = self.last.as_ref().filter(|_| cut.carries).map(|(_, date)| date.as_str());
        Split {
            before: cut.before.to_owned(),
            date: carried.unwrap_or(cut.date).to_owned(),
            behind: cut.behind.to_owned(),
        }
    }

    /// Whether an ignoreregex matches what a failregex matched; then those lines go.
    fn is_ignored(&mut self, text: &str, parted: &Parted, reading: &mut Reading) -> bool {
        if self.ignoreregex.is_empty() {
            return false;
        }
        let several = self.maxlines > 1;
        let mut matched = String::new();
        let text = match several {
            true => {
                joined(&mut matched, &parted.matched);
                &matched
            }
            false => text,
        };
        let Some(ignored) = self.ignored_by(text, &mut reading.overruns) else { return false };
        reading.ignored = Some(ignored);
        if several {
            self.lines.clone_from(&parted.others);
        }
        true
    }

    fn ignored_by(&self, text: &str, overruns: &mut u32) -> Option<usize> {
        let may = |number: usize| self.sieve.may(self.failregex.len() + number);
        let mut numbers = (0..self.ignoreregex.len()).filter(|number| may(*number));
        numbers.find(|number| searched(&self.ignoreregex[*number], text, overruns).is_some())
    }

    /// Adds the failure of a match.
    fn take(
        &mut self,
        regex: usize,
        groups: Groups,
        parted: &Parted,
        (time, now): (Option<i64>, i64),
        hits: &mut Vec<Hit>,
    ) -> Taken {
        let mut failure = Failure { groups, ..Failure::default() };
        let Some(key) = failure.told("mlfid") else {
            failure.matches.extend(&parted.matched);
            return match who::of(&mut failure, self.usedns, self.way.all) {
                Who::Known(id) => {
                    hits.push(Hit { regex, id: Some(id), time, failure });
                    Taken::Failure
                }
                Who::Ignored => Taken::Failure,
                Who::Unknown => Taken::Nobody,
            };
        };
        let mut merged = self.connections.merge(&key, failure, &parted.matched, now);
        let quiet = merged.failure.has("nofail");
        if quiet && !self.way.all {
            self.connections.keep(&merged, now);
            return Taken::Line;
        }
        let id = match who::of(&mut merged.failure, self.usedns, self.way.all) {
            Who::Known(id) => Some(id),
            Who::Ignored => {
                self.connections.keep(&merged, now);
                return Taken::Failure;
            }
            Who::Unknown => None,
        };
        merged.failure.pending |= id.is_none();
        self.connections.keep(&merged, now);
        if merged.joined {
            // Failures of one line and connection know the same users, once there are any.
            let same = |hit: &&mut Hit| hit.failure.told("mlfid").as_deref() == Some(&key);
            for hit in hits.iter_mut().filter(same).filter(|hit| hit.failure.users.is_some()) {
                hit.failure.users.clone_from(&merged.failure.users);
            }
        }
        if id.is_some() || self.way.all {
            hits.push(Hit { regex, id, time, failure: merged.failure });
        }
        Taken::Failure
    }
}

fn searched(pattern: &Pattern, text: &str, overruns: &mut u32) -> Option<Match> {
    match pattern.search(text) {
        Ok(found) => found,
        Err(_) => {
            *overruns += 1;
            None
        }
    }
}

/// The groups of the prefregex, and over them those of the failregex that took part.
fn over(prefix: &Groups, groups: Groups) -> Groups {
    let mut all = prefix.clone();
    for (name, value) in groups {
        if value != Value::None || !all.contains_key(&name) {
            all.insert(name, value);
        }
    }
    all
}
