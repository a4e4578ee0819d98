//! What is remembered of addresses that came in.

use monban_model::{Address, Stamp, SuccessRow};

/// The last login from an address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Success {
    pub(crate) last: Stamp,
    pub(crate) by_key: Option<Stamp>,
}

impl Success {
    /// An address whose user held a key within a day needs twice the failures: he is known.
    pub(crate) fn by_key_today(&self, now: Stamp) -> bool {
        self.by_key.is_some_and(|time| now.since_s(time) < 86_400)
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        self.last = self.last.plus_ms(ms);
        self.by_key = self.by_key.map(|time| time.plus_ms(ms));
    }

    pub(crate) fn to_row(self, address: Address) -> SuccessRow {
        SuccessRow { address, last: self.last, by_key: self.by_key }
    }

    pub(crate) fn from_row(row: &SuccessRow) -> Self {
        Self { last: row.last, by_key: row.by_key }
    }
}
