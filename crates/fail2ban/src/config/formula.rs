//! How ban times grow: `bantime.factor`, `bantime.formula`, `bantime.multipliers`.

use super::expression::{Expression, NotUnderstood};
use super::number::Number;

/// An expression over the ban time, how often the address was banned before, and the factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// As it was written.
    pub text: String,
    expression: Expression,
}

/// What fail2ban does where no formula is written: twice as long each time, 20 times at most.
pub const DEFAULT_FORMULA: &str = "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor";

const NAMES: &[&str] = &["ban.Time", "ban.Count", "banFactor"];

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// Where it is no arithmetic of these names.
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        let text = text.trim();
        Ok(Self { text: text.to_owned(), expression: Expression::parse(text, NAMES)? })
    }

    /// The next ban time in seconds for one of `time` seconds and an address that was banned
    /// `count` times before. As in fail2ban it is never below `time`; a formula that has no value
    /// here, such as a division by zero, gives `time` as well.
    pub fn eval(&self, time: f64, count: u32, factor: f64) -> f64 {
        let look_up = |name: &str| {
            Some(match name {
                "ban.Time" => number(time),
                "ban.Count" => Number::Whole(i128::from(count)),
                "banFactor" => number(factor),
                _ => return None,
            })
        };
        let value = self.expression.eval(&look_up).map_or(time, Number::real);
        if value > time { value } else { time }
    }

    /// Whether it has a value for the first bans of an address.
    pub fn has_values(&self) -> bool {
        let look_up = |count: i128| {
            move |name: &str| Some(Number::Whole(if name == "ban.Count" { count } else { 600 }))
        };
        (0..=25).all(|count| self.expression.eval(&look_up(count)).is_ok())
    }
}

/// A factor that is written as arithmetic.
///
/// # Errors
/// Where it is none, or has no value.
pub fn factor(text: &str) -> Result<f64, NotUnderstood> {
    let value = Expression::parse(text, &[])?.eval(&|_| None).map_err(|_| NotUnderstood(0))?;
    if value.real().is_finite() { Ok(value.real()) } else { Err(NotUnderstood(0)) }
}

/// A whole number stays one, so that it may be shifted.
fn number(value: f64) -> Number {
    let is_whole = value.fract() == 0.0 && value.abs() < 1e18;
    if is_whole { Number::Whole(value as i128) } else { Number::Real(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(text: &str, count: u32) -> f64 {
        Formula::parse(text).expect("good").eval(600.0, count, 2.0)
    }

    #[test]
    fn bans_grow_as_written() {
        assert_eq!(eval(DEFAULT_FORMULA, 3), 9600.0);
        assert_eq!(eval(DEFAULT_FORMULA, 40), 600.0 * 1_048_576.0 * 2.0);
        let exponential = "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)";
        assert!((eval(exponential, 1) - 600.0 * 2f64.exp()).abs() < 1e-6);
        assert_eq!(eval("min(ban.Time * 3, 1000)", 0), 1000.0);
        assert_eq!(eval("1", 0), 600.0);
        assert_eq!(eval("ban.Time / (ban.Count - 1)", 1), 600.0);
        assert_eq!(eval("-2**2 + 10**3 if 1 < ban.Count <= 3 and not 0 else 7//2", 2), 996.0);
        assert_eq!(eval("2 ** 3 ** 2 * 10 + 7 % -4", 0), 5119.0);
    }

    #[test]
    fn nothing_but_arithmetic_is_read() {
        let bad = [
            "__import__('os').system('x')",
            "ban.Time.__class__",
            "open",
            "lambda: 1",
            "[1]",
            "ban.Time if 1",
            "1 +",
            "min(1)",
            "(1",
            "a",
            "1 2",
            "010",
            "1x",
        ];
        for text in bad {
            assert!(Formula::parse(text).is_err(), "{text}");
        }
        assert!(Formula::parse(&"(".repeat(10_000)).is_err());
        assert!(Formula::parse(&"-".repeat(10_000)).is_err());
        assert!(Formula::parse(&"1+".repeat(10_000)).is_err());
        assert!(eval("9**9**9**9**9", 0).is_infinite());
        assert!(eval("1 << 100000", 0).is_infinite());
        assert!(!Formula::parse("1/0").expect("read").has_values());
    }

    #[test]
    fn factors_are_arithmetic() {
        assert_eq!(factor("1"), Ok(1.0));
        assert_eq!(factor("2.0 / 2.885385"), Ok(2.0 / 2.885385));
        assert!(factor("x").is_err());
    }
}
