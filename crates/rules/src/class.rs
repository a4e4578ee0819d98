//! Sets of bytes.

/// A set of byte values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Class([u64; 4]);

impl Class {
    /// Every byte.
    pub(crate) const ANY: Self = Self([u64::MAX; 4]);
    /// Every byte but white space: what ends a word.
    pub(crate) const WORD: Self = Self::of(b" \t\n\r\x0b\x0c").complement();
    /// Letters, digits, `.`, `_`, `-`: what a host name may have.
    pub(crate) const NAME: Self =
        Self::of(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    /// `0` to `9`.
    pub(crate) const DIGIT: Self = Self::of(b"0123456789");
    /// `0` to `9`, `a` to `f`, `A` to `F`.
    pub(crate) const HEX: Self = Self::of(b"0123456789abcdefABCDEF");
    /// What an address may have.
    pub(crate) const ADDRESS: Self = Self::of(b"0123456789abcdefABCDEF:.");

    /// The set of these bytes.
    pub(crate) const fn of(bytes: &[u8]) -> Self {
        let mut bits = [0; 4];
        let mut index = 0;
        while index < bytes.len() {
            bits[(bytes[index] >> 6) as usize] |= 1 << (bytes[index] & 63);
            index += 1;
        }
        Self(bits)
    }

    /// The bytes that are not in this set.
    pub(crate) const fn complement(self) -> Self {
        let b = self.0;
        Self([!b[0], !b[1], !b[2], !b[3]])
    }

    /// This set with these bytes.
    pub(crate) const fn or(self, bytes: &[u8]) -> Self {
        let (a, b) = (self.0, Self::of(bytes).0);
        Self([a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3]])
    }

    /// This set without these bytes.
    pub(crate) const fn without(self, bytes: &[u8]) -> Self {
        let (a, b) = (self.0, Self::of(bytes).complement().0);
        Self([a[0] & b[0], a[1] & b[1], a[2] & b[2], a[3] & b[3]])
    }

    /// Whether `byte` is in the set.
    #[inline(always)]
    pub(crate) const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 != 0
    }

    /// The only byte that is not in the set.
    fn all_but(&self) -> Option<u8> {
        let missing = self.complement().0;
        let count: u32 = missing.iter().map(|word| word.count_ones()).sum();
        let word = missing.iter().position(|word| *word != 0).filter(|_| count == 1)?;
        Some(word as u8 * 64 + missing[word].trailing_zeros() as u8)
    }

    /// Whether the other set has all its bytes.
    pub(crate) fn is_in(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & !b == 0)
    }

    /// Whether the two sets share a byte.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether every byte of `text` is in the set.
    #[inline]
    pub(crate) fn holds(&self, text: &[u8]) -> bool {
        *self == Self::ANY || text.iter().all(|&byte| self.has(byte))
    }

    /// Length of the part of `text`, from its start, that is in the set.
    #[inline]
    pub(crate) fn run(&self, text: &[u8]) -> usize {
        text.iter().position(|&byte| !self.has(byte)).unwrap_or(text.len())
    }

    /// Length of the part of `text`, up to its end, that is in the set.
    #[inline]
    pub(crate) fn run_back(&self, text: &[u8]) -> usize {
        text.iter().rev().position(|&byte| !self.has(byte)).unwrap_or(text.len())
    }
}

/// A set of bytes as it is looked for: the common ones need less than a look at each byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Runner {
    /// [`Class::ANY`].
    Any,
    /// [`Class::WORD`].
    Word,
    /// [`Class::DIGIT`].
    Digits,
    /// Every byte but this one.
    Until(u8),
    /// Any other set.
    Of(Class),
}

impl Runner {
    /// For this set.
    pub(crate) fn of(class: Class) -> Self {
        match class {
            Class::ANY => Self::Any,
            Class::WORD => Self::Word,
            Class::DIGIT => Self::Digits,
            _ => class.all_but().map_or(Self::Of(class), Self::Until),
        }
    }

