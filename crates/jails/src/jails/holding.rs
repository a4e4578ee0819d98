//! Bans wait until it is known who the names of `ignoreip` are, but not for long.
//!
//! fail2ban looks them up when it first compares an address, and stands still meanwhile. Here
//! lines are read and counted on, and what would be a ban stays an open count until then.

use super::Jails;
use super::counting::spared;
use crate::told::Told;

/// Bans of a jail wait so long at most for all names of its list.
const HOLD_S: i64 = 5;

impl Jails {
    /// The list of a jail is new: names in it may have to be asked for.
    pub(super) fn begin_hold(&mut self, number: usize) {
        let now = self.now_s;
        let Some(jail) = self.jail_mut(number).filter(|jail| jail.ignore.is_open()) else { return };
        jail.hold_until = now.saturating_add(HOLD_S);
        self.asking.forget_names_time();
    }

    /// Whether a ban has to wait; then it is noted that one does.
    pub(super) fn hold(&mut self, number: usize, now: i64) -> bool {
        let Some(jail) = self.jail_mut(number) else { return false };
        let is_early = now < jail.hold_until && now >= jail.hold_until.saturating_sub(HOLD_S);
        let waits = is_early && jail.ignore.is_open();
        jail.holds |= waits;
        waits
    }

    /// Bans whoever waited for it, and is not spared as it turned out.
    pub(super) fn end_hold(&mut self, number: usize) {
        let now = self.now_s;
        if !self.jail(number).is_some_and(|jail| jail.holds) || self.hold(number, now) {
            return;
        }
        let Some(jail) = self.jail_mut(number) else { return };
        jail.holds = false;
        let (key, maxretry) = (jail.key, jail.settings.maxretry);
        let ripe = self.tickets.ripe(key, maxretry);
        self.tell(number, None, Told::Held { count: ripe.len() as u64 });
        for id in ripe {
            let Some(jail) = self.jail(number) else { return };
            match spared(&self.own, &self.allowed, jail, &id) {
                Some(why) => {
                    self.tickets.take(&(key, id.clone()));
                    self.spare(number, &id, why, now);
                }
                None => self.ban_counted(number, &id, now),
            }
        }
    }
}
