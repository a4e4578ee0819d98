//! All jails together.

mod acting;
mod asking;
mod begun;
mod counting;
mod earlier;
mod freeing;
mod holding;
mod idle;
mod outbox;
mod planning;
mod reading;
mod repairs;
mod round;
mod serve;
mod standing;
mod state;
mod waiting;

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use monban_fail2ban::client::Globals;
use monban_fail2ban::config::Version;
use monban_fail2ban::dates::Zone;
use monban_fail2ban::filter::Id;
use monban_model::{JailOrder, JailRow, Net, Stamp};

use crate::bans::Ban;
use crate::jail::Jail;
use crate::known::Bad;
use crate::rows;
use crate::spared::SparedCounts;
use crate::tickets::{Key, Tickets};
use crate::told::{News, Told};
use asking::Asking;
pub use asking::{Ask, Question};
use begun::Begun;
pub use begun::{EarlierLog, ReadLog};
pub use earlier::Earlier;
pub use freeing::Freed;
pub use idle::State;
use outbox::Outbox;
pub use planning::{Plan, Setup};
use round::Round;
pub use standing::Lame;
use waiting::Waiting;

/// The jails at work. See the page of the crate.
pub struct Jails {
    /// The names of all jails that were ever seen, by their keys.
    names: Vec<String>,
    /// Those that run, by their numbers in the configuration.
    jails: Vec<Option<Jail>>,
    begun: Begun,
    /// Bans of jails that are gone; they wait for their return.
    waiting: Waiting,
    /// Those that an operator stopped.
    halted: BTreeSet<Key>,
    /// The jails that read a file, by its path.
    rounds: HashMap<String, Round>,
    tickets: Tickets,
    bad: Bad,
    spared: SparedCounts,
    allowed: Vec<Net>,
    /// Those of them that are addresses of this machine.
    own: Vec<Net>,
    guards: bool,
    zone: Zone,
    wall: TimeZone,
    version: Version,
    globals: Globals,
    asking: Asking,
    outbox: Outbox,
    /// Last orders of jails that were stopped.
    stopping: Vec<JailOrder>,
    news: Vec<News>,
    next_order: u64,
    /// Chance for `bantime.rndtime`: unknown to strangers, the same at a replay.
    seed: u64,
    /// The time of the last call, in seconds.
    now_s: i64,
    swept: i64,
    /// Somebody asked that the log be opened anew.
    reopen_log: bool,
    /// Rows that were read, until there is a configuration.
    saved: Vec<(Key, rows::Loaded)>,
    /// Bans of a run that only observed, until it is known whether another fail2ban judged them.
    observed: Vec<(Key, Id, Ban)>,
    /// Changed rows of jails that do not run.
    changed: Vec<JailRow>,
}

