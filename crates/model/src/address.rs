//! Addresses, networks, and the subject that is counted and blocked.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One exact IP address. An IPv4 address that came as `::ffff:a.b.c.d` is the IPv4 address,
/// so that nobody escapes a count by the socket type of the server he talks to.
///
/// It is kept as the IPv6 address that it is or is mapped to: one number, compared and copied as
/// one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address([u8; 16]);

/// What stands before an IPv4 address that is mapped to IPv6 (RFC 4291, 2.5.5.2).
const MAPPED: u128 = 0xffff << 32;

/// Bits of the prefix of all mapped addresses.
const MAPPED_PREFIX: u8 = 96;

impl Hash for Address {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u128(self.bits());
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// IPv4 before IPv6.
impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        (!self.is_ipv4(), self.bits()).cmp(&(!other.is_ipv4(), other.bits()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Why a text is not an address or network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// `0.0.0.0`, which is nobody.
    pub const UNSPECIFIED: Self = Self::of_bits(MAPPED);

    /// The address.
    #[inline]
    pub fn new(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::of_bits(MAPPED | v4.to_bits() as u128),
            IpAddr::V6(v6) => Self::of_bits(v6.to_bits()),
        }
    }

    const fn of_bits(bits: u128) -> Self {
        Self(bits.to_ne_bytes())
    }

    const fn bits(self) -> u128 {
        u128::from_ne_bytes(self.0)
    }

    /// Whether it is an IPv4 address.
    #[inline]
    pub const fn is_ipv4(self) -> bool {
        self.bits() >> 32 == MAPPED >> 32
    }

    /// The standard library's form.
    #[inline]
    pub const fn ip(self) -> IpAddr {
        match self.is_ipv4() {
            true => IpAddr::V4(Ipv4Addr::from_bits(self.bits() as u32)),
            false => IpAddr::V6(Ipv6Addr::from_bits(self.bits())),
        }
    }

    /// Reads an address from the bytes of a log line. No zone (`%eth0`), no port, no name.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > crate::limits::ADDRESS_TEXT_MAX {
            return None;
        }
        std::str::from_utf8(bytes).ok()?.parse::<IpAddr>().ok().map(Self::new)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip().fmt(f)
    }
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes())
            .ok_or_else(|| AddressError(format!("`{text}` is not an IPv4 or IPv6 address")))
    }
}

/// A network: an address with its host bits cleared, and a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Net {
    base: Address,
    prefix: u8,
}

impl Hash for Net {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // As one number, not field by field.
        hasher.write_u128(self.base.bits() ^ u128::from(self.prefix));
    }
}

impl Net {
    /// The network of `prefix` bits around `ip`; `None` if the prefix is too long for the family.
    /// One of addresses that are mapped to IPv6 is that of the IPv4 addresses.
    pub fn new(ip: IpAddr, prefix: u8) -> Option<Self> {
        let bits = if ip.is_ipv4() { prefix.checked_add(MAPPED_PREFIX)? } else { prefix };
        let base = Address::of_bits(Address::new(ip).bits() & mask(bits)?);
        // What begins as all mapped addresses do has a prefix at least as long.
        let prefix = if base.is_ipv4() { bits - MAPPED_PREFIX } else { bits };
        Some(Self { base, prefix })
    }

    /// The network that holds just this address (/32 or /128).
    #[inline]
    pub fn host(address: Address) -> Self {
        Self { base: address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// What a provider gives to one line or office: the /24 of an IPv4 address, the /48 of an IPv6
    /// address.
    pub fn of_line(address: Address) -> Self {
        let prefix = if address.is_ipv4() { 24 } else { 48 };
        Self::new(address.ip(), prefix).unwrap_or_else(|| Self::host(address))
    }

    /// The first address.
    #[inline]
    pub const fn base(self) -> IpAddr {
        self.base.ip()
    }

    /// The length of the prefix in bits.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether `address` lies in this network.
    pub fn contains(self, address: Address) -> bool {
        let is_ipv4 = self.base.is_ipv4();
        let bits = if is_ipv4 { MAPPED_PREFIX + self.prefix } else { self.prefix };
        let other = self.base.bits() ^ address.bits();
        is_ipv4 == address.is_ipv4() && mask(bits).is_some_and(|mask| other & mask == 0)
    }

    /// Whether every address of `other` lies in this network.
    pub fn covers(self, other: Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.base)
    }

    /// Whether the two networks share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

/// The first `bits` of 128 bits; `None` if there are not so many.
fn mask(bits: u8) -> Option<u128> {
    let behind = 128_u32.checked_sub(u32::from(bits))?;
    Some(u128::MAX.checked_shl(behind).unwrap_or(0))
}

impl fmt::Display for Net {
    /// A host shows without its prefix length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.base(), self.prefix) {
            (IpAddr::V4(_), 32) | (IpAddr::V6(_), 128) => self.base.fmt(f),
            _ => write!(f, "{}/{}", self.base, self.prefix),
        }
    }
}

impl FromStr for Net {
    type Err = AddressError;

    /// Reads `192.0.2.1`, `192.0.2.0/24` or `2001:db8::/32`. Host bits that are set are cleared.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((ip, prefix)) = text.split_once('/') else {
            return text.parse::<Address>().map(Self::host).map_err(|_| {
                AddressError(format!(
                    "`{text}` is not an address or a network such as 192.0.2.0/24"
                ))
            });
        };
        let base: IpAddr = ip
            .parse()
            .map_err(|_| AddressError(format!("`{ip}` is not an IPv4 or IPv6 address")))?;
        let bits: u8 = prefix
            .parse()
            .map_err(|_| AddressError(format!("`/{prefix}` is not a prefix length")))?;
        Self::new(base, bits)
            .ok_or_else(|| AddressError(format!("`/{prefix}` is too long a prefix for {ip}")))
    }
}

