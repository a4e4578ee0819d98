//! One login, two witnesses: the log's line and the hook in PAM. Whichever comes first, it is told
//! once.
//!
//! A line is told at once; the hook's word that follows confirms it. What the hook alone told waits
//! for its line for a moment, since that says how somebody came in; then it is told without. While
//! logs are read that were written before the start, it waits for longer, and who waits for the
//! other is not forgotten. A restart forgets neither ([`Entries::take_rows`]).
//!
//! Where both are at work, one that stays alone is news of its own: the hook is not called any
//! more, a line was forged, or lines are kept from being written.

use std::collections::VecDeque;

use monban_model::limits::{ENTRIES_MAX, ENTRIES_SAVED_MAX};
use monban_model::{Address, EntryRow, EntryStage, Evidence, Origin, Stamp};

use crate::observation::Hooked;

/// So long the hook's word waits for the line.
const LINE_WAIT_MS: i64 = 2_000;

/// So long a line may wait for the hook's word, and the hook's for a line before it is said that
/// there is none.
const OTHER_WAIT_MS: i64 = 30_000;

/// So long both can be one login: the word of either that comes later is another one. While old
/// lines are read, the hook's word waits so long for one of them; whoever floods the logs delays
/// it no longer.
const ONE_LOGIN_MS: i64 = 60_000;

/// What the log told, and the hook has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When it happened, by the line.
    pub(crate) time: Stamp,
    pub(crate) service: String,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) address: Option<Address>,
    /// The line itself, if it is to be told that the hook did not confirm it.
    pub(crate) evidence: Option<Evidence>,
}

/// What a line of a login met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nobody told of it before.
    Nothing,
    /// The hook did, and it is not told yet.
    Hook(Hooked),
    /// It was told by the hook's word.
    Told,
}

/// Of which services the hook tells, and since when that is known.
#[derive(Debug, Default)]
struct Hooks {
    services: Vec<String>,
    since: Stamp,
}

/// What was told by the hook's word alone, and may yet have its line.
#[derive(Debug)]
struct Told {
    since: Stamp,
    hooked: Hooked,
    /// It is to be told if no line follows.
    is_missed: bool,
}

/// Logins that one witness told of.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Since when they wait.
    lines: VecDeque<(Stamp, Line)>,
    hooked: VecDeque<(Stamp, Hooked)>,
    /// Hooks that came without room to wait.
    crowded: Vec<Hooked>,
    told: VecDeque<Told>,
    hooks: Hooks,
    /// Lines are read that were written before the start.
    is_catching_up: bool,
    /// Something changed since the rows were taken.
    is_changed: bool,
    /// Logins that had to make room before it was clear that the other witness was silent.
    evicted: u64,
}

impl Entries {
    /// The hook tells of these services from now on.
    pub(crate) fn expect_hooks(&mut self, now: Stamp, services: &[String]) {
        let mut services: Vec<String> =
            services.iter().map(|service| family(service).to_owned()).collect();
        services.sort();
        services.dedup();
        if services != self.hooks.services {
            self.hooks = Hooks { services, since: now };
        }
    }

    /// Whether the hook is to tell of what happened in this service then. What happened before it
    /// was known that it is there may have been told to somebody else.
    pub(crate) fn expects_hook(&self, service: &str, time: Stamp) -> bool {
        let service = family(service);
        time >= self.hooks.since && self.hooks.services.iter().any(|hooked| hooked == service)
    }

    /// Whether lines are read that were written before the start.
    pub(crate) fn catch_up(&mut self, is_catching_up: bool) {
        self.is_catching_up = is_catching_up;
    }

    /// A line told of a login: what the hook said of it before, if it did.
    pub(crate) fn line(&mut self, now: Stamp, line: Line) -> Met {
        self.is_changed = true;
        let line = Line { service: family(&line.service).to_owned(), ..line };
        let of_waiting = |(_, hooked): &(Stamp, Hooked)| line.is_of(hooked, now);
        let waiting = self.hooked.iter().position(of_waiting).and_then(|at| self.hooked.remove(at));
        if let Some((_, hooked)) = waiting {
            return Met::Hook(hooked);
        }
        if let Some(at) = self.told.iter().position(|told| line.is_of(&told.hooked, now)) {
            self.told.remove(at);
            return Met::Told;
        }
        if self.lines.len() >= ENTRIES_MAX {
            let made_room = self.lines.pop_front();
            self.evicted += u64::from(made_room.is_some_and(|(_, line)| line.evidence.is_some()));
        }
        self.lines.push_back((now, line));
        Met::Nothing
    }

