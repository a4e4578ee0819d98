//! Failures that were not counted, for whoever asks why somebody is not banned.

use monban_engine::Bounded;
use monban_fail2ban::filter::Id;
use monban_model::limits::JAIL_SPARED_MAX;

use crate::tickets::Key;
use crate::told::Spared;

/// Failures of one address in one jail that were spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SparedCount {
    /// How many.
    pub count: u64,
    /// When the last one was, seconds since 1970.
    pub last: i64,
    /// By what the last one was spared.
    pub by: Spared,
}

impl Default for SparedCount {
    fn default() -> Self {
        Self { count: 0, last: 0, by: Spared::Own }
    }
}

/// All that are known; the one that was quiet for longest makes room.
pub(crate) struct SparedCounts {
    counts: Bounded<(Key, Id), SparedCount>,
}

impl Default for SparedCounts {
    fn default() -> Self {
        Self { counts: Bounded::new(JAIL_SPARED_MAX) }
    }
}

impl SparedCounts {
    /// A failure of an address was spared. Texts are nothing that anybody asks about.
    pub(crate) fn note(&mut self, jail: Key, id: &Id, by: Spared, now: i64) {
        if matches!(id, Id::Net(_)) {
            let known = self.counts.entry((jail, id.clone()));
            *known = SparedCount { count: known.count.saturating_add(1), last: now, by };
        }
    }

    /// Forgets what is older than so many seconds.
    pub(crate) fn sweep(&mut self, now: i64, purge_s: i64) {
        let before = now.saturating_sub(purge_s);
        let old = self.counts.iter().filter(|(_, known)| known.last < before);
        let old: Vec<(Key, Id)> = old.map(|(key, _)| key.clone()).collect();
        for key in old {
            self.counts.remove(&key);
        }
    }

    /// Moves all times by so many seconds: the clock was set.
    pub(crate) fn shift(&mut self, seconds: i64) {
        self.counts.change_all(|known| known.last = known.last.saturating_add(seconds));
    }

    /// Puts back what was saved.
    pub(crate) fn restore(&mut self, jail: Key, id: Id, known: SparedCount) {
        self.counts.restore((jail, id), known);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.counts.waiting()
    }

    pub(crate) fn take_changes(
        &mut self,
        gone: impl FnMut((Key, Id)),
        now: impl FnMut(&(Key, Id), &SparedCount),
    ) {
        self.counts.take_changes(gone, now);
    }
}
