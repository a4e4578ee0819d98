//! From the lines of a stream's logs to its events.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use monban_courier::aws::{LineEvents, LogEvent, LogLine, Zone};
use monban_model::limits::AWS_LOGS_STEP_BYTES;
use monban_model::{AwsDates, AwsEventStart, AwsLogs, Line, PositionRow, Stamp};
use monban_rules::{Clock, RuleSet, Scratch, Seen};
use monban_sources::{Feed, Progress, Turns};
use monban_warden::Gate;

use super::marks::Rows;

/// What lines are read with.
pub struct Means<'a> {
    /// For the dates of lines, and for the services that they are of.
    pub rules: &'a RuleSet,
    /// For the dates of lines.
    pub clock: &'a mut Clock,
    /// Of the rules.
    pub scratch: &'a mut Scratch,
    /// For dates by a pattern.
    pub zone: Zone<'a>,
    /// The time.
    pub now: Stamp,
    /// The same, by a clock that is never set.
    pub instant: Instant,
}

/// Reads the logs of one stream.
pub struct Reading {
    logs: AwsLogs,
    /// What each file's lines are made into events by.
    events: LineEvents,
    files: HashMap<String, FileLines>,
    /// Events, each with its number as its mark.
    queue: VecDeque<LogEvent>,
    /// The number of the last one.
    last: u64,
    /// Lines that were too long, and were cut.
    cut: u64,
}

/// The lines of one path.
struct FileLines {
    /// It is named, and so sent with the lines of all services.
    named: bool,
    events: LineEvents,
    /// How far it was read, as far as that is known.
    row: Option<PositionRow>,
    /// As many of them were counted of the file as it is open now.
    cut: u64,
    /// The event that waits for more lines began in the step that is underway.
    began: bool,
    heard: Instant,
}

impl Reading {
    /// Nothing was read yet.
    ///
    /// # Errors
    /// A pattern cannot be used, in a few words.
    pub fn new(logs: &AwsLogs) -> Result<Self, String> {
        Ok(Self {
            events: LineEvents::new(logs)?,
            logs: logs.clone(),
            files: HashMap::new(),
            queue: VecDeque::new(),
            last: 0,
            cut: 0,
        })
    }

    /// Whether events wait that nobody took.
    pub fn has_events(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The events that wait.
    pub fn queue(&mut self) -> &mut VecDeque<LogEvent> {
        &mut self.queue
    }

    /// The number of the last event.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Lines that were too long, and were cut.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Bytes of the texts that wait.
    pub fn waiting_bytes(&self) -> usize {
        self.queue.iter().map(|event| event.message.len() + 1).sum()
    }

    /// Reads a piece, and says how far all before the next event was read.
    pub fn read(&mut self, feed: &mut Feed, means: &mut Means<'_>) -> (Progress, Rows) {
        let Means { now, instant, .. } = *means;
        let progress = feed.read(AWS_LOGS_STEP_BYTES, now, Turns::Round, &mut |line, file| {
            self.line(&line, file.path, means);
        });
        let mut rows = self.positions(feed, instant);
        for (_, row, counters) in feed.sources() {
            if let Some(file) = self.files.get_mut(&row.path) {
                let before = std::mem::replace(&mut file.cut, counters.cut);
                self.cut += counters.cut.saturating_sub(before);
            }
        }
        for path in feed.forgotten() {
            let open = self.files.remove(&path).and_then(|mut file| file.events.flush());
            if let Some(event) = open {
                self.last += 1;
                self.queue.push_back(LogEvent { mark: self.last, ..event });
            }
            rows.insert(path, None);
        }
        self.files.retain(|path, file| file.events.is_open() || feed.follows(path));
        (progress, rows)
    }

    /// How far all before the next event was read, of the paths where that is news.
    pub fn positions(&mut self, feed: &mut Feed, now: Instant) -> Rows {
        let mut rows = Rows::new();
        for row in feed.positions() {
            let file = self.file(&row.path, now);
            let before = file.row.replace(row.clone());
            // An event that is not complete is read again after a kill, from its first line.
            let safe = match (file.events.is_open(), std::mem::take(&mut file.began)) {
                (false, _) => Some(row),
                (true, true) => before,
                (true, false) => None,
            };
            if let Some(safe) = safe {
                rows.insert(safe.path.clone(), Some(safe));
            }
        }
        rows
    }

    /// Events that no line went on with for a while are complete; with how far that was read.
    pub fn complete_quiet(&mut self, instant: Instant) -> Rows {
        let mut rows = Rows::new();
        if self.logs.event_start == AwsEventStart::EveryLine {
            return rows;
        }
        let quiet = Duration::from_millis(self.logs.batching.flush_ms);
        for file in self.files.values_mut() {
            if instant.duration_since(file.heard) >= quiet
                && let Some(event) = file.events.flush()
            {
                self.last += 1;
                self.queue.push_back(LogEvent { mark: self.last, ..event });
                rows.extend(file.row.clone().map(|row| (row.path.clone(), Some(row))));
            }
        }
        rows
    }

    #[cfg(test)]
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Whether the files of a path are read, and whether only for the lines of some services.
    pub fn wants(&self, path: &str, watched: bool) -> bool {
        is_named(&self.logs, path) || (watched && !self.logs.services.is_empty())
    }

    fn line(&mut self, line: &Line<'_>, path: &str, means: &mut Means<'_>) {
        let Means { rules, clock, scratch, zone, now, instant } = means;
        clock.set_reference(*now);
        let mut own = None;
        let named = self.file(path, *instant).named;
        if !self.logs.services.is_empty() && !named {
            let reading = rules.read(line, clock, scratch);
            let service = match reading.seen {
                Seen::Known(id) | Seen::Unknown(id) => rules.catalog().service(id),
                Seen::Foreign => return,
            };
            if !self.logs.services.iter().any(|name| name == service) {
                return;
            }
            own = reading.time;
        } else if self.logs.dates == AwsDates::Own {
            own = rules.time(line, clock, scratch);
        }
        let file = self.file(path, *instant);
        file.heard = *instant;
        let was_open = file.events.is_open();
        let line = LogLine { bytes: line.bytes, mark: 0, own, arrival: *now };
        let complete = file.events.line(line, *zone);
        file.began |= file.events.is_open() && (!was_open || complete.is_some());
        if let Some(event) = complete {
            self.last += 1;
            self.queue.push_back(LogEvent { mark: self.last, ..event });
        }
    }

    fn file(&mut self, path: &str, now: Instant) -> &mut FileLines {
        self.files.entry_ref(path).or_insert_with(|| FileLines {
            named: is_named(&self.logs, path),
            events: self.events.clone(),
            row: None,
            cut: 0,
            began: false,
            heard: now,
        })
    }
}

fn is_named(logs: &AwsLogs, path: &str) -> bool {
    logs.files.iter().any(|pattern| Gate::matches(pattern, path))
}
