//! What a scan adds up: who failed, what he tried, what would have been answered, who came in.

use std::collections::{BTreeMap, HashMap};

use indexmap::{IndexMap, IndexSet};
use monban_engine::{Counted, Effect};
use monban_model::limits::USER_MAX;
use monban_model::{
    Address, Because, ByOrigin, Catalog, Decision, Event, Login, QuickState, ServiceId, Sighting,
    Stamp, Subject, Verdict,
};
use monban_sources::archive::Skipped;
use smallvec::SmallVec;

/// Addresses that are told one by one at most; the failures of the others are counted.
const ATTACKERS_MAX: usize = 1_000_000;

/// Names that are kept of one attacker.
const USERS_MAX: usize = 50;

/// Different names that are kept of all.
const NAMES_MAX: usize = 1_000_000;

/// Logins that are kept.
const LOGINS_MAX: usize = 100_000;

/// One address that failed. There may be a million: most fail at one service, with one name.
#[derive(Clone, Debug, Default)]
pub struct Attacker {
    /// It was last counted alone, not with its /64.
    pub alone: bool,
    /// Failures.
    pub failures: u64,
    /// Failures of each service.
    services: SmallVec<[(ServiceId, u64); 1]>,
    /// How often each name was tried, by its number; at most [`USERS_MAX`] names.
    users: SmallVec<[(u32, u32); 2]>,
    /// The first failure.
    pub first: Stamp,
    /// The last one.
    pub last: Stamp,
}

/// One block that would have been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WouldBlock {
    /// Since when.
    pub from: Stamp,
    /// Until when; `None` is forever.
    pub until: Option<Stamp>,
    /// The policy.
    pub policy: String,
    /// The table of `[[origin]]`, if that is why.
    pub by: Option<Box<ByOrigin>>,
}

/// What a scan adds up.
#[derive(Debug, Default)]
pub struct Report {
    /// Lines read.
    pub lines: u64,
    /// Bytes of these lines, unpacked.
    pub bytes: u64,
    /// Sightings among them.
    pub sightings: u64,
    /// Files read.
    pub files: u64,
    /// Everyone with at least one failure.
    pub attackers: IndexMap<Address, Attacker, QuickState>,
    /// The names that they tried.
    names: IndexSet<Box<[u8]>, QuickState>,
    /// Blocks that would have been made.
    pub blocks: HashMap<Subject, Vec<WouldBlock>>,
    /// How many of them each table of `[[origin]]` made, by its number and place.
    pub by_origin: BTreeMap<(u32, String), u64>,
    /// Who came in, in order.
    pub logins: Vec<(Stamp, Login)>,
    /// Failures of addresses beyond the limit.
    pub overflow: u64,
    /// Failures with names beyond the limit.
    pub nameless: u64,
    /// Lines of another form than their log's, among those that were read one by one.
    pub misplaced: u64,
    /// Sightings that stood in two logs.
    pub echoes: u64,
    /// Lines with a date after their file was last written, among those that were read one by one.
    pub disbelieved: u64,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// The names of services.
    catalog: Catalog,
    /// Who was counted last, and his place.
    last: Option<(Address, usize)>,
}

