//! `[[origin]]`: what becomes of somebody because of where his address is.

use std::fmt;
use std::str::FromStr;

use crate::{Asn, Country, Kind, KindSet, Origin, Reach, Scope, Severity};

/// What a list names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OneOf<T> {
    /// It is not asked.
    #[default]
    Any,
    /// These, sorted.
    These(Vec<T>),
    /// All that is known but these, sorted.
    AllBut(Vec<T>),
}

impl<T: Ord> OneOf<T> {
    /// Whether it is about this one. What is not known is none of those that are asked for, and
    /// none of the others either.
    pub fn fits(&self, it: Option<T>) -> bool {
        match self {
            Self::Any => true,
            Self::These(list) => it.is_some_and(|it| list.binary_search(&it).is_ok()),
            Self::AllBut(list) => it.is_some_and(|it| list.binary_search(&it).is_err()),
        }
    }

    /// Whether it asks at all.
    pub const fn asks(&self) -> bool {
        !matches!(self, Self::Any)
    }
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginAct {
    /// No policy blocks them.
    Allow,
    /// It is told what they do.
    Alarm,
    /// Their first failure blocks them.
    Block,
}

impl OriginAct {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Alarm, Self::Block];

    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Alarm => "alarm",
            Self::Block => "block",
        }
    }
}

/// What is answered to a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginLogin {
    /// Nothing beside what is told of each login.
    Ignore,
    /// It is a finding.
    Alarm,
    /// It is a finding, and the address is blocked, but not while an administrator is logged in
    /// from there.
    Block,
}

impl OriginLogin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ignore, Self::Alarm, Self::Block];

    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Alarm => "alarm",
            Self::Block => "block",
        }
    }
}

/// Kinds that count as a failure for whom his origin blocks, unless the table names others. What an
/// honest visitor does as well (a page that is not there, a form that is sent) is not among them.
pub const ORIGIN_KINDS: KindSet = KindSet::of(&[
    Kind::LoginFailed,
    Kind::PrivilegeRefused,
    Kind::Probe,
    Kind::MailRejected,
    Kind::HttpProbe,
    Kind::RateLimited,
    Kind::Failure,
]);

/// One table. All that it names narrows it; of several tables the first that fits is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRule {
    /// Which one it is in its file, from 1.
    pub number: u32,
    /// Where it stands, such as `monban.toml:12`.
    pub place: String,
    /// The countries.
    pub countries: OneOf<Country>,
    /// The autonomous systems.
    pub systems: OneOf<Asn>,
    /// Which services.
    pub reach: Reach,
    /// Which kinds of failures.
    pub kinds: KindSet,
    /// What is answered.
    pub then: OriginAct,
    /// What is answered to a login.
    pub logins: OriginLogin,
    /// The first block in seconds, in place of the policy's; within it `None` is forever.
    pub first_s: Option<Option<u64>>,
    /// The ports that are closed, in place of the policy's.
    pub scope: Option<Scope>,
    /// How urgent its findings are.
    pub severity: Severity,
}

impl OriginRule {
    /// Whether it is about somebody from there. Registries also have codes for regions; whoever is
    /// from one of these may be from any country in it.
    pub fn fits(&self, from: Origin) -> bool {
        let country = match self.countries {
            OneOf::AllBut(_) => from.country.filter(|country| country.is_country()),
            _ => from.country,
        };
        self.countries.fits(country) && self.systems.fits(from.asn)
    }

    /// It, as the reason of a decision about somebody from there.
    pub fn reason(&self, from: Origin) -> ByOrigin {
        ByOrigin { from, number: self.number, place: self.place.clone() }
    }
}

/// Where somebody is, and the table that is about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByOrigin {
    /// Where.
    pub from: Origin,
    /// Which table, from 1.
    pub number: u32,
    /// Where it stood.
    pub place: String,
}

impl ByOrigin {
    /// The table and its place, without a word of any language.
    pub fn rule(&self) -> String {
        format!("[[origin]] {} ({})", self.number, self.place)
    }
}

impl fmt::Display for ByOrigin {
    /// `CN, AS4134 by [[origin]] 2 at monban.toml:12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by [[origin]] {} at {}", self.from, self.number, self.place)
    }
}

impl FromStr for ByOrigin {
    type Err = String;
    /// As it is shown.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(" by [[origin]] ").and_then(|(from, rule)| {
            let (number, place) = rule.split_once(" at ")?;
            let (from, number) = (from.parse().ok()?, number.parse().ok()?);
            Some(Self { from, number, place: place.to_owned() })
        });
        parts.ok_or_else(|| format!("`{}` is no origin with its table", text.escape_debug()))
    }
}

impl fmt::Display for Origin {
    /// `CN, AS4134`, as far as it is known; else `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.country, self.asn) {
            (Some(country), Some(asn)) => write!(f, "{country}, {asn}"),
            (Some(country), None) => country.fmt(f),
            (None, Some(asn)) => asn.fmt(f),
            (None, None) => f.write_str("?"),
        }
    }
}

impl FromStr for Origin {
    type Err = String;
    /// As it is shown.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut origin = Self::default();
        for part in text.split(", ").filter(|part| *part != "?") {
            match part.parse() {
                Ok(country) => origin.country = Some(country),
                Err(_) => origin.asn = Some(part.parse()?),
            }
        }
        Ok(origin)
    }
}

impl Origin {
    /// Whether anything is known.
    pub const fn is_known(&self) -> bool {
        self.country.is_some() || self.asn.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_and_its_table_read_back() {
        for text in ["CN, AS4134", "CN", "AS4134", "?"] {
            assert_eq!(from(text).to_string(), text);
            let by = ByOrigin { from: from(text), number: 2, place: "a by b.toml:12".to_owned() };
            assert_eq!(by.to_string().parse(), Ok(by));
        }
        assert_eq!(from("?"), Origin::default());
        for wrong in ["", "CN", "CN by [[origin]] x at y", "China by [[origin]] 1 at y", "CN by "] {
            assert!(wrong.parse::<ByOrigin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_known_fits_nothing_that_is_asked_for() {
        let jp: Country = "JP".parse().unwrap();
        let rule = |countries, systems| OriginRule {
            number: 1,
            place: String::new(),
            countries,
            systems,
            reach: Reach::EveryService,
            kinds: ORIGIN_KINDS,
            then: OriginAct::Block,
            logins: OriginLogin::Alarm,
            first_s: None,
            scope: None,
            severity: Severity::Warning,
        };
        let abroad = rule(OneOf::AllBut(vec![jp]), OneOf::Any);
        let fits = |rule: &OriginRule| {
            ["JP", "CN", "EU", "AP", "?", "CN, AS4134"].map(|text| rule.fits(from(text)))
        };
        // Whoever is in "Asia/Pacific" may be in Japan.
        assert_eq!(fits(&abroad), [false, true, false, false, false, true]);
        let here = rule(OneOf::These(vec![jp]), OneOf::Any);
        assert_eq!(fits(&here), [true, false, false, false, false, false]);
        let system = rule(OneOf::AllBut(vec![jp]), OneOf::These(vec![Asn(4134)]));
        assert_eq!(fits(&system), [false, false, false, false, false, true]);
        let others = rule(OneOf::Any, OneOf::AllBut(vec![Asn(4713)]));
        assert_eq!(fits(&others), [false, false, false, false, false, true]);
    }
}
