//! `journalctl`, started when the watcher asks for it and the configuration wants it.

use std::process::Child;
use std::time::{Duration, Instant};

use monban_model::Stamp;
use monban_model::limits::JOURNAL_CURSOR_MAX;
use monban_model::wire::ToWatcher;

use super::Keeper;

/// It is started at most once in this time; a watcher that asks earlier waits.
const PAUSE: Duration = Duration::from_secs(2);

/// `journalctl`, as far as it runs.
#[derive(Debug, Default)]
pub(super) struct Journal {
    child: Option<Child>,
    started: Option<Instant>,
    /// It is wanted: after which cursor or time.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    after: Option<String>,
    since: Option<Stamp>,
}

impl Journal {
    /// Whether it runs now.
    pub(super) fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends it and forgets that it was asked for.
    pub(super) fn end(&mut self) {
        self.asked = None;
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Keeper<'_> {
    /// The watcher wants the journal after a cursor or from a time on.
    pub(super) fn ask_journal(&mut self, after: Option<String>, since: Option<Stamp>) {
        let is_cursor = |text: &String| {
            text.len() <= JOURNAL_CURSOR_MAX
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"=;-".contains(&b))
        };
        if !self.load.journal {
            return;
        }
        if after.as_ref().is_some_and(|text| !is_cursor(text)) {
            return self.note("journal-failed", vec![("error", "not a cursor".to_owned())]);
        }
        // An empty cursor is none: journalctl would refuse it for ever.
        let after = after.filter(|text| !text.is_empty());
        self.journal.asked = Some(Asked { after, since });
        self.start_journal_if_due();
    }

    /// Starts it if it is wanted and the last start is long enough ago.
    pub(super) fn start_journal_if_due(&mut self) {
        if self.journal.started.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        let Some(Asked { after, since }) = self.journal.asked.take() else { return };
        self.journal.end();
        self.journal.started = Some(Instant::now());
        let folder = self.load.journal_folder.as_deref();
        match self.host.start_journal(folder, after.as_deref(), since) {
            Ok((child, output)) => {
                self.journal.child = Some(child);
                self.post(&ToWatcher::Journal, Some(output));
            }
            Err(error) => self.note("journal-failed", vec![("error", error.to_string())]),
        }
    }
}
