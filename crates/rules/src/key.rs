//! A hash that is the same after every restart.

/// A hash of `bytes` from `seed`: eight bytes at a time, multiplied and folded. It is not meant
/// to withstand somebody who chooses the bytes; an attacker chooses none of them.
#[inline]
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    // Byte by byte: a word that is loaded right behind stores of its bytes would wait for them.
    let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let mut state = mix(seed ^ bytes.len() as u64);
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    mix(state ^ last)
}

/// The finalizer of MurmurHash3, less its last round.
#[inline]
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word ^ word >> 33
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_hash_never_changes() {
        // Open connections are kept across restarts and updates under these numbers.
        assert_eq!(hash(0, b"sshd"), 1_911_292_017_444_417_056);
        assert_eq!(hash(1, b"sshd-session[123456]"), 17873130627516040064);
        assert_ne!(hash(hash(0, b"a"), b"b"), hash(hash(0, b"b"), b"a"));
        assert_ne!(hash(0, b"12"), hash(0, b"21"));
    }
}
