//! The courier, which resolves names for jails and delivers messages (see `lanes.rs`), as far as
//! the warden has to do with it: it is started by the first question and let go when it has had
//! none for a while.
//!
//! It hears answers of name servers that strangers chose, so its word is bounded, and questions
//! of a watcher are numbered anew: an answer to one that is gone reaches nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::{Duration, Instant};

use monban_model::limits::{DNS_NAME_MAX, NAME_PATIENCE_S, NAMES_ASKED_MAX, WHO_ASKED_MAX};
use monban_model::wire::{FromCourier, ToCourier, ToWatcher};
use monban_model::{Address, JailAnswer};
use rustix::event::PollFlags;

use super::{FRAMES_A_TURN, Keeper};
use crate::{Channel, Received};

/// A courier that owes an answer for so long hangs.
const PATIENCE: Duration = Duration::from_secs(NAME_PATIENCE_S + 3);

/// One that ended by itself is started again after this at the earliest.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Names that found no answer are told of at most once in this time.
const TELL_PAUSE: Duration = Duration::from_secs(3600);

/// The courier, as far as it runs, and what it was asked.
#[derive(Debug, Default)]
pub(super) struct Courier {
    running: Option<(Child, Channel)>,
    started: Option<Instant>,
    /// That it cannot be started was told.
    told: bool,
    /// It may reach any port.
    delivers: bool,
    /// The configuration whose endpoints it was given.
    equipped: Option<u32>,
    /// Questions that are open, by our numbers: the watcher's number, and since when.
    open: BTreeMap<u64, (u64, Instant)>,
    /// Addresses that the watcher asked about.
    asked_who: BTreeSet<Address>,
    next: u64,
    failed: Failed,
}

/// Names that found no answer since that was told last.
#[derive(Debug, Default)]
struct Failed {
    told: Option<Instant>,
    /// No name server answered in time, or the courier ended.
    late: u64,
    /// Too many names waited.
    busy: u64,
}

impl Courier {
    /// Its channel, and what it is to be watched for.
    pub(super) fn channel(&self) -> Option<(&Channel, PollFlags)> {
        let (_, channel) = self.running.as_ref()?;
        let out = if channel.is_behind() { PollFlags::OUT } else { PollFlags::empty() };
        Some((channel, PollFlags::IN | out))
    }

    /// Whoever asked is gone, and nobody waits for the answers.
    pub(super) fn forget_questions(&mut self) {
        self.open.clear();
    }

    /// Where it hears, as long as it runs.
    pub(super) fn running_channel(&mut self) -> Option<&mut Channel> {
        self.running.as_mut().map(|(_, channel)| channel)
    }

    /// The configuration whose endpoints it was given.
    pub(super) fn equipped(&self) -> Option<u32> {
        self.equipped
    }

    /// It was given the endpoints of a configuration.
    pub(super) fn set_equipped(&mut self, reload: u32) {
        self.equipped = Some(reload);
    }

    /// Ends it.
    pub(super) fn end(&mut self) {
        self.equipped = None;
        self.asked_who.clear();
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Passes a question on; false if there is no courier.
    fn ask(&mut self, id: u64, name: String) -> bool {
        let Some((_, channel)) = &mut self.running else { return false };
        let number = self.next;
        self.next += 1;
        let is_sent = channel.post(&ToCourier::Resolve { id: number, name }, None).is_ok();
        if is_sent {
            self.open.insert(number, (id, Instant::now()));
        }
        is_sent
    }
}

impl Keeper<'_> {
    /// A jail wants the addresses of a name that a stranger may have typed.
    pub(super) fn ask_name(&mut self, id: u64, name: String) {
        if !is_name(&name) {
            return self.answer_name(id, Vec::new());
        }
        if self.courier.open.len() >= NAMES_ASKED_MAX {
            self.courier.failed.busy += 1;
            return self.answer_name(id, Vec::new());
        }
        let asked = self.start_courier(false) && self.courier.ask(id, name);
        if !asked {
            self.courier.failed.late += 1;
            self.answer_name(id, Vec::new());
        }
    }

    /// Somebody wants to know who an address is. Nobody is told if nobody can be asked.
    pub(super) fn ask_who(&mut self, address: Address) {
        if self.courier.asked_who.len() < WHO_ASKED_MAX
            && self.start_courier_that_delivers()
            && let Some(channel) = self.courier.running_channel()
        {
            let _ = channel.post(&ToCourier::Who { address }, None);
            self.courier.asked_who.insert(address);
        }
    }

