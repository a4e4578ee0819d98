//! The actions of one jail at work.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use monban_model::JailJob;

use crate::filter::Id;

use super::kept::Kept;
use super::machine::{Execute, Failed, Machine, Repair};
use super::mail::Event;
use super::many::Change;
use super::operation::Operation;
use super::started::Started;
use super::table::{Done, Request};
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
    /// An actor that died may have made bans.
    inherits: bool,
    /// What it left in the kernel is gone.
    clean: bool,
}

impl JailActions {
    /// Those of a jail that has not begun. `bans` counts the bans of all jails.
    pub fn new(bans: Arc<AtomicUsize>) -> Self {
        Self { kept: Kept::within(bans), addresses_only: true, ..Self::default() }
    }

    /// The same; `inherits` says whether an actor that died may have made bans: their ends are
    /// asked for here.
    pub fn after_another(bans: Arc<AtomicUsize>, inherits: bool) -> Self {
        Self { inherits, ..Self::new(bans) }
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
        let mut order = self.chosen(request);
        if request.job == JailJob::Stop {
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
            let mut order = self.chosen(request);
            order.retain(|at| templates.get(*at).is_some_and(|template| !template.is_native()));
            let Done { failed, singly, mended, .. } =
                self.perform_with(&order, templates, request, now, run);
            done.failed.extend(failed);
            done.singly.extend(singly);
            done.mended = mended;
            // What is repaired for the next one may have lost this one.
            done.epoch = self.epoch;
        }
        let mended = self.take_mended();
        if let Some(first) = all.first_mut() {
            first.mended = first.mended.max(mended);
        }
        all
    }

    /// Bans that repairs put back since it was last asked: those of the action with the most.
    fn take_mended(&mut self) -> u32 {
        let each = self.started.iter_mut().map(|started| std::mem::take(&mut started.mended));
        each.max().unwrap_or(0)
    }

    /// Ends the jail: all bans, those that cannot be flushed one by one, and then its actions. What
    /// failed comes back, each kind once for each action.
    pub fn end(&mut self, templates: &[Template], now: Time, run: &mut dyn Execute) -> Done {
        let nobody = Ticket::of_nobody(now, super::ticket::Counters::default());
        let request = |job, actions, ticket| Request { jail: 0, actions, job, ticket };
        let flush = request(JailJob::Flush { stopping: true }, Vec::new(), nobody.clone());
        let flushed = self.perform(templates, &flush, now, run);
        let mut all = flushed.failed;
        for action in flushed.singly {
            let bans: Vec<Ticket> = self.kept.to_end(action).collect();
            for ticket in bans {
                let unban = request(JailJob::Unban, vec![action], ticket);
                let failed = self.perform(templates, &unban, now, run).failed;
                for one in failed {
                    if !all.contains(&one) {
                        all.push(one);
                    }
                }
            }
        }
        let stop = request(JailJob::Stop, Vec::new(), nobody);
        let Done { failed, epoch, .. } = self.perform(templates, &stop, now, run);
        all.extend(failed);
        Done { failed: all, singly: Vec::new(), epoch, mended: 0 }
    }

