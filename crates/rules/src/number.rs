//! Messages that differ in a number only: the port of the other side, which stands at the end of
//! most lines about a login and is another one each time.

use monban_model::limits::MATCH_STEPS_MAX;

use crate::class::{Class, no_digits};
use crate::field::{Field, Shape};
use crate::filter::Filter;
use crate::linear::{Free, Step};
use crate::memo::MESSAGE_MAX;
use crate::tree::{Back, Front};

/// Where the number stands that is the last or the last but one of a message's words: up to seven
/// digits with a space before them, and a word of up to 15 bytes behind them.
#[inline(always)]
pub(crate) fn number(message: &[u8]) -> Option<(usize, usize)> {
    let before = |end: usize| {
        let others = no_digits(message.get(..end)?.last_chunk()?);
        let start = end - (others.leading_zeros() / 8) as usize;
        (others != 0 && start < end && message[start - 1] == b' ').then_some((start, end))
    };
    before(message.len()).or_else(|| before(last_space(message)?))
}

/// The place of the last space, if it is among the last 16 bytes.
#[inline(always)]
fn last_space(message: &[u8]) -> Option<usize> {
    let mut end = message.len();
    for _ in 0..2 {
        let spaces = spaces(message.get(..end)?.last_chunk()?);
        if spaces != 0 {
            return Some(end - 1 - (spaces.leading_zeros() / 8) as usize);
        }
        end -= 8;
    }
    None
}

/// The high bit of each byte that is a space, and no other bit.
#[inline(always)]
fn spaces(bytes: &[u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let other = u64::from_le_bytes(*bytes) ^ (EACH * u64::from(b' '));
    !(((other & (EACH * 0x7f)) + (EACH * 0x7f)) | other | (EACH * 0x7f))
}

/// Whether such a number may be any other one for these patterns: what they read before it stays
/// the same. `prefix` is what all of them begin with.
///
/// A number is a word of digits: spaces, or the end, stand beside it. No literal has such a word,
/// so one that overlaps the number has something else there and fails with any number, also behind
/// a field that leaves its last bytes to it. An address is never a word of digits; a class of bytes
/// has all digits or none, and no field asks for more than one byte (more might be in one number
/// and not in another). A `-` or a quote is no part of it. What is searched for between two free
/// fields begins with a literal, so it is never found within the number, and the search never ends
/// for its limit. So every step begins and ends at the same bytes beside the number, or fails with
/// any.
pub(crate) fn may_be_any(prefix: &[u8], front: &Front) -> bool {
    let mut cost = 0;
    has_none(prefix) && front_fits(front, &mut cost) && cost <= MATCH_STEPS_MAX
}

/// Whether a text has no word of digits in it.
pub(crate) fn has_none(text: &[u8]) -> bool {
    let mut words = text.split(|byte| *byte == b' ');
    words.all(|word| word.is_empty() || !word.iter().all(u8::is_ascii_digit))
}

/// Whether a condition sees no such number.
pub(crate) fn is_not_asked(filter: &Filter) -> bool {
    filter.values().all(has_none)
}

fn front_fits(front: &Front, cost: &mut usize) -> bool {
    front.branches.iter().all(|(step, next)| step_fits(step) && front_fits(next, cost))
        && front.back.as_ref().is_none_or(|back| back_fits(back, cost))
}

fn back_fits(back: &Back, cost: &mut usize) -> bool {
    back.branches.iter().all(|(step, next)| step_fits(step) && back_fits(next, cost))
        && back.free.iter().all(|free| free_fits(free, cost))
}

/// `cost` grows by what the search for these may cost at most, so that none ends for its limit.
fn free_fits(free: &[Free], cost: &mut usize) -> bool {
    let Some((last, before)) = free.split_last() else { return true };
    let fits = |free: &Free| field_fits(&free.field) && free.then.iter().all(step_fits);
    field_fits(&last.field)
        && before.iter().zip(&free[1..]).enumerate().all(|(at, (this, next))| {
            let Some(Step::Literal(literal)) = this.then.first() else { return false };
            *cost += places_max(literal.bytes()) * (MESSAGE_MAX + 16);
            // Else the next one may be searched for more than once.
            let is_once = next.field.shape == Shape::Run && next.field.class == Class::ANY;
            fits(this) && (is_once || at + 2 == free.len())
        })
}

/// In how many places of a message a text may stand.
fn places_max(text: &[u8]) -> usize {
    let is_period = |period: &usize| text[*period..] == text[..text.len() - period];
    let period = (1..text.len()).find(is_period).unwrap_or(text.len()).max(1);
    MESSAGE_MAX / period + 1
}

fn step_fits(step: &Step) -> bool {
    match step {
        Step::Literal(literal) => has_none(literal.bytes()),
        Step::Fixed(fixed) => field_fits(&fixed.field),
    }
}

fn field_fits(field: &Field) -> bool {
    let has_all = Class::DIGIT.is_in(&field.class);
    let has_none = !Class::DIGIT.meets(&field.class);
    // Both are read as a whole.
    let is_whole = matches!(field.shape, Shape::Address | Shape::Int);
    field.min <= 1 && (is_whole || has_all || has_none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Linear;
    use crate::pattern::variants;
    use crate::tree::Shared;

    fn parts(message: &str) -> Option<(&str, &str)> {
        let (start, end) = number(message.as_bytes())?;
        assert!(message[start..end].bytes().all(|byte| byte.is_ascii_digit()), "{message}");
        Some((&message[..start], &message[end..]))
    }

    #[test]
    fn the_last_word_of_digits_is_found() {
        for (before, number, behind) in [
            ("Failed password for root from 192.0.2.1 port ", "38926", " ssh2"),
            ("Failed password for root from 192.0.2.1 port ", "1", " ssh2"),
            ("Invalid user admin from 192.0.2.1 port ", "22", ""),
            ("by authenticating user root 192.0.2.1 port ", "65535", " [preauth]"),
            ("a message of words that ends with a ", "1234567", ""),
            ("a message with a ", "7", " word-of-15-byte"),
        ] {
            assert_eq!(parts(&[before, number, behind].concat()), Some((before, behind)));
        }
        for none in [
            "",
            " 12",
            "12345678901234567890",
            "a message without any number",
            "a number far from the end 12 of a message",
            "a message with no space before123",
            "a message with no space before123 x",
            "a number that is longer 12345678",
            "a number and a long word 12 word-of-16-bytes",
            "a number and a sign 12: of it",
            "two spaces behind a number 12  x",
            "a space at the end of it 123 ",
        ] {
            let expected = none.strip_suffix("123 ").map(|before| (before, " "));
            assert_eq!(parts(none), expected, "{none}");
        }
    }

    #[test]
    fn a_pattern_that_looks_into_a_number_is_told() {
        for (pattern, expected) in [
            ("Failed {method} for {user} from {address} port {int}[ ssh2]", true),
            ("a {word} from {address} port {text}", true),
            ("a {word} 5x b2 {hex} <{int}>", true),
            ("a {int} 22", false),
            ("22 {word}", false),
            ("a {word:5} b", false),
            ("a {user} 5 {text}", false),
            ("a {user} is {text} and {text}", true),
            ("a {user} is {text:;} and {text}", false),
        ] {
            let mut front = Front::default();
            let mut prefix = Vec::new();
            for variant in variants(pattern).unwrap() {
                let linear = Linear::compile(&variant).unwrap();
                prefix = linear.prefix.to_vec();
                front.add(linear, &mut Shared::default());
            }
            assert_eq!(may_be_any(&prefix, &front), expected, "{pattern}");
        }
    }
}
