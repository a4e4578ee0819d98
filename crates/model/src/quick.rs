//! A fast hash for maps whose keys strangers choose.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Makes hashers of 64-bit folded multiplication, keyed by chance for each map: whoever does not
/// know the key cannot make keys that collide, and a map cannot tell it outside. Values are not
/// stable beyond the map; those of [`QuickState::of_process`] beyond the process.
#[derive(Clone, Debug)]
pub struct QuickState {
    start: u64,
    end: u64,
}

impl Default for QuickState {
    fn default() -> Self {
        // Chance is where std has it for its own maps.
        let chance = RandomState::default();
        Self { start: chance.hash_one(1), end: chance.hash_one(2) | 1 }
    }
}

impl QuickState {
    /// The one of this process, for what is compared across its threads.
    pub fn of_process() -> Self {
        static ONE: LazyLock<QuickState> = LazyLock::new(QuickState::default);
        ONE.clone()
    }

    /// The hash of two numbers.
    #[inline]
    pub fn pair(&self, one: u64, other: u64) -> u64 {
        fold(self.start ^ one, self.end ^ other)
    }
}

impl BuildHasher for QuickState {
    type Hasher = QuickHasher;

    #[inline]
    fn build_hasher(&self) -> QuickHasher {
        QuickHasher { state: self.start, end: self.end }
    }
}

/// See [`QuickState`].
#[derive(Clone, Debug)]
pub struct QuickHasher {
    state: u64,
    end: u64,
}

/// Without a pattern in its bits: the golden ratio's.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Both halves of the product hold bits of both factors.
#[inline]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

impl Hasher for QuickHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, more)) = rest.split_first_chunk::<16>() {
            let (low, high) = first.split_at(8);
            self.state = fold(self.state ^ word(low), self.end ^ word(high));
            rest = more;
        }
        let (low, high) = rest.split_at(rest.len().min(8));
        // Its length tells a short text from one that ends in zeros; who does not know the key
        // cannot make up for it in the text.
        let length = self.end.wrapping_mul(2 * bytes.len() as u64 + 1);
        self.state = fold(self.state ^ word(low), length ^ word(high));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.state = fold(self.state ^ value, MIX);
    }

    #[inline]
    fn write_u128(&mut self, value: u128) {
        self.state = fold(self.state ^ value as u64, self.end ^ (value >> 64) as u64);
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.write_u64(value.into());
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        fold(self.state, self.end)
    }
}

/// Up to eight bytes as a number.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    if let Some(whole) = bytes.first_chunk::<8>() {
        return u64::from_le_bytes(*whole);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << 32;
    }
    match bytes {
        [] => 0,
        [first, .., last] => {
            let middle = bytes[bytes.len() / 2];
            u64::from(*first) | u64::from(middle) << 8 | u64::from(*last) << 16
        }
        [only] => u64::from(*only),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn like_keys_lie_far_apart() {
        let state = QuickState::default();
        let mut low = HashSet::new();
        for number in 0..100_000_u32 {
            let address = Address::new(std::net::Ipv4Addr::from_bits(number << 8).into());
            low.insert(state.hash_one(address) & 0xf_ffff);
        }
        // A million places and a hundred thousand keys: 95,163 are taken on average.
        assert!((94_000..96_500).contains(&low.len()), "{}", low.len());
        let mut texts = HashSet::new();
        for length in 0..200 {
            for byte in [0, b'a'] {
                texts.insert(state.hash_one(vec![byte; length]));
            }
        }
        assert_eq!(texts.len(), 399, "the empty one is there twice");
    }

    #[test]
    fn the_hash_of_the_process_is_one_for_all_threads() {
        let here = QuickState::of_process().pair(1, 2);
        let there = std::thread::spawn(|| QuickState::of_process().pair(1, 2)).join().unwrap();
        assert_eq!(here, there);
        let pairs = [(1, 2), (2, 1), (1, 0), (0, 1), (0, 0), (3, 3), (1 << 32, 2)];
        let different: HashSet<u64> =
            pairs.map(|(one, other)| QuickState::of_process().pair(one, other)).into();
        assert_eq!(different.len(), pairs.len());
    }

    #[test]
    fn every_map_has_a_key_of_its_own() {
        let one = QuickState::default().hash_one(7_u64);
        assert!((0..4).any(|_| QuickState::default().hash_one(7_u64) != one));
        let mut map: HashMap<&str, u32, QuickState> = HashMap::default();
        for (at, text) in ["", "a", "ab", "abc", "abcdefghijklmnopq"].iter().enumerate() {
            map.insert(text, at as u32);
        }
        assert_eq!((map[""], map["abc"], map["abcdefghijklmnopq"], map.len()), (0, 3, 4, 5));
    }
}
