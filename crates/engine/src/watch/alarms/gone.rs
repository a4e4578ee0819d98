//! States of alarms that the configuration does not have any more.
//!
//! Whoever was told that an alarm goes off is told that nobody looks any more: what waits for its
//! end, such as a topic that repeats it, would wait for ever.

use std::collections::BTreeSet;

use monban_model::{
    AlarmChange, AlarmRow, AlarmState, Contributor, Reason, Semantics, Severity, Stamp, StateRow,
};

use super::Told;

/// What was saved and has no alarm.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Rows to be taken out.
    pub(super) rows: Vec<StateRow>,
    /// Those in `ALARM` that somebody was told of.
    firing: Vec<AlarmRow>,
    /// Rows of these to be taken out with what is told of it, and not before: after a kill in
    /// between, nobody would know any more that there is something to be told.
    told_with: Vec<StateRow>,
}

impl Gone {
    /// Forgets a state. If people were told that it is in `ALARM`, they will hear of it.
    pub(super) fn forget(&mut self, row: AlarmRow, was_told: bool) {
        let no_row = StateRow::NoAlarm(row.alarm.clone(), row.contributor.clone());
        match was_told && row.state == AlarmState::Alarm {
            true => self.told_with.push(no_row),
            false => self.rows.push(no_row),
        }
        self.close(row, was_told);
    }

    /// The same for a state whose row goes on with another meaning.
    pub(super) fn close(&mut self, row: AlarmRow, was_told: bool) {
        if was_told && row.state == AlarmState::Alarm {
            self.firing.push(row);
        }
    }

    /// Whether something is to be told.
    pub(super) fn has_news(&self) -> bool {
        !self.firing.is_empty()
    }

    /// Tells what is over.
    pub(super) fn tell(&mut self, now: Stamp, out: &mut Vec<Told>) {
        self.rows.append(&mut self.told_with);
        let firing = std::mem::take(&mut self.firing);
        out.extend(firing.into_iter().map(|row| (now, Box::new(farewell(row)))));
    }

    /// Puts what another one still had to do in front.
    pub(super) fn go_on(&mut self, mut before: Self) {
        before.rows.append(&mut self.rows);
        before.firing.append(&mut self.firing);
        before.told_with.append(&mut self.told_with);
        *self = before;
    }
}

/// The alarms that have a state in `ALARM` for somebody or something: of these, people hear, and
/// not of the sum.
pub(super) fn with_contributors(saved: &[AlarmRow]) -> BTreeSet<String> {
    let fires = |row: &&AlarmRow| row.contributor.is_some() && row.state == AlarmState::Alarm;
    saved.iter().filter(fires).map(|row| row.alarm.clone()).collect()
}

/// Its definition is gone, and with it all that it said of the alarm.
fn farewell(row: AlarmRow) -> AlarmChange {
    AlarmChange {
        alarm: row.alarm,
        description: String::new(),
        severity: Severity::Info,
        semantics: Semantics::Monban,
        contributor: row.contributor.map(|value| Contributor { by: String::new(), value }),
        old: row.state,
        new: AlarmState::Insufficient,
        since: row.since,
        again: None,
        reason: Reason::Removed,
        watched: None,
        rule: String::new(),
        evaluated: Vec::new(),
        count: 0,
        addresses: Vec::new(),
        users: Vec::new(),
        samples: Vec::new(),
    }
}
