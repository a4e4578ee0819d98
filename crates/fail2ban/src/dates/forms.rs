//! The forms of dates that are looked for when a filter names none: 17 forms, 14 of them also in
//! a copy that only looks at the beginning of the line and is tried before them.

use super::starts::Kinds;
use super::steps::Step::{
    Again, Fraction, Gap, Is, IsoGap, Maybe, MaybeOneOf, OneOf, Part as P, Separator, Spaces,
};
use super::steps::{Part, Step};
use super::usual::Layout;

/// A form.
pub struct Form {
    /// How fail2ban writes it, in tokens.
    pub pattern: &'static str,
    /// How fail2ban calls it in its messages.
    pub name: &'static str,
    pub reads: Reads,
    /// Where it may begin without a mark of its own.
    pub place: Place,
    /// What its first character may be.
    pub begins: Kinds,
    /// How its dates are mostly written.
    pub layout: Option<Layout>,
}

/// How a form is read.
pub enum Reads {
    Steps(&'static [Step]),
    Epoch,
    Tai,
}

/// Where a form may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At any bound of a word, so there is a copy for the beginning of the line.
    Anywhere,
    /// At the beginning of the line, after up to two characters that are of no word.
    LineBegin,
    /// At the first character.
    First,
}

const fn form(
    name: &'static str,
    pattern: &'static str,
    begins: Kinds,
    steps: &'static [Step],
) -> Form {
    Form { pattern, name, reads: Reads::Steps(steps), place: Place::Anywhere, begins, layout: None }
}

const fn placed(place: Place, form: Form) -> Form {
    Form { place, ..form }
}

const fn written(layout: Layout, form: Form) -> Form {
    Form { layout: Some(layout), ..form }
}

const MINUTE: Step = P(Part::Minute);
const SECOND: Step = P(Part::Second);
const COLON: Step = Is(b':');

const NAMED: Kinds = Kinds::NAME.and(Kinds::MONTH);
const NAMED_TIME: Kinds = NAMED.and(Kinds::COLON);
const DIGIT_TIME: Kinds = Kinds::DIGIT.and(Kinds::COLON);
const DAY_TIME: Kinds = DIGIT_TIME.and(Kinds::SPACE);

