//! Standard output, spoken by a thread of its own: a reader that stalls (a pager, a stopped
//! terminal, a full pipe) must not stop the guard.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Lines that wait for a slow reader; later ones are counted and dropped.
const WAITING_MAX: usize = 2048;

/// An end waits so long for a slow reader.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Speaks lines to standard output and never waits.
#[derive(Debug, Default)]
pub struct Voice {
    speaker: Option<SyncSender<String>>,
    done: Arc<(Mutex<bool>, Condvar)>,
    dropped: u64,
}

impl Voice {
    /// Says a line. The thread starts with the first one, when the process is locked already, so
    /// that it is locked as well.
    pub fn say(&mut self, line: String) {
        let speaker = match &self.speaker {
            Some(speaker) => speaker,
            None => {
                let (speaker, lines) = sync_channel(WAITING_MAX);
                let done = Arc::clone(&self.done);
                let started = std::thread::Builder::new()
                    .name("voice".to_owned())
                    .stack_size(128 * 1024)
                    .spawn(move || speak(&lines, &done));
                if started.is_err() {
                    self.dropped += 1;
                    return;
                }
                self.speaker.insert(speaker)
            }
        };
        let mut lost = 0;
        let line = match std::mem::take(&mut self.dropped) {
            0 => line,
            count => {
                lost = count;
                format!("(... {count} ...)\n{line}")
            }
        };
        if let Err(TrySendError::Full(_)) = speaker.try_send(line) {
            self.dropped = lost + 1;
        }
    }

    /// Waits, not for long, until everything was said.
    pub fn end(&mut self) {
        if self.speaker.take().is_some()
            && let Ok(done) = self.done.0.lock()
        {
            let _ = self.done.1.wait_timeout_while(done, LAST_WORDS, |done| !*done);
        }
    }
}

fn speak(lines: &Receiver<String>, done: &(Mutex<bool>, Condvar)) {
    for line in lines {
        let mut out = std::io::stdout().lock();
        // A closed output is no reason to stop guarding.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n"));
        let _ = out.flush();
    }
    if let Ok(mut done) = done.0.lock() {
        *done = true;
    }
    done.1.notify_all();
}
