//! Which commands of an action run, and in what order.
//!
//! An action that makes a difference between families is started for a family at its first ban,
//! any other one with its jail. A command that fails is tried once more, after the check, and
//! where that fails too, after the repair.

use std::fmt;
use std::time::Duration;

use super::family::Family;
use super::mail::{Mail, Mailer};
use super::native::{Fed, Native};
use super::operation::Operation;
use super::place::Place;
use super::shell::Shell;
use super::started::{Level, Started};
use super::template::Template;
use super::ticket::Ticket;

/// What runs commands.
pub trait Execute {
    /// Runs one command to its end, or to the end of its time; true if it exited with 0.
    fn execute(&mut self, shell: &Shell, timeout: Duration) -> bool;

    /// The same for one that makes or takes away what jails may share (a table with a set for each
    /// of them): never two of them at once.
    fn execute_alone(&mut self, shell: &Shell, timeout: Duration) -> bool {
        self.execute(shell, timeout)
    }

    /// Sends a mail; true if a server took it.
    fn send(&mut self, _: &Mailer, _: &Mail) -> bool {
        false
    }

    /// Runs a program that reads many changes at once; true if it made them all. Where it is not
    /// done, each change is a command.
    fn feed(&mut self, _: &Fed, _: Duration) -> bool {
        false
    }

    /// Whether it is sure that what holds the bans of an action is not there.
    fn is_gone(&mut self, _: &Place, _: Duration) -> bool {
        false
    }

    /// The commands of this action, by its number, are done; they did what they should if `ok`.
    fn ended(&mut self, _action: u32, _ok: bool) {}
}

/// A command failed and could not be brought to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub Operation);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.0.key())
    }
}

impl std::error::Error for Failed {}

/// One action at work.
pub(crate) struct Machine<'a> {
    pub template: &'a Template,
    pub started: &'a mut Started,
    /// The ticket of nobody: the time and the counters for commands of no ban.
    pub nobody: &'a Ticket,
    /// The epoch of the jail.
    pub epoch: &'a mut u64,
    pub run: &'a mut dyn Execute,
}

/// Is told of a family that was repaired, and of the epochs before.
pub(crate) type Repaired<'f, M> = dyn FnMut(&mut M, Family, (u64, u64)) + 'f;

/// Whether a failed check is followed by a repair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    Yes,
    No,
}

/// What a check came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sane {
    Yes,
    No,
    NotRepaired,
}

