//! What a jail counts by, in the types of counting. `fail2ban-client set` changes it.

use monban_fail2ban::client::JailSettings;
use monban_fail2ban::config::{Increment, UseDns};
use monban_model::limits::JAIL_MATCHES_MAX;

/// The settings of a jail that decide on bans.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// So many failures lead to a ban.
    pub maxretry: u32,
    /// Within so many seconds.
    pub findtime_s: i64,
    /// For so many seconds; negative for ever.
    pub bantime_s: i64,
    /// Lines that are kept of an address, at most [`JAIL_MATCHES_MAX`].
    pub maxmatches: usize,
    /// How bans grow.
    pub increment: Increment,
    /// A command that says who is spared; empty for none.
    pub ignorecommand: String,
    /// What is done with names.
    pub usedns: UseDns,
    /// Nothing is read or counted.
    pub idle: bool,
}

impl Settings {
    pub(crate) fn of(all: &JailSettings) -> Self {
        let most = usize::try_from(all.maxmatches).unwrap_or(0);
        Self {
            maxretry: u32::try_from(all.maxretry.max(1)).unwrap_or(u32::MAX),
            findtime_s: all.findtime.whole(),
            bantime_s: all.bantime_s,
            maxmatches: most.min(JAIL_MATCHES_MAX),
            increment: all.increment(),
            ignorecommand: all.ignorecommand.clone().unwrap_or_default(),
            usedns: all.usedns,
            idle: all.idle,
        }
    }
}

/// Seconds without their fraction, as fail2ban keeps them.
pub(crate) fn whole(seconds: f64) -> i64 {
    // A cast of a float ends at the ends of the type.
    seconds as i64
}
