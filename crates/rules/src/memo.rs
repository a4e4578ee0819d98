//! What the rules said of messages lately. Whoever tries again and again writes the same message
//! again and again, with another port at its end: of a real sshd log, 8 of 10 messages are among
//! the last few different ones but for that.

use std::hash::{BuildHasher, Hasher};

use monban_model::{QuickState, ServiceId};

use crate::bytes::same;
use crate::gist::Told;
use crate::number::number;

/// Messages that are remembered: as many places, of which a message has one.
const PLACES: usize = 1 << PLACES_BITS;

const PLACES_BITS: u32 = 9;

/// Longest message that is remembered, in bytes.
pub(crate) const MESSAGE_MAX: usize = 160;

const _: () = assert!(MESSAGE_MAX <= u8::MAX as usize);

/// Remembers messages and what they told.
#[derive(Debug)]
pub(crate) struct Memo {
    /// The rules that said so.
    rules: u64,
    places: Vec<Said>,
    /// What was said of a message that is not remembered.
    last: Told,
    hash: QuickState,
}

/// What was said of one message.
#[derive(Clone, Debug)]
struct Said {
    /// The services that were asked: the place of their list, which stays as long as the rules.
    services: usize,
    message: [u8; MESSAGE_MAX],
    length: u8,
    /// The number in it, if it may be any other one: where it starts and ends, else twice
    /// `length`.
    number: (u8, u8),
    any_number: bool,
    /// It came again: the next other message of its place is not remembered instead. Many are
    /// never written again, and would push out those that are.
    came_again: bool,
    told: Told,
    /// The hash of the message but for its number.
    rest: u64,
}

impl Said {
    const NOTHING: Self = Self {
        services: 0,
        message: [0; MESSAGE_MAX],
        length: 0,
        number: (0, 0),
        any_number: false,
        came_again: false,
        told: Told::NOTHING,
        rest: 0,
    };

    /// Whether it was said of this message too, in which a number stands there.
    #[inline(always)]
    fn is_of(&self, message: &[u8], number: Option<(usize, usize)>) -> bool {
        let (start, end) = match number {
            Some(number) if self.any_number => number,
            None if self.any_number => return false,
            _ => (message.len(), message.len()),
        };
        let (own_start, own_end) = (usize::from(self.number.0), usize::from(self.number.1));
        let tail = &self.message[own_end..usize::from(self.length)];
        start == own_start
            && message.len() - end == tail.len()
            && same(&self.message[..own_start], &message[..start])
            && same(tail, &message[end..])
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self { rules: 0, places: Vec::new(), last: Told::NOTHING, hash: QuickState::of_process() }
    }
}

impl Memo {
    /// What these services say of a message, and the message's key: equal messages have equal ones
    /// in this process, others hardly ever. It means nothing where no gist is told. `rules` is the
    /// number of the rules, of which the services are a part; `ask` is given the place of the
    /// message's number, and also answers whether another number would change nothing.
    #[inline(always)]
    pub(crate) fn told(
        &mut self,
        rules: u64,
        services: &[ServiceId],
        message: &[u8],
        ask: impl FnOnce(Option<(usize, usize)>) -> (Told, bool),
    ) -> (&Told, u64) {
        if services.is_empty() || message.len() > MESSAGE_MAX {
            self.last = ask(None).0;
            let key = self.last.gist.map_or(0, |_| key_anew(&self.hash, message));
            return (&self.last, key);
        }
        if self.rules != rules {
            self.rules = rules;
            self.places = vec![Said::NOTHING; PLACES];
        }
        let asked = services.as_ptr() as usize;
        let number = number(message);
        let start = number.map_or(message.len(), |(start, _)| start);
        let Self { places, last, hash, .. } = self;
        let Some(said) = places.get_mut(place(&message[..start])) else {
            *last = ask(None).0;
            return (last, key_anew(hash, message));
        };
        if said.services == asked && said.is_of(message, number) {
            said.came_again = true;
            return (&said.told, key(hash, said.rest, message, number));
        }
        let (told, any_number) = ask(number);
        let rest = if told.gist.is_some() { rest(hash, message, number) } else { 0 };
        let key = key(hash, rest, message, number);
        if std::mem::take(&mut said.came_again) {
            *last = told;
            return (last, key);
        }
        (said.services, said.length, said.told) = (asked, message.len() as u8, told);
        said.any_number = any_number && number.is_some();
        let ends = (message.len(), message.len());
        let (start, end) = number.filter(|_| any_number).unwrap_or(ends);
        said.number = (start as u8, end as u8);
        said.rest = rest;
        said.message[..message.len()].copy_from_slice(message);
        (&said.told, key)
    }
}

/// The key of a message that is not remembered.
#[inline(never)]
fn key_anew(hash: &QuickState, message: &[u8]) -> u64 {
    let number = number(message);
    key(hash, rest(hash, message, number), message, number)
}

/// The hash of a message but for its number.
fn rest(hash: &QuickState, message: &[u8], number: Option<(usize, usize)>) -> u64 {
    let (start, end) = number.unwrap_or((message.len(), message.len()));
    let mut hasher = hash.build_hasher();
    hasher.write(&message[..start]);
    hasher.write(&message[end..]);
    hasher.finish()
}

/// The key of a message, of whose [`rest`] this is the hash.
#[inline(always)]
fn key(hash: &QuickState, rest: u64, message: &[u8], number: Option<(usize, usize)>) -> u64 {
    // What stands before it within the eight bytes is a part of the rest.
    let last = number.and_then(|(_, end)| message.get(..end)?.last_chunk::<8>());
    let last = last.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    hash.pair(rest, last)
}

