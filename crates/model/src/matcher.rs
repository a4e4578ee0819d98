//! Conditions on labels, and the patterns in them.

use std::fmt;

use crate::limits::{MATCHER_VALUE_BYTES_MAX, MATCHER_VALUES_MAX};
use crate::{Label, Severity, Standing, Theme, closest};

/// A condition on a label. A label that is not there has the empty value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label: one of [`Label`].
    pub label: String,
    /// Values, in which `*` stands for any text and `?` for any one character. One has to fit.
    pub values: Vec<String>,
    /// Whether none of them may fit instead.
    pub negated: bool,
}

impl Matcher {
    /// `label=value` or `label!=value`, as a command takes it; several values have commas between
    /// them.
    ///
    /// # Errors
    /// What is no condition, or one that holds always or never.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let (label, values) = text.split_once('=').ok_or(MatcherError::Form)?;
        let (label, negated) = match label.strip_suffix('!') {
            Some(label) => (label, true),
            None => (label, false),
        };
        Self::new(label, values.split(',').map(str::to_owned).collect(), negated)
    }

    /// A label and its values, as the configuration has them; with `!` in front of each value none
    /// of them may fit.
    ///
    /// # Errors
    /// As [`Matcher::parse`].
    pub fn read(label: &str, values: &[&str]) -> Result<Self, MatcherError> {
        let negated = values.iter().filter(|value| value.starts_with('!')).count();
        if negated != 0 && negated != values.len() {
            return Err(MatcherError::Mixed);
        }
        let bare = values.iter().map(|value| value.strip_prefix('!').unwrap_or(value).to_owned());
        Self::new(label, bare.collect(), negated > 0)
    }

    fn new(label: &str, values: Vec<String>, negated: bool) -> Result<Self, MatcherError> {
        let known = Label::from_word(label);
        let known = known.ok_or_else(|| MatcherError::Label(label.to_owned()))?;
        if values.is_empty() || values.len() > MATCHER_VALUES_MAX {
            return Err(MatcherError::Count);
        }
        if values.iter().any(|value| value.len() > MATCHER_VALUE_BYTES_MAX) {
            return Err(MatcherError::Long);
        }
        let words = words_of(known);
        let fits = |value: &&String| words.iter().any(|word| glob_fits(value, word));
        if let Some(value) = values.iter().find(|value| !words.is_empty() && !fits(value)) {
            return Err(MatcherError::Value(known, value.clone()));
        }
        Ok(Self { label: label.to_owned(), values, negated })
    }

    /// Whether a value meets the condition. The time is at most the product of both lengths, which
    /// limits hold to some ten thousand steps.
    pub fn holds(&self, value: &str) -> bool {
        self.values.iter().any(|glob| glob_fits(glob, value)) != self.negated
    }
}

impl fmt::Display for Matcher {
    /// As [`Matcher::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negated { "!=" } else { "=" };
        write!(f, "{}{sign}{}", self.label, self.values.join(","))
    }
}

/// The values that a label can have, where that is a closed list; else none.
fn words_of(label: Label) -> Vec<&'static str> {
    match label {
        Label::Theme => Theme::ALL.map(Theme::word).to_vec(),
        Label::Severity => Severity::ALL.map(Severity::word).to_vec(),
        Label::Standing => Standing::ALL.map(Standing::word).to_vec(),
        _ => Vec::new(),
    }
}

/// Why something is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatcherError {
    /// It is not `label=value`.
    Form,
    /// Nothing has such a label.
    Label(String),
    /// The label never has this value.
    Value(Label, String),
    /// There is no value, or there are more than [`MATCHER_VALUES_MAX`].
    Count,
    /// A value has more than [`MATCHER_VALUE_BYTES_MAX`] bytes.
    Long,
    /// Only some of the values begin with `!`.
    Mixed,
}

impl MatcherError {
    /// The words that there are, for a label or value that is none of them.
    pub fn known(&self) -> Vec<&'static str> {
        match self {
            Self::Label(_) => Label::ALL.map(Label::word).to_vec(),
            Self::Value(label, _) => words_of(*label),
            Self::Form | Self::Count | Self::Long | Self::Mixed => Vec::new(),
        }
    }
}

