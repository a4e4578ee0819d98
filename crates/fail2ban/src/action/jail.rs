//! The actions of one jail at work.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::filter::Id;

use super::kept::Kept;
use super::machine::{Execute, Failed, Machine, Repair};
use super::mail::Event;
use super::many::Change;
use super::operation::Operation;
use super::started::Started;
use super::table::{Done, Job, Request, Scope};
use super::template::Template;
use super::ticket::{Ticket, Time};

/// The actions of one jail at work.
#[derive(Debug, Default)]
pub struct JailActions {
    started: Vec<Started>,
    epoch: u64,
    kept: Kept,
    /// A firewall is asked about addresses only. It would look a text up as a name, which a
    /// stranger chose; fail2ban does that.
    addresses_only: bool,
}

impl JailActions {
    /// Those of a jail that has not begun. `bans` counts the bans of all jails.
    pub fn new(bans: Arc<AtomicUsize>) -> Self {
        Self { kept: Kept::within(bans), addresses_only: true, ..Self::default() }
    }

    /// Does what is asked for with the actions of its jail, all of it by their own commands. `now`
    /// is what the commands of no ban get for `<time>`.
    pub fn perform(
        &mut self,
        templates: &[Template],
        request: &Request,
        now: Time,
        run: &mut dyn Execute,
    ) -> Done {
        self.started.resize_with(templates.len(), Started::default);
        let mut order = self.chosen(&request.scope);
        if request.job == Job::Stop {
            order.reverse();
        }
        self.perform_with(&order, templates, request, now, run)
    }

    /// Does several bans and ends of bans. Actions that can make them all at once go first.
    pub fn perform_all(
        &mut self,
        templates: &[Template],
        requests: &[&Request],
        now: Time,
        run: &mut dyn Execute,
    ) -> Vec<Done> {
        self.started.resize_with(templates.len(), Started::default);
        let mut all = vec![Done::default(); requests.len()];
        for (at, template) in templates.iter().enumerate().filter(|(_, t)| t.is_native()) {
            for (which, failed) in self.many(at, template, requests, now, run) {
                let number = u32::try_from(at).unwrap_or(u32::MAX);
                all[which].failed.push((number, failed));
            }
        }
        for (request, done) in requests.iter().zip(&mut all) {
            let mut order = self.chosen(&request.scope);
            order.retain(|at| templates.get(*at).is_some_and(|template| !template.is_native()));
            let Done { failed, singly, .. } =
                self.perform_with(&order, templates, request, now, run);
            done.failed.extend(failed);
            done.singly.extend(singly);
        }
        for done in &mut all {
            done.epoch = self.epoch;
        }
        all
    }

    /// Ends the jail: all bans, those that cannot be flushed one by one, and then its actions.
    pub fn end(&mut self, templates: &[Template], now: Time, run: &mut dyn Execute) -> Vec<Done> {
        let nobody = Ticket::of_nobody(now, super::ticket::Counters::default());
        let request = |job, scope, ticket| Request { jail: 0, scope, job, ticket };
        let flush = request(Job::Flush { stopping: true }, Scope::All, nobody.clone());
        let flushed = self.perform(templates, &flush, now, run);
        let singly = flushed.singly.clone();
        let mut all = vec![flushed];
        for action in singly {
            let bans: Vec<Ticket> = self.kept.of(action).collect();
            for ticket in bans {
                let unban = request(Job::Unban, Scope::Only(vec![action]), ticket);
                let done = self.perform(templates, &unban, now, run);
                if !done.failed.is_empty() {
                    all.push(done);
                }
            }
        }
        all.push(self.perform(templates, &request(Job::Stop, Scope::All, nobody), now, run));
        all
    }

    /// Takes away what an earlier run left in the kernel, before the jail starts.
    pub fn clean(&mut self, templates: &[Template], now: Time, run: &mut dyn Execute) {
        self.started.resize_with(templates.len(), Started::default);
        let nobody = Ticket::of_nobody(now, super::ticket::Counters::default());
        for (template, started) in templates.iter().zip(&mut self.started) {
            let epoch = &mut self.epoch;
            Machine { template, started, nobody: &nobody, epoch, run }.clean();
        }
    }

