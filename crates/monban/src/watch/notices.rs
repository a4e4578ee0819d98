//! Notices about logs, as many as people can read.
//!
//! Whoever owns a folder of logs can make and delete thousands of files in it. Each notice is a
//! line of the output and a record of the ledger, so there is an end to them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use monban_engine::Observation;
use monban_model::Notice;
use monban_sources::Notice as FeedNotice;

use super::{Watch, notice};

/// Notices of one kind within `SPAN` at most; the rest is added up and told as a number.
const TOLD_MAX: u32 = 20;

/// The time in which they are counted.
const SPAN: Duration = Duration::from_secs(60);

/// The kinds that whoever writes logs, or fills a disk, can cause, by their keys.
const BOUNDED: [&str; 19] = [
    "disk-full",
    "disk-back",
    "aws-logs-lost",
    "source-gone",
    "source-back",
    "source-lost",
    "source-failed",
    "unreadable",
    "unreadable-root",
    "too-many-files",
    "journal-skipped",
    "jail-failed",
    "jail-failed-all",
    "jail-refused",
    "jail-full",
    "jail-banned",
    "jail-freed",
    "jail-started",
    "jail-stopped",
];

/// What was told in this span of time.
#[derive(Debug, Default)]
pub struct Notices {
    since: Option<Instant>,
    told: HashMap<&'static str, u32>,
    untold: u64,
}

impl Notices {
    /// Whether to tell a notice now.
    pub fn may_tell(&mut self, told: &Notice, now: Instant) -> bool {
        let Some(key) = BOUNDED.into_iter().find(|key| *key == told.key) else { return true };
        self.since.get_or_insert(now);
        let count = self.told.entry(key).or_default();
        *count += 1;
        let may = *count <= TOLD_MAX;
        self.untold += u64::from(!may);
        may
    }

    /// So many were left out elsewhere.
    pub fn left_out(&mut self, count: u64, now: Instant) {
        self.since.get_or_insert(now);
        self.untold = self.untold.saturating_add(count);
    }

    /// How many were not told, when the time is over or nothing more comes.
    pub fn rest(&mut self, now: Instant, is_end: bool) -> Option<u64> {
        let is_over = self.since.is_some_and(|since| now.duration_since(since) >= SPAN);
        if !is_over && !is_end {
            return None;
        }
        self.since = None;
        self.told.clear();
        Some(std::mem::take(&mut self.untold)).filter(|count| *count > 0)
    }
}

impl Watch {
    /// Tells something about the sources, unless too much of its kind was told already.
    pub(super) fn tell(&mut self, told: Notice) {
        if self.notices.may_tell(&told, Instant::now()) {
            self.observe(Observation::Notice(told));
        }
    }

    /// Tells what the feed has to say.
    pub(super) fn tell_of_feed(&mut self, told: FeedNotice) {
        match told {
            FeedNotice::Lost { path, lost } => {
                self.tell(notice("source-lost", &[("path", path), ("why", lost.to_string())]));
            }
            FeedNotice::Unreadable { path, why } => {
                self.tell(notice("source-failed", &[("path", path), ("error", why)]));
            }
            FeedNotice::More(count) => self.notices.left_out(count as u64, Instant::now()),
        }
    }

    /// Tells how much was not told.
    pub(super) fn tell_rest(&mut self, is_end: bool) {
        if let Some(count) = self.notices.rest(Instant::now(), is_end) {
            let told = notice("source-more", &[("count", count.to_string())]);
            self.observe(Observation::Notice(told));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_a_number_and_hides_no_other() {
        let mut notices = Notices::default();
        let now = Instant::now();
        let (gone, lost) = (notice("source-gone", &[]), notice("source-lost", &[]));
        let told = (0..5000).filter(|_| notices.may_tell(&gone, now)).count();
        assert_eq!(told, TOLD_MAX as usize);
        assert!(notices.may_tell(&lost, now));
        assert!((0..5000).all(|_| notices.may_tell(&notice("reloaded", &[]), now)));
        notices.left_out(7, now);
        assert_eq!(notices.rest(now + SPAN / 2, false), None);
        assert_eq!(notices.rest(now + SPAN, false), Some(5000 - u64::from(TOLD_MAX) + 7));
        assert_eq!(notices.rest(now + SPAN, true), None);
        assert!(notices.may_tell(&gone, now + SPAN), "another minute");
        assert_eq!(notices.rest(now + SPAN * 3, false), None, "nothing was left out");
        assert!(notices.told.is_empty());
    }
}
