//! The stage: real rules, a real engine and a real ledger; the clock and the firewall are told.

use std::fs;
use std::path::Path;

use monban_config::Config;
use monban_engine::{Effect, Engine, Observation, Saved, Setup, Times};
use monban_ledger::{Batch, Ledger, Reader};
use monban_model::{
    Address, Kind, Line, Net, Order, Origin, Outcome, OutcomeResult, Record, Seq, SourceId, Stamp,
};
use monban_rules::{Clock, RuleSet, RuleText, Scratch};

use super::script::{Firewall, Step};

/// All stories are about one log.
const SOURCE: SourceId = SourceId(1);

/// Where a story is played.
pub struct Stage {
    folder: tempfile::TempDir,
    rules: RuleSet,
    config: Config,
    clock: Clock,
    times: Times,
    engine: Engine,
    ledger: Option<Ledger>,
    now: Stamp,
    firewall: Firewall,
    allow: Vec<Net>,
    administrators: Vec<Address>,
    /// Where addresses are.
    places: Vec<(Net, Origin)>,
}

impl Stage {
    /// An empty stage with the shipped rules and policies.
    ///
    /// # Errors
    /// If the rules or a folder for the ledger cannot be had.
    pub fn new() -> Result<Self, String> {
        let rules = RuleSet::compile_unchecked(&shipped()?).map_err(|e| format!("{e:?}"))?;
        let config = Config::shipped();
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let now = Stamp::from_s(1_785_542_400);
        let clock = Clock::new("UTC", now).ok_or("no zone UTC")?;
        let engine = Engine::new(setup(&rules, &config), Saved::default());
        let mut stage = Self {
            folder,
            rules,
            config,
            clock,
            times: Times::default(),
            engine,
            ledger: None,
            now,
            firewall: Firewall::Works,
            allow: Vec::new(),
            administrators: Vec::new(),
            places: Vec::new(),
        };
        stage.restart()?;
        Ok(stage)
    }

