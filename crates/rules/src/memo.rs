//! What the rules said of messages lately. Whoever tries again and again writes the same message
//! again and again: of a real sshd log, 58 of 100 messages are among the last 16 different ones.

use monban_model::{RuleId, ServiceId};

use crate::bytes::same;
use crate::found::Found;
use crate::read::Seen;
use crate::scan::Captures;

/// Messages that are remembered: as many places, of which a message has one.
const PLACES: usize = 64;

/// Longest message that is remembered, in bytes.
const MESSAGE_MAX: usize = 160;

const _: () = assert!(MESSAGE_MAX <= u8::MAX as usize);

/// Remembers messages and what was read out of them.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// The rules that said so.
    rules: u64,
    places: Vec<Said>,
}

/// What was said of one message.
#[derive(Clone, Debug)]
struct Said {
    /// The services that were asked: the place of their list, which stays as long as the rules.
    services: usize,
    length: u8,
    message: [u8; MESSAGE_MAX],
    seen: Seen,
    /// It came again: the next other message of its place is not remembered instead. Most that
    /// name a port are never written again, and would push out those that are.
    came_again: bool,
    rule: RuleId,
    index: usize,
    captures: Captures,
}

impl Said {
    const NOTHING: Self = Self {
        services: 0,
        length: 0,
        message: [0; MESSAGE_MAX],
        seen: Seen::Foreign,
        came_again: false,
        rule: RuleId(0),
        index: 0,
        captures: Captures::NONE,
    };
}

impl Memo {
    /// What these services said of `found`'s message: as `ask` answers, and with the same left in
    /// `found`. `rules` is the number of the rules, of which the services are a part.
    #[inline]
    pub(crate) fn said<'m>(
        &mut self,
        rules: u64,
        services: &[ServiceId],
        found: &mut Found<'m>,
        ask: impl FnOnce(&mut Found<'m>) -> Seen,
    ) -> Seen {
        let message = found.message;
        if services.is_empty() || message.len() > MESSAGE_MAX {
            return ask(found);
        }
        if self.rules != rules {
            self.rules = rules;
            self.places = vec![Said::NOTHING; PLACES];
        }
        let asked = services.as_ptr() as usize;
        let Some(said) = self.places.get_mut(place(message)) else { return ask(found) };
        let known = &said.message[..usize::from(said.length)];
        if said.services == asked && known.len() == message.len() && same(known, message) {
            (found.rule, found.index) = (said.rule, said.index);
            found.captures = said.captures;
            said.came_again = true;
            return said.seen;
        }
        let seen = ask(found);
        if std::mem::take(&mut said.came_again) {
            return seen;
        }
        (said.services, said.length, said.seen) = (asked, message.len() as u8, seen);
        said.message[..message.len()].copy_from_slice(message);
        (said.rule, said.index, said.captures) = (found.rule, found.index, found.captures);
        seen
    }
}

/// Where a message stands. Who makes many messages meet in one place has them read anew, as they
/// would be without this.
#[inline]
fn place(message: &[u8]) -> usize {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    // Shorter ones are few.
    let (Some(start), Some(end)) = (message.first_chunk(), message.last_chunk::<20>()) else {
        return message.len() % PLACES;
    };
    let middle = message[message.len() / 2..].first_chunk().unwrap_or(start);
    let [before @ .., _, _, _, _, _, _, _, _, _, _, _, _] = end;
    let [_, _, _, _, _, _, _, _, _, _, _, _, end @ ..] = end;
    // The ends tell most messages apart; addresses stand in the middle or at the end.
    let mixed = word(end)
        ^ word(middle).rotate_left(17)
        ^ word(before).rotate_left(31)
        ^ word(start).rotate_left(47)
        ^ message.len() as u64;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize
}

const _: () = assert!(PLACES == 1 << 6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_asked_for_once_by_the_same_rules_and_services() {
        let mut memo = Memo::default();
        let (one, other) = (vec![ServiceId(1)], vec![ServiceId(1)]);
        let mut asked = 0;
        let mut say = |rules, services: &[ServiceId], message: &[u8]| {
            let mut found = Found::none(message);
            let seen = memo.said(rules, services, &mut found, |found| {
                asked += 1;
                found.rule = RuleId(message.len() as u16);
                Seen::Known(ServiceId(1))
            });
            assert_eq!((seen, found.rule.0 as usize), (Seen::Known(ServiceId(1)), message.len()));
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
    fn like_messages_have_places_of_their_own() {
        let mut taken = [0; PLACES];
        for number in 0..64 {
            let message = format!("Failed password for root from 192.0.2.{number} port 22 ssh2");
            taken[place(message.as_bytes())] += 1;
        }
        assert!(taken.iter().filter(|count| **count > 0).count() > 30, "{taken:?}");
    }
}
