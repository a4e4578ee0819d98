//! The watcher's side of logs that go to CloudWatch Logs: they are read when nothing that is
//! watched waits, or now and then.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monban_model::Notice;
use monban_model::wire::{Offered, SiblingsOf, ToWarden};
use monban_rules::{Clock, Scratch};
use monban_sources::Want;

use super::askers::{Asker, Askers};
use super::log_sender::{Came, LogSender, Means};
use super::{Watch, now};

/// While lines wait that are watched, a piece is read so often for what is sent.
const PIECE_EVERY: Duration = Duration::from_millis(50);

/// A batch that could not be handed over is tried again after this.
const NOT_HANDED: Duration = Duration::from_secs(1);

/// What sending logs needs.
pub struct Sending {
    pub sender: LogSender,
    pub askers: Askers,
    clock: Clock,
    scratch: Scratch,
    zone: TimeZone,
    read: Option<Instant>,
}

impl Sending {
    /// In the zone of this process.
    pub fn new(sender: LogSender, zone: TimeZone) -> Self {
        let (clock, scratch) = (Clock::system(now()), Scratch::default());
        Self { sender, askers: Askers::default(), clock, scratch, zone, read: None }
    }
}

impl Watch {
    /// Reads a piece of the logs that are sent, hands over what is due, and hears what became of
    /// what was; `busy` if lines wait that are watched. True if there is more to read.
    pub(super) fn send_logs(&mut self, busy: bool) -> io::Result<bool> {
        if !self.sending.sender.is_used() {
            return Ok(false);
        }
        let (clock, instant) = (now(), Instant::now());
        let sending = &mut self.sending;
        sending.sender.couriers_lost(self.teller.couriers_lost());
        let reports = self.teller.take_log_reports();
        let arrived = !reports.is_empty();
        for report in reports {
            sending.sender.reported(&report, instant);
        }
        let waits = busy && sending.read.is_some_and(|read| instant < read + PIECE_EVERY);
        let mut more = false;
        if self.stage.all_opened
            && !waits
            && let Some(rules) = self.mind.rules()
        {
            sending.read = Some(instant);
            let zone = &sending.zone;
            let mut means = Means {
                rules,
                clock: &mut sending.clock,
                scratch: &mut sending.scratch,
                zone: &|local_s| in_universal_time(zone, local_s),
                now: clock,
                instant,
            };
            more = sending.sender.step(&mut means);
        }
        while sending.sender.is_due(clock, instant) && self.teller.has_courier() {
            let Some((id, number, bytes)) = sending.sender.due(clock, instant) else { break };
            if !self.teller.send_logs(id.clone(), number, &bytes) {
                // There may be no memory for it: no use to ask again at once.
                sending.sender.put_off(&id, instant + NOT_HANDED);
                break;
            }
            sending.sender.handed(&id, instant);
        }
        for (serial, want) in sending.sender.wants() {
            self.ask_about(Asker::Stream(serial), want)?;
        }
        self.save_positions(arrived);
        if self.sending.sender.look(instant) {
            self.pending.touch();
        }
        let notices: Vec<Notice> = self.sending.sender.take_notices();
        notices.into_iter().for_each(|notice| self.tell(notice));
        match self.sending.sender.take_more() {
            0 => {}
            more => self.notices.left_out(more, instant),
        }
        Ok(more && !busy)
    }

    /// How far a log was sent is known soon after it was: a kill would have it sent again. How far
    /// one was read of which nothing is sent can wait.
    fn save_positions(&mut self, soon: bool) {
        if self.sending.sender.has_unsaved() {
            self.pending.touch();
            if soon {
                self.pending.hurry();
            }
        }
    }

    /// When something of a log is to be sent.
    pub(super) fn logs_due_at(&self) -> Option<Instant> {
        match self.teller.reaches_courier() {
            true => self.sending.sender.due_at(now(), Instant::now()),
            false => None,
        }
    }

    /// Asks the warden for rotated files, or waits until others have asked.
    pub(super) fn ask_about(&mut self, asker: Asker, want: Want) -> io::Result<()> {
        let of = SiblingsOf { path: want.path, dev: want.dev, ino: want.ino };
        match self.sending.askers.ask(asker, of) {
            Some(of) => self.channel.send(&ToWarden::Siblings(of), None),
            None => Ok(()),
        }
    }

    /// One of the rotated files that were asked for.
    pub(super) fn sibling(&mut self, offered: &Offered, file: File) {
        match self.sending.askers.hears(&offered.path) {
            Some(Asker::Watch) => {
                self.stage.new_file(&offered.path, true);
                self.feed.sibling(&offered.path, file);
            }
            Some(Asker::Stream(serial)) => {
                self.sending.sender.sibling(serial, &offered.path, file);
            }
            None => {}
        }
    }

    /// There are no more.
    pub(super) fn siblings_end(&mut self, path: &str) -> io::Result<()> {
        let (asker, next) = self.sending.askers.end(path);
        match asker {
            Some(Asker::Watch) => self.feed.siblings_end(path),
            Some(Asker::Stream(serial)) => self.sending.sender.siblings_end(serial, path),
            None => {}
        }
        match next {
            Some(of) => self.channel.send(&ToWarden::Siblings(of), None),
            None => Ok(()),
        }
    }

    /// A file that is not only sent is watched as well.
    pub(super) fn offer_to_sender(&mut self, offered: &Offered, file: &File) {
        let came = match (offered.later, self.starts_again()) {
            (true, _) => Came::Later,
            (false, true) => Came::AfterRestart,
            (false, false) => Came::AtStart,
        };
        self.sending.sender.opened(&offered.path, file, offered.watched, came);
        self.save_positions(true);
        if self.sending.sender.follows(&offered.path) {
            self.paths.insert(offered.file, offered.path.clone());
        }
    }
}

/// Seconds of a date in a zone, as seconds of universal time.
fn in_universal_time(zone: &TimeZone, local_s: i64) -> i64 {
    let written = Timestamp::from_second(local_s).map(|at| TimeZone::UTC.to_datetime(at));
    let meant = written.and_then(|written| zone.to_timestamp(written));
    meant.map_or(local_s, Timestamp::as_second)
}
