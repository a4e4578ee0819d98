//! Decimal numbers as they are written, of any length, compared without being rounded: numbers of
//! processes, inodes and requests go beyond what a float tells apart.

use std::cmp::Ordering;

/// A number as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal<'a> {
    negative: bool,
    /// Digits without leading zeros; both are empty or zeros for 0.
    whole: &'a [u8],
    fraction: &'a [u8],
    /// Digits before the point, if the first one is not 0.
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    /// Reads `-12.5e+3`; `None` if the text is anything else or goes on.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let (sign, rest) = match text.first()? {
            sign @ (b'+' | b'-') => (*sign, &text[1..]),
            _ => (b'+', text),
        };
        let (whole, rest) = digits(rest)?;
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => digits(rest)?,
            _ => (&rest[..0], rest),
        };
        let exponent = match rest.split_first() {
            None => 0,
            Some((b'e' | b'E', rest)) => exponent(rest)?,
            Some(_) => return None,
        };
        let zeros = |digits: &[u8]| digits.iter().take_while(|digit| **digit == b'0').count();
        let whole = &whole[zeros(whole)..];
        let (fraction, magnitude) = match whole.len() {
            0 => (&fraction[zeros(fraction)..], -signed(zeros(fraction))),
            length => (fraction, signed(length)),
        };
        let is_zero = whole.is_empty() && fraction.is_empty();
        let magnitude = if is_zero { i64::MIN } else { magnitude + exponent };
        Some(Self { negative: sign == b'-' && !is_zero, whole, fraction, magnitude })
    }

    /// Which of two is larger.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let absolute = || {
            let by_size = self.magnitude.cmp(&other.magnitude);
            by_size.then_with(|| compare_digits(self.digits(), other.digits()))
        };
        match (self.negative, other.negative) {
            (false, false) => absolute(),
            (true, true) => absolute().reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }
}

/// The number of a text as a metric's value: one that is finite.
pub(super) fn value(text: &[u8]) -> Option<f64> {
    Decimal::read(text)?;
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Digits at the beginning, at least one, and what follows them.
fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then(|| text.split_at(length))
}

/// An exponent; one beyond any number that could be meant stays far beyond.
fn exponent(text: &[u8]) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let (negative, rest) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, rest) = digits(rest)?;
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(FAR);
    let size = digits.iter().fold(0, add);
    rest.is_empty().then_some(if negative { -size } else { size })
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX >> 1)
}

/// Digits behind the same place; what is shorter goes on with zeros.
fn compare_digits(
    mut left: impl Iterator<Item = u8>,
    mut right: impl Iterator<Item = u8>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => match left.unwrap_or(b'0').cmp(&right.unwrap_or(b'0')) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_they_are_written() {
        let big = format!("1{}", "0".repeat(400));
        for (left, right, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("1e0", "1", Ordering::Equal),
            ("1e+3", "1000", Ordering::Equal),
            ("0.001e3", "1", Ordering::Equal),
            ("-0", "0.00e99", Ordering::Equal),
            ("0.5", "0.05", Ordering::Greater),
            ("-2", "1", Ordering::Less),
            ("-2", "-1", Ordering::Less),
            ("10", "9", Ordering::Greater),
            ("1.5", "1", Ordering::Greater),
            ("007", "7", Ordering::Equal),
            ("12345678901234567890", "12345678901234567891", Ordering::Less),
            ("1e400", big.as_str(), Ordering::Equal),
            ("1e99999999999999999999", "1e400", Ordering::Greater),
            ("1e-99999999999999999999", "0", Ordering::Greater),
        ] {
            let read = |text: &'static str| Decimal::read(text.as_bytes()).unwrap();
            let (left, right) = (read(leak(left)), read(leak(right)));
            assert_eq!(left.compare(&right), expected, "{left:?} {right:?}");
            assert_eq!(right.compare(&left), expected.reverse(), "{left:?} {right:?}");
        }
    }

    fn leak(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }

    proptest::proptest! {
        /// Against whole numbers, which are exact.
        #[test]
        fn any_two_are_compared_rightly(
            left in -2000_i64..2000, right in -2000_i64..2000, up in 0_u32..6, down in 0_u32..6,
        ) {
            let exact = |number: i64, power: u32| i128::from(number) * 10_i128.pow(power);
            let texts = [
                (format!("{left}e{up}"), format!("{right}0.000E+{down}")),
                (format!("{left}e-{down}"), format!("{right}0e-{up}")),
            ];
            let expected = [
                exact(left, up).cmp(&exact(right, down + 1)),
                exact(left, up).cmp(&exact(right, down + 1)),
            ];
            for ((left, right), expected) in texts.iter().zip(expected) {
                let left = Decimal::read(left.as_bytes()).unwrap();
                let right = Decimal::read(right.as_bytes()).unwrap();
                proptest::prop_assert_eq!(left.compare(&right), expected);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "-", "+", ".5", "5.", "1e", "1e+", "0x1", "inf", "NaN", "1 ", "1,0", "1.2.3"]
        {
            assert!(Decimal::read(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(value(b"-12.5e1"), Some(-125.0));
        assert_eq!(value(b"1e999"), None);
    }
}
