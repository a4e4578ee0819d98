//! Records become messages: published to topics, routed to subscriptions, written as letters and
//! handed to whoever delivers.
//!
//! A letter leaves when the ledger has it: after a kill the router goes on from its rows, and what
//! the courier has delivered meanwhile it does not deliver again. While the disk takes nothing,
//! letters leave all the same.

mod codes;
mod commands;
mod curious;
pub(in crate::watch) mod keys;
mod lanes;
mod letters;
mod places;
mod recent;
mod reports;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use monban_model::wire::{Report, Taken};
use monban_model::{
    Address, Country, Event, Login, Notice, Notify, NotifyRow, Record, Reports, Stamp,
};
use monban_notify::{
    Command, Deliver, Effect, Health, Input, Moment, Outcome, Router, Service, State, Telling,
    tell_login,
};
use monban_views::{
    Known, LocalClock, OwnTexts, Say, Whereabouts, named_addresses, printable, publication,
};

use codes::Codes;
use curious::Curious;
use keys::Keys;
use lanes::Lanes;
use letters::{Letters, Told};
use places::Places;
use recent::Recent;
use reports::{Digests, Outside};

use super::log_sender::BATCH_PREFIX as LOGS_PREFIX;
use super::minutes::BATCH_PREFIX;

pub use codes::Secret;
pub use commands::{Asked, Reply};
pub use lanes::Want;

/// What happened longer ago is not told any more: whoever reads of it now would take it for new.
const OLDEST_TOLD_S: u64 = 3 * 86_400;

/// Since when monban tells people on this host; what its logs hold from before is history.
pub const SINCE_META: &str = "notify.since";

/// How many subscriptions there are that nobody left, and to how many of them nothing goes before
/// they are confirmed, or nothing arrives; for `status`.
pub const COUNTS_META: [&str; 3] = ["notify.subscriptions", "notify.pending", "notify.failing"];

/// Messages, from records to whoever delivers them.
pub struct Teller {
    notify: Notify,
    router: Router,
    clock: LocalClock,
    reload: u32,
    since: Stamp,
    recent: Recent,
    digests: Digests,
    letters: Letters,
    codes: Codes,
    places: Places,
    curious: Curious,
    keys: Keys,
    lanes: Lanes,
    /// What the router wants sent and no commit was begun with.
    fresh: Vec<Deliver>,
    /// What is sent when the commit that is underway is done.
    in_commit: Vec<Deliver>,
    /// Tests that a person waits for.
    asked: HashMap<String, Asked>,
    replies: Vec<Reply>,
    notices: Vec<Notice>,
    /// The router took a step that no commit was asked for.
    stepped: bool,
    /// What the ledger has of [`COUNTS_META`].
    counted: Option<[usize; 3]>,
    metric_reports: Vec<Report>,
    log_reports: Vec<Report>,
    /// What became of a message is known and no commit was begun with it.
    has_outcome: bool,
}

impl Teller {
    /// Tells nobody anything before its first configuration.
    pub fn new(
        rows: Vec<NotifyRow>,
        since: Stamp,
        secret: Secret,
        folder: &Path,
        say: &Say,
    ) -> Self {
        let notify = Notify::default();
        Self {
            // The rows wait for a configuration that names what they are of.
            router: Router::new(&notify, Vec::new()),
            notify,
            clock: LocalClock::of_system(),
            reload: 0,
            since,
            recent: Recent::new(folder),
            digests: Digests::new(folder),
            letters: Letters::new(say, rows),
            places: Places::default(),
            curious: Curious::default(),
            keys: Keys::default(),
            codes: Codes::new(secret),
            lanes: Lanes::default(),
            fresh: Vec::new(),
            in_commit: Vec::new(),
            asked: HashMap::new(),
            replies: Vec::new(),
            notices: Vec::new(),
            stepped: false,
            counted: None,
            metric_reports: Vec::new(),
            log_reports: Vec::new(),
            has_outcome: false,
        }
    }

