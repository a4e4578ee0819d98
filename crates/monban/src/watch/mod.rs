//! The watcher at work: frames and lines in, records and orders out, all of it committed at once.

mod askers;
mod brief;
mod clocks;
mod commit;
mod earlier;
mod echo;
mod flood;
mod foreseen;
mod form;
mod freeing;
mod hook;
mod jail_log;
mod jail_news;
mod jail_states;
mod jails;
mod journal;
mod log_sender;
mod metrics;
mod mind;
mod minutes;
mod notices;
mod origins;
mod output;
mod repeats;
mod scribe;
mod sending;
mod sources;
mod stage;
mod tell;
mod telling;
#[cfg(test)]
mod tests;
mod voice;
mod words;

pub use echo::{Echoes, Event};
pub use foreseen::FirstWord;
pub use form::Form;
pub use jail_states::{JailState, read as read_jail_states};
pub use jails::{ALONE_META as JAILS_ALONE_META, GUARDS_META as JAILS_GUARDS_META};
pub use log_sender::{
    POSITION_PREFIX as SENT_PREFIX, StreamState, read_states as read_stream_states,
};
pub use metrics::Metrics;
pub use mind::Mind;
pub use origins::{META as ORIGINS_META, Origins};
pub use output::Output;
pub use repeats::repeated;
pub use sources::WATCHED_META;
pub use tell::COUNTS_META as SUBSCRIPTIONS_META;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

use monban_engine::Observation;
use monban_fail2ban::dates::Zone;
use monban_ledger::{Ledger, Saved};
use monban_model::wire::{ToWarden, ToWatcher};
use monban_model::{Notice, Stamp};
use monban_rules::Clock;
use monban_sources::journal::{JournalReader, is_journal_name};
use monban_sources::{Feed, Turns};
use monban_warden::{Channel, ProgramText, Received};
use rustix::event::{PollFd, PollFlags};

use clocks::{Clocks, Turn};
use commit::Pending;
use scribe::Scribe;

/// Bytes that are read before frames, commits and another log have their turn: one to two
/// milliseconds of lines that all count.
const SLICE_BYTES: usize = 128 << 10;

/// Orders of a slice that is being read leave so long after the ones before: soon, and not each
/// in a transaction of its own while many attack at once.
const ORDERS_AFTER: Duration = Duration::from_millis(1);

/// Lines that are read before the clock is asked whether it is time for that: some microseconds.
const LINES_A_LOOK: u32 = 16;

/// While lines are read, what was told of them is said so often, and not line by line.
const SAID_AFTER: Duration = Duration::from_millis(20);

/// While the ledger writes, it is asked so often whether it is done.
const ANSWER_LOOK: Duration = Duration::from_millis(5);

/// Once a second every file is looked at, and time passes in the engine.
const TICK: Duration = Duration::from_secs(1);

/// The ledger is looked through for what has become too old so often, also where nothing happens.
const TRIM_EVERY: Duration = Duration::from_secs(3600);

/// The time of this machine's wall, for rules, for filters and for the log of jails.
pub struct Local {
    /// For rules.
    pub clock: Clock,
    /// For fail2ban's filters.
    pub zone: Zone,
    /// For the log in fail2ban's form.
    pub log: jiff::tz::TimeZone,
    /// The one folder that the watcher may write in.
    pub folder: std::path::PathBuf,
    /// What may be let go of the program.
    pub text: ProgramText,
}