    fn answer_name(&mut self, id: u64, addresses: Vec<Address>) {
        self.post(&ToWatcher::JailAnswer { id, answer: JailAnswer::Addresses(addresses) }, None);
    }

    /// Whether one runs now that may deliver. One that only resolves names makes room for it.
    pub(super) fn start_courier_that_delivers(&mut self) -> bool {
        if self.courier.running.is_some() && !self.courier.delivers {
            let open = std::mem::take(&mut self.courier.open);
            self.courier.end();
            self.courier.started = None;
            open.into_values().for_each(|(id, _)| self.answer_name(id, Vec::new()));
        }
        self.start_courier(true)
    }

    /// Whether one runs now.
    fn start_courier(&mut self, delivers: bool) -> bool {
        if self.courier.running.is_some() {
            return true;
        }
        if self.courier.started.is_some_and(|at| at.elapsed() < RESTART_PAUSE) {
            return false;
        }
        self.courier.started = Some(Instant::now());
        let started = Channel::pair().and_then(|(here, there)| {
            Ok((self.host.start_courier(there, delivers)?, Channel::over(here)))
        });
        match started {
            Ok(running) => {
                (self.courier.running, self.courier.delivers) = (Some(running), delivers);
                self.courier.told = false;
            }
            // Each message asks for it again.
            Err(_) if self.courier.told => {}
            Err(error) => {
                self.courier.told = true;
                self.note("courier-failed", vec![("error", error.to_string())]);
            }
        }
        self.courier.running.is_some()
    }

    /// Hears what it found out, a bounded number of answers.
    pub(super) fn hear_courier(&mut self) {
        for _ in 0..FRAMES_A_TURN {
            let Some((_, channel)) = &mut self.courier.running else { return };
            if channel.flush().is_err() {
                return self.lose_courier();
            }
            match channel.receive::<FromCourier>() {
                Ok(Received::Frame(FromCourier::Addresses { id, addresses, late }, _)) => {
                    self.courier.failed.late += u64::from(late);
                    if let Some((id, _)) = self.courier.open.remove(&id) {
                        self.answer_name(id, addresses);
                    }
                }
                Ok(Received::Frame(FromCourier::Who { address, answer }, _)) => {
                    // What nobody asked for would fill the watcher's queue.
                    if self.courier.asked_who.remove(&address) {
                        self.post(&ToWatcher::Who { address, answer }, None);
                    }
                }
                Ok(Received::Frame(FromCourier::Idle, _)) => {
                    if self.courier.open.is_empty() {
                        self.courier.end();
                        self.courier.started = None;
                    }
                }
                Ok(Received::Nothing) => return,
                Ok(Received::End) | Err(_) => return self.lose_courier(),
            }
        }
    }

    /// It is gone, hangs or speaks nonsense: what it owes is answered with nothing.
    fn lose_courier(&mut self) {
        self.courier.end();
        let open = std::mem::take(&mut self.courier.open);
        self.courier.failed.late += open.len() as u64;
        for (id, _) in open.into_values() {
            self.answer_name(id, Vec::new());
        }
        if !self.stopping {
            self.note("courier-ended", vec![]);
        }
    }

    /// Once a second: whether it still answers, and what is to be told.
    pub(super) fn look_after_courier(&mut self) {
        let oldest = self.courier.open.first_key_value();
        if oldest.is_some_and(|(_, (_, since))| since.elapsed() > PATIENCE) {
            self.lose_courier();
        }
        let failed = &mut self.courier.failed;
        let is_quiet = failed.told.is_some_and(|at| at.elapsed() < TELL_PAUSE);
        if failed.late + failed.busy == 0 || is_quiet {
            return;
        }
        let (late, busy) = (failed.late.to_string(), failed.busy.to_string());
        *failed = Failed { told: Some(Instant::now()), ..Failed::default() };
        self.note("names-unanswered", vec![("late", late), ("busy", busy)]);
    }
}

/// Whether this can be a host's name. What ends in a number is none: the C library would read
/// `4026531841` and `10.1` as addresses, and a stranger typed it.
fn is_name(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit())
        || last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    name.len() <= DNS_NAME_MAX && name.bytes().all(is_letter) && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        for name in ["example.org", "a", "mail_1.example.org.", "xn--r8jz45g.example", "a.0b"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(DNS_NAME_MAX + 1);
        for name in ["", ".", "1", "4026531841", "10.1", "a.0x7f", "a b", "a\n", "例.jp", "$(id)"]
        {
            assert!(!is_name(name), "{name}");
        }
        assert!(!is_name(&long));
    }
}
