//! Jails with a clock and a ledger of their own.

use std::collections::BTreeMap;
use std::fs;

use jiff::tz::TimeZone;
use monban_fail2ban::client::answer;
use monban_fail2ban::config::{Configuration, Reading};
use monban_fail2ban::dates::Zone;
use monban_jails::{Jails, Lack, News, Plan, Question, Setup, SparedCount, Told};
use monban_model::{
    JailJob, JailOrder, JailOutcome, JailRepairs, JailResult, JailRow, JailRowKind, Line, SourceId,
    Stamp,
};

pub const START_S: i64 = 1_700_000_000;

/// A line of nothing.
pub const LINE: Line<'_> = Line { bytes: b"", source: SourceId(0), position: 0, arrival: Stamp(0) };

/// Jails that know nothing.
pub fn nobody() -> Jails {
    Jails::new(Zone::utc(), TimeZone::UTC, 0, 0)
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub jails: Jails,
    pub now_s: i64,
    pub guards: bool,
    rows: BTreeMap<(String, &'static str, String), JailRow>,
}

/// A configuration of two jails with the same filter, unless `jail` says otherwise.
pub const TWO: &str = "[DEFAULT]
maxretry = 3
bantime = 1m
findtime = 10m
action = tell
[one]
enabled = yes
filter = x
logpath = /one*.log
[two]
enabled = yes
filter = x
logpath = /two.log
maxretry = 1
";

impl World {
    pub fn new(jail: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let filter = "[Definition]\nfailregex = ^ no <F-USER>\\S+</F-USER> from <HOST>$\n";
        write("filter.d/x.conf", filter);
        write("action.d/tell.conf", "[Definition]\nactionban = echo <ip>\n");
        write("jail.conf", jail);
        let jails = Jails::new(Zone::utc(), TimeZone::UTC, 7, 1);
        let rows = BTreeMap::new();
        let mut world = Self { folder, jails, now_s: START_S, guards: false, rows };
        assert_eq!(world.set_up(), []);
        world
    }

    pub fn now(&self) -> Stamp {
        Stamp(self.now_s * 1000)
    }

    /// Takes over what the folder says now; what of it does not run.
    pub fn set_up(&mut self) -> Vec<Lack> {
        self.reload().unwrap()
    }

    /// The same, unless it would spoil jails that run: these come out.
    pub fn reload(&mut self) -> Result<Vec<Lack>, Vec<Lack>> {
        let mut jails = std::mem::replace(&mut self.jails, nobody());
        let plan = self.plan_with(&mut jails);
        self.jails = jails;
        let plan = plan?;
        let lacks = plan.lacks.clone();
        self.jails.set_up(plan);
        Ok(lacks)
    }

    /// The plan that such jails make of the configuration.
    pub fn plan_with(&self, jails: &mut Jails) -> Result<Plan, Vec<Lack>> {
        let configuration = Configuration::read(self.folder.path(), &Reading::default());
        let file = |path: &str| fs::read_to_string(path).ok();
        let (now, guards) = (self.now(), self.guards);
        jails.plan(&Setup { configuration: &configuration, file: &file, guards, now })
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub fn line(&mut self, path: &str, text: &str) {
        let line = format!("{} {text}", self.now_s);
        let line = Line { bytes: line.as_bytes(), arrival: self.now(), ..LINE };
        self.jails.line(path, &line, false);
    }

    pub fn tick(&mut self, seconds: i64) {
        self.now_s += seconds;
        self.jails.tick(self.now());
    }

    /// Reads what waited for jails that are idle no more.
    pub fn catch_up(&mut self) {
        while self.jails.read_waiting(1000, self.now()) {}
    }

    pub fn news(&mut self) -> Vec<News> {
        self.jails.take_news()
    }

    /// Who was banned, freed and so on, in a word each.
    pub fn told(&mut self) -> Vec<String> {
        let word = |one: &News| {
            let id = one.id.as_ref().map(ToString::to_string).unwrap_or_default();
            let word = match &one.told {
                Told::Restored => "restored",
                Told::TakenOver { .. } => "taken",
                Told::Banned { .. } => "banned",
                Told::Freed(_) => "freed",
                Told::Parked => "parked",
                Told::Ignored(_) => "spared",
                Told::Refused { .. } => "refused",
                Told::Again => "again",
                Told::TooMany => "full",
                Told::Repaired { count } => return Some(format!("{} repaired {count}", one.jail)),
                _ => return None,
            };
            Some(format!("{} {word} {id}", one.jail))
        };
        self.news().iter().filter_map(word).collect()
    }

    pub fn orders(&mut self) -> Vec<JailOrder> {
        self.jails.take_orders()
    }

    /// An order has its outcome.
    pub fn becomes(&mut self, order: &JailOrder, result: JailResult) {
        let JailOrder { id, jail, job, .. } = *order;
        let now = self.now();
        self.jails.outcome(JailOutcome { order: id, jail, job, result }, now);
    }

    /// An order was carried out by actions that were repaired so often by then.
    pub fn done(&mut self, order: &JailOrder, epoch: u64) {
        self.becomes(
            order,
            JailResult::Done { singly: Vec::new(), repairs: JailRepairs { epoch, mended: 0 } },
        );
    }

    /// Orders as jail, job and address.
    pub fn ordered(&mut self) -> Vec<(u32, JailJob, String)> {
        let word = |order: JailOrder| {
            let address = order.address.map(|net| net.to_string()).unwrap_or_default();
            (order.jail, order.job, address)
        };
        self.orders().into_iter().map(word).collect()
    }

    pub fn questions(&mut self) -> Vec<Question> {
        self.jails.take_questions()
    }

    /// What `fail2ban-client` would show of a command's value.
    pub fn client(&mut self, words: &str) -> String {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let bytes = answer(&monban_fail2ban::client::question(&words), &mut self.jails);
        match monban_fail2ban::client::reply(&bytes).unwrap() {
            Ok(value) => monban_fail2ban::client::beautify(&words, &value),
            Err(error) => error.shown(),
        }
    }

    /// Commits what changed.
    pub fn commit(&mut self) {
        for row in self.jails.take_changes() {
            let key = (row.jail.clone(), row.kind.word(), row.id.clone());
            match row.data {
                Some(_) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }

    /// What the ledger says that a jail counts of somebody.
    pub fn counted(&self, jail: &str, id: &str) -> Option<(u32, i64)> {
        let mut rows = self.rows.values().filter(|row| row.jail == jail && row.id == id);
        rows.find_map(monban_jails::open_count)
    }

    /// What the ledger says that a jail did not count of somebody.
    pub fn spared(&self, jail: &str, id: &str) -> Option<SparedCount> {
        let mut rows = self.rows.values().filter(|row| row.jail == jail && row.id == id);
        rows.find_map(monban_jails::spared_count)
    }

    /// What the ledger has.
    pub fn rows(&self) -> Vec<JailRow> {
        self.rows.values().cloned().collect()
    }

    /// Rows of a kind that are in the ledger.
    pub fn committed(&self, kind: JailRowKind) -> usize {
        self.rows.values().filter(|row| row.kind == kind).count()
    }

    /// Who is banned, as the ledger says it to everybody.
    pub fn in_force(&self) -> Vec<String> {
        let shown = self.rows.values().filter(|row| row.ban.is_some());
        shown.map(|row| row.id.clone()).collect()
    }

    /// An end at any instant, and a new start.
    pub fn restart(&mut self) {
        self.begin();
        assert_eq!(self.set_up(), []);
    }

    /// An end at any instant, and a new beginning without a configuration yet.
    pub fn begin(&mut self) {
        self.jails = Jails::new(Zone::utc(), TimeZone::UTC, 7, self.jails.next_order());
        assert_eq!(self.jails.load(self.rows.values().cloned().collect()), 0);
    }
}
