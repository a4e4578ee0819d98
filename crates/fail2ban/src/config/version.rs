//! The two versions of fail2ban whose differences matter.

/// Which fail2ban a configuration is read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 1.0.2, which Debian 12 has. A parameter such as `blocktype` that a jail gives an action
    /// counts for IPv4 only, where the action has another for IPv6.
    V1_0,
    /// 1.1.1 and later: such a parameter counts for both.
    #[default]
    Newest,
}

impl Version {
    /// What `%(fail2ban_version)s` stands for.
    pub const fn text(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0.2",
            Self::Newest => "1.1.1",
        }
    }
}
