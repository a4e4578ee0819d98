//! The date of a line by a pattern with the signs of `strptime`, as the CloudWatch Logs agent was
//! told it.

use monban_model::{MONTHS, Stamp, civil_from_days, days_from_civil};
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;

/// Turns the seconds of a date and time that are counted as if they were of UTC into those that
/// they are in this machine's zone.
pub type Zone<'a> = &'a dyn Fn(i64) -> i64;

/// Finds dates of one pattern.
#[derive(Clone, Debug)]
pub(crate) struct LineDates {
    regex: Regex,
    found: Captures,
    /// The sign of each group.
    signs: Vec<char>,
    utc: bool,
}

/// Where in a line a date is looked for, in bytes.
const LOOKED_AT: usize = 512;

const DAY_S: i64 = 86_400;

impl LineDates {
    /// # Errors
    /// The pattern has a sign that is not read.
    pub(crate) fn new(pattern: &str, utc: bool) -> Result<Self, String> {
        let mut signs = Vec::new();
        let mut regex = String::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => {
                    let sign = chars.next().unwrap_or(' ');
                    let group = group(sign)
                        .ok_or_else(|| format!("`%{sign}` is no sign of a date that is read"))?;
                    if sign != '%' {
                        signs.push(sign);
                    }
                    regex.push_str(group);
                }
                c if c.is_whitespace() => regex.push_str(r"\s+"),
                c if c.is_ascii_punctuation() => regex.extend(['\\', c]),
                c => regex.push(c),
            }
        }
        let regex = Regex::new(&regex).map_err(|_| "the date pattern is too long".to_owned())?;
        let found = regex.create_captures();
        Ok(Self { regex, found, signs, utc })
    }

    /// The date of a line that came at `arrival`, and where it begins.
    pub(crate) fn find(
        &mut self,
        line: &str,
        arrival: Stamp,
        zone: Zone<'_>,
    ) -> Option<(usize, Stamp)> {
        let near = &line[..line.floor_char_boundary(LOOKED_AT)];
        self.regex.captures(near, &mut self.found);
        let begin = self.found.get_match()?.start();
        let mut parts = Parts { utc: self.utc, ..Parts::default() };
        for (group, sign) in (1..).zip(&self.signs) {
            let span = self.found.get_group(group)?;
            parts.take(*sign, &near[span.start..span.end])?;
        }
        Some((begin, parts.stamp(arrival, zone)?))
    }
}

fn group(sign: char) -> Option<&'static str> {
    Some(match sign {
        'a' => "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
        'A' => "(Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
        'b' => "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
        'B' => {
            "(January|February|March|April|May|June|July|August|September|October|November|\
             December)"
        }
        'd' => "([0-3]?[0-9])",
        'f' => "([0-9]{1,9})",
        'H' => "([0-2]?[0-9])",
        'I' | 'm' => "([01]?[0-9])",
        'j' => "([0-3]?[0-9]{1,2})",
        'M' => "([0-5]?[0-9])",
        'p' => "([AaPp][Mm])",
        'S' => "([0-6]?[0-9])",
        'y' => "([0-9]{2})",
        'Y' => "([0-9]{4})",
        'z' => "([+-][0-9]{2}:?[0-9]{2}|Z)",
        'Z' => "([A-Za-z]{1,5})",
        '%' => "%",
        _ => return None,
    })
}

/// What stands in a date.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    ms: i64,
    /// Whether the hour is of the afternoon, if that is said.
    afternoon: Option<bool>,
    /// East of UTC, if that is said.
    offset_s: Option<i64>,
    utc: bool,
}

impl Parts {
    fn take(&mut self, sign: char, text: &str) -> Option<()> {
        let number = || text.parse::<i64>().ok();
        match sign {
            'Y' => self.year = Some(number()?),
            // As POSIX has it.
            'y' => self.year = Some(number()? + if number()? < 69 { 2000 } else { 1900 }),
            'm' => self.month = Some(number()?),
            'b' | 'B' => {
                let at = MONTHS.iter().position(|name| name.starts_with(text))?;
                self.month = Some(at as i64 + 1);
            }
            'd' => self.day = Some(number()?),
            'j' => self.day_of_year = Some(number()?),
            'H' | 'I' => self.hour = number()?,
            'M' => self.minute = number()?,
            'S' => self.second = number()?,
            'f' => self.ms = format!("{text:0<3}").get(..3)?.parse().ok()?,
            'p' => self.afternoon = Some(text.starts_with(['p', 'P'])),
            'z' => self.offset_s = Some(offset(text)?),
            'Z' if ["UTC", "GMT", "Z"].contains(&text) => self.offset_s = Some(0),
            _ => {}
        }
        Some(())
    }

