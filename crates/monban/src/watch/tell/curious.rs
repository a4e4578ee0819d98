//! From where somebody came in: a message about it waits a moment for the answer of registries and
//! name servers. What is known is kept; whoever is not told of in time is not waited for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use monban_model::limits::{WHO_FAILED_KEPT_S, WHO_KEPT_S};
use monban_model::{Address, Event, Record, Who, WhoAnswer};
use monban_notify::Deliver;

/// A message waits so long at most.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Nobody is asked about the same address again before this.
const KNOWN_FOR: Duration = Duration::from_secs(WHO_KEPT_S);
/// The same where nobody could tell.
const UNKNOWN_FOR: Duration = Duration::from_secs(WHO_FAILED_KEPT_S);

/// Addresses that are kept.
const KEPT: usize = 256;

/// Questions about addresses.
#[derive(Debug, Default)]
pub(super) struct Curious {
    asks: bool,
    asked: HashMap<Address, Asked>,
    questions: Vec<Address>,
    held: Vec<(Deliver, Vec<Address>, Instant)>,
}

/// A question.
#[derive(Debug)]
struct Asked {
    since: Instant,
    answer: Option<WhoAnswer>,
}

impl Asked {
    /// Whether nobody needs to be asked again.
    fn is_fresh(&self) -> bool {
        let kept = match self.answer {
            Some(WhoAnswer::Known(_)) => KNOWN_FOR,
            _ => UNKNOWN_FOR,
        };
        self.since.elapsed() < kept
    }

    /// Whether a message waits for its answer.
    fn is_open(&self) -> bool {
        self.answer.is_none() && self.since.elapsed() < PATIENCE
    }
}

impl Curious {
    /// Whether anybody is asked.
    pub(super) fn set(&mut self, asks: bool) {
        self.asks = asks;
    }

    /// The message, if it may go now.
    pub(super) fn hold(&mut self, deliver: Deliver, records: &[Record]) -> Option<Deliver> {
        if !self.asks {
            return Some(deliver);
        }
        let mut unknown = Vec::new();
        for address in records.iter().filter_map(came_from) {
            let asked = self.asked.get(&address).filter(|asked| asked.is_fresh());
            let is_waited_for = asked.is_none_or(Asked::is_open);
            let is_new = asked.is_none();
            if is_waited_for && address.special().is_none() {
                if is_new {
                    self.ask(address);
                }
                unknown.push(address);
            }
        }
        if unknown.is_empty() {
            return Some(deliver);
        }
        self.held.push((deliver, unknown, Instant::now() + PATIENCE));
        None
    }

    fn ask(&mut self, address: Address) {
        if self.asked.len() >= KEPT {
            let oldest = self.asked.iter().min_by_key(|(_, asked)| asked.since);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.asked.remove(&oldest);
            }
        }
        self.asked.insert(address, Asked { since: Instant::now(), answer: None });
        self.questions.push(address);
    }

    /// What is to be asked.
    pub(super) fn questions(&mut self) -> Vec<Address> {
        std::mem::take(&mut self.questions)
    }

    /// An answer came; that nobody knows anything is one, too.
    pub(super) fn answered(&mut self, address: Address, answer: WhoAnswer) {
        if let Some(asked) = self.asked.get_mut(&address) {
            asked.answer = Some(answer);
        }
        for (_, unknown, _) in &mut self.held {
            unknown.retain(|one| *one != address);
        }
    }

    /// Messages that wait no longer.
    pub(super) fn due(&mut self) -> Vec<Deliver> {
        let now = Instant::now();
        let is_due = |(_, unknown, until): &mut (Deliver, Vec<Address>, Instant)| {
            unknown.is_empty() || *until <= now
        };
        self.held.extract_if(.., is_due).map(|(deliver, ..)| deliver).collect()
    }

    /// What was answered about an address.
    pub(super) fn who(&self, address: Address) -> Option<&Who> {
        match self.asked.get(&address)?.answer.as_ref()? {
            WhoAnswer::Known(who) => Some(who),
            WhoAnswer::NotPublic(_) | WhoAnswer::Failed(_) => None,
        }
    }
}

/// The address of somebody who came in.
fn came_from(record: &Record) -> Option<Address> {
    match &record.event {
        Event::Entered(login) => login.address,
        _ => None,
    }
}
