//! The words that stand in the columns for the closed enums, both ways, and bytes that are
//! mostly text.

use monban_model::{Because, FindingKind, Net, OutcomeResult, Scope};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::LedgerError;

/// Bytes that a stranger typed. They are stored as text where they are valid UTF-8, so that SQL
/// can compare and show them, else as a blob; both are read back as the same bytes. A NUL would
/// end the text for most of SQLite's functions, so such bytes are a blob too.
pub(crate) struct Typed<'a>(pub(crate) &'a [u8]);

impl ToSql for Typed<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let is_text = !self.0.contains(&0) && std::str::from_utf8(self.0).is_ok();
        Ok(ToSqlOutput::Borrowed(if is_text {
            ValueRef::Text(self.0)
        } else {
            ValueRef::Blob(self.0)
        }))
    }
}

pub(crate) fn scope_word(scope: &Scope) -> String {
    match scope {
        Scope::All => "all".to_owned(),
        Scope::Ports(ports) => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            ports.join(",")
        }
    }
}

pub(crate) fn scope_of(word: &str) -> Result<Scope, LedgerError> {
    match word {
        "all" => Ok(Scope::All),
        "" => Ok(Scope::Ports(Vec::new())),
        ports => ports
            .split(',')
            .map(|port| port.parse().map_err(|_| unknown("scope", word)))
            .collect::<Result<_, _>>()
            .map(Scope::Ports),
    }
}

pub(crate) fn finding_of(word: &str) -> Result<FindingKind, LedgerError> {
    let kind = FindingKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.ok_or_else(|| unknown("finding", word))
}

/// The word of a reason and its detail.
pub(crate) fn because_words(because: &Because) -> (&'static str, Option<String>) {
    let detail = match because {
        Because::Allowed(net) => Some(net_word(*net)),
        Because::Operator(why) | Because::Named(why) => Some(why.clone()),
        Because::Origin(by) => Some(by.to_string()),
        _ => None,
    };
    (because.word(), detail)
}

pub(crate) fn because_of(word: &str, detail: Option<String>) -> Result<Because, LedgerError> {
    Ok(match (word, detail) {
        ("policy", _) => Because::Policy,
        ("allowed", Some(net)) => Because::Allowed(net_of(&net)?),
        ("administrator", _) => Because::Administrator,
        ("too-wide", _) => Because::TooWide,
        ("policy-observes", _) => Because::PolicyObserves,
        ("already-blocked", _) => Because::AlreadyBlocked,
        ("too-many-blocks", _) => Because::TooManyBlocks,
        ("operator", why) => Because::Operator(why.unwrap_or_default()),
        ("expired", _) => Because::Expired,
        ("named", Some(name)) => Because::Named(name),
        ("taken-over", _) => Because::TakenOver,
        ("origin", Some(by)) => {
            Because::Origin(Box::new(by.parse().map_err(|_| unknown("origin", &by))?))
        }
        _ => return Err(unknown("reason", word)),
    })
}

pub(crate) fn result_of(word: &str, detail: Option<String>) -> Result<OutcomeResult, LedgerError> {
    Ok(match word {
        "applied" => OutcomeResult::Applied,
        "observed" => OutcomeResult::Observed,
        "refused" => OutcomeResult::Refused(detail.unwrap_or_default()),
        "failed" => OutcomeResult::Failed(detail.unwrap_or_default()),
        _ => return Err(unknown("outcome", word)),
    })
}

/// A network with its prefix length: unlike its display, `::ffff:0:0/96` style bases are exact.
pub(crate) fn net_word(net: Net) -> String {
    format!("{}/{}", net.base(), net.prefix())
}

pub(crate) fn net_of(word: &str) -> Result<Net, LedgerError> {
    let parts = word.split_once('/');
    parts
        .and_then(|(base, prefix)| Net::new(base.parse().ok()?, prefix.parse().ok()?))
        .ok_or_else(|| unknown("network", word))
}

pub(crate) fn unknown(what: &str, word: &str) -> LedgerError {
    LedgerError::Unreadable(format!("`{}` is no {what}", word.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back() {
        for scope in [
            Scope::All,
            Scope::Ports(vec![]),
            Scope::Ports(vec![22]),
            Scope::Ports(vec![0, 22, 65_535]),
        ] {
            assert_eq!(scope_of(&scope_word(&scope)), Ok(scope));
        }
        for bad in ["22,", "65536", "ssh", ",", "22, 23"] {
            assert!(scope_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_reason_and_result_reads_back() {
        let net = Net::new("192.0.2.0".parse().unwrap(), 24).unwrap();
        for because in [
            Because::Policy,
            Because::Allowed(net),
            Because::Administrator,
            Because::TooWide,
            Because::PolicyObserves,
            Because::AlreadyBlocked,
            Because::TooManyBlocks,
            Because::Operator("text".to_owned()),
            Because::Expired,
            Because::Named("home.example".to_owned()),
            Because::TakenOver,
            Because::Origin(Box::new("CN, AS4134 by [[origin]] 2 at a.toml:12".parse().unwrap())),
        ] {
            let (word, detail) = because_words(&because);
            assert_eq!(because_of(word, detail), Ok(because));
        }
        for kind in FindingKind::ALL {
            assert_eq!(finding_of(kind.word()), Ok(kind));
        }
        for result in [
            OutcomeResult::Applied,
            OutcomeResult::Observed,
            OutcomeResult::Refused("a".to_owned()),
            OutcomeResult::Failed("b".to_owned()),
        ] {
            let (word, why) = result.words();
            assert_eq!(result_of(word, why.map(str::to_owned)), Ok(result.clone()));
        }
    }

    #[test]
    fn a_network_of_mapped_addresses_stays_what_it_is() {
        let net = Net::new("::ffff:0:0".parse().unwrap(), 90).unwrap();
        assert_eq!(net_of(&net_word(net)), Ok(net));
    }
}
