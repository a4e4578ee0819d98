//! Comparing short texts.

/// A text that others are compared with. Its ends are kept as numbers: most that do not begin or
/// end so are told by one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Literal {
    bytes: Box<[u8]>,
    /// Its first eight bytes, and which bits of them count.
    first: (u64, u64),
    /// Its last eight, in the same way.
    last: (u64, u64),
}

impl Literal {
    /// The text.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let length = bytes.len().min(8);
        let (mut first, mut last) = ([0; 8], [0; 8]);
        first[..length].copy_from_slice(&bytes[..length]);
        last[8 - length..].copy_from_slice(&bytes[bytes.len() - length..]);
        let unused = 64 - 8 * length as u32;
        let low = u64::MAX.checked_shr(unused).unwrap_or(0);
        let high = u64::MAX.checked_shl(unused).unwrap_or(0);
        Self {
            bytes: bytes.into(),
            first: (u64::from_le_bytes(first), low),
            last: (u64::from_le_bytes(last), high),
        }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its length.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `text` begins with it.
    #[inline(always)]
    pub(crate) fn begins(&self, text: &[u8]) -> bool {
        let Some(eight) = text.first_chunk::<8>() else {
            return text.starts_with(&self.bytes);
        };
        let (first, mask) = self.first;
        (u64::from_le_bytes(*eight) ^ first) & mask == 0
            && (self.len() <= 8 || text.get(..self.len()).is_some_and(|t| same(t, &self.bytes)))
    }

    /// Whether `text` ends with it.
    #[inline(always)]
    pub(crate) fn ends(&self, text: &[u8]) -> bool {
        let Some(eight) = text.last_chunk::<8>() else {
            return text.ends_with(&self.bytes);
        };
        let (last, mask) = self.last;
        (u64::from_le_bytes(*eight) ^ last) & mask == 0
            && (self.len() <= 8 || text.ends_with(&self.bytes))
    }
}

/// Whether two texts are equal; those of up to 128 bytes, which most are, without a call.
#[inline(always)]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && match a.len() {
            0..4 => a.iter().zip(b).all(|(a, b)| a == b),
            4..8 => {
                let half = |text: Option<&[u8; 4]>| text.map(|four| u32::from_ne_bytes(*four));
                half(a.first_chunk()) == half(b.first_chunk())
                    && half(a.last_chunk()) == half(b.last_chunk())
            }
            8..=16 => ends_alike::<8>(a, b),
            17..=32 => ends_alike::<16>(a, b),
            33..=64 => ends_alike::<32>(a, b),
            65..=128 => ends_alike::<64>(a, b),
            _ => a == b,
        }
}

/// Whether the first and the last `N` bytes of two texts are equal, without a branch in between:
/// where the lengths of texts change from line to line, it would mostly be guessed wrong.
#[inline(always)]
fn ends_alike<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    let differs = |a: Option<&[u8; N]>, b: Option<&[u8; N]>| {
        let (Some(a), Some(b)) = (a, b) else { return 1 };
        let pairs = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
        pairs.fold(0, |all, (a, b)| all | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)))
    };
    differs(a.first_chunk(), b.first_chunk()) | differs(a.last_chunk(), b.last_chunk()) == 0
}

/// Where `byte` first stands in `text`; near its start, which is where it is looked for, without a
/// call.
#[inline(always)]
pub(crate) fn place_of(byte: u8, text: &[u8]) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    if let Some(eight) = text.first_chunk::<8>() {
        let other = u64::from_le_bytes(*eight) ^ (EACH * u64::from(byte));
        // The lowest bit that is set is exact; above it there may be wrong ones.
        let found = other.wrapping_sub(EACH) & !other & (EACH * 0x80);
        if found != 0 {
            return Some((found.trailing_zeros() / 8) as usize);
        }
    }
    memchr::memchr(byte, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_compared_whole() {
        let text: Vec<u8> = (0..200).collect();
        for length in 0..200 {
            assert!(same(&text[..length], &text.clone()[..length]));
            for wrong in 0..length {
                let mut other = text.clone();
                other[wrong] ^= 0x80;
                assert!(!same(&text[..length], &other[..length]), "{length} {wrong}");
            }
            assert!(!same(&text, &text[..length]));
        }
    }

    #[test]
    fn a_byte_is_found_where_it_first_stands() {
        let text = b"\x5c\x5e]\xdd]a\0\xff bcdefghijklm]";
        for byte in 0..=255 {
            for from in 0..text.len() {
                let rest = &text[from..];
                let expected = rest.iter().position(|other| *other == byte);
                assert_eq!(place_of(byte, rest), expected, "{byte} {from}");
            }
        }
    }

    #[test]
    fn a_literal_begins_and_ends_what_begins_and_ends_with_it() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..30 {
            let (start, end) = (Literal::of(&text[..length]), Literal::of(&text[40 - length..]));
            for other in 0..40 {
                assert_eq!(start.begins(&text[..other]), other >= length, "{length} {other}");
                assert_eq!(end.ends(&text[40 - other..]), other >= length, "{length} {other}");
            }
            for wrong in 0..length {
                let mut other = text.clone();
                other[wrong] ^= 1;
                other[39 - wrong] ^= 1;
                assert!(!start.begins(&other) && !end.ends(&other), "{length} {wrong}");
            }
        }
    }
}
