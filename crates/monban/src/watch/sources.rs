//! Which sources are watched: their coming and going, and the change from one journal to another.

use std::collections::{BTreeSet, HashSet};

use monban_config::JournalUse;
use monban_engine::Observation;
use monban_model::PositionRow;
use monban_sources::journal::journal_name;

use super::{Watch, notice};

/// Where the ledger keeps the names of the sources that are watched, as a JSON list. A row of a
/// source that is not among them is kept: it may be watched again.
pub const WATCHED_META: &str = "sources.watched";

/// The sources that are watched now.
#[derive(Debug, Default)]
pub struct Watched {
    names: BTreeSet<String>,
    gone: HashSet<String>,
    /// Those in which metrics count, and in which nothing else is looked for.
    counted: HashSet<String>,
    /// The ledger does not know it yet.
    pub changed: bool,
}

impl Watched {
    /// A source is there. True if it was gone.
    pub fn opened(&mut self, name: &str) -> bool {
        self.changed |= self.names.insert(name.to_owned());
        self.gone.remove(name)
    }

    /// Whether rules look into it is as the warden says.
    pub fn judged(&mut self, name: &str, is_judged: bool) {
        match is_judged {
            true => _ = self.counted.remove(name),
            false => _ = self.counted.insert(name.to_owned()),
        }
    }

    /// Whether rules look for attacks and logins in it.
    pub fn is_judged(&self, name: &str) -> bool {
        self.counted.is_empty() || !self.counted.contains(name)
    }

    /// Nothing stands at its path; it is still watched for. False if it never was, as a log that
    /// is only sent.
    pub fn gone(&mut self, name: &str) -> bool {
        let is_watched = self.names.contains(name);
        if is_watched {
            self.gone.insert(name.to_owned());
        }
        is_watched
    }

    /// It is no longer watched. False if it was not.
    pub fn dropped(&mut self, name: &str) -> bool {
        let was_watched = self.names.remove(name);
        self.changed |= was_watched;
        self.gone.remove(name);
        self.counted.remove(name);
        was_watched
    }

    #[cfg(test)]
    pub fn sizes(&self) -> [usize; 3] {
        [self.names.len(), self.gone.len(), self.counted.len()]
    }

    /// The names of all that are there.
    pub fn present(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|name| !self.gone.contains(*name))
    }

    /// For the ledger.
    pub fn meta(&self) -> (String, String) {
        (WATCHED_META.to_owned(), serde_json::json!(self.names).to_string())
    }
}

impl Watch {
    /// The file of a path is there no more.
    pub(super) fn source_gone(&mut self, path: String) {
        self.feed.gone(&path);
        self.sending.sender.gone(&path);
        if !self.watched.gone(&path) {
            return;
        }
        self.jail_side.jails().leaves(&path);
        self.tell(notice("source-gone", &[("path", path)]));
    }

    /// The configuration names a source no more.
    pub(super) fn source_dropped(&mut self, name: String) {
        self.feed.leave(&name);
        if !self.watched.dropped(&name) {
            return;
        }
        self.jail_side.jails().leaves(&name);
        self.observe(Observation::Notice(notice("source-dropped", &[("path", name)])));
    }

    /// Forgets what was known of sources that are not followed any more. A path that is gone is
    /// followed for a while still, as its last lines may come; but there is an end to those, and so
    /// to all that is kept by path.
    pub(super) fn forget_sources(&mut self) {
        let (feed, sender) = (&self.feed, &self.sending.sender);
        self.paths.retain(|_, path| feed.follows(path) || sender.follows(path));
        let journal = self.journal_row.as_ref().map(|row| row.path.as_str());
        self.mind.forget_forms(|path| journal == Some(path) || feed.follows(path));
    }

    /// Whether any source is open.
    pub(super) fn has_source(&self) -> bool {
        self.journal.is_some() || self.feed.sources().next().is_some()
    }

    /// Goes over to the journal that a configuration names.
    pub(super) fn take_journal(&mut self, wanted: bool, from: &JournalUse) {
        let folder = match from {
            JournalUse::Folder(folder) => Some(folder.as_str()),
            JournalUse::Auto | JournalUse::On | JournalUse::Off => None,
        };
        let name = wanted.then(|| journal_name(folder));
        if self.journal_row.as_ref().map(|row| &row.path) == name.as_ref() {
            if name.is_some() && self.journal.is_none() {
                self.stage.want_journal();
            }
            return;
        }
        if let Some(row) = self.journal_row.take() {
            self.journal = None;
            self.journal_asked = false;
            self.stage.forget_journal();
            self.opening = super::journal::Opening::default();
            self.source_dropped(row.path.clone());
            // What was read of it is committed together with how far.
            self.commit();
            self.journal_rows.push(row);
        }
        if let Some(name) = name {
            let known = self.journal_rows.iter().position(|row| row.path == name);
            let row = known.map(|at| self.journal_rows.swap_remove(at));
            self.journal_row = Some(row.unwrap_or_else(|| PositionRow::unread(&name)));
            self.watched.opened(&name);
            self.stage.want_journal();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_was_gone_and_what_was_dropped_is_not_named() {
        let mut watched = Watched::default();
        assert!(!watched.opened("/var/log/a"));
        watched.opened("journal");
        watched.gone("/var/log/a");
        watched.gone("/var/log/never");
        assert_eq!(watched.meta().1, r#"["/var/log/a","journal"]"#);
        assert_eq!(watched.present().collect::<Vec<_>>(), ["journal"]);
        assert!(watched.opened("/var/log/a"));
        assert_eq!(watched.present().count(), 2);
        assert!(!watched.opened("/var/log/a"), "told once");
        watched.changed = false;
        watched.dropped("journal");
        assert!(watched.changed);
        assert_eq!(watched.meta().1, r#"["/var/log/a"]"#);
    }
}
