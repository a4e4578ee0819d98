//! Python's numbers, as far as a configuration needs them.

use std::cmp::Ordering;

/// A whole number or one with a point. Whole numbers that no longer fit become the other kind:
/// Python would go on exactly, but no ban lasts so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Also yes (1) and no (0).
    Whole(i128),
    /// A double.
    Real(f64),
}

use Number::{Real, Whole};

/// What Python would raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Division by zero.
    Zero,
    /// Something that this kind of number cannot do, or a result that is no number.
    Kind,
}

impl Number {
    /// As a double.
    pub fn real(self) -> f64 {
        match self {
            Whole(value) => value as f64,
            Real(value) => value,
        }
    }

    /// Whether it counts as yes.
    pub fn is_yes(self) -> bool {
        self.real() != 0.0
    }

    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Whole(one), Whole(two)) => Some(one.cmp(&two)),
            _ => self.real().partial_cmp(&other.real()),
        }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        either(self, other, i128::checked_add, |one, two| one + two)
    }

    pub(crate) fn subtract(self, other: Self) -> Self {
        either(self, other, i128::checked_sub, |one, two| one - two)
    }

    pub(crate) fn multiply(self, other: Self) -> Self {
        either(self, other, i128::checked_mul, |one, two| one * two)
    }

    /// `/`: never whole.
    pub(crate) fn divide(self, other: Self) -> Result<Self, Fault> {
        if other.real() == 0.0 { Err(Fault::Zero) } else { Ok(Real(self.real() / other.real())) }
    }

    /// `//`: towards minus infinity.
    pub(crate) fn divide_floor(self, other: Self) -> Result<Self, Fault> {
        match (self, other) {
            _ if other.real() == 0.0 => Err(Fault::Zero),
            (Whole(one), Whole(two)) => {
                let quotient = one.checked_div(two).ok_or(Fault::Kind)?;
                let is_below = one % two != 0 && ((one < 0) != (two < 0));
                Ok(Whole(quotient - i128::from(is_below)))
            }
            _ => Ok(Real(self.real_parts(other).0)),
        }
    }

    /// `%`: with the sign of the divisor.
    pub(crate) fn remainder(self, other: Self) -> Result<Self, Fault> {
        let whole = self.divide_floor(other)?;
        match (self, other, whole) {
            (Whole(_), Whole(_), Whole(_)) => Ok(self.subtract(whole.multiply(other))),
            _ => Ok(Real(self.real_parts(other).1)),
        }
    }

    /// Quotient and remainder of doubles, as exactly as Python has them.
    fn real_parts(self, other: Self) -> (f64, f64) {
        let (one, two) = (self.real(), other.real());
        let mut rest = one % two;
        let mut quotient = (one - rest) / two;
        if rest != 0.0 && (rest < 0.0) != (two < 0.0) {
            rest += two;
            quotient -= 1.0;
        }
        (quotient.round(), rest)
    }

    /// `**`. Powers that do not fit into whole numbers become doubles, so nothing explodes.
    pub(crate) fn power(self, other: Self) -> Result<Self, Fault> {
        if let (Whole(base), Whole(exponent)) = (self, other) {
            let exponent = u32::try_from(exponent).ok();
            if let Some(whole) = exponent.and_then(|exponent| base.checked_pow(exponent)) {
                return Ok(Whole(whole));
            }
        }
        if self.real() == 0.0 && other.real() < 0.0 {
            return Err(Fault::Zero);
        }
        let result = self.real().powf(other.real());
        if result.is_nan() { Err(Fault::Kind) } else { Ok(Real(result)) }
    }

    /// `<<` (to the left is positive) and `>>`.
    pub(crate) fn shift(self, other: Self, left: bool) -> Result<Self, Fault> {
        let (Whole(value), Whole(by)) = (self, other) else { return Err(Fault::Kind) };
        let by = u32::try_from(by).map_err(|_| Fault::Kind)?;
        if !left {
            return Ok(Whole(value >> by.min(127)));
        }
        let exact = 1i128.checked_shl(by).filter(|_| by < 126);
        let exact = exact.and_then(|factor| value.checked_mul(factor));
        Ok(exact.map_or_else(|| Real(value as f64 * 2f64.powf(f64::from(by))), Whole))
    }

    pub(crate) fn negate(self) -> Self {
        Whole(0).subtract(self)
    }

    /// `int()`: towards zero.
    pub(crate) fn truncate(self) -> Result<Self, Fault> {
        match self {
            Whole(_) => Ok(self),
            Real(value) if value.is_finite() && value.abs() < 1e36 => Ok(Whole(value as i128)),
            Real(_) => Err(Fault::Kind),
        }
    }
}

fn either(
    one: Number,
    two: Number,
    whole: impl Fn(i128, i128) -> Option<i128>,
    real: impl Fn(f64, f64) -> f64,
) -> Number {
    if let (Whole(one), Whole(two)) = (one, two)
        && let Some(result) = whole(one, two)
    {
        return Whole(result);
    }
    Real(real(one.real(), two.real()))
}
