//! What another fail2ban knew: its bans go on here.

use std::collections::HashMap;

use monban_fail2ban::filter::Id;
use monban_model::{JailRowKind, Stamp};

use super::Jails;
use super::state::Whose;
use crate::bans::Ban;
use crate::known::Known;
use crate::rows::{self, Loaded};
use crate::tickets::Key;

/// The last ban of an address in a jail of fail2ban.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// The jail's name.
    pub jail: String,
    /// Who.
    pub id: Id,
    /// When it was banned, seconds since 1970.
    pub time_s: i64,
    /// For so many seconds, negative for ever; `None` for as long as the jail says.
    pub seconds: Option<i64>,
    /// The how manieth ban it was.
    pub count: u32,
}

impl Jails {
    /// Lays aside whom a run would have banned that only observed, of what was saved, runs and
    /// waits: another fail2ban may know better. To be called before the [`Jails::set_up`] that
    /// begins to guard. Whether there is anybody.
    pub fn lay_aside_observed(&mut self) -> bool {
        for jail in self.jails.iter_mut().flatten() {
            let (key, bantime_s) = (jail.key, jail.settings.bantime_s);
            for (id, mut ban) in jail.bans.take_observed(bantime_s) {
                jail.banned_total = jail.banned_total.saturating_sub(1);
                ban.seconds = ban.seconds.or(Some(bantime_s));
                self.observed.push((key, id, ban));
            }
        }
        let saved = std::mem::take(&mut self.saved);
        for (key, loaded) in saved {
            match loaded {
                Loaded::Ban(id, ban, _) if ban.observed => self.observed.push((key, id, ban)),
                loaded => self.saved.push((key, loaded)),
            }
        }
        self.observed.extend(self.waiting.take_observed());
        !self.observed.is_empty()
    }

    /// Those who were laid aside are banned now; but of what happened until `judged_s` nobody
    /// knows any more: another fail2ban read the same lines until then, and judged them.
    pub fn settle_observed(&mut self, judged_s: Option<i64>, now: Stamp) {
        self.at(now);
        for (key, id, mut ban) in std::mem::take(&mut self.observed) {
            if judged_s.is_some_and(|until| ban.since <= until) {
                let row = rows::no_row(self.name_of(key), JailRowKind::Ban, &id);
                self.changed.push(row);
                self.count_one_less(key, &id);
            } else {
                (ban.restored, ban.observed, ban.ordered) = (true, false, false);
                let end = ban.end(-1);
                self.saved.push((key, Loaded::Ban(id, ban, end)));
            }
        }
        self.take_saved();
        self.order_taken();
    }

    /// A ban of somebody did not count.
    pub(super) fn count_one_less(&mut self, key: Key, id: &Id) {
        let Some(known) = self.bad.in_jail(key, id) else { return };
        match known.count.saturating_sub(1) {
            0 => self.bad.forget(key, id),
            count => self.bad.note(key, id, Known { count, ..known }),
        }
    }

    /// Takes over bans that another fail2ban made. Those that are over are remembered only. Gives
    /// back how many go on.
    pub fn take_earlier(&mut self, earlier: Vec<Earlier>, now: Stamp) -> usize {
        let now = self.at(now);
        let before: usize = self.running().map(|jail| jail.bans.len()).sum();
        for (key, id, ban) in self.note_earlier(earlier, now) {
            if let Some(number) = self.number_of(key) {
                self.take_ban(number, id, ban, Whose::OfAnother);
            }
        }
        self.order_taken();
        self.running().map(|jail| jail.bans.len()).sum::<usize>() - before
    }

    /// Remembers the bans of jails that run. Gives back the last one of each address, in the order
    /// of their times: the oldest forms have all of them.
    fn note_earlier(&mut self, earlier: Vec<Earlier>, now: i64) -> Vec<(Key, Id, Ban)> {
        let mut last: HashMap<(Key, Id), Ban> = HashMap::new();
        for one in earlier {
            let Some(number) = self.number(&one.jail) else { continue };
            let Some(jail) = self.jail(number) else { continue };
            let key = jail.key;
            let seconds = one.seconds.unwrap_or(jail.settings.bantime_s);
            let known = Known { count: one.count.max(1), last: one.time_s.min(now), seconds };
            // A ban of monban's own may be younger, and over before this one.
            if self.bad.in_jail(key, &one.id).is_none_or(|held| held.last <= known.last) {
                self.bad.note(key, &one.id, known);
            }
            let ban = Ban {
                since: known.last,
                seconds: one.seconds,
                count: known.count,
                // How many there were is not known, nor that it was made by hand.
                failures: 1,
                restored: true,
                observed: !self.guards,
                ..Ban::default()
            };
            let at = (key, one.id);
            if last.get(&at).is_none_or(|held| held.since <= ban.since) {
                last.insert(at, ban);
            }
        }
        let mut last: Vec<_> = last.into_iter().map(|((key, id), ban)| (key, id, ban)).collect();
        last.sort_by(|(_, one_id, one), (_, id, ban)| (one.since, one_id).cmp(&(ban.since, id)));
        last
    }

    /// Bans that came after their actions were started.
    fn order_taken(&mut self) {
        for number in 0..self.jails.len() {
            if self.jail(number).is_some_and(|jail| jail.started || !self.guards) {
                self.order_bans(number, false, self.now_s);
            }
        }
    }
}
