//! From bytes to lines.

use monban_model::limits::LINE_MAX;

/// What was left out of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Lines that were longer than `LINE_MAX` and were cut there.
    pub(crate) cut: u64,
    /// The bytes beyond the cut.
    pub(crate) cut_bytes: u64,
    /// NUL bytes before a line: the hole that copytruncate leaves under a writer that does not
    /// append (open(2) without `O_APPEND` keeps its offset over the truncation).
    pub(crate) nul_bytes: u64,
}

/// Hands out every complete line of `bytes`, which begin at the start of a line, with the offset
/// of its first byte. Answers how many bytes are done; NUL bytes before an incomplete line are.
pub(crate) fn split(bytes: &[u8], left: &mut Left, mut line: impl FnMut(usize, &[u8])) -> usize {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let raw = &bytes[start..end];
        let nuls = leading_nuls(raw);
        left.nul_bytes += nuls as u64;
        line(start + nuls, clean(&raw[nuls..], left));
        start = end + 1;
    }
    let nuls = leading_nuls(&bytes[start..]);
    left.nul_bytes += nuls as u64;
    start + nuls
}

/// A line without its carriage return, cut at `LINE_MAX`.
pub(crate) fn clean<'a>(raw: &'a [u8], left: &mut Left) -> &'a [u8] {
    let text = raw.strip_suffix(b"\r").unwrap_or(raw);
    if text.len() <= LINE_MAX {
        return text;
    }
    left.cut += 1;
    left.cut_bytes += (text.len() - LINE_MAX) as u64;
    &text[..LINE_MAX]
}

fn leading_nuls(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(0) => bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same in the plainest words.
    fn naive(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let mut parts: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        let rest = parts.pop().unwrap_or_default();
        let nuls = rest.iter().take_while(|b| **b == 0).count();
        let lines = parts.into_iter().map(naive_line).collect();
        (lines, bytes.len() - rest.len() + nuls)
    }

    fn naive_line(part: &[u8]) -> Vec<u8> {
        let mut text: Vec<u8> = part.iter().copied().skip_while(|b| *b == 0).collect();
        if text.last() == Some(&b'\r') {
            text.pop();
        }
        text.truncate(LINE_MAX);
        text
    }

    proptest! {
        #[test]
        fn framing_equals_a_naive_split(
            bytes in proptest::collection::vec(
                prop_oneof![4 => Just(b'a'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(0u8),
                    1 => any::<u8>()],
                0..400,
            ),
            stretch in 0usize..3,
        ) {
            // Some lines longer than the limit.
            let mut bytes = bytes;
            for _ in 0..stretch {
                let at = bytes.len() / 2;
                bytes.splice(at..at, std::iter::repeat_n(b'x', LINE_MAX - 1));
            }
            let mut lines = Vec::new();
            let done = split(&bytes, &mut Left::default(), |_, line| lines.push(line.to_vec()));
            prop_assert_eq!((lines, done), naive(&bytes));
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut bytes = vec![0, 0, b'a', b'\r', b'\n'];
        bytes.extend(std::iter::repeat_n(b'b', LINE_MAX + 5));
        bytes.extend(b"\n\0\0\0");
        let mut left = Left::default();
        let mut lines = Vec::new();
        let done = split(&bytes, &mut left, |at, line| lines.push((at, line.len())));
        assert_eq!(done, bytes.len());
        assert_eq!(lines, [(2, 1), (5, LINE_MAX)]);
        assert_eq!(left, Left { cut: 1, cut_bytes: 5, nul_bytes: 5 });
    }
}
