//! One jail: its filter, its settings, its bans.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use glob::{MatchOptions, Pattern};
use monban_fail2ban::client::JailSettings;
use monban_fail2ban::config::{self, ActionSpec, Complaint};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::encoding::Encoding;
use monban_fail2ban::filter::{self, Filter, Id, Texts, Use};

use crate::bans::Bans;
use crate::cache::{Cache, Likeness};
use crate::held::Held;
use crate::ignore::IgnoreList;
use crate::journal::Matches;
use crate::settings::Settings;
use crate::tickets::{Failure, Key};

/// A jail at work.
pub(crate) struct Jail {
    pub name: String,
    pub key: Key,
    /// What the client sees and sets.
    pub all: JailSettings,
    pub settings: Settings,
    pub ignore: IgnoreList,
    pub cache: Option<Cache>,
    /// What its expressions do not make clear is worked out with it.
    pub filter: Filter,
    pub encoding: Encoding,
    pub logs: Vec<Log>,
    pub matches: Matches,
    pub bans: Bans,
    pub found_total: u64,
    pub banned_total: u64,
    /// Whether its actions are started.
    pub started: bool,
    /// What was written while it is idle, until that is read.
    pub held: Held,
    /// It was idle, and a reload ended that.
    pub woken: bool,
    /// Repairs of its actions so far; `None` until an outcome tells.
    pub epoch: Option<u64>,
    /// Bans that were made before the last repair may be lost.
    pub lost: bool,
    /// When such bans were made again.
    pub repeated: i64,
    /// Its actions go on with another configuration, which they are to be told.
    pub reloaded: bool,
    /// When it was last asked whether its actions are sane.
    pub checked: i64,
    /// Until when bans wait for the names of `ignoreip`, and whether one does.
    pub hold_until: i64,
    pub holds: bool,
    /// Files that are not read, though the configuration names them.
    pub unread: HashSet<String>,
    /// The files of `ignoreip` and their texts; `None` for one that was never read.
    pub lists: HashMap<String, Option<String>>,
    /// Those of them that cannot be read now: what stood in them before goes on.
    pub lost_lists: Vec<String>,
    /// Whether it has an action that does anything here.
    pub acts: bool,
    /// The names of those that do more than send a mail.
    pub shutting: BTreeSet<String>,
    /// What its actions said when they last did not do what they were asked for; `None` since they
    /// did.
    pub failing: Option<String>,
    /// Values of its configuration that cannot be read.
    pub faults: Vec<Complaint>,
    /// Lines in which a search reached its bound.
    pub overruns: u64,
    /// What is said once a day, and when it may be said again.
    pub told_off: i64,
    pub told_old: i64,
    /// What is said now and then, as a number.
    pub unsaid: Unsaid,
}

/// Failures that `ignorecommand`, or who resolves names, has said nothing of, those whose captures
/// are not kept whole, and bans that do not go on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unsaid {
    /// There was no room for the question.
    pub unasked: u64,
    /// There was no answer.
    pub unanswered: u64,
    /// Bans of before that do not go on, as there are too many.
    pub surplus: u64,
    /// A capture was too long.
    pub cut: u64,
    /// When that is told again.
    pub again: i64,
}

/// Log files that a jail reads.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pattern: Pattern,
    /// It is one path: most are.
    is_path: bool,
    /// Only what is written from now on.
    pub tail: bool,
}

impl Log {
    /// # Errors
    /// What is wrong with the pattern.
    pub(crate) fn new(path: &str, tail: bool) -> Result<Self, String> {
        let mut flat = path.to_owned();
        // fail2ban does not go down into folders: `**` is `*`.
        while flat.contains("**") {
            flat = flat.replace("**", "*");
        }
        let pattern = Pattern::new(&flat).map_err(|error| format!("{path}: {error}"))?;
        let is_path = !flat.contains(['*', '?', '[']);
        Ok(Self { pattern, is_path, tail })
    }

    /// As it is written.
    pub(crate) fn text(&self) -> &str {
        self.pattern.as_str()
    }

    pub(crate) fn holds(&self, path: &str) -> bool {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        match self.is_path {
            true => self.pattern.as_str() == path,
            false => self.pattern.matches_with(path, options),
        }
    }
}

/// The parts of a jail that are made of its settings.
pub(crate) struct Made {
    pub filter: Filter,
    pub encoding: Encoding,
}

/// Finders of dates that have seen none yet, by `datepattern` and `logtimezone`: filters that want
/// the same share the expressions.
pub(crate) struct Finders<'z> {
    zone: &'z Zone,
    now_s: i64,
    made: HashMap<[Option<String>; 2], DateFinder>,
}

impl<'z> Finders<'z> {
    pub(crate) fn new(zone: &'z Zone, now_s: i64) -> Self {
        Self { zone, now_s, made: HashMap::new() }
    }