    /// Takes over a configuration.
    pub fn take_over(
        &mut self,
        (notify, reports, texts): (Notify, Reports, OwnTexts),
        (home, guards): (Option<Country>, bool),
        reload: u32,
        now: Stamp,
    ) {
        self.digests.set_up(reports);
        match self.letters.take_rows() {
            Some(rows) => self.router = Router::new(&notify, rows),
            None => self.router.reload(&notify),
        }
        self.letters.set_up(&notify, texts, (home, guards));
        (self.notify, self.reload) = (notify, reload);
        self.step(now, Input::Tick);
    }

    /// The clock was set forward by so many milliseconds, or back. One that was ahead at the first
    /// start keeps nobody in the dark until its time has come.
    pub fn clock_set(&mut self, ms: i64, now: Stamp) {
        self.since = self.since.min(now);
        self.step(now, Input::ClockSet(ms));
    }

    /// Another database of places, or none.
    pub fn take_geo(&mut self, file: Option<std::os::fd::OwnedFd>) {
        self.places.set(file);
    }

    /// Whether registries are asked who somebody is.
    pub fn ask_who(&mut self, asks: bool) {
        self.curious.set(asks);
    }

    /// Addresses that somebody is to be asked about.
    pub fn questions(&mut self) -> Vec<monban_model::Address> {
        self.curious.questions()
    }

    /// Somebody said who an address is.
    pub fn answered(&mut self, address: monban_model::Address, answer: monban_model::WhoAnswer) {
        self.curious.answered(address, answer);
        self.hand_over(super::now());
    }

    /// Accounts whose files with keys are wanted, and from where they came.
    pub fn key_questions(&mut self) -> Vec<(String, Option<monban_model::Address>)> {
        self.keys.questions()
    }

    /// The files with the keys of an account come, or not.
    pub fn keys_come(&mut self, user: &str, pipe: Option<std::os::fd::OwnedFd>) {
        self.keys.come(user, pipe);
    }

    /// The pipes that they come through, to be waited for.
    pub fn key_pipes(&self) -> impl Iterator<Item = &std::fs::File> {
        self.keys.pipes()
    }

    /// When a message goes without what it waits for.
    pub fn wake_at(&self) -> Option<std::time::Instant> {
        self.keys.wake_at()
    }

    /// Whether anybody subscribed to anything.
    pub fn has_readers(&self) -> bool {
        !self.notify.subscriptions.is_empty()
    }

    /// What the ledger keeps beside rows; with `true` if something of it is new.
    pub fn meta(&mut self) -> (Vec<(String, String)>, bool) {
        let mut meta = vec![(SINCE_META.to_owned(), self.since.0.to_string()), self.codes.meta()];
        let counts = self.counts();
        if let Some(counts) = counts {
            let named = COUNTS_META.into_iter().zip(counts);
            meta.extend(named.map(|(name, count)| (name.to_owned(), count.to_string())));
        }
        let is_new = self.counted != counts;
        self.counted = counts;
        (meta, is_new)
    }

    /// As [`COUNTS_META`] names them; nothing before the first configuration.
    fn counts(&self) -> Option<[usize; 3]> {
        if self.letters.has_rows() {
            return None;
        }
        let mut all = self.router.subscriptions();
        all.retain(|one| one.state != State::Left);
        let pending = all.iter().filter(|one| one.state == State::Pending).count();
        let failing = all.iter().filter(|one| one.health != Health::Works).count();
        Some([all.len(), pending, failing])
    }

    /// Whether the router took a step since this was asked last: its rows are to be committed.
    pub fn take_stepped(&mut self) -> bool {
        std::mem::take(&mut self.stepped)
    }

    /// Publishes a record.
    pub fn record(&mut self, record: &Record, now: Stamp) {
        if !self.has_readers() || record.time < self.since {
            return;
        }
        let findings = self.recent.findings(std::slice::from_ref(record));
        let finding = findings.iter().find_map(|found| match &found.event {
            Event::Found(finding) => Some(&**finding),
            _ => None,
        });
        let Some(publication) = publication(record, finding) else {
            // The decision that follows rests on it.
            if matches!(record.event, Event::Found(_)) {
                self.recent.keep(record);
            }
            return;
        };
        let telling = match &record.event {
            _ if now.since_s(record.time) > OLDEST_TOLD_S => Telling::Not,
            Event::Entered(login) => self.telling(login),
            _ => Telling::Now,
        };
        if telling != Telling::Not {
            self.recent.keep(record);
            if let Event::Entered(login) = &record.event {
                self.keys.ask(login);
            }
        }
        self.step(now, Input::Publish(publication, telling));
    }