    /// The hook told of a login: whether a line did before.
    pub(crate) fn hooked(&mut self, now: Stamp, hooked: Hooked) -> bool {
        self.is_changed = true;
        if self.confirm(&hooked) {
            return true;
        }
        if self.hooked.len() >= ENTRIES_MAX {
            self.crowded.extend(self.hooked.pop_front().map(|(_, hooked)| hooked));
        }
        self.hooked.push_back((now, hooked));
        false
    }

    /// The hook told of what only a line can tell of in full: it confirms one, or is forgotten.
    pub(crate) fn confirm(&mut self, hooked: &Hooked) -> bool {
        let found = self.lines.iter().position(|(since, line)| line.is_of(hooked, *since));
        self.is_changed |= found.is_some();
        found.is_some_and(|at| self.lines.remove(at).is_some())
    }

    /// What the hook alone told, and no line followed.
    pub(crate) fn alone(&mut self, now: Stamp) -> Vec<Hooked> {
        let wait_ms = self.line_wait_ms();
        let crowded = std::mem::take(&mut self.crowded).into_iter().map(|hooked| (now, hooked));
        let mut alone: Vec<(Stamp, Hooked)> = crowded.collect();
        while let Some(one) = self.hooked.pop_front_if(|(since, _)| is_over(*since, now, wait_ms)) {
            alone.push(one);
        }
        self.is_changed |= !alone.is_empty();
        // It only confirms a line: old versions of su name in it whoever came in before `sudo su`.
        alone.retain(|(_, hooked)| !is_of_root(hooked));
        for (since, hooked) in &alone {
            if self.told.len() >= ENTRIES_MAX {
                let made_room = self.told.pop_front();
                self.evicted += u64::from(made_room.is_some_and(|told| told.is_missed));
            }
            let is_missed = self.expects_hook(&hooked.service, hooked.time);
            self.told.push_back(Told { since: *since, hooked: hooked.clone(), is_missed });
        }
        alone.into_iter().map(|(_, hooked)| hooked).collect()
    }

    /// Lines that the hook did not confirm, where it is to.
    pub(crate) fn unconfirmed(&mut self, now: Stamp) -> Vec<Line> {
        let mut found = Vec::new();
        if self.is_catching_up {
            return found;
        }
        for (since, line) in &mut self.lines {
            if !is_over(*since, now, OTHER_WAIT_MS) {
                break;
            }
            if let Some(evidence) = line.evidence.take() {
                found.push(Line { evidence: Some(evidence), ..line.clone() });
            }
        }
        while self.lines.pop_front_if(|(since, _)| is_over(*since, now, ONE_LOGIN_MS)).is_some() {
            self.is_changed = true;
        }
        found
    }

    /// What the hook told, and no line has followed in all this time.
    pub(crate) fn unlogged(&mut self, now: Stamp) -> Vec<Hooked> {
        let mut found = Vec::new();
        if self.is_catching_up {
            return found;
        }
        for told in &mut self.told {
            if !is_over(told.since, now, OTHER_WAIT_MS) {
                break;
            }
            if std::mem::take(&mut told.is_missed) {
                found.push(told.hooked.clone());
            }
        }
        while self.told.pop_front_if(|told| is_over(told.since, now, ONE_LOGIN_MS)).is_some() {
            self.is_changed = true;
        }
        found
    }

    /// When there is something to be told.
    pub(crate) fn wake_at(&self) -> Option<Stamp> {
        let waits = self.hooked.front().map(|(since, _)| since.plus_ms(self.line_wait_ms()));
        if self.is_catching_up {
            return waits;
        }
        let line = self.lines.iter().find(|(_, line)| line.evidence.is_some());
        let told = self.told.iter().find(|told| told.is_missed);
        let others = [line.map(|(since, _)| since), told.map(|told| &told.since)];
        let others = others.into_iter().flatten().map(|since| since.plus_ms(OTHER_WAIT_MS));
        others.chain(waits).min()
    }

