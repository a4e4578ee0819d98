//! Sets of nftables that are not monban's own.

use std::fmt;

/// The address family of a table of nftables in which addresses are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableFamily {
    /// IPv4 and IPv6 together.
    Inet,
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
}

impl TableFamily {
    /// By the word that the program `nft` has for it; others have no sets that jails fill.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Inet, Self::Ip, Self::Ip6].into_iter().find(|family| family.word() == word)
    }

    /// The word that the program `nft` has for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
        }
    }
}

/// A named set in a table of nftables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetName {
    /// The family of its table.
    pub family: TableFamily,
    /// The name of its table.
    pub table: String,
    /// Its own name.
    pub set: String,
}

impl fmt::Display for SetName {
    /// As the program `nft` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.family.word(), self.table, self.set)
    }
}
