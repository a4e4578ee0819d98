//! The dates of log lines, into points in time.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use monban_model::{Stamp, civil_from_days, days_from_civil};

use crate::bytes::same;

/// Reads the dates of log lines. A date without a zone is local time; a date without a year gets
/// the latest year that is not more than a day after the reference.
#[derive(Debug)]
pub struct Clock {
    zone: TimeZone,
    reference: Stamp,
    /// The year of the reference in the zone.
    year: i64,
    /// The last date that was read, and its time.
    last: [u8; LAST_MAX],
    last_length: usize,
    last_stamp: Option<Stamp>,
    /// The quarter of an hour for which `offset_s` was looked up. No zone changes within one.
    quarter: i64,
    offset_s: i64,
}

/// Longest date text that is remembered; longer ones are read anew.
const LAST_MAX: usize = 40;

/// Length of `Nov 22 05:33:01`.
const BSD_LENGTH: usize = 15;

const DAY_S: i64 = 86_400;

impl Clock {
    /// A clock in the zone of this name from the zone database, such as `Asia/Tokyo` or `UTC`.
    /// `None` if there is no such zone.
    pub fn new(zone: &str, reference: Stamp) -> Option<Self> {
        if zone == "UTC" {
            return Some(Self::of(TimeZone::UTC, reference));
        }
        Some(Self::of(TimeZone::get(zone).ok()?, reference))
    }

    /// A clock in [the zone of this process](monban_zone::of_the_process).
    pub fn system(reference: Stamp) -> Self {
        Self::of(monban_zone::of_the_process(), reference)
    }

    fn of(zone: TimeZone, reference: Stamp) -> Self {
        let mut clock = Self {
            zone,
            reference,
            year: 0,
            last: [0; LAST_MAX],
            last_length: 0,
            last_stamp: None,
            quarter: i64::MIN,
            offset_s: 0,
        };
        clock.set_reference(reference);
        clock
    }

    /// Sets the time near which dates without a year lie: now, or a file's last change.
    pub fn set_reference(&mut self, reference: Stamp) {
        if reference == self.reference && self.year != 0 {
            return;
        }
        self.reference = reference;
        self.last_length = 0;
        let (year, ..) = civil_from_days(reference.as_s().div_euclid(DAY_S));
        self.year = year;
    }

    /// Reads a date: `Nov 22 05:33:01`, ISO 8601 with or without fraction and zone,
    /// `22/Nov/2026:05:33:01 +0900`, `2026/11/22 05:33:01`, `Sun Nov 22 05:33:01.123456 2026`,
    /// multilog's and svlogd's `@400000006b027e97075bcd15`, svlogd's
    /// `2026-11-22_05:33:01.12345` (UTC), or seconds, milliseconds or microseconds since the
    /// epoch.
    #[inline(always)]
    pub fn read(&mut self, date: &[u8]) -> Option<Stamp> {
        if let Some(stamp) = self.same_minute(date) {
            return Some(stamp);
        }
        if !date.is_empty() && same(&self.last[..self.last_length], date) {
            return self.last_stamp;
        }
        let stamp = self.read_anew(date);
        if date.len() <= LAST_MAX {
            self.last[..date.len()].copy_from_slice(date);
            self.last_length = date.len();
            self.last_stamp = stamp;
        }
        stamp
    }

    /// A date of the form `Nov 22 05:33:01` in the minute of the one before.
    #[inline(always)]
    fn same_minute(&mut self, date: &[u8]) -> Option<Stamp> {
        let date: &[u8; BSD_LENGTH] = date.try_into().ok()?;
        let last: &mut [u8; BSD_LENGTH] = self.last.first_chunk_mut()?;
        let (front, back) = halves(last);
        let (other_front, other_back) = halves(date);
        let other = back ^ other_back;
        // All but the last two bytes.
        if front != other_front || other << 16 != 0 || self.last_length != BSD_LENGTH {
            return None;
        }
        let stamp = self.last_stamp?;
        if other == 0 {
            return Some(stamp);
        }
        if date[3] != b' ' {
            return None;
        }
        let seconds = |date: &[u8]| number(&date[BSD_LENGTH - 2..]).filter(|s| *s <= 60);
        let stamp = Stamp(stamp.0 + (seconds(date)? - seconds(last)?) * 1000);
        *last = *date;
        self.last_stamp = Some(stamp);
        Some(stamp)
    }

    #[inline(never)]
    fn read_anew(&mut self, date: &[u8]) -> Option<Stamp> {
        match date {
            [b'A'..=b'Z', _, _, b' ', ..] if date.len() < 20 => self.bsd(date),
            [b'A'..=b'Z', _, _, b' ', rest @ ..] => self.apache(rest),
            [b'@', label @ ..] => tai64n(label),
            [_, _, b'/', ..] => self.access(date),
            [_, _, _, _, b'-' | b'/', ..] => self.iso(date),
            _ => epoch(date),
        }
    }

