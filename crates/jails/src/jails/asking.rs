//! What jails have to ask others: the addresses of names, and what `ignorecommand` says.

use std::collections::HashMap;

use monban_fail2ban::action::{Ticket, Time};
use monban_fail2ban::filter::Id;
use monban_model::limits::{DNS_NAME_MAX, JAIL_QUESTIONS_MAX, JAIL_WAITING_MAX};
use monban_model::{Address, JailAnswer, Net, Stamp};

use super::Jails;
use crate::jail::once_a_day;
use crate::tickets::{Failure, Key};
use crate::told::{Told, WhyFreed};

/// Names of `ignoreip` are resolved anew after so many seconds.
const NAMES_S: i64 = 300;

/// Names without an address are asked for again after so many seconds.
const RETRY_S: i64 = 15;

/// A question that was not answered for so many seconds never will be.
const PATIENCE_S: i64 = 120;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Which addresses has this name?
    Name(String),
    /// Does the `ignorecommand` of the jail spare somebody?
    Command,
}

/// A question to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its number, for the answer.
    pub id: u64,
    /// The number of the jail.
    pub jail: u32,
    /// What is asked.
    pub ask: Ask,
    /// Who it is about, as the commands of actions get it.
    pub ticket: Vec<u8>,
}

/// Who an answer is for: the same question is put once.
type Subject = (Key, Option<Id>, Ask);

struct Waiting {
    subject: Subject,
    failures: Vec<Failure>,
    since: i64,
}

/// Open questions.
#[derive(Default)]
pub(super) struct Asking {
    open: HashMap<u64, Waiting>,
    numbers: HashMap<Subject, u64>,
    put: Vec<Question>,
    next: u64,
    names_at: i64,
}

impl Asking {
    /// Questions are numbered from here on: otherwise than those of an earlier run, whose answers
    /// may still come.
    pub(super) fn begin(&mut self, number: u64) {
        self.next = number;
    }

    pub(super) fn take(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.put)
    }

    pub(super) fn shift(&mut self, seconds: i64) {
        self.names_at = self.names_at.saturating_add(seconds);
        for waiting in self.open.values_mut() {
            waiting.since = waiting.since.saturating_add(seconds);
        }
    }

    /// Names are to be resolved at the next occasion.
    pub(super) fn forget_names_time(&mut self) {
        self.names_at = 0;
    }

    fn end(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.open.remove(&id)?;
        self.numbers.remove(&waiting.subject);
        Some(waiting)
    }
}

impl Jails {
    /// Puts a question; the failure waits for its answer.
    pub(super) fn ask(
        &mut self,
        number: usize,
        ask: Ask,
        (key, id): (Key, Option<Id>),
        failure: Option<Failure>,
        now: i64,
    ) {
        let subject: Subject = (key, id, ask);
        let open = self.asking.numbers.get(&subject);
        let open = open.and_then(|open| self.asking.open.get_mut(open));
        if let Some(waiting) = open {
            if waiting.failures.len() < JAIL_WAITING_MAX {
                waiting.failures.extend(failure);
                return;
            }
            return self.unasked(number, subject, failure, now);
        }
        let too_long = matches!(&subject.2, Ask::Name(name) if name.len() > DNS_NAME_MAX);
        if self.asking.open.len() >= JAIL_QUESTIONS_MAX || too_long {
            return self.unasked(number, subject, failure, now);
        }
        let Ok(jail) = u32::try_from(number) else { return };
        let (_, id, ask) = subject.clone();
        let ticket = match (&id, &failure) {
            (Some(id), Some(failure)) => {
                let facts = &failure.facts;
                Ticket {
                    ip: facts.ip.clone(),
                    failures: 1,
                    matches: failure.lines.clone(),
                    captures: facts.captures.clone(),
                    ..Ticket::new(id.clone(), Time::Fraction(failure.time as f64))
                }
                .to_bytes()
            }
            _ => Vec::new(),
        };
        let asking = &mut self.asking;
        asking.next += 1;
        asking.numbers.insert(subject.clone(), asking.next);
        let failures = failure.into_iter().collect();
        asking.open.insert(asking.next, Waiting { subject, failures, since: now });
        asking.put.push(Question { id: asking.next, jail, ask, ticket });
    }

