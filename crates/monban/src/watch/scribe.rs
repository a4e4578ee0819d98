//! The ledger at work on a thread of its own: a disk that takes its time, and the moving of
//! SQLite's log into its file, keep no line and no order waiting.
//!
//! One batch is on its way at a time, so what is durable is always the state at one instant.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use monban_ledger::{Batch, Ledger, LedgerError, Trimmed};
use monban_model::Stamp;

/// What the ledger is to keep.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Bytes of its file at most.
    pub bytes: u64,
    /// Records from this time on.
    pub from: Stamp,
}

/// How a batch fared.
pub enum Written {
    /// It is durable after so long, and so much was dropped for the limits.
    Done(Trimmed, Duration),
    /// Nothing of it was written; it comes back.
    Failed(Batch, LedgerError),
}

/// Writes batches.
pub struct Scribe {
    /// `None` once it is to end.
    jobs: Option<SyncSender<(Batch, Keep)>>,
    written: Receiver<Written>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Scribe {
    /// Takes the ledger over. The thread has the locks of the one that starts it.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(ledger: Ledger) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(1);
        let (tell, written) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || write(ledger, &waiting, &tell))?;
        Ok(Self { jobs: Some(jobs), written, busy: false, thread: Some(thread) })
    }

    /// Whether a batch is on its way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Hands a batch over. The one before it was answered. An empty one only looks for what is
    /// to be dropped.
    pub fn write(&mut self, batch: Batch, keep: Keep) {
        // The thread ends only when `jobs` is dropped.
        if let Some(jobs) = &self.jobs
            && jobs.send((batch, keep)).is_ok()
        {
            self.busy = true;
        }
    }

    /// How the batch fared that was on its way, if that is known; waits for it if `wait`.
    pub fn answer(&mut self, wait: bool) -> Option<Written> {
        if !self.busy {
            return None;
        }
        let answer = match wait {
            true => self.written.recv().map_err(|_| TryRecvError::Disconnected),
            false => self.written.try_recv(),
        };
        self.busy = matches!(answer, Err(TryRecvError::Empty));
        answer.ok()
    }
}

impl Drop for Scribe {
    /// The ledger notes a clean end.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(mut ledger: Ledger, jobs: &Receiver<(Batch, Keep)>, tell: &SyncSender<Written>) {
    for (batch, keep) in jobs {
        let start = Instant::now();
        let written = match batch.is_empty() {
            true => Ok(()),
            false => ledger.commit(&batch),
        };
        let answer = match written {
            // What cannot be dropped now is dropped after a later batch.
            Ok(()) => {
                // The next one may be made meanwhile.
                drop(batch);
                let trimmed = ledger.trim(keep.bytes, keep.from).unwrap_or_default();
                Written::Done(trimmed, start.elapsed())
            }
            Err(error) => Written::Failed(batch, error),
        };
        if tell.send(answer).is_err() {
            return;
        }
    }
}
