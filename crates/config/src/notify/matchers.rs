//! `{ service = "sshd", user = "!root" }`: conditions on labels, and the words of severities and
//! themes.

use monban_model::limits::MATCHERS_MAX;
use monban_model::{Label, Matcher, MatcherError, Severity, Theme};
use toml::de::DeValue;

use crate::words::word_of;
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
    let texts: Option<Vec<&str>> = match value.as_ref() {
        DeValue::String(text) => Some(vec![text]),
        DeValue::Array(items) => items.iter().map(|item| item.as_ref().as_str()).collect(),
        _ => None,
    };
    let texts = texts.ok_or("write a text in quotes, or a list of texts")?;
    Matcher::read(label, &texts).map_err(|error| error.to_string())
}

/// The name of a label.
///
/// # Errors
/// A sentence with the names that there are.
pub(super) fn label_name(text: &str) -> Result<String, String> {
    let found = Label::from_word(text).map(|label| label.word().to_owned());
    found.ok_or_else(|| MatcherError::Label(text.to_owned()).to_string())
}

/// A severity by its word.
///
/// # Errors
/// A sentence with the words that there are.
pub(super) fn severity(text: &str) -> Result<Severity, String> {
    word_of("severity", text, Severity::ALL, Severity::word)
}

/// A theme by its word.
///
/// # Errors
/// A sentence with the words that there are.
pub(super) fn theme(text: &str) -> Result<Theme, String> {
    word_of("theme", text, Theme::ALL, Theme::word)
}
