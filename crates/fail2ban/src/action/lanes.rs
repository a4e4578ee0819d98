//! Work in lanes: what is in one lane is done in order, lanes go on beside each other. A lane is
//! there while something is in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use monban_model::limits::{FAIL2BAN_REQUESTS_BYTES_MAX, FAIL2BAN_REQUESTS_MAX};

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// What waits, or is being done.
    pub waiting: usize,
    /// Bytes of that.
    pub waiting_bytes: usize,
    /// What was refused since the start because too much waited.
    pub dropped: u64,
}

/// What waits in a lane, each with its bytes. Who works takes from the front as much as is well
/// done at once; the rest waits on.
pub type Waiting<W> = VecDeque<(usize, W)>;

/// Lanes with the threads that work on them.
pub struct Lanes<K, W> {
    shared: Arc<Shared<K, W>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<K, W> {
    state: Mutex<State<K, W>>,
    changed: Condvar,
}

struct State<K, W> {
    /// Lanes that somebody works on, or that are among the ready ones, and what more came in.
    lanes: BTreeMap<K, Waiting<W>>,
    /// Lanes with work that nobody is on.
    ready: VecDeque<K>,
    load: Load,
    closed: bool,
}

impl<K: Ord + Clone + Send + 'static, W: Send + 'static> Lanes<K, W> {
    /// Starts threads for lanes. `work` gets the name of a lane and what waits in it.
    pub fn new(
        threads: usize,
        work: impl Fn(&K, &mut Waiting<W>) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let state = State {
            lanes: BTreeMap::new(),
            ready: VecDeque::new(),
            load: Load::default(),
            closed: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let work = Arc::new(work);
        let mut started = Self { shared, threads: Vec::new() };
        for number in 0..threads.max(1) {
            let (shared, work) = (Arc::clone(&started.shared), Arc::clone(&work));
            let builder = std::thread::Builder::new().name(format!("action-{number}"));
            started.threads.push(builder.spawn(move || shared.serve(&*work))?);
        }
        Ok(started)
    }

    /// Adds work that takes so many bytes while it waits.
    ///
    /// # Errors
    /// There is too much already: then the work comes back.
    pub fn push(&self, lane: K, bytes: usize, work: W) -> Result<(), W> {
        let mut state = self.shared.lock();
        let full = state.load.waiting >= FAIL2BAN_REQUESTS_MAX
            || state.load.waiting_bytes.saturating_add(bytes) > FAIL2BAN_REQUESTS_BYTES_MAX;
        if full {
            state.load.dropped += 1;
            return Err(work);
        }
        self.shared.put(&mut state, lane, bytes, work);
        Ok(())
    }

    /// Adds work that must be done, however much waits.
    pub fn push_always(&self, lane: K, work: W) {
        self.shared.put(&mut self.shared.lock(), lane, 0, work);
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        self.shared.lock().load
    }

    /// Waits until everything is done, and ends the threads.
    pub fn finish(mut self) -> Load {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.load()
    }
}

impl<K, W> Drop for Lanes<K, W> {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.changed.notify_all();
    }
}

impl<K: Ord + Clone, W> Shared<K, W> {
    fn lock(&self) -> MutexGuard<'_, State<K, W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, state: &mut State<K, W>, name: K, bytes: usize, work: W) {
        let State { lanes, ready, load, .. } = state;
        load.waiting += 1;
        load.waiting_bytes += bytes;
        match lanes.get_mut(&name) {
            // Somebody works on it and looks again, or it is among the ready ones.
            Some(waiting) => waiting.push_back((bytes, work)),
            None => {
                lanes.insert(name.clone(), VecDeque::from([(bytes, work)]));
                ready.push_back(name);
                self.changed.notify_one();
            }
        }
    }

    fn serve(&self, work: &dyn Fn(&K, &mut Waiting<W>)) {
        while let Some((name, mut waiting)) = self.next() {
            let bytes_of = |waiting: &Waiting<W>| waiting.iter().map(|one| one.0).sum::<usize>();
            let (count, bytes) = (waiting.len(), bytes_of(&waiting));
            work(&name, &mut waiting);
            let mut state = self.lock();
            let State { lanes, ready, load, .. } = &mut *state;
            load.waiting -= count - waiting.len();
            load.waiting_bytes -= bytes - bytes_of(&waiting);
            waiting.append(&mut lanes.remove(&name).unwrap_or_default());
            if !waiting.is_empty() {
                // To the end of the row: a jail with much to do does not hold up the others.
                lanes.insert(name.clone(), waiting);
                ready.push_back(name);
                self.changed.notify_one();
            }
            if load.waiting == 0 {
                // Others may wait for the last work, which was in our hands.
                self.changed.notify_all();
            }
        }
    }

    /// The next lane with all that waits in it.
    fn next(&self) -> Option<(K, Waiting<W>)> {
        let mut state = self.lock();
        loop {
            let State { lanes, ready, load, closed } = &mut *state;
            if let Some(name) = ready.pop_front() {
                let waiting = lanes.get_mut(&name).map(std::mem::take).unwrap_or_default();
                return Some((name, waiting));
            }
            if *closed && load.waiting == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