    /// There is no room for a question: nobody is spared by a command that cannot be asked, and a
    /// name has no address.
    fn unasked(&mut self, number: usize, subject: Subject, failure: Option<Failure>, now: i64) {
        self.tell_unasked(number, now);
        if let ((_, Some(id), Ask::Command), Some(failure)) = (subject, failure) {
            self.add(number, id, failure, now);
        }
    }

    fn tell_unasked(&mut self, number: usize, now: i64) {
        let Some(jail) = self.jail_mut(number) else { return };
        if once_a_day(&mut jail.told_unasked, now) {
            self.tell(number, None, Told::Unasked);
        }
    }

    /// A question was answered.
    pub fn answer(&mut self, id: u64, answer: JailAnswer, now: Stamp) {
        let now = self.at(now);
        let Some(Waiting { subject: (key, id, ask), failures, .. }) = self.asking.end(id) else {
            return;
        };
        let number =
            self.jails.iter().position(|jail| jail.as_ref().is_some_and(|jail| jail.key == key));
        let Some(number) = number else { return };
        match (ask, answer, id) {
            (Ask::Command, JailAnswer::Ignored(yes), Some(id)) => {
                for failure in failures {
                    self.command_said(number, id.clone(), yes, failure, now);
                }
            }
            (Ask::Name(name), JailAnswer::Addresses(addresses), _) => {
                self.resolved(number, &name, &addresses);
                for failure in failures {
                    self.name_resolved(number, &name, &addresses, &failure, now);
                }
            }
            _ => {}
        }
    }

    /// A name of `ignoreip` may have this address: whoever was banned by then is free.
    fn resolved(&mut self, number: usize, name: &str, addresses: &[Address]) {
        let Some(jail) = self.jail_mut(number) else { return };
        let is_listed = jail.ignore.names().any(|known| known == name);
        jail.ignore.resolved(name, addresses);
        if is_listed && addresses.is_empty() {
            // A name server that is slow at the start is no reason to wait for minutes.
            self.asking.names_at = self.asking.names_at.min(self.now_s.saturating_add(RETRY_S));
        }
        for address in addresses.iter().filter(|_| is_listed) {
            self.free(number, &Id::Net(Net::host(*address)), WhyFreed::Operator);
        }
        self.end_hold(number);
    }

    /// Names that are spared are resolved, and again after a while.
    pub(super) fn ask_names(&mut self, now: i64) {
        if now < self.asking.names_at && now >= self.asking.names_at - NAMES_S {
            return;
        }
        self.asking.names_at = now + NAMES_S;
        for number in 0..self.jails.len() {
            let Some(jail) = self.jail(number) else { continue };
            let names: Vec<String> = jail.ignore.names().map(str::to_owned).collect();
            let key = jail.key;
            for name in names {
                self.ask(number, Ask::Name(name), (key, None), None, now);
            }
        }
    }

    /// Whoever was asked and is gone answers no more: what waited is counted as not spared, and
    /// names have no address.
    pub(super) fn give_up_questions(&mut self, now: i64) {
        let old = self.asking.open.iter().filter(|(_, waiting)| now - waiting.since > PATIENCE_S);
        let old: Vec<(u64, Ask)> = old.map(|(id, one)| (*id, one.subject.2.clone())).collect();
        for (id, ask) in old {
            let answer = match ask {
                Ask::Command => JailAnswer::Ignored(false),
                Ask::Name(_) => JailAnswer::Addresses(Vec::new()),
            };
            self.answer(id, answer, Stamp(now.saturating_mul(1000)));
        }
    }
}