    /// The moment. What a date leaves out, year or day, is the last one that is not ahead.
    fn stamp(mut self, arrival: Stamp, zone: Zone<'_>) -> Option<Stamp> {
        match self.afternoon {
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(true) => self.hour = self.hour % 12 + 12,
            Some(false) => self.hour %= 12,
            None => {}
        }
        if self.hour > 23 || self.minute > 59 || self.second > 60 {
            return None;
        }
        let today = arrival.as_s().div_euclid(DAY_S);
        let (this_year, ..) = civil_from_days(today);
        let has_day = self.day_of_year.is_some() || self.month.is_some() || self.day.is_some();
        let moment = |days: i64| {
            let civil_s = days * DAY_S + self.hour * 3600 + self.minute * 60 + self.second;
            let seconds = match self.offset_s.or(self.utc.then_some(0)) {
                Some(offset_s) => civil_s - offset_s,
                None => zone(civil_s),
            };
            Stamp(seconds.saturating_mul(1000).saturating_add(self.ms))
        };
        let is_past = |stamp: &Stamp| *stamp <= arrival.plus_s(DAY_S as u64);
        match (self.year, has_day) {
            (Some(year), _) => self.days(year).map(moment),
            (None, true) => [this_year + 1, this_year, this_year - 1]
                .into_iter()
                .filter_map(|year| self.days(year).map(moment))
                .find(is_past),
            // Only a time: within an hour ahead, else of the day before.
            (None, false) => [today + 1, today, today - 1]
                .into_iter()
                .map(moment)
                .find(|stamp| *stamp <= arrival.plus_s(3600)),
        }
    }

    /// The day, counted from 1970-01-01; `None` for one that is in no calendar.
    fn days(&self, year: i64) -> Option<i64> {
        if let Some(day) = self.day_of_year {
            let days = days_from_civil(year, 1, 1) + day - 1;
            return (civil_from_days(days).0 == year).then_some(days);
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let days = days_from_civil(year, month, day);
        (civil_from_days(days) == (year, month, day)).then_some(days)
    }
}

/// `+0900`, `+09:00` or `Z` in seconds.
fn offset(text: &str) -> Option<i64> {
    let Some((sign, digits)) = text.split_at_checked(1).filter(|(sign, _)| *sign != "Z") else {
        return Some(0);
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_model::AWS_DATE_SIGNS;
    use proptest::prelude::*;

    /// 2026-01-02T03:04:05Z.
    const NOW: Stamp = Stamp(1_767_323_045_000);

    /// Nine hours east of UTC.
    fn tokyo(seconds: i64) -> i64 {
        seconds - 9 * 3600
    }

    fn read(pattern: &str, utc: bool, line: &str) -> Option<String> {
        let mut dates = LineDates::new(pattern, utc).unwrap();
        dates
            .find(line, NOW, &tokyo)
            .map(|(at, stamp)| format!("{at} {stamp} {:03}", stamp.0.rem_euclid(1000)))
    }

    #[test]
    fn dates_are_read_by_their_pattern() {
        let cases = [
            // The article's, in the year before: the line is of November.
            ("%b %d %H:%M:%S", false, "Nov 26 08:23:07 ip sshd", "0 2025-11-25T23:23:07Z 000"),
            ("%b %d %H:%M:%S", true, "Jan  2 03:04:05 ip", "0 2026-01-02T03:04:05Z 000"),
            (
                "%Y-%m-%dT%H:%M:%S.%f%z",
                false,
                "2026-01-01T09:00:00.25+0900 x",
                "0 2026-01-01T00:00:00Z 250",
            ),
            ("%Y-%m-%dT%H:%M:%S%z", false, "2026-01-01T00:00:00Z", "0 2026-01-01T00:00:00Z 000"),
            (
                "%d/%b/%Y:%H:%M:%S %z",
                false,
                "1.2.3.4 - - [10/Oct/2000:13:25:15 -0700] \"GET",
                "13 2000-10-10T20:25:15Z 000",
            ),
            (
                "%a %B %d %I:%M:%S %p %Z %y",
                false,
                "Thu January 01 12:00:01 AM UTC 26",
                "0 2026-01-01T00:00:01Z 000",
            ),
            ("%Y %j %H", true, "2025 365 23", "0 2025-12-31T23:00:00Z 000"),
            ("%H:%M:%S", true, "23:59:59 x", "0 2026-01-01T23:59:59Z 000"),
            ("%H:%M:%S", true, "03:30:00 x", "0 2026-01-02T03:30:00Z 000"),
            ("100%% %Y-%m-%d", true, "100% 2025-02-28", "0 2025-02-28T00:00:00Z 000"),
        ];
        for (pattern, utc, line, expected) in cases {
            assert_eq!(read(pattern, utc, line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for (pattern, line) in [
            ("%Y-%m-%d", "2025-02-29"),
            ("%Y-%m-%d", "2025-13-01"),
            ("%H:%M", "29:00"),
            ("%I %p", "13 AM"),
            ("%Y %j", "2025 366"),
            ("%b %d", "門番"),
            ("%b %d", ""),
        ] {
            assert_eq!(read(pattern, true, line), None, "{line}");
        }
        for sign in ('!'..='~').filter(|c| c.is_ascii_graphic()) {
            let is_read = AWS_DATE_SIGNS.contains(sign);
            assert_eq!(LineDates::new(&format!("%{sign}"), true).is_ok(), is_read, "{sign}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read(
            pattern in "(%[aAbBdfHIjmMpSyYzZ%]|[ -$&-~]|\u{9580}){0,12}",
            line in ".{0,80}",
        ) {
            if let Ok(mut dates) = LineDates::new(&pattern, false) {
                let _ = dates.find(&line, NOW, &tokyo);
            }
        }

        #[test]
        fn what_was_written_comes_back(seconds in 0_i64..4_000_000_000) {
            let stamp = Stamp::from_s(seconds);
            let mut dates = LineDates::new("%Y-%m-%dT%H:%M:%S%z", false).unwrap();
            prop_assert_eq!(dates.find(&stamp.to_string(), NOW, &tokyo), Some((0, stamp)));
        }
    }
}
