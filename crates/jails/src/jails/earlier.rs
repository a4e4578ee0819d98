//! What another fail2ban knew: its bans go on here.

use monban_fail2ban::filter::Id;
use monban_model::{JailRowKind, Stamp};

use super::Jails;
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
    /// Lays aside whom a run would have banned that only observed, of what was saved: another
    /// fail2ban may know better. To be called before the first [`Jails::set_up`].
    pub fn lay_aside_observed(&mut self) {
        let observed = |one: &(Key, Loaded)| matches!(one.1, Loaded::Ban(..) | Loaded::Known(..));
        let (observed, saved) = std::mem::take(&mut self.saved).into_iter().partition(observed);
        (self.observed, self.saved) = (observed, saved);
    }

    /// Those who were laid aside are banned now, or nobody knows of them any more: another fail2ban
    /// read the same lines and judged them.
    pub fn settle_observed(&mut self, judged_elsewhere: bool, now: Stamp) {
        self.at(now);
        let observed = std::mem::take(&mut self.observed);
        if !judged_elsewhere {
            self.saved.extend(observed);
            self.take_saved();
            self.order_taken();
            return;
        }
        for (key, loaded) in observed {
            let (kind, id) = match &loaded {
                Loaded::Ban(id, ..) => (JailRowKind::Ban, id),
                Loaded::Known(id, _) => (JailRowKind::Known, id),
                Loaded::Ticket(..) | Loaded::Spared(..) => continue,
            };
            self.changed.push(rows::no_row(self.name_of(key), kind, id));
        }
    }

    /// Takes over bans that another fail2ban made. Those that are over are remembered only. Gives
    /// back how many go on.
    pub fn take_earlier(&mut self, earlier: Vec<Earlier>, now: Stamp) -> usize {
        let now = self.at(now);
        let before: usize = self.running().map(|jail| jail.bans.len()).sum();
        for one in earlier {
            let Some(number) = self.number(&one.jail) else { continue };
            let Some(jail) = self.jail(number) else { continue };
            let key = jail.key;
            let last = one.seconds.unwrap_or(jail.settings.bantime_s);
            let known = Known { count: one.count.max(1), last: one.time_s.min(now), seconds: last };
            let ban = Ban {
                since: one.time_s.min(now),
                seconds: one.seconds,
                count: known.count,
                // How many there were is not known, nor that it was made by hand.
                failures: 1,
                restored: true,
                ordered: false,
                ..Ban::default()
            };
            let end = ban.end(jail.settings.bantime_s);
            // The oldest forms have all bans of an address, the newest first.
            if self.bad.in_jail(key, &one.id).is_none_or(|held| held.last <= known.last) {
                self.bad.note(key, &one.id, known);
            }
            self.saved.push((key, Loaded::Ban(one.id, ban, end)));
        }
        self.take_saved();
        self.order_taken();
        self.running().map(|jail| jail.bans.len()).sum::<usize>() - before
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
