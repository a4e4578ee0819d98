//! What `fail2ban-client` asks and wants.

use jiff::tz::TimeZone;
use monban_fail2ban::client::{
    Ban, Change, ClientError, Counts, GlobalChange, Globals, JailSettings, Server,
};
use monban_fail2ban::config::Version;
use monban_fail2ban::filter::Id;
use monban_model::{JailJob, Refusal};

use super::Jails;
use super::counting::Sentence;
use crate::jail::{Finders, make};
use crate::tickets::{Facts, Failure};
use crate::told::{Told, WhyFreed};

/// Nobody is there who could end what a jail's actions did.
const AWAY: &str = "the role that runs the commands of actions is just starting; try again";

impl Jails {
    fn named(&self, name: &str) -> Result<usize, ClientError> {
        self.number(name).ok_or_else(|| ClientError::unknown_jail(name))
    }
}

impl Server for Jails {
    fn version(&self) -> Version {
        self.version
    }

    fn zone(&self) -> TimeZone {
        self.wall.clone()
    }

    fn jails(&self) -> Vec<String> {
        self.running().map(|jail| jail.name.clone()).collect()
    }

    fn settings(&self, jail: &str) -> Option<JailSettings> {
        self.number(jail).and_then(|number| self.jail(number)).map(|jail| jail.all.clone())
    }

    fn counts(&self, jail: &str) -> Counts {
        let Some(jail) = self.number(jail).and_then(|number| self.jail(number)) else {
            return Counts::default();
        };
        Counts {
            failed: self.tickets.count(jail.key),
            failed_total: jail.found_total,
            banned: jail.bans.len() as u64,
            banned_total: jail.banned_total,
        }
    }

    fn bans(&self, jail: &str) -> Vec<Ban> {
        let Some(jail) = self.number(jail).and_then(|number| self.jail(number)) else {
            return Vec::new();
        };
        let ban = |(id, ban): (&Id, &crate::bans::Ban)| Ban {
            id: id.clone(),
            time_s: ban.since,
            bantime_s: ban.seconds.unwrap_or(jail.settings.bantime_s),
        };
        jail.bans.iter().map(ban).collect()
    }

    fn is_banned(&self, jail: &str, id: &Id) -> bool {
        let jail = self.number(jail).and_then(|number| self.jail(number));
        jail.is_some_and(|jail| jail.bans.get(id).is_some())
    }

    fn ban(&mut self, jail: &str, ids: &[Id]) -> Result<u64, ClientError> {
        let number = self.named(jail)?;
        let now = self.now_s;
        let mut count = 0;
        for id in ids {
            if let Some(net) = self.allows(id) {
                // As the warden says it, who would not carry it out.
                let told = Told::Refused { job: JailJob::Ban, why: Refusal::Allowed(net) };
                self.tell(number, Some(id), told);
                continue;
            }
            let sentence = Sentence {
                first: now,
                last: now,
                failures: 0,
                lines: Vec::new(),
                facts: Facts::default(),
                by_operator: true,
            };
            count += u64::from(self.impose(number, id, sentence, now));
        }
        Ok(count)
    }

    fn unban(&mut self, jail: &str, ids: &[Id]) -> Result<u64, ClientError> {
        let number = self.named(jail)?;
        let mut count = 0;
        for id in ids {
            count += u64::from(self.free(number, id, WhyFreed::Operator));
            self.forget_bad(number, id);
        }
        Ok(count)
    }

    fn unban_all(&mut self, jail: &str) -> Result<u64, ClientError> {
        let number = self.named(jail)?;
        let Some(jail) = self.jail(number) else { return Ok(0) };
        let bans: Vec<_> = jail.bans.iter().map(|(id, ban)| (id.clone(), ban.clone())).collect();
        let count = bans.len() as u64;
        for (id, _) in &bans {
            if let Some(jail) = self.jail_mut(number) {
                jail.bans.remove(id, jail.settings.bantime_s);
            }
            self.tell(number, Some(id), Told::Freed(WhyFreed::Operator));
            self.forget_bad(number, id);
        }
        self.order_flush(number, bans);
        Ok(count)
    }

    fn attempt(&mut self, jail: &str, id: &Id, lines: &[String]) -> Result<(), ClientError> {
        let number = self.named(jail)?;
        let now = self.now_s;
        let counts = u32::try_from(lines.len().max(1)).unwrap_or(u32::MAX);
        let lines = lines.to_vec();
        let (failure, _) = Failure::new(now, lines, Facts::default(), counts);
        self.add_attempt(number, id, failure, now);
        Ok(())
    }

