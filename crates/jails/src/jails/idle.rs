//! Jails that read nothing for now: idle ones, whose lines wait, and those that were stopped.

use monban_fail2ban::filter::When;
use monban_model::Stamp;
use monban_model::limits::JAIL_HELD_BYTES_MAX;

use super::Jails;
use crate::told::Told;

/// How a jail stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It reads and counts.
    Runs,
    /// It runs, and none of the logs that it names (here, as patterns) is there.
    Unread(Vec<String>),
    /// An operator made it idle: so many lines wait, and so many had no room.
    Idle {
        /// Lines that will be read.
        lines: usize,
        /// Lines that will not.
        lost: u64,
    },
    /// An operator stopped it.
    Stopped,
}

impl Jails {
    /// How each jail stands, by name. Those that cannot run are not among them.
    pub fn states(&self) -> Vec<(String, State)> {
        let running = self.running().map(|jail| {
            let state = match &jail.all {
                all if all.idle => State::Idle { lines: jail.held.len(), lost: jail.held.lost() },
                all if all.is_journal() || !all.logpath.is_empty() => State::Runs,
                _ => State::Unread(jail.logs.iter().map(|log| log.text().to_owned()).collect()),
            };
            (jail.name.clone(), state)
        });
        let halted = self.halted.iter();
        let halted = halted.map(|key| (self.name_of(*key).to_owned(), State::Stopped));
        let mut states: Vec<_> = running.chain(halted).collect();
        states.sort_by(|one, other| one.0.cmp(&other.0));
        states
    }

    /// Everything ends: what waits for idle jails is counted, as nobody will read it again.
    pub fn end(&mut self, now: Stamp) {
        let now = self.at(now);
        for number in 0..self.jails.len() {
            if self.jail(number).is_some_and(|jail| jail.all.idle) {
                self.read_held(number, now);
            }
        }
    }

    /// A reload ended that jails are idle.
    pub(super) fn wake(&mut self, now: i64) {
        for number in 0..self.jails.len() {
            if self.jail(number).is_some_and(|jail| jail.woken && !jail.all.idle) {
                self.read_held(number, now);
            }
        }
    }

    /// A line for an idle jail waits. The jail whose lines take most makes room, so that a flood in
    /// one log costs no other jail its lines.
    pub(super) fn keep_line(&mut self, number: usize, line: (String, Option<i64>), now: i64) {
        let Some(jail) = self.jail_mut(number) else { return };
        jail.held.add(line, now, jail.settings.findtime_s);
        while self.running().map(|jail| jail.held.bytes()).sum::<usize>() > JAIL_HELD_BYTES_MAX {
            let jails = self.jails.iter_mut().flatten();
            let largest = jails.max_by_key(|jail| jail.held.bytes());
            if !largest.is_some_and(|jail| jail.held.lose_oldest()) {
                return;
            }
        }
    }

    /// The jail is idle no more: it reads what was written meanwhile, as far as its dates still
    /// count.
    pub(super) fn read_held(&mut self, number: usize, now: i64) {
        let Some(jail) = self.jail_mut(number) else { return };
        let within = When::Within(jail.settings.findtime_s);
        jail.woken = false;
        let (lines, lost) = jail.held.take();
        self.tell(number, None, Told::Awake { lines: lines.len(), lost });
        for line in lines {
            let Some(jail) = self.jail_mut(number) else { return };
            let reading = match line.time_s {
                Some(time_s) => jail.filter.read_at(&line.text, time_s, now, within),
                None => jail.filter.read_when(&line.text, now, within),
            };
            self.take_reading(number, reading, now);
        }
    }
}
