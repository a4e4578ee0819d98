//! What a running server must be able to do so that `fail2ban-client` can ask it.

use jiff::tz::TimeZone;

use crate::config::Version;
use crate::filter::Id;

use super::error::ClientError;
use super::settings::JailSettings;

/// A ban in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who is banned.
    pub id: Id,
    /// Since when, in seconds since 1970.
    pub time_s: i64,
    /// For so many seconds, counted from `time_s`; below zero is for ever.
    pub bantime_s: i64,
}

impl Ban {
    /// When it ends; for ever is later than any other end.
    pub fn end_s(&self) -> i64 {
        if self.bantime_s < 0 { i64::MAX } else { self.time_s.saturating_add(self.bantime_s) }
    }
}

/// Counters of a jail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Whoever failed within `findtime` and is not banned for it.
    pub failed: u64,
    /// Failures since the jail began.
    pub failed_total: u64,
    /// Bans in force: as many as [`Server::bans`] has.
    pub banned: u64,
    /// Bans since the jail began, with those that were restored.
    pub banned_total: u64,
}

/// What is changed in a jail. The new values are in the [`JailSettings`] that come with it, except
/// where they are named here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `idle`: an idle jail reads nothing and bans nobody; its bans stay.
    Idle,
    /// `ignoreself`, `ignoreip`, `ignorecommand` or `ignorecache`: who is spared. What
    /// `ignorecommand` said before counts no more.
    Ignore,
    /// `findtime`, `maxretry` or `maxmatches`: how failures are counted. Those that are counted
    /// stay.
    Counting,
    /// `bantime` and `bantime.*`: how long the next bans are.
    BanTime,
    /// `prefregex`, `failregex`, `ignoreregex`, `usedns`, `datepattern`, `maxlines`, `logtimezone`
    /// or `logencoding`: the filter is made anew. Each expression was compiled by itself already.
    Filter,
    /// This file is read from now on as well.
    AddLog {
        /// Its path, as it was given; no wildcards.
        path: String,
        /// From its end and not from its beginning.
        tail: bool,
    },
    /// This file, which was read, is not read any more.
    RemoveLog {
        /// Its path.
        path: String,
    },
    /// `journalmatch`: which entries of the journal are read.
    Journal,
}

/// Settings of the whole server, `fail2ban.conf`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Globals {
    /// `loglevel`, in capital letters.
    pub loglevel: String,
    /// `logtarget`, without what stands in `[..]` behind it.
    pub logtarget: String,
    /// `syslogsocket`.
    pub syslogsocket: String,
    /// `dbfile`; none if bans are not kept.
    pub dbfile: Option<String>,
    /// `dbpurgeage` in seconds.
    pub dbpurgeage_s: i64,
    /// `dbmaxmatches`.
    pub dbmaxmatches: i64,
}

/// Which of the [`Globals`] is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalChange {
    /// `loglevel`. It is one that there is.
    LogLevel,
    /// `logtarget`.
    LogTarget,
    /// `syslogsocket`.
    SyslogSocket,
    /// `dbpurgeage`.
    DbPurgeAge,
    /// `dbmaxmatches`.
    DbMaxMatches,
}

/// The running jails.
///
/// A method that takes a jail is only called with a name that [`Server::settings`] knows. Whatever
/// cannot be done is answered with [`ClientError::new`] and words that say why, or with
/// [`ClientError::not_here`]; then nothing is changed.
pub trait Server {
    /// As which fail2ban the configuration was read; `version` tells it.
    fn version(&self) -> Version {
        Version::default()
    }

    /// The time zone of this machine, for times that a person reads. Where the process has left
    /// the folder with the rules of zones, it is what was read before.
    fn zone(&self) -> TimeZone {
        monban_zone::of_the_process()
    }

    /// The names of all jails that run, in the order in which they were started: that of the
    /// configuration. `status` sorts them itself.
    fn jails(&self) -> Vec<String>;

    /// The settings of a jail as they are in force; `None` if there is no such jail.
    fn settings(&self, jail: &str) -> Option<JailSettings>;

    /// The counters of a jail.
    fn counts(&self, jail: &str) -> Counts;

    /// The bans of a jail that are in force, in the order in which they began: restored ones
    /// first, in the order in which they were restored. A ban that is prolonged keeps its place.
    fn bans(&self, jail: &str) -> Vec<Ban>;

    /// Whether this one is banned in a jail: itself, not a network around it.
    fn is_banned(&self, jail: &str, id: &Id) -> bool {
        self.bans(jail).iter().any(|ban| ban.id == *id)
    }

    /// Bans each of these in a jail, as an operator wants it: at once, for the jail's ban time,
    /// whatever `ignoreip` says. Gives back how many were not banned before and are now. An id is
    /// an address, a network, or any text.
    ///
    /// # Errors
    /// Why none of them can be banned.
    fn ban(&mut self, jail: &str, ids: &[Id]) -> Result<u64, ClientError>;

    /// Ends the bans of these in a jail, and forgets that they were ever banned there, so that the
    /// next ban counts as the first. Gives back how many of them were banned. Networks stand for
    /// themselves here: whom they contain was looked up in [`Server::bans`] before.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn unban(&mut self, jail: &str, ids: &[Id]) -> Result<u64, ClientError>;

    /// Ends all bans of a jail, and forgets that anybody was ever banned there. Gives back how
    /// many were banned.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn unban_all(&mut self, jail: &str) -> Result<u64, ClientError>;

    /// Counts failures of somebody, now, as if the filter had found them: one for each line, or one
    /// if there are no lines. Whoever has `maxretry` then is banned. `ignoreip` is not asked. It
    /// is one more in [`Counts::failed_total`], whatever the number of lines.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn attempt(&mut self, jail: &str, id: &Id, lines: &[String]) -> Result<(), ClientError>;

    /// Takes over changed settings of a jail. `after` is what [`Server::settings`] said, with the
    /// change in it; from now on it says that.
    ///
    /// # Errors
    /// Why it cannot be done; the settings are as before then.
    fn change(
        &mut self,
        jail: &str,
        change: &Change,
        after: JailSettings,
    ) -> Result<(), ClientError>;

    /// `start JAIL`: the jail is idle no more. It runs already.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn start_jail(&mut self, jail: &str) -> Result<(), ClientError>;

    /// `stop JAIL`: its bans end, its actions stop, and the jail is gone until a reload.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn stop_jail(&mut self, jail: &str) -> Result<(), ClientError>;

    /// The settings of the server.
    fn globals(&self) -> Globals;

    /// Takes over a changed setting of the server, as [`Server::change`].
    ///
    /// # Errors
    /// Why it cannot be done; the settings are as before then.
    fn change_globals(&mut self, change: GlobalChange, after: Globals) -> Result<(), ClientError>;

    /// `flushlogs`: writes what waits for the log, and opens its file anew.
    ///
    /// # Errors
    /// Why it cannot be done.
    fn flush_logs(&mut self) -> Result<(), ClientError>;
}
