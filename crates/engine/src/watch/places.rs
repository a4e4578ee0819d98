//! From where each account came in before: what makes a login worth a second look.

use monban_model::limits::PLACES_MAX;
use monban_model::{Address, Earlier, Net, PlaceRow, Stamp, StateRow, TakeChanges};

use crate::bounded::Bounded;

/// Bytes of a row.
const ROW_BYTES: usize = 150;

/// An account of a service, and where it came from; `None` is anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    service: Box<str>,
    user: Box<[u8]>,
    origin: Option<Net>,
}

/// Of refusals: when one was told last, when the last one was, how many were not told since.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    first: Stamp,
    last: Stamp,
    count: u64,
}

/// Of the same account and service a refusal is told so often at most.
const REFUSALS_APART_S: u64 = 60;

/// Of the same service it is told so often at most that one witness alone told of a login.
const ALONE_APART_S: u64 = 3600;

/// A wrong password belongs to what the same account is let do within this time: sudo waits five
/// minutes for each of three.
const WRONG_FOR_S: u64 = 900;

/// Refusals that were not told one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) service: String,
    pub(crate) user: Vec<u8>,
    /// The last one.
    pub(crate) last: Stamp,
    pub(crate) count: u64,
}

/// Where accounts came in from, and whom a service refused.
#[derive(Debug)]
pub(crate) struct Places {
    known: Bounded<Key, Place>,
    /// When the first of those who wait is to be told.
    next: Option<Stamp>,
}

impl Default for Places {
    fn default() -> Self {
        Self { known: Bounded::new(PLACES_MAX), next: None }
    }
}

impl Places {
    /// Notes a login, and gives back when the account came in before.
    pub(crate) fn enter(
        &mut self,
        service: &str,
        user: &[u8],
        from: Option<Address>,
        time: Stamp,
    ) -> Earlier {
        let mut touch = |origin: Option<Net>| {
            let key = Key { service: service.into(), user: user.into(), origin };
            let place = self.known.entry(key);
            let before = (place.count > 0).then_some(place.last);
            if before.is_none() {
                place.first = time;
            }
            (place.last, place.count) = (place.last.max(time), place.count.saturating_add(1));
            before
        };
        Earlier {
            ever: touch(None),
            network: from.and_then(|address| touch(Some(Net::of_line(address)))),
            address: from.and_then(|address| touch(Some(Net::host(address)))),
        }
    }

    /// Notes a refusal. How many were not told of since the last one, if this one is to be told:
    /// of the same account one a minute. The others are told when the minute is over.
    pub(crate) fn refuse(&mut self, service: &str, user: &[u8], time: Stamp) -> Option<u64> {
        let told = self.tell([REFUSED, user], service, time, REFUSALS_APART_S);
        if let Err(first) = told {
            let due = first.plus_s(REFUSALS_APART_S);
            self.next = Some(self.next.map_or(due, |next| next.min(due)));
        }
        told.ok()
    }

    /// The same of anything else that is told once in so many seconds, and not when they are over.
    pub(crate) fn hold(
        &mut self,
        service: &str,
        what: &[u8],
        time: Stamp,
        apart_s: u64,
    ) -> Option<u64> {
        self.tell([OTHER, what], service, time, apart_s).ok()
    }

    /// Somebody mistyped the password by which a service asks who takes the rights of another.
    pub(crate) fn mistype(&mut self, service: &str, user: &[u8], time: Stamp) {
        let place = self.known.entry(wrong_of(service, user));
        (place.first, place.last, place.count) = (time, place.last.max(time), 1);
    }

    /// Whether that happened before this, and was not asked for since.
    pub(crate) fn take_mistyped(&mut self, service: &str, user: &[u8], time: Stamp) -> bool {
        let place = self.known.remove(&wrong_of(service, user));
        place.is_some_and(|place| time.since_s(place.last) < WRONG_FOR_S)
    }

    /// The same as [`Places::hold`] of logins of a service that one witness alone told of: one an
    /// hour.
    pub(crate) fn tell_alone(&mut self, service: &str, what: &str, time: Stamp) -> Option<u64> {
        self.hold(service, &[b"!", what.as_bytes()].concat(), time, ALONE_APART_S)
    }

    /// How many were not told since the last one that was, or when that was if this is none to
    /// tell either.
    fn tell(
        &mut self,
        what: [&[u8]; 2],
        service: &str,
        time: Stamp,
        apart_s: u64,
    ) -> Result<u64, Stamp> {
        let user = what.concat().into_boxed_slice();
        let told = self.known.entry(Key { service: service.into(), user, origin: None });
        told.last = told.last.max(time);
        if told.first > Stamp::default() && time.since_s(told.first) < apart_s {
            told.count = told.count.saturating_add(1);
            return Err(told.first);
        }
        told.first = time;
        Ok(std::mem::take(&mut told.count))
    }

    /// When the next refusals that were not told are to be told.
    pub(crate) fn wake_at(&self) -> Option<Stamp> {
        self.next
    }

