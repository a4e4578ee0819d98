//! Failures that have not led to a ban yet.
//!
//! fail2ban does not count in a window that slides. It keeps the time of the first failure, that
//! of the last, and a number. A failure that comes later than the find time after the first one
//! scales the number to the rate so far, and moves the first failure.

use std::collections::BTreeMap;

use monban_engine::Bounded;
use monban_fail2ban::filter::Id;
use monban_model::limits::{
    JAIL_CAPTURE_MAX, JAIL_MATCH_MAX, JAIL_TICKETS_BYTES_MAX, JAIL_TICKETS_MAX,
};

/// A jail by its name: the place of the name in the list of all that were ever seen.
pub(crate) type Key = u32;

/// What a filter knew of a failure beside who and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The address, where another name is counted.
    pub ip: Option<Id>,
    /// What was captured.
    pub captures: BTreeMap<String, String>,
}

impl Facts {
    pub(crate) fn bytes(&self) -> usize {
        captures_bytes(&self.captures) + self.ip.as_ref().map_or(0, id_bytes)
    }
}

/// A failure to be counted.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub time: i64,
    pub lines: Vec<String>,
    pub facts: Facts,
    /// As how many it counts, 1 but for what an operator tells.
    pub counts: u32,
}

impl Failure {
    /// A failure as it is kept, whatever it waits for: its lines and captures are cut here. Also
    /// whether a capture was.
    pub(crate) fn new(
        time: i64,
        lines: Vec<String>,
        mut facts: Facts,
        counts: u32,
    ) -> (Self, bool) {
        let mut is_cut = false;
        for value in facts.captures.values_mut() {
            is_cut |= cut(value, JAIL_CAPTURE_MAX);
        }
        let mut lines = lines;
        for line in &mut lines {
            cut(line, JAIL_MATCH_MAX);
        }
        (Self { time, lines, facts, counts }, is_cut)
    }

    /// What its lines and captures take.
    pub(crate) fn bytes(&self) -> usize {
        self.facts.bytes() + lines_bytes(&self.lines)
    }
}

/// What the text of a name takes beside its place.
pub(crate) fn id_bytes(id: &Id) -> usize {
    match id {
        Id::Net(_) => 0,
        Id::Name(text) | Id::Text(text) => text.len(),
    }
}

pub(crate) fn captures_bytes(captures: &BTreeMap<String, String>) -> usize {
    captures.iter().map(|(name, value)| name.len() + value.len() + 96).sum()
}

pub(crate) fn lines_bytes(lines: &[String]) -> usize {
    lines.iter().map(|line| line.len() + 24).sum()
}

/// The count of one jail for one address, or whatever its filter counts by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The first failure of the rate, seconds since 1970.
    pub first: i64,
    /// The last one.
    pub last: i64,
    /// What is compared with `maxretry`.
    pub retry: u32,
    /// How many failures actions are told of: those that there were, and one more for each of
    /// them that counted more than once.
    pub failures: u64,
    /// The last lines, oldest first.
    pub lines: Vec<String>,
    pub facts: Facts,
    /// What the name takes that it is kept by, in bytes.
    pub of_id: usize,
}

impl Ticket {
    fn bytes(&self) -> usize {
        self.of_id + self.facts.bytes() + lines_bytes(&self.lines)
    }

    fn count(&mut self, time: i64, counts: u32, findtime_s: i64) {
        if time > self.last {
            let begin = time.saturating_sub(findtime_s);
            if self.first < begin {
                let rate = f64::from(self.retry) / time.saturating_sub(self.first) as f64;
                self.retry = (rate * findtime_s as f64).round_ties_even() as u32;
                self.first = begin;
            }
            self.last = time;
        }
        self.retry = self.retry.saturating_add(counts);
        self.failures += 1;
    }
}

/// The open counts of all jails. Where there are too many, the jail that has most makes room, and
/// where they take too much, the jail that takes most: a flood in one log does not erase what
/// others count.
#[derive(Default)]
pub(crate) struct Tickets {
    open: BTreeMap<Key, OfJail>,
    /// How many there are.
    count: usize,
    bytes: usize,
}

/// The open counts of one jail.
struct OfJail {
    tickets: Bounded<Id, Ticket>,
    bytes: usize,
}

