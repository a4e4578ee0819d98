//! The open state as rows: taken out for a commit, put back after a restart.

use monban_model::{
    AlarmRow, BlockRow, ConnectionRow, EntryRow, Event, HistoryRow, Notice, PlaceRow, Stamp,
    StateRow, SuccessRow, TakeChanges, TallyRow,
};

use super::Engine;
use crate::judge::Past;
use crate::observation::Effect;
use crate::watch::{Connection, Success, Tally};

/// What an earlier run saved.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// Open counts, oldest touch first.
    pub tallies: Vec<TallyRow>,
    /// Open connections.
    pub connections: Vec<ConnectionRow>,
    /// Blocks in force.
    pub blocks: Vec<BlockRow>,
    /// Earlier blocks.
    pub history: Vec<HistoryRow>,
    /// Logins.
    pub successes: Vec<SuccessRow>,
    /// From where accounts came in.
    pub places: Vec<PlaceRow>,
    /// States of alarms.
    pub alarms: Vec<AlarmRow>,
    /// The number of the next record.
    pub next_seq: u64,
    /// The number of the next order.
    pub next_order: u64,
}

/// What the limits cost, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Counts that had to make room.
    pub tallies: u64,
    /// Connections that had to make room.
    pub connections: u64,
    /// Remembered logins that had to make room.
    pub successes: u64,
    /// Remembered places of logins that had to make room.
    pub places: u64,
    /// Remembered blocks that had to make room.
    pub history: u64,
    /// Logins that had to make room before it was clear whether both witnesses tell of them.
    pub entries: u64,
}

/// Bytes of the row of a tally beside the text of its lines.
const TALLY_BYTES: usize = 120;

/// Bytes of a connection.
const CONNECTION_BYTES: usize = 24;

/// Bytes of a row of any other kind.
const ROW_BYTES: usize = 150;

impl Engine {
    pub(super) fn restore(&mut self, mut saved: Saved) {
        saved.tallies.sort_by_key(|row| row.last);
        saved.connections.sort_by_key(|row| row.last);
        saved.history.sort_by_key(|row| row.last);
        saved.successes.sort_by_key(|row| row.last);
        saved.places.sort_by_key(|row| row.last);
        let counted = self.counted_where();
        for row in saved.tallies {
            let (policy, subject) = (row.policy.clone(), row.subject);
            self.put_where_counted(&counted, &policy, subject, Tally::from_row(row));
        }
        for row in &saved.connections {
            self.connections.restore(row.key, Connection::from_row(row));
        }
        for row in &saved.history {
            self.history.restore(row.subject, Past::from_row(row));
        }
        for row in &saved.successes {
            self.successes.restore(row.address, Success::from_row(row));
        }
        saved.places.into_iter().for_each(|row| self.places.restore(row));
        for row in saved.blocks {
            self.blocks.restore(&row);
        }
    }

    /// What changed since the last call, each thing once.
    pub fn take_changes(&mut self) -> Vec<StateRow> {
        let mut rows = Vec::new();
        self.give_changes(&mut rows);
        rows
    }

    /// Gives what changed since the last call, each thing once.
    pub fn give_changes(&mut self, to: &mut impl TakeChanges) {
        std::mem::take(&mut self.carried).into_iter().for_each(|row| to.row(row));
        let policies = &self.setup.policies;
        let name = |at: u8| policies[usize::from(at)].name.as_str();
        let mut gone = Vec::new();
        self.tallies
            .take_changes(|key| gone.push(key), |key, tally| tally.give(name(key.0), key.1, to));
        for (at, subject) in gone {
            to.row(StateRow::NoTally(name(at).to_owned(), subject));
        }
        let mut gone = Vec::new();
        self.connections.take_changes(
            |key| gone.push(key),
            |key, connection| to.row(StateRow::Connection(connection.to_row(*key))),
        );
        gone.into_iter().for_each(|key| to.row(StateRow::NoConnection(key)));
        let mut gone = Vec::new();
        self.history.take_changes(
            |subject| gone.push(StateRow::NoHistory(subject)),
            |subject, past| to.row(StateRow::History(past.to_row(*subject))),
        );
        self.successes.take_changes(
            |address| gone.push(StateRow::NoSuccess(address)),
            |address, success| to.row(StateRow::Success(success.to_row(*address))),
        );
        gone.into_iter().for_each(|row| to.row(row));
        self.places.give_changes(to);
        self.blocks.take_changes(|row| to.row(row));
        self.alarms.give_changes(&mut |row| to.row(row));
    }

    /// The logins of which one witness told, if they changed since the last call. They are kept
    /// together, beside the rows of [`Engine::give_changes`].
    pub fn take_entries(&mut self) -> Option<Vec<EntryRow>> {
        self.entries.take_rows()
    }

    /// Goes on from what [`Engine::take_entries`] gave an earlier run.
    pub fn restore_entries(&mut self, now: Stamp, rows: Vec<EntryRow>) {
        self.entries.restore(now, rows);
    }

    /// About how many bytes of memory the rows of [`Engine::give_changes`] would take.
    pub fn waiting_bytes(&self) -> usize {
        let lines = self.evidence_bytes.checked_div(self.tallies.len()).unwrap_or(0);
        let tallies = self.carried.len() + self.tallies.waiting();
        let rows = self.history.waiting() + self.successes.waiting() + self.blocks.waiting();
        tallies * (lines + TALLY_BYTES)
            + self.connections.waiting() * CONNECTION_BYTES
            + rows * ROW_BYTES
            + self.places.waiting_bytes()
            + self.alarms.waiting_bytes()
    }

    /// The numbers of the next record and order.
    pub fn next_numbers(&self) -> (u64, u64) {
        (self.next_seq, self.next_order)
    }

    /// What the limits cost so far.
    pub fn evicted(&self) -> Evicted {
        Evicted {
            tallies: self.tallies.evicted(),
            connections: self.connections.evicted(),
            successes: self.successes.evicted(),
            places: self.places.evicted(),
            history: self.history.evicted(),
            entries: self.entries.evicted(),
        }
    }

    /// Open counts, and blocks in force.
    pub fn sizes(&self) -> (usize, usize) {
        (self.tallies.len(), self.blocks.len())
    }

    /// The clock was set: what is open keeps its age, see [`crate::Observation::ClockSet`].
    pub(super) fn shift(&mut self, now: Stamp, ms: i64, out: &mut Vec<Effect>) {
        self.tallies.change_all(|tally| tally.shift(ms));
        self.connections.change_all(|connection| connection.shift(ms));
        self.successes.change_all(|success| success.shift(ms));
        self.history.change_all(|past| past.shift(ms));
        self.places.shift(ms);
        self.entries.shift(ms);
        self.shift_entered(ms);
        self.blocks.shift(ms);
        self.alarms.shift(ms);
        for (when, _) in self.failed.values_mut() {
            *when = when.plus_ms(ms);
        }
        let values = vec![("seconds".to_owned(), (ms as f64 / 1000.0).round().to_string())];
        let notice = Notice { key: "clock-set".to_owned(), values };
        self.record(now, Event::Noticed(notice), out);
    }
}