    fn telling(&self, login: &Login) -> Telling {
        let user = printable(login.user.as_deref().unwrap_or_default());
        let is_new = login.is_from_a_new_place() || login.failures > 0;
        tell_login(&self.notify.logins, &user, &login.service, login.address, is_new)
    }

    /// Time has passed: what is due, and who delivers.
    pub fn tick(&mut self, now: Stamp) {
        if self.router.wake_at().is_some_and(|at| at <= now) {
            self.step(now, Input::Tick);
        }
        self.tell_reports(now);
        self.keys.read();
        self.hand_over(now);
    }

    /// Queues the reports that are due, each once, and what waited for the ledger to be read.
    fn tell_reports(&mut self, now: Stamp) {
        for (report, topic) in self.digests.due(&self.clock, now) {
            if self.router.wants(report) {
                self.step(now, Input::Report(report, topic));
            }
        }
        for deliver in self.digests.ready(now) {
            self.lanes.add(deliver);
        }
    }

    /// Whether something is to be sent, or was delivered, that no commit was begun with. What was
    /// delivered would be sent once more after a kill, perhaps much later on a quiet host.
    pub fn is_urgent(&self) -> bool {
        !self.fresh.is_empty() || self.has_outcome
    }

    /// What changed, for the commit that begins now.
    pub fn take_rows(&mut self) -> Vec<NotifyRow> {
        self.in_commit.append(&mut self.fresh);
        self.has_outcome = false;
        self.router.take_rows()
    }

    /// The disk takes nothing: nobody is told later for that.
    pub fn disk_full(&mut self, now: Stamp) {
        self.in_commit.append(&mut self.fresh);
        self.has_outcome = false;
        self.committed(now);
    }

    /// The commit is done: what was in it leaves.
    pub fn committed(&mut self, now: Stamp) {
        for deliver in std::mem::take(&mut self.in_commit) {
            self.lanes.add(deliver);
        }
        self.hand_over(now);
    }

    /// Somebody who delivers can be reached, or cannot.
    pub fn lane(&mut self, peer: monban_model::wire::Peer, end: Option<std::os::fd::OwnedFd>) {
        self.lanes.reached(peer, end);
        self.hand_over(super::now());
    }

    /// Who is to be asked for.
    pub fn wants(&mut self) -> Vec<Want> {
        self.lanes.wants()
    }

    /// The lanes, to be waited for.
    pub fn channels(&self) -> impl Iterator<Item = &monban_warden::Channel> {
        self.lanes.channels()
    }

    /// Hears what became of messages.
    pub fn hear(&mut self, now: Stamp) {
        for report in self.lanes.hear() {
            match () {
                () if report.id.starts_with(BATCH_PREFIX) => self.metric_reports.push(report),
                () if report.id.starts_with(LOGS_PREFIX) => self.log_reports.push(report),
                () => self.reported(report, now),
            }
        }
        self.hand_over(now);
    }

    /// Hands metrics of some minutes to the courier; false if it cannot be reached yet.
    pub fn send_metrics(&mut self, id: String, bytes: &[u8]) -> bool {
        self.lanes.send_metrics(id, bytes)
    }

