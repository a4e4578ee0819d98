//! A small world to drive the engine in: one service, one clock, short words.
#![allow(dead_code, reason = "each test file uses its part")]

use monban_engine::{Effect, Engine, Observation, Saved, Setup};
use monban_model::wire::Command;
use monban_model::*;

pub mod rig;

pub const DAY_S: i64 = 86_400;

pub fn policy(name: &str, kinds: &[Kind], failures: u32, length_s: u64) -> Policy {
    Policy {
        name: name.into(),
        reach: Reach::EveryService,
        kinds: KindSet::of(kinds),
        window: Window { failures, length_s },
        slow: Some(Window { failures: 10, length_s: 86_400 }),
        backoff: Backoff {
            first_s: Some(600),
            factor: 2,
            longest_s: 604_800,
            forget_s: 30 * 86_400,
        },
        scope: Scope::All,
        blocks: true,
    }
}

pub fn setup() -> Setup {
    let service = ServiceInfo { name: "sshd".into(), ports: vec![22], shell: true };
    let rule =
        |name: &str, kind| RuleInfo { name: format!("sshd/{name}"), service: ServiceId(0), kind };
    Setup {
        catalog: Catalog {
            services: vec![service],
            rules: vec![
                rule("failed", Kind::LoginFailed),
                rule("pam", Kind::LoginFailed),
                rule("probe", Kind::Probe),
            ],
        },
        policies: vec![
            policy("default", &[Kind::LoginFailed], 5, 600),
            policy("probe", &[Kind::Probe], 10, 600),
        ],
        ..Setup::default()
    }
}

pub struct World {
    pub engine: Engine,
    pub effects: Vec<Effect>,
    pub now: Stamp,
    /// What all sightings say of their connection besides, and how many attempts they stand for.
    pub also: Also,
    /// See `also`.
    pub weight: u32,
}

impl World {
    pub fn new() -> Self {
        Self::with(setup())
    }

    pub fn with(setup: Setup) -> Self {
        let engine = Engine::new(setup, Saved::default());
        let now = Stamp::from_s(1_000_000);
        Self { engine, effects: Vec::new(), now, also: Also::Nothing, weight: 1 }
    }

    pub fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = Stamp::from_s(1_000_000 + seconds);
        self
    }

    pub fn see(&mut self, kind: Kind, address: &str, pid: u64, witness: u8) {
        self.sight(kind, address, pid, witness, b"root");
    }

    pub fn see_user(&mut self, kind: Kind, address: &str, pid: u64, user: &[u8]) {
        self.sight(kind, address, pid, 0, user);
    }

    fn sight(&mut self, kind: Kind, address: &str, pid: u64, witness: u8, user: &[u8]) {
        let line = format!("{} from {address} pid {pid} witness {witness}", kind.name());
        let sighting = Sighting {
            kind,
            time: self.now,
            address: address.parse().ok(),
            user: Some(user),
            method: (kind == Kind::LoginAccepted).then_some(b"publickey".as_slice()),
            details: Default::default(),
            service: ServiceId(0),
            connection: (pid > 0).then_some(ConnectionKey(pid)),
            witness: Witness(witness),
            also: self.also,
            rule: RuleId(u16::from(witness)),
            weight: self.weight,
            line: line.as_bytes(),
        };
        self.engine.step(self.now, Observation::Sighting(&sighting), &mut self.effects);
    }

    pub fn fail(&mut self, address: &str) {
        self.see(Kind::LoginFailed, address, 0, 0);
    }

    pub fn tell(&mut self, observation: Observation<'_>) {
        self.engine.step(self.now, observation, &mut self.effects);
    }

    pub fn command(&mut self, command: Command) -> (bool, Vec<String>) {
        self.command_with(command, |_| OutcomeResult::Applied)
    }

    /// Gives a command, and each order that comes of it this outcome.
    pub fn command_with(
        &mut self,
        command: Command,
        result: impl Fn(&Order) -> OutcomeResult,
    ) -> (bool, Vec<String>) {
        let before = self.effects.len();
        self.tell(Observation::Command(1, command));
        let order = |effect: &Effect| match effect {
            Effect::Order(order) => Some(order.clone()),
            _ => None,
        };
        let orders: Vec<Order> = self.effects[before..].iter().filter_map(order).collect();
        for order in orders {
            let result = result(&order);
            let outcome = Outcome { order: order.id, subject: order.subject, result };
            self.tell(Observation::Outcome(outcome));
        }
        let answer = |effect: &Effect| match effect {
            Effect::Answer { done, notices, .. } => {
                Some((*done, notices.iter().map(|notice| notice.key.clone()).collect()))
            }
            _ => None,
        };
        let mut answers = self.effects[before..].iter().filter_map(answer);
        let first = answers.next().expect("a command is answered");
        assert_eq!(answers.next(), None, "a command is answered once");
        first
    }

    /// The blocks ordered so far: subject and length in seconds from now.
    pub fn blocks(&self) -> Vec<(String, u64)> {
        let block = |effect: &Effect| match effect {
            Effect::Order(Order { subject, act: OrderAct::Block { until, .. }, .. }) => {
                Some((subject.to_string(), until.map_or(0, |until| until.since_s(self.now))))
            }
            _ => None,
        };
        self.effects.iter().filter_map(block).collect()
    }

    pub fn records(&self) -> Vec<&Record> {
        let mut records = Vec::new();
        for effect in &self.effects {
            if let Effect::Record(record) = effect {
                records.push(record);
            }
        }
        records
    }

    pub fn findings(&self) -> Vec<&Finding> {
        let mut findings = Vec::new();
        for record in self.records() {
            if let Event::Found(finding) = &record.event {
                findings.push(&**finding);
            }
        }
        findings
    }

    pub fn logins(&self) -> Vec<&Login> {
        let mut logins = Vec::new();
        for record in self.records() {
            if let Event::Entered(login) = &record.event {
                logins.push(&**login);
            }
        }
        logins
    }

    pub fn decisions(&self) -> Vec<&Decision> {
        let mut decisions = Vec::new();
        for record in self.records() {
            if let Event::Decided(decision) = &record.event {
                decisions.push(decision);
            }
        }
        decisions
    }

    /// Ends the engine and starts another from what it saved, as after a kill.
    pub fn restart(&mut self, rows: &mut Rows) {
        rows.apply(self.engine.take_changes());
        let (next_seq, next_order) = self.engine.next_numbers();
        self.engine = Engine::new(setup(), rows.saved(next_seq, next_order));
    }
}

