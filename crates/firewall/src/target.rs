//! Which set a blocked subject goes into, and its bytes there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use monban_model::{Net, Subject};

use crate::uapi::{NFPROTO_IPV4, NFPROTO_IPV6};

/// What one set element closes: all packets of a subject, or those to one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Whose packets.
    pub subject: Subject,
    /// Destination port of TCP and UDP; `None` is every packet.
    pub port: Option<u16>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.subject.fmt(f)?;
        match self.port {
            Some(port) => write!(f, " port {port}"),
            None => Ok(()),
        }
    }
}

/// What a set is made of.
///
/// Networks are ranges of two fields, the second of which (the family, always the same) is there
/// only because the kernel then takes another kind of set. The kind for ranges of one field, its
/// rbtree, has a range as two elements, a start and an end. On Linux 6.18 a test that put a range
/// in anew just after it had ended by time damaged the next range, and a range without an end
/// blocks all the addresses above it. The kind for several
/// fields, its pipapo (since 5.6), has a range as one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetSpec {
    pub(crate) name: &'static str,
    /// Keys are IPv6 addresses, else IPv4.
    pub(crate) v6: bool,
    /// The key goes on with a port.
    pub(crate) port: bool,
    /// How an address is found in it.
    pub(crate) by: By,
}

/// How an address is found in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// By itself, in a hash.
    Address,
    /// By its /64, in a hash.
    Slash64,
    /// As part of a range.
    Range,
}

const fn spec(name: &'static str, v6: bool, port: bool, by: By) -> SetSpec {
    SetSpec { name, v6, port, by }
}

/// All our sets. [`Target::set`] counts on this order.
pub(crate) const SETS: [SetSpec; 10] = [
    spec("hosts4", false, false, By::Address),
    spec("hosts6", true, false, By::Slash64),
    spec("ports4", false, true, By::Address),
    spec("ports6", true, true, By::Slash64),
    spec("nets4", false, false, By::Range),
    spec("nets6", true, false, By::Range),
    spec("netports4", false, true, By::Range),
    spec("netports6", true, true, By::Range),
    spec("alone6", true, false, By::Address),
    spec("aloneports6", true, true, By::Address),
];

/// The longest key: an IPv6 address and one register of 4 bytes for the second field.
pub(crate) const KEY_BYTES_MAX: usize = 20;

/// A key as it stands in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: usize,
}

impl Key {
    /// The key of this address, and of the port in the sets that have one.
    pub(crate) fn new(spec: SetSpec, address: u128, port: u16) -> Self {
        let mut bytes = [0; KEY_BYTES_MAX];
        let width = spec.address_bytes();
        for (to, from) in bytes.iter_mut().zip(&address.to_be_bytes()[16 - width..]) {
            *to = *from;
        }
        if spec.port {
            [bytes[width], bytes[width + 1]] = port.to_be_bytes();
        } else if spec.is_ranges() {
            bytes[width] = spec.family();
        }
        Self { bytes, length: spec.key_bytes() }
    }

    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    /// Address and port of the bytes of a key of such a set.
    pub(crate) fn parse(spec: SetSpec, bytes: &[u8]) -> Option<(u128, u16)> {
        let width = spec.address_bytes();
        if bytes.len() != spec.key_bytes() {
            return None;
        }
        let (address, rest) = bytes.split_at_checked(width)?;
        let address = address.iter().fold(0, |all, b| all << 8 | u128::from(*b));
        let port = if spec.port { u16::from_be_bytes(rest.get(..2)?.try_into().ok()?) } else { 0 };
        Some((address, port))
    }
}

impl SetSpec {
    /// Bytes of the address in the key.
    pub(crate) const fn address_bytes(self) -> usize {
        if self.v6 { 16 } else { 4 }
    }

    /// Bytes of the whole key; each field fills whole registers of 4 bytes.
    pub(crate) const fn key_bytes(self) -> usize {
        self.address_bytes() + if self.port || self.is_ranges() { 4 } else { 0 }
    }

