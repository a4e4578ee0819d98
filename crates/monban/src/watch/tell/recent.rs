//! The records that messages are made of: the last ones from memory, older ones from the ledger.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use monban_ledger::Reader;
use monban_model::{Event, Record, Seq};

/// Records that are kept.
const KEPT: usize = 512;

/// Records for messages.
pub(super) struct Recent {
    kept: VecDeque<Record>,
    folder: PathBuf,
}

impl Recent {
    /// Older ones are looked for in the ledger of this folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self { kept: VecDeque::new(), folder: folder.to_owned() }
    }

    /// Keeps one that was published.
    pub(super) fn keep(&mut self, record: &Record) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(record.clone());
    }

    /// The findings that decisions among these records rest on.
    pub(super) fn findings(&self, records: &[Record]) -> Vec<Record> {
        let finding = |record: &Record| match &record.event {
            Event::Decided(decision) => decision.finding,
            _ => None,
        };
        let seqs: Vec<Seq> = records.iter().filter_map(finding).collect();
        self.find(&seqs)
    }

    /// The records of these numbers, as far as they are still there.
    pub(super) fn find(&self, items: &[Seq]) -> Vec<Record> {
        let mut reader = None;
        let mut found = Vec::with_capacity(items.len());
        for seq in items {
            let known = self.kept.binary_search_by_key(seq, |record| record.seq);
            if let Some(record) = known.ok().and_then(|at| self.kept.get(at)) {
                found.push(record.clone());
                continue;
            }
            let reader = reader.get_or_insert_with(|| Reader::open(&self.folder).ok());
            let stored = reader.as_ref().and_then(|reader| reader.record(*seq).ok().flatten());
            found.extend(stored);
        }
        found
    }
}
