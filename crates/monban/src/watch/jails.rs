//! fail2ban's jails in the watcher: what they find becomes records, lines and orders.

use std::io;
use std::path::Path;

use monban_config::Fail2ban;
use monban_fail2ban::config::{Configuration, Files};
use monban_jails::{Ask, Entry, Jails, Lack, News, Plan, Setup, Told, WhyNot};
use monban_model::wire::{Refusal, ToWarden};
use monban_model::{JailOrder, JailRow, Line, Notice, Stamp, StateRow};
use monban_sources::journal::JournalEntry;
use monban_views::Say;

use crate::fail2ban::{notice_values, together};
use crate::roles::jails::read_held;

use super::jail_log::JailLog;
use super::jail_news::{found_notice, is_of_many, notice_of, record_of};
use super::jail_states;
use super::{Local, Watch, notice, now};

/// Where the ledger keeps whether jails run and monban's own rules rest.
pub const ALONE_META: &str = "jails.alone";

/// Where the ledger keeps whether the bans of jails reach the firewall.
pub const GUARDS_META: &str = "jails.guards";

/// Jails that may be taken over.
pub struct JailPlan {
    plan: Plan,
    /// What of the configuration does not run, or not as it is written.
    lacks: Vec<Notice>,
    actions: jail_states::Actions,
    /// Whether monban's own rules run beside them; `None` without a configuration of fail2ban.
    beside: Option<bool>,
    guards: bool,
}

impl JailPlan {
    /// Puts the jails of a configuration together. `beside`: whether monban's own rules run beside
    /// them; `files`: with the lists that they name.
    ///
    /// # Errors
    /// As [`Jails::plan`].
    pub fn new(
        jails: &mut Jails,
        beside: Option<bool>,
        configuration: Configuration,
        files: &Files,
        guards: bool,
    ) -> Result<Self, Vec<Lack>> {
        let file = |path: &str| files.text(Path::new(path)).map(str::to_owned);
        let setup = Setup { configuration: &configuration, file: &file, guards, now: now() };
        let mut plan = jails.plan(&setup)?;
        let lacks = lacking(&configuration, std::mem::take(&mut plan.lacks));
        let actions = jail_states::Actions::of(configuration);
        Ok(Self { plan, lacks, actions, beside, guards })
    }
}

/// The jails, and what belongs to them here.
pub struct JailSide {
    jails: Jails,
    /// Whether monban's own rules run.
    pub own_rules: bool,
    /// Whether their bans reach the firewall.
    pub acts: bool,
    /// How many jails run.
    count: usize,
    /// Whether any jail ever ran with this ledger.
    ever_ran: bool,
    /// Rows of the ledger that make no sense, until that is told.
    unreadable: usize,
    /// The number of the configuration in force.
    pub reload: u32,
    /// When the database of another fail2ban was last written that was taken over, in
    /// milliseconds since 1970.
    taken: Option<u64>,
    /// The same of a run that observed; what it took over was not its own.
    observed: Option<u64>,
    /// The ledger does not know which database was taken over.
    pub changed: bool,
    /// Counts that had to make room, as far as that is told.
    evictions_told: u64,
    /// Whether this run guards.
    guards: bool,
    seed: u64,
    /// Where it is told in fail2ban's form, too.
    pub log: JailLog,
    /// What of the configuration does not run, or not as it is written.
    lacks: Vec<Notice>,
    /// The actions of its jails.
    actions: jail_states::Actions,
    /// How each jail stands, as the ledger has it.
    kept_states: String,
}

