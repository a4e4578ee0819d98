//! Single texts that several tables have, and what is said of those that mean nothing.

use monban_model::{SecretAt, closest, parse_duration_s};

use crate::config::read_path;
use crate::written::{Page, Table};

/// "Did you mean ..?", or what there is, for a name that is none of these.
pub(crate) fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().filter(|known| !known.is_empty()).collect();
    match closest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => String::new(),
        None => format!("known: {}", known.join(", ")),
    }
}

/// One of a closed list by its word.
///
/// # Errors
/// A sentence with the word that is meant, or with those that there are.
pub(crate) fn word_of<T: Copy>(
    what: &str,
    text: &str,
    all: impl AsRef<[T]>,
    word: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    let all = all.as_ref();
    let found = all.iter().copied().find(|one| word(*one) == text);
    let words = || all.iter().map(|one| word(*one));
    found.ok_or_else(|| format!("`{text}` is no {what}; {}", meant(text, words())))
}

/// `never`, or what else is read.
///
/// # Errors
/// As `read`.
pub(crate) fn never_or<T>(
    text: &str,
    read: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if text == "never" { Ok(None) } else { read(text).map(Some) }
}

/// How often something is said again: `never`, or a minute or more, in seconds.
///
/// # Errors
/// A sentence that says what was expected.
pub(crate) fn repeat(text: &str) -> Result<Option<u64>, String> {
    never_or(text, |text| match parse_duration_s(text)? {
        0..60 => Err("less than a minute is no repeating; write \"never\" for none".to_owned()),
        seconds => Ok(seconds),
    })
}

/// Where a secret lies: a file or a credential.
pub(crate) fn secret_at(
    table: &mut Table<'_>,
    file: &'static str,
    credential: &'static str,
    page: &mut Page<'_>,
) -> Option<SecretAt> {
    let place = table.place(credential);
    let at_file = table.text(file, page, read_path).map(SecretAt::File);
    let as_credential = table.text(credential, page, |text| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        match (1..=255).contains(&text.len()) && !text.starts_with('.') && text.chars().all(fits) {
            true => Ok(SecretAt::Credential(text.to_owned())),
            false => Err(format!("`{text}` is no name of a credential of systemd's")),
        }
    });
    if let (Some(_), Some(_), Some(place)) = (&at_file, &as_credential, place) {
        let what = format!("there are both `{file}` and `{credential}`");
        page.problem(place, what, "it is not clear which secret is meant", "take one out");
    }
    at_file.or(as_credential)
}
