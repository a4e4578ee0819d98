//! A mail subscription begins when its reader confirms it by a code, and ends when the reader says
//! so by another. The router knows only hashes of codes.

use monban_model::limits::CODE_GUESSES_MAX;
use monban_model::{CodeHash, Severity, Stamp};

use crate::effect::{Answer, Refused, Service};
use crate::input::Purpose;
use crate::offer::Parcel;
use crate::router::Router;
use crate::status::State;
use crate::subscriber::Code;

/// Wrong codes are counted for so many seconds.
const GUESSES_WINDOW_S: u64 = 3600;

/// A further code is sent after so many seconds at the earliest.
const RESEND_S: u64 = 60;

impl Router {
    /// A code was made.
    pub(crate) fn take_code(&mut self, name: &str, purpose: Purpose, hash: CodeHash) {
        let now = self.at.now;
        let Some(at) = self.find_sub(name) else { return };
        let is_wanted = purpose == Purpose::Leave || self.subs[at].state == State::Pending;
        if is_wanted {
            self.subs[at].keep_code(hash, purpose, now);
        }
    }

    pub(crate) fn confirm(&mut self, hash: CodeHash) -> Result<Answer, Refused> {
        let at = self.holder(hash, Purpose::Confirm)?;
        let now = self.at.now;
        let sub = self.sub(at);
        (sub.state, sub.since) = (State::Active, now);
        sub.codes.retain(|code| code.purpose == Purpose::Leave);
        sub.wake = now;
        let name = sub.config.name.clone();
        self.say("notify-confirmed", &[("subscription", &name)]);
        self.look_for_darkness();
        Ok(Answer::Confirmed(name))
    }

    /// Ends a subscription, or says what would end: whoever follows links by himself, as scanners
    /// of mail do, ends nothing.
    pub(crate) fn leave(&mut self, hash: CodeHash, yes: bool) -> Result<Answer, Refused> {
        let at = self.holder(hash, Purpose::Leave)?;
        let (now, name) = (self.at.now, self.subs[at].config.name.clone());
        if !yes {
            return Ok(Answer::WouldLeave(name));
        }
        let queued: Vec<_> = self.queue_of(at).map(|(key, it)| (*key, it.records())).collect();
        for (key, records) in queued {
            self.forget(key);
            self.subs[at].leave_untold(records);
        }
        let sub = self.sub(at);
        sub.close(State::Left, now);
        sub.wake = now;
        self.say("notify-left", &[("subscription", &name)]);
        let others = (0..self.subs.len()).filter(|other| self.subs[*other].works());
        for other in others.collect::<Vec<usize>>() {
            let service = Service::Left(name.clone());
            self.enqueue(other, &Parcel::service(service, Severity::Warning, now));
        }
        self.look_for_darkness();
        Ok(Answer::Left(name))
    }

    pub(crate) fn resend(&mut self, name: &str) -> Result<Answer, Refused> {
        let at = self.find_sub(name).ok_or(Refused::Unknown)?;
        let now = self.at.now;
        let sub = self.sub(at);
        if sub.state == State::Active || !sub.config.confirm {
            return Err(Refused::NotPending);
        }
        if sub.code_sent.is_some_and(|sent| now < sent.plus_s(RESEND_S)) {
            return Err(Refused::JustSent);
        }
        if sub.state == State::Left {
            (sub.state, sub.since, sub.leave_asked) = (State::Pending, now, false);
        }
        (sub.wants_code, sub.wake) = (true, now);
        Ok(Answer::Resent(name.to_owned()))
    }

    /// The subscription that a code belongs to. Wrong ones are limited.
    fn holder(&mut self, hash: CodeHash, purpose: Purpose) -> Result<usize, Refused> {
        let now = self.at.now;
        if now >= self.own.guesses_since.plus_s(GUESSES_WINDOW_S) {
            (self.own.guesses, self.own.guesses_since) = (0, now);
        }
        if self.own.guesses >= CODE_GUESSES_MAX {
            let until = self.own.guesses_since.plus_s(GUESSES_WINDOW_S);
            return Err(Refused::TooManyGuesses(until));
        }
        let fits = |code: &Code| {
            code.purpose == purpose && is_young(code, now) && is_same(code.hash, hash)
        };
        let found = self.subs.iter().position(|sub| sub.codes.iter().any(fits));
        found.ok_or_else(|| {
            self.own.guesses += 1;
            Refused::WrongCode(CODE_GUESSES_MAX - self.own.guesses)
        })
    }
}

fn is_young(code: &Code, now: Stamp) -> bool {
    code.until.is_none_or(|until| now < until)
}

/// Takes as long for each hash: how much of a guess was right is not to be measured.
fn is_same(one: CodeHash, other: CodeHash) -> bool {
    one.0.iter().zip(other.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
