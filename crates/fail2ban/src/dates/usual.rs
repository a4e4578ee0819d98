//! Dates as nearly all logs write them, every number with all its digits: they are read at once.
//!
//! Of such a date each way to look for its form finds the same: a number that could be shorter is
//! not followed by what has to follow it. Whatever is written otherwise, or goes on with what may
//! belong to it, is left to the walk along the form's steps, or to the expression.

use super::characters::is_space;
use super::forms::FORMS;
use super::line::Line;
use super::memo::Readings;
use super::scan::{Hit, Value};
use super::value::{NoDate, Now, Parts};

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `Dec  9 07:00:00`
    Syslog,
    /// `2025-12-09T07:00:00.123456+01:00`
    Iso,
    /// `09/Dec/2025:07:00:00 +0100`
    Web,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the first character.
    First,
    /// Behind the first `[`; with `whole`, that bracket and the one behind it are part of it.
    Bracket { whole: bool },
    /// Where the search begins, which is at a bound of a word.
    Anywhere,
}

/// The pattern of openHAB, with a date of the web and its offset anywhere in the line.
const OPENHAB: &str = r"%d/%b[^/]*/%Y:%H:%M:%S %z";

/// A layout at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    layout: Layout,
    place: Place,
}

impl Usual {
    /// A date that begins the line.
    pub const fn first(layout: Layout) -> Self {
        Self { layout, place: Place::First }
    }

    /// What a pattern of a `datepattern` finds, if it is a default form in one of these places.
    pub fn of_pattern(pattern: &str) -> Option<Self> {
        if pattern == OPENHAB {
            return Some(Self { layout: Layout::Web, place: Place::Anywhere });
        }
        let (place, form) = place_of(pattern)?;
        let form = loose(form);
        let known = FORMS.iter().filter(|known| known.layout.is_some());
        let known = known.into_iter().find(|known| loose(known.pattern) == form)?;
        Some(Self { layout: known.layout?, place })
    }

    /// The date in a line from the byte `from` on; `None` if it is not known whether there is one.
    #[inline(always)]
    pub fn find(
        self,
        line: Line,
        from: usize,
        decade_max: u16,
        readings: &mut Readings,
    ) -> Option<Sight> {
        let bytes = line.bytes();
        let at = match self.place {
            // Where it was in the line before, else where the first slash is that may be in one.
            Place::Anywhere if bytes.get(from + 2) == Some(&b'/') => from,
            Place::Anywhere => from + slash(bytes.get(from..)?)?.checked_sub(2)?,
            _ if from > 0 => return None,
            Place::First => 0,
            Place::Bracket { .. } => memchr::memchr(b'[', bytes)? + 1,
        };
        let (length, written) = readings.read(self.layout, line, at, decade_max)?;
        let (mut start, mut end, mut full) = (at, at + length, 0);
        match self.place {
            Place::Anywhere => {
                // Longer than without an offset, and written with slashes and a colon.
                let is_so = length > 20 && bytes[at + 2] == b'/' && bytes[at + 11] == b':';
                if !is_so || !line.is_bound(at) {
                    return None;
                }
                full = at;
            }
            Place::Bracket { whole: true } => {
                if bytes.get(end) != Some(&b']') {
                    return None;
                }
                (start, end) = (start - 1, end + 1);
            }
            Place::First | Place::Bracket { whole: false } => {}
        }
        Some(Sight { cut: (start, end), full: (full, end), written })
    }

    /// Whether it may stand anywhere in the line.
    pub fn is_anywhere(self) -> bool {
        self.place == Place::Anywhere
    }
}

/// A usual date in a line.
pub struct Sight {
    /// What is cut out of the line.
    pub cut: (usize, usize),
    /// What the template takes as a whole.
    pub full: (usize, usize),
    pub written: Written,
}

impl From<Sight> for Hit {
    fn from(sight: Sight) -> Self {
        Self { cut: Some(sight.cut), full: sight.full, value: Value::Read(sight.written) }
    }
}

/// The first slash that may stand between a day and the name of a month.
pub fn slash(line: &[u8]) -> Option<usize> {
    let may_be = |at: Option<usize>, is: fn(&u8) -> bool| {
        let byte = at.and_then(|at| line.get(at));
        byte.is_some_and(|byte| !byte.is_ascii() || is(byte))
    };
    memchr::memchr_iter(b'/', line).find(|at| {
        may_be(at.checked_sub(1), u8::is_ascii_digit)
            && may_be(Some(at + 1), u8::is_ascii_alphabetic)
    })
}