impl Default for OfJail {
    fn default() -> Self {
        Self { tickets: Bounded::new(JAIL_TICKETS_MAX + 1), bytes: 0 }
    }
}

impl Tickets {
    /// Counts a failure; gives the number so far.
    pub(crate) fn add(
        &mut self,
        key: (Key, Id),
        failure: Failure,
        now: i64,
        findtime_s: i64,
        maxmatches: usize,
    ) -> u32 {
        if self.get(&key).is_some_and(|ticket| ticket.last <= now.saturating_sub(findtime_s)) {
            self.take(&key);
        }
        let of_jail = self.open.entry(key.0).or_default();
        let fresh = !of_jail.tickets.contains(&key.1);
        let of_id = 2 * id_bytes(&key.1);
        let ticket = of_jail.tickets.entry(key.1);
        let mut before = 0;
        if fresh {
            let (time, facts) = (failure.time, failure.facts);
            *ticket = Ticket { first: time, last: time, facts, of_id, ..Ticket::default() };
            (ticket.retry, ticket.failures) = (failure.counts, 1);
            self.count += 1;
        } else {
            before = ticket.bytes();
            ticket.count(failure.time, failure.counts, findtime_s);
        }
        ticket.lines.extend(failure.lines);
        let over = ticket.lines.len().saturating_sub(maxmatches);
        ticket.lines.drain(..over);
        let retry = ticket.retry;
        let bytes = ticket.bytes();
        of_jail.bytes = of_jail.bytes - before + bytes;
        self.bytes = self.bytes - before + bytes;
        self.make_room();
        retry
    }

    fn make_room(&mut self) {
        loop {
            let jails = self.open.iter();
            let largest = if self.bytes > JAIL_TICKETS_BYTES_MAX {
                jails.max_by_key(|(_, of_jail)| of_jail.bytes)
            } else if self.count > JAIL_TICKETS_MAX {
                jails.max_by_key(|(_, of_jail)| of_jail.tickets.len())
            } else {
                return;
            };
            let Some(key) = largest.map(|(key, _)| *key) else { return };
            let out = self.open.get_mut(&key).and_then(|of_jail| of_jail.tickets.evict());
            let Some(out) = out else { return };
            self.left(key, &out);
        }
    }

    fn left(&mut self, key: Key, ticket: &Ticket) {
        let bytes = ticket.bytes();
        if let Some(of_jail) = self.open.get_mut(&key) {
            of_jail.bytes -= bytes;
        }
        self.bytes -= bytes;
        self.count -= 1;
    }

    fn get(&self, key: &(Key, Id)) -> Option<&Ticket> {
        self.open.get(&key.0)?.tickets.get(&key.1)
    }

    /// Counts more for a failure that was counted: the address is known as a bad one.
    pub(crate) fn add_extra(&mut self, key: &(Key, Id), more: u32) -> Option<u32> {
        let ticket = self.open.get_mut(&key.0)?.tickets.get_mut(&key.1)?;
        ticket.retry = ticket.retry.saturating_add(more);
        ticket.failures += 1;
        Some(ticket.retry)
    }

    /// Takes a count out.
    pub(crate) fn take(&mut self, key: &(Key, Id)) -> Option<Ticket> {
        let ticket = self.open.get_mut(&key.0)?.tickets.remove(&key.1)?;
        self.left(key.0, &ticket);
        Some(ticket)
    }

