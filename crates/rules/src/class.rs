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

    /// Whether the two sets share a byte.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether every byte of `text` is in the set.
    pub(crate) fn holds(&self, text: &[u8]) -> bool {
        text.iter().all(|&byte| self.has(byte))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_its_bytes_and_no_others() {
        assert!(Class::WORD.has(0xff) && Class::WORD.has(0) && !Class::WORD.has(b'\t'));
        assert_eq!(Class::DIGIT.run(b"12a"), 2);
        assert_eq!(Class::DIGIT.run_back(b"a12"), 2);
        assert!(!Class::ANY.without(b"\"").has(b'"'));
        assert!(Class::NAME.meets(&Class::DIGIT) && !Class::DIGIT.meets(&Class::of(b"a")));
    }
}
