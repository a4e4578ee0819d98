//! Which registry is asked about an address, and where it answers.
//!
//! From IANA's files for RDAP (RFC 9224: data.iana.org/rdap/ipv4.json and ipv6.json), which follow
//! its tables of assignments. A wrong entry costs a redirect or a referral, not the answer: each
//! registry knows whom to name for what it gave away.

use std::net::IpAddr;

use monban_model::{Address, Registry};

/// The registry of an address; [`Registry::Iana`] for what no registry has.
pub fn registry_of(address: Address) -> Registry {
    let found = match address.ip() {
        IpAddr::V4(ip) => match FOUR[usize::from(ip.octets()[0])] {
            b'a' => Some(Registry::Arin),
            b'f' => Some(Registry::Afrinic),
            b'l' => Some(Registry::Lacnic),
            b'p' => Some(Registry::Apnic),
            b'r' => Some(Registry::Ripe),
            _ => None,
        },
        IpAddr::V6(ip) => {
            let head = (ip.to_bits() >> 96) as u32;
            let is_in = |(base, prefix, _): &&(u32, u8, Registry)| {
                head >> (32 - prefix) == base >> (32 - prefix)
            };
            SIX.iter().find(is_in).map(|(_, _, registry)| *registry)
        }
    };
    found.unwrap_or(Registry::Iana)
}

/// Where it answers by RDAP; `None` for those that have no server of their own for it.
pub fn rdap_of(registry: Registry) -> Option<&'static str> {
    Some(match registry {
        Registry::Afrinic => "https://rdap.afrinic.net/rdap/",
        Registry::Apnic => "https://rdap.apnic.net/",
        Registry::Arin => "https://rdap.arin.net/registry/",
        Registry::Lacnic => "https://rdap.lacnic.net/rdap/",
        Registry::Ripe => "https://rdap.db.ripe.net/",
        Registry::Jpnic | Registry::Krnic | Registry::Nicbr | Registry::Iana => return None,
    })
}

/// Its whois server.
pub const fn whois_of(registry: Registry) -> &'static str {
    match registry {
        Registry::Afrinic => "whois.afrinic.net",
        Registry::Apnic => "whois.apnic.net",
        Registry::Arin => "whois.arin.net",
        Registry::Lacnic => "whois.lacnic.net",
        Registry::Ripe => "whois.ripe.net",
        Registry::Jpnic => "whois.nic.ad.jp",
        Registry::Krnic => "whois.kisa.or.kr",
        Registry::Nicbr => "whois.registro.br",
        Registry::Iana => "whois.iana.org",
    }
}

/// The registry that a server belongs to, by its name.
pub(super) fn registry_at(host: &str) -> Option<Registry> {
    let below = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|head| head.is_empty() || head.ends_with('.'))
    };
    DOMAINS.iter().find(|(domain, _)| below(domain)).map(|(_, registry)| *registry)
}

/// Their domains. Mail to them is read by nobody who could stop an attack.
const DOMAINS: &[(&str, Registry)] = &[
    ("afrinic.net", Registry::Afrinic),
    ("apnic.net", Registry::Apnic),
    ("arin.net", Registry::Arin),
    ("lacnic.net", Registry::Lacnic),
    ("ripe.net", Registry::Ripe),
    ("nic.ad.jp", Registry::Jpnic),
    ("kisa.or.kr", Registry::Krnic),
    ("nic.or.kr", Registry::Krnic),
    ("krnic.net", Registry::Krnic),
    ("registro.br", Registry::Nicbr),
    ("iana.org", Registry::Iana),
];

/// Of each first octet: `a` ARIN, `f` AFRINIC, `l` LACNIC, `p` APNIC, `r` RIPE NCC.
const FOUR: &[u8; 256] = b".praaraaaa.aaapa\
    aaaaaaaaarapaaar\
    aaaaprapafppaara\
    apararaaarppppra\
    aaaaaaaaaaaaarrr\
    rrrrrrrrrrrrrrrr\
    aaaaapfpafpaarpp\
    ppppppppppppppp.\
    aaaaapaaaaaaaraa\
    araaaaprapfaaaaa\
    aaapaaaaaaapaaap\
    rlrlplpparllrlll\
    arrrffaallppaaaa\
    aapprraaarpppppp\
    ................\
    ................";