    fn of(&mut self, all: &JailSettings) -> Result<DateFinder, String> {
        match self.made.entry([all.datepattern.clone(), all.logtimezone.clone()]) {
            Entry::Occupied(made) => Ok(made.get().clone()),
            Entry::Vacant(place) => {
                let [pattern, zone] = place.key().each_ref().map(Option::as_deref);
                let made = DateFinder::new(pattern, self.now_s, self.zone.clone(), zone)
                    .map_err(|error| format!("datepattern: {error}"))?;
                Ok(place.insert(made).clone())
            }
        }
    }
}

/// Makes the filter of a jail.
///
/// # Errors
/// What cannot be used, as text for people.
pub(crate) fn make(all: &JailSettings, finders: &mut Finders<'_>) -> Result<Made, String> {
    let dates = finders.of(all)?;
    let prefregex = Some(all.prefregex.as_str()).filter(|text| !text.is_empty());
    let texts = Texts {
        prefregex,
        failregex: &all.failregex,
        ignoreregex: &all.ignoreregex,
        maxlines: usize::try_from(all.maxlines).unwrap_or(1),
        usedns: all.usedns,
    };
    let filter = Filter::new(&texts, dates, Use::default()).map_err(|misfits| {
        let texts = misfits.iter().map(|(what, number, problem)| {
            let problem = match problem {
                filter::Problem::Regex(error) => error.to_string(),
                filter::Problem::Empty => "it is empty".to_owned(),
                filter::Problem::NamesNobody => "it does not say who failed".to_owned(),
            };
            format!("{what} {}: {problem}", number + 1)
        });
        texts.collect::<Vec<_>>().join("; ")
    })?;
    let encoding = Encoding::named(&all.logencoding)
        .ok_or_else(|| format!("logencoding: monban does not know `{}`", all.logencoding))?;
    Ok(Made { filter, encoding })
}

impl Jail {
    /// A jail that has seen nothing yet. `file` gives the text of a file of `ignoreip`.
    ///
    /// # Errors
    /// What stands in its way, as text for people.
    pub(crate) fn new(
        spec: &config::Jail,
        key: Key,
        finders: &mut Finders<'_>,
        file: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let all = JailSettings::of(spec);
        let Made { filter, encoding } = make(&all, finders)?;
        let logs = match all.is_journal() {
            true => Ok(Vec::new()),
            false => spec.logpath.iter().map(|log| Log::new(&log.pattern, log.tail)).collect(),
        };
        let mut jail = Self {
            name: spec.name.clone(),
            key,
            settings: Settings::of(&all),
            ignore: IgnoreList::default(),
            cache: None,
            filter,
            encoding,
            logs: logs?,
            matches: Matches::default(),
            all,
            bans: Bans::default(),
            found_total: 0,
            banned_total: 0,
            started: false,
            held: Held::default(),
            woken: false,
            epoch: None,
            lost: false,
            repeated: 0,
            reloaded: false,
            checked: 0,
            hold_until: 0,
            holds: false,
            unread: HashSet::new(),
            lists: HashMap::new(),
            lost_lists: Vec::new(),
            acts: spec.actions.iter().any(ActionSpec::acts),
            shutting: spec
                .actions
                .iter()
                .filter(|one| one.acts() && !one.is_mail())
                .map(|one| one.actname.clone())
                .collect(),
            failing: None,
            faults: spec.faults.clone(),
            overruns: 0,
            told_off: 0,
            told_old: 0,
            unsaid: Unsaid::default(),
        };
        for id in &jail.all.ignoreip {
            let text = id.to_string();
            if let Some(path) = text.strip_prefix("file:") {
                let list = file(path);
                if list.is_none() && !jail.lists.contains_key(path) {
                    jail.lost_lists.push(path.to_owned());
                }
                jail.lists.insert(path.to_owned(), list);
            }
        }
        jail.take_ignore();
        jail.take_matches()?;
        Ok(jail)
    }

    /// Takes over who is spared. Addresses of names that are known stay known.
    pub(crate) fn take_ignore(&mut self) {
        let mut list = IgnoreList::default();
        for id in &self.all.ignoreip {
            let text = id.to_string();
            match text.strip_prefix("file:") {
                Some(path) => {
                    let text = self.lists.get(path).and_then(Option::as_deref);
                    list.add_file(text.unwrap_or_default());
                }
                None => {
                    list.add(&text);
                }
            }
        }
        list.keep_names(&self.ignore);
        self.ignore = list;
        self.cache = self.all.ignorecache.as_ref().map(Cache::of);
    }

    /// For which failures an answer of `ignorecommand` is.
    pub(crate) fn likeness(&self, id: &Id, failure: &Failure) -> Likeness {
        Likeness::of(&self.settings.ignorecommand, self.cache.as_ref(), id, failure)
    }

    /// Takes over which entries of the journal are read.
    ///
    /// # Errors
    /// The word that is no match.
    pub(crate) fn take_matches(&mut self) -> Result<(), String> {
        let groups = self.all.journalmatch.iter().map(Vec::as_slice);
        self.matches =
            Matches::read(groups).map_err(|word| format!("journalmatch: `{word}` is no match"))?;
        Ok(())
    }