    /// `Nov 22 05:33:01`.
    fn bsd(&mut self, date: &[u8]) -> Option<Stamp> {
        let month = month(date.get(..3)?)?;
        let (day, rest) = day(date.get(4..)?)?;
        let seconds = clock_time(rest)?;
        let latest = self.reference.plus_s(DAY_S as u64);
        // From next year down; February 29 may be seven years away (1896 to 1904, 2096 to 2104).
        for year in (self.year - 8..=self.year + 1).rev() {
            if day > month_length(year, month) {
                continue;
            }
            let local = days_from_civil(year, month, day) * DAY_S + seconds;
            // No zone is more than a day from UTC: most years need no look at the zone.
            if local > latest.as_s() + DAY_S {
                continue;
            }
            let stamp = self.local(local)?;
            if stamp <= latest {
                return Some(stamp);
            }
        }
        None
    }

    /// `2026-11-22T05:33:01.123+09:00` and nginx's `2026/11/22 05:33:01`.
    fn iso(&mut self, date: &[u8]) -> Option<Stamp> {
        let year = number(date.get(..4)?)?;
        let month = number(date.get(5..7)?)?;
        let day = number(date.get(8..10)?)?;
        let seconds = clock_time(date.get(11..)?)?;
        let local = checked_days(year, month, day)? * DAY_S + seconds;
        let rest = date.get(19..)?;
        let (ms, rest) = fraction(rest);
        let zone = if is_svlogd(date) { b"Z" } else { rest };
        self.zoned(local, ms, zone)
    }

    /// `22/Nov/2026:05:33:01 +0900`.
    fn access(&mut self, date: &[u8]) -> Option<Stamp> {
        let day = number(date.get(..2)?)?;
        let month = month(date.get(3..6)?)?;
        let year = number(date.get(7..11)?)?;
        let seconds = clock_time(date.get(12..)?)?;
        let local = checked_days(year, month, day)? * DAY_S + seconds;
        let rest = date.get(20..)?;
        self.zoned(local, 0, rest.strip_prefix(b" ").unwrap_or(rest))
    }

    /// `Nov 22 05:33:01.123456 2026`, behind the day of the week.
    fn apache(&mut self, date: &[u8]) -> Option<Stamp> {
        let month = month(date.get(..3)?)?;
        let (day, rest) = day(date.get(4..)?)?;
        let seconds = clock_time(rest)?;
        let (ms, rest) = fraction(rest.get(8..)?);
        let year = number(rest.strip_prefix(b" ")?)?;
        let local = checked_days(year, month, day)? * DAY_S + seconds;
        self.zoned(local, ms, b"")
    }

    /// A local time with what stands behind it: nothing, `Z`, or an offset.
    fn zoned(&mut self, local: i64, ms: i64, zone: &[u8]) -> Option<Stamp> {
        let stamp = match zone {
            b"" => self.local(local)?,
            b"Z" | b"z" => Stamp::from_s(local),
            [sign @ (b'+' | b'-'), rest @ ..] => {
                let hours = number(rest.get(..2)?)?;
                let minutes = match rest.get(2..)? {
                    b"" => 0,
                    [b':', minutes @ ..] | minutes => number(minutes)?,
                };
                if hours > 15 || minutes > 59 {
                    return None;
                }
                let offset = (hours * 60 + minutes) * 60;
                Stamp::from_s(if *sign == b'+' { local - offset } else { local + offset })
            }
            _ => return None,
        };
        Some(Stamp(stamp.0 + ms))
    }

    /// The time of a local date, given in seconds as if it were UTC. In the hour that a clock
    /// set back has twice, the first one is meant; in the hour that it skips, the later time.
    fn local(&mut self, seconds: i64) -> Option<Stamp> {
        let quarter = seconds.div_euclid(900);
        if quarter != self.quarter {
            let start = quarter * 900;
            let (year, month, day) = civil_from_days(start.div_euclid(DAY_S));
            let rest = start.rem_euclid(DAY_S);
            let civil = civil::DateTime::new(
                i16::try_from(year).ok()?,
                month as i8,
                day as i8,
                (rest / 3600) as i8,
                (rest / 60 % 60) as i8,
                0,
                0,
            );
            let found: Timestamp = self.zone.to_timestamp(civil.ok()?).ok()?;
            self.offset_s = start - found.as_second();
            self.quarter = quarter;
        }
        Some(Stamp::from_s(seconds - self.offset_s))
    }
}

