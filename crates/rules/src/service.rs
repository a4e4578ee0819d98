//! What a rule file says, as plain data.

use monban_model::{Also, Details, Kind, Witness};

use crate::details::DetailPattern;
use crate::field::Slot;
use crate::filter::Filter;

/// A service as its rule file describes it.
#[derive(Clone, Debug)]
pub struct Service {
    /// The file, as it was named at compilation.
    pub file: String,
    /// Its name in records and configuration, such as `sshd`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Syslog tags of its programs; a `*` at the end takes every tag with that start.
    pub programs: Vec<String>,
    /// Its usual ports.
    pub ports: Vec<u16>,
    /// Whether a login opens a shell, as with `sshd`.
    pub shell: bool,
    /// Whether a process serves one connection, so that the pid of a line's head names it.
    pub pid_is_connection: bool,
    /// How its lines without a syslog head look, if it writes such.
    pub shape: Option<ShapeName>,
    /// Why all its rules are harmless, if they are: its log can be forged.
    pub reports_nothing: Option<String>,
    /// Its rules in the order in which they are tried; the harmless ones come last.
    pub rules: Vec<Rule>,
}

/// One rule of a service.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name within the service; the harmless ones that have none are `harmless-1` and so on.
    pub id: String,
    /// What its lines mean.
    pub kind: Kind,
    /// Its patterns; empty if it has a regular expression.
    pub wordings: Vec<Wording>,
    /// Its regular expression.
    pub regex: Option<Wording>,
    /// What of its messages tells more of a login.
    pub details: Option<DetailPattern>,
    /// Its `where` and `where_not`.
    pub(crate) filters: Vec<Filter>,
    /// What its lines say of their connection beside the kind.
    pub also: Also,
    /// Which voice of the service it is.
    pub witness: Witness,
    /// Where the wording comes from.
    pub cites: String,
    /// Messages that it must see.
    pub sees: Vec<Example>,
    /// Messages that it must not see.
    pub not: Vec<Example>,
    /// Line of the file where it begins.
    pub line: u32,
}

impl Rule {
    /// Whether its lines change nothing, whoever takes them in.
    pub(crate) fn means_nothing(&self) -> bool {
        self.kind == Kind::Harmless && self.also == Also::Nothing
    }
}

/// A pattern or regular expression, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The pattern as it was written.
    pub text: String,
    /// Its line in the file.
    pub line: u32,
}

/// A message and what must be read out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The message.
    pub message: String,
    /// Field and value; `None` if the message must have none.
    pub expects: Vec<(&'static str, Option<String>)>,
    /// Its line in the file.
    pub line: u32,
}

impl Example {
    /// Reads `message => address=192.0.2.1 user=root`.
    ///
    /// # Errors
    /// What is wrong with the part behind `=>`.
    pub(crate) fn parse(text: &str, line: u32) -> Result<Self, String> {
        let (message, wanted) = match text.rsplit_once(" => ") {
            Some(parts) => parts,
            None => (text.strip_suffix(" =>").unwrap_or(text), ""),
        };
        let mut expects: Vec<(&'static str, Option<String>)> = Vec::new();
        for word in wanted.split(' ').filter(|word| !word.is_empty()) {
            let named =
                word.split_once('=').and_then(|(name, value)| Some((name_of(name)?, value)));
            match (named, expects.last_mut()) {
                (Some((name, value)), _) => {
                    let value = (value != "-").then(|| value.to_owned());
                    expects.push((name, value));
                }
                // A value with spaces goes on until the next known name.
                (None, Some((_, Some(value)))) => {
                    value.push(' ');
                    value.push_str(word);
                }
                (None, _) => return Err(format!("`{word}` is not a field and its value")),
            }
        }
        Ok(Self { message: message.to_owned(), expects, line })
    }
}

/// A field or detail, as examples name it.
fn name_of(name: &str) -> Option<&'static str> {
    let detail = || Details::NAMES.into_iter().find(|detail| *detail == name);
    Slot::named(name).map(Slot::name).or_else(detail)
}

/// How lines without a syslog head look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShapeName {
    /// Common and combined log format, also with a virtual host before it.
    Access,
    /// nginx's error log.
    NginxError,
    /// Apache's error log.
    ApacheError,
}

impl ShapeName {
    /// All shapes and their names in rule files.
    pub const NAMED: [(Self, &'static str); 3] = [
        (Self::Access, "access"),
        (Self::NginxError, "nginx-error"),
        (Self::ApacheError, "apache-error"),
    ];

    /// The shape of that name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMED.iter().find(|(_, text)| *text == name);
        found.map(|(shape, _)| *shape)
    }

    /// All names, for a hint.
    pub fn names() -> String {
        Self::NAMED.map(|(_, name)| name).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_names_what_must_be_read() {
        let example = Example::parse("a => b => address=::1 user=x from 8.8.8.8 method=-", 1);
        let example = example.unwrap();
        assert_eq!(example.message, "a => b");
        let user = Some("x from 8.8.8.8".to_owned());
        assert_eq!(example.expects[1], ("user", user));
        assert_eq!(example.expects[2], ("method", None));
        assert_eq!(Example::parse("only a message", 1).unwrap().expects, []);
        assert!(Example::parse("a => nonsense", 1).is_err());
    }
}
