//! Which of monban's own rules see what a filter of fail2ban sees.

use monban_fail2ban::config::{FilterSpec, Jail, Text};

/// A table of monban.toml that counts what a filter's jail counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counterpart {
    /// The name of `[policy.*]`.
    pub policy: &'static str,
    /// Which services it counts, if the name does not say it.
    pub services: &'static [&'static str],
    /// Which kinds it counts, if not those of the default.
    pub kinds: &'static [&'static str],
}

/// A filter and what counts the same. A policy that monban ships is changed, not doubled: the
/// first that fits a line counts it.
const COUNTERPARTS: &[(&str, Counterpart)] = &[
    ("sshd", named("sshd")),
    ("dropbear", named("dropbear")),
    ("dovecot", named("dovecot")),
    ("pam-generic", named("pam")),
    ("apache-auth", named("apache")),
    ("apache-noscript", named("apache")),
    ("apache-botsearch", named("apache")),
    ("apache-nohome", named("apache")),
    ("apache-shellshock", named("apache")),
    ("nginx-botsearch", of("nginx-botsearch", &["web-access"], &["http-probe"])),
    ("nginx-bad-request", named("http-refused")),
];

/// Modes of the filter `postfix` that are about logins, and those about refused mail.
const POSTFIX_LOGINS: &[&str] = &["auth", "aggressive"];
const POSTFIX_MAIL: &[&str] = &["normal", "more", "extra", "rbl"];

const fn named(policy: &'static str) -> Counterpart {
    of(policy, &[], &[])
}

const fn of(
    policy: &'static str,
    services: &'static [&'static str],
    kinds: &'static [&'static str],
) -> Counterpart {
    Counterpart { policy, services, kinds }
}

/// What of monban's counts the same as this filter, if anything does.
pub fn counterpart(filter: &FilterSpec) -> Option<Counterpart> {
    if filter.name == "postfix" {
        let mode = filter.params.get("mode").map_or("normal", Text::as_str);
        return match () {
            () if POSTFIX_LOGINS.contains(&mode) => Some(named("postfix")),
            () if POSTFIX_MAIL.contains(&mode) => Some(named("mail-rejected")),
            () => None,
        };
    }
    let mut known = COUNTERPARTS.iter().filter(|(name, _)| *name == filter.name);
    known.next().map(|(_, found)| *found)
}

/// Filters whose lines stand in nginx's error log alone.
const OF_NGINX_ERRORS: &[&str] = &["nginx-http-auth", "nginx-limit-req", "nginx-forbidden"];

/// Whether a jail reads nginx's error log. Strangers write whole lines of their own into it, so
/// monban's own rules count nobody there (`rules/nginx.toml`).
pub fn reads_nginx_errors(jail: &Jail) -> bool {
    let filter = jail.filter.name.as_str();
    let is_errors = |path: &str| path.rsplit('/').next().is_some_and(|name| name.contains("error"));
    let logs = &jail.logpath;
    let by_path = !logs.is_empty() && logs.iter().all(|log| is_errors(&log.pattern));
    OF_NGINX_ERRORS.contains(&filter) || (filter.starts_with("nginx-") && by_path)
}

/// Actions that close an address out, which monban does itself; all others do something more.
pub fn is_block(action: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "iptables",
        "nftables",
        "ipset",
        "firewallcmd",
        "ufw",
        "shorewall",
        "pf",
        "ipfw",
        "npf",
        "bsd-ipfw",
        "ipfilter",
        "hostsdeny",
        "route",
        "apf",
        "csf",
        "osx",
    ];
    FAMILIES.iter().any(|family| {
        action.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}