/// Whether a date is of the form that svlogd writes with `-tt` (`2026-11-22_05:33:01.12345`) or
/// `-ttt` (with `T`): always five digits of a second and no zone, always UTC (runit's fmt_ptime.c
/// and svlogd(8)).
#[inline]
pub(crate) fn is_svlogd(date: &[u8]) -> bool {
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'_' | b'T', time @ ..] = date else {
        return false;
    };
    let [_, _, b':', _, _, b':', _, _, b'.', digits @ ..] = time else {
        return false;
    };
    digits.len() == 5 && digits.iter().all(u8::is_ascii_digit)
}

/// A TAI64N label: seconds and nanoseconds in hexadecimal digits. daemontools (tai_now.c) and
/// runit write 2^62 + 10 for the begin of 1970 and count no leap second after that.
fn tai64n(label: &[u8]) -> Option<Stamp> {
    const EPOCH: i64 = (1 << 62) + 10;
    const LATEST_S: i64 = 253_402_300_799; // the end of the year 9999
    let (seconds, nanoseconds) = label.split_at_checked(16)?;
    let since = hexadecimal(seconds)?.checked_sub(EPOCH)?;
    let nanoseconds = hexadecimal(nanoseconds).filter(|_| nanoseconds.len() == 8)?;
    let fits = (0..=LATEST_S).contains(&since) && nanoseconds < 1_000_000_000;
    fits.then(|| Stamp(since * 1000 + nanoseconds / 1_000_000))
}

/// At most 16 digits; `None` also for what does not fit.
fn hexadecimal(digits: &[u8]) -> Option<i64> {
    let number = digits.iter().try_fold(0u64, |number, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        number.checked_mul(16)?.checked_add(u64::from(digit))
    })?;
    i64::try_from(number).ok()
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch, by the number of digits;
/// seconds may have a fraction.
fn epoch(text: &[u8]) -> Option<Stamp> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = number(text.get(..digits)?)?;
    let (ms, rest) = fraction(&text[digits..]);
    if !rest.is_empty() {
        return None;
    }
    match digits {
        9..=10 => Some(Stamp(whole * 1000 + ms)),
        12..=13 => Some(Stamp(whole)),
        15..=16 => Some(Stamp(whole / 1000)),
        18 => Some(Stamp(whole / 1_000_000)),
        _ => None,
    }
}

fn month(name: &[u8]) -> Option<i64> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let place = MONTHS.chunks_exact(3).position(|month| month == name)?;
    Some(place as i64 + 1)
}

/// `22 `, ` 2 ` or `2 `, and what follows.
fn day(text: &[u8]) -> Option<(i64, &[u8])> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let day = number(&text[..digits])?;
    let rest = text[digits..].strip_prefix(b" ")?;
    (1..=31).contains(&day).then_some((day, rest))
}

/// `05:33:01` in seconds; 60 is a leap second.
fn clock_time(text: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, ..] = text else {
        return None;
    };
    let two = |a: &u8, b: &u8| number(&[*a, *b]);
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// The first eight bytes and the last eight.
#[inline]
fn halves(date: &[u8; BSD_LENGTH]) -> (u64, u64) {
    let [front @ .., _, _, _, _, _, _, _] = date;
    let [_, _, _, _, _, _, _, back @ ..] = date;
    (u64::from_le_bytes(*front), u64::from_le_bytes(*back))
}

/// A date of the form `Nov 22 05:33:01` at the start of `line`, and what follows the space behind
/// it. What stands between letters and digits is compared at once.
#[inline]
pub(crate) fn bsd_dated(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const BETWEEN: u128 = u128::from_le_bytes(*b"\0\0\0 \0\0 \0\0:\0\0:\0\0 ");
    const PLACES: u128 = u128::from_le_bytes(*b"\0\0\0\xff\0\0\xff\0\0\xff\0\0\xff\0\0\xff");
    let (start, rest) = line.split_first_chunk::<16>()?;
    let fits = u128::from_le_bytes(*start) & PLACES == BETWEEN && start[0].is_ascii_uppercase();
    fits.then_some((&start[..15], rest))
}

