//! The warden's loop: it waits for the watcher, operators, log files, the kernel and signals, and
//! does what the table of verbs allows.

mod actor;
mod clients;
mod courier;
mod ends;
mod files;
mod hook;
mod jail_log;
mod jails;
mod journal;
mod lanes;
mod reload;
mod settling;
#[cfg(test)]
mod tests;
mod verbs;
mod wide;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use monban_model::wire::{Mode, SiblingsOf, ToWarden, ToWatcher};
use monban_model::{Notice, Stamp};
use rustix::event::{PollFd, PollFlags};

use crate::gate::Gate;
use crate::host::{Host, Load};
use crate::keys::KeyFiles;
use crate::{AllowList, Channel, Lookout, Presence, ProgramText, Received, Wall};
use actor::Staff;
pub use actor::may_have_left;
use clients::Clients;
use courier::Courier;
use hook::Hook;
use journal::Journal;
use lanes::Runner;
use reload::{NextReload, Proposal};
use wide::Wide;

/// A rescan of log paths, the presence of people and the firewall's state.
const TICK: Duration = Duration::from_secs(1);

/// After a wake-up by log files, so long nothing more is said of them: writers that write each
/// line by itself would else wake the watcher for each.
const WAKE_PAUSE: Duration = Duration::from_micros(500);

/// While there is something to say at the end of each such pause, it doubles up to this: a log that
/// is written to all the time is read in larger pieces.
const WAKE_PAUSE_LONGEST: Duration = Duration::from_millis(1);

/// The pause while the watcher says that it is flooded.
const WAKE_PAUSE_IN_FLOOD: Duration = Duration::from_millis(4);

/// The first wait before a watcher that ended is started again; it doubles.
const RESTART_FIRST: Duration = Duration::from_millis(100);

/// The longest wait before a watcher is started again.
const RESTART_LONGEST: Duration = Duration::from_secs(2);

/// Frames of the watcher that are served before others have their turn.
const FRAMES_A_TURN: usize = 256;

/// What the warden is started with.
pub struct Start<'h> {
    /// The state folder: lock, socket and allow list lie in it.
    pub state: PathBuf,
    /// The first configuration.
    pub load: Load,
    /// The control socket, listening.
    pub control: OwnedFd,
    /// Becomes readable when the process is asked to end (a byte `T`) or to reload (`H`).
    pub signals: OwnedFd,
    /// The firewall, or why there is none.
    pub wall: Result<Wall, String>,
    /// The socket of the hook in PAM, and the folder of its spool, where this guard has them; or
    /// why it cannot.
    pub hook: Option<(PathBuf, Result<OwnedFd, String>)>,
    /// The program around.
    pub host: &'h mut dyn Host,
}

/// The warden.
pub struct Keeper<'h> {
    host: &'h mut dyn Host,
    load: Load,
    proposed: Option<Proposal>,
    next_reload: Option<NextReload>,
    /// Configurations that were proposed so far, and which of them is in force.
    reloads: u32,
    in_force: u32,
    /// The last one was refused.
    refused: bool,
    allow: AllowList,
    presence: Presence,
    lookout: Lookout,
    looked: Instant,
    wall: Result<Wall, String>,
    gate: Gate,
    watcher: Option<Watcher>,
    staff: Staff,
    starts: u32,
    restart_at: Option<Instant>,
    restart_wait: Duration,
    clients: Clients,
    /// Questions for the status that wait for a commit, and until when.
    status_waits: Vec<(u32, Instant)>,
    signals: OwnedFd,
    since: Stamp,
    ready: bool,
    restored: Vec<monban_model::wire::WireOrder>,
    journal: Journal,
    /// Questions for rotated files that wait for their answer.
    siblings: VecDeque<SiblingsOf>,
    wide: Wide,
    courier: Courier,
    hook: Hook,
    keys: KeyFiles,
    runner: Runner,
    stopping: bool,
    files: HashMap<String, u32>,
    /// Logs that cannot be read or have gone, by path.
    unread: BTreeMap<String, Notice>,
    flooded: bool,
    pause: Duration,
    pause_until: Option<Instant>,
    ticks: u64,
    text: ProgramText,
}

struct Watcher {
    child: Child,
    channel: Channel,
    started: Instant,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Go,
    End,
}

