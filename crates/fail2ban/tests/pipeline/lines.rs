//! Lines of sample logs, and changed ones.

use std::path::Path;

use monban_fail2ban::dates::{DateFinder, Zone};

use crate::chance::Chance;
use crate::setting::files;

/// The clock of the samples, 2005-08-14T10:00:00Z.
pub const NOW_S: i64 = 1_124_013_600;

/// The samples of one filter.
pub struct Sample {
    pub name: String,
    pub lines: Vec<String>,
}

/// The samples of a folder.
pub fn samples(folder: &Path) -> Vec<Sample> {
    let mut samples = Vec::new();
    for path in files(folder) {
        let bytes = std::fs::read(&path).expect("a readable sample");
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let lines: Vec<String> = lines.map(|line| line.trim_end_matches('\r').to_owned()).collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !lines.is_empty() {
            samples.push(Sample { name, lines });
        }
    }
    samples
}

/// A line before and after its date, and the date.
pub fn split(line: &str) -> (String, String, String) {
    let zone = Zone::named("UTC0").expect("a zone");
    let mut finder = DateFinder::new(None, NOW_S, zone, None).expect("the default");
    let Some(found) = finder.find(line, NOW_S) else {
        return (String::new(), String::new(), line.to_owned());
    };
    let (start, end) = found.cut;
    (line[..start].to_owned(), line[start..end].to_owned(), line[end..].to_owned())
}

const DATES: [&str; 14] = [
    "Aug 14 11:59:58",
    "Aug 14 11:59:59",
    "2005-08-14T11:59:58.123456+02:00",
    "2005-08-14 11:59:58",
    "14/Aug/2005:11:59:58 +0200",
    "1124013598",
    "Sun Aug 14 11:59:58.000001 2005",
    "11:59:58",
    "2005/08/14 11:59:58",
    "20050814 115958",
    "Feb 30 11:59:58",
    "Aug 15 13:59:58",
    "@4000000042ff0000",
    "",
];

/// A date in some form, mostly near the clock of the samples.
pub fn date(chance: &mut Chance) -> &'static str {
    DATES[chance.below(DATES.len())]
}

const PLACES: [&str; 24] = [
    "192.0.2.1",
    "198.51.100.20",
    "2001:db8::5",
    "[2001:db8::5]",
    "[192.0.2.3]",
    "::ffff:192.0.2.4",
    "192.0.2.1:51234",
    "[2001:db8::5]:51234",
    "example.com",
    "example.com.",
    "1.2.3.4/24",
    "1.2.3.4/99",
    "2001:db8::/32",
    "fe80::1%eth0",
    "unknown",
    "-",
    "",
    "1.2.3",
    ":",
    "::",
    "1::2::3",
    ":1:2:3:4:5:6:7",
    "12:34:56",
    "::ffff:0:1",
];

/// The line with one thing changed.
pub fn changed(line: &str, chance: &mut Chance) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    let at = chance.below(words.len());
    match chance.below(13) {
        0 => digits(line, chance),
        1 => {
            let other = chance.below(words.len());
            words.swap(at, other);
            words.join(" ")
        }
        2 => {
            words.insert(at, words[at]);
            words.join(" ")
        }
        3 => {
            let (before, _, behind) = split(line);
            format!("{before}{behind}")
        }
        4 => {
            let (before, _, behind) = split(line);
            format!("{before}{}{behind}", date(chance))
        }
        5 | 6 => with_place(line, chance),
        7 => {
            words.remove(at);
            words.join(" ")
        }
        8 => {
            let place = chance.of(&["\u{a0}", "  ", "\t", "\u{e9}", "<", ">", "\"", "\\n", "%"]);
            words.insert(at, place);
            words.join(" ")
        }
        9 => line.to_uppercase(),
        10 => {
            let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
            let end = if places.is_empty() { 0 } else { *chance.of(&places) };
            line[..end].to_owned()
        }
        11 => connection(line, chance),
        _ => {
            let (_, date, _) = split(line);
            format!("{line} {date} {line}")
        }
    }
}

/// Other digits in the place of some.
fn digits(line: &str, chance: &mut Chance) -> String {
    let digits = ['0', '1', '2', '9', '\u{663}'];
    let change = |c: char| match c.is_ascii_digit() && chance.one_in(6) {
        true => digits[chance.below(digits.len())],
        false => c,
    };
    line.chars().map(change).collect()
}

/// Another address in the place of one.
fn with_place(line: &str, chance: &mut Chance) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_part) {
        let run = &rest[start..];
        let end = run.find(|c| !is_part(c)).unwrap_or(run.len());
        let word = run[..end].trim_end_matches([':', '.']);
        out.push_str(&rest[..start]);
        let dots = word.matches('.').count() == 3 || word.matches(':').count() > 2;
        if dots && word.len() > 6 && !chance.one_in(4) {
            out.push_str(PLACES[chance.below(PLACES.len())]);
            out.push_str(&run[word.len()..end]);
        } else {
            out.push_str(&run[..end]);
        }
        rest = &run[end..];
    }
    out + rest
}

/// Another number in brackets: that of the process is what a connection is known by.
fn connection(line: &str, chance: &mut Chance) -> String {
    let numbers = ["1", "12345", "7"];
    let Some(open) = line.find('[') else { return line.to_owned() };
    let inner = &line[open + 1..];
    let end = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
    if end == 0 {
        return line.to_owned();
    }
    format!("{}{}{}", &line[..=open], chance.of(&numbers), &inner[end..])
}

/// Cuts a sequence and puts its pieces in another order.
pub fn reordered(lines: &mut Vec<String>, chance: &mut Chance) {
    for _ in 0..1 + lines.len() / 8 {
        let (one, two) = (chance.below(lines.len()), chance.below(lines.len()));
        match chance.below(3) {
            0 => lines.swap(one, two),
            1 => {
                let (from, to) = (one.min(two), one.max(two));
                lines[from..to.min(from + 6)].reverse();
            }
            _ => {
                let line = lines[one].clone();
                lines.insert(two, line);
            }
        }
    }
}
