//! Standard output, spoken by a thread of its own: a reader that stalls (a pager, a stopped
//! terminal, a full pipe) must not stop the guard.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Bytes that wait for a slow reader; lines after them are counted and dropped.
const WAITING_MAX: usize = 256 * 1024;

/// An end waits so long for a slow reader.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Speaks lines to standard output and never waits.
#[derive(Debug, Default)]
pub struct Voice {
    desk: Arc<Desk>,
    /// The thread is there.
    speaks: bool,
    /// Something waits of which the thread has not heard.
    has_news: bool,
    dropped: u64,
}

/// What lies between the one who has something to say and the one who says it.
#[derive(Debug, Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    news: Condvar,
    done: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    text: String,
    ends: bool,
    is_done: bool,
}

impl Voice {
    /// Lays a line ready, to be said with the next [`Voice::speak`].
    pub fn say(&mut self, line: &str) {
        let mut waiting = self.desk.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.text.len() + line.len() >= WAITING_MAX {
            self.dropped += 1;
            return;
        }
        if self.dropped > 0 {
            waiting.text.push_str(&format!("(... {} ...)\n", std::mem::take(&mut self.dropped)));
        }
        waiting.text.push_str(line);
        waiting.text.push('\n');
        self.has_news = true;
    }

    /// Says what lies ready. The thread starts with the first line, when the process is locked
    /// already, so that it is locked as well.
    pub fn speak(&mut self) {
        if !std::mem::take(&mut self.has_news) {
            return;
        }
        if !self.speaks {
            let desk = Arc::clone(&self.desk);
            let started = std::thread::Builder::new()
                .name("voice".to_owned())
                .stack_size(128 * 1024)
                .spawn(move || desk.speak());
            self.speaks = started.is_ok();
            // Else it is tried again the next time.
            self.has_news = !self.speaks;
            return;
        }
        self.desk.news.notify_one();
    }

    /// Waits, not for long, until everything was said.
    pub fn end(&mut self) {
        self.speak();
        if !self.speaks {
            return;
        }
        let mut waiting = self.desk.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.ends = true;
        self.desk.news.notify_one();
        let _ = self.desk.done.wait_timeout_while(waiting, LAST_WORDS, |waiting| !waiting.is_done);
    }
}

impl Drop for Voice {
    /// Also what lies ready when the watcher ends by an error is said.
    fn drop(&mut self) {
        self.end();
    }
}

impl Desk {
    /// Says what lies there, until there is nothing more to be said.
    fn speak(&self) {
        let mut text = String::new();
        loop {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let silent = |waiting: &mut Waiting| waiting.text.is_empty() && !waiting.ends;
            let waiting = self.news.wait_while(waiting, silent);
            let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            if waiting.text.is_empty() {
                waiting.is_done = true;
                self.done.notify_all();
                return;
            }
            // The two rooms change places: nothing is copied, and none is asked for anew.
            std::mem::swap(&mut text, &mut waiting.text);
            drop(waiting);
            let mut out = std::io::stdout().lock();
            // A closed output is no reason to stop guarding.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            text.clear();
        }
    }
}
