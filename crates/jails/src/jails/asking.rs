//! What jails have to ask others: the addresses of names, and what `ignorecommand` says.

use std::collections::{HashMap, HashSet, VecDeque};

use monban_fail2ban::action::{Ticket, Time};
use monban_fail2ban::filter::Id;
use monban_model::limits::{
    DNS_NAME_MAX, JAIL_COMMANDS_ASKED_MAX, JAIL_COMMANDS_MAX, JAIL_QUESTIONS_MAX,
    JAIL_WAITING_BYTES_MAX, JAIL_WAITING_MAX,
};
use monban_model::{Address, JailAnswer, Net, Stamp};

use super::Jails;
use crate::cache::Likeness;
use crate::jail::{Jail, Unsaid};
use crate::tickets::{Failure, Key, id_bytes};
use crate::told::{Told, WhyFreed};

/// Names of `ignoreip` are resolved anew after so many seconds.
const NAMES_S: i64 = 300;

/// Names without an address are asked for again after so many seconds.
const RETRY_S: i64 = 15;

/// A question that was put and not answered for so many seconds never will be: twice what a
/// command may take.
const PATIENCE_S: i64 = 120;

/// What was not asked or answered is told so many seconds apart.
const UNSAID_S: i64 = 600;

/// One jail has this part of the room for all that waits.
const JAIL_SHARES: usize = 4;

/// What a question and a failure that waits take beside their texts, in bytes.
const EACH: usize = 256;

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

/// What an answer is about: the same question is put once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum About {
    Name(String),
    Command(Likeness),
}

impl About {
    /// What a question takes, which is kept twice, in bytes.
    fn bytes(&self) -> usize {
        let text = match self {
            Self::Name(name) => name.len(),
            Self::Command(like) => like.bytes(),
        };
        2 * text + EACH
    }
}

struct Waiting {
    subject: (Key, About),
    /// Failures that are counted or not by the answer. Whose they are is the answer where a name
    /// is asked for.
    failures: Vec<(Option<Id>, Failure)>,
    /// What all of it takes.
    bytes: usize,
    /// When it was put; a command has to wait for its turn.
    put: Option<i64>,
}

/// Open questions.
#[derive(Default)]
pub(super) struct Asking {
    open: HashMap<u64, Waiting>,
    numbers: HashMap<(Key, About), u64>,
    /// How many of them are about names.
    names: usize,
    /// How many commands of each jail are open, those that wait for their turn, and the jails of
    /// which one has been put.
    commands: HashMap<Key, usize>,
    turn: VecDeque<(Key, u64)>,
    busy: HashSet<Key>,
    put: Vec<Question>,
    /// What all that waits takes, in bytes, and that of each jail.
    bytes: usize,
    bytes_of: HashMap<Key, usize>,
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
        for put in self.open.values_mut().filter_map(|waiting| waiting.put.as_mut()) {
            *put = put.saturating_add(seconds);
        }
    }

    /// Names are to be resolved at the next occasion.
    pub(super) fn forget_names_time(&mut self) {
        self.names_at = 0;
    }

    /// A failure, if there is one, waits for an answer. Gives the number of the question if it is
    /// a new one.
    fn open(
        &mut self,
        subject: (Key, About),
        failure: Option<(Option<Id>, Failure)>,
    ) -> Result<Option<u64>, NoRoom> {
        let known = self.numbers.get(&subject).copied();
        let question = if known.is_some() { 0 } else { subject.1.bytes() };
        let bytes = question + failure.as_ref().map_or(0, waiting_bytes);
        let of_jail = self.bytes_of.get(&subject.0).copied().unwrap_or(0);
        let has_room = self.bytes + bytes <= JAIL_WAITING_BYTES_MAX
            && of_jail + bytes <= JAIL_WAITING_BYTES_MAX / JAIL_SHARES;
        // Names of `ignoreip` are as many as somebody wrote, and no flood keeps them out.
        if failure.is_some() && !has_room {
            return Err(NoRoom);
        }
        let key = subject.0;
        let opened = match known.and_then(|id| self.open.get_mut(&id)) {
            Some(waiting) if waiting.failures.len() >= JAIL_WAITING_MAX => return Err(NoRoom),
            Some(waiting) => {
                waiting.failures.extend(failure);
                waiting.bytes += bytes;
                None
            }
            None => Some(self.begin_question(subject, failure, bytes)?),
        };
        self.bytes += bytes;
        *self.bytes_of.entry(key).or_default() += bytes;
        Ok(opened)
    }

    fn begin_question(
        &mut self,
        subject: (Key, About),
        failure: Option<(Option<Id>, Failure)>,
        bytes: usize,
    ) -> Result<u64, NoRoom> {
        match &subject.1 {
            About::Name(_) if failure.is_none() || self.names < JAIL_QUESTIONS_MAX => {
                self.names += 1;
            }
            About::Command(_)
                if self.open.len() - self.names < JAIL_QUESTIONS_MAX
                    && self.commands.get(&subject.0).is_none_or(|n| *n < JAIL_COMMANDS_MAX) =>
            {
                *self.commands.entry(subject.0).or_default() += 1;
            }
            _ => return Err(NoRoom),
        }
        self.next += 1;
        self.numbers.insert(subject.clone(), self.next);
        let failures = failure.into_iter().collect();
        self.open.insert(self.next, Waiting { subject, failures, bytes, put: None });
        Ok(self.next)
    }

    /// A question to a command is to be put once more; whose it is.
    fn put_back(&mut self, id: u64) -> Option<Key> {
        let waiting = self.open.get_mut(&id)?;
        let (key, About::Command(_)) = &waiting.subject else { return None };
        waiting.put.take()?;
        self.busy.remove(key);
        self.turn.push_front((*key, id));
        Some(*key)
    }

    fn end(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.open.remove(&id)?;
        self.numbers.remove(&waiting.subject);
        let (key, about) = &waiting.subject;
        self.bytes -= waiting.bytes;
        if let Some(of_jail) = self.bytes_of.get_mut(key) {
            *of_jail -= waiting.bytes;
        }
        match about {
            About::Name(_) => self.names -= 1,
            About::Command(_) => {
                if waiting.put.is_some() {
                    self.busy.remove(key);
                }
                if let Some(count) = self.commands.get_mut(key) {
                    *count -= 1;
                }
            }
        }
        Some(waiting)
    }
}