/// A ledger in memory.
#[derive(Default)]
pub struct Rows {
    tallies: Vec<TallyRow>,
    connections: Vec<ConnectionRow>,
    blocks: Vec<BlockRow>,
    history: Vec<HistoryRow>,
    successes: Vec<SuccessRow>,
    places: Vec<PlaceRow>,
    alarms: Vec<AlarmRow>,
}

impl Rows {
    pub fn apply(&mut self, rows: Vec<StateRow>) {
        for row in rows {
            match row {
                StateRow::Tally(row) => {
                    self.tallies.retain(|r| (&r.policy, r.subject) != (&row.policy, row.subject));
                    self.tallies.push(row);
                }
                StateRow::NoTally(policy, subject) => {
                    self.tallies.retain(|r| (&r.policy, r.subject) != (&policy, subject));
                }
                StateRow::Connection(row) => {
                    self.connections.retain(|r| r.key != row.key);
                    self.connections.push(row);
                }
                StateRow::NoConnection(key) => self.connections.retain(|r| r.key != key),
                StateRow::Block(row) => {
                    self.blocks.retain(|r| (r.subject, &r.scope) != (row.subject, &row.scope));
                    self.blocks.push(row);
                }
                StateRow::NoBlock(subject, scope) => {
                    self.blocks.retain(|r| (r.subject, &r.scope) != (subject, &scope));
                }
                StateRow::History(row) => {
                    self.history.retain(|r| r.subject != row.subject);
                    self.history.push(row);
                }
                StateRow::NoHistory(subject) => self.history.retain(|r| r.subject != subject),
                StateRow::Success(row) => {
                    self.successes.retain(|r| r.address != row.address);
                    self.successes.push(row);
                }
                StateRow::NoSuccess(address) => self.successes.retain(|r| r.address != address),
                StateRow::Place(row) => {
                    self.forget_place(&row.service, &row.user, row.origin);
                    self.places.push(row);
                }
                StateRow::NoPlace(service, user, origin) => {
                    self.forget_place(&service, &user, origin);
                }
                StateRow::Alarm(row) => {
                    let is_same =
                        |r: &AlarmRow| (&r.alarm, &r.contributor) == (&row.alarm, &row.contributor);
                    self.alarms.retain(|r| !is_same(r));
                    self.alarms.push(row);
                }
                StateRow::NoAlarm(alarm, contributor) => {
                    let gone = (&alarm, &contributor);
                    self.alarms.retain(|r| (&r.alarm, &r.contributor) != gone);
                }
                StateRow::Jail(row) => panic!("the engine has no jails: {row:?}"),
                StateRow::Notify(row) => panic!("the engine tells nobody: {row:?}"),
                row @ (StateRow::Sum(_) | StateRow::NoSum(_)) => {
                    panic!("the engine sends nothing: {row:?}")
                }
            }
        }
    }

    fn forget_place(&mut self, service: &str, user: &[u8], origin: Option<Net>) {
        self.places.retain(|r| (&*r.service, &*r.user, r.origin) != (service, user, origin));
    }

    pub fn saved(&self, next_seq: u64, next_order: u64) -> Saved {
        Saved {
            tallies: self.tallies.clone(),
            connections: self.connections.clone(),
            blocks: self.blocks.clone(),
            history: self.history.clone(),
            successes: self.successes.clone(),
            places: self.places.clone(),
            alarms: self.alarms.clone(),
            next_seq,
            next_order,
        }
    }
}
