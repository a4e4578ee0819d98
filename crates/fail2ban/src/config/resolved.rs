//! What a configuration says, with everything put in.

use std::path::PathBuf;
use std::sync::Arc;

use super::complaint::Complaint;
use super::formula::Formula;
use super::options::Options;
use super::place::{Place, Sourced};
use super::reference::Reference;
use super::seconds::Span;

/// A jail: which log it reads with which filter, and what follows.
///
/// Names are fail2ban's own. What a jail does not say has fail2ban's default, from no place.
#[derive(Clone, Debug, PartialEq)]
pub struct Jail {
    /// Its name: the section.
    pub name: String,
    /// Its first header.
    pub place: Place,
    /// The folder of its configuration.
    pub folder: PathBuf,
    /// Whether it is switched on.
    pub enabled: bool,
    /// `auto`, `pyinotify`, `polling`, or `systemd` with its parameters.
    pub backend: Sourced<Reference>,
    /// Its filter.
    pub filter: FilterSpec,
    /// Its log files; not read where the backend is the journal.
    pub logpath: Vec<LogPath>,
    /// `auto` or the name of an encoding.
    pub logencoding: Sourced<String>,
    /// The time zone of dates without one.
    pub logtimezone: Option<Sourced<String>>,
    /// So many failures lead to a ban; 0 and less as 1 does.
    pub maxretry: Sourced<i64>,
    /// Within this time.
    pub findtime: Sourced<Span>,
    /// For so long.
    pub bantime: Sourced<Span>,
    /// How bans grow.
    pub increment: Increment,
    /// Whether addresses of this machine are spared.
    pub ignoreself: Sourced<bool>,
    /// Addresses, networks, names and `file:` lists that are spared, as written.
    pub ignoreip: Vec<Sourced<String>>,
    /// A command that says by its exit code 0 that an address is spared; empty for none.
    pub ignorecommand: Sourced<String>,
    /// How its answers are kept.
    pub ignorecache: Option<Sourced<String>>,
    /// Matched lines that are kept of an address; none below 0.
    pub maxmatches: Sourced<i64>,
    /// What is done with an address.
    pub actions: Vec<ActionSpec>,
    /// Its `port`, which its actions may refer to.
    pub port: Option<Sourced<String>>,
    /// All options of the jail as texts, in the order in which the client reads them.
    pub options: Options,
    /// Values of it that cannot be read, and in place of which something else is taken.
    pub faults: Vec<Complaint>,
}

/// Log files of a jail, named by one path.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPath {
    /// The path as written, perhaps with wildcards.
    pub pattern: String,
    /// Whether reading begins at the end of a file.
    pub tail: bool,
    /// The files that are there now.
    pub files: Vec<PathBuf>,
    /// Where it was written.
    pub from: Place,
}

/// `bantime.*`: how the ban time grows with each ban of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Increment {
    /// `bantime.increment`: whether it does.
    pub enabled: Sourced<bool>,
    /// `bantime.factor`.
    pub factor: Sourced<f64>,
    /// `bantime.formula`, if one is written.
    pub formula: Option<Sourced<Formula>>,
    /// `bantime.multipliers`: one for each earlier ban, the last for all after it. They go before
    /// the formula.
    pub multipliers: Vec<i64>,
    /// `bantime.maxtime`.
    pub maxtime: Option<Sourced<Span>>,
    /// `bantime.rndtime`: at most so much is added by chance.
    pub rndtime: Option<Sourced<Span>>,
    /// `bantime.overalljails`: whether bans of other jails count.
    pub overalljails: Sourced<bool>,
}

impl Increment {
    /// The next ban time in seconds for an address that was banned `count` times before, without
    /// what is added by chance.
    pub fn next_seconds(&self, time: f64, count: u32) -> f64 {
        let factor = self.factor.value;
        let last = self.multipliers.len().saturating_sub(1);
        let at = usize::try_from(count).unwrap_or(last).min(last);
        let grown = match (self.multipliers.get(at), &self.formula) {
            (Some(multiplier), _) => time * factor * *multiplier as f64,
            (None, Some(formula)) => formula.value.eval(time, count, factor),
            (None, None) => (time * f64::from(1u32 << count.min(20)) * factor).max(time),
        };
        self.maxtime.as_ref().map_or(grown, |most| grown.min(most.value.seconds))
    }
}

impl Jail {
    /// Whether it may ban something else than addresses: its filter names whom it counts
    /// (`<F-ID>`), or names of hosts are counted as they are.
    pub fn counts_by_ids(&self) -> bool {
        let names_ids = |regex: &Sourced<String>| {
            let text = regex.value.to_uppercase();
            text.contains("<F-ID") || text.contains("(?P<FID>")
        };
        let filter = &self.filter;
        filter.usedns.value == UseDns::Raw
            || filter.failregex.iter().chain(&filter.prefregex).any(names_ids)
    }
}

