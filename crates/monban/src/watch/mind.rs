//! From a line to the engine: rules read it, its time is judged, the engine takes it in.

use std::collections::HashMap;

use monban_engine::{Counted, Effect, Engine, Observation, Setup, Times};
use monban_ledger::{Batch, Saved};
use monban_model::{
    Address, BySource, EntryRow, JOURNAL, Line, Notice, Order, Origin, OriginRule, Policy,
    PositionRow, Record, SourceId, Stamp, limits,
};
use monban_rules::{Clock, RuleSet, Scratch, Seen};
use monban_sources::journal::JournalEntry;

use super::echo::{Echoes, Event};
use super::form::Form;
use super::hook::Hook;
use super::jails::JailSide;
use super::metrics::{Metrics, Told};
use super::minutes::Minutes;
use super::origins::Origins;
use super::output::Output;
use super::repeats::LastLines;
use super::stage::Stage;
use crate::shipped::Loaded;

/// An answer to an operator: the number of the question, whether it was done, what to tell.
pub type Answer = (u32, bool, Vec<Notice>);

/// Rules, engine and voice of the watcher.
pub struct Mind {
    rules: Option<RuleSet>,
    metrics: Metrics,
    minutes: Minutes,
    origins: Origins,
    clock: Clock,
    scratch: Scratch,
    engine: Engine,
    times: Times,
    output: Output,
    effects: Vec<Effect>,
    results: Results,
    notes: BySource<(u64, Stamp)>,
    forms: HashMap<String, Form>,
    /// That of the source whose line came last: most lines come from where the one before did.
    last_form: Option<(SourceId, Form)>,
    last_lines: LastLines,
    echoes: Echoes,
    misplaced: u64,
    /// Lines from before this are of no use to any window or block.
    useful_s: u64,
    evictions_told: u64,
    /// Limits of the ledger, by the configuration: its bytes, and the age of its records.
    pub ledger_bytes_max: u64,
    /// In seconds.
    pub ledger_keep_s: u64,
    saved: Option<Saved>,
    notices: Vec<Notice>,
}

/// What the engine wanted, until it is fetched.
#[derive(Default)]
struct Results {
    records: Vec<Record>,
    orders: Vec<Order>,
    answers: Vec<Answer>,
}

impl Results {
    /// Takes what came of a line. Almost always that is a count and nothing else, which is told
    /// where it lies.
    fn of_line(
        &mut self,
        effects: &mut Vec<Effect>,
        output: &mut Output,
        mut count: impl FnMut(&mut Output, &Counted),
    ) {
        if let [Effect::Counted(counted)] = &effects[..] {
            count(output, counted);
            return effects.clear();
        }
        for effect in effects.drain(..) {
            match effect {
                Effect::Counted(counted) => count(output, &counted),
                other => self.take(other, output),
            }
        }
    }

    fn take(&mut self, effect: Effect, output: &mut Output) {
        match effect {
            // It is told with its line, if that is known.
            Effect::Counted(_) => {}
            Effect::Record(record) => {
                output.record(&record);
                self.records.push(record);
            }
            Effect::Order(order) => self.orders.push(order),
            Effect::Answer { id, done, notices } => self.answers.push((id, done, notices)),
        }
    }
}

impl Mind {
    /// A mind that remembers what was saved and waits for its first configuration.
    pub fn new(mut saved: Saved, clock: Clock, output: Output) -> Self {
        let notices = std::mem::take(&mut saved.notices);
        let minutes = Minutes::new(std::mem::take(&mut saved.sums), super::now());
        Self {
            rules: None,
            metrics: Metrics::default(),
            minutes,
            origins: Origins::default(),
            clock,
            scratch: Scratch::default(),
            engine: Engine::new(Setup::default(), monban_engine::Saved::default()),
            times: Times::default(),
            output,
            effects: Vec::new(),
            results: Results::default(),
            notes: BySource::default(),
            forms: HashMap::new(),
            last_form: None,
            last_lines: LastLines::default(),
            echoes: Echoes::default(),
            misplaced: 0,
            useful_s: 0,
            evictions_told: 0,
            ledger_bytes_max: limits::LEDGER_BYTES_MAX,
            ledger_keep_s: limits::LEDGER_KEEP_S,
            saved: Some(saved),
            notices,
        }
    }