    /// Logins that had to make room before it was clear that the other witness was silent.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        let shift = |since: &mut Stamp| *since = since.plus_ms(ms);
        self.lines.iter_mut().for_each(|(since, _)| shift(since));
        self.hooked.iter_mut().for_each(|(since, _)| shift(since));
        self.told.iter_mut().for_each(|told| shift(&mut told.since));
        shift(&mut self.hooks.since);
        self.is_changed = true;
    }

    /// What a restart is not to forget, if that changed since the last call: all that is not told
    /// yet, and the youngest of the others.
    pub(crate) fn take_rows(&mut self) -> Option<Vec<EntryRow>> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let waits = self.hooked.iter().map(|(since, it)| row_of(EntryStage::Waits, *since, it));
        let mut rows: Vec<EntryRow> = waits.collect();
        let room = (ENTRIES_SAVED_MAX - ENTRIES_MAX) / 2;
        let first = self.told.len().saturating_sub(room);
        let told = self.told.range(first..);
        rows.extend(told.map(|told| row_of(EntryStage::Told, told.since, &told.hooked)));
        let first = self.lines.len().saturating_sub(room);
        rows.extend(self.lines.range(first..).map(|(since, line)| line.to_row(*since)));
        Some(rows)
    }

    /// Goes on from the rows of an earlier run. That one of them stayed alone is not told then: the
    /// other witness may have told of it in between, to nobody. None waits from a time to come,
    /// which a clock that was ahead wrote.
    pub(crate) fn restore(&mut self, now: Stamp, rows: Vec<EntryRow>) {
        for row in rows {
            let since = row.since.min(now);
            match row.stage {
                EntryStage::Waits => self.hooked.push_back((since, hooked_of(row))),
                EntryStage::Told => {
                    let hooked = hooked_of(row);
                    self.told.push_back(Told { since, hooked, is_missed: false });
                }
                EntryStage::Line => self.lines.push_back((since, Line::from_row(row))),
            }
        }
        // They are dropped from the front.
        self.hooked.truncate(ENTRIES_MAX);
        self.told.truncate(ENTRIES_MAX);
        self.lines.truncate(ENTRIES_MAX);
    }

    const fn line_wait_ms(&self) -> i64 {
        if self.is_catching_up { ONE_LOGIN_MS } else { LINE_WAIT_MS }
    }
}

impl Line {
    /// Whether both tell of the same login; `came` is when the line was read. The hook's time is
    /// that of this machine's clock, and so is that; a line's own may be of another zone.
    fn is_of(&self, hooked: &Hooked, came: Stamp) -> bool {
        let is_near = |time: Stamp| hooked.time.0.abs_diff(time.0) < ONE_LOGIN_MS.unsigned_abs();
        self.service == family(&hooked.service)
            && self.user.as_ref().is_none_or(|user| *user == hooked.user)
            && agree(self.address, hooked.address)
            && (is_near(self.time) || is_near(came))
    }

    fn to_row(&self, since: Stamp) -> EntryRow {
        EntryRow {
            stage: EntryStage::Line,
            since,
            time: self.time,
            service: self.service.clone(),
            user: self.user.clone(),
            by: None,
            address: self.address,
            origin: Origin::default(),
            terminal: None,
            method: None,
            key: None,
        }
    }

    fn from_row(row: EntryRow) -> Self {
        let EntryRow { time, service, user, address, .. } = row;
        Self { time, service, user, address, evidence: None }
    }
}

fn row_of(stage: EntryStage, since: Stamp, hooked: &Hooked) -> EntryRow {
    let hooked = hooked.clone();
    EntryRow {
        stage,
        since,
        time: hooked.time,
        service: hooked.service,
        user: Some(hooked.user),
        by: hooked.by,
        address: hooked.address,
        origin: hooked.origin,
        terminal: hooked.terminal,
        method: hooked.method,
        key: hooked.key,
    }
}

fn hooked_of(row: EntryRow) -> Hooked {
    Hooked {
        time: row.time,
        service: row.service,
        user: row.user.unwrap_or_default(),
        by: row.by,
        address: row.address,
        origin: row.origin,
        terminal: row.terminal,
        method: row.method,
        key: row.key,
    }
}

fn is_over(since: Stamp, now: Stamp, wait_ms: i64) -> bool {
    now.0.saturating_sub(since.0) >= wait_ms
}

/// `su -` and `sudo -i` have services of their own in PAM.
pub(crate) fn family(service: &str) -> &str {
    match service {
        "su-l" => "su",
        "sudo-i" => "sudo",
        other => other,
    }
}

/// Whether root took another account: that is no login, as root may be everybody.
pub(crate) fn is_of_root(hooked: &Hooked) -> bool {
    matches!(family(&hooked.service), "su" | "sudo")
        && hooked.by.as_deref().is_none_or(|by| by == b"root")
}

/// Where one of them does not know the address (a console; a name in place of it), they agree.
fn agree(one: Option<Address>, other: Option<Address>) -> bool {
    one.is_none() || other.is_none() || one == other
}

#[cfg(test)]
mod tests;
