//! Who addresses are: asked of registries and name servers by two threads, a bounded number of
//! times.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use monban_courier::who::{NameServers, Servers, WhoDesk, look_up};
use monban_model::wire::FromCourier;
use monban_model::{Address, WhoAnswer};

use crate::watch::now;

/// Addresses that are asked about at once.
const THREADS: usize = 2;

/// Bytes of resolv.conf that are read.
const RESOLV_CONF_MAX: u64 = 64 * 1024;

/// Questions about addresses, and their answers.
pub struct Asker {
    desk: WhoDesk,
    asked: HashMap<u64, Address>,
    next: u64,
    todo: Sender<Address>,
    found: Receiver<(Address, WhoAnswer)>,
    idle: Option<Idle>,
}

struct Idle {
    todo: Receiver<Address>,
    done: Sender<(Address, WhoAnswer)>,
    ringer: UnixStream,
}

impl Asker {
    /// Nobody is asked yet; `ringer` is rung when somebody answered.
    pub fn new(ringer: UnixStream) -> Self {
        let (todo, open) = channel();
        let (done, found) = channel();
        let idle = Some(Idle { todo: open, done, ringer });
        Self { desk: WhoDesk::default(), asked: HashMap::new(), next: 0, todo, found, idle }
    }

    /// A question comes in.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn ask(&mut self, address: Address) -> io::Result<()> {
        if let Some(idle) = self.idle.take() {
            start_threads(idle)?;
        }
        self.next += 1;
        self.asked.insert(self.next, address);
        self.desk.ask(self.next, address, Instant::now());
        Ok(())
    }

    /// What is to be told now.
    pub fn work(&mut self) -> Vec<FromCourier> {
        while let Ok((address, answer)) = self.found.try_recv() {
            self.desk.found(address, answer, Instant::now());
        }
        while let Some(address) = self.desk.next(THREADS, Instant::now()) {
            if self.todo.send(address).is_err() {
                break;
            }
        }
        let answers = self.desk.answers(Instant::now());
        let told = answers.into_iter().filter_map(|(id, answer)| {
            let address = self.asked.remove(&id)?;
            Some(FromCourier::Who { address, answer: Box::new(answer) })
        });
        told.collect()
    }

    /// Whether somebody waits for an answer.
    pub fn is_busy(&self) -> bool {
        !self.asked.is_empty()
    }

    /// How long it may be waited for something else.
    pub fn patience(&self) -> Option<Duration> {
        let until = self.desk.deadline(THREADS)?;
        Some(until.saturating_duration_since(Instant::now()))
    }
}

fn start_threads(idle: Idle) -> io::Result<()> {
    let todo = Arc::new(Mutex::new(idle.todo));
    for _ in 0..THREADS {
        let (todo, done) = (todo.clone(), idle.done.clone());
        let ringer = idle.ringer.try_clone()?;
        let work = move || {
            loop {
                let next = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(address) = next else { return };
                let answer = look_up(&servers(), address, now());
                if done.send((address, answer)).is_err() {
                    return;
                }
                // A full socket rings as well.
                let _ = rustix::io::write(&ringer, &[1]);
            }
        };
        std::thread::Builder::new().name("who".to_owned()).spawn(work)?;
    }
    Ok(())
}

/// Read for each question: a laptop's name servers change.
fn servers() -> Servers {
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open("/etc/resolv.conf") {
        let _ = io::Read::read_to_string(&mut io::Read::take(file, RESOLV_CONF_MAX), &mut text);
    }
    Servers::registries(NameServers::of_resolv_conf(&text))
}
