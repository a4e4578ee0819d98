//! What a line of a login tells beside: read with an expression of its own, so that it costs
//! nothing where nobody came in.

use std::sync::OnceLock;

use monban_model::{Details, Kind};
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;

/// The expression of a rule that reads the details of its messages.
#[derive(Clone, Debug)]
pub struct DetailPattern {
    text: String,
    /// Made when it is first needed: most runs never see a login of most services.
    regex: OnceLock<Option<Regex>>,
}

impl DetailPattern {
    /// An expression that nobody has looked at yet.
    pub(crate) fn unread(text: String) -> Self {
        Self { text, regex: OnceLock::new() }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let regex = match compile(&self.text) {
            Ok(regex) => regex,
            Err(error) => return Some(format!("the regular expression is wrong: {error}")),
        };
        let names = regex.group_info().all_names().filter_map(|(_, _, name)| name);
        let mut none = Details::default();
        let unknown = names.into_iter().find(|name| none.get_mut(name).is_none());
        unknown.map(|name| {
            format!("there is no detail `{name}`; there are {}", Details::NAMES.join(", "))
        })
    }

    /// The details of a message that its rule saw.
    pub(crate) fn read<'m>(&self, message: &'m [u8]) -> Details<'m> {
        let mut details = Details::default();
        let Some(regex) = self.regex.get_or_init(|| compile(&self.text).ok()) else {
            return details;
        };
        let mut captures = regex.create_captures();
        regex.captures(message, &mut captures);
        for (name, text) in named(regex, &captures, message) {
            if let Some(place) = details.get_mut(name) {
                *place = Some(text).filter(|text| !text.is_empty());
            }
        }
        details
    }
}

/// The groups that took part, by name. Of several with one meaning the regular expression has one.
fn named<'r, 'm>(
    regex: &'r Regex,
    captures: &'r Captures,
    message: &'m [u8],
) -> impl Iterator<Item = (&'r str, &'m [u8])> {
    regex.group_info().all_names().filter_map(move |(_, index, name)| {
        let span = captures.get_group(index)?;
        Some((name?, message.get(span.range())?))
    })
}

fn compile(text: &str) -> Result<Regex, String> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(1 << 20));
    let built = Regex::builder().syntax(syntax).configure(config).build(text);
    built.map_err(|error| match error.syntax_error() {
        Some(syntax) => syntax.to_string(),
        None => error.to_string(),
    })
}

/// Whether a sighting of this kind has details.
pub(crate) const fn has_details(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LoginAccepted | Kind::SessionOpened | Kind::PrivilegeUsed | Kind::PrivilegeRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read_and_an_unknown_one_is_refused() {
        let pattern = DetailPattern::unread("ssh2: (?P<key>[^ ]+ [^ ]+)$".to_owned());
        assert_eq!(pattern.problem(), None);
        let line = b"Accepted publickey for a from 192.0.2.1 port 1 ssh2: RSA SHA256:x";
        assert_eq!(pattern.read(line).key, Some(&b"RSA SHA256:x"[..]));
        assert_eq!(pattern.read(b"Accepted password for a"), Details::default());
        let wrong = DetailPattern::unread("(?P<kay>x)".to_owned()).problem();
        assert!(wrong.is_some_and(|wrong| wrong.contains("`kay`")));
        assert!(DetailPattern::unread("(".to_owned()).problem().is_some());
    }
}