    /// The refusals that were not told, and whose minute is over.
    pub(crate) fn take_held(&mut self, now: Stamp) -> Vec<Held> {
        if self.next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        let held = |(key, place): &(&Key, &Place)| {
            due_of(key, place).is_some_and(|due| due <= now).then(|| (*key).clone())
        };
        let mut keys: Vec<Key> = self.known.iter().filter_map(|row| held(&row)).collect();
        keys.sort_unstable_by(|one, other| {
            (&one.service, &one.user).cmp(&(&other.service, &other.user))
        });
        let mut told = Vec::new();
        for Key { service, user, origin } in keys {
            let name = user.strip_prefix(REFUSED).unwrap_or_default().to_vec();
            let key = Key { service, user, origin };
            self.known.change(&key, |place| {
                let (last, count) = (place.last, std::mem::take(&mut place.count));
                told.push(Held { service: key.service.to_string(), user: name, last, count });
            });
        }
        self.find_next();
        told
    }

    fn find_next(&mut self) {
        self.next = self.known.iter().filter_map(|(key, place)| due_of(key, place)).min();
    }

    /// A line of a log told of a login of this service.
    pub(crate) fn note_line(&mut self, service: &str, time: Stamp) {
        let place = self.known.entry(lines_of(service));
        place.last = place.last.max(time);
        if place.count == 0 {
            (place.first, place.count) = (time, 1);
        }
    }

    /// Whether a line of a log ever did.
    pub(crate) fn has_lines(&self, service: &str) -> bool {
        self.known.get(&lines_of(service)).is_some_and(|place| place.count > 0)
    }

    /// Logins that had to make room.
    pub(crate) fn evicted(&self) -> u64 {
        self.known.evicted()
    }

    /// Bytes of the changes that wait.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.known.waiting() * ROW_BYTES
    }

    /// Puts back what was saved, oldest first.
    pub(crate) fn restore(&mut self, row: PlaceRow) {
        let key = Key {
            service: row.service.into_boxed_str(),
            user: row.user.into_boxed_slice(),
            origin: row.origin,
        };
        let place = Place { first: row.first, last: row.last, count: row.count };
        let due = due_of(&key, &place);
        self.next = self.next.into_iter().chain(due).min();
        self.known.restore(key, place);
    }

    /// Gives what changed since the last call.
    pub(crate) fn give_changes(&mut self, to: &mut impl TakeChanges) {
        let mut gone = Vec::new();
        let row = |key: &Key, place: &Place| PlaceRow {
            service: key.service.to_string(),
            user: key.user.to_vec(),
            origin: key.origin,
            first: place.first,
            last: place.last,
            count: place.count,
        };
        self.known.take_changes(
            |key| gone.push(key),
            |key, place| to.row(StateRow::Place(row(key, place))),
        );
        for key in gone {
            to.row(StateRow::NoPlace(key.service.into(), key.user.into(), key.origin));
        }
    }

    /// The clock was set. When somebody came in is a date, and stays; of refusals, the time since
    /// goes on.
    pub(crate) fn shift(&mut self, ms: i64) {
        let is_age = |(key, _): &(&Key, &Place)| key.user.starts_with(OTHER);
        let ages: Vec<Key> = self.known.iter().filter(is_age).map(|(key, _)| key.clone()).collect();
        for key in ages {
            self.known.change(&key, |place| {
                (place.first, place.last) = (place.first.plus_ms(ms), place.last.plus_ms(ms));
            });
        }
        self.find_next();
    }
}

/// Before names of what is no login: no account is called so.
const OTHER: &[u8] = b"!";

/// Before the name of whom a service refused.
const REFUSED: &[u8] = b"!-";

/// When refusals are to be told that were not, if there are any.
fn due_of(key: &Key, place: &Place) -> Option<Stamp> {
    let is_held = place.count > 0 && key.user.starts_with(REFUSED);
    is_held.then(|| place.first.plus_s(REFUSALS_APART_S))
}

/// A wrong password is kept under a name that no account has.
fn wrong_of(service: &str, user: &[u8]) -> Key {
    let user = [b"!?", user].concat().into_boxed_slice();
    Key { service: service.into(), user, origin: None }
}