impl Jails {
    /// No jail yet. `zone` is for dates of lines, `wall` for times that a person reads. `seed` is
    /// a number that nobody outside knows and that stays the same over restarts; `next_order` is
    /// larger than that of all orders so far.
    pub fn new(zone: Zone, wall: TimeZone, seed: u64, next_order: u64) -> Self {
        let mut asking = Asking::default();
        asking.begin(next_order);
        Self {
            names: Vec::new(),
            jails: Vec::new(),
            begun: Begun::default(),
            waiting: Waiting::default(),
            halted: BTreeSet::new(),
            rounds: HashMap::new(),
            tickets: Tickets::default(),
            bad: Bad::default(),
            spared: SparedCounts::default(),
            allowed: Vec::new(),
            own: Vec::new(),
            guards: false,
            zone,
            wall,
            version: Version::default(),
            globals: Globals::default(),
            asking,
            outbox: Outbox::default(),
            stopping: Vec::new(),
            news: Vec::new(),
            next_order,
            seed,
            now_s: 0,
            swept: 0,
            reopen_log: false,
            saved: Vec::new(),
            observed: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Takes over a configuration. Counts, bans and what filters remember go on.
    pub fn set_up(&mut self, plan: Plan) {
        let Plan { now, guards, globals, jails, .. } = plan;
        let now = self.at(now);
        let mut before: HashMap<Key, Jail> = HashMap::new();
        for jail in std::mem::take(&mut self.jails).into_iter().flatten() {
            before.insert(jail.key, jail);
        }
        self.jails = jails;
        for jail in self.jails.iter_mut().flatten() {
            match before.remove(&jail.key) {
                Some(earlier) => jail.go_on_from(earlier),
                None => self.news.push(news(jail, None, Told::Started)),
            }
        }
        for (key, mut jail) in before {
            // Its actions are ended with all that they did.
            jail.bans.forget(self.outbox.clear(key));
            self.stopped(jail);
        }
        self.halted.clear();
        (self.guards, self.globals) = (guards, globals);
        self.rounds.clear();
        self.take_saved();
        (0..self.jails.len()).for_each(|number| self.begin_hold(number));
        self.ask_names(now);
        self.wake();
    }

    /// Files of `ignoreip` that could not be read: the jail, the file, and whether what stood in
    /// it before goes on.
    pub fn lost_lists(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.running().flat_map(|jail| {
            jail.lost_lists.iter().map(|path| {
                let goes_on = jail.lists.get(path).is_some_and(Option::is_some);
                (jail.name.as_str(), path.as_str(), goes_on)
            })
        })
    }

    /// Whether there is a jail that reads the journal.
    pub fn read_journal(&self) -> bool {
        self.running().any(|jail| jail.all.is_journal())
    }

    /// The jails that run, and who is banned by each.
    pub fn in_force(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &Id>)> {
        self.running().map(|jail| (jail.name.as_str(), jail.bans.iter().map(|(id, _)| id)))
    }

    /// How many jails run.
    pub fn count(&self) -> usize {
        self.running().count()
    }

    /// Time has passed: bans end, what is old is forgotten.
    pub fn tick(&mut self, now: Stamp) {
        let now = self.at(now);
        self.end_bans(now);
        if now >= self.swept + 60 || now < self.swept {
            self.swept = now;
            let findtimes: HashMap<Key, i64> =
                self.running().map(|jail| (jail.key, jail.settings.findtime_s)).collect();
            self.tickets.sweep(now, |key| findtimes.get(&key).copied());
            self.bad.sweep(now, self.globals.dbpurgeage_s);
            self.sweep_waiting(now);
            self.spared.sweep(now, self.globals.dbpurgeage_s);
            self.ask_names(now);
        }
        self.give_up_questions(now);
        self.tell_unsaid(now);
        for number in 0..self.jails.len() {
            self.repeat_lost(number);
            self.end_hold(number);
        }
    }

    /// The clock was set forward by so many milliseconds, or back: what is open keeps its age.
    pub fn clock_set(&mut self, ms: i64) {
        let seconds = ms / 1000;
        self.tickets.shift(seconds);
        self.bad.shift(seconds);
        self.spared.shift(seconds);
        for jail in self.jails.iter_mut().flatten() {
            jail.bans.shift(seconds, jail.settings.bantime_s);
            jail.checked = jail.checked.saturating_add(seconds);
            jail.hold_until = jail.hold_until.saturating_add(seconds);
            jail.repeated = jail.repeated.saturating_add(seconds);
        }
        self.shift_waiting(seconds);
        self.swept = self.swept.saturating_add(seconds);
        self.asking.shift(seconds);
        self.outbox.shift(seconds);
    }

    /// Questions to be asked now.
    pub fn take_questions(&mut self) -> Vec<Question> {
        self.asking.take()
    }

    /// What happened since the last call.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Whether the log is to be opened anew; asked once.
    pub fn take_reopen_log(&mut self) -> bool {
        std::mem::take(&mut self.reopen_log)
    }

    /// Counts and memories that had to make room, since the start.
    pub fn evicted(&self) -> u64 {
        self.tickets.evicted() + self.bad.evicted() + self.waiting.evicted() + self.outbox.cut()
    }

    /// The number of the next order.
    pub fn next_order(&self) -> u64 {
        self.next_order
    }

    /// The level down to which things are logged: `loglevel`.
    pub fn log_level(&self) -> &str {
        &self.globals.loglevel
    }

    /// The log in fail2ban's form is written to this file now. Whether that is another than what
    /// `logtarget` said.
    pub fn logs_to(&mut self, path: &str) -> bool {
        let is_other = self.globals.logtarget != path;
        if is_other {
            path.clone_into(&mut self.globals.logtarget);
        }
        is_other
    }

    fn running(&self) -> impl Iterator<Item = &Jail> {
        self.jails.iter().flatten()
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.jails.iter().position(|jail| jail.as_ref().is_some_and(|jail| jail.name == name))
    }

    fn jail(&self, number: usize) -> Option<&Jail> {
        self.jails.get(number)?.as_ref()
    }

    fn jail_mut(&mut self, number: usize) -> Option<&mut Jail> {
        self.jails.get_mut(number)?.as_mut()
    }

    fn number_of(&self, key: Key) -> Option<usize> {
        self.jails.iter().position(|jail| jail.as_ref().is_some_and(|jail| jail.key == key))
    }

    /// The key of a name; names are never forgotten, and a configuration has few.
    fn key_of(&mut self, name: &str) -> Key {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        Key::try_from(at).unwrap_or(Key::MAX)
    }

    /// The clock in seconds.
    fn at(&mut self, now: Stamp) -> i64 {
        self.now_s = now.0.div_euclid(1000);
        self.now_s
    }

    fn tell(&mut self, number: usize, id: Option<&Id>, told: Told) {
        if let Some(jail) = self.jails.get(number).and_then(Option::as_ref) {
            self.news.push(news(jail, id, told));
        }
    }
}

fn news(jail: &Jail, id: Option<&Id>, told: Told) -> News {
    News { jail: jail.name.clone(), id: id.cloned(), told }
}

/// The end of a ban; `None` for ever.
fn end_of(until: i64) -> Option<i64> {
    (until != i64::MAX).then_some(until)
}
