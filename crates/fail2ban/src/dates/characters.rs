//! Characters as Python's `re` sees them: `\d`, `\w` and `\s` of a `str` pattern, and the
//! letters that match one another when case is ignored.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Ranges of code points, sorted.
type Ranges = Vec<(u32, u32)>;

/// Decimal digits (category Nd). Each range begins with a zero and holds whole tens.
static DIGITS: LazyLock<Ranges> = LazyLock::new(|| ranges(r"\p{Nd}"));

/// What Python calls alphanumeric: letters and all kinds of numbers, but no marks.
static WORDS: LazyLock<Ranges> = LazyLock::new(|| ranges(r"[\p{L}\p{N}]"));

fn ranges(class: &str) -> Ranges {
    let Ok(hir) = regex_syntax::parse(class) else { return Vec::new() };
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        _ => Vec::new(),
    }
}

fn find(ranges: &[(u32, u32)], code: u32) -> Option<(u32, u32)> {
    let after = ranges.partition_point(|&(first, _)| first <= code);
    let range = *ranges.get(after.checked_sub(1)?)?;
    (code <= range.1).then_some(range)
}

/// The value of a decimal digit of any script.
pub fn digit_value(character: char) -> Option<u8> {
    if character.is_ascii() {
        return character.is_ascii_digit().then_some(character as u8 & 15);
    }
    let (first, _) = find(&DIGITS, u32::from(character))?;
    u8::try_from((u32::from(character) - first) % 10).ok()
}

/// `str.isalnum` of one character.
pub fn is_alphanumeric(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    find(&WORDS, u32::from(character)).is_some()
}

/// `\w`.
pub fn is_word(character: char) -> bool {
    character == '_' || is_alphanumeric(character)
}

/// `\s`: Unicode's white space and the four ASCII separators.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// The lower-case ASCII letter that this character matches when case is ignored.
pub fn folded(character: char) -> Option<u8> {
    match character {
        'a'..='z' | 'A'..='Z' => Some(character as u8 | 0x20),
        '\u{130}' | '\u{131}' => Some(b'i'),
        '\u{17f}' => Some(b's'),
        '\u{212a}' => Some(b'k'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_all_scripts_have_values() {
        assert_eq!(digit_value('7'), Some(7));
        assert_eq!(digit_value('\u{663}'), Some(3));
        assert_eq!(digit_value('\u{1d7ff}'), Some(9));
        assert_eq!(digit_value('\u{b2}'), None);
        assert!(DIGITS.iter().all(|(first, last)| (last + 1 - first) % 10 == 0));
    }

    #[test]
    fn words_are_letters_and_numbers_without_marks() {
        assert!(is_word('_') && is_word('\u{e9}') && is_word('\u{b2}') && is_word('\u{6f22}'));
        assert!(!is_word('\u{301}') && !is_word('-') && !is_word('\u{24b6}'));
        assert!(is_space('\x1c') && is_space('\u{a0}') && !is_space('\u{200b}'));
    }
}
