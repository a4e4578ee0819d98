//! Who failed: an address, a network, a name, or whatever a filter says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use monban_model::{Address, Net};

use crate::dates::digit_value;

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
        let net = ip.map(|ip| net(ip, prefix.and_then(length)));
        net.map_or_else(|| Self::Text(text.to_owned()), Self::Net)
    }

    /// What a filter counts by where it names it itself: an address if it reads as one, perhaps in
    /// brackets, with the length of a prefix or a mask. What is no address loses the length.
    pub fn of_text(text: &str) -> Self {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let text = inner.filter(|inner| !inner.is_empty()).unwrap_or(text);
        let (name, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((name, behind)) => match length(behind).or_else(|| mask_length(behind)) {
                Some(prefix) => (name, Some(prefix)),
                None => return Self::Text(text.to_owned()),
            },
        };
        match name.parse::<IpAddr>() {
            Ok(ip) => Self::Net(net(ip, prefix)),
            Err(_) => Self::Text(name.to_owned()),
        }
    }
}

/// A network; one address if the length is more than its family has bits.
fn net(ip: IpAddr, prefix: Option<u32>) -> Net {
    let mapped = ip.to_canonical();
    // An IPv4 address that is written as one of IPv6 is the IPv4 address.
    let cut = if mapped.is_ipv4() && ip.is_ipv6() { 96 } else { 0 };
    let host = || Net::host(Address::new(mapped));
    match prefix {
        Some(prefix) if prefix >= cut => {
            let net = u8::try_from(prefix - cut).ok().and_then(|prefix| Net::new(mapped, prefix));
            net.unwrap_or_else(host)
        }
        Some(prefix) => {
            let net = u8::try_from(prefix).ok().and_then(|prefix| Net::new(ip, prefix));
            net.unwrap_or_else(host)
        }
        None => host(),
    }
}

/// A number in the digits of any script, as an expression's `\d+` takes it.
fn length(text: &str) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.chars().try_fold(0_u32, |number, character| {
        let digit = u32::from(digit_value(character)?);
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

/// The length of a mask such as `255.255.0.0`.
fn mask_length(text: &str) -> Option<u32> {
    let (ones, whole) = match text.parse().ok()? {
        IpAddr::V4(mask) => (mask.to_bits().leading_ones(), mask.to_bits().count_ones()),
        IpAddr::V6(mask) => (mask.to_bits().leading_ones(), mask.to_bits().count_ones()),
    };
    (ones == whole).then_some(ones)
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Net(net) => net.fmt(f),
            Self::Name(text) | Self::Text(text) => f.write_str(text),
        }
    }
}
