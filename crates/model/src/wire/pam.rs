//! What the hook in PAM tells of a login, in one datagram of at most [`PAM_FRAME_MAX`] bytes.
//!
//! Hook and daemon may be of two builds for a moment, while a package is being replaced, so the
//! frame begins with its version. Its texts are those of `pam_exec.so`: what PAM knows, as somebody
//! typed it or as the environment of PAM has it, which a user may change (`pam_env`'s
//! `user_readenv`). They are data and prove nothing; its numbers come from the kernel.

use super::{FrameError, Reader, Wire, Writer};
use crate::Stamp;
use crate::limits::{PAM_AUTH_MAX, PAM_CONNECTION_MAX, PAM_NAME_MAX, PAM_SHORT_MAX};

#[cfg(doc)]
use crate::limits::PAM_FRAME_MAX;

/// The version of the frame.
const VERSION: u8 = 1;

/// When PAM called the hook (`PAM_TYPE` of `pam_exec.so`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PamType {
    /// A session begins: somebody came in, or became another user.
    #[default]
    OpenSession,
    /// It ends.
    CloseSession,
    /// Somebody is proving who they are.
    Auth,
    /// It is asked whether they may come in.
    Account,
    /// They are changing their password.
    Password,
    /// A word that this version does not know, or none.
    Other,
}

impl PamType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::OpenSession,
        Self::CloseSession,
        Self::Auth,
        Self::Account,
        Self::Password,
        Self::Other,
    ];

    /// As `pam_exec.so` writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OpenSession => "open_session",
            Self::CloseSession => "close_session",
            Self::Auth => "auth",
            Self::Account => "account",
            Self::Password => "password",
            Self::Other => "other",
        }
    }

    /// The one of a word.
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|one| one.word() == word).unwrap_or(Self::Other)
    }
}

/// What the hook tells of one call. A text that PAM did not give is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PamEvent {
    /// When, by the clock of the machine.
    pub time: Stamp,
    /// The same in nanoseconds since the start of the machine. With `pid` it names the event for
    /// good: one that comes twice, by the socket and by the spool, is one.
    pub boot_ns: u64,
    /// On which occasion.
    pub kind: PamType,
    /// `PAM_SERVICE`, such as `sshd`.
    pub service: String,
    /// `PAM_USER`: who they are now.
    pub user: String,
    /// `PAM_TTY`; `ssh` for every login by sshd, which opens the session before the terminal.
    pub tty: String,
    /// `PAM_RHOST`: the address they come from, or a name of it (`UseDNS yes`).
    pub rhost: String,
    /// `PAM_RUSER`: who they were before, for su and sudo.
    pub ruser: String,
    /// `SSH_CONNECTION` of PAM's environment, or where it is absent `SSH_CLIENT`: addresses and
    /// ports of both sides.
    pub connection: String,
    /// `SSH_AUTH_INFO_0` of PAM's environment: a line for each method that was used.
    pub auth: String,
    /// Whether a text above was longer than its limit and is cut.
    pub is_cut: bool,
    /// The hook's own process.
    pub pid: u32,
    /// The process that called PAM. Of sshd it is the one whose number stands in the log lines of
    /// this connection, of su, sudo and login it is that program's.
    pub caller: u32,
    /// Who started that process (its real uid): root for sshd, the one who called su or sudo.
    pub caller_uid: Option<u32>,
    /// The session (`setsid`) of that process.
    pub caller_session: Option<u32>,
    /// Who logged in at first, over every su and sudo since (`/proc/self/loginuid`).
    pub login_uid: Option<u32>,
    /// The kernel's number of that login (`/proc/self/sessionid`), `ses=` in the audit log.
    pub audit_session: Option<u32>,
}

/// One line of `SSH_AUTH_INFO_0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthMethod<'a> {
    /// `publickey`, `password`, `keyboard-interactive`, `hostbased`, `gssapi-with-mic`.
    pub method: &'a str,
    /// Of a key its type, such as `ssh-ed25519`; else empty.
    pub key_type: &'a str,
    /// Of a key its bytes in base64, as in `authorized_keys`; else empty. Its fingerprint is the
    /// SHA-256 of these bytes.
    pub key: &'a str,
}

impl PamEvent {
    /// Whether two frames tell of the same call.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.boot_ns == other.boot_ns && self.pid == other.pid
    }

    /// How they proved who they are, as far as sshd said it (`auth_method [type key]`, written by
    /// OpenSSH's `auth2_record_info`). A cut key is left out: its fingerprint would be another's.
    pub fn auth_methods(&self) -> impl Iterator<Item = AuthMethod<'_>> {
        let whole = !self.is_cut;
        self.auth.lines().filter_map(move |line| {
            let mut words = line.split(' ').filter(|word| !word.is_empty());
            let method = words.next()?;
            let mut next = || words.next().filter(|_| whole).unwrap_or_default();
            Some(AuthMethod { method, key_type: next(), key: next() })
        })
    }

    /// The texts with their limits, in the order of the frame.
    fn texts(&self) -> [(&str, usize); 7] {
        [
            (&self.service, PAM_SHORT_MAX),
            (&self.user, PAM_NAME_MAX),
            (&self.tty, PAM_SHORT_MAX),
            (&self.rhost, PAM_NAME_MAX),
            (&self.ruser, PAM_NAME_MAX),
            (&self.connection, PAM_CONNECTION_MAX),
            (&self.auth, PAM_AUTH_MAX),
        ]
    }
}

