//! What a rule read out of a line.

use crate::{Address, Stamp};

/// A rule of the loaded set; its name is in the [`crate::Catalog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u16);

/// A service of the loaded set; its name is in the [`crate::Catalog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u16);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The closed list of what can be seen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All kinds, in the order of their numbers.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// Its name in rule files, configuration and records.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A wrong password, key or user name.
    LoginFailed = "login-failed",
    /// Somebody came in.
    LoginAccepted = "login-accepted",
    /// A session began.
    SessionOpened = "session-opened",
    /// A session ended.
    SessionClosed = "session-closed",
    /// The connection ended; what is open under its key is settled.
    ConnectionClosed = "connection-closed",
    /// A user gained other rights (sudo, su).
    PrivilegeUsed = "privilege-used",
    /// A user tried to gain other rights and was refused.
    PrivilegeRefused = "privilege-refused",
    /// A connection that tried nothing, or spoke nonsense.
    Probe = "probe",
    /// Mail that the server refused from this client.
    MailRejected = "mail-rejected",
    /// A request that only somebody who looks for a hole makes.
    HttpProbe = "http-probe",
    /// A request that the web server answered with 4xx.
    HttpRefused = "http-refused",
    /// A request to a login or remote-call address of a web application.
    HttpLogin = "http-login",
    /// The server's own limit on rate or connections was reached.
    RateLimited = "rate-limited",
    /// A line of the service that is known and harmless.
    Harmless = "harmless",
    /// A match of a filter that names no kind (fail2ban's).
    Failure = "failure",
}

impl Kind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether it counts as a failure of its address: something was tried and refused.
    pub const fn is_failure(self) -> bool {
        matches!(
            self,
            Self::LoginFailed
                | Self::MailRejected
                | Self::HttpProbe
                | Self::PrivilegeRefused
                | Self::RateLimited
                | Self::Failure
        )
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSet(u32);

impl KindSet {
    /// The set of these kinds.
    pub const fn of(kinds: &[Kind]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < kinds.len() {
            bits |= 1 << kinds[index] as u8;
            index += 1;
        }
        Self(bits)
    }

    /// Whether `kind` is in the set.
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// Which of several voices of a service tells of an attempt.
///
/// One wrong password is told by sshd itself, by PAM, and by the line that closes the
/// connection. Within one connection the attempts are the maximum over the witnesses, so each is
/// counted once whichever of them are logged and in whichever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Witness(pub u8);

/// The line that closes a connection: it tells of all attempts at once, so several such lines do
/// not add up.
pub const CLOSE: Witness = Witness(2);

/// Counters of a connection: those of the four witnesses, and its probes.
pub const WITNESSES: usize = 5;

/// What a line says of its connection beside its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Also {
    /// Nothing.
    #[default]
    Nothing,
    /// The connection ends with this line; what comes under its key after it is another one.
    Closes,
    /// A login was refused without a look at the password, by the server's own trouble: where a
    /// closing line sums up the tries, this one is not the client's failure.
    Unchecked,
}

/// Names one connection of a service while it lasts: a hash of host, service and pid or session
/// id. Equal keys mean the same connection; the address is checked beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey(pub u64);

/// What a line tells beside of somebody who came in or took other rights. Few lines do, so it is
/// read only there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details<'a> {
    /// The key that was shown: its kind and fingerprint, such as `ED25519 SHA256:...`.
    pub key: Option<&'a [u8]>,
    /// The terminal, such as `pts/0`.
    pub terminal: Option<&'a [u8]>,
    /// The account whose rights were taken.
    pub target: Option<&'a [u8]>,
    /// The command that ran with them.
    pub command: Option<&'a [u8]>,
    /// The service by the name that PAM has for it, where a rule is for several.
    pub service: Option<&'a [u8]>,
}

impl<'a> Details<'a> {
    /// The names that they have in rule files.
    pub const NAMES: [&'static str; 5] = ["key", "terminal", "target", "command", "service"];

    /// The place of the one of that name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Option<&'a [u8]>> {
        Some(match name {
            "key" => &mut self.key,
            "terminal" => &mut self.terminal,
            "target" => &mut self.target,
            "command" => &mut self.command,
            "service" => &mut self.service,
            _ => return None,
        })
    }
}

/// What a rule read out of one line. It borrows from the line; nothing is allocated for a line
/// that does not count.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// What was seen.
    pub kind: Kind,
    /// When: the line's own time, or its arrival if it has none.
    pub time: Stamp,
    /// Who: never a text that the attacker typed.
    pub address: Option<Address>,
    /// The account that was named, as it was typed, unescaped, cut at [`crate::limits::USER_MAX`].
    pub user: Option<&'a [u8]>,
    /// How: `password`, `publickey`, ... for logins.
    pub method: Option<&'a [u8]>,
    /// What else a login tells.
    pub details: Details<'a>,
    /// Which service.
    pub service: ServiceId,
    /// Which connection of it, where the line tells.
    pub connection: Option<ConnectionKey>,
    /// Which of the service's voices.
    pub witness: Witness,
    /// What it says of the connection besides.
    pub also: Also,
    /// Which rule.
    pub rule: RuleId,
    /// How many times the line stands for: rsyslog's `message repeated N times`, dovecot's
    /// `N attempts`. At least 1.
    pub weight: u32,
    /// The line as it was.
    pub line: &'a [u8],
}