/// Too many questions are open, or too many failures wait for this one.
struct NoRoom;

impl Jails {
    /// Asks for the addresses of a name; the failure waits for the answer.
    pub(super) fn ask_name(
        &mut self,
        number: usize,
        name: String,
        failure: Option<Failure>,
        now: i64,
    ) {
        let Some(key) = self.jail(number).map(|jail| jail.key) else { return };
        let (is_of_failure, is_too_long) = (failure.is_some(), name.len() > DNS_NAME_MAX);
        let subject = (key, About::Name(name.clone()));
        let opened = match is_too_long {
            true => Err(NoRoom),
            false => self.asking.open(subject, failure.map(|failure| (None, failure))),
        };
        match (opened, u32::try_from(number)) {
            (Ok(Some(id)), Ok(jail)) => {
                if let Some(waiting) = self.asking.open.get_mut(&id) {
                    waiting.put = Some(now);
                }
                let ask = Ask::Name(name);
                self.asking.put.push(Question { id, jail, ask, ticket: Vec::new() });
            }
            (Err(NoRoom), _) if is_of_failure => self.note_unasked(number),
            _ => {}
        }
    }

    /// Asks `ignorecommand` about a failure, which waits for the answer.
    ///
    /// Where there is no room it is not counted: fail2ban asks before it counts, too, and leaves
    /// out what became too old meanwhile. Strangers who make more noise than the command can judge
    /// do not get anybody banned whom it would have spared; bans come as fast as it answers.
    pub(super) fn ask_command(&mut self, number: usize, id: Id, failure: Failure, now: i64) {
        let Some(jail) = self.jail(number) else { return };
        let key = jail.key;
        let subject = (key, About::Command(jail.likeness(&id, &failure)));
        match self.asking.open(subject, Some((Some(id), failure))) {
            Ok(Some(id)) => {
                self.asking.turn.push_back((key, id));
                self.put_commands(now);
            }
            Ok(None) => {}
            Err(NoRoom) => self.note_unasked(number),
        }
    }

    /// Puts as many questions to commands as are run at once, one of each jail: the time that one
    /// has for its answer begins when it is run.
    pub(super) fn put_commands(&mut self, now: i64) {
        while self.asking.busy.len() < JAIL_COMMANDS_ASKED_MAX {
            let (turn, busy) = (&self.asking.turn, &self.asking.busy);
            let waits = |key: &Key| {
                let number = self.number_of(*key).and_then(|number| self.jail(number));
                busy.contains(key) || number.is_some_and(|jail| self.guards && !jail.started)
            };
            let Some(at) = turn.iter().position(|(key, _)| !waits(key)) else { return };
            let Some((key, id)) = self.asking.turn.remove(at) else { return };
            let number = self.number_of(key);
            let has_command = |jail: &Jail| !jail.settings.ignorecommand.is_empty();
            let asked = number.filter(|at| self.jail(*at).is_some_and(has_command));
            let asked = asked.and_then(|number| u32::try_from(number).ok());
            let waiting = self.asking.open.get_mut(&id);
            let ticket = waiting.as_ref().and_then(|waiting| ticket_of(waiting.failures.first()?));
            if let (Some(jail), Some(waiting), Some(ticket)) = (asked, waiting, ticket) {
                waiting.put = Some(now);
                self.asking.busy.insert(key);
                self.asking.put.push(Question { id, jail, ask: Ask::Command, ticket });
                continue;
            }
            // A reload has taken the command away, or the jail.
            let ended = self.asking.end(id).into_iter().flat_map(|waiting| waiting.failures);
            for (id, failure) in ended {
                if let (Some(number), Some(id)) = (number, id) {
                    self.failure(number, id, failure, now);
                }
            }
        }
    }

    fn note_unasked(&mut self, number: usize) {
        if let Some(jail) = self.jail_mut(number) {
            jail.unsaid.unasked += 1;
        }
    }

