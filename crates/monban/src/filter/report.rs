//! What a test of a filter adds up.

use std::time::Duration;

use monban_fail2ban::dates::Zone;
use monban_fail2ban::filter::{Filter, Hit, Reading};

use super::show;

/// What is tested.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// As it was asked for.
    pub name: String,
    /// The files of the filter.
    pub files: Vec<String>,
    /// Its expressions.
    pub failregex: Vec<String>,
}

/// An expression's figures.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// How many lines it matched.
    pub hits: u64,
    /// How often it was tried.
    pub searches: u64,
    /// What that took in all.
    pub time: Duration,
}

/// The whole test.
#[derive(Debug)]
pub struct Report {
    /// What is tested.
    pub facts: Facts,
    /// Lines read.
    pub lines: u64,
    /// Lines that were a failure, or part of one.
    pub matched: u64,
    /// Lines that an ignoreregex took out.
    pub ignored: u64,
    /// Lines with a date.
    pub dated: u64,
    /// Searches that were given up at their bound.
    pub overruns: u64,
    /// The first hits, as text.
    pub shown: Vec<String>,
    /// The first lines that nothing matched.
    pub missed: Vec<String>,
    /// How many lines nothing matched.
    pub missed_count: u64,
    /// By expression.
    pub tried: Vec<Tried>,
    /// Templates of dates that were found: name and hits.
    pub dates: Vec<(String, u64)>,
    show: usize,
}

impl Report {
    /// An empty one that shows so many lines of each kind.
    pub fn new(facts: Facts, show: usize) -> Self {
        let tried = vec![Tried::default(); facts.failregex.len()];
        Self {
            facts,
            lines: 0,
            matched: 0,
            ignored: 0,
            dated: 0,
            overruns: 0,
            shown: Vec::new(),
            missed: Vec::new(),
            missed_count: 0,
            tried,
            dates: Vec::new(),
            show,
        }
    }

    /// Adds what a line came to.
    pub fn take(&mut self, line: &str, reading: &Reading, zone: &mut Zone) {
        self.lines += 1;
        self.overruns += u64::from(reading.overruns);
        self.dated += u64::from(reading.date.is_some_and(|date| date.epoch.is_some()));
        for hit in &reading.hits {
            if let Some(tried) = self.tried.get_mut(hit.regex) {
                tried.hits += 1;
            }
        }
        match (reading.hits.first(), reading.ignored) {
            (Some(hit), _) => {
                self.matched += 1;
                if self.shown.len() < self.show {
                    self.shown.push(self.row(hit, zone));
                }
            }
            (None, Some(_)) => self.ignored += 1,
            (None, None) => {
                self.missed_count += 1;
                if self.missed.len() < self.show {
                    self.missed.push(line.to_owned());
                }
            }
        }
    }

    /// Takes over what the filter itself has counted.
    pub fn finish(&mut self, filter: &Filter) {
        for (tried, cost) in self.tried.iter_mut().zip(filter.costs()) {
            tried.searches = cost.searches;
            tried.time = cost.time;
        }
        let dates = filter.dates();
        let templates = dates.templates().filter(|template| template.hits > 0);
        self.dates = templates.map(|template| (template.name.to_owned(), template.hits)).collect();
    }

    fn row(&self, hit: &Hit, zone: &mut Zone) -> String {
        let who = hit.id.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let time = hit.time.map_or_else(|| "-".to_owned(), |time| show::local(time, zone));
        let mut more = Vec::new();
        for (name, value) in hit.failure.groups.iter() {
            if let Some(text) = value.text()
                && !matches!(name, "ip4" | "ip6" | "dns" | "content")
            {
                more.push(format!("{name}={}", monban_views::quoted(text.as_bytes())));
            }
        }
        let line = self.lines;
        format!("{line}\t{time}\t{who}\t#{}\t{}", hit.regex + 1, more.join(" "))
    }
}
