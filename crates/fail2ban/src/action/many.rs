//! Many bans of one action at once, natively: one run of a program for all of them. What it does
//! not take is found by halving, and goes the way of the shell.

use std::collections::HashMap;

use super::family::Family;
use super::kept::Kept;
use super::machine::{Failed, Machine, Repair, Sane};
use super::native::{Native, Way};
use super::operation::Operation;
use super::started::Level;
use super::ticket::Ticket;

/// A ban, or the end of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'t> {
    /// A ban, the same again, or an unban.
    pub operation: Operation,
    pub ticket: &'t Ticket,
}

/// The changes of one address family.
struct OfFamily<'a> {
    native: &'a Native,
    family: Family,
    /// With their numbers.
    wanted: Vec<(usize, Way, Change<'a>)>,
}

impl Machine<'_> {
    /// Makes changes in their order, as far as they are of one address family. `kept` knows who is
    /// banned with this action, which has this number.
    pub fn many(
        &mut self,
        changes: &[Change<'_>],
        kept: &mut Kept,
        number: u32,
    ) -> Vec<Result<(), Failed>> {
        let mut results = vec![Ok(()); changes.len()];
        let template = self.template;
        for family in [Family::Inet4, Family::Inet6, Family::None] {
            let own = changes.iter().enumerate().filter(|(_, one)| one.ticket.family() == family);
            let Some(native) = template.native(family) else {
                for (at, change) in own {
                    results[at] = self.one(change);
                }
                continue;
            };
            let mut group = OfFamily { native, family, wanted: Vec::new() };
            let is_kept = |change: &Change<'_>| kept.has(&change.ticket.id, number);
            for (at, change) in own {
                let may_be = kept.may_have(&change.ticket.id, number);
                match self.prepare(&mut group, at, *change, may_be) {
                    Ok(()) => {}
                    Err(failed) => results[at] = Err(failed),
                }
            }
            group.wanted = without_repeats(group.wanted, native, is_kept);
            self.make(&group, kept, number, &mut results);
            if group.wanted.iter().any(|(at, way, _)| *way == Way::In && results[*at].is_ok()) {
                self.started.set(family, Level::Filled);
            }
        }
        results
    }

    fn one(&mut self, change: &Change<'_>) -> Result<(), Failed> {
        match change.operation {
            Operation::Unban => self.unban(change.ticket),
            _ => self.ban(Operation::Ban, change.ticket),
        }
    }

    /// Starts what a ban needs; passes over the end of a ban where nothing is banned.
    fn prepare<'a>(
        &mut self,
        group: &mut OfFamily<'a>,
        at: usize,
        change: Change<'a>,
        may_be: bool,
    ) -> Result<(), Failed> {
        let level = self.started.level(group.family);
        if change.operation != Operation::Unban {
            let is_on = level.is_some_and(|level| level != Level::Off);
            if self.template.has.on_demand && !is_on {
                self.start_family(group.family, true)?;
            }
            group.wanted.push((at, Way::In, change));
        } else if level == Some(Level::Filled) || may_be || !group.wanted.is_empty() {
            group.wanted.push((at, Way::Out, change));
        }
        Ok(())
    }

    fn make(
        &mut self,
        group: &OfFamily<'_>,
        kept: &mut Kept,
        number: u32,
        results: &mut [Result<(), Failed>],
    ) {
        let all = &group.wanted[..];
        if all.is_empty() || self.feed(group, all) {
            return;
        }
        let has_bans = all.iter().any(|(_, way, _)| *way == Way::In);
        if !has_bans && self.is_gone(group.family) {
            return;
        }
        match self.mend(group, kept, number) {
            Ok(true) if self.feed(group, all) => return,
            Ok(_) => {}
            Err(failed) => {
                let is_gone = self.is_gone(group.family);
                for (at, ..) in all.iter().filter(|(_, way, _)| *way == Way::In || !is_gone) {
                    results[*at] = Err(failed);
                }
                return;
            }
        }
        // The program may be missing, or not take what the action's own command does.
        let mut is_trusted = true;
        let mut parts = halves(all);
        while let Some(part) = parts.pop() {
            if is_trusted && part.len() > 1 && self.feed(group, part) {
                continue;
            }
            if is_trusted && part.len() > 1 {
                parts.extend(halves(part));
                continue;
            }
            for (at, _, change) in part {
                let operation = match change.operation {
                    Operation::Unban => Operation::Unban,
                    _ => Operation::Ban,
                };
                results[*at] = self.process(operation, change.ticket);
                is_trusted &= results[*at].is_err();
            }
        }
    }

    /// After a failure: checks, and repairs what is broken, with all that was banned in it; true
    /// if that was needed.
    fn mend(&mut self, group: &OfFamily<'_>, kept: &mut Kept, number: u32) -> Result<bool, Failed> {
        if !self.template.has.check {
            return Ok(false);
        }
        let bans = group.wanted.iter().any(|(_, way, _)| *way == Way::In);
        let repair = match bans || self.template.has.repair_on_unban {
            true => Repair::Yes,
            false => Repair::No,
        };
        let before = (*self.epoch, self.started.epoch);
        if self.check(group.family, repair, bans)? != Sane::Yes {
            return Err(Failed(Operation::Check));
        }
        let repaired = *self.epoch != before.0;
        if repaired {
            self.restore(group.family, before, kept, number);
        }
        Ok(repaired)
    }

    /// Checks every family that is started, and puts back what is lost by a repair.
    pub fn check_all(&mut self, kept: &mut Kept, number: u32) -> Result<(), Failed> {
        let restore = &mut |machine: &mut Self, family, before| {
            machine.restore(family, before, kept, number);
        };
        self.consistency_with(Repair::Yes, restore).map(|_| ())
    }

    /// After a repair: bans again what was in it. `before` are the epochs from before.
    fn restore(&mut self, family: Family, before: (u64, u64), kept: &mut Kept, number: u32) {
        let is_lost = |lost: Family| match family {
            Family::Every | Family::None => true,
            one => one == lost,
        };
        let (mut lost, mut is_all) = (Vec::new(), kept.is_whole());
        for ticket in kept.of(number) {
            match ticket.family() {
                Family::Inet4 | Family::Inet6 => lost.push(ticket),
                Family::Every | Family::None => is_all = false,
            }
        }
        lost.retain(|ticket| is_lost(ticket.family()));
        let families = [Family::Inet4, Family::Inet6];
        if !families.into_iter().all(|family| self.put_back(family, &lost)) {
            // Then they are asked for again, and must not be taken for repeats.
            kept.doubt_all(number);
        } else if is_all && !lost.is_empty() {
            let mended = u32::try_from(lost.len()).unwrap_or(u32::MAX);
            self.started.mended = self.started.mended.saturating_add(mended);
            // Nothing is lost that somebody would have to ban again.
            (*self.epoch, self.started.epoch) = before;
        }
    }

    fn put_back(&mut self, family: Family, lost: &[Ticket]) -> bool {
        let mut own = lost.iter().filter(|ticket| ticket.family() == family).peekable();
        if own.peek().is_none() {
            return true;
        }
        let Some(native) = self.template.native(family) else { return false };
        let again = native.feed(own.map(|ticket| (Way::In, ticket)), self.template.bantime_s());
        let ok = self.run.feed(&again, self.template.timeout);
        if ok {
            self.started.set(family, Level::Filled);
        }
        ok
    }

    fn feed(&mut self, group: &OfFamily<'_>, part: &[(usize, Way, Change<'_>)]) -> bool {
        let changes = part.iter().map(|(_, way, change)| (*way, change.ticket));
        let fed = group.native.feed(changes, self.template.bantime_s());
        self.run.feed(&fed, self.template.timeout)
    }
}

/// A second ban of the same would be a second rule, and one would stay when it ends.
fn without_repeats<'a>(
    wanted: Vec<(usize, Way, Change<'a>)>,
    native: &Native,
    is_kept: impl Fn(&Change<'_>) -> bool,
) -> Vec<(usize, Way, Change<'a>)> {
    if !native.repeats() {
        return wanted;
    }
    let mut last = HashMap::new();
    let is_new = |(_, way, change): &(usize, Way, Change<'a>)| {
        let before = last.insert(&change.ticket.id, *way);
        let is_in = before.map_or_else(|| is_kept(change), |before| before == Way::In);
        *way == Way::Out || !is_in
    };
    wanted.into_iter().filter(is_new).collect()
}

fn halves<T>(part: &[T]) -> Vec<&[T]> {
    let (one, two) = part.split_at(part.len() / 2);
    // The last is the next.
    [two, one].into_iter().filter(|part| !part.is_empty()).collect()
}
