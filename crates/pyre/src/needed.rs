//! Texts of which any match contains at least one: a line without them needs no search.

use crate::ir::{Ir, Repeat};

/// More of them than this are no better than a search.
const TEXTS_MAX: usize = 160;

/// Shorter ones stand in any line.
const LENGTH_MIN: usize = 2;

/// Beyond this, weight gains nothing.
const WEIGHT_ENOUGH: usize = 24;

/// Texts of which a match contains one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// The texts; none is empty or holds a `\n`.
    pub texts: Vec<String>,
    /// Letters of ASCII in them may be of either case.
    pub any_case: bool,
}

/// One of these is in whatever matches; `None` if that cannot be told.
pub(crate) fn texts(ir: &Ir) -> Option<Needed> {
    let mut flat = Vec::new();
    flatten(ir, &mut flat);
    let mut best: Option<Needed> = None;
    let (mut run, mut any_case) = (String::new(), false);
    for part in flat.into_iter().map(Some).chain([None]) {
        if let Some(c) = part.and_then(letter) {
            run.push(c);
            any_case |= matches!(part, Some(Ir::Set(_)));
            continue;
        }
        let texts_of_run = vec![std::mem::take(&mut run)];
        best = better(best, Needed { texts: texts_of_run, any_case });
        any_case = false;
        match part {
            Some(Ir::Alternation(parts)) => best = better(best, of_all(parts.iter())),
            Some(Ir::Conditional { yes, no, .. }) => {
                best = better(best, of_all([&**yes, &**no].into_iter()));
            }
            Some(Ir::Repeat(Repeat { node, min: 1.., .. })) => {
                best = better(best, texts(node).unwrap_or_default());
            }
            _ => {}
        }
    }
    best
}

/// A text that is in whatever matches, as it is written.
pub(crate) fn text(ir: &Ir) -> Option<String> {
    let needed = texts(ir).filter(|needed| !needed.any_case)?;
    <[String; 1]>::try_from(needed.texts).ok().map(|[text]| text)
}

/// Texts that are in whatever matches, as they are written, but for what begins it.
pub(crate) fn later_texts(ir: &Ir) -> Vec<String> {
    let mut flat = Vec::new();
    flatten(ir, &mut flat);
    let (mut texts, mut run) = (Vec::new(), String::new());
    let begins = flat.iter().take_while(|part| matches!(part, Ir::Char(_))).count();
    for part in flat.into_iter().skip(begins).map(Some).chain([None]) {
        match part {
            Some(Ir::Char(c)) => run.push(*c),
            _ => texts.push(std::mem::take(&mut run)),
        }
    }
    texts.retain(|text| text.len() >= LENGTH_MIN);
    texts
}

/// A byte that is in whatever matches, and in few lines.
pub(crate) fn byte(ir: &Ir) -> Option<u8> {
    let mut flat = Vec::new();
    flatten(ir, &mut flat);
    let of = |part: &Ir| match part {
        Ir::Char(c) => u8::try_from(*c).ok().filter(|byte| byte.is_ascii_punctuation()),
        Ir::Repeat(Repeat { node, min: 1.., .. }) => byte(node),
        _ => None,
    };
    // These are in most lines.
    let worth = |byte: &u8| !matches!(byte, b':' | b'[' | b']' | b'.' | b'-');
    flat.into_iter().filter_map(of).find(worth)
}

/// The parts one after the other; places between characters take no room.
fn flatten<'i>(ir: &'i Ir, flat: &mut Vec<&'i Ir>) {
    match ir {
        Ir::Concat(parts) => parts.iter().for_each(|part| flatten(part, flat)),
        Ir::Capture(_, node) | Ir::Atomic(node) => flatten(node, flat),
        Ir::Empty | Ir::At(_) | Ir::Look(_) => {}
        other => flat.push(other),
    }
}