    /// Takes over a configuration: the first makes the engine, later ones change it.
    pub fn take_over(&mut self, loaded: Loaded, now: Stamp) {
        let Loaded { config, rules, metrics, texts: _ } = loaded;
        let setup = Setup {
            catalog: rules.catalog().clone(),
            policies: config.policies.clone(),
            origins: config.origins.clone(),
            alarms: config.alarms.clone(),
        };
        match self.saved.take() {
            Some(saved) => {
                let entries = Hook::entries_of(&saved.meta);
                self.engine = Engine::new(setup, engine_state(saved));
                self.engine.restore_entries(now, entries);
                self.observe(now, Observation::CatchingUp(true));
                for notice in std::mem::take(&mut self.notices) {
                    self.observe(now, Observation::Notice(notice));
                }
            }
            None => self.engine.set_up(setup),
        }
        self.minutes.take_over(&config);
        self.origins.set_up(&config.origins);
        self.useful_s = useful_s(&config.policies, &config.origins);
        (self.ledger_bytes_max, self.ledger_keep_s) =
            (config.ledger_bytes_max, config.ledger_keep_s);
        (self.rules, self.metrics) = (Some(rules), metrics);
    }

    /// The rules in force.
    pub fn rules(&self) -> Option<&RuleSet> {
        self.rules.as_ref()
    }

    /// The voice.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where those are of whom `[[origin]]` asks.
    pub fn origins(&mut self) -> &mut Origins {
        &mut self.origins
    }

    /// Where somebody is of whom the hook told, if that is asked.
    pub fn origin_of(&mut self, address: Option<Address>) -> Origin {
        match address.filter(|_| self.engine.has_origins()) {
            Some(address) => self.origins.of(address),
            None => Origin::default(),
        }
    }

    /// Metrics on their way to CloudWatch.
    pub fn minutes(&mut self) -> &mut Minutes {
        &mut self.minutes
    }

    /// Lines that matched a metric's pattern and had no value for it.
    pub fn metrics_skipped(&self) -> u64 {
        self.metrics.skipped()
    }

    /// Whether it was told its work.
    pub fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// Learns from the first line of a file what is written there. A server begins each file
    /// itself, while a later line may be forged: nginx writes a decoded `%0a` into its error log.
    pub fn learn_form(&mut self, path: &str, first: &[u8]) {
        let Some(rules) = &self.rules else { return };
        let line = Line { bytes: first, source: JOURNAL, position: 0, arrival: super::now() };
        let reading = rules.read(&line, &mut self.clock, &mut self.scratch);
        if let Some(form) = Form::of(&reading, rules) {
            self.forms.insert(path.to_owned(), form);
            self.last_form = None;
        }
    }

    /// Forgets the forms of the files that are not kept.
    pub fn forget_forms(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.forms.retain(|path, _| is_kept(path));
        self.last_form = None;
    }

    /// Another path is read under this number than before: what was known goes with the old one.
    pub fn begin_source(&mut self, source: SourceId) {
        self.notes.remove(source);
        self.last_lines.forget(source);
        self.times.forget(source);
        self.metrics.forget(source);
        self.last_form = None;
    }

