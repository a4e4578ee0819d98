//! The records that messages are made of: the last ones from memory, older ones from the ledger.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use monban_ledger::Reader;
use monban_model::{Event, Record, Seq};

use crate::watch::commit::bytes_of;

/// Records that are kept.
const KEPT: usize = 512;

/// About the memory that they may take: whoever attacks writes long lines.
const KEPT_BYTES: usize = 512 << 10;

/// Records for messages.
pub(super) struct Recent {
    kept: VecDeque<Record>,
    kept_bytes: usize,
    folder: PathBuf,
}

impl Recent {
    /// Older ones are looked for in the ledger of this folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self { kept: VecDeque::new(), kept_bytes: 0, folder: folder.to_owned() }
    }

    /// Keeps one that was published.
    pub(super) fn keep(&mut self, record: &Record) {
        self.kept_bytes += bytes_of(record);
        self.kept.push_back(record.clone());
        while (self.kept.len() > KEPT || self.kept_bytes > KEPT_BYTES)
            && let Some(old) = self.kept.pop_front()
        {
            self.kept_bytes -= bytes_of(&old);
        }
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

#[cfg(test)]
mod tests {
    use monban_model::{Evidence, HostFinding, Severity, Stamp};

    use super::*;

    fn record(seq: u64, line_bytes: usize) -> Record {
        let evidence = Evidence {
            time: Stamp(0),
            rule: String::new(),
            weight: 1,
            line: vec![b'x'; line_bytes],
        };
        let found = HostFinding {
            key: "sudo-refused".to_owned(),
            severity: Severity::Warning,
            service: "sudo".to_owned(),
            user: None,
            values: Vec::new(),
            evidence: vec![evidence; 10],
        };
        Record { seq: Seq(seq), time: Stamp(0), event: Event::FoundHere(Box::new(found)) }
    }

    #[test]
    fn long_lines_leave_room_for_fewer_records() {
        for (line_bytes, most) in [(0, KEPT), (100, 250), (1000, 50), (8000, 7)] {
            let mut recent = Recent::new(Path::new("/nonexistent"));
            (1..2000).for_each(|seq| recent.keep(&record(seq, line_bytes)));
            assert!(recent.kept.len() <= most && recent.kept.len() > most / 2, "{line_bytes}");
            assert_eq!(recent.kept_bytes, recent.kept.iter().map(bytes_of).sum::<usize>());
            assert_eq!(recent.find(&[Seq(1), Seq(1999)]), [record(1999, line_bytes)]);
        }
    }
}
