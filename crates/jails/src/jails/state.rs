//! The open state of all jails as rows of the ledger.

use monban_fail2ban::filter::Id;
use monban_model::limits::JAIL_BANS_MAX;
use monban_model::{JailRow, JailRowKind};

use super::Jails;
use crate::bans::Ban;
use crate::rows::{self, Loaded};
use crate::tickets::Key;

/// Who made a ban that goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// An earlier run.
    Own,
    /// Another fail2ban.
    OfAnother,
}

impl Jails {
    /// Takes in what an earlier run saved, before the first [`Jails::set_up`]. Gives back how many
    /// rows make no sense.
    pub fn load(&mut self, saved: Vec<JailRow>) -> usize {
        let mut broken = 0;
        for row in saved {
            let key = self.key_of(&row.jail);
            match rows::load(&row) {
                Some(loaded) => self.saved.push((key, loaded)),
                None => broken += 1,
            }
        }
        broken
    }

    /// Gives what was saved to the jails that are there now.
    pub(super) fn take_saved(&mut self) {
        let mut saved = std::mem::take(&mut self.saved);
        saved.sort_by_key(|(_, loaded)| loaded.last());
        for (key, loaded) in saved {
            match loaded {
                Loaded::Ticket(id, ticket) => {
                    let number = self.number_of(key);
                    if let Some(jail) = number.and_then(|number| self.jail_mut(number)) {
                        // It was waiting when the run before ended.
                        jail.holds |= ticket.retry >= jail.settings.maxretry;
                    }
                    self.tickets.restore((key, id), ticket);
                }
                Loaded::Known(id, known) => self.bad.restore(key, id, known),
                Loaded::Spared(id, spared) => self.spared.restore(key, id, spared),
                Loaded::Ban(id, ban, end) => match self.number_of(key) {
                    Some(number) => self.take_ban(number, id, ban, Whose::Own),
                    None => self.wait(key, id, ban, end),
                },
            }
        }
        for (number, id, ban) in self.take_waiting() {
            self.take_ban(number, id, ban, Whose::Own);
        }
    }

    /// Goes on with a ban, if it is one more. One that is over, whose address is spared now, or for
    /// which there is no room, may still be in force for actions that ran on.
    pub(super) fn take_ban(&mut self, number: usize, id: Id, ban: Ban, whose: Whose) {
        let now = self.now_s;
        let all: usize = self.running().map(|jail| jail.bans.len()).sum();
        let Some(jail) = self.jail_mut(number) else { return };
        let bantime_s = jail.settings.bantime_s;
        let ban = ban.shortened(jail.settings.increment.enabled.value, jail.longest_s());
        if jail.bans.get(&id).is_some() {
            return;
        }
        let has_room = all < JAIL_BANS_MAX;
        let is_over = ban.end(bantime_s) <= now || jail.ignore.spares(&id).is_some();
        if is_over || !has_room {
            jail.unsaid.surplus += u64::from(!is_over);
            jail.bans.forget([id.clone()]);
            return self.order_end(number, id, ban);
        }
        let elsewhere = all.saturating_sub(jail.bans.len());
        if jail.bans.add(id.clone(), ban, bantime_s, elsewhere).is_err() {
            return;
        }
        jail.banned_total += 1;
        self.tell_restored(number, &id, whose);
    }

    /// How many changes wait for [`Jails::take_changes`].
    pub fn waiting_changes(&self) -> usize {
        let bans = self.running().map(|jail| jail.bans.waiting()).sum::<usize>();
        let counts = self.tickets.waiting() + self.bad.waiting() + self.spared.waiting();
        bans + counts + self.changed.len()
    }

    /// What changed since the last call.
    pub fn take_changes(&mut self) -> Vec<JailRow> {
        let (mut changed, now) = (Vec::new(), self.now_s);
        let names = &self.names;
        let name = |key: Key| names.get(key as usize).map_or("", String::as_str);
        let mut gone = std::mem::take(&mut self.changed);
        self.tickets.take_changes(
            |key, id| gone.push(rows::no_row(name(key), JailRowKind::Ticket, &id)),
            |key, id, ticket| changed.push(rows::ticket_row(name(key), id, ticket)),
        );
        self.bad.take_changes(
            |(key, id)| gone.push(rows::no_row(name(key), JailRowKind::Known, &id)),
            |(key, id), known| changed.push(rows::known_row(name(*key), id, known)),
        );
        self.spared.take_changes(
            |(key, id)| gone.push(rows::no_row(name(key), JailRowKind::Spared, &id)),
            |(key, id), spared| changed.push(rows::spared_row(name(*key), id, spared)),
        );
        for jail in self.jails.iter_mut().flatten() {
            let bantime_s = jail.settings.bantime_s;
            for (id, ban) in jail.bans.take_changes() {
                changed.push(match ban {
                    Some(ban) => rows::ban_row(&jail.name, &id, ban, bantime_s),
                    None => match self.outbox.ending(jail.key, &id) {
                        Some(ban) => ended_row(&jail.name, &id, ban, now),
                        None => rows::no_row(&jail.name, JailRowKind::Ban, &id),
                    },
                });
            }
        }
        gone.extend(changed);
        gone
    }
}

/// A ban that is over and whose end has no outcome yet: the next run makes up for it.
fn ended_row(jail: &str, id: &Id, ban: &Ban, now: i64) -> JailRow {
    let seconds = now.saturating_sub(1).saturating_sub(ban.since).max(0);
    let seconds = ban.seconds.filter(|own| (0..seconds).contains(own)).unwrap_or(seconds);
    let bare = Ban { lines: Vec::new(), seconds: Some(seconds), ..ban.clone() };
    rows::waiting_row(jail, id, &bare)
}
