//! What the name of a rotated log tells: which log it belongs to, and which turn it was.

use std::cmp::Ordering;

/// Endings of compressed logs. What a file really is, its first bytes tell.
const PACKED: [&str; 6] = [".gz", ".xz", ".zst", ".bz2", ".Z", ".lzma"];

/// Endings that stay behind the turn: logrotate's `extension`, `access-20260101.log`.
const INNER: [&str; 2] = [".log", ".txt"];

/// Which turn of a rotation a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The log itself.
    Current,
    /// `.1`, `.2`, ...: the larger, the older. `.old` is 1.
    Numbered(u64),
    /// `-20260101`, `.2026-01-01`, `-1767225600`, ...: the digits, which sort by age.
    Dated(String),
}

/// What the name of a log file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The name of the log that was rotated.
    pub stem: String,
    /// Which turn.
    pub turn: Turn,
    /// Whether the name ends like a compressed file.
    pub packed: bool,
}

impl Rotation {
    /// Reads a file name (without directories). Every name has an answer.
    pub fn of(name: &str) -> Self {
        let (base, packed) = match PACKED.iter().find_map(|end| name.strip_suffix(end)) {
            Some(base) if !base.is_empty() => (base, true),
            _ => (name, false),
        };
        let inner = INNER.iter().find_map(|end| Some((base.strip_suffix(end)?, *end)));
        let found = turn_at_end(base).map(|(stem, turn)| (stem.to_owned(), turn)).or_else(|| {
            let (before, end) = inner?;
            let (stem, turn) = turn_at_end(before)?;
            Some((format!("{stem}{end}"), turn))
        });
        let (stem, turn) = found.unwrap_or_else(|| (base.to_owned(), Turn::Current));
        Self { stem, turn, packed }
    }

    /// Whether a file of this name is an older turn of the log named `name`.
    pub fn is_sibling_of(&self, name: &str) -> bool {
        self.stem == name && (self.packed || self.turn != Turn::Current)
    }
}

/// Sorts the files of one log, oldest first: by the turn in the name where all names have the same
/// kind of turn, else by the time of the last change (in any unit). The log itself comes last.
pub fn sort_oldest_first<T>(files: &mut [T], of: impl Fn(&T) -> (Rotation, i128)) {
    files.sort_by_cached_key(|file| of(file).1);
    let mut turns: Vec<Rotation> = files.iter().map(|file| of(file).0).collect();
    turns.retain(|rotation| rotation.turn != Turn::Current);
    let numbered = turns.iter().filter(|r| matches!(r.turn, Turn::Numbered(_))).count();
    let uniform = numbered == 0 || numbered == turns.len();
    files.sort_by(|a, b| {
        let (a, b) = (of(a).0, of(b).0);
        match (&a.turn, &b.turn) {
            (Turn::Current, Turn::Current) => b.packed.cmp(&a.packed),
            (Turn::Current, _) => Ordering::Greater,
            (_, Turn::Current) => Ordering::Less,
            (Turn::Numbered(x), Turn::Numbered(y)) if uniform => y.cmp(x),
            (Turn::Dated(x), Turn::Dated(y)) if uniform => x.cmp(y),
            _ => Ordering::Equal,
        }
    });
}

