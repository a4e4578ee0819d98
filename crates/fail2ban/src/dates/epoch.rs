//! Dates that are numbers: seconds since 1970, and TAI64N labels.

use super::line::Line;

/// The leftmost epoch at or after `from`: at the beginning of the line, perhaps after `[`, or
/// after `audit(`. The brackets behind it are not asked for: fail2ban's expression names them in
/// an alternative that may be empty.
pub fn search(line: Line, from: usize) -> Option<(usize, usize)> {
    let bracket = (line.bytes().first() == Some(&b'[')).then_some(1);
    for at in [Some(0), bracket].into_iter().flatten().filter(|at| *at >= from) {
        if let Some(end) = end(line, at) {
            return Some((at, end));
        }
    }
    for open in memchr::memchr_iter(b'(', line.bytes()) {
        let at = open + 1;
        if at >= from
            && line.bytes().get(..at).is_some_and(|before| before.ends_with(AUDIT))
            && line.is_word_edge(at - AUDIT.len())
            && let Some(end) = end(line, at)
        {
            return Some((at, end));
        }
    }
    None
}

const AUDIT: &[u8] = b"audit(";

/// The end of the epoch that begins here: 10 or 11 digits and perhaps a fraction.
pub fn end(line: Line, at: usize) -> Option<usize> {
    let mut end = at;
    for _ in 0..10 {
        end = line.digit(end)?.1;
    }
    if let Some((_, next)) = line.digit(end) {
        end = next;
    }
    if !line.is_word_edge(end) {
        return None;
    }
    if line.bytes().get(end) == Some(&b'.') {
        let mut ends = [0; 6];
        let mut next = end + 1;
        for place in &mut ends {
            let Some((_, after)) = line.digit(next) else { break };
            next = after;
            *place = after;
        }
        let mut fractions = ends[2..].iter().rev().filter(|end| **end > 0);
        if let Some(end) = fractions.find(|end| line.is_bound(**end)) {
            return Some(*end);
        }
    }
    Some(end)
}

/// The end of a TAI64N label: `@` and 24 hexadecimal digits in lower case.
pub fn label_end(line: Line, at: usize) -> Option<usize> {
    let (mark, digits) = line.bytes().get(at..at + 25)?.split_first()?;
    let fits = *mark == b'@' && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (fits && line.is_bound(at + 25)).then_some(at + 25)
}