impl Report {
    /// An empty one, with the names of services.
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, ..Self::default() }
    }

    /// Takes in what the engine made of one sighting.
    pub fn take(&mut self, effects: &mut Vec<Effect>, seen: &Sighting<'_>) {
        // Almost always nothing else comes out.
        if let [Effect::Counted(counted)] = &effects[..] {
            self.counted(counted, seen);
            effects.clear();
            return;
        }
        for effect in effects.drain(..) {
            match effect {
                Effect::Counted(counted) => self.counted(&counted, seen),
                Effect::Record(record) => match record.event {
                    Event::Decided(decision) => self.decision(record.time, decision),
                    Event::Entered(login) => self.login(record.time, *login),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn counted(&mut self, counted: &Counted, seen: &Sighting<'_>) {
        if !counted.kind.is_failure() {
            return;
        }
        let attempts = u64::from(counted.attempts);
        let Some(place) = self.place_of(counted) else {
            self.overflow += attempts;
            return;
        };
        let attacker = &mut self.attackers[place];
        attacker.alone = counted.subject != Subject::of(counted.address);
        attacker.failures += attempts;
        attacker.first = attacker.first.min(counted.time);
        attacker.last = attacker.last.max(counted.time);
        match attacker.services.iter_mut().find(|(service, _)| *service == seen.service) {
            Some((_, count)) => *count += attempts,
            None => attacker.services.push((seen.service, attempts)),
        }
        if let Some(user) = seen.user.filter(|user| !user.is_empty()) {
            self.tried(place, &user[..user.len().min(USER_MAX)], counted.attempts);
        }
    }

    /// The place of who is counted; `None` if there are too many.
    fn place_of(&mut self, counted: &Counted) -> Option<usize> {
        // Whoever fails often fails several times in a row.
        if let Some((address, place)) = self.last
            && address == counted.address
        {
            return Some(place);
        }
        let place = match self.attackers.get_index_of(&counted.address) {
            Some(place) => place,
            None if self.attackers.len() >= ATTACKERS_MAX => return None,
            None => {
                let new = Attacker { first: counted.time, ..Attacker::default() };
                self.attackers.insert_full(counted.address, new).0
            }
        };
        self.last = Some((counted.address, place));
        Some(place)
    }

    /// The attacker at this place tried a name.
    fn tried(&mut self, place: usize, user: &[u8], attempts: u32) {
        let users = &mut self.attackers[place].users;
        let is_it = |(number, _): &&mut (u32, u32)| {
            self.names.get_index(*number as usize).is_some_and(|name| **name == *user)
        };
        // Most try few names, or always the same ones first.
        if let Some((_, count)) = users.iter_mut().take(4).find(is_it) {
            *count = count.saturating_add(attempts);
            return;
        }
        let full = users.len() >= USERS_MAX;
        let number = match self.names.get_index_of(user) {
            Some(number) => number as u32,
            // One who tries a great many takes no room from the others.
            None if full => return,
            None if self.names.len() < NAMES_MAX => self.names.insert_full(user.into()).0 as u32,
            None => {
                self.nameless += u64::from(attempts);
                return;
            }
        };
        match users.iter_mut().find(|(known, _)| *known == number) {
            Some((_, count)) => *count = count.saturating_add(attempts),
            None if full => {}
            None => users.push((number, attempts)),
        }
    }

    fn decision(&mut self, time: Stamp, decision: Decision) {
        if let Verdict::Block { until } = decision.verdict {
            let by = match decision.because {
                Because::Origin(by) => Some(by),
                _ => None,
            };
            if let Some(by) = &by {
                *self.by_origin.entry((by.number, by.place.clone())).or_default() += 1;
            }
            let block = WouldBlock { from: time, until, policy: decision.policy, by };
            self.blocks.entry(decision.subject).or_default().push(block);
        }
    }

    fn login(&mut self, time: Stamp, login: Login) {
        if self.logins.len() < LOGINS_MAX {
            self.logins.push((time, login));
        }
    }

    /// Everyone with at least one failure, the worst first.
    pub fn sorted(&self) -> Vec<(Address, &Attacker)> {
        let mut all: Vec<_> = self.attackers.iter().map(|(address, a)| (*address, a)).collect();
        all.sort_by(|(a, x), (b, y)| y.failures.cmp(&x.failures).then(a.cmp(b)));
        all
    }

    /// The services that an attacker failed at, by name, with his failures there.
    pub fn services_of(&self, attacker: &Attacker) -> Vec<(&str, u64)> {
        let named = |(id, count): &(ServiceId, u64)| (self.catalog.service(*id), *count);
        let mut all: Vec<_> = attacker.services.iter().map(named).collect();
        all.sort_unstable();
        all
    }

    /// The names that an attacker tried, the most frequent first.
    pub fn names_of(&self, attacker: &Attacker) -> Vec<&[u8]> {
        let named = |(number, count): &(u32, u32)| {
            let name = self.names.get_index(*number as usize).map_or(&[][..], |name| name);
            (std::cmp::Reverse(*count), name)
        };
        let mut all: Vec<_> = attacker.users.iter().map(named).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, name)| name).collect()
    }

    /// What an address was counted as.
    pub fn subject_of(&self, address: Address) -> Subject {
        match self.attackers.get(&address) {
            Some(attacker) if attacker.alone => Subject::alone(address),
            _ => Subject::of(address),
        }
    }

    /// The blocks of an address.
    pub fn blocks_of(&self, address: Address) -> &[WouldBlock] {
        self.blocks.get(&self.subject_of(address)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use monban_model::{Also, Kind, RuleId, Witness};

    use super::*;

    #[test]
    fn one_who_tries_many_names_takes_no_room_from_the_others() {
        let mut report = Report::default();
        let mut fail = |address: &str, user: &str| {
            let address: Address = address.parse().unwrap();
            let subject = Subject::of(address);
            let (kind, time) = (Kind::LoginFailed, Stamp(1));
            let counted =
                Counted { time, address, subject, attempts: 1, in_window: 1, needed: 5, kind };
            let seen = Sighting {
                kind,
                time,
                address: Some(address),
                user: Some(user.as_bytes()),
                method: None,
                details: Default::default(),
                service: ServiceId(0),
                connection: None,
                witness: Witness(0),
                also: Also::Nothing,
                rule: RuleId(0),
                weight: 1,
                line: &[],
            };
            report.take(&mut vec![Effect::Counted(counted)], &seen);
        };
        for at in 0..1000 {
            fail("192.0.2.1", &format!("user{at}"));
        }
        fail("192.0.2.1", "user49");
        fail("192.0.2.2", "other");
        assert_eq!(report.names.len(), USERS_MAX + 1);
        let [flooder, other] = ["192.0.2.1", "192.0.2.2"]
            .map(|address| report.attackers[&address.parse::<Address>().unwrap()].clone());
        assert_eq!((flooder.failures, flooder.users.len()), (1001, USERS_MAX));
        assert_eq!(report.names_of(&flooder)[0], b"user49");
        assert_eq!(report.names_of(&other), [b"other"]);
        assert_eq!(report.nameless, 0);
    }
}
