//! Sightings: attempts are counted, logins settle them.

use std::sync::Arc;

use monban_model::limits::EVIDENCE_BYTES_MAX;
use monban_model::{
    Address, Event, Finding, Kind, Origin, Policy, Reach, ServiceId, Sighting, Stamp, Subject,
};

use super::originating::Entered;
use super::{Engine, TallyKey};
use crate::judge::Fit;
use crate::observation::{Counted, Effect};
use crate::watch::{Full, LineTold, Mark, Success, Told, try_key};

impl Engine {
    /// Somebody tried something and was refused.
    pub(super) fn attempt(
        &mut self,
        now: Stamp,
        (seen, from): (&Sighting<'_>, Origin),
        out: &mut Vec<Effect>,
    ) {
        let of_kind = self.policy_of(seen.kind, seen);
        // A probe may bring the address of logins that failed before it.
        if seen.kind != Kind::Probe && of_kind.is_none() {
            self.feed(now, seen, out);
            return;
        }
        let told = match seen.connection {
            Some(key) => self.connections.entry(key).tell(seen),
            None => Told { address: seen.address, new: seen.weight.max(1), kind: seen.kind },
        };
        let Some(address) = told.address else { return };
        if told.new > 0 && self.alarms.watches(told.kind) {
            self.feed_as(now, (told.kind, told.new, Some(address)), seen, out);
        }
        let counted =
            if told.kind == seen.kind { of_kind } else { self.policy_of(told.kind, seen) };
        let Some(at) = counted else { return };
        let subject = self.subject_of(address);
        let key = (at as u8, subject);
        if told.new == 0 {
            self.retell(key, seen);
            return;
        }
        let (fit, is_unwanted) = self.originate(told.kind, seen, (at, subject), from);
        let policy = &self.setup.policies[at];
        let most = policy.window.failures.max(policy.slow.map_or(0, |slow| slow.failures));
        let success = self.successes.get(&address);
        let ever_logged_in = success.is_some();
        let factor = self.patience(subject, success, seen.time);
        let line = line_told(&self.rules, seen, told.new);
        let mark = Mark { time: seen.time, connection: line.connection };
        let mut lost = 0;
        let tally = self.tallies.entry_and(key, |tally| lost = tally.evidence_bytes());
        let gained = tally.add(mark, told.new, line, most.saturating_mul(factor));
        let in_window = tally.within(policy.window, seen.time);
        let (full, needed) = match is_unwanted {
            true => (Full::of_unwanted(policy.window.length_s, in_window, factor), 1),
            false => {
                let full = tally.full(policy, in_window, factor, ever_logged_in, seen.time);
                (full, policy.window.failures)
            }
        };
        out.push(Effect::Counted(Counted {
            time: seen.time,
            address,
            subject,
            attempts: told.new,
            in_window,
            needed: needed.saturating_mul(factor),
            kind: told.kind,
        }));
        self.evidence_bytes =
            self.evidence_bytes.saturating_sub(lost).saturating_add_signed(gained);
        if let Some(full) = full {
            self.conclude(now, key, (address, fit), seen, full, out);
        }
        self.tell_failure(now, fit, address, seen, out);
        self.bound_evidence();
    }

    /// Somebody came in.
    pub(super) fn accept(
        &mut self,
        now: Stamp,
        (seen, from): (&Sighting<'_>, Origin),
        out: &mut Vec<Effect>,
    ) {
        let address = match seen.connection {
            Some(key) => {
                let connection = self.connections.entry(key);
                connection.meet(seen);
                connection.settle();
                connection.address()
            }
            None => seen.address,
        };
        if self.alarms.watches(seen.kind) {
            let address = address.or(seen.address);
            self.feed_as(now, (seen.kind, seen.weight.max(1), address), seen, out);
        }
        let Some(address) = address else { return };
        let subject = self.subject_of(address);
        let failures = self.forgive(subject, address, seen);
        let is_new = self.is_news(address, seen);
        let by_key = seen.method == Some(b"publickey");
        let success = self.successes.entry(address);
        success.last = success.last.max(seen.time);
        if by_key {
            success.by_key = success.by_key.max(Some(seen.time));
        }
        if is_new || failures > 0 {
            let login = self.login_from((subject, address), failures, seen);
            let entered = from.is_known().then(|| Entered {
                time: seen.time,
                service: login.service.clone(),
                user: login.user.clone(),
                method: login.method.clone(),
                evidence: login.evidence.clone(),
            });
            let is_told = self.enter(now, seen.time, login, out);
            // What the hook told was judged then.
            if let Some(entered) = entered.filter(|_| is_told) {
                self.originate_login(now, address, from, entered, out);
            }
        } else {
            self.enter_quietly(now, address, seen);
        }
    }

    /// A session began or ended: no attempt, but the connection lives.
    pub(super) fn meet(&mut self, seen: &Sighting<'_>) {
        if let Some(key) = seen.connection
            && let Some(connection) = self.connections.get_mut(&key)
        {
            connection.meet(seen);
        }
    }

    /// A login was refused without a look at the password.
    pub(super) fn excuse(&mut self, seen: &Sighting<'_>) {
        if let Some(key) = seen.connection {
            self.connections.entry(key).excuse(seen);
        }
    }

    /// A connection ended.
    pub(super) fn close(&mut self, seen: &Sighting<'_>) {
        if let Some(key) = seen.connection {
            self.connections.remove(&key);
        }
    }

    /// The first policy that counts this kind of the sighting's service.
    #[inline]
    fn policy_of(&self, kind: Kind, seen: &Sighting<'_>) -> Option<usize> {
        match self.counted.get(usize::from(seen.service.0)) {
            Some(of_service) => of_service[kind as usize].map(usize::from),
            None => self.policy_for(kind, self.setup.catalog.service(seen.service)),
        }
    }

    /// For each service, which policy counts each kind.
    pub(super) fn find_counted(&mut self) {
        let services = 0..self.setup.catalog.services.len();
        let policy = |service: usize, kind: Kind| {
            let service = self.setup.catalog.service(ServiceId(service as u16));
            self.policy_for(kind, service).and_then(|at| u8::try_from(at).ok())
        };
        let of = |service| std::array::from_fn(|kind| policy(service, Kind::ALL[kind]));
        self.counted = services.map(of).collect();
    }

    /// The first policy that counts this kind of this service.
    pub(super) fn policy_for(&self, kind: Kind, service: &str) -> Option<usize> {
        self.setup.policies.iter().position(|policy| {
            policy.kinds.contains(kind)
                && match &policy.reach {
                    Reach::EveryService => true,
                    Reach::Services(names) => names.iter().any(|name| name == service),
                }
        })
    }

    /// Who is counted for an address. Where its /64 holds somebody who must not be blocked, such as
    /// this machine itself, each other address of it is counted alone.
    #[inline]
    pub(super) fn subject_of(&self, address: Address) -> Subject {
        match address.is_ipv4() {
            true => Subject::of(address),
            false => self.subject_of_six(address),
        }
    }

    fn subject_of_six(&self, address: Address) -> Subject {
        let (whole, alone) = (Subject::of(address), Subject::alone(address));
        let is_shared =
            self.protected.shields(whole).is_some() && self.protected.shields(alone).is_none();
        if is_shared { alone } else { whole }
    }

    /// How many times the failures of a policy it takes: twice for whom we know.
    fn patience(&self, subject: Subject, success: Option<&Success>, now: Stamp) -> u32 {
        let known = success.is_some_and(|success| success.by_key_today(now));
        if known || self.protected.is_guest(subject) { 2 } else { 1 }
    }

    /// The service's own line for an attempt that is counted already.
    fn retell(&mut self, key: TallyKey, seen: &Sighting<'_>) {
        if seen.witness.0 != 0 {
            return;
        }
        if let Some(tally) = self.tallies.get_mut(&key) {
            let gained = tally.retell(line_told(&self.rules, seen, 1));
            self.evidence_bytes = self.evidence_bytes.saturating_add_signed(gained);
        }
    }

    /// Evidence is bounded in all: the subject that was quiet for longest makes room.
    fn bound_evidence(&mut self) {
        while self.evidence_bytes > EVIDENCE_BYTES_MAX {
            match self.tallies.evict() {
                Some(tally) => {
                    self.evidence_bytes =
                        self.evidence_bytes.saturating_sub(tally.evidence_bytes());
                }
                None => self.evidence_bytes = 0,
            }
        }
    }

    /// Takes back what the connection tried for this account before it got in. Returns the
    /// failures that remain and are younger than the last login from there.
    fn forgive(&mut self, subject: Subject, address: Address, seen: &Sighting<'_>) -> u32 {
        let known_since = self.successes.get(&address).map_or(Stamp(i64::MIN), |s| s.last);
        let mut remaining: u64 = 0;
        for at in 0..self.setup.policies.len() {
            let key = (at as u8, subject);
            if self.tallies.get(&key).is_none() {
                continue;
            }
            self.take_back(key, try_key(seen.connection, seen.user));
            let Some(tally) = self.tallies.get(&key) else { continue };
            let counts = self.setup.policies[at].kinds.contains(Kind::LoginFailed);
            if counts && tally.last > known_since {
                remaining += tally.total;
            }
        }
        remaining.try_into().unwrap_or(u32::MAX)
    }

    /// Takes the failures of one try back; a tally of nothing goes.
    fn take_back(&mut self, key: TallyKey, tried: u64) {
        if tried == 0 {
            return;
        }
        let Some(tally) = self.tallies.get_mut(&key) else { return };
        let before = tally.evidence_bytes();
        tally.forgive(tried);
        let (mut freed, empty) = (before - tally.evidence_bytes(), tally.total == 0);
        if empty {
            freed = before;
            self.tallies.remove(&key);
        }
        self.evidence_bytes = self.evidence_bytes.saturating_sub(freed);
    }

    /// Whether a login is said at all: those that open a shell always; a mail program that looks
    /// for mail every minute once a day.
    fn is_news(&self, address: Address, seen: &Sighting<'_>) -> bool {
        let shell = self.setup.catalog.services.get(usize::from(seen.service.0));
        shell.is_some_and(|service| service.shell)
            || self
                .successes
                .get(&address)
                .is_none_or(|success| seen.time.since_s(success.last) >= 86_400)
    }

    /// Whether a subject that is blocked goes on, and has not done twice as much since that was
    /// told. Lines may come in spite of a block (of another machine, of a program that logs late):
    /// each few of them would be a finding with its lines, a decision, an order and an outcome.
    fn is_old_news(&self, key: TallyKey, full: Full) -> bool {
        let Some(tally) = self.tallies.get(&key).filter(|_| self.blocks.is_blocked(key.1)) else {
            return false;
        };
        let needed = u64::from(full.window.failures.max(1));
        let doublings = |total: u64| (total / needed).checked_ilog2();
        let before = tally.total.saturating_sub(u64::from(full.failures));
        doublings(tally.total) == doublings(before)
    }

    fn conclude(
        &mut self,
        now: Stamp,
        key: TallyKey,
        (address, fit): (Address, Option<Fit>),
        seen: &Sighting<'_>,
        full: Full,
        out: &mut Vec<Effect>,
    ) {
        let is_old_news = self.is_old_news(key, full);
        let Some(tally) = self.tallies.get_mut(&key) else { return };
        if is_old_news {
            tally.restart();
            return;
        }
        let (freed, first) = (tally.evidence_bytes(), tally.first);
        let evidence = tally.settle();
        self.evidence_bytes = self.evidence_bytes.saturating_sub(freed);
        let first = evidence.first().map_or(first, |line| line.time);
        let finding = Finding {
            kind: full.kind,
            subject: key.1,
            address,
            service: self.setup.catalog.service(seen.service).to_owned(),
            user: seen.user.map(<[u8]>::to_vec),
            method: seen.method.map(<[u8]>::to_vec),
            policy: self.policy_at(key.0).name.clone(),
            failures: full.failures,
            window_s: full.window.length_s,
            first,
            last: seen.time,
            evidence,
        };
        let about = self.record(seen.time.min(now), Event::Found(Box::new(finding)), out);
        self.judge(now, seen.time, key, about, fit, out);
    }

    /// The policy of a tally's key, which was made from the list of policies.
    pub(super) fn policy_at(&self, at: u8) -> &Policy {
        &self.setup.policies[usize::from(at)]
    }
}

/// A line of evidence, with the name of its rule.
pub(super) fn line_told<'a>(
    rules: &'a [Arc<str>],
    seen: &Sighting<'a>,
    weight: u32,
) -> LineTold<'a> {
    // The last name is there for a rule of no catalog.
    let rule = rules.get(usize::from(seen.rule.0)).unwrap_or(&rules[rules.len() - 1]);
    LineTold {
        time: seen.time,
        rule,
        weight,
        connection: try_key(seen.connection, seen.user),
        main: seen.witness.0 == 0,
        line: seen.line,
    }
}