/// Splits a turn from the end of a name.
fn turn_at_end(base: &str) -> Option<(&str, Turn)> {
    for old in [".old", ".bak"] {
        if let Some(stem) = base.strip_suffix(old).filter(|stem| !stem.is_empty()) {
            return Some((stem, Turn::Numbered(1)));
        }
    }
    if let Some((stem, digits)) = base.rsplit_once('.')
        && !stem.is_empty()
        && (1..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && turn_by_date(base).is_none()
    {
        return Some((stem, Turn::Numbered(digits.parse().ok()?)));
    }
    turn_by_date(base)
}

/// Splits a date from the end: a separator, then a year from 1990 to 2099 with month and day and
/// perhaps a time, with or without separators between; or ten digits of Unix seconds.
fn turn_by_date(base: &str) -> Option<(&str, Turn)> {
    let part_of_date = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b':' | b'T');
    let tail = base.bytes().rev().take_while(|b| part_of_date(*b)).count();
    let start = base.len() - tail;
    // The longest date wins: the first separator from the left behind which a date stands.
    for at in start..base.len() {
        let bytes = base.as_bytes();
        if at == 0 || !matches!(bytes[at], b'-' | b'.' | b'_') {
            continue;
        }
        let date = &base[at + 1..];
        if !date.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let digits: String = date.chars().filter(char::is_ascii_digit).collect();
        let plain = digits.len() == date.len();
        if is_date(&digits) || (plain && digits.len() == 10 && digits.starts_with('1')) {
            return Some((&base[..at], Turn::Dated(digits)));
        }
    }
    None
}

/// Whether the digits are year, month, day and perhaps hour, minute, second.
fn is_date(digits: &str) -> bool {
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|d| d.parse().ok());
    matches!(digits.len(), 8 | 10 | 12 | 14)
        && number(0..4).is_some_and(|year: u32| (1990..2100).contains(&year))
        && number(4..6).is_some_and(|month: u32| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day: u32| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> (String, Turn, bool) {
        let rotation = Rotation::of(name);
        (rotation.stem, rotation.turn, rotation.packed)
    }

    #[test]
    fn names_of_every_rotation_style_are_read() {
        let dated = |text: &str| Turn::Dated(text.to_owned());
        for (name, stem, turn, packed) in [
            ("maillog", "maillog", Turn::Current, false),
            ("maillog.gz", "maillog", Turn::Current, true),
            ("auth.log", "auth.log", Turn::Current, false),
            ("auth.log.1", "auth.log", Turn::Numbered(1), false),
            ("auth.log.12.gz", "auth.log", Turn::Numbered(12), true),
            ("maillog-20260101", "maillog", dated("20260101"), false),
            ("maillog-20260101.gz", "maillog", dated("20260101"), true),
            ("maillog-2026010112", "maillog", dated("2026010112"), false),
            ("maillog-1767225600.xz", "maillog", dated("1767225600"), true),
            ("access.log.2026-01-01", "access.log", dated("20260101"), false),
            ("access-2026-01-01.log", "access.log", dated("20260101"), false),
            ("access.1.log", "access.log", Turn::Numbered(1), false),
            ("secure.old", "secure", Turn::Numbered(1), false),
            ("app-2026.01.01_1200", "app", dated("202601011200"), false),
            ("host-192.0.2.1", "host-192.0.2", Turn::Numbered(1), false),
            (".gz", ".gz", Turn::Current, false),
            ("", "", Turn::Current, false),
        ] {
            assert_eq!(read(name), (stem.to_owned(), turn, packed), "{name}");
        }
        assert!(Rotation::of("auth.log.2.gz").is_sibling_of("auth.log"));
        assert!(!Rotation::of("auth.log").is_sibling_of("auth.log"));
        assert!(!Rotation::of("auth.log.1").is_sibling_of("mail.log"));
    }

    #[test]
    fn the_oldest_comes_first() {
        let mut names = vec![("m.1", 5), ("m", 9), ("m.10.gz", 1), ("m.2.gz", 3)];
        sort_oldest_first(&mut names, |(name, time)| (Rotation::of(name), *time));
        assert_eq!(names.map_first(), ["m.10.gz", "m.2.gz", "m.1", "m"]);
        // Two kinds of turn do not compare: the times decide.
        let mut names = vec![("m.1", 5), ("m-20260101", 7), ("m", 1)];
        sort_oldest_first(&mut names, |(name, time)| (Rotation::of(name), *time));
        assert_eq!(names.map_first(), ["m.1", "m-20260101", "m"]);
    }

    trait First {
        fn map_first(&self) -> Vec<&str>;
    }
    impl First for Vec<(&str, i128)> {
        fn map_first(&self) -> Vec<&str> {
            self.iter().map(|(name, _)| *name).collect()
        }
    }
}