    /// Takes in one line of a source; `catching_up` while that gives old ones. Where the rules rest
    /// beside jails, it is only looked at for metrics.
    pub fn line(&mut self, line: &Line<'_>, path: &str, catching_up: bool, own_rules: bool) {
        if !own_rules && self.metrics.is_empty() {
            return;
        }
        let Some(rules) = &self.rules else { return };
        self.clock.set_reference(line.arrival);
        let mut reading = rules.read(line, &mut self.clock, &mut self.scratch);
        if let Some(now) = Form::of(&reading, rules)
            && self.last_form != Some((line.source, now))
        {
            let known = match self.forms.get(path) {
                Some(known) => *known,
                None => *self.forms.entry(path.to_owned()).or_insert(now),
            };
            self.last_form = Some((line.source, known));
            if now != known {
                self.misplaced += 1;
                self.last_lines.forget(line.source);
                return;
            }
        }
        let mut repeated = self.last_lines.meant(line, &reading, rules, &mut self.clock);
        let reading = repeated.as_mut().unwrap_or(&mut reading);
        let (time, _) = self.times.event(line.source, reading.time, line.arrival, catching_up);
        if let Some(note) = self.notes.place(line.source) {
            let before = note.map_or(0, |(sightings, _)| sightings);
            let is_seen = own_rules && reading.sighting.is_some();
            *note = Some((before + u64::from(is_seen), time));
        }
        if !self.metrics.is_empty() {
            let told = Told {
                path,
                service: service_of(&reading.seen, rules),
                time,
                sighting: reading.sighting.as_ref(),
            };
            let minutes = &mut self.minutes;
            self.metrics.line(line, &told, minutes, &mut self.engine, &mut self.effects);
            for effect in self.effects.drain(..) {
                self.results.take(effect, &mut self.output);
            }
        }
        if !own_rules || reading.sighting.is_none() || line.arrival.since_s(time) > self.useful_s {
            return;
        }
        let event = Event::of(reading, self.echoes.hash());
        // It stays where it was read: a copy of what was just written has to wait for it.
        let Some(sighting) = &mut reading.sighting else { return };
        sighting.time = time;
        if !self.echoes.leave_fresh(line.source, event, sighting) {
            return;
        }
        let seen = match self.engine.asks_where(sighting) {
            None => Observation::Sighting(sighting),
            Some(address) => Observation::SightingFrom(sighting, self.origins.of(address)),
        };
        self.engine.step(line.arrival, seen, &mut self.effects);
        let service = rules.catalog().service(sighting.service);
        self.results.of_line(&mut self.effects, &mut self.output, |output, counted| {
            output.counted(counted, sighting, service, line.arrival);
        });
    }

    /// Takes in one entry of the journal and gives the row of its position.
    pub fn journal_entry(
        &mut self,
        entry: &JournalEntry,
        jail_side: &mut JailSide,
        stage: &mut Stage,
        mut row: PositionRow,
    ) -> PositionRow {
        let now = super::now();
        let text = entry.as_line();
        let line = Line { bytes: &text, source: JOURNAL, position: row.lines, arrival: now };
        let logged = Stamp((entry.realtime_us / 1000) as i64);
        let age_s = now.since_s(logged);
        stage.journal_gave(std::time::Instant::now(), age_s);
        let catching_up = stage.journal_is_catching_up();
        if is_believed(entry) {
            self.line(&line, &row.path, catching_up, jail_side.own_rules);
        }
        row.sightings += jail_side.entry(entry, now, catching_up) as u64;
        row.sightings += self.notes.remove(JOURNAL).map_or(0, |(sightings, _)| sightings);
        row.lines += 1;
        // From here on is read if the cursor is of no use any more: the time that journald knows.
        row.last = logged.min(now);
        entry.cursor.clone_into(&mut row.cursor);
        row
    }

    /// Failures that jails found in a line of a source. `live` is the time of a line that was
    /// written just now, where no rule reads its own.
    pub fn note_failures(&mut self, source: SourceId, found: usize, live: Option<Stamp>) {
        if (found > 0 || live.is_some())
            && let Some(note) = self.notes.place(source)
        {
            let note = note.get_or_insert_default();
            note.0 += found as u64;
            note.1 = note.1.max(live.unwrap_or_default());
        }
    }

    /// Tells the engine something that is no line.
    pub fn observe(&mut self, now: Stamp, observation: Observation<'_>) {
        self.engine.step(now, observation, &mut self.effects);
        for effect in self.effects.drain(..) {
            self.results.take(effect, &mut self.output);
        }
    }

    /// Sightings and last event time per source since the last call.
    pub fn take_notes(&mut self) -> Vec<(SourceId, u64, Stamp)> {
        self.notes.drain().map(|(source, (sightings, last))| (source, sightings, last)).collect()
    }

    /// Records to be committed and answers to be sent.
    pub fn take_results(&mut self) -> (Vec<Record>, Vec<Answer>) {
        (std::mem::take(&mut self.results.records), std::mem::take(&mut self.results.answers))
    }

    /// Whether there are orders to be carried out.
    pub fn has_orders(&self) -> bool {
        !self.results.orders.is_empty()
    }