    /// Whether its elements are ranges.
    pub(crate) const fn is_ranges(self) -> bool {
        matches!(self.by, By::Range)
    }

    /// The number of the family in netfilter.
    pub(crate) const fn family(self) -> u8 {
        if self.v6 { NFPROTO_IPV6 } else { NFPROTO_IPV4 }
    }

    /// An address of this family.
    pub(crate) fn address(self, bits: u128) -> IpAddr {
        if self.v6 {
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        } else {
            // Only keys of 4 bytes come here; the upper bits are zero.
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(0)))
        }
    }
}

impl Target {
    /// Its set, as an index of [`SETS`].
    pub(crate) fn set(self) -> usize {
        let port = usize::from(self.port.is_some());
        let net = self.subject.net();
        if net.base().is_ipv6() && net.prefix() == 128 {
            return 8 | port;
        }
        usize::from(net.base().is_ipv6()) | port << 1 | usize::from(!self.subject.is_single()) << 2
    }

    /// First and last address. The IPv6 subject of a hash set is looked up by its first.
    pub(crate) fn bounds(self) -> (u128, u128) {
        let net = self.subject.net();
        let (first, width) = match net.base() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        let free = u32::from(width - net.prefix().min(width));
        let span = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
        (first, first | span)
    }

    /// The target of an element; `None` if the range is no network, which monban never makes.
    pub(crate) fn of_range(spec: SetSpec, first: u128, last: u128, port: u16) -> Option<Self> {
        let span = first ^ last;
        let is_net = span & span.wrapping_add(1) == 0 && first & span == 0;
        if !is_net {
            return None;
        }
        let width: u32 = if spec.v6 { 128 } else { 32 };
        let prefix = u8::try_from(width.checked_sub(span.count_ones())?).ok()?;
        let target = Self {
            subject: Subject::exactly(Net::new(spec.address(first), prefix)?),
            port: spec.port.then_some(port),
        };
        // A /32 among the networks is none of ours either: nobody would ask for it there.
        (SETS.get(target.set()) == Some(&spec)).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(subject: &str, port: Option<u16>) -> Target {
        Target { subject: subject.parse().unwrap(), port }
    }

    #[test]
    fn each_target_has_its_set_and_comes_back_from_its_key() {
        for (subject, port, set) in [
            ("192.0.2.1", None, "hosts4"),
            ("2001:db8::/64", None, "hosts6"),
            ("192.0.2.1", Some(22), "ports4"),
            ("2001:db8::/64", Some(443), "ports6"),
            ("2001:db8::1/128", None, "alone6"),
            ("2001:db8::1/128", Some(22), "aloneports6"),
            ("192.0.2.0/24", None, "nets4"),
            ("2001:db8::/32", None, "nets6"),
            ("10.0.0.0/8", Some(65535), "netports4"),
            ("::/0", Some(1), "netports6"),
            ("0.0.0.0/0", None, "nets4"),
            ("255.255.255.255", None, "hosts4"),
        ] {
            let target = target(subject, port);
            let spec = SETS[target.set()];
            assert_eq!(spec.name, set);
            let (first, last) = target.bounds();
            let key = Key::new(spec, first, port.unwrap_or(0));
            let read = Key::parse(spec, key.bytes()).unwrap();
            assert_eq!(read, (first, port.unwrap_or(0)), "{target}");
            assert_eq!(Target::of_range(spec, first, last, read.1), Some(target));
        }
    }

    #[test]
    fn a_range_that_is_no_network_is_nobodys() {
        let nets4 = SETS[4];
        assert_eq!(Target::of_range(nets4, 5, 6, 0), None);
        assert_eq!(Target::of_range(nets4, 4, 6, 0), None);
        assert_eq!(Target::of_range(nets4, 7, 7, 0), None);
        assert_eq!(Key::parse(nets4, &[1, 2, 3]), None);
    }
}
