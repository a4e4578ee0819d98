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
use monban_model::{Address, Net, Registry, Who, WhoAnswer};

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

    /// When to look again: somebody has waited for too long, or a registry may be asked again.
    pub fn deadline(&self) -> Option<Instant> {
        let patience = self.waiting.front().map(|question| question.since + PATIENCE);
        let asked = self.queue.iter().map(|address| registry_of(*address));
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
                WhoAnswer::Known(who) => who.net.is_some_and(|net| net.contains(question.address)),
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
        let Some(net) = who.net else { return };
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
mod tests {
    use super::*;
    use monban_model::{Span, Special, Stamp};

    const SECOND: Duration = Duration::from_secs(1);

    fn who(address: &str, net: &str) -> WhoAnswer {
        let mut who = Who::nothing(address.parse().unwrap(), Stamp(0));
        who.net = Some(Span::of(net.parse().unwrap()));
        who.name = "a.example".to_owned();
        WhoAnswer::Known(Box::new(who))
    }

    fn ask(desk: &mut WhoDesk, id: u64, address: &str, now: Instant) {
        desk.ask(id, address.parse().unwrap(), now);
    }

    fn next(desk: &mut WhoDesk, now: Instant) -> Option<String> {
        desk.next(8, now).map(|address| address.to_string())
    }

    fn told(desk: &mut WhoDesk, now: Instant) -> Vec<(u64, String)> {
        let line = |(id, answer)| match answer {
            WhoAnswer::Known(who) => (id, format!("{} {}", who.address, who.name)),
            WhoAnswer::NotPublic(special) => (id, special.word().to_owned()),
            WhoAnswer::Failed(why) => (id, why),
        };
        desk.answers(now).into_iter().map(line).collect()
    }

    #[test]
    fn an_answer_holds_for_its_network_for_a_day() {
        let (mut desk, start) = (WhoDesk::default(), Instant::now());
        ask(&mut desk, 1, "94.102.63.160", start);
        ask(&mut desk, 2, "94.102.63.161", start);
        ask(&mut desk, 3, "94.102.63.5", start);
        assert_eq!(next(&mut desk, start).as_deref(), Some("94.102.63.160"));
        assert_eq!(next(&mut desk, start), None);
        let address = "94.102.63.160".parse().unwrap();
        desk.found(address, who("94.102.63.160", "94.102.63.128/25"), start);
        let both = [(1, "94.102.63.160 a.example".into()), (2, "94.102.63.161 ".into())];
        assert_eq!(told(&mut desk, start), both);
        // The neighbour is of another network.
        assert_eq!(next(&mut desk, start).as_deref(), Some("94.102.63.5"));
        desk.found("94.102.63.5".parse().unwrap(), WhoAnswer::Failed("no".into()), start);
        assert_eq!(told(&mut desk, start), [(3, "no".to_owned())]);
        ask(&mut desk, 4, "94.102.63.200", start + KEPT - SECOND);
        assert_eq!(told(&mut desk, start + KEPT).len(), 1);
        ask(&mut desk, 5, "94.102.63.200", start + KEPT);
        assert_eq!(next(&mut desk, start + KEPT).as_deref(), Some("94.102.63.200"));
        let counts = DeskCounts { asked: 5, known: 1, looked_up: 3, ..DeskCounts::default() };
        assert_eq!(desk.counts(), counts);
    }

    #[test]
    fn that_nobody_could_tell_is_kept_for_an_hour() {
        let (mut desk, start) = (WhoDesk::default(), Instant::now());
        ask(&mut desk, 1, "8.8.8.8", start);
        let address = desk.next(8, start).unwrap();
        desk.found(address, WhoAnswer::Failed("down".into()), start);
        ask(&mut desk, 2, "8.8.8.9", start + FAILED_KEPT - SECOND);
        assert_eq!(told(&mut desk, start), [(1, "down".to_owned()), (2, "down".to_owned())]);
        ask(&mut desk, 3, "8.8.8.9", start + FAILED_KEPT);
        assert_eq!(next(&mut desk, start + FAILED_KEPT).as_deref(), Some("8.8.8.9"));
    }

    #[test]
    fn nobody_is_asked_about_what_is_nobodys() {
        let (mut desk, now) = (WhoDesk::default(), Instant::now());
        for (id, address) in (0..).zip(["127.0.0.1", "10.1.2.3", "fe80::1", "203.0.113.9", "::"]) {
            ask(&mut desk, id, address, now);
        }
        assert_eq!(desk.next(8, now), None);
        let words: Vec<String> = told(&mut desk, now).into_iter().map(|(_, word)| word).collect();
        let special = [Special::Loopback, Special::Private, Special::LinkLocal];
        assert_eq!(words[..3], special.map(|one| one.word().to_owned()));
    }

    #[test]
    fn a_registry_is_asked_at_its_pace_and_so_often_a_day() {
        let (mut desk, start) = (WhoDesk::default(), Instant::now());
        let address = |at: u32| Address::new(IpAddr::V4((0x5e00_0000 + (at << 8)).into()));
        let mut now = start;
        let mut looked_up = 0;
        for at in 0..WHO_PER_DAY_MAX + 10 {
            desk.ask(u64::from(at), address(at), now);
            match desk.next(8, now) {
                Some(address) => {
                    looked_up += 1;
                    desk.found(address, WhoAnswer::Failed(String::new()), now);
                }
                None if looked_up < WHO_PER_DAY_MAX => {
                    // Another registry has a pace of its own.
                    assert!(at >= WHO_BURST);
                    desk.ask(9999, "8.8.8.8".parse().unwrap(), now);
                    if let Some(other) = desk.next(8, now) {
                        assert_eq!(other.to_string(), "8.8.8.8");
                        desk.found(other, who("8.8.8.8", "8.8.8.0/24"), now);
                    }
                    now = desk.deadline().unwrap().max(now);
                    let address = desk.next(8, now).unwrap();
                    looked_up += 1;
                    desk.found(address, WhoAnswer::Failed(String::new()), now);
                }
                None => {}
            }
        }
        assert_eq!(looked_up, WHO_PER_DAY_MAX);
        assert_eq!(desk.counts().over_share, 10);
        let paced = u64::from(WHO_PER_DAY_MAX - WHO_BURST) * WHO_PACE_S;
        assert!(now >= start + Duration::from_secs(paced), "{:?}", now - start);
        desk.ask(1, address(70_000), now + DAY);
        assert!(desk.next(8, now + DAY).is_some());
    }

    #[test]
    fn nobody_waits_for_ever_and_any_number_takes_bounded_memory() {
        let (mut desk, start) = (WhoDesk::default(), Instant::now());
        let address = |at: u32| Address::new(IpAddr::V4((0x5e00_0000 + (at << 8)).into()));
        let many = 3 * WHO_KEPT_MAX as u32;
        for at in 0..many {
            desk.ask(u64::from(at), address(at), start);
        }
        let turned_away = u64::from(many) - WHO_ASKED_MAX as u64;
        assert_eq!(desk.counts().turned_away, turned_away);
        assert_eq!(desk.answers(start).len() as u64, turned_away);
        assert_eq!(desk.answers(start + PATIENCE).len(), WHO_ASKED_MAX);
        assert_eq!((desk.next(8, start + PATIENCE), desk.queue.len()), (None, 0));
        assert!(desk.open.is_empty() && desk.deadline().is_none());
        for at in 0..many {
            let one = address(at);
            desk.found(one, who(&one.to_string(), &format!("{one}/24")), start);
            desk.found(one, WhoAnswer::Failed(String::new()), start);
        }
        assert!(desk.known.len() <= WHO_KEPT_MAX && desk.failed.len() <= WHO_KEPT_MAX);
        assert!(desk.counts().dropped > 0);
    }

    #[test]
    fn the_narrowest_network_answers() {
        let (mut desk, now) = (WhoDesk::default(), Instant::now());
        for (address, net) in [
            ("94.0.0.1", "94.0.0.0/8"),
            ("94.102.0.1", "94.102.0.0/16"),
            ("94.102.63.1", "94.102.63.0/24"),
            ("94.102.70.1", "94.102.70.0/24"),
        ] {
            desk.found(address.parse().unwrap(), who(address, net), now);
        }
        for (address, net) in [
            ("94.102.63.9", "94.102.63.0/24"),
            ("94.102.64.9", "94.102.0.0/16"),
            ("94.3.3.3", "94.0.0.0/8"),
        ] {
            let Some(WhoAnswer::Known(who)) = desk.remembered(address.parse().unwrap(), now) else {
                panic!("{address}")
            };
            assert_eq!(who.net, Some(Span::of(net.parse().unwrap())), "{address}");
        }
        assert_eq!(desk.remembered("95.0.0.1".parse().unwrap(), now), None);
    }
}
