//! From failures to bans.

use monban_fail2ban::filter::Id;

use super::{Jails, end_of};
use crate::bans::{Asks, Ban, TooMany};
use crate::cache::Likeness;
use crate::jail::Jail;
use crate::known::Known;
use crate::tickets::{Facts, Failure};
use crate::told::{Spared, Told, WhyFreed};
use monban_model::{JailJob, Made, Net};

/// Earlier bans beyond so many count as so many.
const BANS_COUNTED: u32 = 20;

/// Somebody who is banned and fails so many seconds later may have got through the firewall.
const SUSPICIOUS_S: i64 = 3;

/// A ban to be made.
pub(super) struct Sentence {
    pub first: i64,
    pub last: i64,
    pub failures: u64,
    pub lines: Vec<String>,
    pub facts: Facts,
    pub by_operator: bool,
}

impl Jails {
    /// A failure of somebody, unless he is spared.
    pub(super) fn failure(&mut self, number: usize, id: Id, failure: Failure, now: i64) {
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return };
        if let Some(spared) = spared(&self.own, &self.allowed, jail, &id) {
            return self.spare(number, &id, spared, now);
        }
        if jail.settings.ignorecommand.is_empty() {
            return self.add(number, id, failure, now);
        }
        let said = match (&jail.cache, jail.likeness(&id, &failure)) {
            (Some(cache), Likeness::Kept(key)) => cache.get(&key, now),
            _ => None,
        };
        match said {
            Some(true) => self.note_spared(number, &id, Spared::Command, now),
            Some(false) => self.add(number, id, failure, now),
            None => self.ask_command(number, id, failure, now),
        }
    }

    /// A failure is not counted, and told so.
    pub(super) fn spare(&mut self, number: usize, id: &Id, by: Spared, now: i64) {
        self.note_spared(number, id, by, now);
        self.tell(number, Some(id), Told::Ignored(by));
    }

    fn note_spared(&mut self, number: usize, id: &Id, by: Spared, now: i64) {
        if let Some(key) = self.jail(number).map(|jail| jail.key) {
            self.spared.note(key, id, by, now);
        }
    }

    /// `ignorecommand` has answered for failures that are alike.
    pub(super) fn command_said(
        &mut self,
        number: usize,
        id: Id,
        (yes, like): (bool, &Likeness),
        failure: Failure,
        now: i64,
    ) {
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return };
        // A client may have changed meanwhile by what answers are kept.
        let is_like = jail.likeness(&id, &failure) == *like;
        if let (true, Some(cache), Likeness::Kept(key)) = (is_like, &mut jail.cache, like) {
            cache.put(key.clone(), yes, now);
        }
        match yes {
            true => self.spare(number, &id, Spared::Command, now),
            false => self.add(number, id, failure, now),
        }
    }

    /// Counts a failure, and once more if its address was banned before.
    pub(super) fn add(&mut self, number: usize, id: Id, failure: Failure, now: i64) {
        let time = failure.time;
        let Some((retry, maxretry)) = self.count_failure(number, &id, failure, now) else { return };
        self.tell(number, Some(&id), Told::Found { time, count: (retry, maxretry) });
        if retry >= maxretry {
            self.ban_counted(number, &id, now);
        }
        if self.jail(number).is_some_and(|jail| jail.settings.increment.enabled.value) {
            self.count_bad(number, &id, time, maxretry, now);
        }
    }

    /// A failure that an operator tells is counted as it is, whoever it is about.
    pub(super) fn add_attempt(&mut self, number: usize, id: &Id, failure: Failure, now: i64) {
        self.tell(number, Some(id), Told::Attempt { time: failure.time });
        let counted = self.count_failure(number, id, failure, now);
        if counted.is_some_and(|(retry, maxretry)| retry >= maxretry) {
            self.ban_counted(number, id, now);
        }
    }

    /// The count so far, and that which leads to a ban.
    fn count_failure(
        &mut self,
        number: usize,
        id: &Id,
        failure: Failure,
        now: i64,
    ) -> Option<(u32, u32)> {
        let jail = self.jails.get_mut(number)?.as_mut()?;
        let settings = &jail.settings;
        let (maxretry, findtime_s) = (settings.maxretry, settings.findtime_s);
        let (key, maxmatches) = ((jail.key, id.clone()), settings.maxmatches);
        jail.found_total += 1;
        Some((self.tickets.add(key, failure, now, findtime_s, maxmatches), maxretry))
    }

    /// One failure of an address that was banned n times counts as 2^n / 2 + 1.
    fn count_bad(&mut self, number: usize, id: &Id, time: i64, maxretry: u32, now: i64) {
        let Some(key) = self.jail(number).map(|jail| (jail.key, id.clone())) else { return };
        let Some(known) = self.bad.in_jail(key.0, id) else { return };
        let full = (1_u32 << known.count.min(BANS_COUNTED)) / 2 + 1;
        let (counts, capped) = (full.min(maxretry), full > maxretry);
        if time <= known.last || counts <= 1 {
            return;
        }
        let (bans, enough) = (known.count, counts >= maxretry);
        self.tell(number, Some(id), Told::Bad { time, bans, counts, capped, enough });
        let Some(retry) = self.tickets.add_extra(&key, counts - 1) else { return };
        if let Some(jail) = self.jail_mut(number) {
            jail.found_total += 1;
        }
        if retry >= maxretry {
            self.ban_counted(number, id, now);
        }
    }

    /// Bans whoever has failed often enough.
    pub(super) fn ban_counted(&mut self, number: usize, id: &Id, now: i64) {
        if self.hold(number, now) {
            return;
        }
        let Some(key) = self.jail(number).map(|jail| (jail.key, id.clone())) else { return };
        let Some(ticket) = self.tickets.take(&key) else { return };
        let sentence = Sentence {
            first: ticket.first,
            last: ticket.last,
            failures: ticket.failures,
            lines: ticket.lines,
            facts: ticket.facts,
            by_operator: false,
        };
        self.impose(number, id, sentence, now);
    }

    /// Bans somebody; true if he was not banned before and is now.
    pub(super) fn impose(&mut self, number: usize, id: &Id, by: Sentence, now: i64) -> bool {
        let others = self.running().map(|jail| jail.bans.len()).sum::<usize>();
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return false };
        let bantime_s = jail.settings.bantime_s;
        let mut ban = Ban {
            since: by.last,
            seconds: None,
            count: 1,
            failures: by.failures,
            lines: by.lines,
            facts: by.facts,
            restored: false,
            observed: !self.guards,
            tried: false,
            ordered: false,
            epoch: None,
            made: Made::Whole,
            asks: Asks::default(),
        };
        if ban.end(bantime_s) < now {
            self.tell(number, Some(id), Told::Expired);
            return false;
        }
        if jail.bans.get(id).is_some() {
            self.banned_already(number, id, &ban, now);
            return false;
        }
        let earlier = self.earlier(number, id);
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return false };
        let grows = jail.settings.increment.enabled.value && bantime_s > 0;
        if let (true, Some(known)) = (grows, earlier) {
            ban.count = known.count.saturating_add(1);
            if known.count > 0 {
                ban.seconds = Some(grown(jail, known.count, id, now, self.seed));
            }
        }
        let (until, seconds) = (ban.end(bantime_s), ban.seconds.unwrap_or(bantime_s));
        let known = Known { count: ban.count, last: ban.since, seconds };
        let told = Told::Banned {
            times: (by.first, by.last),
            within_s: jail.settings.findtime_s,
            failures: ban.failures,
            until: end_of(until),
            earlier: ban.count - 1,
            lines: ban.lines.clone(),
            by_operator: by.by_operator,
        };
        let count = ban.count;
        let others = others - jail.bans.len();
        if jail.bans.add(id.clone(), ban, bantime_s, others) == Err(TooMany) {
            self.tell(number, Some(id), Told::TooMany);
            return false;
        }
        jail.banned_total += 1;
        let key = jail.key;
        self.bad.note(key, id, known);
        self.tell(number, Some(id), told);
        self.order(number, id, JailJob::Ban);
        if seconds != bantime_s {
            self.tell(number, Some(id), Told::Increased { count, seconds, until: end_of(until) });
            self.order(number, id, JailJob::Prolong);
        }
        true
    }

    /// Earlier bans that make the next one longer.
    fn earlier(&self, number: usize, id: &Id) -> Option<Known> {
        let jail = self.jail(number)?;
        match jail.settings.increment.overalljails.value {
            true => self.bad.in_all((0..).take(self.names.len()), id),
            false => self.bad.in_jail(jail.key, id),
        }
    }

    /// The same again while the ban is in force: it may be longer now, and it may be that it does
    /// not hold.
    fn banned_already(&mut self, number: usize, id: &Id, again: &Ban, now: i64) {
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return };
        let bantime_s = jail.settings.bantime_s;
        let Some(held) = jail.bans.get(id) else { return };
        let after_s = again.since.saturating_sub(held.since);
        let lost = held.epoch.filter(|own| jail.epoch.is_some_and(|epoch| *own < epoch));
        if again.end(bantime_s) > held.end(bantime_s) {
            let seconds = match bantime_s {
                ..0 => bantime_s,
                seconds => seconds.saturating_add(after_s.max(0)),
            };
            jail.bans.change(id, bantime_s, |ban| ban.seconds = Some(seconds));
        }
        let checks = lost.is_none()
            && after_s > SUSPICIOUS_S
            && now > jail.checked.saturating_add(SUSPICIOUS_S);
        if checks {
            jail.checked = now;
        }
        self.tell(number, Some(id), Told::Already { after_s });
        if let Some(after) = lost {
            self.repeat(number, id, after);
        } else if checks {
            self.order_jail(number, JailJob::Check);
        }
    }

    /// Ends the bans whose time is over.
    pub(super) fn end_bans(&mut self, now: i64) {
        for number in 0..self.jails.len() {
            let over = match self.jail(number) {
                // What is not started can undo nothing; it is made up for then.
                Some(jail) if jail.started || !self.guards => jail.bans.over(now),
                _ => continue,
            };
            for id in over {
                self.free(number, &id, WhyFreed::Over);
            }
        }
    }

    /// Ends a ban; true if there was one.
    pub(super) fn free(&mut self, number: usize, id: &Id, why: WhyFreed) -> bool {
        let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { return false };
        let Some(ban) = jail.bans.remove(id, jail.settings.bantime_s) else { return false };
        self.tell(number, Some(id), Told::Freed(why));
        // The commands get what the ban was made of.
        self.order_end(number, id.clone(), ban);
        true
    }
}