/// `.123456` or `,123` in milliseconds, and what follows.
fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let [b'.' | b',', rest @ ..] = text else {
        return (0, text);
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let ms = (0..3).fold(0, |ms, place| {
        let digit = rest[..digits].get(place).map_or(0, |b| i64::from(b - b'0'));
        ms * 10 + digit
    });
    (ms, &rest[digits..])
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + i64::from(digit))
    })
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn checked_days(year: i64, month: i64, day: i64) -> Option<i64> {
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day);
    fits.then(|| days_from_civil(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(reference: &str) -> Clock {
        let mut clock = Clock::new("UTC", Stamp(0)).unwrap();
        let reference = clock.read(reference.as_bytes()).unwrap();
        clock.set_reference(reference);
        clock
    }

    fn told(clock: &mut Clock, date: &str) -> String {
        clock.read(date.as_bytes()).map_or("-".to_owned(), |stamp| stamp.to_string())
    }

    #[test]
    fn a_date_without_a_year_is_the_latest_one_before_tomorrow() {
        let mut clock = utc("2027-01-01T00:10:00Z");
        assert_eq!(told(&mut clock, "Dec 31 23:59:59"), "2026-12-31T23:59:59Z");
        assert_eq!(told(&mut clock, "Jan  1 00:20:00"), "2027-01-01T00:20:00Z");
        assert_eq!(told(&mut clock, "Jan  3 00:00:00"), "2026-01-03T00:00:00Z");
        let mut clock = utc("2026-12-31T23:59:00Z");
        assert_eq!(told(&mut clock, "Jan  1 00:00:01"), "2027-01-01T00:00:01Z");
        let mut clock = utc("2026-11-22T00:00:00Z");
        assert_eq!(told(&mut clock, "Feb 29 12:00:00"), "2024-02-29T12:00:00Z");
        let mut clock = utc("2103-01-01T00:00:00Z");
        assert_eq!(told(&mut clock, "Feb 29 12:00:00"), "2096-02-29T12:00:00Z");
        assert_eq!(told(&mut clock, "Feb 30 12:00:00"), "-");
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        let mut clock = utc("2026-11-23T00:00:00Z");
        for date in [
            "Nov 22 05:33:01",
            "2026-11-22T14:33:01.999+09:00",
            "2026-11-22T05:33:01Z",
            "2026-11-22 05:33:01,5",
            "2026-11-22T00:33:01-0500",
            "2026-11-22T14:33:01+09",
            "22/Nov/2026:14:33:01 +0900",
            "2026/11/22 05:33:01",
            "Sun Nov 22 05:33:01.123456 2026",
            "Sun Nov 22 05:33:01 2026",
            "1795325581",
            "1795325581.25",
            "1795325581000",
            "1795325581000000",
            "@400000006b027e970000000a",
            "@400000006B027E9705F5E100",
            "2026-11-22_05:33:01.12345",
            "2026-11-22T05:33:01.12345",
        ] {
            assert_eq!(told(&mut clock, date), "2026-11-22T05:33:01Z", "{date}");
        }
        for bad in [
            "",
            "x",
            "Nov 22",
            "Nox 22 05:33:01",
            "2026-13-01T00:00:00Z",
            "99/Nov/2026:1",
            "12",
            "2026-11-22T25:00:00Z",
            "2026-11-22T05:33:01+99:00",
            "Nov 22 05:33:0x",
            "2026-02-29T00:00:00Z",
            "@",
            "@400000006b027e97",
            "@400000006b027e970000000",
            "@400000006b027e970000000a0",
            "@400000006b027e9g0000000a",
            "@400000006b027e973b9aca00",
            "@40000000000000090000000a",
            "@00000000000000000000000a",
            "@7fffffffffffffff0000000a",
            "@ffffffffffffffffffffffff",
            "2026-11-22_05:33:61.12345",
            "2026-13-22_05:33:01.12345",
        ] {
            assert_eq!(told(&mut clock, bad), "-", "{bad}");
        }
    }

    #[test]
    fn a_supervisors_stamp_is_not_local_time() {
        let Some(mut clock) = Clock::new("Asia/Tokyo", Stamp::from_s(1_795_325_600)) else {
            println!("left out: there is no zone database here");
            return;
        };
        for (date, expected) in [
            ("@400000006b027e970000000a", "2026-11-22T05:33:01Z"),
            ("2026-11-22_05:33:01.12345", "2026-11-22T05:33:01Z"),
            ("2026-11-22T05:33:01.12345", "2026-11-22T05:33:01Z"),
            ("2026-11-22T05:33:01.123456", "2026-11-21T20:33:01Z"),
            ("2026-11-22 05:33:01.12345", "2026-11-21T20:33:01Z"),
        ] {
            assert_eq!(told(&mut clock, date), expected, "{date}");
        }
    }

    #[test]
    fn summer_time_comes_and_goes() {
        let Some(mut clock) = Clock::new("Europe/Berlin", Stamp::from_s(1_795_000_000)) else {
            println!("left out: there is no zone database here");
            return;
        };
        for (date, expected) in [
            ("2026-03-29 01:59:59", "2026-03-29T00:59:59Z"),
            ("2026-03-29 03:00:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
            ("2026-10-25 01:59:59", "2026-10-24T23:59:59Z"),
            ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
            ("2026-10-25 03:00:00", "2026-10-25T02:00:00Z"),
            ("Jul  1 12:00:00", "2026-07-01T10:00:00Z"),
            ("Nov  1 12:00:00", "2026-11-01T11:00:00Z"),
        ] {
            assert_eq!(told(&mut clock, date), expected, "{date}");
        }
    }
}
