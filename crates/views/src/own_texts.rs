//! An operator's own texts of messages, which go over monban's.
//!
//! Only what stands in messages can be written anew, and only for messages: the terminal, the
//! ledger and JSON keep monban's words. What a stranger typed is put into an own text as into
//! monban's, made safe before and escaped once more by whoever gives the message its form, together
//! with the text around it; so no text makes markup, a command or a second line of a value.

mod check;

use std::collections::HashMap;
use std::sync::Arc;

use monban_model::limits::OWN_TEXT_BYTES_MAX;
use monban_model::{Problem, closest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{Say, Tongue, publish};

/// The texts of one language that take the place of monban's.
pub(crate) type OwnTable = HashMap<&'static str, String>;

/// Keys whose beginning says that they belong to messages.
const BEGINNINGS: [&str; 9] = [
    "letter-",
    "digest-",
    "alarm-reason-",
    "alarm-silent-",
    "sudo-",
    "su-",
    "origin-failure",
    "origin-login",
    "login-un",
];

/// Other keys of messages; those of blocks also with `of-jail-` before them.
const KEYS: [&str; 39] = [
    "alarm-again",
    "alarm-changed",
    "alarm-when",
    "alarm-when-one",
    "ban",
    "ban-forever",
    "ban-forever-plain",
    "ban-plain",
    "block",
    "block-forever",
    "block-origin",
    "block-origin-forever",
    "by-origin",
    "forever",
    "free-administrator",
    "free-allowed",
    "free-named",
    "free-operator",
    "free-too-wide",
    "login",
    "login-after-failures",
    "login-became",
    "login-here",
    "login-new-place",
    "login-new-user",
    "notify-dark",
    "notify-failing",
    "notify-left",
    "outcome-failed",
    "outcome-refused",
    "pam-well",
    "spared-administrator",
    "spared-full",
    "taken-over",
    "who-name-unconfirmed",
    "would-ban",
    "would-ban-plain",
    "would-block",
    "would-block-origin",
];

/// What a running guard finds wrong with the hook in PAM, each also with `-why` and `-hint`. What
/// `pam check` alone tells is not among them.
const OF_THE_HOOK: [&str; 24] = [
    "crlf",
    "elsewhere",
    "gone",
    "hook-user-environment",
    "include-missing",
    "no-file",
    "no-rules",
    "no-session",
    "not-optional",
    "other-arguments",
    "other-program",
    "other-service",
    "passed-over",
    "program-missing",
    "program-not-executable",
    "program-owner",
    "program-writable",
    "script-user-environment",
    "twice",
    "two-messages",
    "unended",
    "usepam-in-match",
    "usepam-no",
    "usepam-unset",
];

/// Placeholders that have a value although monban's own text leaves them out.
const ALSO_GIVEN: [(&str, &str); 1] = [("letter-login", "service")];

/// The own texts of all languages.
#[derive(Clone, Debug, Default)]
pub struct OwnTexts {
    english: Arc<OwnTable>,
    japanese: Arc<OwnTable>,
}

/// A text of messages as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText {
    /// What it is called in the tables.
    pub key: &'static str,
    /// The text.
    pub text: String,
    /// monban's, if this is the operator's.
    pub replaces: Option<&'static str>,
    /// What may stand in it in braces.
    pub placeholders: Vec<&'static str>,
}

impl OwnTexts {
    /// Reads files, each with its name and its text: `en.toml` for English, `ja.toml` for Japanese.
    ///
    /// # Errors
    /// All problems at once: what is no TOML, keys and placeholders that do not exist, texts that
    /// are empty, too long, or have lines or characters that no message can have.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Vec<Problem>> {
        let (mut own, mut problems) = (Self::default(), Vec::new());
        for (file, text) in files {
            let stem = file.rsplit('/').next().and_then(|name| name.strip_suffix(".toml"));
            let tongues = [Tongue::English, Tongue::Japanese];
            let Some(tongue) = tongues.into_iter().find(|one| Some(one.name()) == stem) else {
                let what = "this is no language that monban speaks";
                let problem = Problem::of_file(file, what, "it would have no effect");
                problems.push(problem.hint("the files are en.toml and ja.toml"));
                continue;
            };
            let table = Arc::new(table(file, text, tongue, &mut problems));
            match tongue {
                Tongue::English => own.english = table,
                Tongue::Japanese => own.japanese = table,
            }
        }
        if problems.is_empty() { Ok(own) } else { Err(problems) }
    }

    /// The message table of a language with these texts over it.
    pub fn say(&self, tongue: Tongue) -> Say {
        Say::with_own(tongue, Arc::clone(self.of(tongue)))
    }

    /// All texts of messages in a language, by their keys.
    pub fn all(&self, tongue: Tongue) -> Vec<MessageText> {
        let own = self.of(tongue);
        let text = |key: &'static str| {
            let shipped: &'static str = &tongue.texts()[key];
            let text = own.get(key).map_or(shipped, String::as_str);
            MessageText {
                key,
                text: text.to_owned(),
                replaces: (text != shipped).then_some(shipped),
                placeholders: placeholders(key, shipped),
            }
        };
        let mut all: Vec<MessageText> = keys(tongue).map(text).collect();
        all.sort_by_key(|text| text.key);
        all
    }

    const fn of(&self, tongue: Tongue) -> &Arc<OwnTable> {
        match tongue {
            Tongue::English => &self.english,
            Tongue::Japanese => &self.japanese,
        }
    }
}