/// A character that stands for itself, or for a letter of ASCII in either case.
fn letter(ir: &Ir) -> Option<char> {
    match ir {
        Ir::Char(c) if *c != '\n' => Some(*c),
        Ir::Set(set) => match set.ranges() {
            [upper, lower]
                if upper.start() == upper.end()
                    && lower.start() == lower.end()
                    && upper.start().is_ascii_uppercase()
                    && upper.start().to_ascii_lowercase() == lower.start() =>
            {
                Some(lower.start())
            }
            _ => None,
        },
        _ => None,
    }
}

/// What all of the ways need; empty if one of them needs nothing.
fn of_all<'i>(ways: impl Iterator<Item = &'i Ir>) -> Needed {
    let mut all = Needed::default();
    for way in ways {
        let Some(needed) = texts(way) else { return Needed::default() };
        all.texts.extend(needed.texts);
        all.any_case |= needed.any_case;
    }
    all.texts.sort();
    all.texts.dedup();
    all
}

fn better(best: Option<Needed>, new: Needed) -> Option<Needed> {
    let length = |needed: &Needed| needed.texts.iter().map(String::len).min().unwrap_or(0);
    if length(&new) < LENGTH_MIN || new.texts.len() > TEXTS_MAX {
        return best;
    }
    let worth = |needed: &Needed| {
        let weight = needed.texts.iter().map(|text| weight(text)).min().unwrap_or(0);
        (weight.min(WEIGHT_ENOUGH), !needed.any_case, usize::MAX - needed.texts.len())
    };
    match best {
        Some(best) if worth(&best) >= worth(&new) => Some(best),
        _ => Some(new),
    }
}

/// How much a text tells: more for its letters and digits than for what stands between words.
fn weight(text: &str) -> usize {
    text.chars().map(|c| if c.is_alphanumeric() { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use crate::{Options, Regex};

    fn needed(pattern: &str) -> Option<super::Needed> {
        Regex::new(pattern, Options::default()).expect("it compiles").needed()
    }

    #[test]
    fn what_every_match_contains_is_found() {
        for (pattern, wanted) in [
            (r"^Failed (\S+) for", Some(&["Failed "] as &[&str])),
            ("(?:ab|cd)x?", Some(&["ab", "cd"])),
            ("(?:ab|c*)", None),
            ("(ab)c(?=d)(?>ef)", Some(&["abcef"])),
            ("(?i)abc", Some(&["abc"])),
            ("(?i)ask", None),
            ("(?:login){2,}", Some(&["login"])),
            ("(?:login)?", None),
            ("ab\ncd", Some(&["ab"])),
            ("(a)?(?(1)bcd|efg)", Some(&["bcd", "efg"])),
            (r"(abc)\1", Some(&["abc"])),
            (".*", None),
            ("(?!never)", None),
        ] {
            let found = needed(pattern);
            assert_eq!(found.as_ref().is_some_and(|n| n.any_case), pattern == "(?i)abc");
            let texts = found.as_ref().map(|n| n.texts.iter().map(String::as_str));
            let texts = texts.map(Iterator::collect::<Vec<_>>);
            assert_eq!(texts.as_deref(), wanted, "{pattern}");
        }
    }

    #[test]
    fn texts_behind_the_first_are_found() {
        let ast =
            crate::parse(r"(abc)\S+ from (x|yy)(?: zz)?: (?:k){2}(?=no) end", Options::default());
        let ir = crate::ir::of(&ast.expect("it is parsed"));
        assert_eq!(super::later_texts(&ir), [" from ", ": ", " end"]);
    }

    #[test]
    fn a_byte_that_every_match_contains_is_found() {
        for (pattern, wanted) in [
            (r"\d+/[^/]*/", Some(b'/')),
            (r"(?i)a'(\S+)", Some(b'\'')),
            (r"(?:x/)+y", Some(b'/')),
            (r"(?:x/)*y", None),
            (r"(?:x/|y)", None),
            (r"a(?=/)b", None),
            (r"a: \[b\]", None),
        ] {
            let ast = crate::parse(pattern, Options::default()).expect("it is parsed");
            assert_eq!(super::byte(&crate::ir::of(&ast)), wanted, "{pattern}");
        }
    }
}