    fn change(
        &mut self,
        jail: &str,
        change: &Change,
        after: JailSettings,
    ) -> Result<(), ClientError> {
        let number = self.named(jail)?;
        let (now, zone) = (self.now_s, self.zone.clone());
        let Some(jail) = self.jail_mut(number) else { return Ok(()) };
        let before = std::mem::replace(&mut jail.all, after);
        let result = match change {
            Change::Filter => make(&jail.all, &mut Finders::new(&zone, now)).map(|made| {
                (jail.filter, jail.encoding) = (made.filter, made.encoding);
            }),
            Change::AddLog { path, .. } => {
                // Only the configuration says what is opened.
                jail.unread.remove(path);
                let is_known = jail.log(path).is_some();
                if is_known { Ok(()) } else { Err(not_here(NEW_FILE)) }
            }
            Change::RemoveLog { path } => {
                jail.unread.insert(path.clone());
                Ok(())
            }
            Change::Journal => jail.take_matches(),
            Change::Ignore => {
                let mut entries = jail.all.ignoreip.iter().map(ToString::to_string);
                let is_new = |text: String| {
                    text.strip_prefix("file:").is_some_and(|path| !jail.lists.contains_key(path))
                };
                let has_new = entries.any(is_new);
                match has_new {
                    true => Err(not_here("a file for ignoreip")),
                    // The actor runs what the configuration says.
                    false if jail.all.ignorecommand != before.ignorecommand => {
                        Err(not_here("ignorecommand"))
                    }
                    false => {
                        jail.take_ignore();
                        Ok(())
                    }
                }
            }
            Change::Idle | Change::Counting | Change::BanTime => Ok(()),
        };
        if let Err(why) = result {
            jail.all = before;
            return Err(ClientError::new(why));
        }
        jail.take_settings();
        let (was_idle, is_idle) = (before.idle, jail.all.idle);
        self.rounds.clear();
        self.begin_hold(number);
        self.asking_names_again();
        match (was_idle, is_idle) {
            (false, true) => self.tell(number, None, Told::Idle),
            (true, false) => self.awake(number),
            _ => {}
        }
        Ok(())
    }

    fn start_jail(&mut self, jail: &str) -> Result<(), ClientError> {
        let number = self.named(jail)?;
        let Some(jail) = self.jail_mut(number) else { return Ok(()) };
        let was_idle = std::mem::replace(&mut jail.all.idle, false);
        jail.take_settings();
        if was_idle {
            self.awake(number);
        }
        Ok(())
    }

    fn stop_jail(&mut self, jail: &str) -> Result<(), ClientError> {
        let number = self.named(jail)?;
        if self.guards && self.jail(number).is_some_and(|jail| !jail.started) {
            return Err(ClientError::new(AWAY));
        }
        self.order_stop(number);
        if let Some(jail) = self.jails.get_mut(number).and_then(Option::take) {
            self.halted.insert(jail.key);
            self.stopped(jail);
        }
        self.rounds.clear();
        Ok(())
    }

    fn globals(&self) -> Globals {
        self.globals.clone()
    }

    fn change_globals(&mut self, change: GlobalChange, after: Globals) -> Result<(), ClientError> {
        match change {
            GlobalChange::LogLevel | GlobalChange::DbPurgeAge | GlobalChange::DbMaxMatches => {
                self.globals = after;
                Ok(())
            }
            // Where it is a file, the warden has opened it, and it is the target already.
            GlobalChange::LogTarget => Err(ClientError::no_log_target()),
            GlobalChange::SyslogSocket => Err(ClientError::not_here("syslogsocket")),
        }
    }

    fn flush_logs(&mut self) -> Result<(), ClientError> {
        self.reopen_log = true;
        Ok(())
    }
}

/// What `addlogpath` is not done for.
const NEW_FILE: &str = "addlogpath of a file that logpath does not have";

/// Why something cannot be changed while it runs.
fn not_here(what: &str) -> String {
    ClientError::not_here(what).shown()
}

impl Jails {
    pub(super) fn forget_bad(&mut self, number: usize, id: &Id) {
        if let Some(key) = self.jail(number).map(|jail| jail.key) {
            self.bad.forget(key, id);
        }
    }

    /// Names may have come to a list.
    fn asking_names_again(&mut self) {
        self.asking.forget_names_time();
        self.ask_names(self.now_s);
    }
}
