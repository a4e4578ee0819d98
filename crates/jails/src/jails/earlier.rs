//! What another fail2ban knew: its bans go on here.

use monban_fail2ban::filter::Id;
use monban_model::Stamp;

use super::Jails;
use crate::bans::Ban;
use crate::known::Known;
use crate::rows::Loaded;

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
        for number in 0..self.jails.len() {
            if self.jail(number).is_some_and(|jail| jail.started || !self.guards) {
                self.order_bans(number, false, self.now_s);
            }
        }
        self.running().map(|jail| jail.bans.len()).sum::<usize>() - before
    }
}
