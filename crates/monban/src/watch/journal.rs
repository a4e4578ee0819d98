//! The systemd journal: where its reading begins, and what comes of it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::Instant;

use monban_model::wire::ToWarden;
use monban_model::{PositionRow, Stamp};
use monban_sources::journal::{JournalReader, is_cursor};

use super::{Watch, notice, now};

/// How the present attempt to read the journal goes.
#[derive(Debug, Default)]
pub struct Opening {
    /// journalctl does not take the cursor: reading begins at the time of the last entry.
    refused: bool,
    /// It has written something since it was started.
    heard: bool,
    /// An end was told, and nothing was read since.
    told: bool,
}

/// Where to begin without a cursor: after the last entry that was read. What was logged in the
/// same millisecond and not read is lost; the entry itself does not come twice.
fn since(row: &PositionRow, now: Stamp) -> Option<Stamp> {
    (row.last.0 > 0).then(|| Stamp(row.last.min(now).0.saturating_add(1)))
}

impl Watch {
    /// Asks the warden for the journal.
    pub(super) fn ask_journal(&mut self) -> io::Result<()> {
        let Some(row) = &self.journal_row else { return Ok(()) };
        let (cursor, since) = (row.cursor.clone(), since(row, now()));
        if !cursor.is_empty() && !is_cursor(&cursor) {
            self.refuse_cursor();
        }
        let after = Some(cursor).filter(|text| !text.is_empty() && !self.opening.refused);
        self.opening.heard = false;
        self.journal_asked = true;
        self.channel.send(&ToWarden::Journal { after, since }, None)
    }

    /// The journal comes; one that was asked for before another configuration is let go.
    pub(super) fn journal_opened(&mut self, fd: OwnedFd) {
        let Some(row) = &self.journal_row else { return };
        if std::mem::take(&mut self.journal_asked) {
            self.stage.journal_opened(Instant::now());
            self.journal = Some((File::from(fd), JournalReader::after(&row.cursor)));
        }
    }

    /// Reads what is there, a piece at a time.
    pub(super) fn read_journal(&mut self) {
        let Some((pipe, reader)) = &mut self.journal else { return };
        let mut bytes = [0; 64 * 1024];
        match pipe.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.stage.journal_waits(Instant::now());
            }
            Ok(0) | Err(_) => self.journal_ended("journal-ended"),
            Ok(count) => {
                self.opening.heard = true;
                reader.keep_fields(self.jail_side.reads_journal());
                reader.push(&bytes[..count]);
                while let Some(entry) = reader.next_entry() {
                    let Some(row) = self.journal_row.take() else { break };
                    let row =
                        self.mind.journal_entry(&entry, &mut self.jail_side, &mut self.stage, row);
                    self.journal_row = Some(row);
                    (self.opening.refused, self.opening.told) = (false, false);
                }
                let (skipped, is_broken) = (reader.take_skipped(), reader.is_broken());
                if skipped > 0 {
                    self.tell(notice("journal-skipped", &[("count", skipped.to_string())]));
                }
                if is_broken {
                    self.journal_ended("journal-broken");
                }
                self.pending.touch();
                self.collect();
                // What they want is sent with the next files, at once.
            }
        }
    }

    /// Nothing more comes; it is opened again after a while.
    fn journal_ended(&mut self, key: &str) {
        self.journal = None;
        self.stage.journal_ended(Instant::now());
        let has_cursor = self.journal_row.as_ref().is_some_and(|row| !row.cursor.is_empty());
        if !self.opening.heard && has_cursor && !self.opening.refused {
            // With a cursor that it knows, journalctl gives at least that entry.
            self.refuse_cursor();
        } else if !std::mem::replace(&mut self.opening.told, true) {
            self.tell(notice(key, &[]));
        }
    }

    fn refuse_cursor(&mut self) {
        if !std::mem::replace(&mut self.opening.refused, true) {
            self.tell(notice("journal-cursor", &[]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_without_a_cursor_begins_behind_the_last_entry_and_never_in_the_future() {
        let row = |last| PositionRow { last: Stamp(last), ..PositionRow::unread("journal") };
        assert_eq!(since(&row(0), Stamp(9000)), None);
        assert_eq!(since(&row(5000), Stamp(9000)), Some(Stamp(5001)));
        assert_eq!(since(&row(50_000), Stamp(9000)), Some(Stamp(9001)));
    }
}
