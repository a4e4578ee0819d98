//! Where somebody is: what the tables of `[[origin]]` make of failures and logins from there.

use monban_model::limits::{ORIGIN_ALARMS_APART_S, ORIGIN_LOGIN_WAIT_S, ORIGIN_LOGINS_MAX};
use monban_model::{
    Address, Because, Event, Evidence, Finding, FindingKind, HostFinding, Kind, OriginAct,
    OriginLogin, Sighting, Stamp, Subject,
};

use super::Engine;
use crate::judge::{Fit, Overlap};
use crate::observation::Effect;
use crate::watch::Full;

/// The service under which it is kept when something was told of a table.
const TOLD: &str = "[[origin]]";

/// A login that its origin blocks, until it is known whose it is.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    due: Stamp,
    fit: Fit,
    address: Address,
    login: Entered,
}

/// What is told of a login.
#[derive(Clone, Debug)]
pub(super) struct Entered {
    pub(super) time: Stamp,
    pub(super) service: String,
    pub(super) user: Option<Vec<u8>>,
    pub(super) method: Option<Vec<u8>>,
    pub(super) evidence: Vec<Evidence>,
}

impl Engine {
    /// Of whom it is asked where he is, before this sighting is taken in: its address, or that of
    /// its connection. Without a table of `[[origin]]` that is about it, of nobody.
    #[inline]
    pub fn asks_where(&self, seen: &Sighting<'_>) -> Option<Address> {
        if !self.origins.ask(seen) {
            return None;
        }
        let of_connection = || self.connections.get(&seen.connection?)?.address();
        seen.address.or_else(of_connection)
    }

