//! Who waits for which address, what is known already, and how often a registry may be asked. No
//! clock and no network of its own.
//!
//! An attack comes from many addresses of few networks, and registries shut out whoever asks too
//! often: an answer holds for all addresses of its network, one question at a time is open for the
//! addresses around it, and each registry has a pace and a share of the day.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use monban_model::limits::{
    WHO_ASKED_MAX, WHO_BURST, WHO_FAILED_KEPT_S, WHO_KEPT_MAX, WHO_KEPT_S, WHO_PACE_S,
    WHO_PATIENCE_S, WHO_PER_DAY_MAX,
};
use monban_model::{Address, Net, Registry, Span, Who, WhoAnswer};

use super::registries::registry_of;

/// Questions and answers.
#[derive(Debug, Default)]
pub struct WhoDesk {
    /// Questions without an answer, oldest first.
    waiting: VecDeque<Question>,
    /// Addresses that no thread works on yet, each with the network that it stands for.
    queue: VecDeque<Address>,
    /// Networks that are in the queue or asked for.
    open: HashSet<Net>,
    /// How many threads are at work.
    asked: usize,
    /// What is known, by the last address of its network.
    known: BTreeMap<Address, Known>,
    /// What nobody could tell.
    failed: HashMap<Net, Failed>,
    registries: HashMap<Registry, Purse>,
    answers: Vec<(u64, WhoAnswer)>,
    counts: DeskCounts,
}

/// What became of questions, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeskCounts {
    /// Questions that came in.
    pub asked: u64,
    /// Those that were answered from what was known.
    pub known: u64,
    /// Looked up at a registry.
    pub looked_up: u64,
    /// Those that were turned away, since too many waited.
    pub turned_away: u64,
    /// Those that waited for too long.
    pub late: u64,
    /// Those that a registry's share of the day did not suffice for.
    pub over_share: u64,
    /// What was known and had to make room.
    pub dropped: u64,
}

#[derive(Debug)]
struct Question {
    id: u64,
    address: Address,
    since: Instant,
}

#[derive(Debug)]
struct Known {
    who: Box<Who>,
    since: Instant,
}

#[derive(Debug)]
struct Failed {
    why: String,
    since: Instant,
}

/// What may still be asked of a registry.
#[derive(Debug)]
struct Purse {
    /// Questions that may be asked at once.
    coins: u32,
    /// When the last coin came in.
    filled: Instant,
    /// When the day began, and how many were asked in it.
    day: Instant,
    today: u32,
}

const PATIENCE: Duration = Duration::from_secs(WHO_PATIENCE_S + 20);
const KEPT: Duration = Duration::from_secs(WHO_KEPT_S);
const FAILED_KEPT: Duration = Duration::from_secs(WHO_FAILED_KEPT_S);
const PACE: Duration = Duration::from_secs(WHO_PACE_S);
const DAY: Duration = Duration::from_secs(86_400);

/// Networks that end behind an address and are looked at for one around it.
const NESTED_MAX: usize = 64;

impl WhoDesk {
    /// A question comes in. What can be answered at once stands among the next
    /// [`WhoDesk::answers`].
    pub fn ask(&mut self, id: u64, address: Address, now: Instant) {
        self.counts.asked += 1;
        let special = address.special().map(WhoAnswer::NotPublic);
        if let Some(answer) = special.or_else(|| self.remembered(address, now)) {
            self.counts.known += 1;
            self.answers.push((id, answer));
        } else if self.waiting.len() >= WHO_ASKED_MAX {
            self.counts.turned_away += 1;
            self.answers.push((id, WhoAnswer::Failed("too many questions wait".to_owned())));
        } else {
            self.waiting.push_back(Question { id, address, since: now });
            self.enqueue(address);
        }
    }

    /// What is known of an address, without a question.
    pub fn remembered(&self, address: Address, now: Instant) -> Option<WhoAnswer> {
        let covers = |who: &Who| who.net.is_some_and(|net| net.contains(address));
        // Networks lie within networks: the narrowest ends first.
        let mut around = self.known.range(address..).take(NESTED_MAX).map(|(_, known)| known);
        let known = around.find(|known| covers(&known.who) && now < known.since + KEPT);
        known.map(|known| WhoAnswer::Known(of(&known.who, address))).or_else(|| {
            let failed = self.failed.get(&near(address)?)?;
            (now < failed.since + FAILED_KEPT).then(|| WhoAnswer::Failed(failed.why.clone()))
        })
    }

    /// The next address to be looked up, if fewer than `most` are and its registry may be asked
    /// now. One that nobody waits for any more is passed over.
    pub fn next(&mut self, most: usize, now: Instant) -> Option<Address> {
        if self.asked >= most {
            return None;
        }
        for _ in 0..self.queue.len() {
            let address = self.queue.pop_front()?;
            if !self.waiting.iter().any(|question| near(question.address) == near(address)) {
                self.close(address);
                continue;
            }
            let purse = self.registries.entry(registry_of(address)).or_insert(Purse::full(now));
            match purse.take(now) {
                Taken::Coin => {
                    self.asked += 1;
                    self.counts.looked_up += 1;
                    return Some(address);
                }
                Taken::Later => self.queue.push_back(address),
                Taken::NotToday => {
                    self.counts.over_share += 1;
                    let why = "its registry was asked as often as it may be in a day";
                    self.settle(address, WhoAnswer::Failed(why.to_owned()), now);
                }
            }
        }
        None
    }

    /// A thread has the answer about an address that [`WhoDesk::next`] gave out.
    pub fn found(&mut self, address: Address, answer: WhoAnswer, now: Instant) {
        self.asked = self.asked.saturating_sub(1);
        self.settle(address, answer, now);
    }