    /// Plays one step, and commits what came of it.
    ///
    /// # Errors
    /// What the ledger said.
    pub fn play(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Line(text) => self.line(text)?,
            Step::At(time) => self.now = self.now.max(*time),
            Step::Wait(seconds) => self.wait(*seconds)?,
            Step::Set(seconds) => {
                let ms = seconds * 1000;
                self.now = self.now.plus_ms(ms);
                self.observe(Observation::ClockSet { ms })?;
            }
            Step::Restart => self.restart()?,
            Step::Allow(net) => {
                self.allow = vec![*net];
                self.tell_who_is_safe()?;
            }
            Step::Administrator(who) => {
                self.administrators = who.iter().copied().collect();
                self.tell_who_is_safe()?;
            }
            Step::Place(net, origin) => self.places.push((*net, *origin)),
            Step::Command(command) => self.observe(Observation::Command(1, command.clone()))?,
            Step::Firewall(firewall) => self.firewall = *firewall,
            Step::Config(text) => {
                self.config = Config::parse("story", text).map_err(|e| format!("{e:?}"))?;
                self.engine.set_up(setup(&self.rules, &self.config));
            }
        }
        Ok(())
    }

    /// What the ledger holds at the end.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn end(mut self) -> Result<String, String> {
        self.ledger = None;
        let ledger = Reader::open(self.folder.path()).map_err(|error| error.to_string())?;
        let records = ledger.records_after(Seq(0), 10_000).map_err(|error| error.to_string())?;
        let blocks = ledger.blocks().map_err(|error| error.to_string())?;
        Ok(super::dump(&records, &blocks))
    }

    fn line(&mut self, text: &str) -> Result<(), String> {
        let text = &text.replace("{now}", &self.now.to_string());
        self.clock.set_reference(self.now);
        let (rules, mut scratch) = (&self.rules, Scratch::default());
        let line = Line { bytes: text.as_bytes(), source: SOURCE, position: 0, arrival: self.now };
        // A line of a story is live: the clock is where the line is, unless that lies behind.
        let own = rules.read(&line, &mut self.clock, &mut scratch).time;
        self.now = own.map_or(self.now, |own| own.max(self.now));
        let line = Line { arrival: self.now, ..line };
        let mut reading = rules.read(&line, &mut self.clock, &mut scratch);
        let (time, _) = self.times.event(SOURCE, reading.time, self.now, false);
        let Some(sighting) = reading.sighting.as_mut() else { return Ok(()) };
        if sighting.kind == Kind::Harmless {
            return Ok(());
        }
        sighting.time = time;
        let mut effects = Vec::new();
        let seen = match self.engine.asks_where(sighting) {
            None => Observation::Sighting(sighting),
            Some(address) => Observation::SightingFrom(sighting, self.origin_of(address)),
        };
        self.engine.step(self.now, seen, &mut effects);
        self.carry_out(effects)
    }

    fn origin_of(&self, address: Address) -> Origin {
        let known = self.places.iter().find(|(net, _)| net.contains(address));
        known.map(|(_, origin)| *origin).unwrap_or_default()
    }

    /// Time passes as in the daemon: it wakes when something ends, and at the end of the wait.
    fn wait(&mut self, seconds: u64) -> Result<(), String> {
        let until = self.now.plus_s(seconds);
        while let Some(next) = self.engine.wake_at().filter(|next| *next <= until) {
            let before = self.now;
            self.now = next.max(self.now);
            self.observe(Observation::Tick)?;
            if self.engine.wake_at().is_some_and(|again| again <= next) && self.now == before {
                self.now = self.now.plus_s(1);
            }
        }
        self.now = until.max(self.now);
        self.observe(Observation::Tick)
    }

    fn restart(&mut self) -> Result<(), String> {
        // Nothing is said to the ledger before: this is kill -9.
        if let Some(ledger) = self.ledger.take() {
            std::mem::forget(ledger);
        }
        let opened = Ledger::open(self.folder.path()).map_err(|error| error.to_string())?;
        let (ledger, saved) = opened;
        self.ledger = Some(ledger);
        self.times = Times::default();
        let saved = Saved {
            tallies: saved.tallies,
            connections: saved.connections,
            blocks: saved.blocks,
            history: saved.history,
            successes: saved.successes,
            places: saved.places,
            alarms: saved.alarms,
            next_seq: saved.next_seq.0,
            next_order: saved.next_order.0,
        };
        self.engine = Engine::new(setup(&self.rules, &self.config), saved);
        self.tell_who_is_safe()
    }

    /// The warden tells this to every watcher that starts.
    fn tell_who_is_safe(&mut self) -> Result<(), String> {
        self.observe(Observation::Allow(self.allow.clone()))?;
        let administrators = self.administrators.clone();
        self.observe(Observation::Present { administrators, guests: Vec::new() })
    }

    fn observe(&mut self, observation: Observation<'_>) -> Result<(), String> {
        let mut effects = Vec::new();
        self.engine.step(self.now, observation, &mut effects);
        self.carry_out(effects)
    }

    /// Orders get their outcomes, records and state are committed.
    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), String> {
        let mut records: Vec<Record> = Vec::new();
        let mut orders: Vec<Order> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Record(record) => records.push(record),
                Effect::Order(order) => orders.push(order),
                Effect::Counted(_) | Effect::Answer { .. } => {}
            }
        }
        let batch = Batch { records, state: self.engine.take_changes(), ..Batch::default() };
        let ledger = self.ledger.as_mut().ok_or("no ledger")?;
        ledger.commit(&batch).map_err(|error| error.to_string())?;
        for order in orders {
            let result = match self.firewall {
                Firewall::Works => OutcomeResult::Applied,
                Firewall::Fails => OutcomeResult::Failed("no such table".to_owned()),
                Firewall::Refuses => OutcomeResult::Refused("allowed".to_owned()),
            };
            let outcome = Outcome { order: order.id, subject: order.subject, result };
            self.observe(Observation::Outcome(outcome))?;
        }
        Ok(())
    }
}

fn setup(rules: &RuleSet, config: &Config) -> Setup {
    Setup {
        catalog: rules.catalog().clone(),
        policies: config.policies.clone(),
        origins: config.origins.clone(),
        alarms: config.alarms.clone(),
    }
}

/// The files of `rules/`.
fn shipped() -> Result<Vec<RuleText>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let text = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut texts = Vec::new();
    for entry in fs::read_dir(&folder).map_err(text)? {
        let path = entry.map_err(text)?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            let file = format!("rules/{}", path.file_name().unwrap_or_default().display());
            texts.push(RuleText { file, text: fs::read_to_string(&path).map_err(text)? });
        }
    }
    texts.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(texts)
}