/// The watcher.
pub struct Watch {
    channel: Channel,
    feed: Feed,
    mind: Mind,
    jail_side: jails::JailSide,
    foreseen: Option<foreseen::Foreseen>,
    earlier: earlier::Awaited,
    scribe: Scribe,
    pending: Pending,
    stage: stage::Stage,
    teller: tell::Teller,
    hook: hook::Hook,
    sending: sending::Sending,
    journal: Option<(File, JournalReader)>,
    /// How far the journal was read that is watched now.
    journal_row: Option<monban_model::PositionRow>,
    /// Those of other journals.
    journal_rows: Vec<monban_model::PositionRow>,
    /// The warden was asked for the journal and has not answered.
    journal_asked: bool,
    opening: journal::Opening,
    watched: sources::Watched,
    notices: notices::Notices,
    /// The files that the warden offered and the feed follows, by the warden's numbers.
    paths: std::collections::HashMap<u32, String>,
    allow: Vec<monban_model::Net>,
    /// Those of this machine.
    allow_own: Vec<monban_model::Net>,
    clocks: Clocks,
    flood: flood::Flood,
    trimmed_at: Instant,
    again: bool,
    ended: bool,
    /// Where the ledger lies: the one folder that this process may write in.
    folder: std::path::PathBuf,
    text: ProgramText,
    _lock: OwnedFd,
}

impl Watch {
    /// A watcher that goes on where the saved state ends.
    ///
    /// # Errors
    /// If the ledger can have no thread.
    pub fn new(
        channel: Channel,
        ledger: Ledger,
        mut saved: Saved,
        local: Local,
        output: Output,
        lock: OwnedFd,
    ) -> io::Result<Self> {
        let since = tell_since(&saved.meta, now());
        let rows = std::mem::take(&mut saved.notify);
        let secret = tell::Secret::of(&saved.meta);
        let hook = hook::Hook::of(&saved.meta);
        let teller = tell::Teller::new(rows, since, secret, &local.folder, output.say());
        let (journal_rows, files): (Vec<_>, Vec<_>) =
            saved.positions.iter().cloned().partition(|row| is_journal_name(&row.path));
        let (sent, files) =
            files.into_iter().partition(|row| row.path.starts_with(log_sender::POSITION_PREFIX));
        let sender = log_sender::LogSender::new(sent, now());
        Ok(Self {
            channel,
            feed: Feed::new(files),
            pending: Pending::default(),
            jail_side: jails::JailSide::new(std::mem::take(&mut saved.jails), &saved.meta, &local),
            foreseen: None,
            earlier: earlier::Awaited::default(),
            mind: Mind::new(saved, local.clock, output),
            scribe: Scribe::start(ledger)?,
            stage: stage::Stage::default(),
            teller,
            hook,
            sending: sending::Sending::new(sender, local.log.clone()),
            journal: None,
            journal_row: None,
            journal_rows,
            journal_asked: false,
            opening: journal::Opening::default(),
            watched: sources::Watched::default(),
            notices: notices::Notices::default(),
            paths: std::collections::HashMap::new(),
            allow: Vec::new(),
            allow_own: Vec::new(),
            clocks: Clocks::look(),
            flood: flood::Flood::new(Instant::now()),
            trimmed_at: Instant::now(),
            again: false,
            ended: false,
            folder: local.folder,
            text: local.text,
            _lock: lock,
        })
    }

