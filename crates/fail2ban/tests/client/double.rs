//! Jails that hold what they are told, and nothing else: what dispatch needs of a server.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use monban_fail2ban::client::{
    Ban, Change, ClientError, Counts, GlobalChange, Globals, JailSettings, Server,
};
use monban_fail2ban::config::{Configuration, Version};
use monban_fail2ban::filter::Id;

#[derive(Default)]
pub struct Double {
    names: Vec<String>,
    jails: BTreeMap<String, Held>,
    globals: Globals,
}

struct Held {
    settings: JailSettings,
    bans: Vec<Ban>,
    banned_total: u64,
    failures: Vec<(Id, u64)>,
    failed_total: u64,
}

pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a small number")
}

impl Double {
    pub fn of(configuration: &Configuration) -> Self {
        let text = |key| configuration.server.options.get(key).map(|text| text.as_str().to_owned());
        let globals = Globals {
            loglevel: text("loglevel").unwrap_or_default(),
            logtarget: text("logtarget").unwrap_or_default(),
            syslogsocket: text("syslogsocket").unwrap_or_default(),
            dbfile: text("dbfile"),
            dbpurgeage_s: configuration.server.dbpurgeage.value.seconds as i64,
            dbmaxmatches: 10,
        };
        let mut double = Self { globals, ..Self::default() };
        for jail in &configuration.jails {
            let held = Held {
                settings: JailSettings::of(jail),
                bans: Vec::new(),
                banned_total: 0,
                failures: Vec::new(),
                failed_total: 0,
            };
            double.names.push(jail.name.clone());
            double.jails.insert(jail.name.clone(), held);
        }
        double
    }

    /// Puts bans there as they are.
    #[allow(dead_code, reason = "not every test that has this file fills it")]
    pub fn fill(&mut self, jail: &str, ids: &[Id]) {
        let ban = |id: &Id| Ban { id: id.clone(), time_s: now_s(), bantime_s: 600 };
        self.held(jail).bans = ids.iter().map(ban).collect();
    }

    fn held(&mut self, jail: &str) -> &mut Held {
        self.jails.get_mut(jail).expect("a jail that there is")
    }
}

impl Held {
    fn ban(&mut self, id: &Id) -> u64 {
        if self.bans.iter().any(|ban| ban.id == *id) {
            return 0;
        }
        let bantime_s = self.settings.bantime_s;
        self.bans.push(Ban { id: id.clone(), time_s: now_s(), bantime_s });
        self.banned_total += 1;
        1
    }
}

impl Server for Double {
    fn version(&self) -> Version {
        Version::V1_0
    }
    fn jails(&self) -> Vec<String> {
        self.names.clone()
    }
    fn settings(&self, jail: &str) -> Option<JailSettings> {
        self.jails.get(jail).map(|held| held.settings.clone())
    }
    fn counts(&self, jail: &str) -> Counts {
        let held = &self.jails[jail];
        Counts {
            failed: held.failures.len() as u64,
            failed_total: held.failed_total,
            banned: held.bans.len() as u64,
            banned_total: held.banned_total,
        }
    }
    fn bans(&self, jail: &str) -> Vec<Ban> {
        self.jails[jail].bans.clone()
    }
    fn ban(&mut self, jail: &str, ids: &[Id]) -> Result<u64, ClientError> {
        Ok(ids.iter().map(|id| self.held(jail).ban(id)).sum())
    }
    fn unban(&mut self, jail: &str, ids: &[Id]) -> Result<u64, ClientError> {
        let bans = &mut self.held(jail).bans;
        Ok(bans.extract_if(.., |ban| ids.contains(&ban.id)).count() as u64)
    }
    fn unban_all(&mut self, jail: &str) -> Result<u64, ClientError> {
        Ok(self.held(jail).bans.drain(..).count() as u64)
    }
    fn attempt(&mut self, jail: &str, id: &Id, lines: &[String]) -> Result<(), ClientError> {
        let held = self.held(jail);
        let count = (lines.len() as u64).max(1);
        held.failed_total += 1;
        let at = held.failures.iter().position(|(known, _)| known == id);
        let at = at.unwrap_or_else(|| {
            held.failures.push((id.clone(), 0));
            held.failures.len() - 1
        });
        held.failures[at].1 += count;
        if held.failures[at].1 >= u64::try_from(held.settings.maxretry).expect("not below 0") {
            held.failures.remove(at);
            held.ban(id);
        }
        Ok(())
    }
    fn change(&mut self, jail: &str, _: &Change, after: JailSettings) -> Result<(), ClientError> {
        self.held(jail).settings = after;
        Ok(())
    }
    fn start_jail(&mut self, jail: &str) -> Result<(), ClientError> {
        self.held(jail).settings.idle = false;
        Ok(())
    }
    fn stop_jail(&mut self, jail: &str) -> Result<(), ClientError> {
        self.names.retain(|name| name != jail);
        self.jails.remove(jail);
        Ok(())
    }
    fn globals(&self) -> Globals {
        self.globals.clone()
    }
    fn change_globals(&mut self, _: GlobalChange, after: Globals) -> Result<(), ClientError> {
        self.globals = after;
        Ok(())
    }
    fn flush_logs(&mut self) -> Result<(), ClientError> {
        Ok(())
    }
}
