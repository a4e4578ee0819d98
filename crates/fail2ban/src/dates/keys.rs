//! What the parts of a date mean: the names of the groups in a date expression.

use super::steps::Part;

/// A part that has a value. All other groups of an expression mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Year,
    Year2,
    Month,
    MonthFullName,
    MonthName,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
    DayFullName,
    DayName,
    Weekday,
    YearDay,
    WeekFromSunday,
    WeekFromMonday,
    HalfDay,
    Offset,
    ZoneName,
}

impl Key {
    /// How many there are.
    pub const COUNT: usize = 19;

    /// In the order in which the default forms have them, as far as it matters: a zone that
    /// nobody knows stops the reading before a month that is none.
    pub const ALL: [Self; Self::COUNT] = [
        Self::ZoneName,
        Self::Year,
        Self::Year2,
        Self::Month,
        Self::MonthFullName,
        Self::MonthName,
        Self::Day,
        Self::Hour,
        Self::Hour12,
        Self::Minute,
        Self::Second,
        Self::DayFullName,
        Self::DayName,
        Self::Weekday,
        Self::YearDay,
        Self::WeekFromSunday,
        Self::WeekFromMonday,
        Self::HalfDay,
        Self::Offset,
    ];

    /// The meaning of a group with this name.
    pub fn of_group(name: &str) -> Option<Self> {
        Some(match name {
            "Y" => Self::Year,
            "y" => Self::Year2,
            "m" => Self::Month,
            "B" => Self::MonthFullName,
            "b" => Self::MonthName,
            "d" => Self::Day,
            "H" => Self::Hour,
            "I" => Self::Hour12,
            "M" => Self::Minute,
            "S" => Self::Second,
            "A" => Self::DayFullName,
            "a" => Self::DayName,
            "w" => Self::Weekday,
            "j" => Self::YearDay,
            "U" => Self::WeekFromSunday,
            "W" => Self::WeekFromMonday,
            "p" => Self::HalfDay,
            "z" => Self::Offset,
            "Z" => Self::ZoneName,
            _ => return None,
        })
    }
}

impl Part {
    /// What this part means.
    pub const fn key(self) -> Key {
        match self {
            Self::Year | Self::YearOrYear2 => Key::Year,
            Self::Year2 => Key::Year2,
            Self::Month | Self::MonthTwoDigits => Key::Month,
            Self::MonthName => Key::MonthName,
            Self::Day | Self::DayTwoDigits => Key::Day,
            Self::DayName => Key::DayName,
            Self::Hour | Self::HourTwoDigits | Self::HourBlank => Key::Hour,
            Self::Hour12 => Key::Hour12,
            Self::Minute | Self::MinuteTwoDigits => Key::Minute,
            Self::Second | Self::SecondTwoDigits => Key::Second,
            Self::HalfDay => Key::HalfDay,
            Self::Offset | Self::OffsetAnyCase => Key::Offset,
            Self::ZoneName => Key::ZoneName,
        }
    }
}