impl JailSide {
    /// Jails that go on where the saved state ends.
    pub fn new(rows: Vec<JailRow>, meta: &[(String, String)], local: &Local) -> Self {
        let number = |key: &str| {
            let found = meta.iter().find(|(known, _)| known == key);
            found.and_then(|(_, value)| value.parse::<u64>().ok())
        };
        let seed = number("jails.seed").unwrap_or_else(a_number_nobody_knows);
        // Larger than any number of a run whose last commit was lost.
        let next = number("jails.next_order").unwrap_or(1).max(numbers_from(now()));
        let mut jails = Jails::new(local.zone.clone(), local.log.clone(), seed, next);
        let unreadable = jails.load(rows);
        let kept = meta.iter().find(|(known, _)| known == jail_states::META);
        let kept_states = kept.map_or_else(jail_states::none, |(_, states)| states.clone());
        Self {
            jails,
            own_rules: true,
            acts: false,
            count: 0,
            ever_ran: number("jails.seed").is_some(),
            unreadable,
            reload: 0,
            taken: number("jails.taken"),
            observed: number("jails.observed"),
            changed: false,
            evictions_told: 0,
            guards: false,
            seed,
            log: JailLog::new(local.log.clone()),
            lacks: Vec::new(),
            actions: jail_states::Actions::kept(&kept_states),
            kept_states,
        }
    }

    /// Takes in a line of a file; gives back how many failures it held.
    pub fn line(&mut self, path: &str, line: &Line<'_>, catching_up: bool) -> usize {
        if self.count == 0 { 0 } else { self.jails.line(path, line, catching_up) }
    }

    /// Takes in an entry of the journal.
    pub fn entry(&mut self, entry: &JournalEntry, now: Stamp, catching_up: bool) -> usize {
        if self.count == 0 {
            return 0;
        }
        let entry = Entry { fields: &entry.fields, realtime_us: entry.realtime_us };
        self.jails.entry(&entry, now, catching_up)
    }

    /// Whether a file is read from its end on.
    pub fn tails(&self, path: &str) -> bool {
        !self.own_rules && self.jails.tails(path)
    }

    /// Whether entries of the journal are wanted with all their fields.
    pub fn reads_journal(&self) -> bool {
        self.jails.read_journal()
    }

    /// The jails.
    pub fn jails(&mut self) -> &mut Jails {
        &mut self.jails
    }

    /// How many changed rows wait for the commit.
    pub fn waiting_changes(&self) -> usize {
        self.jails.waiting_changes()
    }

    /// The changed rows.
    pub fn take_changes(&mut self) -> Vec<StateRow> {
        self.jails.take_changes().into_iter().map(StateRow::Jail).collect()
    }

    /// How many counts had to make room, when that has grown by a notable part.
    pub fn new_evictions(&mut self) -> Option<u64> {
        let evicted = self.jails.evicted();
        let is_news = evicted > self.evictions_told + self.evictions_told / 2;
        if is_news {
            self.evictions_told = evicted;
        }
        is_news.then_some(evicted)
    }

    /// How each jail stands, for the ledger, if that changed.
    pub fn states(&self) -> Option<(String, String)> {
        let states = jail_states::text(&self.jails, &self.lacks, &self.actions);
        (states != self.kept_states).then(|| (jail_states::META.to_owned(), states))
    }

    /// Works out what the actions of new jails shut; whether there were some.
    pub fn work_out_actions(&mut self) -> bool {
        self.actions.work_out()
    }

    /// The ledger gets it.
    pub fn keep_states(&mut self, states: Option<(String, String)>) {
        if let Some((_, states)) = states {
            self.kept_states = states;
        }
    }

    /// Numbers that the next run needs; nothing where no jail ever ran.
    pub fn meta(&self) -> Vec<(String, String)> {
        if !self.ever_ran {
            return Vec::new();
        }
        let taken = self.taken.map(|taken| ("jails.taken".to_owned(), taken.to_string()));
        let numbers = [
            ("jails.seed".to_owned(), self.seed.to_string()),
            ("jails.next_order".to_owned(), self.jails.next_order().to_string()),
            ("evicted.jails".to_owned(), self.jails.evicted().to_string()),
            ("jails.count".to_owned(), self.count.to_string()),
            (ALONE_META.to_owned(), u8::from(self.count > 0 && !self.own_rules).to_string()),
            (GUARDS_META.to_owned(), u8::from(self.guards).to_string()),
        ];
        let observed = self.observed.map(|at| ("jails.observed".to_owned(), at.to_string()));
        numbers.into_iter().chain(taken).chain(observed).collect()
    }
}

