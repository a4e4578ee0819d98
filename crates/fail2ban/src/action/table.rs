//! The table of all commands, fixed at load, and what a request may ask of it.

use monban_model::JailJob;

use crate::config::Jail;

use super::hostnames::Hostnames;
use super::machine::Failed;
use super::template::Template;
use super::ticket::Ticket;

/// Jails with their actions, by numbers.
#[derive(Clone, Debug, Default)]
pub struct Table {
    jails: Vec<(String, Vec<Template>)>,
}

/// What is asked for: numbers and values. No field of it is ever read as a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The number of the jail.
    pub jail: u32,
    /// Which of its actions, by their numbers; empty for all. One that is not there is passed over.
    pub actions: Vec<u32>,
    /// What is done.
    pub job: JailJob,
    /// Who it is about; [`Ticket::of_nobody`] where it is about no ban.
    pub ticket: Ticket,
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Actions that failed.
    pub failed: Vec<(u32, Failed)>,
    /// After a flush: actions that have no command for it. Their bans are to be ended one by one.
    pub singly: Vec<u32>,
    /// Repairs of the jail so far: bans of an earlier epoch may be lost.
    pub epoch: u64,
    /// Bans that were lost and that a repair has put back by itself: nobody need ban them again.
    pub mended: u32,
}

impl Table {
    /// Takes in the actions of jails, in their order: the first jail has number 0, and its first
    /// action too. One of Python does nothing, but `smtp.py`.
    pub fn new(jails: &[Jail], hostnames: &Hostnames, ipv6: bool) -> Self {
        let mut table = Self::default();
        for jail in jails {
            // A cast cuts what no 64 bits hold.
            let bantime_s = jail.bantime.value.seconds as i64;
            let templates = jail.actions.iter().map(|spec| {
                Template::new(spec, &jail.name, bantime_s, hostnames, ipv6)
                    .unwrap_or_else(|| Template::of_python(spec, &jail.name, bantime_s, hostnames))
            });
            table.jails.push((jail.name.clone(), templates.collect()));
        }
        table
    }

    /// How many jails there are.
    pub fn len(&self) -> usize {
        self.jails.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.jails.is_empty()
    }

    /// The number of a jail.
    pub fn number(&self, name: &str) -> Option<u32> {
        let at = self.jails.iter().position(|(known, _)| known == name)?;
        u32::try_from(at).ok()
    }

    /// Jails with their actions, by numbers.
    pub(crate) fn into_jails(self) -> Vec<(String, Vec<Template>)> {
        self.jails
    }

    /// The actions of a jail by their numbers.
    pub fn templates(&self, jail: u32) -> Option<&[Template]> {
        let at = usize::try_from(jail).ok()?;
        self.jails.get(at).map(|(_, templates)| templates.as_slice())
    }
}