    fn perform_with(
        &mut self,
        order: &[usize],
        templates: &[Template],
        request: &Request,
        now: Time,
        run: &mut dyn Execute,
    ) -> Done {
        let Request { job, ticket, .. } = request;
        let nobody = Ticket::of_nobody(now, ticket.jail);
        let mut done = Done::default();
        for at in order.iter().copied() {
            let (Some(template), Some(started)) = (templates.get(at), self.started.get_mut(at))
            else {
                continue;
            };
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            if self.addresses_only && is_beyond(template, *job, ticket) {
                if *job != Job::Unban {
                    done.failed.push((number, Failed(Operation::Ban)));
                }
                continue;
            }
            let epoch = &mut self.epoch;
            let mut machine = Machine { template, started, nobody: &nobody, epoch, run };
            let left_out = ticket.restored && template.norestored;
            let result = match job {
                Job::Ban | Job::Prolong if left_out => Ok(()),
                _ if template.mailer.is_some() => send(template, *job, ticket, machine.run),
                Job::Ban => machine.ban(Operation::Ban, ticket),
                Job::Reban => machine.reban(ticket),
                Job::Prolong => machine.prolong(ticket),
                Job::Unban => machine.unban(ticket),
                Job::Start => machine.start(),
                Job::Stop => machine.stop(),
                Job::Reload => machine.reload(),
                Job::Check if template.is_native() => machine.check_all(&mut self.kept, number),
                Job::Check => machine.consistency(Repair::Yes).map(|_| ()),
                Job::Flush { .. } if !template.has.flush => {
                    done.singly.push(number);
                    continue;
                }
                Job::Flush { stopping } => flush(&mut machine, *stopping),
            };
            match job {
                // Also where it failed: part of it may have been done.
                Job::Ban | Job::Reban if !left_out && template.mailer.is_none() => {
                    self.kept.hold(ticket, number)
                }
                Job::Unban => self.kept.release(&ticket.id, number),
                Job::Flush { .. } | Job::Stop => self.kept.release_all(number),
                _ => {}
            }
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

    /// The part of one action in several requests; what failed, by the place of its request.
    fn many(
        &mut self,
        at: usize,
        template: &Template,
        requests: &[&Request],
        now: Time,
        run: &mut dyn Execute,
    ) -> Vec<(usize, Failed)> {
        let (mut chosen, mut beyond) = (Vec::new(), Vec::new());
        for (which, request) in requests.iter().enumerate() {
            if self.addresses_only && is_beyond(template, request.job, &request.ticket) {
                if request.job != Job::Unban && self.chosen(&request.scope).contains(&at) {
                    beyond.push((which, Failed(Operation::Ban)));
                }
                continue;
            }
            let operation = match request.job {
                Job::Ban if request.ticket.restored && template.norestored => continue,
                Job::Unban => Operation::Unban,
                _ => Operation::Ban,
            };
            if self.chosen(&request.scope).contains(&at) {
                chosen.push((which, Change { operation, ticket: &request.ticket }));
            }
        }
        let Some((first, _)) = chosen.first() else { return beyond };
        let nobody = Ticket::of_nobody(now, requests[*first].ticket.jail);
        let Some(started) = self.started.get_mut(at) else { return beyond };
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        let epoch = &mut self.epoch;
        let changes: Vec<Change<'_>> = chosen.iter().map(|(_, change)| *change).collect();
        let results = Machine { template, started, nobody: &nobody, epoch, run }.many(
            &changes,
            &mut self.kept,
            number,
        );
        let mut failures = beyond;
        for ((which, change), result) in chosen.into_iter().zip(results) {
            match (change.operation, result) {
                (Operation::Unban, _) => self.kept.release(&change.ticket.id, number),
                (_, Ok(())) => self.kept.hold(change.ticket, number),
                (_, Err(_)) => {}
            }
            failures.extend(result.err().map(|failed| (which, failed)));
        }
        failures
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

/// The mail of an action that sends one; nothing is said of the end of a ban.
fn send(
    template: &Template,
    job: Job,
    ticket: &Ticket,
    run: &mut dyn Execute,
) -> Result<(), Failed> {
    let (operation, event) = match job {
        Job::Start => (Operation::Start, Event::Start),
        Job::Stop => (Operation::Stop, Event::Stop),
        Job::Ban => (Operation::Ban, Event::Ban(ticket)),
        _ => return Ok(()),
    };
    let Some(mailer) = &template.mailer else { return Ok(()) };
    let mail = mailer.mail(event, &template.jail, template.bantime_s());
    if run.send(mailer, &mail) { Ok(()) } else { Err(Failed(operation)) }
}

/// Whether a firewall is asked about somebody who is no address.
fn is_beyond(template: &Template, job: Job, ticket: &Ticket) -> bool {
    let is_of_somebody = matches!(job, Job::Ban | Job::Reban | Job::Prolong | Job::Unban);
    is_of_somebody && template.is_native() && !matches!(ticket.address(), Id::Net(_))
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