    /// What became of metrics.
    pub fn take_metric_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.metric_reports)
    }

    /// Whether the courier can be reached; if not, it is asked for.
    pub fn has_courier(&mut self) -> bool {
        self.lanes.has_courier()
    }

    /// The same, and nobody is asked.
    pub fn reaches_courier(&self) -> bool {
        self.lanes.reaches_courier()
    }

    /// How often a courier went away, with what it was given.
    pub fn couriers_lost(&self) -> u64 {
        self.lanes.couriers_lost()
    }

    /// Hands events of a log to the courier, for the stream of this number; false if it cannot be
    /// reached.
    pub fn send_logs(&mut self, id: String, stream: u32, bytes: &[u8]) -> bool {
        self.lanes.send_logs(id, (self.reload, stream), bytes)
    }

    /// What became of them.
    pub fn take_log_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.log_reports)
    }

    /// What is to be recorded and said on this host.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn reported(&mut self, report: Report, now: Stamp) {
        self.tell_asker(&report);
        let outcome = match report.taken {
            Taken::Yes { .. } | Taken::But(_) => Outcome::Delivered,
            Taken::No { permanent: true, why, .. } => Outcome::Never { why },
            Taken::No { permanent: false, retry_after_s, why } => {
                Outcome::Later { why, after_s: retry_after_s }
            }
        };
        self.has_outcome = true;
        self.step(now, Input::Outcome { id: report.id, outcome });
    }

    fn step(&mut self, now: Stamp, input: Input) {
        self.stepped = true;
        let moment = Moment { now, offset_s: self.clock.offset_s(now) };
        let mut effects = Vec::new();
        self.router.step(moment, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Deliver(deliver) => self.fresh.push(deliver),
                Effect::Notice(notice) => self.notices.push(notice),
                Effect::LeaveCodeWanted(subscription) => {
                    let input = self.codes.leave(&subscription);
                    self.step(now, input);
                }
                Effect::Answer { id, answer } => self.answer(id, answer),
            }
        }
    }

    fn command(&mut self, now: Stamp, id: u32, command: Command) {
        self.step(now, Input::Command(id, command));
    }

    /// Gives what waits to whoever delivers it, as far as they can be reached.
    fn hand_over(&mut self, now: Stamp) {
        let mut ready = self.curious.due();
        ready.extend(self.keys.due());
        for deliver in self.lanes.ready(&self.notify) {
            let records = self.recent.find(&deliver.items);
            let deliver = self.curious.hold(deliver, &records);
            ready.extend(deliver.and_then(|deliver| self.keys.hold(deliver, &records)));
        }
        self.look_up_places(&ready);
        for deliver in ready {
            let outside = || Outside {
                failing: crate::who::digest::failing(&self.router),
                database: self.places.database(),
            };
            let Some(deliver) = self.digests.when_read(deliver, outside, now) else { continue };
            let records = self.recent.find(&deliver.items);
            let code = self.codes.for_letter(&deliver);
            if let Some(input) = code.input() {
                self.step(now, input);
            }
            let asked = self.asked.contains_key(&deliver.id);
            let known = self.known(&records);
            let digest = match deliver.service {
                Some(Service::Report(report)) => self.digests.find(report),
                _ => None,
            };
            let told = Told { records: &records, known: &known, digest };
            let letter = self.letters.write(&deliver, told, &code, now);
            if let Err(why) = self.lanes.send(&self.notify, self.reload, &deliver, letter, asked) {
                let outcome = Outcome::Later { why, after_s: None };
                self.step(now, Input::Outcome { id: deliver.id, outcome });
            }
        }
    }

    /// Where all addresses are that these messages name: the database is read once.
    fn look_up_places(&mut self, messages: &[Deliver]) {
        let records: Vec<Record> =
            messages.iter().flat_map(|message| self.recent.find(&message.items)).collect();
        let findings = self.recent.findings(&records);
        if let Some(error) = self.places.look_up(addresses_of(&records, &findings)) {
            self.notices.push(super::notice("geo-failed", &[("error", error)]));
        }
    }

    /// What is known beside these records.
    fn known(&self, records: &[Record]) -> Known {
        let findings = self.recent.findings(records);
        let addresses = addresses_of(records, &findings);
        let whereabouts = |address: Address| {
            let place = self.places.of(address);
            let who = self.curious.who(address);
            (address, Whereabouts::of(place.origin(), &place.as_name, who))
        };
        let places = addresses.into_iter().map(whereabouts).collect();
        Known { comments: self.keys.comments(records), ..Known::new(places, &findings) }
    }
}

/// The addresses that they name, each once.
fn addresses_of(records: &[Record], findings: &[Record]) -> Vec<Address> {
    let mut addresses: Vec<Address> =
        records.iter().chain(findings).flat_map(named_addresses).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