impl JailSide {
    /// Whether the database of another fail2ban, written then, was taken over before. Whom a run
    /// that observed would have banned is settled with it.
    pub fn knows_database(&mut self, written: Option<u64>) -> bool {
        let judged = written.filter(|at| ![self.observed, self.taken].contains(&Some(*at)));
        let judged_s = judged.and_then(|ms| i64::try_from(ms / 1000).ok());
        self.jails.settle_observed(judged_s, now());
        written.is_none() || written == self.taken || (!self.guards && written == self.observed)
    }

    /// The database that was written then is taken over, and its logs are read.
    pub fn keep_database(&mut self, written: u64) {
        self.changed = true;
        match self.guards {
            true => self.taken = Some(written),
            false => self.observed = Some(written),
        }
    }

    /// Everything that is written is read. What waits for idle jails is to be read now.
    pub fn wake_all(&mut self) {
        self.jails.end(now());
    }

    /// Whether something waited for idle jails that are to read it now.
    pub fn is_behind(&self) -> bool {
        self.jails.is_behind()
    }

    /// Tells the log that everything ends.
    pub fn end(&mut self) {
        self.log.end(&self.jails);
    }
}

impl Watch {
    /// Puts the jails of a configuration together, or none.
    ///
    /// # Errors
    /// Jails that run would run no more, or not as they are written.
    pub(super) fn plan_jails(
        &mut self,
        fail2ban: Option<&Fail2ban>,
        guards: bool,
    ) -> Result<JailPlan, Refusal> {
        let jails = &mut self.jail_side.jails;
        let foreseen = self.foreseen.take().zip(fail2ban);
        if let Some(planned) = foreseen.and_then(|(foreseen, wanted)| foreseen.plan_for(wanted)) {
            let plan = jails.adopt(planned.plan, guards);
            return Ok(JailPlan { plan, guards, ..planned });
        }
        let (configuration, files) = match fail2ban {
            Some(fail2ban) => read_held(fail2ban),
            None => (Configuration::none(), Files::default()),
        };
        let beside = fail2ban.map(|fail2ban| fail2ban.beside);
        JailPlan::new(jails, beside, configuration, &files, guards)
            .map_err(|spoilt| refusal(spoilt, self.mind.output().say()))
    }

    /// Takes them over. Gives back what of the configuration does not run.
    pub(super) fn take_jails(&mut self, planned: JailPlan) -> Vec<Notice> {
        let JailPlan { plan, lacks, actions, beside, guards } = planned;
        if beside.is_some() && guards {
            self.jail_side.log.expect();
        }
        if beside.is_some() && guards && self.jail_side.jails.lay_aside_observed() {
            self.earlier.ask_again();
        }
        self.jail_side.guards = guards;
        self.jail_side.jails.set_up(plan);
        // What is read already is not opened again for a jail that is new.
        for path in self.watched.present() {
            self.jail_side.jails.follows(path);
        }
        let level = self.jail_side.jails.log_level().to_owned();
        self.jail_side.log.set_level(&level);
        let stood = (self.jail_side.count, self.jail_side.own_rules);
        self.jail_side.count = self.jail_side.jails.count();
        self.jail_side.ever_ran |= self.jail_side.count > 0;
        if let rows @ 1.. = std::mem::take(&mut self.jail_side.unreadable) {
            self.tell(notice("ledger-rows-unreadable", &[("rows", rows.to_string())]));
        }
        self.jail_side.acts = guards;
        self.jail_side.own_rules = beside.unwrap_or(true);
        self.jail_side.lacks.clone_from(&lacks);
        self.jail_side.actions.change(actions);
        let lists = self.jail_side.jails.lost_lists().map(|(jail, path, goes_on)| {
            let key = if goes_on { "jail-list-kept" } else { "jail-list-lost" };
            notice(key, &[("jail", jail.to_owned()), ("path", path.to_owned())])
        });
        let without = jail_states::without_action(&self.jail_side.jails);
        let lacks: Vec<Notice> = lacks.into_iter().chain(lists).chain(without).collect();
        for told in &lacks {
            self.jail_side.log.lacks(told);
        }
        let lacks = together(&lacks);
        for told in &lacks {
            self.tell(told.clone());
        }
        let stands = (self.jail_side.count, self.jail_side.own_rules);
        if beside.is_some() && (!self.stage.briefed || stands != stood) {
            let count = self.jail_side.count.to_string();
            self.mind.output().notice(&notice("start-jails", &[("count", count)]));
            if !self.jail_side.own_rules {
                self.mind.output().notice(&notice("start-rules-rest", &[]));
            }
        }
        lacks
    }