    /// Whether what an earlier run left was taken away.
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// Takes away what an earlier run left in the kernel, before the jail starts.
    pub fn clean(&mut self, templates: &[Template], now: Time, run: &mut dyn Execute) {
        self.clean = true;
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
                if *job != JailJob::Unban {
                    done.failed.push((number, Failed(Operation::Ban)));
                }
                continue;
            }
            let epoch = &mut self.epoch;
            let mut machine = Machine { template, started, nobody: &nobody, epoch, run };
            let left_out = ticket.restored && template.norestored;
            // A ban that there was no room to keep may be its own too.
            let is_own = self.kept.may_have(&ticket.id, number) || !self.kept.is_whole();
            let result = match job {
                JailJob::Ban | JailJob::Prolong if left_out => Ok(()),
                _ if template.mailer.is_some() => send(template, *job, ticket, machine.run),
                JailJob::Ban => machine.ban(Operation::Ban, ticket),
                JailJob::Reban { .. } => machine.reban(ticket),
                JailJob::Prolong => machine.prolong(ticket),
                JailJob::Unban if self.inherits => machine.unban_of_before(ticket, is_own),
                JailJob::Unban => machine.unban(ticket),
                JailJob::Start => machine.start(),
                JailJob::Stop => machine.stop(),
                JailJob::Reload => machine.reload(),
                JailJob::Check if template.is_native() => machine.check_all(&mut self.kept, number),
                JailJob::Check => machine.consistency(Repair::Yes).map(|_| ()),
                JailJob::Flush { .. } if !template.has.flush => {
                    done.singly.push(number);
                    continue;
                }
                JailJob::Flush { stopping } => flush(&mut machine, *stopping),
            };
            run.ended(number, result.is_ok());
            match job {
                // Also where it failed: part of it may have been done.
                JailJob::Ban | JailJob::Reban { .. } if !left_out && template.mailer.is_none() => {
                    self.kept.hold(ticket, number)
                }
                JailJob::Unban => self.kept.release(&ticket.id, number),
                JailJob::Flush { .. } if result.is_err() => {}
                JailJob::Flush { .. } | JailJob::Stop => self.kept.release_all(number),
                _ => {}
            }
            if let Err(failed) = result {
                done.failed.push((number, failed));
                if matches!(job, JailJob::Reban { .. }) {
                    break;
                }
            }
        }
        done.epoch = self.epoch;
        done.mended = self.take_mended();
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
                if request.job != JailJob::Unban && self.chosen(request).contains(&at) {
                    beyond.push((which, Failed(Operation::Ban)));
                }
                continue;
            }
            let operation = match request.job {
                JailJob::Ban if request.ticket.restored && template.norestored => continue,
                JailJob::Unban => Operation::Unban,
                _ => Operation::Ban,
            };
            if self.chosen(request).contains(&at) {
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
        run.ended(number, results.iter().all(Result::is_ok));
        let mut failures = beyond;
        for ((which, change), result) in chosen.into_iter().zip(results) {
            match (change.operation, result) {
                (Operation::Unban, _) => self.kept.release(&change.ticket.id, number),
                (_, Ok(())) => self.kept.hold(change.ticket, number),
                (_, Err(_)) => self.kept.hold_in_doubt(change.ticket, number),
            }
            failures.extend(result.err().map(|failed| (which, failed)));
        }
        failures
    }

    /// The actions that a request is for. One that was not repaired lost nothing: a mail is not
    /// sent again.
    fn chosen(&self, request: &Request) -> Vec<usize> {
        let is_named = |at: &usize| {
            let named = &request.actions;
            named.is_empty() || named.iter().any(|number| usize::try_from(*number) == Ok(*at))
        };
        let named: Vec<usize> = (0..self.started.len()).filter(is_named).collect();
        let JailJob::Reban { after } = request.job else { return named };
        let is_later = |at: &&usize| self.started.get(**at).is_some_and(|s| s.epoch > after);
        let later: Vec<usize> = named.iter().filter(is_later).copied().collect();
        if later.is_empty() { named } else { later }
    }
}

/// The mail of an action that sends one; nothing is said of the end of a ban.
fn send(
    template: &Template,
    job: JailJob,
    ticket: &Ticket,
    run: &mut dyn Execute,
) -> Result<(), Failed> {
    let (operation, event) = match job {
        JailJob::Start => (Operation::Start, Event::Start),
        JailJob::Stop => (Operation::Stop, Event::Stop),
        JailJob::Ban => (Operation::Ban, Event::Ban(ticket)),
        _ => return Ok(()),
    };
    let Some(mailer) = &template.mailer else { return Ok(()) };
    let mail = mailer.mail(event, &template.jail, template.bantime_s());
    if run.send(mailer, &mail) { Ok(()) } else { Err(Failed(operation)) }
}

/// Whether a firewall is asked about somebody who is no address.
fn is_beyond(template: &Template, job: JailJob, ticket: &Ticket) -> bool {
    let is_of_somebody =
        matches!(job, JailJob::Ban | JailJob::Reban { .. } | JailJob::Prolong | JailJob::Unban);
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
