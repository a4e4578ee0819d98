//! Who an address is, as the registries of the Internet and a database of places tell it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::{Address, Net, Stamp};

/// A country by its code of two letters (ISO 3166-1 alpha-2), in capitals. Registries also use
/// codes that are no country's, such as `EU` and `AP`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Japan.
    pub const JP: Self = Self(*b"JP");

    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The codes of ISO 3166-1 (2023), and XK, which databases use for Kosovo.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL \
    BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV \
    CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM \
    IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK \
    LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR \
    PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS \
    ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
    UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

impl Country {
    /// Whether it is a country's code, and not a region's, or nobody's.
    pub fn is_country(&self) -> bool {
        // Each stands at a multiple of three.
        let code = self.code();
        let codes = COUNTRIES.as_bytes();
        codes.chunks(3).any(|known| known.starts_with(code.as_bytes()))
    }

    /// The code that is meant by one that people write, and that is nobody's.
    pub fn meant(&self) -> Option<&'static str> {
        match &self.0 {
            b"UK" => Some("GB"),
            b"EL" => Some("GR"),
            b"EN" => Some("GB"),
            b"JA" => Some("JP"),
            b"ZH" => Some("CN"),
            b"KO" => Some("KR"),
            _ => None,
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

impl FromStr for Country {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(format!("`{text}` is no country code of two letters, such as JP")),
        }
    }
}

/// The number of an autonomous system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(pub u32);

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

impl FromStr for Asn {
    type Err = String;
    /// `AS64496`, `as64496` or `64496`.
    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("AS"));
        let digits = if named { &text[2..] } else { text };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { digits.parse().ok() } else { None };
        number.map(Self).ok_or_else(|| {
            format!("`{text}` is no number of an autonomous system, such as AS64496")
        })
    }
}

/// Where an address is, as policies look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The country of its network, if it is known.
    pub country: Option<Country>,
    /// The autonomous system that announces it, if it is known.
    pub asn: Option<Asn>,
}

impl Origin {
    /// The same, with what is not known taken from another.
    pub const fn or(self, other: Self) -> Self {
        let country = if self.country.is_some() { self.country } else { other.country };
        let asn = if self.asn.is_some() { self.asn } else { other.asn };
        Self { country, asn }
    }
}

/// Addresses from one to another, both of them in it, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    first: Address,
    last: Address,
}

impl Span {
    /// From one to another; `None` if they are of two families or in the wrong order.
    pub fn new(first: Address, last: Address) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// All of a network.
    pub fn of(net: Net) -> Self {
        let first = Address::new(net.base());
        let last = match net.base() {
            IpAddr::V4(base) => {
                let host = u32::MAX.checked_shr(u32::from(net.prefix())).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(base.to_bits() | host))
            }
            IpAddr::V6(base) => {
                let host = u128::MAX.checked_shr(u32::from(net.prefix())).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(base.to_bits() | host))
            }
        };
        // A network within the mapped IPv4 addresses keeps its order.
        Self { first, last: Address::new(last) }
    }

    /// The first address.
    pub const fn first(self) -> Address {
        self.first
    }

    /// The last address.
    pub const fn last(self) -> Address {
        self.last
    }

    /// Whether the address is in it.
    pub fn contains(self, address: Address) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && (self.first..=self.last).contains(&address)
    }

    /// How many addresses it has, less one.
    pub fn extent(self) -> u128 {
        number(self.last) - number(self.first)
    }

    /// The networks that make it up, in order; at most twice as many as an address has bits.
    pub fn nets(self) -> Vec<Net> {
        let (mut from, last) = (number(self.first), number(self.last));
        let bits: u8 = if self.first.is_ipv4() { 32 } else { 128 };
        let mut nets = Vec::new();
        loop {
            // The widest network that begins here and does not go beyond the end.
            let left = last - from;
            let room = if left == u128::MAX { 128 } else { (left + 1).ilog2() };
            let host = from.trailing_zeros().min(room).min(u32::from(bits));
            let base = match self.first.ip() {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(from as u32)),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(from)),
            };
            nets.extend(Net::new(base, bits - host as u8));
            let step = 1u128.checked_shl(host).map_or(u128::MAX, |count| count - 1);
            match from.checked_add(step).filter(|end| *end < last) {
                Some(end) => from = end + 1,
                None => return nets,
            }
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.first, self.last)
    }
}

fn number(address: Address) -> u128 {
    match address.ip() {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// Who keeps the books about addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Registry {
    /// Africa.
    Afrinic,
    /// Asia and the Pacific.
    Apnic,
    /// North America.
    Arin,
    /// Latin America.
    Lacnic,
    /// Europe and the Middle East.
    Ripe,
    /// Japan, below APNIC.
    Jpnic,
    /// Korea, below APNIC.
    Krnic,
    /// Brazil, below LACNIC.
    Nicbr,
    /// What none of them has.
    Iana,
}

impl Registry {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Afrinic,
        Self::Apnic,
        Self::Arin,
        Self::Lacnic,
        Self::Ripe,
        Self::Jpnic,
        Self::Krnic,
        Self::Nicbr,
        Self::Iana,
    ];

    /// Its name as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Afrinic => "AFRINIC",
            Self::Apnic => "APNIC",
            Self::Arin => "ARIN",
            Self::Lacnic => "LACNIC",
            Self::Ripe => "RIPE NCC",
            Self::Jpnic => "JPNIC",
            Self::Krnic => "KRNIC",
            Self::Nicbr => "NIC.br",
            Self::Iana => "IANA",
        }
    }
}