    /// Sends what the jails want done and asked, and tells what happened in them.
    pub(super) fn serve_jails(&mut self) -> io::Result<()> {
        let reload = self.jail_side.reload;
        let jails = &mut self.jail_side.jails;
        let (orders, questions, news) =
            (jails.take_orders(), jails.take_questions(), jails.take_news());
        let waits = !orders.is_empty() && jails.has_waiting();
        let mut parts = JailOrder::frames(orders).into_iter().peekable();
        while let Some(orders) = parts.next() {
            let more = waits || parts.peek().is_some();
            self.channel.send(&ToWarden::Jails { reload, orders, more }, None)?;
        }
        for question in questions {
            let id = question.id;
            let frame = match question.ask {
                Ask::Name(name) => ToWarden::AskName { id, name },
                Ask::Command => {
                    let (jail, ticket) = (question.jail, question.ticket);
                    ToWarden::AskCommand { reload, id, jail, ticket }
                }
            };
            self.channel.send(&frame, None)?;
        }
        if !news.is_empty() {
            self.pending.touch();
        }
        if self.jail_side.jails.take_reopen_log() {
            self.channel.send(&ToWarden::JailLog, None)?;
        }
        for one in &news {
            self.jail_side.log.tell(one);
        }
        self.jail_side.log.flush();
        for one in news {
            self.tell_news(one);
        }
        Ok(())
    }

    fn tell_news(&mut self, news: News) {
        let recorded = record_of(&news);
        if let Some(observation) = recorded {
            self.observe(observation);
        } else if is_of_many(&news.told) {
            self.mind.output().found(|| found_notice(&news), now());
        } else if let Some((told, kept)) = notice_of(&news) {
            // How many begin is told at the start, and not which.
            if news.told == Told::Started && !self.stage.briefed {
                return;
            }
            match kept {
                true => self.tell(told),
                false => self.mind.output().happened(&told, now()),
            }
        }
    }
}

/// Why jails that run would be spoilt.
fn refusal(spoilt: Vec<Lack>, say: &Say) -> Refusal {
    let problems: Vec<Notice> =
        spoilt.into_iter().flat_map(|lack| told_of(lack, "jail-spoilt", "jail-spoilt")).collect();
    let problems = together(&problems);
    let text: String = problems.iter().map(|told| say.notice(told) + "\n").collect();
    Refusal { text, problems }
}

/// What of a configuration does not run, or not as it is written.
fn lacking(configuration: &Configuration, found: Vec<Lack>) -> Vec<Notice> {
    let broken = configuration.broken.iter();
    let broken =
        broken.map(|(jail, complaint)| told("jail-broken", jail, notice_values(complaint)));
    let found = found.into_iter().flat_map(|lack| told_of(lack, "jail-broken", "jail-defaults"));
    broken.chain(found).collect()
}

/// What is wrong with a jail, by the key for one that cannot run and that for wrong values.
fn told_of(lack: Lack, unusable: &str, values: &str) -> Vec<Notice> {
    match lack.why {
        WhyNot::Unusable(why) => vec![told(unusable, &lack.jail, vec![("why".to_owned(), why)])],
        WhyNot::Values(faults) => {
            faults.iter().map(|one| told(values, &lack.jail, notice_values(one))).collect()
        }
    }
}

fn told(key: &str, jail: &str, why: Vec<(String, String)>) -> Notice {
    let values = [("jail".to_owned(), jail.to_owned())].into_iter().chain(why).collect();
    Notice { key: key.to_owned(), values }
}

/// Where the numbers of orders and questions begin at some time: no run gives 4,096 a millisecond.
fn numbers_from(now: Stamp) -> u64 {
    u64::try_from(now.0).unwrap_or(0).saturating_mul(4096)
}

/// From the randomness that every map of the language begins with.
fn a_number_nobody_knows() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
