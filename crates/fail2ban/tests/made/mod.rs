//! Lines with dates of all kinds, nearly dates, and noise, from a seed.

use super::oracle::Setting;

/// Makes lines; the same seed makes the same.
pub struct Maker {
    state: u64,
}

const ZONES: [&str; 6] = [
    "CET-01CEST-02,M3.5.0,M10.5.0",
    "UTC0",
    "Asia/Tokyo",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
];

const MONTHS: [&str; 16] = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
    "MAY",
    "sep",
    "\u{17f}ep",
    "Juk",
];

const DAYS: [&str; 10] =
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "fr\u{131}", "SUN", "\u{17f}at"];

const NAMES: [&str; 14] = [
    "Z",
    "UTC",
    "GMT",
    "PDT",
    "CET",
    "CEST",
    "error",
    "abc",
    "z",
    "utc",
    "PT",
    "ANAST",
    "Zulu",
    "\u{130}ST",
];

const OFFSETS: [&str; 12] = [
    "+0100",
    "-0330",
    "+02:00",
    "+01",
    "-05",
    "Z",
    "UTC",
    "GMT",
    "+2500",
    "z",
    "+1\u{663}:30",
    "utc",
];

const NOISE: [&str; 34] = [
    " ",
    "  ",
    "[",
    "]",
    "<",
    ">",
    "(",
    ")",
    ": ",
    ", ",
    "-",
    ".",
    "\t",
    "\u{a0}",
    "\u{e9}",
    "x",
    "host sshd[123]: Failed password for root from 192.0.2.1 port 22 ssh2",
    "audit(",
    ":123)",
    "10.0.0.1 - - [",
    "] \"GET / HTTP/1.1\" 200",
    "error",
    "May",
    "1",
    "12:34",
    "2005",
    "_",
    "|",
    "\u{2013}",
    "\u{6f22}\u{5b57}",
    "id=1124013600",
    "@4000000042ff0000",
    "Mon ",
    "\u{301}",
];

/// The forms: `%` and a letter is a part, all else is itself.
const FORMS: [&str; 40] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y/%m/%d  %H:%M:%S,%f %z",
    "%Y.%m.%d %H:%M:%S",
    "%Y-%m/%d %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%b %d %H:%M:%S",
    "%b %d %H:%M:%S.%f",
    "%b  %D %H:%M:%S",
    "%a %b %d %Y %H:%M:%S.%f",
    "%d/%m/%Y %H:%M:%S",
    "%d-%m-%y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S.%f",
    "%d/%b/%Y%H:%M:%S",
    "%m/%d/%Y:%H:%M:%S",
    "%m-%d-%Y %H:%M:%S.%f",
    "%E",
    "[%E]",
    "audit(%E:123)",
    "%E.%f",
    "%H:%M:%S",
    "<%m/%d/%y@%H:%M:%S>",
    "%y%m%d %H:%M:%S",
    "%y%m%d  %h:%M:%S",
    "%b %d, %Y %h:%M:%S AM",
    "%b %d, %Y %h:%M:%S pm",
    "%b-%d-%y %H:%M:%S",
    "%Y%m%dT%H%M%S",
    "%Y%m%d %H%M%S.%f %z",
    "%Y%m%d  %H%M%S",
    "%Z %b %d %H:%M:%S",
    "%Z %a %b %d %H:%M:%S %Y",
    "%z %b %d %H:%M:%S.%f %Y",
    "%z %a %b %D  %h:%M:%S",
    "@4%X",
    "%Z %z %b %d %H:%M:%S",
    "%D/%m/%Y  %h:%M:%S",
    "%b %d %Y  %h:%M:%S",
    "no date at all",
];