    /// Tells of what was not asked or answered, and the like, with its number.
    pub(super) fn tell_unsaid(&mut self, now: i64) {
        for number in 0..self.jails.len() {
            let Some(jail) = self.jail_mut(number) else { continue };
            let unsaid = &mut jail.unsaid;
            let is_early = now < unsaid.again && now >= unsaid.again.saturating_sub(UNSAID_S);
            let Unsaid { unasked, unanswered, surplus, cut, .. } = *unsaid;
            if is_early || unasked + unanswered + surplus + cut == 0 {
                continue;
            }
            *unsaid = Unsaid { again: now.saturating_add(UNSAID_S), ..Unsaid::default() };
            let told = [
                (surplus, Told::Surplus { count: surplus }),
                (cut, Told::Cut { count: cut }),
                (unasked, Told::Unasked { count: unasked }),
                (unanswered, Told::Unanswered { count: unanswered }),
            ];
            for (_, told) in told.into_iter().filter(|(count, _)| *count > 0) {
                self.tell(number, None, told);
            }
        }
    }

    /// A question was answered.
    pub fn answer(&mut self, id: u64, answer: JailAnswer, now: Stamp) {
        let now = self.at(now);
        if answer == JailAnswer::Lost {
            return self.ask_again(id);
        }
        let Some(Waiting { subject: (key, about), failures, .. }) = self.asking.end(id) else {
            return;
        };
        if let Some(number) = self.number_of(key) {
            match (about, answer) {
                (About::Command(like), JailAnswer::Ignored(yes)) => {
                    for (id, failure) in failures {
                        let Some(id) = id else { continue };
                        self.command_said(number, id, (yes, &like), failure, now);
                    }
                }
                (About::Name(name), JailAnswer::Addresses(addresses)) => {
                    self.resolved(number, &name, &addresses);
                    for (_, failure) in failures {
                        self.name_resolved(number, &name, &addresses, &failure, now);
                    }
                }
                _ => {}
            }
        }
        self.put_commands(now);
    }

    /// Nobody was there for a question: it is the next of its jail once somebody is.
    fn ask_again(&mut self, id: u64) {
        let Some(key) = self.asking.put_back(id) else { return };
        let jail = self.number_of(key).and_then(|number| self.jail_mut(number));
        if let Some(jail) = jail {
            jail.started = false;
        }
    }

    /// A name of `ignoreip` may have this address: whoever was banned by then is free, unless
    /// somebody banned him by hand.
    fn resolved(&mut self, number: usize, name: &str, addresses: &[Address]) {
        let Some(jail) = self.jail_mut(number) else { return };
        let is_listed = jail.ignore.names().any(|known| known == name);
        jail.ignore.resolved(name, addresses);
        if is_listed && addresses.is_empty() {
            // A name server that is slow at the start is no reason to wait for minutes.
            self.asking.names_at = self.asking.names_at.min(self.now_s.saturating_add(RETRY_S));
        }
        for address in addresses.iter().filter(|_| is_listed) {
            let id = Id::Net(Net::host(*address));
            let ban = self.jail(number).and_then(|jail| jail.bans.get(&id));
            if ban.is_some_and(|ban| !ban.is_by_hand()) {
                self.free(number, &id, WhyFreed::Named(name.to_owned()));
            }
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
            for name in names {
                self.ask_name(number, name, None, now);
            }
        }
    }

    /// Whoever was asked and is gone answers no more: what waited is counted as not spared, as
    /// with a command that fails, and names have no address.
    pub(super) fn give_up_questions(&mut self, now: i64) {
        let is_old = |put: i64| now.saturating_sub(put) > PATIENCE_S;
        let old = self.asking.open.iter().filter(|(_, waiting)| waiting.put.is_some_and(is_old));
        let old: Vec<u64> = old.map(|(id, _)| *id).collect();
        for id in old {
            let Some(waiting) = self.asking.open.get(&id) else { continue };
            let ((key, about), count) = (&waiting.subject, waiting.failures.len());
            let (key, answer) = match about {
                About::Command(_) => (Some(*key), JailAnswer::Ignored(false)),
                About::Name(_) => (None, JailAnswer::Addresses(Vec::new())),
            };
            let number = key.and_then(|key| self.number_of(key));
            if let Some(jail) = number.and_then(|number| self.jail_mut(number)) {
                jail.unsaid.unanswered += count as u64;
            }
            self.answer(id, answer, Stamp(now.saturating_mul(1000)));
        }
    }
}

/// What a failure that waits takes, in bytes.
fn waiting_bytes((id, failure): &(Option<Id>, Failure)) -> usize {
    id.as_ref().map_or(0, id_bytes) + failure.bytes() + EACH
}

/// Who a command is asked about.
fn ticket_of((id, failure): &(Option<Id>, Failure)) -> Option<Vec<u8>> {
    let facts = &failure.facts;
    let ticket = Ticket {
        ip: facts.ip.clone(),
        failures: 1,
        matches: failure.lines.clone(),
        captures: facts.captures.clone(),
        ..Ticket::new(id.clone()?, Time::Fraction(failure.time as f64))
    };
    Some(ticket.to_bytes())
}
