//! Times as AWS writes them.

use monban_model::{Stamp, days_from_civil};

/// `2026-11-23T12:00:00Z`, also with a fraction, as credentials and answers have it. `None` for
/// anything else.
pub(crate) fn iso(text: &str) -> Option<Stamp> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let known = date.next().is_none() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let seconds =
        known.then(|| of(number(year, 4)?, number(month, 2)?, number(day, 2)?, time))??;
    Some(Stamp::from_s(seconds))
}

/// `Mon, 23 Nov 2026 12:00:00 GMT`, as the header `Date` has it (RFC 9110, 5.6.7).
pub(crate) fn http(text: &str) -> Option<Stamp> {
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.strip_suffix(" GMT")?.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let time = words.next().filter(|_| words.next().is_none())?;
    Some(Stamp::from_s(of(number(year, 4)?, month, number(day, 2)?, time)?))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn of(year: i64, month: i64, day: i64, time: &str) -> Option<i64> {
    let mut time = time.split(':');
    let (hour, minute, second) = (time.next()?, time.next()?, time.next()?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let known = time.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    let known = known && hour < 24 && minute < 60 && second <= 60;
    known.then(|| days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let known = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    known.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_are_read() {
        let noon = Some(Stamp(1_795_435_200_000));
        assert_eq!(iso("2026-11-23T12:00:00Z"), noon);
        assert_eq!(iso("2026-11-23T12:00:00.123Z"), noon);
        assert_eq!(iso("2026-11-23T12:00:00+00:00"), noon);
        assert_eq!(http("Mon, 23 Nov 2026 12:00:00 GMT"), noon);
        for wrong in ["", "2026-11-23", "2026-13-23T12:00:00Z", "2026-11-23T12:00Z", "x, y GMT"] {
            assert_eq!((iso(wrong), http(wrong)), (None, None), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in ".{0,40}") {
            let _ = (iso(&text), http(&text));
        }
    }
}