impl Maker {
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below this one.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next()).expect("64 bits") % bound
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn default_setting(&mut self) -> Setting {
        let pattern = self.chance(20).then(|| "{^LN-BEG}".to_owned());
        Setting { pattern, ..self.setting() }
    }

    pub fn setting(&mut self) -> Setting {
        let zone = self.pick(&ZONES).to_owned();
        let log_zone = self.chance(15).then(|| self.pick(&["UTC", "CEST", "+0530", "EST+01"]));
        Setting { pattern: None, zone, log_zone: log_zone.map(str::to_owned) }
    }

    pub fn now_s(&mut self) -> i64 {
        let some = [1_124_013_600, 1_104_535_000, 1_709_200_000, 1_793_000_000, 1_130_632_200];
        self.pick(&some) + i64::try_from(self.below(86_400)).expect("small")
    }

    /// So many forms, which lines then take in turn.
    pub fn forms(&mut self, count: usize) -> Vec<&'static str> {
        (0..count).map(|_| self.pick(&FORMS)).collect()
    }

    pub fn line(&mut self, forms: &[&str]) -> String {
        let mut line = String::new();
        if self.chance(40) {
            for _ in 0..self.below(4) {
                line.push_str(self.pick(&NOISE));
            }
        }
        for count in 0..=usize::from(self.chance(15)) {
            if count > 0 {
                line.push_str(self.pick(&NOISE));
            }
            let form = self.pick(forms);
            let date = self.date(form);
            line.push_str(&date);
        }
        if self.chance(85) {
            line.push(' ');
            line.push_str(NOISE[16]);
        }
        for _ in 0..self.below(3) {
            line.push_str(self.pick(&NOISE));
        }
        if self.chance(30) { self.damaged(&line) } else { line }
    }

    /// One to three characters of it changed, doubled or left out.
    fn damaged(&mut self, line: &str) -> String {
        let mut characters: Vec<char> = line.chars().collect();
        for _ in 0..1 + self.below(3) {
            let near = if self.chance(80) { 36 } else { usize::MAX };
            if characters.is_empty() {
                break;
            }
            let at = self.below(characters.len().min(near));
            let other = self.pick(&[
                '0', '1', '2', '3', '5', '6', '9', ':', ' ', '-', '/', '.', 'T', 'Z', '+', 'a',
                '\u{663}', '\u{17f}', '\u{2003}', '[', '_', '\u{b2}',
            ]);
            match self.below(4) {
                0 => drop(characters.remove(at)),
                1 => characters.insert(at, other),
                _ => characters[at] = other,
            }
        }
        characters.into_iter().collect()
    }

    /// A date of a form, mostly one that exists.
    pub fn date(&mut self, form: &str) -> String {
        let mut date = String::new();
        let mut parts = form.chars();
        while let Some(character) = parts.next() {
            match character {
                '%' => {
                    let part = parts.next().unwrap_or('%');
                    date.push_str(&self.part(part));
                }
                other => date.push(other),
            }
        }
        date
    }

    fn part(&mut self, part: char) -> String {
        let odd = self.chance(3);
        match part {
            'Y' if odd => self.pick(&["1999", "2030", "2029", "3005", "200\u{665}"]).to_owned(),
            'Y' => (2000 + self.below(28)).to_string(),
            'y' => format!("{:02}", self.below(100)),
            'm' if self.chance(10) => (self.below(14)).to_string(),
            'm' => format!("{:02}", 1 + self.below(12)),
            'b' if self.chance(95) => MONTHS[self.below(12)].to_owned(),
            'b' => self.pick(&MONTHS).to_owned(),
            'a' if self.chance(95) => DAYS[self.below(7)].to_owned(),
            'a' => self.pick(&DAYS).to_owned(),
            'D' => format!("{:2}", 1 + self.below(31)),
            'd' if self.chance(10) => (self.below(34)).to_string(),
            'd' => format!("{:02}", 1 + self.below(31)),
            'H' if self.chance(8) => self.below(30).to_string(),
            'H' => format!("{:02}", self.below(24)),
            'h' => format!("{:2}", 1 + self.below(12)),
            'M' if self.chance(5) => self.below(62).to_string(),
            'M' => format!("{:02}", self.below(60)),
            'S' if self.chance(5) => self.below(64).to_string(),
            'S' => format!("{:02}", self.below(60)),
            'f' => {
                let digits = 1 + self.below(7);
                (0..digits).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
            }
            'z' => self.pick(&OFFSETS).to_owned(),
            'Z' => self.pick(&NAMES).to_owned(),
            'E' if odd => self.next().to_string(),
            'E' => (1_000_000_000 + self.below(1_000_000_000)).to_string(),
            'X' => {
                let digits = 22 + self.below(3);
                (0..digits).map(|_| self.pick(&['0', '4', '2', 'a', 'f', '0', '0'])).collect()
            }
            other => other.to_string(),
        }
    }
}