impl Wire for PamEvent {
    fn put(&self, out: &mut Writer) {
        out.byte(VERSION);
        self.time.put(out);
        self.boot_ns.put(out);
        out.byte(PamType::ALL.iter().position(|kind| *kind == self.kind).unwrap_or(5) as u8);
        let texts = self.texts();
        for (text, limit) in texts {
            out.text(text, limit);
        }
        (self.is_cut || texts.iter().any(|(text, limit)| text.len() > *limit)).put(out);
        self.pid.put(out);
        self.caller.put(out);
        self.caller_uid.put(out);
        self.caller_session.put(out);
        self.login_uid.put(out);
        self.audit_session.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        if from.byte()? != VERSION {
            return Err(FrameError::Unknown);
        }
        let (time, boot_ns) = (Stamp::take(from)?, u64::take(from)?);
        let kind = PamType::ALL.get(usize::from(from.byte()?)).copied();
        Ok(Self {
            time,
            boot_ns,
            kind: kind.ok_or(FrameError::Unknown)?,
            service: from.text(PAM_SHORT_MAX)?,
            user: from.text(PAM_NAME_MAX)?,
            tty: from.text(PAM_SHORT_MAX)?,
            rhost: from.text(PAM_NAME_MAX)?,
            ruser: from.text(PAM_NAME_MAX)?,
            connection: from.text(PAM_CONNECTION_MAX)?,
            auth: from.text(PAM_AUTH_MAX)?,
            is_cut: bool::take(from)?,
            pid: u32::take(from)?,
            caller: u32::take(from)?,
            caller_uid: Wire::take(from)?,
            caller_session: Wire::take(from)?,
            login_uid: Wire::take(from)?,
            audit_session: Wire::take(from)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;
    use crate::limits::PAM_FRAME_MAX;

    fn event() -> PamEvent {
        PamEvent {
            time: Stamp(1_790_000_000_123),
            boot_ns: 987_654_321,
            kind: PamType::OpenSession,
            service: "sshd".to_owned(),
            user: "alice".to_owned(),
            tty: "ssh".to_owned(),
            rhost: "203.0.113.9".to_owned(),
            ruser: String::new(),
            connection: "203.0.113.9 52047 192.0.2.1 22".to_owned(),
            auth: "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\npassword\n".to_owned(),
            is_cut: false,
            pid: 4243,
            caller: 4242,
            caller_uid: Some(0),
            caller_session: Some(4242),
            login_uid: Some(1000),
            audit_session: None,
        }
    }

    #[test]
    fn a_frame_comes_back_as_it_was() {
        for kind in PamType::ALL {
            let event = PamEvent { kind, ..event() };
            assert_eq!(decode::<PamEvent>(&encode(&event)), Ok(event));
            assert_eq!(PamType::of(kind.word()), kind);
        }
        assert_eq!(PamType::of("open_session\n"), PamType::Other);
    }

    #[test]
    fn values_of_any_length_fit_and_a_cut_is_told() {
        for text in ["x".repeat(100_000), "門".repeat(50_000), "\0\n\u{1b}[2J".repeat(9000)] {
            let event = PamEvent {
                service: text.clone(),
                user: text.clone(),
                tty: text.clone(),
                rhost: text.clone(),
                ruser: text.clone(),
                connection: text.clone(),
                auth: text.clone(),
                ..event()
            };
            let bytes = encode(&event);
            assert!(bytes.len() <= PAM_FRAME_MAX, "{}", bytes.len());
            let read: PamEvent = decode(&bytes).unwrap();
            assert!(read.is_cut && text.starts_with(&read.user) && read.user.len() > 250);
            assert!(read.is_same_as(&event));
        }
    }

    #[test]
    fn no_prefix_and_no_changed_byte_is_more_than_an_error() {
        let bytes = encode(&event());
        for end in 0..bytes.len() {
            assert!(decode::<PamEvent>(&bytes[..end]).is_err(), "{end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode::<PamEvent>(&longer), Err(FrameError::Long));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                // Some changes are other values; none may do harm.
                let _ = decode::<PamEvent>(&changed);
            }
        }
        assert_eq!(decode::<PamEvent>(&[2]), Err(FrameError::Unknown));
    }

    #[test]
    fn methods_are_read_and_a_cut_key_is_none() {
        let mut event = event();
        let key = AuthMethod {
            method: "publickey",
            key_type: "ssh-ed25519",
            key: "AAAAC3NzaC1lZDI1NTE5",
        };
        let password = AuthMethod { method: "password", key_type: "", key: "" };
        assert_eq!(event.auth_methods().collect::<Vec<_>>(), [key, password]);
        event.is_cut = true;
        let cut: Vec<_> = event.auth_methods().collect();
        assert_eq!(cut[0], AuthMethod { method: "publickey", key_type: "", key: "" });
    }
}
