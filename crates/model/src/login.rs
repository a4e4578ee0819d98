//! Who came in, and what a detector concludes about this host itself.

use crate::{Address, Evidence, Severity, Stamp, Subject};

/// When an account came in before, as far as it is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// From anywhere.
    pub ever: Option<Stamp>,
    /// From the same network: the /24 of an IPv4 address, the /48 of an IPv6 address.
    pub network: Option<Stamp>,
    /// From the same address.
    pub address: Option<Stamp>,
}

/// Who told of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// A line of a log.
    Log,
    /// monban's hook in PAM.
    Hook,
    /// Both.
    Both,
}

impl ToldBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Log, Self::Hook, Self::Both];

    /// Its word in ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Hook => "hook",
            Self::Both => "both",
        }
    }
}

/// Somebody came in, or became another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account that was entered, if it was named.
    pub user: Option<Vec<u8>>,
    /// The account that was left for it (`su`, `sudo`).
    pub by: Option<Vec<u8>>,
    /// From where, over a network.
    pub address: Option<Address>,
    /// Who is counted for that address.
    pub subject: Option<Subject>,
    /// The service: `sshd`, `login`, `su`.
    pub service: String,
    /// How: `password`, `publickey`.
    pub method: Option<Vec<u8>>,
    /// The key that was shown: its kind and fingerprint.
    pub key: Option<Vec<u8>>,
    /// The terminal, such as `pts/0`.
    pub terminal: Option<Vec<u8>>,
    /// Who told of it.
    pub told_by: ToldBy,
    /// When this account came in before.
    pub earlier: Earlier,
    /// Failures from there before it.
    pub failures: u32,
    /// The line that told of it.
    pub evidence: Vec<Evidence>,
}

impl Login {
    /// Whether that account never came from there before: from this address over a network, at all
    /// elsewhere.
    pub fn is_from_a_new_place(&self) -> bool {
        match self.address {
            Some(_) => self.earlier.address.is_none(),
            None => self.earlier.ever.is_none(),
        }
    }
}

/// What a detector concludes about this host, where no address is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFinding {
    /// Its name, such as `sudo-refused`; its texts stand under it in the message tables.
    pub key: String,
    /// How urgent it is.
    pub severity: Severity,
    /// The service it is about.
    pub service: String,
    /// The account it is about, if any.
    pub user: Option<Vec<u8>>,
    /// Its values by name; a stranger may have typed them, with what is no UTF-8 replaced.
    pub values: Vec<(String, String)>,
    /// The lines it rests on, oldest first.
    pub evidence: Vec<Evidence>,
}
