//! From a line with its date to failures.

use std::sync::Arc;
use std::time::Instant;

use monban_pyre::Match;

use super::buffer::{Cut, Parted, append, joined, part};
use super::dated::Seen;
use super::failure::{Failure, Split};
use super::groups::Groups;
use super::pattern::Pattern;
use super::who::{self, Who};
use super::{Filter, Hit, Odd, Reading, When};

/// What a match came to.
enum Taken {
    /// It is a failure, or part of one.
    Failure,
    /// The line is part of a connection and no failure: nothing more is looked for in it.
    Line,
    /// The groups for it took no part, so the expression names nobody.
    Nobody,
}

impl Filter {
    /// Reads a line whose date was seen. `may` says by expression whether the line may match it.
    pub(super) fn read_seen(
        &mut self,
        line: &str,
        seen: &Seen,
        may: &[bool],
        now: i64,
        when: When,
    ) -> Reading {
        let odd = seen.odd_within(now, when);
        let mut reading = Reading { date: seen.found, odd, ..Reading::default() };
        if seen.stumbles() || odd == Some(Odd::Old) {
            return reading;
        }
        let cut = Cut::of(line, seen);
        match self.maxlines > 1 {
            true => self.search_several(cut, may, (seen.time, now), &mut reading),
            false => self.search_one(cut, may, (seen.time, now), &mut reading),
        }
        reading
    }

