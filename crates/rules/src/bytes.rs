//! Comparing short texts.

/// Whether two texts are equal; the short ones, which literals mostly are, without a call.
#[inline(always)]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if let (Some((a1, _)), Some((b1, _))) = (a.split_first_chunk::<8>(), b.split_first_chunk::<8>())
        && a.len() <= 16
        && let (Some((_, a2)), Some((_, b2))) =
            (a.split_last_chunk::<8>(), b.split_last_chunk::<8>())
    {
        return u64::from_ne_bytes(*a1) == u64::from_ne_bytes(*b1)
            && u64::from_ne_bytes(*a2) == u64::from_ne_bytes(*b2);
    }
    if a.len() < 8 {
        return a.iter().zip(b).all(|(a, b)| a == b);
    }
    a == b
}

/// What follows `start` in `text`, if it begins so.
#[inline(always)]
pub(crate) fn after<'t>(text: &'t [u8], start: &[u8]) -> Option<&'t [u8]> {
    let (head, tail) = text.split_at_checked(start.len())?;
    same(head, start).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_compared_whole() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..40 {
            assert!(same(&text[..length], &text.clone()[..length]));
            for wrong in 0..length {
                let mut other = text.clone();
                other[wrong] ^= 1;
                assert!(!same(&text[..length], &other[..length]), "{length} {wrong}");
            }
            assert!(!same(&text, &text[..length]));
        }
        assert_eq!(after(b"abc", b"ab"), Some(&b"c"[..]));
        assert_eq!(after(b"a", b"ab"), None);
    }
}