fn place_of(pattern: &str) -> Option<(Place, &str)> {
    if let Some(form) = pattern.strip_prefix("{^LN-BEG}") {
        return Some((Place::First, form));
    }
    let rest = pattern.strip_prefix('^')?;
    let Some(rest) = rest.strip_prefix(r"[^\[]*") else { return Some((Place::First, rest)) };
    if let Some(inner) = rest.strip_prefix(r"\[(") {
        return Some((Place::Bracket { whole: false }, inner.strip_suffix(')')?));
    }
    let inner = rest.strip_prefix(r"(\[")?.strip_suffix(r"\s*\])")?;
    Some((Place::Bracket { whole: true }, inner))
}

/// A pattern without what makes no difference where all digits are there.
fn loose(pattern: &str) -> String {
    let pattern = pattern.replace("%k", "%H").replace("%ExH", "%H").replace("%ExM", "%M");
    pattern.replace("%ExS", "%S").replace("(?:T|  ?)", "[T ]")
}

/// A date that is written so.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// If it has one.
    pub year: Option<u16>,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub offset_min: Option<i16>,
    /// The moment in seconds since 1970, where it leaves nothing out.
    pub moment: Option<Result<i64, NoDate>>,
}

impl Written {
    fn of(year: Option<u16>, [month, day]: [u8; 2], clock: [u8; 3], offset: Option<i16>) -> Self {
        let [hour, minute, second] = clock;
        let mut written =
            Self { year, month, day, hour, minute, second, offset_min: offset, moment: None };
        if year.is_some() && offset.is_some() {
            written.moment = Some(Parts::of(written).whole());
        }
        written
    }

    /// The moment in seconds since 1970.
    #[inline]
    pub fn read(self, now: &mut Now) -> Result<i64, NoDate> {
        self.moment.unwrap_or_else(|| Parts::of(self).resolve(now))
    }
}

impl Layout {
    /// How long the date is that begins here, and what it says.
    pub fn read(self, bytes: &[u8], decade_max: u16) -> Option<(usize, Written)> {
        match self {
            Self::Syslog => syslog(bytes),
            Self::Iso => iso(bytes, decade_max),
            Self::Web => web(bytes, decade_max),
        }
    }
}

fn syslog(bytes: &[u8]) -> Option<(usize, Written)> {
    let (date, rest) = bytes.split_first_chunk::<15>()?;
    let [a, b, c, b' ', tens, ones, b' ', time @ ..] = date else { return None };
    let day = day(if *tens == b' ' { b'0' } else { *tens }, *ones)?;
    // A fraction or a year may follow.
    if matches!(rest, [b'.', ..] | [b' ', b'2', ..]) || !ends_before(rest) {
        return None;
    }
    Some((15, Written::of(None, [month([*a, *b, *c])?, day], clock(time)?, None)))
}

fn iso(bytes: &[u8], decade_max: u16) -> Option<(usize, Written)> {
    let (date, rest) = bytes.split_first_chunk::<19>()?;
    let [y, e, a, r, first, m, n, second, d, f, b'T' | b' ', time @ ..] = date else {
        return None;
    };
    let year = year([*y, *e, *a, *r], decade_max)?;
    let month = number(*m, *n).filter(|month| (1..=12).contains(month))?;
    if first != second || !matches!(first, b'-' | b'/' | b'.') {
        return None;
    }
    let mut length = date.len();
    if let [b'.' | b',', fraction @ ..] = rest {
        let digits = fraction.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
        if !matches!(digits, 1..=6) {
            return None;
        }
        length += 1 + digits;
    }
    let rest = &bytes[length..];
    let spaces = rest.iter().take_while(|byte| is_space(char::from(**byte))).count();
    let (offset_min, behind) = match rest.get(spaces) {
        Some(b'+' | b'-') => {
            let (offset, taken) = offset(&rest[spaces..])?;
            (Some(offset), spaces + taken)
        }
        Some(b'Z') => (Some(0), spaces + 1),
        Some(b'U' | b'G' | 0x80..) => return None,
        _ => (None, 0),
    };
    let written = Written::of(Some(year), [month, day(*d, *f)?], clock(time)?, offset_min);
    ends_before(&rest[behind..]).then_some((length + behind, written))
}

