//! Reading addresses; dotted quads, by far the most, by hand.

use std::net::Ipv4Addr;

use monban_model::Address;

/// Reads a text that is an address and nothing else.
#[inline]
pub(crate) fn read_address(text: &[u8]) -> Option<Address> {
    match quad(text) {
        Some((bits, length)) if length == text.len() => {
            Some(Address::new(Ipv4Addr::from_bits(bits).into()))
        }
        // Only what has a colon can be an address besides.
        _ if text.contains(&b':') => Address::from_bytes(text),
        _ => None,
    }
}

/// The dotted quad that `text` begins with, as a number, and its length. As std does, a part with
/// a zero in front is refused: it would be octal to some readers.
#[inline]
pub(crate) fn quad(text: &[u8]) -> Option<(u32, usize)> {
    match text.first_chunk() {
        Some(bytes) => quad_in(bytes),
        None => {
            let mut bytes = [0; QUAD_MAX];
            bytes[..text.len()].copy_from_slice(text);
            quad_in(&bytes)
        }
    }
}

/// The same where zeros, which are no digits, stand behind a text that is shorter. The longest
/// quad has 15 bytes; one behind it tells that it ends.
#[inline]
fn quad_in(bytes: &[u8; QUAD_MAX]) -> Option<(u32, usize)> {
    let (first, at) = part(bytes, 0)?;
    let (second, at) = part(bytes, dot(bytes, at)?)?;
    let (third, at) = part(bytes, dot(bytes, at)?)?;
    let (fourth, at) = part(bytes, dot(bytes, at)?)?;
    let is_end = digit(bytes, at) > 9;
    is_end.then_some((first << 24 | second << 16 | third << 8 | fourth, at))
}

/// The dotted quad behind the last space of `text`, as a number, and its length.
#[inline]
pub(crate) fn quad_behind_space(text: &[u8]) -> Option<(u32, usize)> {
    const EACH: u128 = u128::from_le_bytes([1; QUAD_MAX]);
    let last = u128::from_le_bytes(*text.last_chunk::<QUAD_MAX>()?);
    let other = last ^ (EACH * u128::from(b' '));
    let low = EACH * 0x7f;
    // The high bit of each byte that is a space, and no other bit.
    let spaces = !(((other & low) + low) | other | low);
    let before = QUAD_MAX as u32 * 8 - spaces.leading_zeros();
    // Neither without a space nor with nothing behind it.
    let behind = last.checked_shr(before).filter(|_| spaces != 0)?;
    let length = (spaces.leading_zeros() / 8) as usize;
    quad_in(&behind.to_le_bytes()).filter(|(_, read)| *read == length)
}

/// Bytes that are looked at. No place lies beyond: four parts and three dots are 15 bytes.
const QUAD_MAX: usize = 16;

/// The digit at a place; more than 9 if it is none.
#[inline(always)]
fn digit(bytes: &[u8; QUAD_MAX], at: usize) -> u32 {
    u32::from(bytes[at % QUAD_MAX].wrapping_sub(b'0'))
}

/// What follows the dot at a place.
#[inline(always)]
fn dot(bytes: &[u8; QUAD_MAX], at: usize) -> Option<usize> {
    (bytes[at % QUAD_MAX] == b'.').then_some(at + 1)
}

/// A number up to 255, and where it ends.
#[inline(always)]
fn part(bytes: &[u8; QUAD_MAX], at: usize) -> Option<(u32, usize)> {
    let (one, two, three) = (digit(bytes, at), digit(bytes, at + 1), digit(bytes, at + 2));
    if one > 9 {
        return None;
    }
    if two > 9 || one == 0 {
        return Some((one, at + 1));
    }
    if three > 9 {
        return Some((one * 10 + two, at + 2));
    }
    let number = one * 100 + two * 10 + three;
    (number <= 255).then_some((number, at + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_std_reads_it() {
        for text in [
            "1.2.3.4",
            "255.255.255.255",
            "0.0.0.0",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.1.1.256",
            "1.1.1.2555",
            "1..2.3",
            ".1.2.3",
            "1.2.3.",
            "",
            "::1",
            "::ffff:1.2.3.4",
            "1.2.3.00",
            "1.2.3.4x",
        ] {
            let expected = Address::from_bytes(text.as_bytes());
            assert_eq!(read_address(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_quad_is_found_behind_the_last_space() {
        for (text, expected) in [
            ("a text that ends in 1.2.3.4", Some((0x0102_0304, 7))),
            ("of 255.255.255.255", Some((u32::MAX, 15))),
            ("with more 1.2.3.4 ", None),
            ("without a space:1.2.3.4", None),
            ("more than one 1.2.3.4.5", None),
            ("far away  255.255.255.2555", None),
            (" 1.2.3.4", None),
        ] {
            assert_eq!(quad_behind_space(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_quad_ends_where_its_last_digit_does() {
        assert_eq!(quad(b"1.2.3.4: 11"), Some((0x0102_0304, 7)));
        assert_eq!(quad(b"1.2.3.255.x"), Some((0x0102_03ff, 9)));
        assert_eq!(quad(b"1.2.3.2551"), None);
        assert_eq!(quad(b"1.2.3.01"), None);
    }
}