impl Machine<'_> {
    /// With the jail.
    pub fn start(&mut self) -> Result<(), Failed> {
        self.start_family(Family::None, false)
    }

    /// With the jail.
    pub fn stop(&mut self) -> Result<(), Failed> {
        let on = self.started.on();
        if on.is_empty() {
            return Ok(());
        }
        self.started.clear();
        self.stop_families(&on)
    }

    /// Takes away what an earlier run left in the kernel. What was not there is not missed.
    pub fn clean(&mut self) {
        if self.template.is_native() {
            let families = self.template.families.clone();
            let _ = self.stop_families(&families);
        }
    }

    pub fn reload(&mut self) -> Result<(), Failed> {
        let on = self.started.on();
        self.operate(Operation::Reload, &on, |_, _, _| ())
    }

    pub fn flush(&mut self) -> Result<(), Failed> {
        let filled = self.started.filled();
        if filled.is_empty() {
            return Ok(());
        }
        self.operate(Operation::Flush, &filled, |started, family, ok| {
            if ok && started.level(family) == Some(Level::Filled) {
                started.set(family, Level::Empty);
            }
        })
    }

    pub fn ban(&mut self, operation: Operation, ticket: &Ticket) -> Result<(), Failed> {
        let family = ticket.family();
        let is_on = |level: Option<Level>| level.is_some_and(|level| level != Level::Off);
        if self.template.has.on_demand && !is_on(self.started.level(family)) {
            self.start_family(family, true)?;
        }
        self.process(operation, ticket)?;
        self.started.set(family, Level::Filled);
        Ok(())
    }

    pub fn reban(&mut self, ticket: &Ticket) -> Result<(), Failed> {
        let operation = if self.template.has.reban { Operation::Reban } else { Operation::Ban };
        self.ban(operation, ticket)
    }

    pub fn unban(&mut self, ticket: &Ticket) -> Result<(), Failed> {
        match self.started.level(ticket.family()) {
            Some(Level::Filled) => self.process(Operation::Unban, ticket),
            _ => Ok(()),
        }
    }

    /// The end of a ban that an actor before this one may have made, and that died; `is_own` says
    /// whether this one did too. What was not there is not missed. Native actions were cleaned of
    /// all of that when they started.
    pub fn unban_of_before(&mut self, ticket: &Ticket, is_own: bool) -> Result<(), Failed> {
        let is_filled = self.started.level(ticket.family()) == Some(Level::Filled);
        if is_own && is_filled || self.template.is_native() {
            return self.unban(ticket);
        }
        if let Some(shell) = self.template.of_ban(Operation::Unban, ticket) {
            self.execute(&shell);
        }
        Ok(())
    }

    pub fn prolong(&mut self, ticket: &Ticket) -> Result<(), Failed> {
        match self.template.has.prolong {
            true => self.process(Operation::Prolong, ticket),
            false => Ok(()),
        }
    }

    /// Checks every family that is started; repairs what is broken.
    pub fn consistency(&mut self, repair: Repair) -> Result<bool, Failed> {
        self.consistency_with(repair, &mut |_, _, _| ())
    }

    /// The same; `repaired` is told of each family, with the epochs of the jail and of the action
    /// before.
    pub(super) fn consistency_with(
        &mut self,
        repair: Repair,
        repaired: &mut Repaired<'_, Self>,
    ) -> Result<bool, Failed> {
        let mut all = true;
        if !self.template.has.check {
            return Ok(all);
        }
        for family in self.started.on() {
            let before = (*self.epoch, self.started.epoch);
            // What was not repaired on purpose stays as it is, started.
            if self.check(family, repair, true)? == Sane::No {
                self.started.set(family, Level::Off);
                self.started.forget(Operation::Start, family);
                all = false;
            } else if *self.epoch != before.0 {
                repaired(self, family, before);
            }
        }
        Ok(all)
    }

    pub(super) fn start_family(&mut self, family: Family, force: bool) -> Result<(), Failed> {
        let is_on = self.started.level(family).is_some_and(|level| level != Level::Off);
        if !force && (self.template.has.on_demand || is_on) {
            return Ok(());
        }
        let families = match family {
            Family::None => self.template.families.clone(),
            one => vec![one],
        };
        self.operate(Operation::Start, &families, |started, family, ok| {
            if ok {
                started.forget(Operation::Stop, family);
                started.set(family, Level::Empty);
            }
        })
    }

    fn stop_families(&mut self, families: &[Family]) -> Result<(), Failed> {
        self.operate(Operation::Stop, families, |started, family, ok| {
            if ok {
                started.forget(Operation::Start, family);
            }
        })
    }

    fn stop_family(&mut self, family: Family) -> Result<(), Failed> {
        if family == Family::None {
            return self.stop();
        }
        if self.started.level(family).is_none() {
            return Ok(());
        }
        self.started.set(family, Level::Off);
        self.stop_families(&[family])
    }

    /// A command of no ban for some families.
    fn operate(
        &mut self,
        operation: Operation,
        families: &[Family],
        after: fn(&mut Started, Family, bool),
    ) -> Result<(), Failed> {
        let mut all = true;
        for family in families.iter().copied() {
            let Some(command) = self.template.of_family(operation, family) else {
                all = false;
                continue;
            };
            let mut ok = true;
            let text = &command.text;
            if !command.is_empty() && !self.started.ran_elsewhere(operation, family, text) {
                let shell = self.template.of_nobody(&command, family, self.nobody);
                ok = match operation {
                    Operation::Start | Operation::Stop => {
                        self.run.execute_alone(&shell, self.template.timeout)
                    }
                    _ => self.execute(&shell),
                };
                let takes_away = matches!(operation, Operation::Stop | Operation::Flush);
                ok = ok || takes_away && self.is_gone(family);
                all &= ok;
            }
            after(self.started, family, ok);
            match ok {
                true => self.started.note(operation, family, &command.text),
                false => self.started.forget(operation, family),
            }
        }
        if all { Ok(()) } else { Err(Failed(operation)) }
    }

    /// A command of a ban: twice, if it fails and what it needs can be made sane.
    pub(super) fn process(&mut self, operation: Operation, ticket: &Ticket) -> Result<(), Failed> {
        let failed = Failed(operation);
        let shell = self.template.of_ban(operation, ticket).ok_or(failed)?;
        if self.execute(&shell) {
            return Ok(());
        }
        let is_unban = operation == Operation::Unban;
        if is_unban && self.is_gone(ticket.family()) {
            return Ok(());
        }
        if self.template.has.check {
            let repair = match is_unban && !self.template.has.repair_on_unban {
                true => Repair::No,
                false => Repair::Yes,
            };
            if self.check(ticket.family(), repair, !is_unban)? != Sane::Yes {
                return Err(failed);
            }
        }
        if self.execute(&shell) { Ok(()) } else { Err(failed) }
    }

    pub(super) fn check(
        &mut self,
        family: Family,
        repair: Repair,
        force: bool,
    ) -> Result<Sane, Failed> {
        let is_known = family == Family::None || self.started.level(family).is_some();
        if !force && !is_known {
            return Ok(Sane::Yes);
        }
        let failed = Failed(Operation::Check);
        let check = self.template.of_family(Operation::Check, family).ok_or(failed)?;
        if self.execute(&check) {
            return Ok(Sane::Yes);
        }
        if repair == Repair::No {
            return Ok(Sane::NotRepaired);
        }
        *self.epoch += 1;
        self.started.epoch = *self.epoch;
        let repair = self.template.of_family(Operation::Repair, family).ok_or(failed)?;
        if !repair.is_empty() {
            if !self.execute(&repair) {
                self.started.set(family, Level::Off);
                return Ok(Sane::No);
            }
            self.started.set(family, Level::Empty);
        } else {
            // It may be that there is nothing to stop any more: what counts is the next check.
            let _ = self.stop_family(family);
            self.start_family(family, force || !self.template.has.on_demand)?;
        }
        let is_on = self.started.level(family).is_some_and(|level| level != Level::Off);
        if is_on && !self.execute(&check) {
            return Ok(Sane::No);
        }
        Ok(Sane::Yes)
    }

    /// Whether what this action made for a family is gone, so that nobody need take it away. Its
    /// rules go before: the kernel keeps a set or a chain while a rule leads there.
    pub(super) fn is_gone(&mut self, family: Family) -> bool {
        let families = match family {
            Family::Every | Family::None => vec![Family::Inet4, Family::Inet6],
            one => vec![one],
        };
        let (run, template) = (&mut *self.run, self.template);
        families.into_iter().all(|family| {
            let place = template.native(family).map(Native::place);
            place.is_some_and(|place| run.is_gone(place, template.timeout))
        })
    }

    fn execute(&mut self, shell: &Shell) -> bool {
        if shell.is_empty() {
            return true;
        }
        self.run.execute(shell, self.template.timeout)
    }
}