impl<'h> Keeper<'h> {
    /// A warden that has not started its watcher yet.
    ///
    /// # Errors
    /// If the allow list in the state folder or the log paths cannot be read.
    pub fn new(start: Start<'h>) -> io::Result<Self> {
        Ok(Self {
            allow: AllowList::open(&start.state, start.load.allow.clone())?,
            presence: Presence::default(),
            lookout: Lookout::new(Path::new("/proc")),
            looked: Instant::now(),
            gate: Gate::new(&start.load.patterns, &start.load.sent).map_err(io::Error::other)?,
            host: start.host,
            load: start.load,
            proposed: None,
            next_reload: None,
            reloads: 0,
            in_force: 0,
            refused: false,
            wall: start.wall,
            watcher: None,
            staff: Staff::new(&start.state),
            starts: 0,
            restart_at: None,
            restart_wait: RESTART_FIRST,
            clients: Clients::new(start.control),
            status_waits: Vec::new(),
            signals: start.signals,
            since: now(),
            ready: false,
            restored: Vec::new(),
            journal: Journal::default(),
            siblings: VecDeque::new(),
            wide: Wide::open(&start.state),
            courier: Courier::default(),
            hook: Hook::new(start.hook),
            keys: KeyFiles::default(),
            runner: Runner::default(),
            stopping: false,
            files: HashMap::new(),
            unread: BTreeMap::new(),
            flooded: false,
            pause: WAKE_PAUSE,
            pause_until: None,
            ticks: 0,
            text: ProgramText::find(),
        })
    }

    /// Guards until it is told to end. Blocks stay in place then.
    ///
    /// # Errors
    /// If the kernel does not let it wait.
    pub fn run(&mut self) -> io::Result<()> {
        self.start_watcher();
        if let Some(told) = self.host.rival() {
            self.tell(told);
        }
        let mut next_tick = Instant::now() + TICK;
        loop {
            if self.wait(next_tick)? == Flow::End {
                break;
            }
            if Instant::now() >= next_tick {
                self.tick();
                next_tick = Instant::now() + TICK;
            }
            if self.ready {
                self.text.let_go();
            }
        }
        self.stop();
        Ok(())
    }

    /// Whether blocks reach the firewall.
    fn guards(&self) -> bool {
        self.wall.is_ok() && !self.load.observe
    }

    fn mode(&self) -> Mode {
        if self.guards() { Mode::Guard } else { Mode::Observe }
    }

    /// Waits for the next thing to do and does it.
    fn wait(&mut self, next_tick: Instant) -> io::Result<Flow> {
        let paused = self.pause_until.is_some_and(|until| until > Instant::now());
        let mut until = next_tick;
        let restarts = [self.restart_at, self.staff.restart_at()];
        let pause = self.pause_until.filter(|_| paused);
        for earlier in restarts.into_iter().chain([pause]).flatten() {
            until = until.min(earlier);
        }
        if self.may_offer_siblings() {
            until = Instant::now();
        }
        let ready = self.poll(until, paused)?;
        if ready.signals && self.signal()? == Flow::End {
            return Ok(Flow::End);
        }
        // Orders before everything else: they are what it is all for.
        if ready.watcher {
            self.hear_watcher();
        }
        if ready.actor {
            self.hear_actor();
        }
        self.offer_waiting_siblings();
        if ready.files {
            self.wake_watcher();
            self.pause_waking();
        }
        if ready.wall {
            self.check_wall();
        }
        if ready.courier {
            self.hear_courier();
        }
        if ready.runner {
            self.hear_runner();
        }
        if ready.clients {
            self.serve_clients();
        }
        if self.restart_at.is_some_and(|at| at <= Instant::now()) {
            self.restart_at = None;
            self.start_watcher();
        }
        self.restart_actor_if_due();
        self.propose_reload();
        Ok(Flow::Go)
    }

    /// Nothing is said of log files for a while.
    fn pause_waking(&mut self) {
        let now = Instant::now();
        let waited = self.pause_until.is_some_and(|until| now < until + WAKE_PAUSE / 2);
        self.pause = match waited {
            _ if self.flooded => WAKE_PAUSE_IN_FLOOD,
            true => (self.pause * 2).min(WAKE_PAUSE_LONGEST),
            false => WAKE_PAUSE,
        };
        self.pause_until = Some(now + self.pause);
    }

