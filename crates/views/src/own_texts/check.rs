//! Whether a text of an operator's can stand in a message.

use monban_model::limits::OWN_TEXT_HOLES_MAX;
use monban_model::{closest, is_hidden};

/// What is wrong: what, why, and what to write instead.
type Mistake = (String, &'static str, String);

/// The names in braces, each once.
pub(super) fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (name, _) in holes(text).flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// All that is wrong with a text that is to take the place of monban's, in which the `known`
/// placeholders may stand. Each may be left out: the facts below a subject have its value.
pub(super) fn mistakes(key: &str, text: &str, known: &[&str], has_lines: bool) -> Vec<Mistake> {
    let mut found = Vec::new();
    if text.trim().is_empty() {
        let why = "a message without words tells nobody anything";
        found.push((format!("`{key}` is empty"), why, String::new()));
    }
    if text.contains(['\n', '\r']) && !has_lines {
        let why = "a subject is one line, and so is every entry of a message";
        found.push((format!("`{key}` has more than one line"), why, String::new()));
    }
    if let Some(c) = text.chars().find(|c| is_hidden(*c) && !matches!(c, '\n' | '\r')) {
        let what = format!("`{key}` has the character U+{:04X}, which is not shown", c as u32);
        let hint = "leave it out, also a tab".to_owned();
        found.push((what, "it would stand there as an escape", hint));
    }
    for (at, hole) in holes(text).enumerate() {
        match hole {
            _ if at == OWN_TEXT_HOLES_MAX => {
                let what = format!("`{key}` has more than {OWN_TEXT_HOLES_MAX} placeholders");
                found.push((what, "a message would become as long as one likes", String::new()));
                break;
            }
            Some((name, words)) => found.extend(of_hole(key, name, words, known)),
            None => {
                let why = "a brace begins a placeholder, and no other brace closes this one";
                let what = format!("a placeholder of `{key}` has no end");
                found.push((what, why, known_here(known)));
            }
        }
    }
    found
}

fn of_hole(key: &str, name: &str, words: Option<&str>, known: &[&str]) -> Option<Mistake> {
    // A name as long as a text may be in a sentence, and is compared, only so far.
    let short: String = name.chars().take(64).collect();
    if !known.contains(&name) {
        let hint = match closest(&short, known.iter().copied()) {
            Some(meant) => format!("did you mean `{{{meant}}}`?"),
            None => known_here(known),
        };
        let what = format!("`{key}` has the unknown placeholder `{{{short}}}`");
        return Some((what, "there is nothing to put in its place", hint));
    }
    let words = words?;
    let parts: Vec<&str> = words.split('|').collect();
    let is_pair = parts.len() == 2 && !parts.contains(&"") && !words.contains('{');
    (!is_pair).then(|| {
        let what = format!("`{key}` has no singular and plural behind `{name}:`");
        let why = "the count chooses between two words";
        (what, why, format!("write {{{name}:thing|things}}"))
    })
}

fn known_here(known: &[&str]) -> String {
    match known {
        [] => "this text has no placeholders".to_owned(),
        known => {
            let named: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
            format!("known here: {}", named.join(", "))
        }
    }
}

/// What stands in braces, as [`crate::Say::text`] reads it: a name, and the words behind a colon;
/// `None` for a brace that nothing closes.
fn holes(text: &str) -> impl Iterator<Item = Option<(&str, Option<&str>)>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('{')?;
        let Some((hole, tail)) = after.split_once('}') else {
            rest = "";
            return Some(None);
        };
        rest = tail;
        Some(Some(match hole.split_once(':') {
            Some((name, words)) => (name, Some(words)),
            None => (hole, None),
        }))
    })
}
