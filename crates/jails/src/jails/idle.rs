//! Jails that read nothing for now: idle ones, whose lines wait, and those that were stopped.
//!
//! What waited is read piece by piece once that ends, so that it holds up no other jail. A line
//! that comes meanwhile waits behind it; each makes the jail read more than its own length, so that
//! this has an end whatever comes.

use monban_fail2ban::filter::When;
use monban_model::Stamp;
use monban_model::limits::JAIL_HELD_BYTES_MAX;

use super::{Jails, news};
use crate::held::cost;
use crate::jail::Jail;
use crate::told::Told;

/// How a jail stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It reads and counts.
    Runs,
    /// It runs, and none of the logs that it names (here, as patterns) is there.
    Unread(Vec<String>),
    /// It runs, and reads nothing since an operator took these logs off it.
    TakenOff(Vec<String>),
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
                _ if !jail.unread.is_empty() => {
                    let mut paths: Vec<String> = jail.unread.iter().cloned().collect();
                    paths.sort();
                    State::TakenOff(paths)
                }
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

    /// Everything ends: what waits for idle jails is to be read, as nobody will do it later. It is
    /// what [`Jails::read_waiting`] gives from now on.
    pub fn end(&mut self, now: Stamp) {
        self.at(now);
        for number in 0..self.jails.len() {
            let Some(jail) = self.jail_mut(number).filter(|jail| jail.all.idle) else { continue };
            jail.all.idle = false;
            jail.take_settings();
            self.awake(number);
        }
    }

    /// Reads so many bytes of the lines that waited for jails which are idle no more. Whether there
    /// is more of it.
    pub fn read_waiting(&mut self, bytes: usize, now: Stamp) -> bool {
        let now = self.at(now);
        let mut left = bytes;
        for number in 0..self.jails.len() {
            left = left.saturating_sub(self.read_on(number, left, now));
            if left == 0 {
                break;
            }
        }
        self.is_behind()
    }

    /// Whether lines waited for jails that are idle no more.
    pub fn is_behind(&self) -> bool {
        self.running().any(Jail::is_behind)
    }

    /// A reload ended that jails are idle.
    pub(super) fn wake(&mut self) {
        for number in 0..self.jails.len() {
            if self.jail(number).is_some_and(|jail| jail.woken && !jail.all.idle) {
                self.awake(number);
            }
        }
    }

    /// Whether a line has to wait: for an idle jail, or behind others. Then it does.
    pub(super) fn waits(
        &mut self,
        number: usize,
        text: &str,
        time_s: Option<i64>,
        now: i64,
    ) -> bool {
        self.read_on(number, 2 * cost(text), now);
        let waits = self.jail(number).is_some_and(|jail| jail.settings.idle || jail.is_behind());
        if waits {
            self.keep_line(number, (text.to_owned(), time_s), now);
        }
        waits
    }

    /// A line waits. The jail whose lines take most makes room, so that a flood in
    /// one log costs no other jail its lines.
    fn keep_line(&mut self, number: usize, line: (String, Option<i64>), now: i64) {
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
    pub(super) fn awake(&mut self, number: usize) {
        let Some(jail) = self.jail_mut(number) else { return };
        jail.woken = false;
        let told = Told::Awake { lines: jail.held.len(), lost: jail.held.take_lost() };
        self.tell(number, None, told);
    }

    /// The jail goes: what waited for it is not read, and that is told.
    pub(super) fn lose_waiting(&mut self, jail: &mut Jail) {
        let count = jail.held.lose_all();
        if count > 0 {
            self.news.push(news(jail, None, Told::Unread { count }));
        }
    }

    /// Reads so many bytes of what waited for a jail, and the line beyond them; how many that were.
    fn read_on(&mut self, number: usize, bytes: usize, now: i64) -> usize {
        let mut read = 0;
        while read < bytes {
            let Some(jail) = self.jail_mut(number).filter(|jail| jail.is_behind()) else { break };
            let within = When::Within(jail.settings.findtime_s);
            let Some(line) = jail.held.next() else { break };
            read += cost(&line.text);
            let reading = match line.time_s {
                Some(time_s) => jail.filter.read_at(&line.text, time_s, now, within),
                None => jail.filter.read_when(&line.text, now, within),
            };
            self.take_reading(number, reading, now);
        }
        // Others may have needed the room before it came to all of them.
        let ready = |jail: &&mut Jail| !jail.settings.idle && !jail.is_behind();
        let lost = self.jail_mut(number).filter(ready).map_or(0, |jail| jail.held.take_lost());
        if lost > 0 {
            self.tell(number, None, Told::Unread { count: lost });
        }
        read
    }
}