impl fmt::Display for MatcherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Form => return write!(f, "a condition is label=value or label!=value"),
            Self::Count => return write!(f, "write 1 to {MATCHER_VALUES_MAX} values"),
            Self::Long => {
                return write!(f, "a value has more than {MATCHER_VALUE_BYTES_MAX} bytes");
            }
            Self::Mixed => {
                return write!(f, "either all values of a list begin with `!` or none");
            }
            Self::Label(word) => {
                write!(f, "there is no label `{word}`; ")?;
                word
            }
            Self::Value(label, word) => {
                write!(f, "a {} is never `{word}`; ", label.word())?;
                word
            }
        };
        match closest(word, self.known()) {
            Some(meant) => write!(f, "did you mean `{meant}`?"),
            None => write!(f, "known: {}", self.known().join(", ")),
        }
    }
}

impl std::error::Error for MatcherError {}

/// Whether a text is as a pattern says, in which `*` stands for any text and `?` for any one
/// character.
pub fn glob_fits(glob: &str, text: &str) -> bool {
    let (mut glob_rest, mut text_rest) = (glob.chars(), text.chars());
    // Where to go on if what follows the last `*` does not fit: one character further.
    let mut again: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut glob_next, mut text_next) = (glob_rest.clone(), text_rest.clone());
        match (glob_next.next(), text_next.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                again = Some((glob_next.clone(), text_rest.clone()));
                glob_rest = glob_next;
                continue;
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                (glob_rest, text_rest) = (glob_next, text_next);
                continue;
            }
            _ => {}
        }
        let Some((after_star, mut from)) = again.take() else { return false };
        if from.next().is_none() {
            return false;
        }
        (glob_rest, text_rest) = (after_star.clone(), from.clone());
        again = Some((after_star, from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_as_a_shell_says() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "alice", true),
            ("a*", "bob", false),
            ("*ce", "alice", true),
            ("a*i*e", "alice", true),
            ("a?ice", "alice", true),
            ("?", "門", true),
            ("??", "門", false),
            ("*番*", "門番です", true),
            ("a*b*c", "a-b-b-d", false),
            ("192.0.2.*", "192.0.2.77", true),
        ];
        for (glob, text, fits) in cases {
            assert_eq!(glob_fits(glob, text), fits, "{glob} {text}");
        }
        let hostile = "a".repeat(255);
        assert!(!glob_fits(&"a*".repeat(60).as_str().replace("**", "*"), "b"));
        assert!(!glob_fits(&format!("{}b", "a*".repeat(60)), &hostile));
    }

    #[test]
    fn negation_turns_the_whole_list() {
        let values = vec!["root".to_owned(), "a*".to_owned()];
        let not = Matcher { label: "user".to_owned(), values: values.clone(), negated: true };
        assert!(!not.holds("alice") && !not.holds("root") && not.holds("bob") && not.holds(""));
        assert!(Matcher { negated: false, ..not }.holds("alice"));
    }
    #[test]
    fn what_a_command_takes_is_shown_as_it_was_written() {
        for text in ["user=backup*", "theme!=alarm", "alarm=disk*,cpu", "address=", "key=a=b"] {
            assert_eq!(
                Matcher::parse(text).map(|matcher| matcher.to_string()),
                Ok(text.to_owned())
            );
        }
        let written = Matcher::read("user", &["!root", "!a*"]);
        assert_eq!(written.map(|matcher| matcher.to_string()), Ok("user!=root,a*".to_owned()));
    }

    #[test]
    fn what_holds_always_or_never_is_refused_with_what_is_meant() {
        for (text, wanted) in [
            ("user", "a condition is label=value or label!=value"),
            ("kind=login", "there is no label `kind`; known: key, theme, severity, standing, "),
            ("kind!=alarm", "there is no label `kind`"),
            ("srevice=x", "there is no label `srevice`; did you mean `service`?"),
            ("Service=x", "there is no label `Service`; did you mean `service`?"),
            ("=x", "there is no label ``"),
            ("theme=logins", "a theme is never `logins`; did you mean `login`?"),
            ("severity=info,high", "a severity is never `high`; known: info, notice, warning, "),
            (&format!("user={}", "x".repeat(129)), "a value has more than 128 bytes"),
            (&format!("user={}", ",".repeat(16)), "write 1 to 16 values"),
        ] {
            let error = Matcher::parse(text).map_err(|error| error.to_string()).unwrap_err();
            assert!(error.starts_with(wanted), "{text}: {error}");
        }
        assert_eq!(Matcher::read("user", &["!a", "b"]), Err(MatcherError::Mixed));
        assert_eq!(Matcher::read("user", &[]), Err(MatcherError::Count));
    }
}