    /// Length of the part of `text`, from its start, that is in the set.
    #[inline]
    pub(crate) fn run(&self, text: &[u8]) -> usize {
        let end = match self {
            Self::Any => None,
            Self::Word => return word(text),
            Self::Digits => return digits(text),
            Self::Until(byte) => memchr::memchr(*byte, text),
            Self::Of(class) => return class.run(text),
        };
        end.unwrap_or(text.len())
    }

    /// Length of the part of `text`, up to its end, that is in the set.
    #[inline]
    pub(crate) fn run_back(&self, text: &[u8]) -> usize {
        match self {
            Self::Any => text.len(),
            Self::Word => Class::WORD.run_back(text),
            Self::Digits => digits_back(text),
            Self::Until(byte) => {
                text.len() - memchr::memrchr(*byte, text).map_or(0, |before| before + 1)
            }
            Self::Of(class) => class.run_back(text),
        }
    }
}

/// Length of the number that `text` begins with.
#[inline]
fn digits(text: &[u8]) -> usize {
    match text.first_chunk().map(no_digits) {
        Some(others @ 1..) => (others.trailing_zeros() / 8) as usize,
        _ => Class::DIGIT.run(text),
    }
}

/// Length of the number that `text` ends with.
#[inline]
fn digits_back(text: &[u8]) -> usize {
    match text.last_chunk().map(no_digits) {
        Some(others @ 1..) => (others.leading_zeros() / 8) as usize,
        _ => Class::DIGIT.run_back(text),
    }
}

/// The high bit of each byte that is no digit, and no other bit.
#[inline]
pub(crate) fn no_digits(bytes: &[u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Digits are 0 to 9 now, and nothing else is.
    let values = u64::from_le_bytes(*bytes) ^ (EACH * 0x30);
    (((values & (EACH * 0x7f)) + EACH * 0x76) | values) & (EACH * 0x80)
}

/// Length of the word that `text` begins with. Eight bytes at a time are looked at for one that
/// is not above the space; few of those are none of [`Class::WORD`].
#[inline]
fn word(text: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let bytes = u64::from_le_bytes(*eight);
        // The lowest bit that is set is exact; above it there may be wrong ones.
        let low = bytes.wrapping_sub(EACH * 0x21) & !bytes & (EACH * 0x80);
        if low == 0 {
            at += 8;
            continue;
        }
        at += (low.trailing_zeros() / 8) as usize;
        if !Class::WORD.has(text[at]) {
            return at;
        }
        at += 1;
    }
    at + Class::WORD.run(&text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_runs_as_far_as_its_set() {
        let sets = [
            Class::ANY,
            Class::WORD,
            Class::DIGIT,
            Class::ANY.without(b"1"),
            Class::NAME,
            Class::ANY.without(b"1 "),
        ];
        let bytes = b"1a \x01\t\xa0\x20\xff2222222233333333abcdefghijk\x1f\x85lmnopq";
        for set in sets {
            let runner = Runner::of(set);
            for from in 0..bytes.len() {
                for to in from..=bytes.len() {
                    let text = &bytes[from..to];
                    assert_eq!(runner.run(text), set.run(text), "{runner:?} {text:?}");
                    assert_eq!(runner.run_back(text), set.run_back(text), "{runner:?} {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_class_holds_its_bytes_and_no_others() {
        assert!(Class::WORD.has(0xff) && Class::WORD.has(0) && !Class::WORD.has(b'\t'));
        assert_eq!(Class::DIGIT.run(b"12a"), 2);
        assert_eq!(Class::DIGIT.run_back(b"a12"), 2);
        assert!(!Class::ANY.without(b"\"").has(b'"'));
        assert!(Class::NAME.meets(&Class::DIGIT) && !Class::DIGIT.meets(&Class::of(b"a")));
    }
}
