//! The keys that fail2ban knows, and how it reads their values.

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Text,
    /// `1`, `on`, `true`, `yes`, in any case, are yes; everything else is no.
    Yes,
    /// A whole number.
    Number,
}

use Form::{Number, Text, Yes};

/// Keys of a jail that are read before its filter.
pub const JAIL_FIRST: &[(&str, Form)] = &[("enabled", Yes), ("backend", Text), ("filter", Text)];

/// Keys of a jail, in the order in which the client sends them.
pub const JAIL: &[(&str, Form)] = &[
    ("enabled", Yes),
    ("backend", Text),
    ("maxretry", Number),
    ("maxmatches", Number),
    ("findtime", Text),
    ("bantime", Text),
    ("bantime.increment", Yes),
    ("bantime.factor", Text),
    ("bantime.formula", Text),
    ("bantime.multipliers", Text),
    ("bantime.maxtime", Text),
    ("bantime.rndtime", Text),
    ("bantime.overalljails", Yes),
    ("ignorecommand", Text),
    ("ignoreself", Yes),
    ("ignoreip", Text),
    ("ignorecache", Text),
    ("filter", Text),
    ("logtimezone", Text),
    ("logencoding", Text),
    ("logpath", Text),
    ("action", Text),
    ("usedns", Text),
    ("prefregex", Text),
    ("ignoreregex", Text),
    ("failregex", Text),
    ("maxlines", Number),
    ("datepattern", Text),
    ("journalmatch", Text),
];

/// Keys of a filter that its jail may override.
pub const FILTER: &[(&str, Form)] = &[
    ("usedns", Text),
    ("prefregex", Text),
    ("ignoreregex", Text),
    ("failregex", Text),
    ("maxlines", Number),
    ("datepattern", Text),
    ("journalmatch", Text),
];

/// Keys of an action that are commands or settings of the server; all others are its parameters.
pub const ACTION: &[(&str, Form)] = &[
    ("actionstart", Text),
    ("actionstart_on_demand", Yes),
    ("actionstop", Text),
    ("actionflush", Text),
    ("actionreload", Text),
    ("actioncheck", Text),
    ("actionrepair", Text),
    ("actionrepair_on_unban", Yes),
    ("actionban", Text),
    ("actionprolong", Text),
    ("actionreban", Text),
    ("actionunban", Text),
    ("norestored", Yes),
];

/// Keys of jails that only newer versions know.
pub const JAIL_NEWER: &[(&str, Form)] = &[("skip_if_nologs", Yes), ("systemd_if_nologs", Yes)];

/// Keys that the shipped `jail.conf` refers to, so that they mean something in any jail.
pub const JAIL_VARIABLES: &[&str] = &[
    "mode",
    "port",
    "protocol",
    "chain",
    "banaction",
    "banaction_allports",
    "destemail",
    "sender",
    "sendername",
    "mta",
    "fail2ban_agent",
    "blocktype",
    "returntype",
];

/// Whether a jail has such an option or variable.
pub fn is_jail_key(key: &str) -> bool {
    jail_keys().any(|known| known == key)
}

/// All names that mean something in a jail.
pub fn jail_keys() -> impl Iterator<Item = &'static str> {
    let options = JAIL.iter().chain(JAIL_NEWER).map(|(name, _)| *name);
    options.chain(JAIL_VARIABLES.iter().copied())
}

/// Keys of a jail whose value is one short line, so that a second key in it is a mistake.
pub fn is_simple_jail_key(key: &str) -> bool {
    let is_free = ["regex", "command", "datepattern", "journalmatch", "ignorecache"];
    is_jail_key(key) && !is_free.iter().any(|part| key.contains(part))
}

/// Whether Python's client takes a text for yes.
pub fn is_yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "1" | "on" | "true" | "yes")
}

/// Whether a text is one of the words that people write for yes or no.
pub fn is_yes_or_no(text: &str) -> bool {
    is_yes(text) || matches!(text.to_lowercase().as_str(), "" | "0" | "off" | "false" | "no")
}

/// A whole number as Python's `int()` reads it: a sign and digits, with `_` between them. What is
/// beyond the type ends at its end.
pub fn whole_number(text: &str) -> Option<i64> {
    let text = text.trim_matches(super::place::is_space);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let between = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
    if !between || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let end = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.replace('_', "").parse().unwrap_or(end))
}
