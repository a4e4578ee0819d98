//! The courier delivers messages, and resolves names for jails with `usedns`. Names are a
//! stranger's, and so are the name servers that answer for them: few threads, short patience,
//! bounded memory.

mod aws;
mod deliveries;
mod desk;
mod who;

use std::collections::BTreeSet;
use std::io;
use std::net::ToSocketAddrs;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use monban_model::Address;
use monban_model::limits::ADDRESSES_PER_NAME_MAX;
use monban_model::wire::{FromCourier, ToCourier};
use monban_warden::{Channel, Received};

use crate::lane::wait_for;
use deliveries::Deliveries;
use desk::Desk;
use who::Asker;

/// Names that are asked for at once.
const THREADS: usize = 8;

/// Without work for so long, the warden is told that it may let the courier go.
const IDLE: Duration = Duration::from_secs(60);

/// What a thread found out about a name.
type Found = (String, Vec<Address>);

/// Answers the warden until it closes its end.
///
/// # Errors
/// If the warden speaks nonsense, or the system gives no thread.
pub fn run(mut warden: Channel) -> io::Result<()> {
    let (bell, ringer) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    ringer.set_nonblocking(true)?;
    let workers = Workers::start(&ringer)?;
    let mut asker = Asker::new(ringer.try_clone()?);
    let mut deliveries = Deliveries::new(ringer);
    let mut desk = Desk::default();
    let mut worked = Instant::now();
    loop {
        for answer in asker.work() {
            warden.post(&answer, None)?;
        }
        if deliveries.work() || deliveries.is_busy() || asker.is_busy() {
            worked = Instant::now();
        }
        let now = Instant::now();
        while let Some(name) = desk.next(THREADS) {
            workers.names.send(name).map_err(io::Error::other)?;
        }
        for answer in desk.answers(now) {
            warden.post(&answer, None)?;
        }
        let until = desk.deadline().unwrap_or(worked + IDLE);
        if desk.deadline().is_none() && now >= until {
            warden.post(&FromCourier::Idle, None)?;
            worked = now;
            continue;
        }
        let left = until.saturating_duration_since(now);
        let left = asker.patience().map_or(left, |patience| left.min(patience));
        wait_for([Some(&warden), deliveries.lane()], &bell, left)?;
        while let Ok((name, addresses)) = workers.found.try_recv() {
            desk.found(&name, addresses, Instant::now());
            worked = Instant::now();
        }
        warden.flush()?;
        loop {
            match warden.receive::<ToCourier>()? {
                Received::Frame(ToCourier::Resolve { id, name }, _) => {
                    desk.ask(id, &name, Instant::now());
                    worked = Instant::now();
                }
                Received::Frame(ToCourier::Equip { reload }, Some(file)) => {
                    deliveries.equip(reload, file)?;
                }
                Received::Frame(ToCourier::Who { address }, _) => asker.ask(address)?,
                Received::Frame(ToCourier::Lane, Some(end)) => deliveries.set_lane(end),
                Received::Frame(frame, None) => {
                    return Err(io::Error::other(format!("{frame:?} without a descriptor")));
                }
                Received::Nothing => break,
                Received::End => return Ok(()),
            }
        }
    }
}

/// The threads that wait for name servers.
struct Workers {
    names: Sender<String>,
    found: Receiver<Found>,
}

impl Workers {
    /// Threads that ring when they found something.
    fn start(ringer: &UnixStream) -> io::Result<Self> {
        let (names, todo) = channel::<String>();
        let (done, found) = channel::<Found>();
        let todo = Arc::new(Mutex::new(todo));
        for _ in 0..THREADS {
            let (todo, done, ringer) = (todo.clone(), done.clone(), ringer.try_clone()?);
            let work = move || {
                loop {
                    let next = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(name) = next else { return };
                    let addresses = resolve(&name);
                    if done.send((name, addresses)).is_err() {
                        return;
                    }
                    // A full socket rings as well.
                    let _ = rustix::io::write(&ringer, &[1]);
                }
            };
            std::thread::Builder::new().name("resolve".to_owned()).spawn(work)?;
        }
        Ok(Self { names, found })
    }
}

/// The addresses that this system has for a name, each once, in their order; none if it has none
/// or no server answers.
fn resolve(name: &str) -> Vec<Address> {
    let Ok(sockets) = (name, 0).to_socket_addrs() else { return Vec::new() };
    let addresses: BTreeSet<Address> = sockets.map(|socket| Address::new(socket.ip())).collect();
    addresses.into_iter().take(ADDRESSES_PER_NAME_MAX).collect()
}
