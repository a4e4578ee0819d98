//! The courier resolves names for jails with `usedns`. Names are a stranger's, and so are the name
//! servers that answer for them: few threads, short patience, bounded memory.

mod desk;

use std::collections::BTreeSet;
use std::io;
use std::net::ToSocketAddrs;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use monban_model::Address;
use monban_model::limits::ADDRESSES_PER_NAME_MAX;
use monban_model::wire::{FromCourier, ToCourier};
use monban_warden::{Channel, Received};
use rustix::event::{PollFd, PollFlags};

use desk::Desk;

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
    let workers = Workers::start()?;
    let mut desk = Desk::default();
    let mut worked = Instant::now();
    loop {
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
        wait(&warden, &workers.bell, until.saturating_duration_since(now))?;
        drain(&workers.bell);
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
    /// Readable when something was found.
    bell: UnixStream,
}

impl Workers {
    fn start() -> io::Result<Self> {
        let (names, todo) = channel::<String>();
        let (done, found) = channel::<Found>();
        let (bell, ringer) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ringer.set_nonblocking(true)?;
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
        Ok(Self { names, found, bell })
    }
}

/// The addresses that this system has for a name, each once, in their order; none if it has none
/// or no server answers.
fn resolve(name: &str) -> Vec<Address> {
    let Ok(sockets) = (name, 0).to_socket_addrs() else { return Vec::new() };
    let addresses: BTreeSet<Address> = sockets.map(|socket| Address::new(socket.ip())).collect();
    addresses.into_iter().take(ADDRESSES_PER_NAME_MAX).collect()
}

fn wait(warden: &Channel, bell: &UnixStream, time: Duration) -> io::Result<()> {
    let out = if warden.is_behind() { PollFlags::OUT } else { PollFlags::empty() };
    let mut fds = [
        PollFd::from_borrowed_fd(warden.as_fd(), PollFlags::IN | out),
        PollFd::new(bell, PollFlags::IN),
    ];
    let time = time.try_into().map_err(io::Error::other)?;
    match rustix::event::poll(&mut fds, Some(&time)) {
        Err(rustix::io::Errno::INTR) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn drain(bell: &UnixStream) {
    let mut bytes = [0; 64];
    while rustix::io::read(bell, &mut bytes).is_ok_and(|count| count > 0) {}
}