fn web(bytes: &[u8], decade_max: u16) -> Option<(usize, Written)> {
    let (date, rest) = bytes.split_first_chunk::<20>()?;
    let [d, f, first, a, b, c, second, y, e, z, r, b':' | b' ', time @ ..] = date else {
        return None;
    };
    let (year, month) = (year([*y, *e, *z, *r], decade_max)?, month([*a, *b, *c])?);
    if first != second || !matches!(first, b'-' | b'/') {
        return None;
    }
    let (offset_min, behind) = match rest {
        [b'.', ..] | [b' ', b'z' | b'Z' | b'u' | b'U' | b'g' | b'G' | 0x80.., ..] => return None,
        [b' ', rest @ ..] if matches!(rest.first(), Some(b'+' | b'-')) => {
            let (offset, taken) = offset(rest)?;
            (Some(offset), 1 + taken)
        }
        _ => (None, 0),
    };
    let written = Written::of(Some(year), [month, day(*d, *f)?], clock(time)?, offset_min);
    ends_before(&rest[behind..]).then_some((date.len() + behind, written))
}

/// Whether a word has its end before this.
fn ends_before(rest: &[u8]) -> bool {
    rest.first()
        .is_none_or(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'_')
}

fn number(tens: u8, ones: u8) -> Option<u8> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| (tens & 15) * 10 + (ones & 15))
}

fn day(tens: u8, ones: u8) -> Option<u8> {
    number(tens, ones).filter(|day| (1..=31).contains(day))
}

fn year([a, b, c, d]: [u8; 4], decade_max: u16) -> Option<u16> {
    let year = u16::from(number(a, b)?) * 100 + u16::from(number(c, d)?);
    (2000..=decade_max * 10 + 9).contains(&year).then_some(year)
}

fn clock(time: &[u8; 8]) -> Option<[u8; 3]> {
    let [h, o, b':', m, i, b':', s, e] = *time else { return None };
    let clock = [number(h, o)?, number(m, i)?, number(s, e)?];
    (clock[0] < 24 && clock[1] < 60 && clock[2] < 60).then_some(clock)
}