/// The first 32 bits of networks of IPv6, no two of which overlap.
#[rustfmt::skip]
const SIX: &[(u32, u8, Registry)] = &[
    (0x2001_0200, 23, Registry::Apnic),
    (0x2001_0400, 23, Registry::Arin),
    (0x2001_0600, 23, Registry::Ripe),
    (0x2001_0800, 22, Registry::Ripe),
    (0x2001_0c00, 22, Registry::Apnic),
    (0x2001_1200, 23, Registry::Lacnic),
    (0x2001_1400, 22, Registry::Ripe),
    (0x2001_1800, 23, Registry::Arin),
    (0x2001_1a00, 23, Registry::Ripe),
    (0x2001_1c00, 22, Registry::Ripe),
    (0x2001_2000, 19, Registry::Ripe),
    (0x2001_4000, 23, Registry::Ripe),
    (0x2001_4200, 23, Registry::Afrinic),
    (0x2001_4400, 23, Registry::Apnic),
    (0x2001_4600, 23, Registry::Ripe),
    (0x2001_4800, 23, Registry::Arin),
    (0x2001_4a00, 23, Registry::Ripe),
    (0x2001_4c00, 23, Registry::Ripe),
    (0x2001_5000, 20, Registry::Ripe),
    (0x2001_8000, 19, Registry::Apnic),
    (0x2001_a000, 20, Registry::Apnic),
    (0x2001_b000, 20, Registry::Apnic),
    (0x2003_0000, 18, Registry::Ripe),
    (0x2400_0000, 12, Registry::Apnic),
    (0x2410_0000, 12, Registry::Apnic),
    (0x2600_0000, 12, Registry::Arin),
    (0x2610_0000, 23, Registry::Arin),
    (0x2620_0000, 23, Registry::Arin),
    (0x2630_0000, 12, Registry::Arin),
    (0x2800_0000, 12, Registry::Lacnic),
    (0x2a00_0000, 12, Registry::Ripe),
    (0x2a10_0000, 12, Registry::Ripe),
    (0x2c00_0000, 12, Registry::Afrinic),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_for_where_iana_says() {
        for (address, registry) in [
            ("94.102.63.160", Registry::Ripe),
            ("1.1.1.1", Registry::Apnic),
            ("8.8.8.8", Registry::Arin),
            ("41.0.0.1", Registry::Afrinic),
            ("200.160.2.3", Registry::Lacnic),
            ("133.1.1.1", Registry::Apnic),
            ("223.255.255.255", Registry::Apnic),
            ("10.0.0.1", Registry::Iana),
            ("224.0.0.1", Registry::Iana),
            ("2001:200::1", Registry::Apnic),
            ("2001:470::1", Registry::Arin),
            ("2001:3fff::1", Registry::Ripe),
            ("2a0f::1", Registry::Ripe),
            ("2c0f::1", Registry::Afrinic),
            ("2410::1", Registry::Apnic),
            ("2001:db8::1", Registry::Apnic),
            ("3000::1", Registry::Iana),
        ] {
            assert_eq!(registry_of(address.parse().unwrap()), registry, "{address}");
        }
    }

    #[test]
    fn every_first_octet_that_is_used_has_a_registry() {
        let open: Vec<usize> = (0..224).filter(|octet| FOUR[*octet] == b'.').collect();
        assert_eq!(open, [0, 10, 127]);
        // How many each has in IANA's table.
        for (letter, count) in [(b'a', 111), (b'f', 6), (b'l', 10), (b'p', 51), (b'r', 43)] {
            assert_eq!(FOUR.iter().filter(|one| **one == letter).count(), count);
        }
        for (at, (base, prefix, _)) in SIX.iter().enumerate() {
            assert_eq!(base << prefix, 0, "{base:x}");
            let later = SIX.get(at + 1).map_or(u32::MAX, |next| next.0);
            assert!(base + (u32::MAX >> prefix) < later, "{base:x}");
        }
    }

    #[test]
    fn servers_are_known_by_their_domain() {
        assert_eq!(registry_at("whois.ripe.net"), Some(Registry::Ripe));
        assert_eq!(registry_at("ripe.net"), Some(Registry::Ripe));
        assert_eq!(registry_at("evilripe.net"), None);
        for registry in Registry::ALL {
            assert_eq!(registry_at(whois_of(registry)), Some(registry));
        }
    }
}
