//! Work in lanes: what is in one lane is done in order, lanes go on beside each other.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use monban_model::limits::{FAIL2BAN_REQUESTS_BYTES_MAX, FAIL2BAN_REQUESTS_MAX};

/// There is no room for more work; it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too many requests wait for the commands of actions")
    }
}

impl std::error::Error for Full {}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// What waits.
    pub waiting: usize,
    /// Bytes of what waits.
    pub waiting_bytes: usize,
    /// What was refused since the start because too much waited.
    pub dropped: u64,
}

/// Lanes with the threads that work on them.
pub struct Lanes<W> {
    shared: Arc<Shared<W>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
}

struct State<W> {
    lanes: Vec<Lane<W>>,
    /// Lanes with work that nobody is on.
    ready: VecDeque<usize>,
    load: Load,
    closed: bool,
}

struct Lane<W> {
    waiting: VecDeque<(usize, W)>,
    /// Whether somebody works on it, or it is among the ready ones.
    taken: bool,
}

impl<W: Send + 'static> Lanes<W> {
    /// Starts threads for lanes. `work` gets the number of a lane and what is to be done.
    pub fn new(
        lanes: usize,
        threads: usize,
        work: impl Fn(usize, W) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let lane = || Lane { waiting: VecDeque::new(), taken: false };
        let state = State {
            lanes: std::iter::repeat_with(lane).take(lanes).collect(),
            ready: VecDeque::new(),
            load: Load::default(),
            closed: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let work = Arc::new(work);
        let mut started = Self { shared, threads: Vec::new() };
        for number in 0..threads.min(lanes).max(1) {
            let (shared, work) = (Arc::clone(&started.shared), Arc::clone(&work));
            let builder = std::thread::Builder::new().name(format!("action-{number}"));
            started.threads.push(builder.spawn(move || shared.serve(&*work))?);
        }
        Ok(started)
    }

    /// Adds work that takes so many bytes while it waits.
    ///
    /// # Errors
    /// There is too much already, or no such lane.
    pub fn push(&self, lane: usize, bytes: usize, work: W) -> Result<(), Full> {
        let mut state = self.shared.lock();
        let full = state.load.waiting >= FAIL2BAN_REQUESTS_MAX
            || state.load.waiting_bytes.saturating_add(bytes) > FAIL2BAN_REQUESTS_BYTES_MAX;
        let State { lanes, ready, load, .. } = &mut *state;
        let Some(found) = lanes.get_mut(lane).filter(|_| !full) else {
            load.dropped += 1;
            return Err(Full);
        };
        found.waiting.push_back((bytes, work));
        load.waiting += 1;
        load.waiting_bytes += bytes;
        if !std::mem::replace(&mut found.taken, true) {
            ready.push_back(lane);
            self.shared.changed.notify_one();
        }
        Ok(())
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        self.shared.lock().load
    }

    /// Waits until everything is done, and ends the threads.
    pub fn finish(mut self) -> Load {
        self.close();
        self.load()
    }

    fn close(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl<W> Drop for Lanes<W> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl<W> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, work: &dyn Fn(usize, W)) {
        while let Some((lane, one)) = self.next() {
            work(lane, one);
            let mut state = self.lock();
            let State { lanes, ready, .. } = &mut *state;
            let Some(found) = lanes.get_mut(lane) else { continue };
            if found.waiting.is_empty() {
                found.taken = false;
            } else {
                // To the end of the row: a jail with much to do does not hold up the others.
                ready.push_back(lane);
                self.changed.notify_one();
            }
        }
    }

    fn next(&self) -> Option<(usize, W)> {
        let mut state = self.lock();
        loop {
            let State { lanes, ready, load, closed } = &mut *state;
            if let Some(lane) = ready.pop_front() {
                let Some((bytes, one)) = lanes.get_mut(lane).and_then(|l| l.waiting.pop_front())
                else {
                    continue;
                };
                load.waiting -= 1;
                load.waiting_bytes -= bytes;
                return Some((lane, one));
            }
            if *closed && load.waiting == 0 {
                // Others may wait for the last work of a lane that is in somebody's hands.
                self.changed.notify_all();
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