/// Patterns as filters have them, with forms of lines that they may fit.
pub const PATTERNS: [(&str, &[&str]); 52] = [
    ("{DEFAULT}", &["%Y-%m-%d %H:%M:%S", "%b %d %H:%M:%S", "%H:%M:%S"]),
    ("^%Y-%m-%d %H:%M:%S", &["%Y-%m-%d %H:%M:%S", " %Y-%m-%d %H:%M:%S"]),
    ("%%Y-%m-%d", &["%%Y-%m-%d", "%Y-%m-%d"]),
    (
        "^[^\\[]*\\[({DATE})\n{^LN-BEG}",
        &["10.0.0.1 - [%d/%b/%Y:%H:%M:%S %z] x", "x [Epoch] y", "%b %d %H:%M:%S"],
    ),
    ("^<\\d+>\\d+\\s+{DATE}", &["<34>1 %Y-%m-%dT%H:%M:%S.%f%z", "<3>1  %E x", "<34>1 tai64n"]),
    ("^<W>{DATE}", &["<W>%Y-%m-%d %H:%M:%S.%f", "<F>%Y-%m-%d %H:%M:%S"]),
    ("^<co ts=\"{DATE}\"\\s+", &["<co ts=\"%Y-%m-%dT%H:%M:%S.%f%z\"  x", "<co ts=\"%E\" x"]),
    ("^{DATE}", &["%E x", "%Y-%m-%d %H:%M:%S", "%b %d %H:%M:%S", "@400000004%X"]),
    (
        "^(?:=[^=]+={3,} )?(%ExY(?P<_sep>[-/.])%m(?P=_sep)%d[T ]%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?)",
        &["=ERROR REPORT==== %Y-%m-%d %H:%M:%S ===", "%Y-%m-%dT%H:%M:%S.%f%z"],
    ),
    ("{^LN-BEG}Epoch", &["%E x", "[%E] x", "Epoch x", "- %E"]),
    ("{EPOCH}", &["%E x", "id %E.%f"]),
    (
        "^type=\\S+ msg=audit\\({EPOCH}:",
        &["type=A msg=audit(%E.123:55): x", "type=A msg=audit(%E:"],
    ),
    ("{^LN-BEG}LEPOCH", &["%E x", "%E123 x", "%E123456 x", "%E123.5 x", "[%E123] x"]),
    ("LEPOCH", &["%E", "[%E123456] x", "audit(%E123:1)"]),
    ("^{LEPOCH}|x", &["%E123 x", "x %E"]),
    ("TAI64N", &["@400000004%X", "x@4%X y"]),
    ("{^LN-BEG}TAI64N", &["@4%X y", "(@4%X"]),
    ("{NONE}", &["%Y-%m-%d %H:%M:%S", "x", ""]),
    ("^WARNING:()**\n{^LN-BEG}", &["WARNING: x", "%b %d, %Y %h:%M:%S AM x", "%Y-%m-%d %H:%M:%S"]),
    ("^I\\(()**\n^=%d-%b-%Y::%H:%M:%S ===", &["I(<0.1>) x", "=%d-%b-%Y::%H:%M:%S === x"]),
    ("**%Y%m%d**", &["x%Y%m%dy", "%Y%m%d"]),
    ("(**%Y-%m-%d**)", &["x%Y-%m-%dy", "%Y-%m-%d x"]),
    ("%Y-%m-%d %k:%M:%S %p", &["%Y-%m-%d %h:%M:%S AM", "%Y-%m-%d  %h:%M:%S pm"]),
    ("%I:%M:%S %p", &["%h:%M:%S AM", "12:%M:%S pm", "12:%M:%S am"]),
    ("%I:%M:%S(?: %p)?", &["%h:%M:%S AM", "12:%M:%S pm", "12:%M:%S x"]),
    ("%l:%M:%S", &["%h:%M:%S AM", " 7:%M:%S"]),
    ("%Exl:%ExM:%ExS", &["%h:%M:%S AM", " 7:%M:%S"]),
    ("%d %B %Y %H:%M", &["%d September %Y %H:%M", "%d may %Y %H:%M"]),
    ("%A, %d\\. %b %y", &["Tuesday, %d. %b %y", "SUNDAY, %d. %b %y"]),
    ("%j %Y %H:%M", &["366 %Y %H:%M", "001 %Y %H:%M", "60 %Y %H:%M"]),
    ("%Y W%W %a", &["%Y W00 %a", "%Y W53 %a", "%Y W17 Sun"]),
    ("%Y U%U w%w", &["%Y U00 w0", "%Y U53 w6", "%Y U17 w3"]),
    ("%c", &["%a %b %d %H:%M:%S %Y", "%a %b  5 %H:%M:%S %Y"]),
    ("%x %X", &["%m/%d/%y %H:%M:%S", "%m/ 5/%y %H:%M:%S"]),
    ("%H:%M:%S %Exz", &["%H:%M:%S CET", "%H:%M:%S CET+01", "%H:%M:%S FOO", "%H:%M:%S %z"]),
    ("%ExZ %Y-%m-%d", &["CEST %Y-%m-%d", "X %Y-%m-%d", "PT %Y-%m-%d", "ABC %Y-%m-%d"]),
    ("%Y-%m-%d %Z", &["%Y-%m-%d %Z", "%Y-%m-%d CEST"]),
    ("%m/%d %H:%M", &["%m/%d %H:%M", "02/29 %H:%M"]),
    ("%d %H:%M", &["%d %H:%M"]),
    ("%Y", &["%Y", "0000", "9999"]),
    ("%Y-%m-%d %z", &["0001-01-01 +0100", "9999-12-31 -0500", "%Y-%m-%d %z"]),
    ("(?P<H>\\d+)h", &["%Hh", "99999999999h", "7h"]),
    ("on (?P<Y>\\d{4}_?\\d*)", &["on %Y", "on 2005_1", "on 2005_"]),
    ("(?i)date %Y", &["DATE %Y", "date %Y"]),
    ("foo (%Y)|bar", &["foo %Y", "bar x"]),
    ("foo (?:(%Y)|bar)$", &["foo %Y", "foo bar"]),
    ("^(%Y)$", &["%Y", "%Y x"]),
    ("%Y\\$", &["%Y$ x"]),
    ("[(]%Y", &["(%Y"]),
    ("%Y-%m-%d\n%Y-%m-%d", &["%Y-%m-%d"]),
    ("%Exy%Exm%Exd %ExH%ExM%ExS %u %V %G", &["%y%m%d %H%M%S 3 05 2005"]),
    ("%Q %Y", &["%Y"]),
];

