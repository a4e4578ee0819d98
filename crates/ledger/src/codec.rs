//! The two lists that are one column: the marks and the evidence of a tally.
//!
//! They are rewritten as a whole whenever the tally changes, so rows of their own would cost ten
//! index entries where one column does. A list begins with the number of its form; all numbers
//! are LEB128, times are the difference to the time before, zigzag coded. The texts stand as they
//! are, so that `sqlite3` and `strings` show the lines.

use monban_model::{Evidence, Stamp, TallyLine, TallyLineRef};

const FORM: u8 = 2;

/// Adds the column of [`monban_model::TallyRow::marks`].
pub(crate) fn put_marks(out: &mut Vec<u8>, marks: impl ExactSizeIterator<Item = (Stamp, u64)>) {
    out.push(FORM);
    put_number(out, marks.len() as u64);
    let mut before = 0;
    for (time, connection) in marks {
        put_time(out, &mut before, time);
        put_number(out, connection);
    }
}

/// Adds the column of [`monban_model::TallyRow::evidence`].
pub(crate) fn put_evidence<'a>(
    out: &mut Vec<u8>,
    lines: impl ExactSizeIterator<Item = TallyLineRef<'a>>,
) {
    out.push(FORM);
    put_number(out, lines.len() as u64);
    let mut before = 0;
    for one in lines {
        put_time(out, &mut before, one.time);
        put_number(out, u64::from(one.weight));
        put_number(out, one.connection);
        put_number(out, u64::from(one.main));
        put_text(out, one.rule.as_bytes());
        put_text(out, one.line);
    }
}

/// The marks in a column; `None` for anything that [`put_marks`] does not write.
pub(crate) fn marks_from_bytes(bytes: &[u8]) -> Option<Vec<(Stamp, u64)>> {
    let (mut rest, count) = begin(bytes)?;
    let mut before = 0;
    let mut marks = Vec::with_capacity(count);
    for _ in 0..count {
        let time = take_time(&mut rest, &mut before)?;
        marks.push((time, take_number(&mut rest)?));
    }
    rest.is_empty().then_some(marks)
}

/// The evidence in a column; `None` for anything that [`put_evidence`] does not write.
pub(crate) fn evidence_from_bytes(bytes: &[u8]) -> Option<Vec<TallyLine>> {
    let (mut rest, count) = begin(bytes)?;
    let mut before = 0;
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        let time = take_time(&mut rest, &mut before)?;
        let weight = u32::try_from(take_number(&mut rest)?).ok()?;
        let connection = take_number(&mut rest)?;
        let main = take_number(&mut rest)? == 1;
        let rule = String::from_utf8(take_text(&mut rest)?.to_vec()).ok()?;
        let line = take_text(&mut rest)?.to_vec();
        let evidence = Evidence { time, rule, weight, line };
        lines.push(TallyLine { evidence, connection, main });
    }
    rest.is_empty().then_some(lines)
}

/// The form and the count. Each item has at least two bytes, so that a damaged count cannot ask
/// for more memory than the column itself has.
fn begin(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (form, mut rest) = bytes.split_first()?;
    let count = usize::try_from(take_number(&mut rest)?).ok()?;
    (*form == FORM && count <= rest.len() / 2).then_some((rest, count))
}

pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_time(out: &mut Vec<u8>, before: &mut i64, time: Stamp) {
    let step = time.0.wrapping_sub(*before);
    *before = time.0;
    put_number(out, (step.wrapping_shl(1) ^ (step >> 63)).cast_unsigned());
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text);
}

pub(crate) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_time(rest: &mut &[u8], before: &mut i64) -> Option<Stamp> {
    let coded = take_number(rest)?;
    let step = (coded >> 1).cast_signed() ^ -((coded & 1).cast_signed());
    *before = before.wrapping_add(step);
    Some(Stamp(*before))
}

pub(crate) fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            marks in prop::collection::vec((any::<i64>().prop_map(Stamp), any::<u64>()), 0..40),
            lines in prop::collection::vec(
                (
                    any::<(i64, u32, u64, bool)>(),
                    ".{0,20}",
                    prop::collection::vec(any::<u8>(), 0..600),
                ),
                0..12,
            ),
        ) {
            let evidence: Vec<TallyLine> = lines
                .into_iter()
                .map(|((time, weight, connection, main), rule, line)| {
                    let evidence = Evidence { time: Stamp(time), rule, weight, line };
                    TallyLine { evidence, connection, main }
                })
                .collect();
            let (mut first, mut second) = (Vec::new(), Vec::new());
            put_marks(&mut first, marks.iter().copied());
            put_evidence(&mut second, evidence.iter().map(TallyLine::as_ref));
            prop_assert_eq!(marks_from_bytes(&first), Some(marks));
            prop_assert_eq!(evidence_from_bytes(&second), Some(evidence));
        }

        #[test]
        fn damaged_columns_are_refused_or_read_but_never_more(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Some(marks) = marks_from_bytes(&bytes) {
                prop_assert!(marks.len() * 2 <= bytes.len());
            }
            let _ = evidence_from_bytes(&bytes);
        }
    }

    #[test]
    fn a_count_that_cannot_be_is_refused_before_memory_is_asked_for() {
        let mut bytes = vec![FORM];
        put_number(&mut bytes, u64::MAX);
        assert_eq!(marks_from_bytes(&bytes), None);
        assert_eq!(evidence_from_bytes(&bytes), None);
        assert_eq!(marks_from_bytes(&[9, 0]), None, "another form");
        assert_eq!(marks_from_bytes(&[FORM, 0, 0]), None, "a byte too many");
    }
}
