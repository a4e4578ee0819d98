//! Bans that were lost when actions were repaired are made again.

use monban_fail2ban::filter::Id;
use monban_model::{JailJob, JailRepairs};

use super::Jails;
use crate::tickets::Key;
use crate::told::Told;

/// All lost bans of a jail are made again at most every so many seconds: actions that break each
/// other are no reason to work without end.
const ROUND_S: i64 = 10;

impl Jails {
    /// How often a jail's actions were repaired by the time that they carried out an order, or
    /// failed to: another one of them may have been repaired then.
    pub(super) fn take_repairs(&mut self, key: Key, repairs: JailRepairs) {
        let JailRepairs { epoch, mended } = repairs;
        if mended > 0 {
            let count = usize::try_from(mended).unwrap_or(usize::MAX);
            self.tell_of(key, None, Told::Repaired { count });
        }
        let Some(number) = self.number_of(key) else { return };
        let Some(jail) = self.jail_mut(number) else { return };
        match jail.epoch.replace(epoch) {
            Some(before) => jail.lost |= before < epoch,
            // Repairs from before this start of the actions are no news.
            None => jail.bans.set_epochs(epoch),
        }
        self.repeat_lost(number);
    }

    /// The actions of a jail made a ban, or failed to.
    pub(super) fn tried(&mut self, key: Key, id: Option<&Id>, job: JailJob) {
        let jail = self.number_of(key).and_then(|number| self.jail_mut(number));
        if let (Some(jail), Some(id), JailJob::Ban | JailJob::Reban { .. }) = (jail, id, job) {
            jail.bans.tried(id);
        }
    }

    /// A ban was made, after the last repair.
    pub(super) fn made(&mut self, key: Key, id: Option<&Id>, job: JailJob) {
        let jail = self.number_of(key).and_then(|number| self.jail_mut(number));
        if let (Some(jail), Some(id), JailJob::Ban | JailJob::Reban { .. }) = (jail, id, job) {
            jail.bans.set_epoch(id, jail.epoch.unwrap_or(0));
        }
    }

    /// A ban that failed is not asked for again by itself. What failed to be made again is, when
    /// its address fails again.
    pub(super) fn not_made(&mut self, key: Key, id: Option<&Id>, job: JailJob) {
        let Some(jail) = self.number_of(key).and_then(|number| self.jail_mut(number)) else {
            return;
        };
        match (id, job) {
            (Some(id), JailJob::Ban) => jail.bans.set_epoch(id, jail.epoch.unwrap_or(0)),
            (Some(id), JailJob::Reban { after }) => jail.bans.set_epoch(id, after),
            _ => {}
        }
    }

    /// Makes all bans again that a repair may have lost.
    pub(super) fn repeat_lost(&mut self, number: usize) {
        let now = self.now_s;
        let Some(jail) = self.jail_mut(number) else { return };
        let Some(epoch) = jail.epoch.filter(|_| jail.lost) else { return };
        if now < jail.repeated.saturating_add(ROUND_S) {
            return;
        }
        (jail.lost, jail.repeated) = (false, now);
        let lost = jail.bans.lost(epoch);
        self.tell(number, None, Told::Repaired { count: lost.len() });
        for (id, after) in lost {
            self.repeat(number, &id, after);
        }
    }

    /// Makes a ban again that was made before the last repair.
    pub(super) fn repeat(&mut self, number: usize, id: &Id, after: u64) {
        self.tell(number, Some(id), Told::Again);
        self.order(number, id, JailJob::Reban { after });
    }
}