    /// Whether any table of `[[origin]]` asks where somebody is.
    pub fn has_origins(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Which table is about a failure, and whether the first one blocks. Whom nothing may block
    /// anyway is counted by the policies, as are all where the policy only observes, and those in
    /// a network that is blocked already: each of their failures would be told.
    pub(super) fn originate(
        &self,
        kind: Kind,
        seen: &Sighting<'_>,
        (at, subject): (usize, Subject),
        from: monban_model::Origin,
    ) -> (Option<Fit>, bool) {
        // Mostly nobody asked.
        if !from.is_known() {
            return (None, false);
        }
        let service = self.setup.catalog.service(seen.service);
        let Some(fit) = self.origins.of_failure(service, kind, from) else { return (None, false) };
        let blocks = self.origins.rule(fit.0).then == OriginAct::Block
            && self.setup.policies[at].blocks
            && !self.blocks.is_full()
            && self.protected.shields(subject).is_none()
            && !matches!(self.blocks.overlap(subject), Overlap::Inside(_));
        (Some(fit), blocks)
    }

    /// Tells of failures from where a table wants to hear of them: the first, and after a while
    /// how many there were since.
    pub(super) fn tell_failure(
        &mut self,
        now: Stamp,
        fit: Option<Fit>,
        address: Address,
        seen: &Sighting<'_>,
        out: &mut Vec<Effect>,
    ) {
        let Some(fit) = fit.filter(|fit| self.origins.rule(fit.0).then == OriginAct::Alarm) else {
            return;
        };
        let what = self.origins.rule(fit.0).number.to_string();
        let Some(held) = self.hold(&what, seen.time) else { return };
        let told = Entered {
            time: seen.time,
            service: self.setup.catalog.service(seen.service).to_owned(),
            user: seen.user.map(<[u8]>::to_vec),
            method: None,
            evidence: vec![self.line_of(seen)],
        };
        self.tell_origin(now, ("origin-failure", held), (fit, address), told, out);
    }

    /// What tables make of a login.
    pub(super) fn originate_login(
        &mut self,
        now: Stamp,
        address: Address,
        from: monban_model::Origin,
        login: Entered,
        out: &mut Vec<Effect>,
    ) {
        let Some(fit) = self.origins.of_login(&login.service, from) else { return };
        let rule = self.origins.rule(fit.0);
        let (number, answer) = (rule.number, rule.logins);
        if answer == OriginLogin::Ignore {
            return;
        }
        let user = String::from_utf8_lossy(login.user.as_deref().unwrap_or_default());
        let held = self.hold(&format!("{number} {address} {user}"), login.time);
        if let Some(held) = held {
            let told = ("origin-login", held);
            self.tell_origin(now, told, (fit, address), login.clone(), out);
        }
        if answer == OriginLogin::Block && self.entered.len() < ORIGIN_LOGINS_MAX {
            let due = now.plus_s(ORIGIN_LOGIN_WAIT_S);
            self.entered.push_back(Waiting { due, fit, address, login });
        }
    }

    /// When the next login that waits is blocked.
    pub(super) fn next_entered(&self) -> Option<Stamp> {
        self.entered.front().map(|waiting| waiting.due)
    }

    /// Blocks logins from where nobody is wanted. By now it is known where administrators are.
    pub(super) fn block_entered(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        while self.next_entered().is_some_and(|due| due <= now) {
            let Some(Waiting { fit, address, login, .. }) = self.entered.pop_front() else {
                return;
            };
            let Some(at) = self.policy_for(Kind::LoginFailed, &login.service) else { continue };
            let subject = self.subject_of(address);
            // As failures are: the block of a login in an old line may be over already.
            let time = login.time.min(now);
            let finding = Finding {
                kind: FindingKind::Unwanted,
                subject,
                address,
                service: login.service,
                user: login.user,
                method: login.method,
                policy: self.setup.policies[at].name.clone(),
                failures: 0,
                window_s: 0,
                first: login.time,
                last: login.time,
                evidence: login.evidence,
            };
            let about = self.record(time, Event::Found(Box::new(finding)), out);
            self.judge(now, time, (at as u8, subject), about, Some(fit), out);
        }
    }

    /// There are other tables: each login that waits is that of the table that is about it now, if
    /// that one blocks. What was told stays told.
    pub(super) fn refit_entered(&mut self) {
        let origins = &self.origins;
        self.entered.retain_mut(|waiting| {
            let fit = origins.of_login(&waiting.login.service, waiting.fit.1);
            let fit = fit.filter(|fit| origins.rule(fit.0).logins == OriginLogin::Block);
            fit.map(|fit| waiting.fit = fit).is_some()
        });
    }

    /// The clock was set.
    pub(super) fn shift_entered(&mut self, ms: i64) {
        for waiting in &mut self.entered {
            waiting.due = waiting.due.plus_ms(ms);
        }
    }

    /// Why a decision about somebody from there is made, as a table says.
    pub(super) fn because_of(&self, (at, from): Fit) -> Because {
        Because::Origin(Box::new(self.origins.rule(at).reason(from)))
    }

    fn hold(&mut self, what: &str, time: Stamp) -> Option<u64> {
        self.places.hold(TOLD, what.as_bytes(), time, ORIGIN_ALARMS_APART_S)
    }

    fn tell_origin(
        &mut self,
        now: Stamp,
        (key, held): (&str, u64),
        (fit, address): (Fit, Address),
        told: Entered,
        out: &mut Vec<Effect>,
    ) {
        let rule = self.origins.rule(fit.0);
        let mut values = vec![
            ("address".to_owned(), address.to_string()),
            ("origin".to_owned(), fit.1.to_string()),
            ("rule".to_owned(), rule.reason(fit.1).rule()),
        ];
        if held > 0 {
            values.push(("more".to_owned(), held.to_string()));
        }
        let finding = HostFinding {
            key: key.to_owned(),
            severity: rule.severity,
            service: told.service,
            user: told.user,
            values,
            evidence: told.evidence,
        };
        self.record(now.min(told.time), Event::FoundHere(Box::new(finding)), out);
    }
}

impl Full {
    /// So many failures of somebody from where nobody is wanted, where one is enough; two for whom
    /// we know.
    pub(super) fn of_unwanted(window_s: u64, in_window: u32, factor: u32) -> Option<Self> {
        let window = monban_model::Window { failures: 1, length_s: window_s };
        let full = Self { kind: FindingKind::Unwanted, failures: in_window, window };
        (in_window >= factor).then_some(full)
    }
}