/// What is done with names instead of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UseDns {
    /// They are resolved.
    Yes,
    /// They are resolved, with a warning.
    #[default]
    Warn,
    /// They never match: `<HOST>` is an address only.
    No,
    /// They are used as they are.
    Raw,
}

impl UseDns {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Warn => "warn",
            Self::No => "no",
            Self::Raw => "raw",
        }
    }

    /// What a text says; `None` for anything else, which fail2ban takes for `no`.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Yes, Self::Warn, Self::No, Self::Raw];
        all.into_iter().find(|one| one.name() == name.to_lowercase())
    }
}

/// A filter as one jail uses it: regular expressions as texts, in which the tags of filters
/// (`<HOST>`, `<F-USER>`, ..) still stand.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterSpec {
    /// Its name, such as `sshd`; empty if the jail has none.
    pub name: String,
    /// Where the jail names it.
    pub from: Place,
    /// What the jail gives it.
    pub params: Options,
    /// The files it was put together from.
    pub files: Vec<Arc<str>>,
    /// `file` or `journal`, after the backend, unless it is set.
    pub logtype: String,
    /// One of them must match.
    pub failregex: Vec<Sourced<String>>,
    /// None of them may.
    pub ignoreregex: Vec<Sourced<String>>,
    /// What each line must match first.
    pub prefregex: Option<Sourced<String>>,
    /// How dates are found; several are one a line.
    pub datepattern: Option<Sourced<String>>,
    /// Which journal entries are read: words of one match each.
    pub journalmatch: Vec<Sourced<Vec<String>>>,
    /// Lines that are looked at together.
    pub maxlines: Sourced<u32>,
    /// What is done with names.
    pub usedns: Sourced<UseDns>,
    /// All options of the filter as texts, in the order in which the client sends them.
    pub options: Options,
}

/// How an action is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Commands of a shell.
    Shell,
    /// A class in a Python file.
    Python,
}

/// An action as one jail uses it. In its commands the tags that are known at run time only
/// (`<ip>`, `<matches>`, ..) and those that depend on the address family still stand.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSpec {
    /// The name of its file, such as `iptables-multiport`.
    pub name: String,
    /// The name that the server knows it by, unique in its jail.
    pub actname: String,
    /// How it is made.
    pub kind: ActionKind,
    /// Where the jail names it.
    pub from: Place,
    /// What the jail gives it and `[Init]` says, as written: the values of its tags. Keys such as
    /// `blocktype?family=inet6` are for one address family.
    pub params: Options,
    /// The same for people, with tags put in as the commands have them.
    pub shown: Options,
    /// `actionstart`.
    pub start: Option<Sourced<String>>,
    /// `actionstart_on_demand`: start at the first ban.
    pub start_on_demand: Option<bool>,
    /// `actionstop`.
    pub stop: Option<Sourced<String>>,
    /// `actioncheck`.
    pub check: Option<Sourced<String>>,
    /// `actionban`.
    pub ban: Option<Sourced<String>>,
    /// `actionunban`.
    pub unban: Option<Sourced<String>>,
    /// `actionflush`: unban all at once.
    pub flush: Option<Sourced<String>>,
    /// `actionprolong`.
    pub prolong: Option<Sourced<String>>,
    /// `actionreban`.
    pub reban: Option<Sourced<String>>,
    /// `actionrepair`.
    pub repair: Option<Sourced<String>>,
    /// `actionrepair_on_unban`.
    pub repair_on_unban: Option<bool>,
    /// `actionreload`.
    pub reload: Option<Sourced<String>>,
    /// Whether bans that are restored at start are left out.
    pub norestored: bool,
    /// A command may take so long.
    pub timeout: Sourced<Span>,
    /// Its commands and settings as texts, in the order in which the client sends them.
    pub options: Options,
}

impl ActionSpec {
    /// Whether it is fail2ban's own action in Python that sends mails; monban does its work.
    pub fn is_mail(&self) -> bool {
        self.kind == ActionKind::Python && self.name == super::action::MAIL_FILE
    }

    /// Whether a ban does anything here: it has an `actionban`, or sends a mail.
    pub fn acts(&self) -> bool {
        let has_ban = || self.ban.as_ref().is_some_and(|ban| !ban.value.trim().is_empty());
        self.is_mail() || (self.kind == ActionKind::Shell && has_ban())
    }
}

/// `fail2ban.conf`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// `loglevel`, `logtarget`, `syslogsocket`, `allowipv6`, `dbfile`, `dbpurgeage`,
    /// `dbmaxmatches`, `socket`, `pidfile`, and `stacksize` of `[Thread]`, as texts.
    pub options: Options,
    /// `dbpurgeage`.
    pub dbpurgeage: Sourced<Span>,
    /// `dbmaxmatches`.
    pub dbmaxmatches: Option<Sourced<u32>>,
}
