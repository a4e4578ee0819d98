//! Reports of days and weeks: when they are due, and what they tell. Reading the ledger for one
//! takes up to a second, so that a thread does it and no line waits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use monban_ledger::Reader;
use monban_model::{Address, ReportId, ReportKind, Reports, Stamp};
use monban_notify::{Deliver, Service};
use monban_views::{Digest, Failing, LocalClock};

use super::places::Database;
use crate::who::shown_place;

/// What happened at the end of the time is in the ledger by then.
const SETTLED_S: u64 = 5;

/// A ledger that could not be read is tried again after this.
const AGAIN_S: u64 = 60;

/// A digest is kept for so long, for readers who cannot be reached at once.
const KEPT_S: u64 = 3600;

/// What of a report is not in the ledger.
pub(super) struct Outside {
    /// Subscriptions that do not work.
    pub(super) failing: Vec<Failing>,
    /// Where addresses are.
    pub(super) database: Option<Database>,
}

/// Reports that are underway.
pub(super) struct Digests {
    folder: PathBuf,
    config: Reports,
    /// When it was last looked at which are due.
    looked: Stamp,
    known: HashMap<ReportId, State>,
    waiting: Vec<Deliver>,
}

enum State {
    Underway(Receiver<Option<Digest>>),
    Read(Box<Digest>, Stamp),
    Failed(Stamp),
}

impl Digests {
    /// They are read from the ledger of this folder.
    pub(super) fn new(folder: &Path) -> Self {
        let (known, waiting) = (HashMap::new(), Vec::new());
        Self {
            folder: folder.to_owned(),
            config: Reports::default(),
            looked: Stamp(0),
            known,
            waiting,
        }
    }

    /// Takes over when which reports are sent.
    pub(super) fn set_up(&mut self, config: Reports) {
        self.config = config;
    }

    /// The last reports that were due, and their topic. The router knows which of them were told.
    pub(super) fn due(&mut self, clock: &LocalClock, now: Stamp) -> Vec<(ReportId, String)> {
        // In a flood this is asked thousands of times a second.
        if now.0.abs_diff(self.looked.0) < 1000 {
            return Vec::new();
        }
        self.looked = now;
        let settled = now.minus_s(SETTLED_S);
        let due = |kind: ReportKind| {
            let due = clock.last_time(settled, self.config.time(kind)?);
            Some((ReportId { kind, due }, self.config.topic.clone()))
        };
        ReportKind::ALL.into_iter().filter_map(due).collect()
    }

    /// The delivery, if all that it tells is known; else it waits here.
    pub(super) fn when_read(
        &mut self,
        deliver: Deliver,
        outside: impl FnOnce() -> Outside,
        now: Stamp,
    ) -> Option<Deliver> {
        let Some(Service::Report(report)) = deliver.service else { return Some(deliver) };
        if matches!(self.known.get(&report), Some(State::Read(..))) {
            return Some(deliver);
        }
        self.waiting.push(deliver);
        let is_late = |at: &Stamp| now.since_s(*at) >= AGAIN_S;
        match self.known.get(&report) {
            Some(State::Underway(_)) => {}
            Some(State::Failed(at)) if !is_late(at) => {}
            _ => self.begin(report, outside(), now),
        }
        None
    }

    fn begin(&mut self, report: ReportId, outside: Outside, now: Stamp) {
        let (tell, hear) = channel();
        let folder = self.folder.clone();
        let read = move || {
            let Outside { failing, database } = outside;
            let find = |attackers: &[Address]| places(database.as_ref(), attackers);
            let clock = LocalClock::of_system();
            let digest = Reader::open(&folder)
                .and_then(|reader| Digest::read(&reader, &clock, report, failing, find));
            // Nobody waits for it any more if this process ends.
            let _ = tell.send(digest.ok());
        };
        let thread = std::thread::Builder::new().name("report".to_owned()).spawn(read);
        let state = match thread {
            Ok(_) => State::Underway(hear),
            Err(_) => State::Failed(now),
        };
        self.known.insert(report, state);
    }

    /// What waited and can be delivered now, or is to be looked at again.
    pub(super) fn ready(&mut self, now: Stamp) -> Vec<Deliver> {
        for state in self.known.values_mut() {
            let State::Underway(hear) = state else { continue };
            *state = match hear.try_recv() {
                Ok(Some(digest)) => State::Read(Box::new(digest), now),
                Ok(None) | Err(TryRecvError::Disconnected) => State::Failed(now),
                Err(TryRecvError::Empty) => continue,
            };
        }
        self.known.retain(|_, state| match state {
            State::Read(_, at) => now.since_s(*at) < KEPT_S,
            _ => true,
        });
        let is_open = |deliver: &Deliver| match &deliver.service {
            Some(Service::Report(report)) => match self.known.get(report) {
                Some(State::Underway(_)) => true,
                Some(State::Failed(at)) => now.since_s(*at) < AGAIN_S,
                _ => false,
            },
            _ => false,
        };
        let (open, ready) = std::mem::take(&mut self.waiting).into_iter().partition(is_open);
        self.waiting = open;
        ready
    }

    /// What a report tells.
    pub(super) fn find(&self, report: ReportId) -> Option<&Digest> {
        match self.known.get(&report) {
            Some(State::Read(digest, _)) => Some(digest),
            _ => None,
        }
    }
}

/// Where attackers are, in words. A database that cannot be read is told of by the next message.
fn places(database: Option<&Database>, attackers: &[Address]) -> HashMap<Address, String> {
    let found = database.and_then(|database| database.find(attackers).ok()).unwrap_or_default();
    let shown = found.into_iter().map(|(address, place)| (address, shown_place(&place)));
    shown.filter(|(_, place)| !place.is_empty()).collect()
}
