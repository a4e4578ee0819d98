//! Who an address is: RDAP, whois where that does not tell, its name by DNS, and a database of
//! places.
//!
//! Everything that comes back is a stranger's. It is bounded in size and time, made harmless when
//! it is read, and never decides by itself what is blocked.

mod announced;
mod contacts;
mod desk;
mod dns;
mod fill;
mod geo;
mod rdap;
mod registries;
mod text;
mod whois;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use monban_model::limits::{WHO_PATIENCE_S, WHO_SERVER_S};
use monban_model::{Address, Stamp, Who, WhoAnswer};

pub use desk::{DeskCounts, WhoDesk};
pub use dns::NameServers;
pub use geo::{Geo, GeoError, GeoFacts, Place};
pub use registries::{rdap_of, registry_of, whois_of};

/// Where RDAP is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rdap {
    /// At the registry that has the address.
    #[default]
    Registries,
    /// At this server; it may be a private one.
    At(String),
    /// Nowhere: whois only.
    Never,
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// Who resolves names.
    pub names: NameServers,
    /// Where RDAP is asked.
    pub rdap: Rdap,
    /// The whois server to begin with, instead of the registry's; it may be a private one.
    pub whois: Option<(String, u16)>,
    /// Whether Team Cymru's service may tell the autonomous system where no registry does.
    pub announced: bool,
    /// One server has so long for its answer: [`WHO_SERVER_S`] seconds, in tests less.
    pub wait: Duration,
    /// Whether referrals and redirects may lead to private addresses, to other ports and to plain
    /// HTTP: for tests, and for registries within one's own network.
    pub anywhere: bool,
}

impl Servers {
    /// The registries, with these name servers.
    pub const fn registries(names: NameServers) -> Self {
        let wait = Duration::from_secs(WHO_SERVER_S);
        Self { names, rdap: Rdap::Registries, whois: None, announced: true, wait, anywhere: false }
    }

    /// The addresses of a server: only public ones, unless an operator named it.
    fn reach(&self, host: &str, named: bool, until: Instant) -> io::Result<Vec<Address>> {
        let found = self.names.addresses_of(host, until)?;
        let may = |address: &Address| named || self.anywhere || address.special().is_none();
        Ok(found.into_iter().filter(may).collect())
    }
}

/// Finds out who an address is. Takes [`WHO_PATIENCE_S`] seconds at most, and asks nobody about an
/// address that is nobody's.
pub fn look_up(servers: &Servers, address: Address, now: Stamp) -> WhoAnswer {
    if let Some(special) = address.special() {
        return WhoAnswer::NotPublic(special);
    }
    let until = Instant::now() + Duration::from_secs(WHO_PATIENCE_S);
    let shared = Arc::new(servers.clone());
    let by_rdap = rdap::ask(&shared, address, until);
    // RDAP without a contact or a holder: the other protocol may have both.
    let is_whole = |who: &Who| !who.abuse.is_empty() && !who.org.is_empty();
    let by_whois = match &by_rdap {
        Ok(who) if is_whole(who) => None,
        _ => Some(whois::ask(servers, address, until)),
    };
    let mut who = match (by_rdap, by_whois) {
        (Ok(mut who), by_whois) => {
            by_whois.and_then(Result::ok).iter().for_each(|other| fill::fill(&mut who, other));
            who
        }
        (Err(_), Some(Ok(who))) => who,
        (Err(first), Some(Err(second))) => {
            return WhoAnswer::Failed(text::clean(&format!("{first}; {second}")));
        }
        (Err(error), None) => return WhoAnswer::Failed(text::clean(&error.to_string())),
    };
    who.looked_up = now;
    name(servers, &mut who, until);
    if servers.announced {
        announced::fill(&servers.names, &mut who, until);
    }
    WhoAnswer::Known(Box::new(who))
}

/// Its name, and whether that leads back.
fn name(servers: &Servers, who: &mut Who, until: Instant) {
    let Ok(Some(name)) = servers.names.name_of(who.address, until) else { return };
    let back = servers.names.addresses_of(&name, until).unwrap_or_default();
    who.name_confirmed = back.contains(&who.address);
    who.name = name;
}