    /// Who has failed so often in a jail, the oldest count first.
    pub(crate) fn ripe(&self, jail: Key, maxretry: u32) -> Vec<Id> {
        let of_jail = self.open.get(&jail).into_iter().flat_map(|of_jail| of_jail.tickets.iter());
        let ripe = of_jail.filter(|(_, ticket)| ticket.retry >= maxretry);
        let mut ripe: Vec<(i64, &Id)> = ripe.map(|(id, ticket)| (ticket.first, id)).collect();
        ripe.sort();
        ripe.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// Forgets what is older than the find time of its jail; all of a jail that has none.
    pub(crate) fn sweep(&mut self, now: i64, findtime_s: impl Fn(Key) -> Option<i64>) {
        let mut old = Vec::new();
        for (key, of_jail) in &self.open {
            let begin = findtime_s(*key).map(|findtime| now.saturating_sub(findtime));
            let is_old = |ticket: &Ticket| begin.is_none_or(|begin| ticket.last <= begin);
            let of_jail = of_jail.tickets.iter().filter(|(_, ticket)| is_old(ticket));
            old.extend(of_jail.map(|(id, _)| (*key, id.clone())));
        }
        for key in old {
            self.take(&key);
        }
    }

    /// Moves all times by so many seconds: the clock was set.
    pub(crate) fn shift(&mut self, seconds: i64) {
        for of_jail in self.open.values_mut() {
            of_jail.tickets.change_all(|ticket| {
                ticket.first = ticket.first.saturating_add(seconds);
                ticket.last = ticket.last.saturating_add(seconds);
            });
        }
    }

    /// How many are open in a jail.
    pub(crate) fn count(&self, jail: Key) -> u64 {
        self.open.get(&jail).map_or(0, |of_jail| of_jail.tickets.len() as u64)
    }

    /// Puts back what was saved, what was touched last at last.
    pub(crate) fn restore(&mut self, key: (Key, Id), mut ticket: Ticket) {
        if self.get(&key).is_some() {
            return;
        }
        ticket.of_id = 2 * id_bytes(&key.1);
        let of_jail = self.open.entry(key.0).or_default();
        of_jail.bytes += ticket.bytes();
        self.bytes += ticket.bytes();
        self.count += 1;
        of_jail.tickets.restore(key.1, ticket);
        self.make_room();
    }

    /// Counts that had to make room, since the start.
    pub(crate) fn evicted(&self) -> u64 {
        self.open.values().map(|of_jail| of_jail.tickets.evicted()).sum()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.open.values().map(|of_jail| of_jail.tickets.waiting()).sum()
    }

    pub(crate) fn take_changes(
        &mut self,
        mut gone: impl FnMut(Key, Id),
        mut now: impl FnMut(Key, &Id, &Ticket),
    ) {
        for (key, of_jail) in &mut self.open {
            let tickets = &mut of_jail.tickets;
            tickets.take_changes(|id| gone(*key, id), |id, ticket| now(*key, id, ticket));
        }
    }
}

/// Cuts a text to so many bytes, in memory, too; whether it was longer.
fn cut(text: &mut String, most: usize) -> bool {
    let is_longer = text.len() > most;
    if is_longer {
        // A copy: what is left of a long one would keep its place from being used again.
        *text = text[..text.floor_char_boundary(most)].to_owned();
    }
    is_longer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(time: i64) -> Failure {
        let lines = vec![format!("line {time}")];
        Failure::new(time, lines, Facts::default(), 1).0
    }

    fn id() -> (Key, Id) {
        (0, Id::of_text("192.0.2.1"))
    }

    #[test]
    fn a_late_failure_scales_what_was_counted_to_its_rate() {
        let mut tickets = Tickets::default();
        let mut add = |time| tickets.add(id(), failure(time), time, 600, 3);
        assert_eq!([add(0), add(10), add(20), add(30)], [1, 2, 3, 4]);
        // 4 in 615 s are 3.9 in 600 s, and one more.
        assert_eq!(add(615), 5);
        // 5 in 1000 - 15 s: 3.05, and one more.
        assert_eq!(add(1000), 4);
        let ticket = tickets.take(&id()).expect("open");
        assert_eq!((ticket.first, ticket.last, ticket.failures), (400, 1000, 6));
        assert_eq!(ticket.lines, ["line 30", "line 615", "line 1000"]);
        assert_eq!(tickets.bytes, 0);
    }

    #[test]
    fn halves_are_rounded_to_even_as_in_python() {
        let mut tickets = Tickets::default();
        let mut add = |time| tickets.add(id(), failure(time), time, 100, 1);
        add(0);
        assert_eq!(add(90), 2);
        // 2 / 160 * 100 = 1.25
        assert_eq!(add(160), 2);
        let mut tickets = Tickets::default();
        let mut add = |time| tickets.add(id(), failure(time), time, 100, 1);
        for time in [0, 50, 60] {
            add(time);
        }
        // 3 / 120 * 100 = 2.5, which is 2.
        assert_eq!(add(120), 3);
    }

    #[test]
    fn an_older_failure_only_counts() {
        let mut tickets = Tickets::default();
        tickets.add(id(), failure(100), 100, 600, 5);
        assert_eq!(tickets.add(id(), failure(50), 100, 600, 5), 2);
        let ticket = tickets.take(&id()).expect("open");
        assert_eq!((ticket.first, ticket.last), (100, 100));
    }

    #[test]
    fn what_is_as_old_as_the_find_time_is_forgotten() {
        let mut tickets = Tickets::default();
        tickets.add(id(), failure(0), 0, 600, 5);
        assert_eq!(tickets.add(id(), failure(600), 600, 600, 5), 1);
        tickets.sweep(1199, |_| Some(600));
        assert_eq!(tickets.count(0), 1);
        tickets.sweep(1200, |_| Some(600));
        assert_eq!((tickets.count(0), tickets.bytes), (0, 0));
    }

    #[test]
    fn a_flood_in_one_jail_erases_no_count_of_another() {
        let mut tickets = Tickets::default();
        let few = (1, Id::of_text("192.0.2.1"));
        tickets.add(few.clone(), failure(1), 1, 600, 3);
        for number in 0..40_000_u32 {
            let id = Id::of_text(&std::net::Ipv4Addr::from_bits(number).to_string());
            tickets.add((0, id), failure(2), 2, 600, 3);
        }
        assert_eq!(tickets.add(few, failure(3), 3, 600, 3), 2);
        assert_eq!(tickets.evicted(), 40_000 + 1 - JAIL_TICKETS_MAX as u64);
        assert_eq!(tickets.count(0) + tickets.count(1), JAIL_TICKETS_MAX as u64);
    }

    #[test]
    fn long_lines_in_one_jail_erase_no_count_of_another() {
        let mut tickets = Tickets::default();
        let address = |number: u32| Id::of_text(&std::net::Ipv4Addr::from_bits(number).to_string());
        for number in 0..5000 {
            tickets.add((1, address(number)), failure(1), 1, 600, 3);
        }
        let of = |name: usize, line: usize| {
            let captures = [("user".to_owned(), "x".repeat(name))].into();
            let (ip, lines) = (None, vec!["x".repeat(line)]);
            Failure::new(2, lines, Facts { ip, captures }, 1).0
        };
        for number in 0..20_000 {
            tickets.add((0, address(number)), of(15_000, 15_000), 2, 600, 3);
        }
        // Names that are counted by are long, too.
        for number in 0..5000 {
            let id = Id::Text(format!("{number}{}", "x".repeat(8000)));
            tickets.add((2, id), failure(2), 2, 600, 3);
        }
        assert_eq!(tickets.count(1), 5000);
        assert!(tickets.bytes <= JAIL_TICKETS_BYTES_MAX);
        let all: usize = tickets.open.values().map(|of_jail| of_jail.bytes).sum();
        assert_eq!(all, tickets.bytes);
        assert!(tickets.open.values().all(|of_jail| of_jail.bytes < JAIL_TICKETS_BYTES_MAX));
        tickets.sweep(10_000, |_| None);
        assert_eq!((tickets.bytes, tickets.count), (0, 0));
    }

    #[test]
    fn what_was_saved_and_has_no_room_is_counted_and_goes_oldest_first() {
        let mut tickets = Tickets::default();
        for number in 0..JAIL_TICKETS_MAX as u32 + 7 {
            let id = Id::of_text(&std::net::Ipv4Addr::from_bits(number).to_string());
            tickets.restore((0, id), Ticket { last: number.into(), ..Ticket::default() });
        }
        assert_eq!((tickets.count(0), tickets.evicted()), (JAIL_TICKETS_MAX as u64, 7));
        let mut gone = 0;
        tickets.take_changes(|_, _| gone += 1, |_, _, _| {});
        assert_eq!((gone, tickets.get(&(0, Id::of_text("0.0.0.6")))), (7, None));
    }

    #[test]
    fn memory_has_an_end_for_any_input() {
        let mut tickets = Tickets::default();
        let long = "x".repeat(100_000);
        for number in 0..20_000_u32 {
            let id = Id::Text(format!("user{number}"));
            let lines = vec![long.clone(); 3];
            let (failure, _) = Failure::new(1, lines, Facts::default(), 1);
            tickets.add((0, id), failure, 1, 600, 5);
        }
        assert!(tickets.bytes <= JAIL_TICKETS_BYTES_MAX);
        assert!(tickets.evicted() > 10_000);
        assert!(tickets.open.len() <= JAIL_TICKETS_MAX);
    }
}
