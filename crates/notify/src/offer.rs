//! What becomes of something that is to be told to a subscription: it is held back or queued.

use monban_model::{Endpoint, Severity, Stamp, Standing, Theme};

use crate::bunch::Bunch;
use crate::effect::{Effect, Reason, Service};
use crate::input::Purpose;
use crate::mute;
use crate::router::Router;
use crate::status::State;
use crate::subscriber::For;

/// A digest that finds no room in the queue tries again after so many seconds.
const DIGEST_AGAIN_S: u64 = 60;

/// Something that is to be told.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) bunch: Bunch,
    pub(crate) reason: Reason,
    pub(crate) thread: String,
    pub(crate) standing: Standing,
    pub(crate) theme: Theme,
    pub(crate) since: Stamp,
    /// How often it was passed on as nobody answered.
    pub(crate) depth: u8,
    /// It stands in for another subscription that fails.
    pub(crate) passed_on: bool,
    /// How urgent it is, whatever it tells of.
    pub(crate) least: Severity,
    pub(crate) service: Option<Service>,
}

impl Parcel {
    /// What monban itself says.
    pub(crate) fn service(service: Service, severity: Severity, now: Stamp) -> Self {
        let thread = match &service {
            Service::Failing { subscription, .. } => format!("monban:failing:{subscription}"),
            Service::Dark(topic) => format!("monban:dark:{topic}"),
            Service::Left(subscription) => format!("monban:left:{subscription}"),
            Service::Confirm => "monban:confirm".to_owned(),
            Service::Test => "monban:test".to_owned(),
            Service::Report(report) => format!("report:{}", report.kind.word()),
        };
        let theme = match &service {
            Service::Report(_) => Theme::Digest,
            _ => Theme::Service,
        };
        Self {
            bunch: Bunch::default(),
            reason: Reason::Service,
            thread,
            standing: Standing::Once,
            theme,
            since: now,
            depth: 0,
            passed_on: false,
            least: severity,
            service: Some(service),
        }
    }
}

impl Router {
    /// Offers something to the subscriptions of a topic that are in `to`. Gives back a bit for
    /// each that it is told to, now or later.
    pub(crate) fn offer_all(&mut self, topic: usize, to: u64, parcel: &Parcel) -> u64 {
        let mut taken = 0;
        for at in self.subs_of(topic) {
            if to >> at & 1 == 1 && self.offer(at, parcel) {
                taken |= 1 << at;
            }
        }
        taken
    }

    /// Offers something to one subscription. Whether it is told, now or later.
    pub(crate) fn offer(&mut self, at: usize, parcel: &Parcel) -> bool {
        // What another could not be told, or did not answer to, is told whatever it is.
        let is_meant = parcel.passed_on || parcel.reason == Reason::Escalated;
        let least = if is_meant { Severity::Info } else { self.subs[at].config.severity };
        let bunch = parcel.bunch.at_least(least);
        if bunch.is_empty() || !self.is_told(at, bunch.total()) {
            return false;
        }
        let parcel = Parcel { bunch, ..parcel.clone() };
        let (moment, severity) = (self.at, parcel.bunch.severity());
        let now = moment.now;
        let sub = self.sub(at);
        let is_critical = severity == Severity::Critical;
        let quiet = sub.quiet_until(moment).filter(|_| !is_critical || sub.config.mute_critical);
        if let Some(until) = quiet {
            sub.hold(For::Muted, &parcel.bunch, now, until);
            return true;
        }
        if let Some(digest_s) = sub.config.digest_s {
            sub.hold(For::Digest, &parcel.bunch, now, mute::digest_due(moment, digest_s));
            return true;
        }
        match sub.take_rate(now, is_critical) {
            Ok(()) => {
                self.enqueue(at, &parcel);
                if !parcel.passed_on {
                    self.await_answer(at, &parcel);
                }
            }
            Err(end) => sub.hold(For::Rate, &parcel.bunch, now, end),
        }
        true
    }

    /// Whether a subscription is told anything; what it is not told is counted.
    pub(crate) fn is_told(&mut self, at: usize, records: u64) -> bool {
        if self.subs[at].state == State::Active {
            return true;
        }
        self.subs[at].leave_untold(records);
        false
    }

    /// Does all that is due for a subscription, and finds when it is to be looked at again.
    pub(crate) fn tend(&mut self, at: usize) {
        let now = self.at.now;
        if std::mem::take(&mut self.subs[at].wants_code) && self.subs[at].state == State::Pending {
            let sub = self.sub(at);
            sub.code_sent = Some(now);
            if sub.since == Stamp::default() {
                sub.since = now;
            }
            self.enqueue(at, &Parcel::service(Service::Confirm, Severity::Notice, now));
        }
        self.ask_for_leave_code(at);
        if self.subs[at].state == State::Active {
            self.escalate(at);
            self.send_digests(at);
        }
        self.give_up_waiting(at);
        self.send(at);
        self.subs[at].wake = self.next_wake(at);
    }

    /// A mail says how it is left, so there is a code for that.
    fn ask_for_leave_code(&mut self, at: usize) {
        let sub = &mut self.subs[at];
        let has_code = sub.codes.iter().any(|code| code.purpose == Purpose::Leave);
        let is_mail = matches!(sub.config.endpoint, Endpoint::Mail { .. });
        if is_mail && sub.state != State::Left && !has_code && !sub.leave_asked {
            sub.leave_asked = true;
            let name = sub.config.name.clone();
            self.effects.push(Effect::LeaveCodeWanted(name));
        }
    }

    /// Sends what was held back and is due, all in one message.
    fn send_digests(&mut self, at: usize) {
        let (moment, now) = (self.at, self.at.now);
        let quiet = self.subs[at].quiet_until(moment);
        let mut ready: Option<(Bunch, Stamp)> = None;
        for why in For::ALL {
            let has_room = self.has_room(at);
            let sub = &mut self.subs[at];
            let Some(held) = sub.held[why as usize].as_mut().filter(|held| held.due <= now) else {
                continue;
            };
            sub.changed = true;
            let is_critical = held.bunch.severity() == Severity::Critical;
            if let Some(until) = quiet.filter(|_| !is_critical || sub.config.mute_critical) {
                held.due = until;
            } else if !has_room {
                held.due = now.plus_s(DIGEST_AGAIN_S);
            } else if let Some(held) = sub.held[why as usize].take() {
                let (bunch, since) = ready.get_or_insert((Bunch::default(), held.since));
                bunch.join(&held.bunch);
                *since = held.since.min(*since);
            }
        }
        let Some((bunch, since)) = ready else { return };
        // A digest is not held back, but counts.
        let _ = self.sub(at).take_rate(now, false);
        let parcel = Parcel {
            bunch,
            reason: Reason::Digest,
            thread: "digest".to_owned(),
            standing: Standing::Once,
            theme: Theme::Digest,
            since,
            depth: 0,
            passed_on: false,
            least: Severity::Info,
            service: None,
        };
        self.enqueue(at, &parcel);
    }

    fn next_wake(&self, at: usize) -> Stamp {
        let sub = &self.subs[at];
        let never = Stamp(i64::MAX);
        if sub.wants_code {
            return self.at.now;
        }
        let is_active = sub.state == State::Active;
        let held = sub.held.iter().flatten().map(|held| held.due).filter(|_| is_active).min();
        let awaiting = sub.awaiting.iter().map(|it| it.due).filter(|_| is_active).min();
        let queue = self.next_try(at);
        [held, awaiting, queue].into_iter().flatten().min().unwrap_or(never)
    }
}