/// What is counted and blocked as one: an IPv4 address, or the /64 of an IPv6 address (a
/// provider gives at least that much to one customer), or an IPv6 address alone where its /64
/// holds somebody who must not be blocked, or a network that an operator named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Net);

impl Subject {
    /// The subject that stands for one address.
    #[inline]
    pub fn of(address: Address) -> Self {
        if address.is_ipv4() {
            return Self(Net::host(address));
        }
        let base = Address::of_bits(address.bits() & (u128::MAX << 64));
        Self(Net { base, prefix: 64 })
    }

    /// The subject that is one address alone, and not its /64.
    pub fn alone(address: Address) -> Self {
        Self(Net::host(address))
    }

    /// The subject that is exactly this network.
    pub const fn exactly(net: Net) -> Self {
        Self(net)
    }

    /// The addresses it covers.
    pub const fn net(self) -> Net {
        self.0
    }

    /// Whether it is what one address is counted as (an IPv4 or IPv6 host, or an IPv6 /64) and
    /// not another network.
    pub fn is_single(self) -> bool {
        match self.0.base.is_ipv4() {
            true => self.0.prefix == 32,
            false => matches!(self.0.prefix, 64 | 128),
        }
    }

    /// Whether `address` belongs to it.
    pub fn contains(self, address: Address) -> bool {
        self.0.contains(address)
    }
}

impl fmt::Display for Subject {
    /// An IPv6 address alone shows with its prefix length: without one it would mean its /64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.base(), self.0.prefix) {
            (IpAddr::V6(base), 128) => write!(f, "{base}/128"),
            _ => self.0.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = AddressError;

    /// Reads an address, which means its /64 if it is IPv6, or a network as it is: `::1/128` is
    /// that address alone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let net: Net = text.parse()?;
        Ok(if text.contains('/') { Self(net) } else { Self::of(net.base) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_v4_mapped_address_is_the_ipv4_address() {
        assert_eq!("::ffff:192.0.2.1".parse::<Address>().unwrap().to_string(), "192.0.2.1");
        assert_eq!(net("::ffff:192.0.2.0/120"), net("192.0.2.0/24"));
    }

    #[test]
    fn a_network_of_mapped_addresses_is_that_of_the_ipv4_addresses() {
        let mapped = |prefix| Net::new("::ffff:192.0.2.7".parse().unwrap(), prefix);
        assert_eq!(mapped(120), Some(net("192.0.2.0/24")));
        assert_eq!(mapped(96), Some(net("0.0.0.0/0")));
        assert_eq!(mapped(95).unwrap().to_string(), "::fffe:0:0/95");
        assert_eq!(mapped(0), Some(net("::/0")));
        assert_eq!((mapped(129), Net::new(Ipv4Addr::LOCALHOST.into(), 33)), (None, None));
        assert!(!net("::/0").contains("192.0.2.1".parse().unwrap()));
        assert!(!net("::/0").covers(net("0.0.0.0/0")) && !net("0.0.0.0/0").overlaps(net("::/0")));
    }

    #[test]
    fn ipv4_stands_before_ipv6() {
        let sorted = ["0.0.0.0", "9.0.0.0", "10.0.0.0", "255.255.255.255", "::", "::1", "ff02::1"];
        let addresses = sorted.map(|text| text.parse::<Address>().unwrap());
        assert!(addresses.is_sorted(), "{addresses:?}");
        assert!(sorted.map(net).is_sorted());
    }

    #[test]
    fn an_ipv6_address_is_counted_by_its_64() {
        let subject = Subject::of("2001:db8:1:2:3::4".parse().unwrap());
        assert_eq!(subject.to_string(), "2001:db8:1:2::/64");
        assert!(subject.is_single());
        assert_eq!("2001:db8:1:2:9::".parse::<Subject>().unwrap(), subject);
    }

    #[test]
    fn an_ipv6_address_alone_is_written_as_it_is_read() {
        let address: Address = "2001:db8:1:2:3::4".parse().unwrap();
        let subject = Subject::alone(address);
        assert_eq!(subject.to_string(), "2001:db8:1:2:3::4/128");
        assert_eq!(subject.to_string().parse::<Subject>().unwrap(), subject);
        assert!(subject.is_single() && subject != Subject::of(address));
        let four: Address = "192.0.2.1".parse().unwrap();
        assert_eq!(Subject::alone(four), Subject::of(four));
    }

    #[test]
    fn networks_contain_cover_and_overlap() {
        assert!(net("10.0.0.0/8").contains("10.1.2.3".parse().unwrap()));
        assert!(!net("10.0.0.0/8").contains("::1".parse().unwrap()));
        assert!(net("0.0.0.0/0").covers(net("192.0.2.1")));
        assert!(net("192.0.2.1").overlaps(net("192.0.2.0/24")));
        assert!(!net("192.0.2.0/24").covers(net("192.0.2.0/23")));
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        for bad in ["", "1.2.3", "1.2.3.4.5", "example.org", "fe80::1%eth0", "1.2.3.4:22"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        assert!("192.0.2.0/33".parse::<Net>().is_err());
        assert!("192.0.2.0/x".parse::<Net>().is_err());
    }
}
