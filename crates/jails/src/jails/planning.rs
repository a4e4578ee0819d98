//! Whether a configuration can take the place of the one in force.

use monban_fail2ban::client::Globals;
use monban_fail2ban::config::Configuration;
use monban_model::Stamp;

use super::Jails;
use crate::jail::{Finders, Jail};
use crate::lack::{Lack, WhyNot, are_known};

/// What jails are set up with; a reload brings another one.
pub struct Setup<'s> {
    /// The configuration.
    pub configuration: &'s Configuration,
    /// The text of a file that `ignoreip` names.
    pub file: &'s dyn Fn(&str) -> Option<String>,
    /// Whether orders reach anybody who carries them out.
    pub guards: bool,
    /// The clock.
    pub now: Stamp,
}

/// Jails of a configuration that may take the place of those that run.
pub struct Plan {
    pub(super) now: Stamp,
    pub(super) guards: bool,
    pub(super) globals: Globals,
    /// By their numbers in the configuration.
    pub(super) jails: Vec<Option<Jail>>,
    /// The jails that will not run as they are written, and why; nothing of the others depends on
    /// them.
    pub lacks: Vec<Lack>,
}

impl Jails {
    /// Puts the jails of a configuration together. Nothing changes yet.
    ///
    /// # Errors
    /// The jails that run and would run no more, or with other values than they are written with:
    /// whoever wrote them is there to mend them, and all stays as it is until then. fail2ban takes
    /// the others over and keeps such a jail as it was, as far as it notices.
    pub fn plan(&mut self, setup: &Setup<'_>) -> Result<Plan, Vec<Lack>> {
        let now = self.at(setup.now);
        let zone = self.zone.clone();
        let mut finders = Finders::new(&zone, now);
        let (mut jails, mut lacks, mut spoilt) = (Vec::new(), Vec::new(), Vec::new());
        for spec in &setup.configuration.jails {
            let key = self.key_of(&spec.name);
            let before = self.number_of(key).and_then(|number| self.jail(number));
            let made = Jail::new(spec, key, &mut finders, setup.file);
            let known = |before: &Jail| are_known(&spec.faults, &before.faults);
            let (why, is_worse) = match &made {
                Err(why) => (Some(WhyNot::Unusable(why.clone())), before.is_some()),
                Ok(jail) if before.is_some_and(|before| jail.is_blind_beside(before)) => {
                    let why = "no failregex of it is left: it would see nothing";
                    (Some(WhyNot::Unusable(why.to_owned())), true)
                }
                Ok(_) if spec.faults.is_empty() => (None, false),
                Ok(_) => {
                    let is_worse = before.is_some_and(|before| !known(before));
                    (Some(WhyNot::Values(spec.faults.clone())), is_worse)
                }
            };
            let told = if is_worse { &mut spoilt } else { &mut lacks };
            told.extend(why.map(|why| Lack { jail: spec.name.clone(), why }));
            jails.push(made.ok());
        }
        for (name, complaint) in &setup.configuration.broken {
            if self.number(name).is_some() {
                let why = WhyNot::Values(vec![complaint.clone()]);
                spoilt.push(Lack { jail: name.clone(), why });
            }
        }
        if !spoilt.is_empty() {
            return Err(spoilt);
        }
        let Setup { now, guards, configuration, .. } = *setup;
        Ok(Plan { now, guards, globals: globals_of(configuration), jails, lacks })
    }
}

impl Jails {
    /// A plan that was made where no jail runs, as this one would make it while none runs here.
    pub fn adopt(&mut self, mut plan: Plan, guards: bool) -> Plan {
        for jail in plan.jails.iter_mut().flatten() {
            jail.key = self.key_of(&jail.name);
        }
        Plan { guards, ..plan }
    }
}

fn globals_of(configuration: &Configuration) -> Globals {
    let server = &configuration.server;
    let text = |key: &str| server.options.get(key).map(|text| text.as_str().to_owned());
    let target = text("logtarget").unwrap_or_default();
    Globals {
        loglevel: text("loglevel").unwrap_or_default().to_uppercase(),
        logtarget: target.split('[').next().unwrap_or_default().to_owned(),
        syslogsocket: text("syslogsocket").unwrap_or_default(),
        dbfile: text("dbfile").filter(|file| file != "None"),
        dbpurgeage_s: crate::settings::whole(server.dbpurgeage.value.seconds),
        dbmaxmatches: server.dbmaxmatches.as_ref().map_or(10, |most| i64::from(most.value)),
    }
}