    /// What is to be told now, by the number of its question; whoever waited for too long is told
    /// that.
    pub fn answers(&mut self, now: Instant) -> Vec<(u64, WhoAnswer)> {
        while let Some(question) = self.waiting.pop_front_if(|q| q.since + PATIENCE <= now) {
            self.counts.late += 1;
            let why = "nobody answered in time".to_owned();
            self.answers.push((question.id, WhoAnswer::Failed(why)));
        }
        std::mem::take(&mut self.answers)
    }

    /// When to look again: somebody has waited for too long, or a registry may be asked again while
    /// fewer than `most` are looked up.
    pub fn deadline(&self, most: usize) -> Option<Instant> {
        let patience = self.waiting.front().map(|question| question.since + PATIENCE);
        let may_ask = self.asked < most;
        let queue = self.queue.iter().filter(|_| may_ask);
        let asked = queue.map(|address| registry_of(*address));
        let coin = asked.filter_map(|registry| self.registries.get(&registry)).map(Purse::next);
        patience.into_iter().chain(coin).min()
    }

    /// What became of questions, since the start.
    pub const fn counts(&self) -> DeskCounts {
        self.counts
    }

    fn enqueue(&mut self, address: Address) {
        if near(address).is_some_and(|net| self.open.insert(net)) {
            self.queue.push_back(address);
        }
    }

    fn close(&mut self, address: Address) {
        if let Some(net) = near(address) {
            self.open.remove(&net);
        }
    }

    /// Answers all whom this answer concerns. Neighbours of the address that are of another
    /// network are asked for by themselves.
    fn settle(&mut self, address: Address, answer: WhoAnswer, now: Instant) {
        self.close(address);
        let mut neighbours = Vec::new();
        let answers = &mut self.answers;
        self.waiting.retain(|question| {
            let concerned = match &answer {
                WhoAnswer::Known(who) => {
                    reach(who).is_some_and(|net| net.contains(question.address))
                }
                _ => near(question.address) == near(address),
            };
            if concerned || question.address == address {
                let answer = match &answer {
                    WhoAnswer::Known(who) => WhoAnswer::Known(of(who, question.address)),
                    other => other.clone(),
                };
                answers.push((question.id, answer));
                return false;
            }
            if near(question.address) == near(address) {
                neighbours.push(question.address);
            }
            true
        });
        match answer {
            WhoAnswer::Known(who) => self.keep(who, now),
            WhoAnswer::Failed(why) => self.keep_failure(address, why, now),
            WhoAnswer::NotPublic(_) => {}
        }
        neighbours.into_iter().for_each(|address| self.enqueue(address));
    }

    fn keep(&mut self, who: Box<Who>, now: Instant) {
        let Some(net) = reach(&who) else { return };
        self.known.retain(|_, known| now < known.since + KEPT);
        if self.known.len() >= WHO_KEPT_MAX && !self.known.contains_key(&net.last()) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.since);
            if let Some(last) = oldest.map(|(last, _)| *last) {
                self.known.remove(&last);
                self.counts.dropped += 1;
            }
        }
        self.known.insert(net.last(), Known { who, since: now });
    }

    fn keep_failure(&mut self, address: Address, why: String, now: Instant) {
        let Some(net) = near(address) else { return };
        self.failed.retain(|_, failed| now < failed.since + FAILED_KEPT);
        if self.failed.len() < WHO_KEPT_MAX {
            self.failed.insert(net, Failed { why, since: now });
        } else {
            self.counts.dropped += 1;
        }
    }
}

/// The network for all of which an answer is believed. Nobody was ever given more than a /8 (IPv6:
/// a /12, as registries have them): one server that claims more would speak for everybody.
fn reach(who: &Who) -> Option<Span> {
    who.net.filter(|net| {
        let widest = if net.first().is_ipv4() { 1_u128 << 24 } else { 1 << 116 };
        net.extent() < widest
    })
}

impl Purse {
    const fn full(now: Instant) -> Self {
        Self { coins: WHO_BURST, filled: now, day: now, today: 0 }
    }

    fn take(&mut self, now: Instant) -> Taken {
        if now >= self.day + DAY {
            (self.day, self.today) = (now, 0);
        }
        if self.today >= WHO_PER_DAY_MAX {
            return Taken::NotToday;
        }
        while self.coins < WHO_BURST && now >= self.filled + PACE {
            self.filled += PACE;
            self.coins += 1;
        }
        if self.coins == WHO_BURST {
            self.filled = now;
        }
        if self.coins == 0 {
            return Taken::Later;
        }
        self.coins -= 1;
        self.today += 1;
        Taken::Coin
    }

    fn next(&self) -> Instant {
        self.filled + PACE
    }
}

enum Taken {
    Coin,
    Later,
    NotToday,
}

/// The addresses around one that are likely of the same network: registries give out nothing
/// smaller to be routed.
fn near(address: Address) -> Option<Net> {
    let prefix = match address.ip() {
        IpAddr::V4(_) => 24,
        IpAddr::V6(_) => 48,
    };
    Net::new(address.ip(), prefix)
}

/// What is known of a network, as the answer about one of its addresses. Its name is that of
/// another one.
fn of(who: &Who, address: Address) -> Box<Who> {
    let mut who = Box::new(who.clone());
    if who.address != address {
        who.address = address;
        who.name.clear();
        who.name_confirmed = false;
        who.route = who.route.filter(|route| route.contains(address));
    }
    who
}

#[cfg(test)]
mod tests;
