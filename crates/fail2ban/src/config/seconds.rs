//! Lengths of time: `10m`, `1h 30m`, `60*60*24`, `-1`.

use monban_model::limits::DURATION_MAX_S;

use super::expression::{Expression, NotUnderstood};
use super::number::Number;
use super::place::is_space;

/// A length of time as it was written, and in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// As it was written, with everything put in.
    pub text: String,
    /// Seconds; below zero means forever.
    pub seconds: f64,
}

impl Span {
    /// Reads a length of time.
    ///
    /// # Errors
    /// What is no number of seconds, or more than a hundred years.
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        let seconds = number(text)?.real();
        Ok(Self { text: text.to_owned(), seconds })
    }

    /// A number of seconds that nobody wrote.
    pub fn of_seconds(seconds: u32) -> Self {
        Self { text: seconds.to_string(), seconds: f64::from(seconds) }
    }

    /// Whether it never ends.
    pub fn is_forever(&self) -> bool {
        self.seconds < 0.0
    }
}

/// A length of time as Python would compute it: whole, or with a point. It is shown as that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seconds {
    /// Whole seconds.
    Whole(i64),
    /// As months, years and divisions give them.
    Real(f64),
}

impl Seconds {
    /// Reads a length of time.
    ///
    /// # Errors
    /// As [`Span::parse`].
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        Ok(match number(text)? {
            Number::Whole(value) => {
                i64::try_from(value).map_or(Self::Real(value as f64), Self::Whole)
            }
            Number::Real(value) => Self::Real(value),
        })
    }

    /// The length that was written.
    pub fn of_span(span: &Span) -> Self {
        Self::parse(&span.text).unwrap_or(Self::Real(span.seconds))
    }

    /// As a number; below zero means forever.
    pub fn seconds(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Real(value) => value,
        }
    }

    /// Without what stands behind the point.
    pub fn whole(self) -> i64 {
        match self {
            Self::Whole(value) => value,
            Self::Real(value) => value as i64,
        }
    }
}

fn number(text: &str) -> Result<Number, NotUnderstood> {
    let expression = rewrite(text);
    let parsed = Expression::parse(&expression, &[]).map_err(|_| NotUnderstood(0))?;
    let value = parsed.eval(&|_| None).map_err(|_| NotUnderstood(0))?;
    let seconds = value.real();
    let is_length = seconds.is_finite() && seconds <= DURATION_MAX_S as f64;
    if is_length { Ok(value) } else { Err(NotUnderstood(0)) }
}

/// The words of a unit and what it is multiplied with. A month is the twelfth part of a year of
/// 365.25 days.
const UNITS: &[(&[&str], &str)] = &[
    (&["d", "dd", "da", "day", "days"], "*86400"),
    (&["w", "ww", "we", "wee", "week", "weeks"], "*604800"),
    (&["mo", "mon", "month", "months"], "*2629800.0"),
    (&["y", "yy", "ye", "yea", "year", "years"], "*31557600.0"),
    (&["s", "ss", "se", "sec", "second", "seconds"], "*1"),
    (&["m", "mm", "mi", "min", "minute", "minutes"], "*60"),
    (&["h", "hh", "ho", "hou", "hour", "hours"], "*3600"),
];

/// The text as an expression: units become factors, and a gap between two numbers becomes a plus.
fn rewrite(text: &str) -> String {
    let mut apart = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        if before.is_ascii_alphabetic() && c.is_ascii_digit() {
            apart.push(' ');
        }
        apart.push(c);
        before = c;
    }
    let chars: Vec<char> = apart.chars().collect();
    let mut out = String::with_capacity(apart.len() * 2);
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        if c.is_alphabetic() && before.is_some_and(|c| c.is_ascii_digit() || is_space(c)) {
            let is_word = |c: &&char| c.is_alphanumeric() || **c == '_';
            let word: String = chars[at..].iter().take_while(is_word).collect();
            let lower = word.to_lowercase();
            let unit = UNITS.iter().find(|(words, _)| words.contains(&lower.as_str()));
            out.push_str(unit.map_or(word.as_str(), |(_, factor)| factor));
            at += word.chars().count();
        } else {
            out.push(c);
            at += 1;
        }
    }
    join(&out)
}

/// A plus between a digit and the next, if only white space is between them. As in fail2ban, a
/// number of one digit can only be joined on one side.
fn join(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        out.push(c);
        at += 1;
        if !c.is_ascii_digit() {
            continue;
        }
        let gap = chars[at..].iter().take_while(|c| is_space(**c)).count();
        if let Some(next) = chars.get(at + gap).filter(|c| gap > 0 && c.is_ascii_digit()) {
            out.push('+');
            out.push(*next);
            at += gap + 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        Span::parse(text).ok().map(|span| span.seconds)
    }

    #[test]
    fn lengths_are_read_as_fail2ban_does() {
        let expected = [
            ("600", 600.0),
            ("10m", 600.0),
            ("1h 30m", 5400.0),
            ("1d12h", 129_600.0),
            ("60*60*24", 86_400.0),
            ("-1", -1.0),
            ("1hour+30min", 5400.0),
            ("1year-6mo", 15_778_800.0),
            ("6 months", 15_778_800.0),
            ("1w", 604_800.0),
            ("0d 1h 30m", 5400.0),
            ("(1h + 2) * 2", 7204.0),
            ("1H", 3600.0),
        ];
        for (text, value) in expected {
            assert_eq!(seconds(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in [
            "",
            "m",
            "10 q",
            "1h 2",
            "__import__('os')",
            "9**9**9**9",
            "200y",
            "1 2 3",
            "5 hours ago",
            "1e2",
        ] {
            let found = seconds(text);
            // Digits behind a unit are seconds.
            let expected = if text == "1h 2" { Some(3602.0) } else { None };
            assert_eq!(found, expected, "{text}");
        }
    }
}
