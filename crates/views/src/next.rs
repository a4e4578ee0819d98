//! The next step against an address. A person runs it; monban never does so by itself.

use monban_model::{Address, Country, Special};

/// Where an address is, seen from the home of the host's people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Home,
    Abroad,
    Unknown,
}

impl Side {
    /// By the country of home and that of the address.
    pub(crate) fn of(home: Option<Country>, country: Option<Country>) -> Self {
        match (home, country) {
            (Some(home), Some(country)) if home == country => Self::Home,
            (Some(_), Some(_)) => Self::Abroad,
            _ => Self::Unknown,
        }
    }

    /// Its word in JSON and keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Abroad => "abroad",
            Self::Unknown => "unknown",
        }
    }
}

/// The commands of the next step: abroad it is shut out, at home its provider is told; where that
/// is not known, the reader chooses. Nobody is shut out who is already, or must not be.
pub(crate) fn next_step(address: Address, side: Side, may_ban: bool) -> Vec<String> {
    // The warden would refuse to shut out the host itself.
    let is_own = matches!(address.special(), Some(Special::Loopback | Special::Unspecified));
    let may_ban = may_ban && !is_own;
    let ban = format!("monban ban {address} --for 7d");
    let report = format!("monban report {address}");
    // What is nobody's on the Internet has no provider.
    let has_provider = side != Side::Unknown || address.special().is_none();
    let wanted =
        [(side != Side::Home && may_ban, ban), (side != Side::Abroad && has_provider, report)];
    wanted.into_iter().filter_map(|(is_wanted, command)| is_wanted.then_some(command)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_depends_on_where_an_address_is() {
        let (us, jp): (Country, _) = ("US".parse().unwrap(), Country::JP);
        let ban = "monban ban 8.8.8.8 --for 7d";
        let report = "monban report 8.8.8.8";
        for (home, country, may_ban, commands) in [
            (Some(jp), Some(jp), true, &[report][..]),
            (Some(jp), Some(us), true, &[ban]),
            (Some(jp), Some(us), false, &[]),
            (Some(jp), None, true, &[ban, report]),
            (None, Some(jp), true, &[ban, report]),
            (None, None, false, &[report]),
        ] {
            let side = Side::of(home, country);
            assert_eq!(next_step("8.8.8.8".parse().unwrap(), side, may_ban), commands, "{side:?}");
        }
        for own in ["127.0.0.1", "::1"] {
            assert!(next_step(own.parse().unwrap(), Side::Unknown, true).is_empty());
        }
        let inside = next_step("192.168.1.5".parse().unwrap(), Side::Unknown, true);
        assert_eq!(inside, ["monban ban 192.168.1.5 --for 7d"]);
    }
}
