//! `{ service = "sshd", user = "!root" }`: conditions on labels, and the words of severities and
//! themes.

use monban_model::limits::{MATCHER_VALUE_BYTES_MAX, MATCHER_VALUES_MAX, MATCHERS_MAX};
use monban_model::{Matcher, Severity, Theme, closest};
use toml::de::DeValue;

use crate::written::{Page, Table, Value};

/// The conditions under a key; none if it is not there.
pub(super) fn read(
    table: &mut Table<'_>,
    key: &'static str,
    page: &mut Page<'_>,
) -> Option<Vec<Matcher>> {
    let value = table.any(key)?;
    let place = value.span().start;
    let DeValue::Table(entries) = value.into_inner() else {
        let hint = format!("write {key} = {{ service = \"sshd\", user = \"!root\" }}");
        page.problem(place, format!("`{key}` is a table of labels and values"), "", &hint);
        return None;
    };
    let entries = Table::new(key, entries).rest();
    if entries.len() > MATCHERS_MAX {
        let what = format!("`{key}` has more than {MATCHERS_MAX} labels");
        page.problem(place, what, "all that happens is compared with them", "");
    }
    let mut matchers = Vec::new();
    for (label, value) in entries {
        match one(label.get_ref(), &value) {
            Ok(matcher) => matchers.push(matcher),
            Err(why) => {
                let place = value.span().start;
                page.problem(place, format!("`{key}.{}`: {why}", label.get_ref()), "", "");
            }
        }
    }
    Some(matchers)
}

fn one(label: &str, value: &Value<'_>) -> Result<Matcher, String> {
    label_name(label)?;
    let texts: Option<Vec<&str>> = match value.as_ref() {
        DeValue::String(text) => Some(vec![text]),
        DeValue::Array(items) => items.iter().map(|item| item.as_ref().as_str()).collect(),
        _ => None,
    };
    let texts = texts.ok_or("write a text in quotes, or a list of texts")?;
    if texts.is_empty() || texts.len() > MATCHER_VALUES_MAX {
        return Err(format!("write 1 to {MATCHER_VALUES_MAX} values"));
    }
    let negated = texts.iter().filter(|text| text.starts_with('!')).count();
    if negated != 0 && negated != texts.len() {
        return Err("either all values of a list begin with `!` or none".to_owned());
    }
    if texts.iter().any(|text| text.len() > MATCHER_VALUE_BYTES_MAX) {
        return Err(format!("a value has more than {MATCHER_VALUE_BYTES_MAX} bytes"));
    }
    let values = texts.iter().map(|text| text.strip_prefix('!').unwrap_or(text).to_owned());
    Ok(Matcher { label: label.to_owned(), values: values.collect(), negated: negated > 0 })
}

/// The name of a label.
///
/// # Errors
/// A sentence that says what such a name is.
pub(super) fn label_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no label: small letters, digits and `_`")),
    }
}

/// A severity by its word.
///
/// # Errors
/// A sentence with the words that there are.
pub(super) fn severity(text: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|severity| severity.word() == text);
    found.ok_or_else(|| unknown("severity", text, &Severity::ALL.map(Severity::word)))
}

/// A theme by its word.
///
/// # Errors
/// A sentence with the words that there are.
pub(super) fn theme(text: &str) -> Result<Theme, String> {
    let found = Theme::ALL.into_iter().find(|theme| theme.word() == text);
    found.ok_or_else(|| unknown("theme", text, &Theme::ALL.map(Theme::word)))
}

/// What is said of a word that is none of these.
pub(super) fn unknown(what: &str, text: &str, known: &[&str]) -> String {
    match closest(text, known.iter().copied()) {
        Some(meant) => format!("`{text}` is no {what}; did you mean `{meant}`?"),
        None => format!("`{text}` is no {what}; there are: {}", known.join(", ")),
    }
}
