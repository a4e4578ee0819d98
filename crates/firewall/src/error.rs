//! Why the firewall could not do what it was asked.

use std::fmt;

use monban_model::Subject;
use rustix::io::Errno;

/// Why the firewall could not do what it was asked. The text says what, why and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirewallError {
    /// This process may not change the firewall of its network namespace.
    NotPermitted,
    /// The kernel has no nftables, or not all of it that is needed.
    NoNftables {
        /// The kernel's error number.
        errno: i32,
        /// What was tried.
        doing: &'static str,
    },
    /// The kernel refused.
    Kernel {
        /// The kernel's error number (`errno(3)`).
        errno: i32,
        /// What was tried.
        doing: &'static str,
    },
    /// Our table, or a part of it, is gone: somebody else removed it.
    Gone,
    /// A network overlaps one that is blocked already.
    Overlap {
        /// The network that was to be blocked.
        subject: Subject,
        /// First and last address of what is there.
        with: String,
    },
    /// A block of chosen ports that names no port.
    NoPorts {
        /// Who was to be blocked.
        subject: Subject,
    },
    /// The kernel's answer kept changing while it was read.
    Restless {
        /// What was tried.
        doing: &'static str,
    },
}

impl FirewallError {
    /// The error for `errno` while `doing` something.
    pub(crate) fn kernel(errno: Errno, doing: &'static str) -> Self {
        match errno {
            Errno::PERM | Errno::ACCESS => Self::NotPermitted,
            // No netlink family netfilter at all.
            Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => {
                Self::NoNftables { errno: errno.raw_os_error(), doing }
            }
            _ => Self::Kernel { errno: errno.raw_os_error(), doing },
        }
    }

    /// Whether it is about single elements, so that the others may go in without it.
    pub(crate) fn is_about_elements(&self) -> bool {
        const ABOUT_ELEMENTS: [Errno; 9] = [
            Errno::EXIST,
            Errno::NOTEMPTY,
            Errno::INVAL,
            Errno::RANGE,
            Errno::NFILE,
            Errno::NOSPC,
            Errno::NOENT,
            // Too many errors at once to hear the verdict: fewer changes at once tell.
            Errno::NOBUFS,
            // More bytes than this process may send at once.
            Errno::MSGSIZE,
        ];
        matches!(self, Self::Kernel { errno, .. }
            if ABOUT_ELEMENTS.iter().any(|e| e.raw_os_error() == *errno))
    }

    /// What a missing part means where nothing else than our own parts was named.
    pub(crate) fn gone_if_missing(self) -> Self {
        if self.is_missing() { Self::Gone } else { self }
    }

    /// Whether this is the kernel's error.
    pub(crate) fn is(&self, wanted: Errno) -> bool {
        matches!(self, Self::Kernel { errno, .. } if *errno == wanted.raw_os_error())
    }

    /// Whether the firewall is of another generation than a batch was made for: ERESTART, which
    /// the kernel has for this alone.
    pub(crate) fn is_race(&self) -> bool {
        const ERESTART: i32 = 85;
        matches!(self, Self::Kernel { errno: ERESTART, .. })
    }

    /// Whether messages of the kernel were lost because too many waited.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self, Self::Kernel { errno, .. } if *errno == Errno::NOBUFS.raw_os_error())
    }

    /// Whether the kernel said that it does not know what was named.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Kernel { errno, .. } if *errno == Errno::NOENT.raw_os_error())
    }
}

impl fmt::Display for FirewallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |errno: &i32| std::io::Error::from_raw_os_error(*errno);
        match self {
            Self::NotPermitted => f.write_str(
                "no right to change the firewall; run monban as root or with CAP_NET_ADMIN",
            ),
            Self::NoNftables { errno, doing } => write!(
                f,
                "this kernel cannot {doing} ({}); it needs Linux 5.6 or later with nftables \
                 (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET); try `modprobe nf_tables`, and in a \
                 container give this right to its host",
                text(errno)
            ),
            Self::Kernel { errno, doing } => {
                write!(f, "the kernel refused to {doing}: {}", text(errno))
            }
            Self::Gone => f.write_str(
                "the table `inet monban` is gone or was changed by another program; it is made \
                 anew by a repair, look for a service that runs `nft flush ruleset`",
            ),
            Self::Overlap { subject, with } => write!(
                f,
                "network {subject} overlaps {with}, which is blocked already; free that first"
            ),
            Self::NoPorts { subject } => write!(
                f,
                "the block of {subject} names no port; name at least one, or block all ports"
            ),
            Self::Restless { doing } => {
                write!(f, "could not {doing}: other programs keep changing the firewall; try again")
            }
        }
    }
}

impl std::error::Error for FirewallError {}
