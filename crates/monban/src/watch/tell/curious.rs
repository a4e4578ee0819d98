//! Who came from a new place: a message about that waits a moment for the answer of registries and
//! name servers. What is known is kept; whoever is not told of in time is not waited for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use monban_model::{Address, Event, Record, Who, WhoAnswer};
use monban_notify::Deliver;
use monban_views::Whereabouts;

/// A message waits so long at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// Nobody is asked about the same address again before this.
const AGAIN: Duration = Duration::from_secs(3600);

/// Addresses that are kept.
const KEPT: usize = 256;

/// Questions about addresses.
#[derive(Debug, Default)]
pub(super) struct Curious {
    asks: bool,
    asked: HashMap<Address, (Instant, Option<Box<Who>>)>,
    questions: Vec<Address>,
    held: Vec<(Deliver, Vec<Address>, Instant)>,
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
        for address in records.iter().filter_map(new_place) {
            let is_known =
                self.asked.get(&address).is_some_and(|(since, _)| since.elapsed() < AGAIN);
            if !is_known && address.special().is_none() {
                self.ask(address);
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
            let oldest = self.asked.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.asked.remove(&oldest);
            }
        }
        self.asked.insert(address, (Instant::now(), None));
        self.questions.push(address);
    }

    /// What is to be asked.
    pub(super) fn questions(&mut self) -> Vec<Address> {
        std::mem::take(&mut self.questions)
    }

    /// An answer came.
    pub(super) fn answered(&mut self, address: Address, answer: WhoAnswer) {
        if let (Some(asked), WhoAnswer::Known(who)) = (self.asked.get_mut(&address), answer) {
            asked.1 = Some(who);
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

    /// Adds what is known of these addresses.
    pub(super) fn complete(&self, records: &[Record], known: &mut Vec<(Address, Whereabouts)>) {
        for address in records.iter().filter_map(address_of) {
            let Some((_, Some(who))) = self.asked.get(&address) else { continue };
            let at = match known.iter().position(|(one, _)| *one == address) {
                Some(at) => at,
                None => {
                    known.push((address, Whereabouts::default()));
                    known.len() - 1
                }
            };
            let place = &mut known[at].1;
            if place.country.is_empty() {
                place.country = who.country.map(|code| code.to_string()).unwrap_or_default();
            }
            if place.network.is_empty() {
                place.network = first_of(&[&who.as_name, &who.org, &who.netname]);
            }
            place.asn = place.asn.or(who.asn.map(|asn| asn.0));
            place.name = who.name.clone();
            place.abuse = who.abuse.first().cloned().unwrap_or_default();
        }
    }
}

fn first_of(texts: &[&String]) -> String {
    texts.iter().find(|text| !text.is_empty()).map(|text| (*text).clone()).unwrap_or_default()
}

fn address_of(record: &Record) -> Option<Address> {
    match &record.event {
        Event::Entered(login) => login.address,
        _ => None,
    }
}

/// The address of somebody who never came from there before, or failed first.
fn new_place(record: &Record) -> Option<Address> {
    match &record.event {
        Event::Entered(login) if login.is_from_a_new_place() || login.failures > 0 => login.address,
        _ => None,
    }
}
