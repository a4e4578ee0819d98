//! The parts of a date into a point in time, with what it leaves out taken from the clock.

use super::abbreviations;
use super::characters::{digit_value, is_space};
use super::civil::{DAY_S, FIRST_S, LAST_S, date_of, days_of, weekday_of};
use super::keys::Key;
use super::steps::{MONTHS, WEEKDAYS};
use super::usual::Written;
use super::zone::Zone;

/// Why parts are no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDate {
    /// There is no such date (February 30): the line has none.
    Impossible,
    /// fail2ban stumbles over it (a zone that it does not know) and drops the line.
    Stumble,
}

use NoDate::{Impossible, Stumble};

/// What is known of a date.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: Option<i64>,
    year_day: Option<i64>,
    /// The number of the week, and whether weeks begin on Monday.
    week: Option<(i64, bool)>,
    offset_min: Option<i64>,
}

/// What the clock says, for what a date leaves out.
pub struct Now<'a> {
    /// Seconds since 1970.
    pub epoch_s: i64,
    pub zone: &'a mut Zone,
    /// The zone of dates that name none, in minutes, if the filter has one.
    pub log_offset_min: Option<i64>,
}

const FULL_MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const FULL_WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Parts {
    /// Of a date as it is mostly written.
    pub fn of(date: Written) -> Self {
        Self {
            year: date.year.map(i64::from),
            month: Some(date.month.into()),
            day: Some(date.day.into()),
            hour: date.hour.into(),
            minute: date.minute.into(),
            second: date.second.into(),
            offset_min: date.offset_min.map(i64::from),
            ..Self::default()
        }
    }

    /// Takes one part. `half_day` is the text of the part AM/PM: `None` if the form has no such
    /// part, `Some(None)` if it has one that took no part in this date.
    pub fn put(
        &mut self,
        key: Key,
        text: &str,
        half_day: Option<Option<&str>>,
    ) -> Result<(), NoDate> {
        match key {
            Key::Year => self.year = Some(number(text)?),
            Key::Year2 => {
                let year = number(text)?;
                self.year = Some(if year <= 2000 { year + 2000 } else { year });
            }
            Key::Month => self.month = Some(number(text)?),
            Key::MonthFullName => self.month = Some(index(&FULL_MONTHS, text)? + 1),
            Key::MonthName => self.month = Some(index(&MONTHS, text)? + 1),
            Key::Day => self.day = Some(number(text)?),
            Key::Hour => self.hour = number(text)?,
            Key::Hour12 => {
                let hour = number(text)?;
                let half = half_day.map_or(Ok(""), |text| text.ok_or(Stumble))?;
                self.hour = match half.to_lowercase().as_str() {
                    "" | "am" if hour == 12 => 0,
                    "pm" if hour != 12 => hour + 12,
                    _ => hour,
                };
            }
            Key::Minute => self.minute = number(text)?,
            Key::Second => self.second = number(text)?,
            Key::DayFullName => self.weekday = Some(index(&FULL_WEEKDAYS, text)?),
            Key::DayName => self.weekday = Some(index(&WEEKDAYS, text)?),
            Key::Weekday => {
                let day = number(text)? - 1;
                self.weekday = Some(if day < 0 { 6 } else { day });
            }
            Key::YearDay => self.year_day = Some(number(text)?),
            Key::WeekFromSunday => self.week = Some((number(text)?, false)),
            Key::WeekFromMonday => self.week = Some((number(text)?, true)),
            Key::HalfDay => {}
            Key::Offset | Key::ZoneName => self.offset_min = Some(zone_offset(text)?),
        }
        Ok(())
    }

    /// Seconds since 1970 of a date with an offset that leaves out nothing else either.
    pub fn whole(self) -> Result<i64, NoDate> {
        let (Some(year), Some(month), Some(day)) = (self.year, self.month, self.day) else {
            return Err(Stumble);
        };
        let days = days_of(year, month, day).filter(|_| self.has_a_time()).ok_or(Impossible)?;
        in_range(self.at_day(days) - self.offset_min.unwrap_or_default() * 60)
    }

    fn has_a_time(&self) -> bool {
        (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
    }

    /// Its time on a day, in seconds.
    fn at_day(&self, days: i64) -> i64 {
        days * DAY_S + self.hour * 3600 + self.minute * 60 + self.second
    }

    /// Seconds since 1970. A year that is missing is this one, or the last if the date would be
    /// more than a day ahead; a day that is missing is today, or yesterday if the time would be
    /// ahead.
    pub fn resolve(mut self, now: &mut Now) -> Result<i64, NoDate> {
        let year_is_missing = self.year.is_none();
        // The clock is asked only for what is missing.
        let is_whole = self.year.is_some() && self.month.is_some() && self.day.is_some();
        let clock = (!is_whole).then(|| now.zone.local(now.epoch_s));
        let (this_year, this_month, this_day) =
            clock.map(|local| date_of(local.div_euclid(DAY_S))).unwrap_or_default();
        let now_local = clock.unwrap_or_default();
        let mut year = self.year.unwrap_or(this_year);
        if self.month.is_none() || self.day.is_none() {
            self.year_day_from_week(year)?;
            if let Some(year_day) = self.year_day {
                let first = days_of(year, 1, 1).ok_or(Impossible)?;
                let days = first.saturating_add(year_day - 1);
                if !(FIRST_S / DAY_S..=LAST_S / DAY_S).contains(&days) {
                    return Err(Impossible);
                }
                let (its_year, month, day) = date_of(days);
                year = its_year;
                (self.month, self.day) = (Some(month), Some(day));
            }
        }
        let (month, day, day_is_missing) = match (self.month, self.day) {
            (Some(month), Some(day)) => (month, day, false),
            (None, None) => (this_month, this_day, true),
            _ => return Err(Stumble),
        };
        for part in [year, month, day, self.hour, self.minute, self.second] {
            i32::try_from(part).map_err(|_| Stumble)?;
        }
        let days = days_of(year, month, day).filter(|_| self.has_a_time()).ok_or(Impossible)?;
        let mut date_s = self.at_day(days);
        let offset_min = self.offset_min.or(now.log_offset_min);
        if let Some(offset_min) = offset_min {
            date_s = in_range(date_s - offset_min * 60)?;
        }
        if day_is_missing && date_s > now_local {
            date_s = in_range(date_s - DAY_S)?;
        }
        if year_is_missing && date_s > now_local + DAY_S {
            // Month and day are those of the text again, also if the zone had moved them.
            let days = days_of(year - 1, month, day).ok_or(Impossible)?;
            date_s = days * DAY_S + date_s.rem_euclid(DAY_S);
        }
        match offset_min {
            Some(_) => Ok(date_s),
            None => now.zone.moment(date_s).ok_or(Stumble),
        }
    }

    fn year_day_from_week(&mut self, year: i64) -> Result<(), NoDate> {
        let (None, Some((week, from_monday)), Some(mut weekday)) =
            (self.year_day, self.week, self.weekday)
        else {
            return Ok(());
        };
        let mut first = weekday_of(days_of(year, 1, 1).ok_or(Impossible)?);
        if !from_monday {
            first = (first + 1) % 7;
            weekday = (weekday + 1) % 7;
        }
        let year_day = match week {
            0 => 1 + weekday - first,
            _ => 1 + (7 - first) % 7 + 7 * (week.min(1 << 32) - 1) + weekday,
        };
        self.year_day = Some(year_day);
        Ok(())
    }
}

fn in_range(date_s: i64) -> Result<i64, NoDate> {
    if (FIRST_S..=LAST_S).contains(&date_s) { Ok(date_s) } else { Err(Stumble) }
}

fn index(names: &[&str], text: &str) -> Result<i64, NoDate> {
    let mut places = (0..).zip(names);
    let found = places.find(|(_, name)| name.eq_ignore_ascii_case(text));
    found.map(|(place, _)| place).ok_or(Impossible)
}

/// A whole number as Python's `int` reads it: digits of any script, white space around, a sign,
/// single underscores between digits. What is over the range stays over it.
pub fn number(text: &str) -> Result<i64, NoDate> {
    if let [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = *text.as_bytes() {
        return Ok(i64::from(tens & 15) * 10 + i64::from(ones & 15));
    }
    let text = text.trim_matches(is_space);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mut value, mut after_digit) = (0_i64, false);
    for character in digits.chars() {
        match digit_value(character) {
            Some(digit) => {
                value = value.saturating_mul(10).saturating_add(i64::from(digit)).min(1 << 40);
                after_digit = true;
            }
            None if character == '_' && after_digit => after_digit = false,
            None => return Err(Impossible),
        }
    }
    if after_digit { Ok(sign * value) } else { Err(Impossible) }
}

/// The offset in minutes of a zone as dates and `logtimezone` name it: letters, an offset, or
/// letters and an offset from them.
pub fn zone_offset(text: &str) -> Result<i64, NoDate> {
    if matches!(text, "Z" | "UTC" | "GMT") {
        return Ok(0);
    }
    let signed = text.find(['+', '-']).unwrap_or(text.len());
    let (name, offset) = text.split_at(signed);
    let letters = name.bytes().all(|byte| byte.is_ascii_uppercase());
    if !letters || !matches!(name.len(), 0 | 1 | 3..=5) {
        return Err(Impossible);
    }
    let minutes = clock_offset(offset)?;
    let base = if name.is_empty() { Some(0) } else { abbreviations::offset_min(name) };
    Ok(base.ok_or(Stumble)? + minutes)
}

/// `+hh`, `+hhmm` or `+hh:mm`, or nothing; at the end there may be a line end.
fn clock_offset(text: &str) -> Result<i64, NoDate> {
    let mut characters = text.strip_suffix('\n').unwrap_or(text).chars();
    let Some(sign) = characters.next() else { return Ok(0) };
    let rest: Vec<char> = characters.collect();
    let (hours, minutes) = match *rest.as_slice() {
        [a, b] => ([a, b], None),
        [a, b, c, d] | [a, b, ':', c, d] => ([a, b], Some([c, d])),
        _ => return Err(Impossible),
    };
    if !matches!(hours[0], '0' | '1') {
        return Err(Impossible);
    }
    let value = |digits: [char; 2]| -> Result<i64, NoDate> {
        let tens = digit_value(digits[0]).ok_or(Impossible)?;
        Ok(i64::from(tens) * 10 + i64::from(digit_value(digits[1]).ok_or(Impossible)?))
    };
    let total = value(hours)? * 60 + minutes.map_or(Ok(0), value)?;
    Ok(if sign == '-' { -total } else { total })
}