    fn search_one(
        &mut self,
        cut: Cut<'_>,
        may: &[bool],
        times: (Option<i64>, i64),
        reading: &mut Reading,
    ) {
        let shape = self.shape();
        if !shape.may_change(may) && !shape.may_ignore(may) {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text.extend([cut.before, cut.behind, "\n"]);
        if !self.is_ignored_at_once(&text, may, reading) && shape.may_change(may) {
            self.search_text(&mut text, cut, may, times, reading);
        }
        self.text = text;
    }

    /// Keeps the line for those that come, in the room of the one that goes.
    fn keep_line(&mut self, cut: Cut<'_>, may: &[bool]) {
        let shape = self.shape();
        let any = shape.may_change(may) || shape.may_ignore(may);
        if self.lines.len() < self.maxlines || cut.carries {
            let too_many = (self.lines.len() + 1).saturating_sub(self.maxlines);
            self.lines.drain(..too_many);
            self.mays.drain(..too_many);
            self.lines.push(self.split(cut));
            self.mays.push(May { any, each: may.to_vec() });
            return;
        }
        self.lines.rotate_left(1);
        self.mays.rotate_left(1);
        if let (Some(line), Some(kept)) = (self.lines.last_mut(), self.mays.last_mut()) {
            line.fill(cut.before, cut.date, cut.behind);
            kept.any = any;
            kept.each.copy_from_slice(may);
        }
    }

    fn search_several(
        &mut self,
        cut: Cut<'_>,
        may: &[bool],
        times: (Option<i64>, i64),
        reading: &mut Reading,
    ) {
        self.keep_idle_lines(may.len());
        self.keep_line(cut, may);
        self.search_kept(cut, may, times, reading);
        if let Some(idle) = &self.idle {
            idle.borrow_mut().waits = self.mays.iter().any(|may| may.each.contains(&true));
        }
    }

    /// Keeps the lines that it was not asked about.
    fn keep_idle_lines(&mut self, expressions: usize) {
        let Some(idle) = self.idle.clone() else { return };
        let may = vec![false; expressions];
        idle.borrow_mut().hand_over(|cut| self.keep_line(cut, &may));
    }

    fn search_kept(
        &mut self,
        cut: Cut<'_>,
        may: &[bool],
        times: (Option<i64>, i64),
        reading: &mut Reading,
    ) {
        let shape = self.shape();
        // With a prefregex, what it needs may stand in another line than the rest.
        if !shape.prefregex && !self.mays.iter().any(|may| may.any) {
            return;
        }
        let any = |number: usize| self.mays.iter().any(|may| may.each[number]);
        let may: Vec<bool> = (0..may.len()).map(any).collect();
        if !shape.may_change(&may) && !shape.may_ignore(&may) {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        append(&mut text, &self.lines);
        if !self.is_ignored_at_once(&text, &may, reading) && shape.may_change(&may) {
            self.search_text(&mut text, cut, &may, times, reading);
            // The lines that are left are of those, or parts of them.
            self.mays = vec![May { any: true, each: may }; self.lines.len()];
        }
        self.text = text;
    }

    /// The few ignoreregexes beside many failregexes are asked before them.
    fn is_ignored_at_once(&self, text: &str, may: &[bool], reading: &mut Reading) -> bool {
        if self.shape().ignores_at_once() {
            reading.ignored = self.ignored_by(text, may, &mut reading.overruns);
        }
        reading.ignored.is_some()
    }

    fn search_text(
        &mut self,
        text: &mut String,
        cut: Cut<'_>,
        may: &[bool],
        times: (Option<i64>, i64),
        reading: &mut Reading,
    ) {
        let several = self.maxlines > 1;
        let original = several.then(|| self.lines.clone());
        let mut prefix = Groups::default();
        if let Some(pattern) = &self.prefregex {
            let Some(found) = searched(pattern, text, &mut reading.overruns) else { return };
            let (groups, content) = pattern.split(&found, text);
            prefix = groups;
            if let Some((start, end)) = content.filter(|(start, end)| start < end) {
                text.truncate(end);
                text.drain(..start);
                if several {
                    let behind = text.clone();
                    self.lines = vec![Split { behind, ..Split::default() }];
                }
                text.push('\n');
            }
        }
        for number in 0..self.failregex.len() {
            if !may.get(number).copied().unwrap_or(true) {
                continue;
            }
            let Some(found) = self.try_one(number, text, reading) else { continue };
            let pattern = &self.failregex[number];
            let mut groups = pattern.groups(&found, text);
            let parted = match &original {
                Some(lines) => part(lines, text, pattern, &found),
                None => Parted { matched: vec![Arc::new(self.split(cut))], others: Vec::new() },
            };
            if self.is_ignored(text, &parted, may, reading) {
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
            groups.fill_from(&prefix);
            match self.take(number, groups, &parted, times, &mut reading.hits) {
                Taken::Failure if self.way.all => {}
                Taken::Failure | Taken::Line => break,
                Taken::Nobody => {}
            }
        }
    }

    fn try_one(&mut self, number: usize, text: &str, reading: &mut Reading) -> Option<Match> {
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
        let mut dating = cut.carries.then(|| self.dating.borrow_mut());
        let carried = dating.as_mut().and_then(|dating| dating.last_text());
        Split {
            before: cut.before.to_owned(),
            date: carried.unwrap_or(cut.date).to_owned(),
            behind: cut.behind.to_owned(),
        }
    }

    /// Whether an ignoreregex matches what a failregex matched; then those lines go.
    fn is_ignored(
        &mut self,
        text: &str,
        parted: &Parted,
        may: &[bool],
        reading: &mut Reading,
    ) -> bool {
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
        let Some(ignored) = self.ignored_by(text, may, &mut reading.overruns) else {
            return false;
        };
        reading.ignored = Some(ignored);
        if several {
            self.lines.clone_from(&parted.others);
        }
        true
    }

    fn ignored_by(&self, text: &str, may: &[bool], overruns: &mut u32) -> Option<usize> {
        let may = |number: usize| may.get(self.failregex.len() + number).copied().unwrap_or(true);
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
            self.connections.keep(merged, now);
            return Taken::Line;
        }
        let id = match who::of(&mut merged.failure, self.usedns, self.way.all) {
            Who::Known(id) => Some(id),
            Who::Ignored => {
                self.connections.keep(merged, now);
                return Taken::Failure;
            }
            Who::Unknown => None,
        };
        merged.failure.pending |= id.is_none();
        if merged.joined {
            // Failures of one line and connection know the same users, once there are any.
            let same = |hit: &&mut Hit| hit.failure.told("mlfid").as_ref() == Some(&key);
            for hit in hits.iter_mut().filter(same).filter(|hit| hit.failure.users.is_some()) {
                hit.failure.users.clone_from(&merged.failure.users);
            }
        }
        if id.is_none() && !self.way.all {
            self.connections.keep(merged, now);
            return Taken::Failure;
        }
        if merged.is_kept() {
            self.connections.keep(merged.clone(), now);
        }
        hits.push(Hit { regex, id, time, failure: merged.failure });
        Taken::Failure
    }
}

/// What a line that is kept may match.
#[derive(Clone)]
pub(super) struct May {
    /// Anything, by itself.
    any: bool,
    /// By expression.
    each: Vec<bool>,
}

/// How many expressions of which kind there are.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub failregexes: usize,
    pub ignoreregexes: usize,
    pub prefregex: bool,
    pub several: bool,
}

impl Shape {
    /// Whether a text can be a failure, or changes what is kept: with a prefregex, several lines
    /// become what it took out of them.
    pub fn may_change(self, may: &[bool]) -> bool {
        let any = may.iter().take(self.failregexes).any(|may| *may);
        match may.get(self.failregexes + self.ignoreregexes) {
            Some(prefix) if self.prefregex => *prefix && (self.several || any),
            _ => any,
        }
    }

    /// The few ignoreregexes beside many failregexes are asked before them.
    fn ignores_at_once(self) -> bool {
        self.ignoreregexes + 2 < self.failregexes
    }

    fn may_ignore(self, may: &[bool]) -> bool {
        let ignore = may.iter().skip(self.failregexes).take(self.ignoreregexes);
        self.ignores_at_once() && ignore.into_iter().any(|may| *may)
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
