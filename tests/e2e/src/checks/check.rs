//! What a check is.

use crate::runner::Setting;
use crate::trouble::Tried;

/// Something that monban promises, and how it is looked at.
pub struct Check {
    /// Its name on the command line and in the report.
    pub name: &'static str,
    /// What holds if it passes, in one sentence.
    pub about: &'static str,
    /// What it cannot be done without.
    pub needs: &'static [Need],
    /// Does it; the figures are shown behind its name.
    pub run: fn(&Setting) -> Tried<String>,
}

/// What a check cannot be done without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Namespaces, nftables and daemons are for root.
    Root,
    /// A program of a package.
    Program(&'static str),
    /// The logs outside of the repository.
    Corpus,
    /// moto, see `moto.rs`.
    Moto,
    /// The built monban.
    Monban,
}

pub(super) const NFT: Need = Need::Program("nft");
pub(super) const SSH: &[Need] = &[
    Need::Root,
    Need::Monban,
    NFT,
    Need::Program("sshd"),
    Need::Program("rsyslogd"),
    Need::Program("sshpass"),
];
pub(super) const FAIL2BAN: &[Need] =
    &[Need::Root, Need::Monban, NFT, Need::Program("fail2ban-server")];
pub(super) const JAILS: &[Need] = FAIL2BAN;
pub(super) const JAILS_SSH: &[Need] = &[
    Need::Root,
    Need::Monban,
    NFT,
    Need::Program("fail2ban-server"),
    Need::Program("sshd"),
    Need::Program("rsyslogd"),
    Need::Program("sshpass"),
];
pub(super) const MAIL: &[Need] = &[
    Need::Root,
    Need::Monban,
    NFT,
    Need::Program("rsyslogd"),
    Need::Program("dovecot"),
    Need::Program("postfix"),
];
pub(super) const JAILS_MAIL: &[Need] = &[
    Need::Root,
    Need::Monban,
    NFT,
    Need::Program("fail2ban-server"),
    Need::Program("rsyslogd"),
    Need::Program("dovecot"),
    Need::Program("postfix"),
];
pub(super) const GUARD: &[Need] = &[Need::Root, Need::Monban, NFT];

#[cfg(test)]
mod tests {
    use crate::checks::ALL;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = ALL.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