/// Where a message stands that begins so, up to its number. Who makes many messages meet in one
/// place has them read anew, as they would be without this.
#[inline]
fn place(start: &[u8]) -> usize {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    // Shorter ones are few.
    let (Some(first), Some(end)) = (start.first_chunk(), start.last_chunk::<20>()) else {
        return start.len() % PLACES;
    };
    let middle = start[start.len() / 2..].first_chunk().unwrap_or(first);
    let [before @ .., _, _, _, _, _, _, _, _, _, _, _, _] = end;
    let [_, _, _, _, _, _, _, _, _, _, _, _, end @ ..] = end;
    // Each multiplied with a number of its own: where they are only combined, an address in two
    // places of a message cancels itself out.
    let one = word(end).wrapping_mul(0xff51_afd7_ed55_8ccd).wrapping_add(word(middle));
    let two = word(before).wrapping_mul(0xc2b2_ae3d_27d4_eb4f).wrapping_add(word(first));
    let mixed = (one ^ one >> 29).wrapping_mul(0xc4ce_b9fe_1a85_ec53) ^ (two ^ two >> 31);
    let mixed = (mixed ^ start.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - PLACES_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use monban_model::{Also, Kind, RuleId, Witness};

    use super::*;
    use crate::gist::Gist;
    use crate::read::Seen;

    #[test]
    fn a_message_is_asked_for_once_by_the_same_rules_and_services() {
        let mut memo = Memo::default();
        let (one, other) = (vec![ServiceId(1)], vec![ServiceId(1)]);
        let mut asked = 0;
        let mut say = |rules, services: &[ServiceId], message: &[u8]| {
            let seen = Seen::Known(ServiceId(message.len() as u16));
            let told = memo.told(rules, services, message, |_| {
                asked += 1;
                (Told { seen, gist: None }, false)
            });
            assert_eq!(told.0.seen, seen);
            asked
        };
        assert_eq!([say(1, &one, b"a"), say(1, &one, b"a"), say(1, &one, b"")], [1, 1, 2]);
        assert_eq!(say(1, &other, b"a"), 3, "other services");
        assert_eq!([say(2, &other, b"a"), say(2, &other, b"a")], [4, 4]);
        let long = [b'a'; MESSAGE_MAX + 1];
        assert_eq!([say(2, &one, &long), say(2, &one, &long)], [5, 6]);
        assert_eq!([say(2, &one, &long[1..]), say(2, &one, &long[1..])], [7, 7]);
    }

    #[test]
    fn a_message_has_one_key_wherever_and_however_it_is_read() {
        let gist = Gist {
            kind: Kind::LoginFailed,
            also: Also::default(),
            witness: Witness::default(),
            service: ServiceId(1),
            rule: RuleId(1),
            times: 1,
            address: None,
            user: None,
            method: None,
            session: None,
        };
        let (mut one, mut other) = (Memo::default(), Memo::default());
        let services = [ServiceId(1)];
        let key = |memo: &mut Memo, message: &str, any_number: bool| {
            let told = Told { seen: Seen::Known(ServiceId(1)), gist: Some(gist) };
            memo.told(1, &services, message.as_bytes(), |_| (told, any_number)).1
        };
        let long = "a".repeat(MESSAGE_MAX);
        let messages = [
            "a user from 192.0.2.1 port 22 ssh2".to_owned(),
            "a user from 192.0.2.1 port 23 ssh2".to_owned(),
            "a user from 192.0.2.1 port 2 2ssh2".to_owned(),
            "a user from 192.0.2.1 port 022 ssh2".to_owned(),
            "a user from 192.0.2.1 port 22".to_owned(),
            "a user from 192.0.2.1 port 222".to_owned(),
            "a user from 192.0.2.1".to_owned(),
            String::new(),
            format!("{long} port 22 ssh2"),
            format!("{long} port 23 ssh2"),
        ];
        let mut keys = HashSet::new();
        for message in &messages {
            let asked = key(&mut one, message, true);
            assert_eq!(key(&mut one, message, true), asked, "remembered: {message}");
            assert_eq!(key(&mut other, message, false), asked, "{message}");
            assert!(keys.insert(asked), "{message}");
        }
    }

    #[test]
    fn another_number_is_the_same_message_where_it_changes_nothing() {
        let services = [ServiceId(1)];
        let asks = |any_number: bool, messages: &[&str]| {
            let (mut memo, mut asked) = (Memo::default(), 0);
            for message in messages {
                memo.told(1, &services, message.as_bytes(), |number| {
                    asked += 1;
                    (Told::NOTHING, any_number && number.is_some())
                });
            }
            asked
        };
        let same = ["a user from 192.0.2.1 port 22 ssh2", "a user from 192.0.2.1 port 54321 ssh2"];
        assert_eq!((asks(true, &same), asks(false, &same)), (1, 2));
        for other in [
            "a user from 192.0.2.1 port 22",
            "a user from 192.0.2.1 port 22 ssh1",
            "a user from 192.0.2.1 port 22x ssh2",
            "a user from 192.0.2.1 port  ssh2",
            "a user from 192.0.2.2 port 22 ssh2",
            "a user from 192.0.2.1 port ",
        ] {
            assert_eq!(asks(true, &[same[0], other]), 2, "{other}");
            assert_eq!(asks(true, &[other, same[0]]), 2, "{other}");
        }
    }

    #[test]
    fn like_messages_have_places_of_their_own() {
        let mut taken = [0; PLACES];
        for number in 0..64 {
            let message = format!("Failed password for root from 192.0.2.{number} port ");
            taken[place(message.as_bytes())] += 1;
        }
        assert!(taken.iter().filter(|count| **count > 0).count() > 30, "{taken:?}");
    }
}