/// The forms in the order in which they are tried.
pub static FORMS: [Form; 17] = [
    written(
        Layout::Iso,
        form(
            r"ExYear(?P<_sep>[-/.])Month(?P=_sep)Day(?:T|  ?)24hour:Minute:Second(?:[.,]Microseconds)?(?:\s*Zone offset)?",
            r"%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\s*%z)?",
            DIGIT_TIME,
            &[
                P(Part::Year),
                Separator(b"-/."),
                P(Part::Month),
                Again,
                P(Part::Day),
                IsoGap,
                P(Part::Hour),
                COLON,
                MINUTE,
                COLON,
                SECOND,
                Maybe(2),
                OneOf(b".,"),
                Fraction,
                Maybe(2),
                Spaces,
                P(Part::Offset),
            ],
        ),
    ),
    written(
        Layout::Syslog,
        form(
            r"(?:DAY )?MON Day %k:Minute:Second(?:\.Microseconds)?(?: ExYear)?",
            r"(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
            NAMED_TIME,
            &[
                Maybe(2),
                P(Part::DayName),
                Is(b' '),
                P(Part::MonthName),
                Is(b' '),
                P(Part::Day),
                Is(b' '),
                P(Part::HourBlank),
                COLON,
                MINUTE,
                COLON,
                SECOND,
                Maybe(2),
                Is(b'.'),
                Fraction,
                Maybe(2),
                Is(b' '),
                P(Part::Year),
            ],
        ),
    ),
    form(
        r"(?:DAY )?MON Day ExYear %k:Minute:Second(?:\.Microseconds)?",
        r"(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?",
        NAMED_TIME,
        &[
            Maybe(2),
            P(Part::DayName),
            Is(b' '),
            P(Part::MonthName),
            Is(b' '),
            P(Part::Day),
            Is(b' '),
            P(Part::Year),
            Is(b' '),
            P(Part::HourBlank),
            COLON,
            MINUTE,
            COLON,
            SECOND,
            Maybe(2),
            Is(b'.'),
            Fraction,
        ],
    ),
    form(
        r"Day(?P<_sep>[-/])Month(?P=_sep)(?:ExYear|ExYear2) %k:Minute:Second",
        r"%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S",
        DAY_TIME,
        &[
            P(Part::Day),
            Separator(b"-/"),
            P(Part::Month),
            Again,
            P(Part::YearOrYear2),
            Is(b' '),
            P(Part::HourBlank),
            COLON,
            MINUTE,
            COLON,
            SECOND,
        ],
    ),
    written(
        Layout::Web,
        form(
            r"Day(?P<_sep>[-/])MON(?P=_sep)ExYear[ :]?24hour:Minute:Second(?:\.Microseconds)?(?: Zone offset)?",
            r"%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?",
            DAY_TIME.and(Kinds::MONTH),
            &[
                P(Part::Day),
                Separator(b"-/"),
                P(Part::MonthName),
                Again,
                P(Part::Year),
                MaybeOneOf(b" :"),
                P(Part::Hour),
                COLON,
                MINUTE,
                COLON,
                SECOND,
                Maybe(2),
                Is(b'.'),
                Fraction,
                Maybe(2),
                Is(b' '),
                P(Part::OffsetAnyCase),
            ],
        ),
    ),
    form(
        "Month/Day/ExYear:24hour:Minute:Second",
        "%m/%d/%ExY:%H:%M:%S",
        DIGIT_TIME,
        &[
            P(Part::Month),
            Is(b'/'),
            P(Part::Day),
            Is(b'/'),
            P(Part::Year),
            COLON,
            P(Part::Hour),
            COLON,
            MINUTE,
            COLON,
            SECOND,
        ],
    ),
    form(
        r"Month-Day-ExYear %k:Minute:Second(?:\.Microseconds)?",
        r"%m-%d-%ExY %k:%M:%S(?:\.%f)?",
        DIGIT_TIME,
        &[
            P(Part::Month),
            Is(b'-'),
            P(Part::Day),
            Is(b'-'),
            P(Part::Year),
            Is(b' '),
            P(Part::HourBlank),
            COLON,
            MINUTE,
            COLON,
            SECOND,
            Maybe(2),
            Is(b'.'),
            Fraction,
        ],
    ),
    Form {
        layout: None,
        pattern: "",
        name: "Epoch",
        reads: Reads::Epoch,
        place: Place::Anywhere,
        begins: Kinds::DIGIT,
    },
    placed(
        Place::LineBegin,
        form(
            "24hour:Minute:Second",
            "{^LN-BEG}%H:%M:%S",
            DIGIT_TIME,
            &[P(Part::Hour), COLON, MINUTE, COLON, SECOND],
        ),
    ),
    placed(
        Place::First,
        form(
            "^<Month/Day/ExYear2@24hour:Minute:Second>",
            "^<%m/%d/%Exy@%H:%M:%S>",
            DIGIT_TIME,
            &[
                Is(b'<'),
                P(Part::Month),
                Is(b'/'),
                P(Part::Day),
                Is(b'/'),
                P(Part::Year2),
                Is(b'@'),
                P(Part::Hour),
                COLON,
                MINUTE,
                COLON,
                SECOND,
                Is(b'>'),
            ],
        ),
    ),
    form(
        "ExYear2ExMonthExDay  ?24hour:Minute:Second",
        "%Exy%Exm%Exd  ?%H:%M:%S",
        DIGIT_TIME,
        &[
            P(Part::Year2),
            P(Part::MonthTwoDigits),
            P(Part::DayTwoDigits),
            Gap,
            P(Part::Hour),
            COLON,
            MINUTE,
            COLON,
            SECOND,
        ],
    ),
    form(
        "MON Day, ExYear 12hour:Minute:Second AMPM",
        "%b %d, %ExY %I:%M:%S %p",
        NAMED_TIME,
        &[
            P(Part::MonthName),
            Is(b' '),
            P(Part::Day),
            Is(b','),
            Is(b' '),
            P(Part::Year),
            Is(b' '),
            P(Part::Hour12),
            COLON,
            MINUTE,
            COLON,
            SECOND,
            Is(b' '),
            P(Part::HalfDay),
        ],
    ),
    placed(
        Place::First,
        form(
            "^MON-Day-ExYear2 %k:Minute:Second",
            "^%b-%d-%Exy %k:%M:%S",
            NAMED_TIME,
            &[
                P(Part::MonthName),
                Is(b'-'),
                P(Part::Day),
                Is(b'-'),
                P(Part::Year2),
                Is(b' '),
                P(Part::HourBlank),
                COLON,
                MINUTE,
                COLON,
                SECOND,
            ],
        ),
    ),
    form(
        r"ExYearExMonthExDay(?:T|  ?)Ex24hourExMinuteExSecond(?:[.,]Microseconds)?(?:\s*Zone offset)?",
        r"%ExY%Exm%Exd(?:T|  ?)%ExH%ExM%ExS(?:[.,]%f)?(?:\s*%z)?",
        Kinds::DIGIT,
        &[
            P(Part::Year),
            P(Part::MonthTwoDigits),
            P(Part::DayTwoDigits),
            IsoGap,
            P(Part::HourTwoDigits),
            P(Part::MinuteTwoDigits),
            P(Part::SecondTwoDigits),
            Maybe(2),
            OneOf(b".,"),
            Fraction,
            Maybe(2),
            Spaces,
            P(Part::Offset),
        ],
    ),
    form(
        r"(?:Zone name )?(?:DAY )?MON Day %k:Minute:Second(?:\.Microseconds)?(?: ExYear)?",
        r"(?:%Z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
        NAMED_TIME.and(Kinds::LETTER),
        &[
            Maybe(2),
            P(Part::ZoneName),
            Is(b' '),
            Maybe(2),
            P(Part::DayName),
            Is(b' '),
            P(Part::MonthName),
            Is(b' '),
            P(Part::Day),
            Is(b' '),
            P(Part::HourBlank),
            COLON,
            MINUTE,
            COLON,
            SECOND,
            Maybe(2),
            Is(b'.'),
            Fraction,
            Maybe(2),
            Is(b' '),
            P(Part::Year),
        ],
    ),
    form(
        r"(?:Zone offset )?(?:DAY )?MON Day %k:Minute:Second(?:\.Microseconds)?(?: ExYear)?",
        r"(?:%z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
        NAMED_TIME.and(Kinds::LETTER).and(Kinds::SIGN),
        &[
            Maybe(2),
            P(Part::OffsetAnyCase),
            Is(b' '),
            Maybe(2),
            P(Part::DayName),
            Is(b' '),
            P(Part::MonthName),
            Is(b' '),
            P(Part::Day),
            Is(b' '),
            P(Part::HourBlank),
            COLON,
            MINUTE,
            COLON,
            SECOND,
            Maybe(2),
            Is(b'.'),
            Fraction,
            Maybe(2),
            Is(b' '),
            P(Part::Year),
        ],
    ),
    Form {
        layout: None,
        pattern: "",
        name: "TAI64N",
        reads: Reads::Tai,
        place: Place::Anywhere,
        begins: Kinds::AT,
    },
];
