//! The table of all commands, fixed at load, and what a request may ask of it.

use crate::config::{ActionSpec, Complaint, Jail};

use super::hostnames::Hostnames;
use super::machine::{Execute, Failed, Machine, Repair};
use super::operation::Operation;
use super::started::Started;
use super::template::Template;
use super::ticket::{Ticket, Time};

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
    /// Which of its actions.
    pub scope: Scope,
    /// What is done.
    pub job: Job,
    /// Who it is about; [`Ticket::of_nobody`] where it is about no ban.
    pub ticket: Ticket,
}

/// Actions of a jail, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// These numbers; one that is not there is passed over.
    Only(Vec<u32>),
    /// Those that were repaired after this epoch; all of them if there is none.
    RepairedAfter(u64),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The jail starts.
    Start,
    /// Somebody is banned.
    Ban,
    /// What was banned is banned again after a repair.
    Reban,
    /// A ban in force got longer.
    Prolong,
    /// A ban ends.
    Unban,
    /// All bans end. `stopping`: because the jail stops, so that nothing is repaired for it.
    Flush {
        /// Whether the jail stops.
        stopping: bool,
    },
    /// Somebody who is banned was seen again: is everything still there?
    Check,
    /// The settings were read again.
    Reload,
    /// The jail stops; its actions do in reverse order.
    Stop,
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
}

/// The actions of one jail at work.
#[derive(Clone, Debug, Default)]
pub struct JailActions {
    started: Vec<Started>,
    epoch: u64,
}

impl Table {
    /// Takes in the actions of jails, in their order: the first jail has number 0. Actions that
    /// are not `wanted` (because something better than a shell does them) have no number.
    pub fn new(
        jails: &[Jail],
        hostnames: &Hostnames,
        ipv6: bool,
        wanted: impl Fn(&Jail, &ActionSpec) -> bool,
    ) -> (Self, Vec<Complaint>) {
        let mut complaints = Vec::new();
        let mut table = Self::default();
        for jail in jails {
            // A cast cuts what no 64 bits hold.
            let bantime_s = jail.bantime.value.seconds as i64;
            let specs = jail.actions.iter().filter(|spec| wanted(jail, spec));
            let templates = specs.filter_map(|spec| {
                Template::new(spec, &jail.name, bantime_s, hostnames, ipv6, &mut complaints)
            });
            table.jails.push((jail.name.clone(), templates.collect()));
        }
        (table, complaints)
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

    /// The actions of a jail by their numbers.
    pub fn templates(&self, jail: u32) -> Option<&[Template]> {
        let at = usize::try_from(jail).ok()?;
        self.jails.get(at).map(|(_, templates)| templates.as_slice())
    }
}

impl JailActions {
    /// Does what is asked for with the actions of its jail. `now` is what the commands of no ban
    /// get for `<time>`.
    pub fn perform(
        &mut self,
        templates: &[Template],
        request: &Request,
        now: Time,
        run: &mut dyn Execute,
    ) -> Done {
        self.started.resize_with(templates.len(), Started::default);
        let Request { job, ticket, .. } = request;
        let nobody = Ticket::of_nobody(now, ticket.jail);
        let mut order = self.chosen(&request.scope);
        if *job == Job::Stop {
            order.reverse();
        }
        let mut done = Done::default();
        for at in order {
            let (Some(template), Some(started)) = (templates.get(at), self.started.get_mut(at))
            else {
                continue;
            };
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            let epoch = &mut self.epoch;
            let mut machine = Machine { template, started, nobody: &nobody, epoch, run };
            let left_out = ticket.restored && template.norestored;
            let result = match job {
                Job::Ban | Job::Prolong if left_out => Ok(()),
                Job::Ban => machine.ban(Operation::Ban, ticket),
                Job::Reban => machine.reban(ticket),
                Job::Prolong => machine.prolong(ticket),
                Job::Unban => machine.unban(ticket),
                Job::Start => machine.start(),
                Job::Stop => machine.stop(),
                Job::Reload => machine.reload(),
                Job::Check => machine.consistency(Repair::Yes).map(|_| ()),
                Job::Flush { .. } if !template.has.flush => {
                    done.singly.push(number);
                    Ok(())
                }
                Job::Flush { stopping } => flush(&mut machine, *stopping),
            };
            if let Err(failed) = result {
                done.failed.push((number, failed));
                if *job == Job::Reban {
                    break;
                }
            }
        }
        done.epoch = self.epoch;
        done
    }

    fn chosen(&self, scope: &Scope) -> Vec<usize> {
        let all = 0..self.started.len();
        match scope {
            Scope::All => all.collect(),
            Scope::Only(numbers) => {
                let is_named = |at: &usize| numbers.iter().any(|n| usize::try_from(*n) == Ok(*at));
                all.filter(is_named).collect()
            }
            Scope::RepairedAfter(epoch) => {
                let later = |at: &usize| self.started.get(*at).is_some_and(|s| s.epoch > *epoch);
                let found: Vec<usize> = all.clone().filter(later).collect();
                if found.is_empty() { all.collect() } else { found }
            }
        }
    }
}

/// A flush that fails is followed by a check, and its failure is told.
fn flush(machine: &mut Machine<'_>, stopping: bool) -> Result<(), Failed> {
    let failed = match machine.flush() {
        Ok(()) => return Ok(()),
        Err(failed) => failed,
    };
    let repair = match stopping && !machine.template.has.repair_on_unban {
        true => Repair::No,
        false => Repair::Yes,
    };
    machine.consistency(repair)?;
    Err(failed)
}