    /// Takes over the settings of counting.
    pub(crate) fn take_settings(&mut self) {
        let before = std::mem::replace(&mut self.settings, Settings::of(&self.all));
        if before.bantime_s != self.settings.bantime_s {
            self.bans.retime(self.settings.bantime_s);
        }
    }

    /// What goes on after a reload: bans, counters, and the filter's memory where it is the same.
    pub(crate) fn go_on_from(&mut self, before: Self) {
        let is_same = |one: &JailSettings, other: &JailSettings| {
            (&one.prefregex, &one.failregex, &one.ignoreregex, one.usedns, one.maxlines)
                == (
                    &other.prefregex,
                    &other.failregex,
                    &other.ignoreregex,
                    other.usedns,
                    other.maxlines,
                )
                && one.datepattern == other.datepattern
                && one.logtimezone == other.logtimezone
        };
        if is_same(&self.all, &before.all) {
            self.filter = before.filter;
        }
        let mut files = before.all.logpath;
        files.retain(|path| self.log(path).is_some());
        self.all.logpath = files;
        for path in &self.lost_lists {
            let known = before.lists.get(path).cloned().flatten();
            self.lists.insert(path.clone(), known);
        }
        if !self.lost_lists.is_empty() {
            self.take_ignore();
        }
        self.ignore.keep_names(&before.ignore);
        self.holds = before.holds;
        self.bans = before.bans;
        self.bans.retime(self.settings.bantime_s);
        self.found_total = before.found_total;
        self.banned_total = before.banned_total;
        (self.held, self.woken) = (before.held, before.settings.idle || before.woken);
        (self.epoch, self.lost) = (before.epoch, before.lost);
        self.repeated = before.repeated;
        self.failing = before.failing;
        self.reloaded = before.started || before.reloaded;
        self.overruns = before.overruns;
        (self.told_off, self.told_old) = (before.told_off, before.told_old);
        self.unsaid = before.unsaid;
    }

    /// Whether it looks for nothing, in the place of one that does.
    pub(crate) fn is_blind_beside(&self, before: &Self) -> bool {
        self.all.failregex.is_empty() && !before.all.failregex.is_empty()
    }

    /// Whether it has to read what waited, before anything that comes.
    pub(crate) fn is_behind(&self) -> bool {
        !self.settings.idle && self.held.len() > 0
    }

    /// The longest ban it makes now, in seconds; negative for ever.
    pub(crate) fn longest_s(&self) -> i64 {
        match (self.settings.increment.enabled.value, &self.settings.increment.maxtime) {
            (true, Some(most)) => crate::settings::whole(most.value.seconds),
            (true, None) => -1,
            (false, _) => self.settings.bantime_s,
        }
    }

    /// Which log of it has this path.
    pub(crate) fn log(&self, path: &str) -> Option<&Log> {
        self.logs.iter().find(|log| log.holds(path)).filter(|_| !self.unread.contains(path))
    }
}

/// Whether something may be said again that is said once a day; then it is noted as said.
pub(crate) fn once_a_day(again: &mut i64, now: i64) -> bool {
    let may = now >= *again;
    if may {
        *again = now.saturating_add(86_400);
    }
    may
}

#[cfg(test)]
mod tests {
    use monban_fail2ban::config::{Configuration, Reading};

    use super::*;

    #[test]
    fn a_log_without_a_wildcard_holds_what_its_pattern_would() {
        let paths =
            ["/a/x.log", "/a/.x.log", "/a/x].log", "/a/b/x.log", "/a/x.log/", "/a//x.log", ""];
        for text in paths {
            let log = Log::new(text, false).unwrap();
            assert!(log.is_path);
            let glob = Log { is_path: false, ..log.clone() };
            for path in paths {
                assert_eq!(log.holds(path), glob.holds(path), "{text:?} {path:?}");
            }
        }
        for text in ["/a/*.log", "/a/**", "/a/x[.]log", "/a/?.log"] {
            let log = Log::new(text, false).unwrap();
            assert!(!log.is_path && log.holds("/a/x.log"), "{text}");
        }
    }

    #[test]
    fn jails_that_want_the_same_dates_share_what_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("filter.d")).unwrap();
        let filter = "[Definition]\nfailregex = ^x <HOST>$\ndatepattern = ^\\[{DATE}\\]\n";
        std::fs::write(folder.path().join("filter.d/x.conf"), filter).unwrap();
        let jail = |name: &str, more: &str| {
            format!("[{name}]\nenabled = yes\nfilter = x\nlogpath = /x\n{more}\n")
        };
        let wrong = jail("d", "datepattern = %%d(");
        let text = jail("a", "") + &jail("b", "") + &jail("c", "logtimezone = +0200") + &wrong;
        std::fs::write(folder.path().join("jail.local"), text).unwrap();
        let found = Configuration::read(folder.path(), &Reading::default());
        let zone = Zone::utc();
        let mut finders = Finders::new(&zone, 1_765_350_000);
        let made: Vec<bool> =
            found.jails.iter().map(JailSettings::of).map(|all| finders.of(&all).is_ok()).collect();
        assert_eq!(made, [true, true, true, false]);
        assert_eq!(finders.made.len(), 2);
    }
}
