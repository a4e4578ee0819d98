//! From lines to failures.

use monban_fail2ban::config::UseDns;
use monban_fail2ban::filter::{Hit, Id, Odd, Reading, When};
use monban_model::{Address, Stamp};

use super::Jails;
use crate::jail::{Jail, once_a_day};
use crate::journal::Entry;
use crate::tickets::{Facts, Failure};
use crate::told::Told;

impl Jails {
    /// Takes in an entry of the journal.
    pub fn entry(&mut self, entry: &Entry<'_>, now: Stamp, catching_up: bool) -> usize {
        let now = self.at(now);
        let mut line = None;
        let mut found = 0;
        for number in 0..self.jails.len() {
            let Some(jail) = self.jails.get_mut(number).and_then(Option::as_mut) else { continue };
            let is_old = catching_up && self.begun.has_entry(jail.key, entry);
            if is_old || !jail.all.is_journal() || !jail.matches.has(entry) {
                continue;
            }
            let text = line.get_or_insert_with(|| entry.line());
            if self.waits(number, text, Some(entry.time_s()), now) {
                continue;
            }
            let Some(jail) = self.jail_mut(number) else { continue };
            let when = when(jail, catching_up);
            let reading = jail.filter.read_at(text, entry.time_s(), now, when);
            found += self.take_reading(number, reading, now);
        }
        found
    }

    /// Whether a file is to be read from its end on: all jails that read it say so.
    pub fn tails(&self, path: &str) -> bool {
        let mut logs = self.running().filter_map(|jail| jail.log(path)).peekable();
        logs.peek().is_some() && logs.all(|log| log.tail)
    }

    /// Whether any jail reads this file.
    pub fn reads(&mut self, path: &str) -> bool {
        let round = self.take_round(path);
        let is_read = round.is_read();
        self.put_round(path, round);
        is_read
    }

    /// A file is read from now on; `fail2ban-client` shows it.
    pub fn follows(&mut self, path: &str) {
        for jail in self.jails.iter_mut().flatten() {
            let is_listed = jail.all.logpath.iter().any(|known| known == path);
            if jail.log(path).is_some() && !is_listed {
                jail.all.logpath.push(path.to_owned());
            }
        }
    }

    /// A file is gone, and not read any more.
    pub fn leaves(&mut self, path: &str) {
        for jail in self.jails.iter_mut().flatten() {
            jail.all.logpath.retain(|known| known != path);
        }
    }

    pub(super) fn take_reading(&mut self, number: usize, reading: Reading, now: i64) -> usize {
        self.take_odd(number, &reading, now);
        let mut found = 0;
        for hit in reading.hits {
            let Hit { id, time, failure, .. } = hit;
            let (Some(id), Some(time)) = (id, time) else { continue };
            found += 1;
            let ip = failure.ip.as_deref().map(Id::of_text);
            let captures = monban_fail2ban::action::shown_captures(&failure.groups);
            let lines = failure.matches.kept().iter().map(|line| line.whole()).collect();
            let facts = Facts { ip, captures };
            let (failure, is_cut) = Failure::new(time.min(now), lines, facts, 1);
            if let Some(jail) = self.jail_mut(number).filter(|_| is_cut) {
                jail.unsaid.cut += 1;
            }
            self.of_somebody(number, id, failure, now);
        }
        found
    }

    /// A failure of an address, a name that has to be resolved, or a text.
    fn of_somebody(&mut self, number: usize, id: Id, failure: Failure, now: i64) {
        let Some(jail) = self.jail(number) else { return };
        match (id, jail.settings.usedns) {
            (Id::Name(name), UseDns::Yes | UseDns::Warn) => {
                self.ask_name(number, name, Some(failure), now);
            }
            (Id::Name(_), UseDns::No) => {}
            (Id::Name(text) | Id::Text(text), UseDns::Raw) => {
                self.failure(number, Id::of_text(&text), failure, now);
            }
            (id, _) => self.failure(number, id, failure, now),
        }
    }

    /// The addresses of a name that failed: each is counted.
    pub(super) fn name_resolved(
        &mut self,
        number: usize,
        name: &str,
        addresses: &[Address],
        failure: &Failure,
        now: i64,
    ) {
        let warns = self.jail(number).is_some_and(|jail| jail.settings.usedns == UseDns::Warn);
        if warns && !addresses.is_empty() {
            let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let addresses = texts.join(", ");
            self.tell(number, None, Told::Resolved { name: name.to_owned(), addresses });
        }
        for address in addresses {
            let id = Id::of_text(&address.to_string());
            self.failure(number, id, failure.clone(), now);
        }
    }

    fn take_odd(&mut self, number: usize, reading: &Reading, now: i64) {
        let Some(jail) = self.jail_mut(number) else { return };
        let told = match reading.odd {
            Some(Odd::Off(seconds)) if once_a_day(&mut jail.told_off, now) => {
                Some(Told::Off { seconds })
            }
            Some(Odd::Old) if once_a_day(&mut jail.told_old, now) => {
                Some(Told::Old { seconds: jail.settings.findtime_s })
            }
            _ => None,
        };
        let first_overrun = reading.overruns > 0 && jail.overruns == 0;
        jail.overruns += u64::from(reading.overruns);
        let overrun = first_overrun.then_some(Told::Overrun);
        for told in told.into_iter().chain(overrun) {
            self.tell(number, None, told);
        }
    }
}

pub(super) fn when(jail: &Jail, catching_up: bool) -> When {
    match catching_up {
        true => When::Within(jail.settings.findtime_s),
        false => When::Now,
    }
}
