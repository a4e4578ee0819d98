//! What people paste from web pages and mistype: found while a file is read.

use super::complaint::Complaint;
use super::keys;
use super::place::{Place, is_space};

/// Keys whose value is a list of regular expressions, one a line.
pub(crate) fn is_regex_list(key: &str) -> bool {
    matches!(key, "failregex" | "ignoreregex")
}

/// Whether a text looks like a failregex.
pub(crate) fn holds_an_address(text: &str) -> bool {
    let marks = ["<HOST>", "<ADDR>", "<IP4>", "<IP6>", "<DNS>", "<SUBNET>", "<F-ID", "(?P<host>"];
    marks.iter().any(|mark| text.contains(mark))
}

/// The first character of a line that looks like another one but is not.
pub(crate) fn odd_character(line: &str, place: &Place) -> Option<Complaint> {
    if line.is_ascii() {
        return None;
    }
    let (column, found) = (1..).zip(line.chars()).find(|(_, c)| plain(*c).is_some())?;
    let instead = match plain(found)? {
        ' ' => "space".to_owned(),
        other => other.to_string(),
    };
    let kind = if is_space(found) || found == '\u{200b}' { "odd-space" } else { "odd-character" };
    let complaint = Complaint::error(kind, place.clone())
        .with("code", format!("U+{:04X}", u32::from(found)))
        .with("character", found.to_string())
        .with("column", column.to_string())
        .with("instead", instead);
    Some(complaint.at_column(column))
}

/// The character that was meant.
fn plain(c: char) -> Option<char> {
    Some(match c {
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' | '\u{ff02}' => '"',
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{ff07}' => '\'',
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{3000}' => ' ',
        // The full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21)?,
        _ => return None,
    })
}

/// A section header or a second key that became part of a value because of its indentation.
pub(crate) fn in_further_line(
    file: &str,
    key: &str,
    before: &str,
    line: &str,
    place: &Place,
) -> Option<Complaint> {
    if is_script(key) {
        return None;
    }
    if let Some(name) = looks_like_header(line) {
        let complaint = Complaint::error("header-indented", place.clone());
        return Some(complaint.with("section", name).with("key", key));
    }
    let found = key_at_start(line)?;
    // Options of an action may go over several lines.
    let is_action_file = file.contains("action.d/");
    if is_action_file || (!is_regex_list(key) && is_open(before)) {
        return None;
    }
    Some(second(key, found, line, place))
}

/// A second key on the line of the first.
pub(crate) fn in_first_line(key: &str, value: &str, place: &Place) -> Option<Complaint> {
    if !keys::is_simple_jail_key(key) && !key.starts_with("action_") {
        return None;
    }
    let mut depth = 0usize;
    let mut before = ' ';
    for (at, c) in value.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && is_space(before) && at > 0 => {
                if let Some(found) = key_at_start(&value[at..]) {
                    return Some(second(key, found, &value[at..], place));
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

fn second(key: &str, found: &str, line: &str, place: &Place) -> Complaint {
    Complaint::error("second-key", place.clone())
        .with("key", key)
        .with("second", found)
        .with("line", line)
}

/// `[name]` and nothing else.
fn looks_like_header(line: &str) -> Option<&str> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let is_name = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    (name.chars().next()?.is_alphabetic() && name.chars().all(is_name)).then_some(name)
}

/// The known key with which a text begins, if `=` follows.
fn key_at_start(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_alphanumeric() && !"._-".contains(c))?;
    let (word, rest) = text.split_at(end);
    // First of all, as it is asked of each word, also of thousands with much space between them.
    if !keys::is_jail_key(&word.to_lowercase()) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space);
    (rest.starts_with('=') && !rest.starts_with("==")).then_some(word)
}

/// Whether `[` was opened in a value and not closed.
fn is_open(value: &str) -> bool {
    value.matches('[').count() > value.matches(']').count()
}

/// Values that are shell scripts may hold anything.
fn is_script(key: &str) -> bool {
    key.starts_with("action") && key != "action" && !key.starts_with("action_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_web_pages_are_named_with_their_column() {
        let place = Place::default();
        let found = odd_character("name=\u{201c}x", &place).expect("a quote");
        assert_eq!((found.column, found.value("code")), (6, Some("U+201C")));
        let found = odd_character("a\u{3000}b", &place).expect("a space");
        assert_eq!((found.kind, found.column), ("odd-space", 2));
        let found = odd_character("a\u{ff1d}b", &place).expect("full width");
        assert_eq!(found.value("instead"), Some("="));
        assert_eq!(odd_character("a = \"b\" \u{65e5}\u{672c}", &place), None);
    }

    #[test]
    fn a_second_key_is_seen_outside_of_brackets_only() {
        let place = Place::default();
        let second = |key, value| in_first_line(key, value, &place).is_some();
        assert!(second("action", "a[name=x, maxretry=3] logpath = /b"));
        assert!(second("enabled", "true filter = x"));
        assert!(!second("action", "a[name=x, maxretry=3]"));
        assert!(!second("failregex", "a filter = x"));
        let further = |key, before, line| in_further_line("jail.local", key, before, line, &place);
        assert!(further("filter", "x", "logpath = /b").is_some());
        assert!(further("action", "x[name=y,", "port=\"1\"]").is_none());
        assert!(further("failregex", "^[a", "maxretry = 3").is_some());
        assert!(further("failregex", "a", "^failed = <HOST>").is_none());
        assert!(further("actionban", "a", "[b]").is_none());
        assert!(further("failregex", "a", "[a-z]").is_some_and(|c| c.kind == "header-indented"));
        assert!(further("failregex", "a", "[^a]").is_none());
    }
}