    /// Works until the warden says stop or is gone.
    ///
    /// # Errors
    /// If the warden speaks nonsense or the kernel fails; the warden starts another watcher.
    pub fn run(&mut self) -> io::Result<()> {
        let mut more = false;
        let mut next_tick = Instant::now() + TICK;
        let mut said = Instant::now();
        while !self.ended {
            let ready = self.wait(more, next_tick)?;
            self.mind_clocks()?;
            if ready.frames {
                self.hear()?;
            }
            if ready.journal {
                self.read_journal();
            }
            self.hear_hook()?;
            self.tell_people()?;
            more = self.read_files()?;
            more |= self.read_waiting()?;
            self.send_orders()?;
            more |= self.send_logs(more)?;
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                self.tick()?;
            }
            // Before anything that may wait for the disk.
            if !more || said.elapsed() >= SAID_AFTER {
                said = Instant::now();
                self.mind.output().speak();
            }
            if !self.stage.is_catching_up() {
                self.work_out_actions();
            }
            self.commit_if_due();
            if !more && self.stage.all_opened && !self.stage.is_catching_up() {
                self.text.let_go();
            }
        }
        self.work_out_actions();
        self.tell_rest(true);
        self.mind.output().speak();
        // One that was never told its work, since the start was refused, has nothing to write.
        if self.mind.has_rules() {
            self.commit();
        }
        self.mind.end_output();
        Ok(())
    }

    /// Waits for frames, the journal, the next commit or tick; not at all if there is more to
    /// read.
    fn wait(&self, more: bool, next_tick: Instant) -> io::Result<Ready> {
        let due = match self.scribe.is_busy() {
            true => Some(Instant::now() + ANSWER_LOOK),
            false => self.pending.due_at(),
        };
        let times = [due, self.teller.wake_at(), self.logs_due_at()];
        let until = times.into_iter().flatten().fold(next_tick, Instant::min);
        let left = match more {
            true => Duration::ZERO,
            false => until.saturating_duration_since(Instant::now()),
        };
        let mut fds = vec![PollFd::from_borrowed_fd(self.channel.as_fd(), PollFlags::IN)];
        if let Some((pipe, _)) = self.journal.as_ref().filter(|_| !self.earlier.is_awaited()) {
            fds.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        let lanes_at = fds.len();
        if let Some(hook) = self.hook.socket() {
            fds.push(PollFd::from_borrowed_fd(hook.as_fd(), PollFlags::IN));
        }
        for pipe in self.teller.key_pipes() {
            fds.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        for lane in self.teller.channels() {
            let out = if lane.is_behind() { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::from_borrowed_fd(lane.as_fd(), PollFlags::IN | out));
        }
        let timeout = left.try_into().map_err(io::Error::other)?;
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready { frames: is_ready(0), journal: lanes_at > 1 && is_ready(1) })
    }

    fn hear(&mut self) -> io::Result<()> {
        loop {
            match self.channel.receive::<ToWatcher>()? {
                Received::Frame(frame, fd) => self.obey(frame, fd)?,
                Received::Nothing => return Ok(()),
                Received::End => {
                    self.ended = true;
                    return Ok(());
                }
            }
        }
    }

    fn read_files(&mut self) -> io::Result<bool> {
        if self.earlier.is_awaited() {
            return Ok(false);
        }
        let arrival = now();
        let mind = &mut self.mind;
        let jail_side = &mut self.jail_side;
        let watched = &self.watched;
        let stage = &mut self.stage;
        let channel = &mut self.channel;
        let (mut sent, mut failed) = (Instant::now(), None);
        let mut unlooked = 0;
        let turns = match stage.is_catching_up() {
            true => Turns::Oldest,
            false => Turns::Round,
        };
        let progress = self.feed.read(SLICE_BYTES, arrival, turns, &mut |line, file| {
            let is_old = stage.has_old_lines(file.path);
            let own_rules = jail_side.own_rules && watched.is_judged(file.path);
            mind.line(&line, file.path, is_old, own_rules);
            let found = jail_side.line(file.path, &line, is_old);
            let is_live = !jail_side.own_rules && !is_old;
            mind.note_failures(line.source, found, is_live.then_some(arrival));
            unlooked += 1;
            if unlooked >= LINES_A_LOOK && mind.has_orders() {
                unlooked = 0;
                if sent.elapsed() >= ORDERS_AFTER {
                    failed = failed.take().or(commit::send_orders_of(mind, channel).err());
                    sent = Instant::now();
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if progress.lines > 0 {
            for (source, sightings, last) in self.mind.take_notes() {
                self.feed.note(source, sightings, last);
            }
            self.pending.touch();
        }
        self.ask_siblings()?;
        if self.stage.looks_at_backlog(Instant::now()) {
            let backlog = self.feed.backlog_bytes();
            self.stage.progress(&mut self.mind, backlog, progress.lines, progress.bytes);
        }
        if let Some(flooded) = self.flood.read(Instant::now(), progress.bytes) {
            self.channel.send(&ToWarden::Flooded(flooded), None)?;
        }
        let read = !progress.more && self.feed.wants_are_empty();
        if read && self.stage.settle(self.has_source()) {
            self.send_orders()?;
            // Whoever waits for the guard finds its sources in the ledger.
            self.collect();
            self.commit();
            self.channel.send(&ToWarden::CaughtUp, None)?;
            self.mind.tell_ready();
        }
        if !self.stage.is_catching_up() {
            self.earlier_is_read();
        }
        self.tell_caught_up();
        self.collect();
        self.serve_jails()?;
        Ok(progress.more)
    }

    /// Reads a piece of what waited for idle jails; whether there is more.
    fn read_waiting(&mut self) -> io::Result<bool> {
        // Nothing is judged before it is known what another fail2ban has judged.
        if self.earlier.is_awaited() || !self.jail_side.is_behind() {
            return Ok(false);
        }
        let more = self.jail_side.jails().read_waiting(SLICE_BYTES, now());
        self.pending.touch();
        self.serve_jails()?;
        Ok(more)
    }

    fn ask_siblings(&mut self) -> io::Result<()> {
        let wants = self.feed.wants();
        wants.into_iter().try_for_each(|want| self.ask_about(askers::Asker::Watch, want))
    }

    /// What can wait until jails run.
    fn work_out_actions(&mut self) {
        if self.jail_side.work_out_actions() {
            self.pending.touch();
        }
    }

    fn tick(&mut self) -> io::Result<()> {
        self.work_out_actions();
        self.feed.wake_all();
        self.sending.sender.wake_all();
        self.observe(Observation::Tick);
        self.jail_side.jails().tick(now());
        self.serve_jails()?;
        for path in self.feed.forgotten() {
            self.watched.dropped(&path);
            self.pending.forget(path);
        }
        self.forget_sources();
        self.tell_rest(false);
        if self.journal.is_some() {
            self.stage.journal_waits(Instant::now());
        }
        if self.stage.journal_due(Instant::now()) {
            self.ask_journal()?;
        }
        if let Some(count) = self.mind.new_evictions() {
            self.observe(Observation::Notice(notice("evicted", &[("count", count.to_string())])));
        }
        if let Some(count) = self.jail_side.new_evictions() {
            self.tell(notice("evicted-jails", &[("count", count.to_string())]));
        }
        if self.trimmed_at.elapsed() >= TRIM_EVERY && self.pending.disk_works() {
            self.trimmed_at = Instant::now();
            self.trim();
        }
        self.mind.flush_output();
        self.send_orders()
    }

    /// The kernel's deadlines do not follow the clock. When that is set, everything that is open
    /// moves with it, and the kernel is told again how long each block has left.
    fn mind_clocks(&mut self) -> io::Result<()> {
        // Before the first configuration nothing is open yet.
        if !self.stage.briefed {
            return Ok(());
        }
        match self.clocks.turn(Clocks::look()) {
            None => return Ok(()),
            Some(Turn::Set(ms)) => {
                self.observe(Observation::ClockSet { ms });
                self.jail_side.jails().clock_set(ms);
                self.teller.clock_set(ms, now());
            }
            Some(Turn::Slept) => {}
        }
        self.send_blocks()
    }

    fn observe(&mut self, observation: Observation<'_>) {
        self.mind.observe(now(), observation);
        self.collect();
    }

    /// What the engine wanted: records wait for the commit, answers leave.
    fn collect(&mut self) {
        let (records, answers) = self.mind.take_results();
        if !records.is_empty() {
            if self.teller.has_readers() {
                let clock = now();
                records.iter().for_each(|record| self.teller.record(record, clock));
            }
            self.pending.add(records);
        }
        self.stage.answers.extend(answers);
    }
}

/// Since when people are told of what happens here: from the first start on. A clock that was ahead
/// then does not keep them in the dark until its time has come.
fn tell_since(meta: &[(String, String)], now: Stamp) -> Stamp {
    let known = meta.iter().find(|(name, _)| name == tell::SINCE_META);
    let known = known.and_then(|(_, value)| value.parse().ok()).map(Stamp);
    known.map_or(now, |since| since.min(now))
}

/// What has something to read.
struct Ready {
    frames: bool,
    journal: bool,
}

/// A notice of the watcher itself.
fn notice(key: &str, values: &[(&str, String)]) -> Notice {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Notice { key: key.to_owned(), values }
}

/// The clock.
pub fn now() -> Stamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
