//! Who waits for which name, and what is known already. No clock and no network of its own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use monban_model::Address;
use monban_model::limits::{NAME_PATIENCE_S, NAMES_ASKED_MAX, NAMES_KEPT_MAX, NAMES_KEPT_S};
use monban_model::wire::FromCourier;

/// Questions and answers.
#[derive(Debug, Default)]
pub struct Desk {
    /// Questions without an answer, oldest first.
    waiting: VecDeque<Question>,
    /// Names that no thread works on yet.
    queue: VecDeque<String>,
    /// Names that threads work on.
    asked: usize,
    /// Names that are in the queue or asked for.
    open: HashSet<String>,
    known: HashMap<String, Known>,
    /// Names in the order in which they became known.
    order: VecDeque<(String, Instant)>,
    answers: Vec<FromCourier>,
}

#[derive(Debug)]
struct Question {
    id: u64,
    name: String,
    since: Instant,
}

#[derive(Debug)]
struct Known {
    addresses: Vec<Address>,
    since: Instant,
}

const PATIENCE: Duration = Duration::from_secs(NAME_PATIENCE_S);
const KEPT: Duration = Duration::from_secs(NAMES_KEPT_S);

impl Desk {
    /// A question comes in.
    pub fn ask(&mut self, id: u64, name: &str, now: Instant) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let known = self.known.get(&name).filter(|known| now < known.since + KEPT);
        if let Some(known) = known {
            let addresses = known.addresses.clone();
            self.answers.push(FromCourier::Addresses { id, addresses, late: false });
        } else if self.waiting.len() >= NAMES_ASKED_MAX {
            self.answers.push(late(id));
        } else {
            if self.open.insert(name.clone()) {
                self.queue.push_back(name.clone());
            }
            self.waiting.push_back(Question { id, name, since: now });
        }
    }

    /// The next name to be asked for, if fewer than `most` are. One that nobody waits for any
    /// more is passed over.
    pub fn next(&mut self, most: usize) -> Option<String> {
        if self.asked >= most {
            return None;
        }
        while let Some(name) = self.queue.pop_front() {
            if self.waiting.iter().any(|question| question.name == name) {
                self.asked += 1;
                return Some(name);
            }
            self.open.remove(&name);
        }
        None
    }

    /// A thread has the addresses of a name.
    pub fn found(&mut self, name: &str, addresses: Vec<Address>, now: Instant) {
        self.asked = self.asked.saturating_sub(1);
        self.open.remove(name);
        let answers = &mut self.answers;
        self.waiting.retain(|question| {
            let waited = question.name == name;
            if waited {
                let (id, addresses) = (question.id, addresses.clone());
                answers.push(FromCourier::Addresses { id, addresses, late: false });
            }
            !waited
        });
        self.keep(name, addresses, now);
    }

    /// What is to be told now; whoever waits for too long is answered with nothing.
    pub fn answers(&mut self, now: Instant) -> Vec<FromCourier> {
        while let Some(question) = self.waiting.pop_front_if(|q| q.since + PATIENCE <= now) {
            self.answers.push(late(question.id));
        }
        std::mem::take(&mut self.answers)
    }

    /// When somebody has waited for too long, if anybody waits.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|question| question.since + PATIENCE)
    }

    fn keep(&mut self, name: &str, addresses: Vec<Address>, now: Instant) {
        while let Some((old, since)) = self.order.front() {
            if self.order.len() < NAMES_KEPT_MAX && now < *since + KEPT {
                break;
            }
            self.known.remove(old);
            self.order.pop_front();
        }
        let known = Known { addresses, since: now };
        if self.known.insert(name.to_owned(), known).is_none() {
            self.order.push_back((name.to_owned(), now));
        }
    }
}

fn late(id: u64) -> FromCourier {
    FromCourier::Addresses { id, addresses: Vec::new(), late: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn addresses() -> Vec<Address> {
        vec!["192.0.2.1".parse().unwrap()]
    }

    fn answer(id: u64, late: bool) -> FromCourier {
        let addresses = if late { Vec::new() } else { addresses() };
        FromCourier::Addresses { id, addresses, late }
    }

    #[test]
    fn a_name_is_asked_for_once_and_kept_for_a_while() {
        let (mut desk, start) = (Desk::default(), Instant::now());
        desk.ask(1, "a.example", start);
        desk.ask(2, "A.example.", start);
        assert_eq!(desk.next(8).as_deref(), Some("a.example"));
        assert_eq!(desk.next(8), None);
        desk.ask(3, "a.example", start + SECOND);
        assert_eq!(desk.next(8), None);
        desk.found("a.example", addresses(), start + SECOND);
        let all = [answer(1, false), answer(2, false), answer(3, false)];
        assert_eq!(desk.answers(start + SECOND), all);
        desk.ask(4, "a.example", start + KEPT);
        assert_eq!(desk.answers(start + KEPT), [answer(4, false)]);
        desk.ask(5, "a.example", start + KEPT + SECOND);
        assert_eq!(desk.next(8).as_deref(), Some("a.example"));
    }

    #[test]
    fn nobody_waits_for_longer_than_his_patience() {
        let (mut desk, start) = (Desk::default(), Instant::now());
        desk.ask(1, "slow.example", start);
        desk.ask(2, "later.example", start);
        assert_eq!(desk.next(1).as_deref(), Some("slow.example"));
        assert_eq!(desk.next(1), None);
        assert_eq!(desk.answers(start + PATIENCE - SECOND), []);
        assert_eq!(desk.answers(start + PATIENCE), [answer(1, true), answer(2, true)]);
        assert_eq!(desk.deadline(), None);
        // The thread comes back: what it found is kept, and nobody is asked about the other.
        desk.found("slow.example", addresses(), start + 20 * SECOND);
        assert_eq!(desk.next(1), None);
        desk.ask(3, "slow.example", start + 21 * SECOND);
        assert_eq!(desk.answers(start + 21 * SECOND), [answer(3, false)]);
        desk.ask(4, "later.example", start + 21 * SECOND);
        assert_eq!(desk.next(1).as_deref(), Some("later.example"));
    }

    #[test]
    fn any_number_of_names_takes_bounded_memory() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        for id in 0..2 * NAMES_ASKED_MAX as u64 {
            desk.ask(id, &format!("{id}.example"), now);
        }
        assert_eq!(desk.answers(now).len(), NAMES_ASKED_MAX);
        for at in 0..3 * NAMES_KEPT_MAX {
            desk.found(&format!("{at}.example"), addresses(), now);
        }
        assert!(desk.known.len() <= NAMES_KEPT_MAX && desk.order.len() <= NAMES_KEPT_MAX);
        assert_eq!(desk.open.len() + desk.queue.len(), NAMES_ASKED_MAX);
        assert_eq!(desk.next(8), None);
        assert!(desk.queue.is_empty());
    }
}
