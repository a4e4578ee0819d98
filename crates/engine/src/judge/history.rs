//! The earlier blocks of a subject.

use monban_model::{HistoryRow, Stamp, Subject};

/// How often a subject was blocked, as far as it is not forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Past {
    pub(crate) blocks: u32,
    pub(crate) last: Stamp,
}

impl Past {
    /// Blocks that still count at `now`, when they are forgotten after `forget_s` quiet seconds.
    pub(crate) fn remembered(&self, now: Stamp, forget_s: u64) -> u32 {
        if now.since_s(self.last) > forget_s { 0 } else { self.blocks }
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        self.last = self.last.plus_ms(ms);
    }

    pub(crate) fn to_row(self, subject: Subject) -> HistoryRow {
        HistoryRow { subject, blocks: self.blocks, last: self.last }
    }

    pub(crate) fn from_row(row: &HistoryRow) -> Self {
        Self { blocks: row.blocks, last: row.last }
    }
}