/// The keys of all texts of messages.
fn keys(tongue: Tongue) -> impl Iterator<Item = &'static str> {
    tongue.texts().keys().copied().filter(|key| is_of_messages(key))
}

fn is_of_messages(key: &str) -> bool {
    KEYS.contains(&key.strip_prefix("of-jail-").unwrap_or(key))
        || BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
        || publish::notice_severity(key).is_some()
        || is_of_the_hook(key)
}

fn is_of_the_hook(key: &str) -> bool {
    let Some(key) = key.strip_prefix("pam-") else { return false };
    let code = key.strip_suffix("-why").or_else(|| key.strip_suffix("-hint")).unwrap_or(key);
    OF_THE_HOOK.contains(&code)
}

/// What may stand in braces in a text of a key.
fn placeholders(key: &str, shipped: &'static str) -> Vec<&'static str> {
    let also = ALSO_GIVEN.iter().filter(|(of, _)| *of == key).map(|(_, name)| *name);
    check::placeholders(shipped).into_iter().chain(also).collect()
}

fn table(file: &str, text: &str, tongue: Tongue, problems: &mut Vec<Problem>) -> OwnTable {
    let mut problem = |place: usize, (what, why, hint): (String, &str, String)| {
        problems.push(Problem::of_file(file, what, why).at(text, place).hint(hint));
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map_or(0, |span| span.start);
        let what = error.message().to_owned();
        problem(place, (what, "the file is no valid TOML here", String::new()));
    }
    let mut own = OwnTable::new();
    let mut entries: Vec<_> = root.into_inner().into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let Some((known, shipped)) = known(key.get_ref(), tongue) else {
            problem(key.span().start, unknown(key.get_ref(), tongue));
            continue;
        };
        match read_text(known, shipped, &value) {
            Ok(text) => _ = own.insert(known, text),
            Err(found) => found.into_iter().for_each(|one| problem(value.span().start, one)),
        }
    }
    own
}

/// A key of messages and monban's text of it.
fn known(key: &str, tongue: Tongue) -> Option<(&'static str, &'static str)> {
    let (key, text) = tongue.texts().get_key_value(key)?;
    is_of_messages(key).then_some((*key, &**text))
}

/// What is wrong with a key: nobody reads it.
fn unknown(key: &str, tongue: Tongue) -> (String, &'static str, String) {
    let list = || "`monban notify texts` shows all texts of messages".to_owned();
    if tongue.texts().contains_key(key) {
        let what = format!("`{key}` stands in no message");
        return (what, "only texts of messages can be written anew", list());
    }
    // A name as long as a file costs more to compare than it is worth.
    let short: String = key.chars().take(64).collect();
    let hint = match closest(&short, keys(tongue)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => list(),
    };
    (format!("unknown key `{short}` in the file"), "it would have no effect", hint)
}

/// The text of a key, if it can stand in a message.
fn read_text(
    key: &str,
    shipped: &'static str,
    value: &Spanned<DeValue<'_>>,
) -> Result<String, Vec<(String, &'static str, String)>> {
    let Some(text) = value.get_ref().as_str() else {
        let hint = format!("write {key} = \"...\"");
        return Err(vec![(format!("`{key}` is no text in quotes"), "a message has texts", hint)]);
    };
    if text.len() > OWN_TEXT_BYTES_MAX {
        let what = format!("`{key}` has more than {OWN_TEXT_BYTES_MAX} bytes");
        return Err(vec![(what, "it stands in every such message", String::new())]);
    }
    let known = placeholders(key, shipped);
    let found = check::mistakes(key, text, &known, shipped.contains('\n'));
    if found.is_empty() { Ok(text.to_owned()) } else { Err(found) }
}

#[cfg(test)]
mod tests;
