//! The report of a day or week, and when it is sent.

use crate::Stamp;

/// Of what time a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// The last 24 hours.
    Daily,
    /// The last seven whole days.
    Weekly,
}

impl ReportKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Daily, Self::Weekly];

    /// Its word in configuration, ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// A report that is due, or was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportId {
    /// Of what time it tells.
    pub kind: ReportKind,
    /// When it was due: it tells of what came before.
    pub due: Stamp,
}

/// A time of the week in the local time of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportTime {
    /// The day: 0 is Monday; `None` is each.
    pub day: Option<u8>,
    /// The minute of the day.
    pub minute: u16,
}

/// `[reports]`: which reports are sent by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// When the report of a day is sent.
    pub daily: Option<ReportTime>,
    /// When the report of a week is sent.
    pub weekly: Option<ReportTime>,
    /// The topic whose subscriptions get them.
    pub topic: String,
}

impl Reports {
    /// When a report of this kind is sent.
    pub const fn time(&self, kind: ReportKind) -> Option<ReportTime> {
        match kind {
            ReportKind::Daily => self.daily,
            ReportKind::Weekly => self.weekly,
        }
    }
}
