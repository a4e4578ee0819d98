//! Who failed: an address, a network, a name, or whatever a filter says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use monban_model::{Address, Net};

/// Who a failure is counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// An address or a network.
    Net(Net),
    /// A name that has still to be resolved, if names are used at all.
    Name(String),
    /// Anything else that a filter counts by.
    Text(String),
}

impl Id {
    /// What an expression took for an address, with a prefix length if one was captured. What the
    /// system would not read as an address (`999.1.1.1`, `192.030.0.6`) stays a text.
    pub fn of_address(text: &str, prefix: Option<&str>, v6: bool) -> Self {
        let ip: Option<IpAddr> = match v6 {
            true => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            false => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        };
        let Some(ip) = ip else { return Self::Text(text.to_owned()) };
        let prefix = prefix.and_then(|text| text.parse::<u8>().ok());
        let net = match prefix {
            Some(prefix) => Net::new(ip, prefix),
            None => Some(Net::host(Address::new(ip))),
        };
        net.map_or_else(|| Self::Text(text.to_owned()), Self::Net)
    }

    /// What a filter counts by where it names it itself: an address if it reads as one.
    pub fn of_text(text: &str) -> Self {
        match text.parse::<Net>() {
            Ok(net) => Self::Net(net),
            Err(_) => Self::Text(text.to_owned()),
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Net(net) => net.fmt(f),
            Self::Name(text) | Self::Text(text) => f.write_str(text),
        }
    }
}
