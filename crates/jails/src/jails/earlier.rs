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
    /// Lays aside whom a run would have banned that only observed, of what was saved and of what
    /// runs: another fail2ban may know better. To be called before the [`Jails::set_up`] that
    /// begins to guard.
    pub fn lay_aside_observed(&mut self) {
        let mut jails = std::mem::take(&mut self.jails);
        for jail in jails.iter_mut().flatten() {
            jail.bans.forget(self.outbox.clear(jail.key));
            jail.banned_total = jail.banned_total.saturating_sub(jail.bans.len() as u64);
            self.park(jail);
        }
        self.jails = jails;
        let is_ban = |one: &(Key, Loaded)| matches!(one.1, Loaded::Ban(..));
        let (bans, saved) = std::mem::take(&mut self.saved).into_iter().partition(is_ban);
        self.saved = saved;
        self.observed.extend(bans);
        self.observed.extend(self.waiting.take());
        for (_, loaded) in &mut self.observed {
            if let Loaded::Ban(_, ban, _) = loaded {
                // No action was asked for it.
                (ban.restored, ban.ordered) = (true, false);
            }
        }
    }

    /// Those who were laid aside are banned now; but of what happened until `judged_s` nobody
    /// knows any more: another fail2ban read the same lines until then, and judged them.
    pub fn settle_observed(&mut self, judged_s: Option<i64>, now: Stamp) {
        self.at(now);
        let is_judged = |time_s: i64| judged_s.is_some_and(|until| time_s <= until);
        for (key, loaded) in std::mem::take(&mut self.observed) {
            match &loaded {
                Loaded::Ban(id, ban, _) if is_judged(ban.since) => {
                    let row = rows::no_row(self.name_of(key), JailRowKind::Ban, id);
                    self.changed.push(row);
                }
                _ => self.saved.push((key, loaded)),
            }
        }
        if judged_s.is_some() {
            self.bad.forget_where(|known| is_judged(known.last));
        }
        self.take_saved();
        self.order_taken();
    }

    /// Takes over bans that another fail2ban made. Those that are over are remembered only. Gives
    /// back how many go on.
    pub fn take_earlier(&mut self, earlier: Vec<Earlier>, now: Stamp) -> usize {
        let now = self.at(now);
        let before: usize = self.running().map(|jail| jail.bans.len()).sum();
        for (key, id, ban) in self.last_of(earlier, now) {
            if let Some(number) = self.number_of(key) {
                self.take_ban(number, id, ban, Whose::OfAnother);
            }
        }
        self.order_taken();
        self.running().map(|jail| jail.bans.len()).sum::<usize>() - before
    }

    /// The last ban of each address in each jail that runs, in the order of their times.
    fn last_of(&mut self, earlier: Vec<Earlier>, now: i64) -> Vec<(Key, Id, Ban)> {
        let mut last: HashMap<(Key, Id), Ban> = HashMap::new();
        for one in earlier {
            let Some(number) = self.number(&one.jail) else { continue };
            let Some(jail) = self.jail(number) else { continue };
            let key = jail.key;
            let seconds = one.seconds.unwrap_or(jail.settings.bantime_s);
            let known = Known { count: one.count.max(1), last: one.time_s.min(now), seconds };
            // The oldest forms have all bans of an address.
            if self.bad.in_jail(key, &one.id).is_some_and(|held| held.last > known.last) {
                continue;
            }
            self.bad.note(key, &one.id, known);
            let ban = Ban {
                since: known.last,
                seconds: one.seconds,
                count: known.count,
                // How many there were is not known, nor that it was made by hand.
                failures: 1,
                restored: true,
                ..Ban::default()
            };
            last.insert((key, one.id), ban);
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