    /// Orders to be carried out now.
    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.results.orders)
    }

    /// The logins of which one witness told, if they changed since the last call.
    pub fn take_entries(&mut self) -> Option<Vec<EntryRow>> {
        self.engine.take_entries()
    }

    /// Gives the changed state, row by row, for the commit.
    pub fn give_changes(&mut self, to: &mut Batch) {
        self.engine.give_changes(to);
        to.state.extend(self.minutes.take_rows());
    }

    /// The number of counts that had to make room, when it has grown by a notable part.
    pub fn new_evictions(&mut self) -> Option<u64> {
        let evicted = self.engine.evicted().tallies;
        if evicted > self.evictions_told + self.evictions_told / 2 {
            self.evictions_told = evicted;
            return Some(evicted);
        }
        None
    }

    /// Sightings that another log had told already.
    pub fn echoes(&self) -> u64 {
        self.echoes.count()
    }

    /// Lines of another form than their file's, which may be forged: they are not counted.
    pub fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// Lines whose own time was not believed.
    pub fn disbelieved(&self) -> u64 {
        self.times.disbelieved()
    }

    /// What the rules know: patterns and services.
    pub fn knows(&self) -> Option<(usize, Vec<String>)> {
        let rules = self.rules.as_ref()?;
        let names = rules.services().map(|service| service.name.clone()).collect();
        Some((rules.catalog().rules.len(), names))
    }

    #[cfg(test)]
    pub fn sizes(&self) -> [usize; 2] {
        [self.forms.len(), self.notes.count()]
    }

    /// Says that the guard is ready.
    pub fn tell_ready(&mut self) {
        self.output.notice(&super::notice("ready", &[]));
    }

    /// Tells what waits to be told.
    pub fn flush_output(&mut self) {
        self.output.flush();
    }

    /// Waits, not for long, until everything was told.
    pub fn end_output(&mut self) {
        self.output.end();
    }
}

/// Seconds that a line may be old and still matter: the longest window and the longest block.
fn useful_s(policies: &[Policy], origins: &[OriginRule]) -> u64 {
    let window_s =
        |policy: &Policy| policy.slow.map_or(0, |slow| slow.length_s).max(policy.window.length_s);
    let block_s = |policy: &Policy| match policy.backoff.first_s {
        Some(_) => policy.backoff.longest_s,
        None => limits::DURATION_MAX_S,
    };
    let of_origins = origins.iter().filter_map(|rule| rule.first_s);
    let of_origins = of_origins.map(|first_s| first_s.unwrap_or(limits::DURATION_MAX_S)).max();
    let longest = |of: &dyn Fn(&Policy) -> u64| policies.iter().map(of).max().unwrap_or(0);
    longest(&window_s).saturating_add(longest(&block_s).max(of_origins.unwrap_or(0)))
}

fn engine_state(saved: Saved) -> monban_engine::Saved {
    monban_engine::Saved {
        tallies: saved.tallies,
        connections: saved.connections,
        blocks: saved.blocks,
        history: saved.history,
        successes: saved.successes,
        places: saved.places,
        alarms: saved.alarms,
        next_seq: saved.next_seq.0,
        next_order: saved.next_order.0,
    }
}

/// Programs that only root logs as. Anybody may log under any name (`logger -t sshd`), but the
/// kernel tells journald who it was.
const ROOTS: [&[u8]; 6] = [b"sshd", b"sshd-session", b"dropbear", b"sudo", b"su", b"login"];

/// The uids of people (`UID_MIN` and `UID_MAX` of login.defs): no service logs as one of them.
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=60_000;

fn is_believed(entry: &JournalEntry) -> bool {
    match entry.uid {
        None | Some(0) => true,
        Some(uid) => !ROOTS.contains(&entry.identifier.as_slice()) && !PEOPLE.contains(&uid),
    }
}

/// The service whose line it is, as far as its head or a rule tells.
fn service_of<'r>(seen: &Seen, rules: &'r RuleSet) -> Option<&'r str> {
    match seen {
        Seen::Known(id) | Seen::Unknown(id) => Some(rules.catalog().service(*id)),
        Seen::Foreign => None,
    }
}