    fn poll(&self, until: Instant, paused: bool) -> io::Result<Ready> {
        let mut fds: Vec<PollFd<'_>> = vec![PollFd::new(&self.signals, PollFlags::IN)];
        let mut places = [usize::MAX; 6];
        if let Some(watcher) = &self.watcher {
            let behind = watcher.channel.is_behind();
            let flags = if behind { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            places[0] = fds.len();
            fds.push(PollFd::from_borrowed_fd(watcher.channel.as_fd(), flags));
        }
        if !paused {
            places[1] = fds.len();
            fds.push(PollFd::from_borrowed_fd(self.gate.fd(), PollFlags::IN));
        }
        if let Ok(wall) = &self.wall {
            places[2] = fds.len();
            fds.push(PollFd::from_borrowed_fd(wall.as_fd(), PollFlags::IN));
        }
        if let Some((channel, flags)) = self.courier.channel() {
            places[3] = fds.len();
            fds.push(PollFd::from_borrowed_fd(channel.as_fd(), flags));
        }
        if let Some((fd, behind)) = self.staff.fd() {
            let flags = if behind { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            places[4] = fds.len();
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        }
        if let Some((channel, flags)) = self.runner.channel() {
            places[5] = fds.len();
            fds.push(PollFd::from_borrowed_fd(channel.as_fd(), flags));
        }
        let clients_at = fds.len();
        fds.extend(self.clients.fds().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let left = until.saturating_duration_since(Instant::now());
        let timeout = left.try_into().map_err(io::Error::other)?;
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) | Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready {
            signals: is_ready(0),
            watcher: is_ready(places[0]),
            files: is_ready(places[1]),
            wall: is_ready(places[2]),
            courier: is_ready(places[3]),
            actor: is_ready(places[4]),
            runner: is_ready(places[5]),
            clients: (clients_at..fds.len()).any(is_ready),
        })
    }

    fn signal(&mut self) -> io::Result<Flow> {
        let mut bytes = [0; 64];
        let count = rustix::io::read(&self.signals, &mut bytes)?;
        if count == 0 || bytes[..count].contains(&b'T') {
            return Ok(Flow::End);
        }
        self.ask_reload(None);
        Ok(Flow::Go)
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.begin_actor();
        self.offer_files();
        self.end_stale_status();
        self.clients.release_stale();
        self.start_journal_if_due();
        self.look_after_courier();
        self.reopen_hook();
        self.take_spool();
        self.look_at_hook();
        if self.ticks.is_multiple_of(5) {
            self.look_around();
        }
        let expired = self.allow.expire(now());
        if self.ticks.is_multiple_of(10) && self.allow.refresh() || expired {
            self.send_allow();
        }
        self.check_wall();
    }

    /// Somebody may have changed the table: it is put back at once, and the watcher says again
    /// which blocks are in force.
    fn check_wall(&mut self) {
        let Ok(wall) = &mut self.wall else { return };
        let started = Instant::now();
        match wall.foreign_change() {
            Ok(None) => {}
            // Reports were lost, as in a large transaction of our own. Table and rules are as they
            // were made; nobody looks at the elements here.
            Ok(Some(foreign)) if foreign.pid == 0 && wall.is_intact() == Ok(true) => {}
            Ok(Some(foreign)) => {
                let repaired = wall.repair();
                let mut values = vec![("program", foreign.program)];
                let key = match &repaired {
                    Ok(_) => {
                        values.push(("ms", started.elapsed().as_millis().to_string()));
                        "firewall-changed"
                    }
                    Err(error) => {
                        values.push(("error", error.to_string()));
                        "firewall-broken"
                    }
                };
                self.post(&ToWatcher::SendBlocks, None);
                self.note(key, values);
            }
            Err(error) => self.note("firewall-broken", vec![("error", error.to_string())]),
        }
        self.check_jails();
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.post(&ToWatcher::Stop, None);
        let deadline = Instant::now() + Duration::from_secs(5);
        while let Some(watcher) = &mut self.watcher {
            let runs = matches!(watcher.child.try_wait(), Ok(None));
            if Instant::now() > deadline {
                let _ = watcher.child.kill();
                let _ = watcher.child.wait();
                break;
            }
            // What it still orders is carried out: the last lines may hold the fifth failure. It
            // is let go when its end of the channel is empty and closed.
            self.hear_watcher();
            if runs {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.stop_actor();
        self.journal.end();
        self.courier.end();
        self.runner.end();
    }

    /// Tells the watcher, who records it and says it.
    fn note(&mut self, key: &str, values: Vec<(&str, String)>) {
        self.tell(notice(key, values));
    }

    fn tell(&mut self, notice: Notice) {
        if self.watcher.is_some() {
            self.post(&ToWatcher::Tell(notice), None);
        } else {
            self.host.tell(&notice);
        }
    }

    /// Whether the watcher took the descriptors that it was given: one that asks and does not read
    /// would hold as many as this process may have.
    fn takes_descriptors(&self) -> bool {
        self.watcher.as_ref().is_some_and(|watcher| !watcher.channel.has_descriptors_waiting())
    }

    fn post(&mut self, frame: &ToWatcher, fd: Option<OwnedFd>) {
        if let Some(watcher) = &mut self.watcher
            && watcher.channel.post(frame, fd).is_err()
        {
            self.lose_watcher();
        }
    }

    /// Serves what the watcher has sent, a bounded number of frames: signals and operators have
    /// their turn also while it talks without end. What is left wakes the loop at once.
    fn hear_watcher(&mut self) {
        for _ in 0..FRAMES_A_TURN {
            let Some(watcher) = &mut self.watcher else { return };
            if watcher.channel.flush().is_err() {
                return self.lose_watcher();
            }
            match watcher.channel.receive::<ToWarden>() {
                Ok(Received::Frame(frame, fd)) => self.serve(frame, fd),
                Ok(Received::Nothing) => return,
                Ok(Received::End) | Err(_) => return self.lose_watcher(),
            }
        }
    }
}

fn notice(key: &str, values: Vec<(&str, String)>) -> Notice {
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Notice { key: key.to_owned(), values }
}

/// What has something to read.
struct Ready {
    signals: bool,
    watcher: bool,
    files: bool,
    wall: bool,
    courier: bool,
    runner: bool,
    actor: bool,
    clients: bool,
}

fn now() -> Stamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
