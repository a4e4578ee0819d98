//! The address family that a command is for.

/// Which addresses a command is for: it decides which of the conditional values are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Inet4,
    /// IPv6.
    Inet6,
    /// All of them at once: the action makes no difference.
    Every,
    /// What is banned is no address.
    None,
}

impl Family {
    /// The value of `<family>`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
            Self::Every => "",
            // Python's word for nothing, which is what reaches the shell.
            Self::None => "None",
        }
    }

    /// The family that conditional values are looked up for.
    pub(crate) const fn condition(self) -> Option<&'static str> {
        match self {
            Self::Inet4 => Some("inet4"),
            Self::Inet6 => Some("inet6"),
            Self::Every | Self::None => None,
        }
    }

    /// A name in the option `families`.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Inet4, Self::Inet6].into_iter().find(|family| family.text() == name)
    }
}