fn month([a, b, c]: [u8; 3]) -> Option<u8> {
    Some(match &[a | 0x20, b | 0x20, c | 0x20] {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// `+0100` or `+01:00` in minutes, and its length.
fn offset(text: &[u8]) -> Option<(i16, usize)> {
    let (minutes, length) = match text {
        [_, b'0' | b'1', _, b':', a, b, ..] => (number(*a, *b)?, 6),
        [_, b'0' | b'1', _, a, b, ..] => (number(*a, *b)?, 5),
        _ => return None,
    };
    let total = i16::from(number(text[1], text[2])?) * 60 + i16::from(minutes);
    Some((if text[0] == b'-' { -total } else { total }, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dates::finder::DateFinder;
    use crate::dates::scan::Scan;
    use crate::dates::steps::Walk;
    use crate::dates::template::read;
    use crate::dates::zone::Zone;

    fn told(line: &str, hit: &Hit) -> String {
        let now = &mut Now { epoch_s: 1_765_350_000, zone: &mut Zone::utc(), log_offset_min: None };
        format!("{line:?} {:?} {:?} {:?}", hit.cut, hit.full, read(Line::new(line), hit, now))
    }

    #[test]
    fn what_is_read_at_once_is_what_the_walk_finds() {
        let dates = [
            "Dec 10 07:01:02",
            "feb  9 23:59:59",
            "Mon Dec 10 07:01:02",
            "Feb 30 07:01:02",
            "2025-12-10T07:01:02",
            "2004/02/29 07:01:02",
            "10/Dec/2025:07:01:02",
            "31-apr-2011 00:00:00",
        ];
        let behind = [
            "",
            " h",
            ".5 h",
            " 2025 h",
            " 2x",
            ":",
            "é",
            "_",
            "7",
            "Z",
            " Z",
            " UTC",
            "+0100",
            "+01:00 ",
            " -0530]",
            " +1",
            ".123456+02:00 h",
            ",1234567",
            ".é",
            "  +0200",
            "\t+0200",
            " gmt",
            "+019",
            "+0199",
            " Kelvin",
            ".12 -01",
            "Zé",
            " utc2",
        ];
        let mut read = 0;
        for (date, behind) in dates.iter().flat_map(|date| behind.map(|behind| (date, behind))) {
            for place in 0..date.len() + 1 {
                for byte in b"0123456789 :-/T.DecZ[" {
                    let mut line = format!("{date}{behind}").into_bytes();
                    if let Some(there) = line.get_mut(place).filter(|_| place < date.len()) {
                        *there = *byte;
                    }
                    let Ok(line) = String::from_utf8(line) else { continue };
                    for scan in Scan::all().filter(|scan| scan.is_copy()) {
                        let Some(layout) = scan.form.layout else { continue };
                        let mut readings = Readings::default();
                        let sight =
                            Usual::first(layout).find(Line::new(&line), 0, 202, &mut readings);
                        let Some(hit) = sight.map(Hit::from) else { continue };
                        let walked = scan.walked(&mut Walk::new(Line::new(&line), 202), 0, 0);
                        let walked = walked.map(|hit| told(&line, &hit));
                        assert_eq!(Some(told(&line, &hit)), walked);
                        read += 1;
                    }
                }
            }
        }
        assert!(read > 10_000, "{read}");
    }

    #[test]
    fn a_date_that_stands_anywhere_is_what_the_expression_finds() {
        let zone = Zone::utc;
        let finder = |pattern: &str| {
            DateFinder::new(Some(pattern), 1_765_350_000, zone(), None).expect("a pattern")
        };
        let (mut quick, mut slow) = (finder(OPENHAB), finder(r"%d/%b[^/]*/%Y:%H:%M:%S[ ]%z"));
        let mut found = 0;
        for date in [
            "10/Dec/2025:07:01:02 +0000",
            "10/Dec/2025:07:01:02 +01:00",
            "10/Dec/2025:07:01:02 -0",
            "10/Dec/2025:07:01:02",
            "10-Dec-2025:07:01:02 +0000",
            "10/Dec/2025 07:01:02 +0000",
            "9/Dec/2025:07:01:02 +0000",
            " 9/dec/2025:07:01:02 +0000",
            "10/December/2025:07:01:02 +0000",
            "30/Feb/2025:07:01:02 Z",
            "10/Dec/1999:07:01:02 +0000",
            "\u{661}0/Dec/2025:07:01:02 +0000",
            "/usr/sbin",
        ] {
            for before in ["", "a [", "b [", "7", "x", "1/Jan/", "h - - [[", "\u{e9} "] {
                for behind in ["", "]", "] \"GET /\"", "7", " 10/Dec/2025:08:01:02 +0000", "\u{e9}"]
                {
                    // Twice, as the second time it is looked for where it was.
                    for _ in 0..2 {
                        let line = format!("{before}{date}{behind}");
                        let (one, other) =
                            (quick.find(&line, 1_765_350_000), slow.find(&line, 1_765_350_000));
                        assert_eq!(one, other, "{line}");
                        found += usize::from(one.is_some());
                    }
                }
            }
        }
        assert!(found > 400, "{found}");
    }

    #[test]
    fn a_pattern_that_is_a_form_is_known() {
        for (pattern, layout, place) in [
            ("{^LN-BEG}(?:%a )?%b %d %H:%M:%S(?:\\.%f)?(?: %ExY)?", Layout::Syslog, Place::First),
            (
                r"{^LN-BEG}%ExY(?P<_sep>[-/.])%m(?P=_sep)%d[T ]%H:%M:%S(?:[.,]%f)?(?:\s*%z)?",
                Layout::Iso,
                Place::First,
            ),
            (
                r"^[^\[]*\[(%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?)",
                Layout::Web,
                Place::Bracket { whole: false },
            ),
            (
                r"^[^\[]*(\[%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?\s*\])",
                Layout::Web,
                Place::Bracket { whole: true },
            ),
        ] {
            assert_eq!(Usual::of_pattern(pattern), Some(Usual { layout, place }), "{pattern}");
        }
        for pattern in ["%Y", "^%d", "{^LN-BEG}%b %d %H:%M:%S", "(?:%a )?%b %d %k:%M:%S"] {
            assert_eq!(Usual::of_pattern(pattern), None);
        }
    }
}
