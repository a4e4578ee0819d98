//! Addresses that are nobody's on the Internet.

use std::net::IpAddr;

use crate::{Address, Net};

/// Why an address is nobody's on the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Special {
    /// No address: `0.0.0.0/8`, `::`.
    Unspecified,
    /// This host itself.
    Loopback,
    /// A network of one's own: RFC 1918, RFC 4193.
    Private,
    /// Behind a provider's translation: RFC 6598.
    Shared,
    /// One cable or radio network only.
    LinkLocal,
    /// For texts about networks: RFC 5737, RFC 3849, RFC 9637.
    Documentation,
    /// For measurements: RFC 2544, RFC 5180.
    Benchmark,
    /// Many receivers.
    Multicast,
    /// An IPv4 address in the form of IPv6, or a way between the two.
    Transition,
    /// Given to nobody.
    Reserved,
}

impl Special {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Unspecified,
        Self::Loopback,
        Self::Private,
        Self::Shared,
        Self::LinkLocal,
        Self::Documentation,
        Self::Benchmark,
        Self::Multicast,
        Self::Transition,
        Self::Reserved,
    ];

    /// Whether nobody but its own network knows where it is: no database of places is asked.
    /// Addresses for texts and measurements are where the database says: nobody has them, and a
    /// configuration can be tried with them.
    pub const fn is_nowhere(self) -> bool {
        !matches!(self, Self::Documentation | Self::Benchmark)
    }

    /// Its word in texts and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::LinkLocal => "link-local",
            Self::Documentation => "documentation",
            Self::Benchmark => "benchmark",
            Self::Multicast => "multicast",
            Self::Transition => "transition",
            Self::Reserved => "reserved",
        }
    }
}

impl Address {
    /// Why it is nobody's on the Internet; `None` for one that somebody may have there.
    pub fn special(self) -> Option<Special> {
        let table: &[(u128, u8, Special)] = if self.is_ipv4() { FOUR } else { SIX };
        let is_in = |(base, prefix, _): &&(u128, u8, Special)| {
            let base = match self.ip() {
                IpAddr::V4(_) => IpAddr::V4((*base as u32).into()),
                IpAddr::V6(_) => IpAddr::V6((*base).into()),
            };
            Net::new(base, *prefix).is_some_and(|net| net.contains(self))
        };
        let found = table.iter().find(is_in).map(|(_, _, special)| *special);
        // Of IPv6, only 2000::/3 is given out (RFC 3513, IANA's table of global unicast).
        let outside = match self.ip() {
            IpAddr::V4(_) => false,
            IpAddr::V6(ip) => ip.segments()[0] >> 13 != 1,
        };
        found.or_else(|| outside.then_some(Special::Reserved))
    }
}

/// IANA's table of special IPv4 addresses (RFC 6890 and its successors), without the single ones
/// of anycast services, which somebody has.
#[rustfmt::skip]
const FOUR: &[(u128, u8, Special)] = &[
    (0x0000_0000, 8, Special::Unspecified),
    (0x0a00_0000, 8, Special::Private),
    (0x6440_0000, 10, Special::Shared),
    (0x7f00_0000, 8, Special::Loopback),
    (0xa9fe_0000, 16, Special::LinkLocal),
    (0xac10_0000, 12, Special::Private),
    (0xc000_0000, 24, Special::Reserved),
    (0xc000_0200, 24, Special::Documentation),
    (0xc058_6300, 24, Special::Transition),
    (0xc0a8_0000, 16, Special::Private),
    (0xc612_0000, 15, Special::Benchmark),
    (0xc633_6400, 24, Special::Documentation),
    (0xcb00_7100, 24, Special::Documentation),
    (0xe000_0000, 4, Special::Multicast),
    (0xf000_0000, 4, Special::Reserved),
];

/// The same for IPv6.
#[rustfmt::skip]
const SIX: &[(u128, u8, Special)] = &[
    (0, 128, Special::Unspecified),
    (1, 128, Special::Loopback),
    (0x0064_ff9b << 96, 96, Special::Transition),
    (0x0064_ff9b_0001 << 80, 48, Special::Transition),
    (0x0100 << 112, 64, Special::Reserved),
    (0x2001_0000 << 96, 32, Special::Transition),
    (0x2001_0002 << 96, 48, Special::Benchmark),
    (0x2001_0db8 << 96, 32, Special::Documentation),
    (0x2001_0000 << 96, 23, Special::Reserved),
    (0x2002 << 112, 16, Special::Transition),
    (0x3fff << 112, 20, Special::Documentation),
    (0xfc00 << 112, 7, Special::Private),
    (0xfe80 << 112, 10, Special::LinkLocal),
    (0xff00 << 112, 8, Special::Multicast),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_known() {
        for (address, special) in [
            ("0.1.2.3", Some(Special::Unspecified)),
            ("127.0.0.53", Some(Special::Loopback)),
            ("::ffff:127.0.0.1", Some(Special::Loopback)),
            ("10.255.255.255", Some(Special::Private)),
            ("11.0.0.0", None),
            ("172.15.255.255", None),
            ("172.31.0.1", Some(Special::Private)),
            ("172.32.0.0", None),
            ("192.168.1.1", Some(Special::Private)),
            ("100.64.0.1", Some(Special::Shared)),
            ("100.128.0.0", None),
            ("169.254.169.254", Some(Special::LinkLocal)),
            ("192.0.2.1", Some(Special::Documentation)),
            ("198.51.100.1", Some(Special::Documentation)),
            ("203.0.113.255", Some(Special::Documentation)),
            ("198.19.0.1", Some(Special::Benchmark)),
            ("224.0.0.1", Some(Special::Multicast)),
            ("255.255.255.255", Some(Special::Reserved)),
            ("94.102.63.160", None),
            ("1.1.1.1", None),
            ("::", Some(Special::Unspecified)),
            ("::1", Some(Special::Loopback)),
            ("::2", Some(Special::Reserved)),
            ("64:ff9b::1", Some(Special::Transition)),
            ("2001::1", Some(Special::Transition)),
            ("2001:2::1", Some(Special::Benchmark)),
            ("2001:db8::1", Some(Special::Documentation)),
            ("2001:100::1", Some(Special::Reserved)),
            ("2001:200::1", None),
            ("2002:102:304::", Some(Special::Transition)),
            ("2606:4700::1111", None),
            ("3fff::1", Some(Special::Documentation)),
            ("3fff:1000::", None),
            ("4000::1", Some(Special::Reserved)),
            ("fd00::1", Some(Special::Private)),
            ("fe80::1", Some(Special::LinkLocal)),
            ("ff02::1", Some(Special::Multicast)),
        ] {
            assert_eq!(address.parse::<Address>().unwrap().special(), special, "{address}");
        }
    }
}