impl Maker {
    /// A setting with one of the patterns, and the forms that go with it.
    pub fn pattern(&mut self, number: usize) -> (Setting, Vec<&'static str>) {
        let (pattern, forms) = PATTERNS[number % PATTERNS.len()];
        let setting = Setting { pattern: Some(pattern.to_owned()), ..self.setting() };
        (setting, forms.to_vec())
    }
}

/// Pieces of odd patterns.
const PIECES: [&str; 30] = [
    "%Y",
    "%ExY",
    "%b",
    "%d",
    "%H:%M",
    "%%",
    "%Q",
    "{EPOCH}",
    "{LEPOCH}",
    "{^LN-BEG}",
    "{UNB}",
    "EPOCH",
    "TAI64N",
    "**",
    "(",
    ")",
    "(?:",
    "(?i)",
    "^",
    "$",
    "|",
    "\\b",
    "\\s",
    "a",
    " ",
    "()",
    "-",
    "\\$",
    "[(]",
    "x",
];

impl Maker {
    /// A setting with a pattern of pieces that may fit together.
    pub fn odd_pattern(&mut self) -> Setting {
        let pieces: Vec<&str> = (0..1 + self.below(6)).map(|_| self.pick(&PIECES)).collect();
        Setting { pattern: Some(pieces.concat()), ..self.setting() }
    }
}