/// Whether lines tell of logins of a service is kept under a name that no account has.
fn lines_of(service: &str) -> Key {
    Key { service: service.into(), user: b"!!line"[..].into(), origin: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<Address> {
        text.parse().ok()
    }

    #[test]
    fn a_login_knows_the_one_before_from_there() {
        let mut places = Places::default();
        let at = Stamp::from_s;
        let first = places.enter("sshd", b"alice", address("192.0.2.1"), at(1));
        assert_eq!(first, Earlier::default());
        let near = places.enter("sshd", b"alice", address("192.0.2.9"), at(2));
        assert_eq!(near, Earlier { ever: Some(at(1)), network: Some(at(1)), address: None });
        let far = places.enter("sshd", b"alice", address("2001:db8::1"), at(3));
        assert_eq!(far, Earlier { ever: Some(at(2)), network: None, address: None });
        let other = places.enter("dropbear", b"alice", address("192.0.2.1"), at(4));
        assert_eq!(other, Earlier::default());
        let again = places.enter("sshd", b"alice", address("192.0.2.1"), at(5));
        let (ever, network) = (Some(at(3)), Some(at(2)));
        assert_eq!(again, Earlier { ever, network, address: Some(at(1)) });
    }

    #[test]
    fn refusals_are_told_once_a_minute_with_those_between() {
        let mut places = Places::default();
        let at = Stamp::from_s;
        assert_eq!(places.refuse("sudo", b"eve", at(100)), Some(0));
        assert_eq!(places.refuse("sudo", b"eve", at(101)), None);
        assert_eq!(places.refuse("sudo", b"eve", at(159)), None);
        assert_eq!(places.refuse("sudo", b"bob", at(159)), Some(0));
        assert_eq!(places.refuse("sudo", b"eve", at(160)), Some(2));
        assert_eq!(places.enter("sudo", b"eve", None, at(161)), Earlier::default());
    }

    #[test]
    fn that_one_witness_was_alone_is_told_once_an_hour_where_lines_are_known() {
        let mut places = Places::default();
        let at = Stamp::from_s;
        assert!(!places.has_lines("sshd"));
        places.note_line("sshd", at(1));
        assert!(places.has_lines("sshd") && !places.has_lines("su"));
        assert_eq!(places.tell_alone("sshd", "a", at(100)), Some(0));
        assert_eq!(places.tell_alone("sshd", "a", at(3699)), None);
        assert_eq!(places.tell_alone("sshd", "b", at(3699)), Some(0));
        assert_eq!(places.tell_alone("sshd", "a", at(3700)), Some(1));
    }

    #[test]
    fn the_last_refusals_of_a_burst_are_told_when_the_minute_is_over() {
        let mut places = Places::default();
        let at = Stamp::from_s;
        for second in 100..150 {
            places.refuse("sudo", b"eve", at(second));
        }
        assert_eq!(places.refuse("sudo", b"bob", at(120)), Some(0));
        assert_eq!(places.wake_at(), Some(at(160)));
        assert_eq!(places.take_held(at(159)), []);
        let mut again = restarted(&mut places);
        for places in [&mut places, &mut again] {
            let (service, user) = ("sudo".to_owned(), b"eve".to_vec());
            let held = Held { service, user, last: at(149), count: 49 };
            assert_eq!(places.take_held(at(160)), [held]);
            assert_eq!(places.wake_at(), None);
            assert_eq!(places.refuse("sudo", b"eve", at(170)), Some(0));
            assert_eq!(places.refuse("sudo", b"eve", at(171)), None);
            assert_eq!(places.wake_at(), Some(at(230)));
            // One that is told says how many were not.
            assert_eq!(places.refuse("sudo", b"eve", at(230)), Some(1));
            assert_eq!(places.take_held(at(300)), []);
        }
    }

    #[test]
    fn a_clock_that_is_set_changes_no_date_and_writes_nothing_again() {
        let mut places = Places::default();
        let at = Stamp::from_s;
        for number in 0..1000_u32 {
            places.enter("sshd", number.to_string().as_bytes(), None, at(100));
        }
        places.refuse("sudo", b"eve", at(100));
        restarted(&mut places);
        for ms in [3_600_000, -3_600_000, 7_200_000] {
            places.shift(ms);
        }
        let mut rows: Vec<StateRow> = Vec::new();
        places.give_changes(&mut rows);
        assert_eq!(rows.len(), 1, "only the refusal goes on");
        assert_eq!(places.enter("sshd", b"7", None, at(8000)).ever, Some(at(100)));
        assert_eq!(places.refuse("sudo", b"eve", at(7259)), None);
        assert_eq!(places.refuse("sudo", b"eve", at(7360)), Some(1));
    }

    fn restarted(places: &mut Places) -> Places {
        let mut rows: Vec<StateRow> = Vec::new();
        places.give_changes(&mut rows);
        let mut again = Places::default();
        for row in rows {
            if let StateRow::Place(row) = row {
                again.restore(row);
            }
        }
        again
    }

    #[test]
    fn places_come_back_and_any_number_of_accounts_takes_bounded_memory() {
        let mut places = Places::default();
        for number in 0..PLACES_MAX as u32 {
            let user = number.to_string();
            places.enter("sshd", user.as_bytes(), address("192.0.2.1"), Stamp(1));
        }
        assert!(places.evicted() > 0);
        let mut again = restarted(&mut places);
        let last = (PLACES_MAX - 1).to_string();
        let known = again.enter("sshd", last.as_bytes(), address("192.0.2.1"), Stamp(2));
        assert_eq!(known.address, Some(Stamp(1)));
    }
}
