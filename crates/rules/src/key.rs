//! A hash that is the same after every restart.

/// A hash of `bytes` from `seed`: eight bytes at a time, multiplied and folded. It is not meant
/// to withstand somebody who chooses the bytes; an attacker chooses none of them.
#[inline]
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let last = last_word(rest);
    let mut state = mix(seed ^ bytes.len() as u64);
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    mix(state ^ last)
}

/// Fewer than eight bytes as a number, the first one lowest. What is loaded twice falls on itself.
#[inline]
fn last_word(rest: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (rest.len() - 4));
    }
    let Some(last) = rest.len().checked_sub(1) else { return 0 };
    let byte = |at: usize| u64::from(rest[at]) << (8 * at);
    byte(0) | byte(last / 2) | byte(last)
}

/// The finalizer of MurmurHash3, less its last round.
#[inline]
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word ^ word >> 33
}

#[cfg(test)]
mod tests {
    use super::{hash, last_word};

    #[test]
    fn the_hash_never_changes() {
        // Open connections are kept across restarts and updates under these numbers.
        assert_eq!(hash(0, b"sshd"), 1_911_292_017_444_417_056);
        assert_eq!(hash(1, b"sshd-session[123456]"), 17873130627516040064);
        assert_ne!(hash(hash(0, b"a"), b"b"), hash(hash(0, b"b"), b"a"));
        assert_ne!(hash(0, b"12"), hash(0, b"21"));
        for length in 0..8 {
            let rest = &b"abcdefgh"[..length];
            let number = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            assert_eq!(last_word(rest), number);
        }
    }
}