/// What names the contact for abuse, the most trustworthy first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbuseFrom {
    /// The registry's own comment: `% Abuse contact for ... is '...'`.
    Comment,
    /// An entity with the role `abuse` in an answer of RDAP.
    Rdap,
    /// An object or field for that: `abuse-mailbox:`, `OrgAbuseEmail:`.
    Role,
    /// A remark that speaks of abuse.
    FreeText,
}

impl AbuseFrom {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Comment, Self::Rdap, Self::Role, Self::FreeText];

    /// Its word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Rdap => "rdap",
            Self::Role => "role",
            Self::FreeText => "free-text",
        }
    }
}

/// What is known of an address. All texts are a stranger's: whoever asks for addresses writes
/// there what he likes. They have no control characters and nothing that changes the direction of
/// writing, and are at most [`crate::limits::WHO_TEXT_MAX`] bytes long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The address that was asked for.
    pub address: Address,
    /// Its name by DNS; empty if it has none. Whoever has the address may write any name there.
    pub name: String,
    /// Whether that name leads back to the address.
    pub name_confirmed: bool,
    /// The narrowest network of the registry that it lies in.
    pub net: Option<Span>,
    /// The name of that network.
    pub netname: String,
    /// Who has it.
    pub org: String,
    /// The country that the registry has for it.
    pub country: Option<Country>,
    /// The autonomous system that announces it.
    pub asn: Option<Asn>,
    /// The name of that system.
    pub as_name: String,
    /// What that system announces.
    pub route: Option<Net>,
    /// Mail addresses for reports of abuse, best first; at most
    /// [`crate::limits::WHO_CONTACTS_MAX`].
    pub abuse: Vec<String>,
    /// What names the first of them.
    pub abuse_from: Option<AbuseFrom>,
    /// Whose books it stands in.
    pub registry: Option<Registry>,
    /// The server that told most of it.
    pub source: String,
    /// When it was asked.
    pub looked_up: Stamp,
}

impl Who {
    /// An address of which nothing is known yet.
    pub fn nothing(address: Address, looked_up: Stamp) -> Self {
        Self {
            address,
            name: String::new(),
            name_confirmed: false,
            net: None,
            netname: String::new(),
            org: String::new(),
            country: None,
            asn: None,
            as_name: String::new(),
            route: None,
            abuse: Vec::new(),
            abuse_from: None,
            registry: None,
            source: String::new(),
            looked_up,
        }
    }

    /// Where it is, as policies look at it.
    pub const fn origin(&self) -> Origin {
        Origin { country: self.country, asn: self.asn }
    }
}

/// What comes of the question who an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhoAnswer {
    /// This is known of it.
    Known(Box<Who>),
    /// It is nobody's on the Internet; no server was asked.
    NotPublic(crate::Special),
    /// Nobody could be asked, or answered with anything of use: why, in English.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: &str, last: &str) -> Span {
        Span::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_span_is_cut_into_the_fewest_networks() {
        for (first, last, nets) in [
            ("192.0.2.0", "192.0.2.255", "192.0.2.0/24"),
            ("0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            (
                "94.102.63.129",
                "94.102.63.255",
                "94.102.63.129 94.102.63.130/31 94.102.63.132/30 94.102.63.136/29 \
                 94.102.63.144/28 94.102.63.160/27 94.102.63.192/26",
            ),
            ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
            ("2001:db8::", "2001:db8:2:ffff:ffff:ffff:ffff:ffff", "2001:db8::/47 2001:db8:2::/48"),
        ] {
            let found: Vec<String> =
                span(first, last).nets().iter().map(ToString::to_string).collect();
            let nets: Vec<&str> = nets.split_whitespace().collect();
            assert_eq!(found, nets, "{first} - {last}");
        }
        let longest = span("0.0.0.1", "255.255.255.254").nets();
        assert_eq!(longest.len(), 62);
    }

    #[test]
    fn a_network_is_a_span() {
        for net in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.7", "2001:db8::/32", "::/0"] {
            let net: Net = net.parse().unwrap();
            assert_eq!(Span::of(net).nets(), [net]);
        }
        assert_eq!(Span::new("::1".parse().unwrap(), "1.2.3.4".parse().unwrap()), None);
        assert_eq!(Span::new("1.2.3.5".parse().unwrap(), "1.2.3.4".parse().unwrap()), None);
    }

    #[test]
    fn countries_and_systems_are_read_as_people_write_them() {
        assert_eq!("jp".parse(), Ok(Country::JP));
        let is_country = |code: &str| code.parse::<Country>().unwrap().is_country();
        assert!(["jp", "AD", "ZW", "XK", "GB"].into_iter().all(is_country));
        assert!(!["UK", "EU", "AP", "ZZ", "XX", "DA", "WZ"].into_iter().any(is_country));
        assert_eq!(COUNTRIES.split(' ').count(), 250);
        for wrong in ["", "J", "JPN", "日", "J1", "J\n"] {
            assert!(wrong.parse::<Country>().is_err(), "{wrong}");
        }
        for text in ["AS64496", "as64496", "64496"] {
            assert_eq!(text.parse(), Ok(Asn(64496)), "{text}");
        }
        for wrong in ["", "AS", "AS-1", "+1", "4294967296", "ASAS1", "é1", "日本"] {
            assert!(wrong.parse::<Asn>().is_err(), "{wrong}");
        }
    }
}