/// Why somebody is spared without a question.
pub(super) fn spared(own: &[Net], allowed: &[Net], jail: &Jail, id: &Id) -> Option<Spared> {
    if let Id::Net(net) = id {
        // A network with an allowed address in it is nothing that the warden would have banned.
        let meets = |list: &[Net]| list.iter().find(|one| one.overlaps(*net)).copied();
        let spared = meets(own).map(|_| Spared::Own);
        if let Some(spared) = spared.or_else(|| meets(allowed).map(Spared::Allowed)) {
            return Some(spared);
        }
    }
    jail.ignore.spares(id).map(|by| if by == "dns" { Spared::Name } else { Spared::Address })
}

/// How long the next ban is of an address that was banned before.
fn grown(jail: &Jail, count: u32, id: &Id, now: i64, seed: u64) -> i64 {
    let increment = &jail.settings.increment;
    let mut seconds = increment.next_seconds(jail.settings.bantime_s as f64, count);
    if let Some(most) = &increment.rndtime {
        seconds += most.value.seconds * chance(seed, id, now);
    }
    crate::settings::whole(seconds)
}

/// A number from 0 up to 1 that follows from the seed, who it is for and when.
fn chance(seed: u64, id: &Id, now: i64) -> f64 {
    // SplitMix64 over the bytes of both: strangers do not know the seed.
    let mut state = seed ^ now.cast_unsigned().rotate_left(32);
    for byte in id.to_string().bytes() {
        state = mix(state ^ u64::from(byte));
    }
    (mix(state) >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
