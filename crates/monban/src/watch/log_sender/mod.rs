//! Logs on their way to CloudWatch Logs.
//!
//! Each `[[aws.logs]]` has a [`Stream`] with a feed of its own, over descriptors that the warden
//! passed. It reads as much as one batch holds beside the one that is underway, and nothing more
//! before that one was taken: what waits, waits in the log. How far a log was sent is saved when
//! CloudWatch Logs has answered for all before it, so whatever ends at any instant is sent again
//! from there, and some of it twice.

mod marks;
mod newest;
mod position;
mod reading;
mod state;
mod stream;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::time::{Duration, Instant};

use monban_courier::aws::Drops;
use monban_model::limits::{
    AWS_LOG_FILES_MAX, AWS_LOG_PATHS_MAX, AWS_LOGS_UNDERWAY_MAX, AWS_POSITIONS_MAX,
};
use monban_model::wire::Report;
use monban_model::{AwsLogs, Notice, PositionRow, Stamp};
use monban_sources::{Notice as FeedNotice, Want};

use super::notice;
use marks::Rows;
pub use position::POSITION_PREFIX;
use position::{ledger_name, names, split_name};
pub use reading::Means;
pub use state::{STATE_META, StreamState, read as read_states};
pub use stream::Came;
use stream::{Stream, share};

/// How each id of a batch begins; no letter's does.
pub const BATCH_PREFIX: &str = "logs-";

/// The same trouble of a stream is told of so often.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// How the streams stand is looked at so often: that asks for the size of each file.
const LOOK: Duration = Duration::from_secs(2);

/// Sends logs.
pub struct LogSender {
    streams: Vec<Stream>,
    /// Positions of streams that there are not now, by the streams' names.
    saved: HashMap<String, HashMap<String, PositionRow>>,
    /// What the ledger does not know of those yet, by its names.
    unsaved: Rows,
    /// Tells the batches of this process from those of others.
    process: u64,
    serials: u64,
    next: usize,
    couriers_lost: u64,
    told: HashMap<(u64, &'static str), Instant>,
    /// What was left out of each stream when that was told last, and whether its failing was told.
    left_out: HashMap<u64, Drops>,
    failing: BTreeSet<u64>,
    notices: Vec<Notice>,
    /// Notices of the feeds that were left out.
    more: u64,
    looked: Option<Instant>,
    states: Vec<StreamState>,
    /// The ledger has other states.
    changed: bool,
}

impl LogSender {
    /// Goes on with what was saved: rows whose names begin with [`POSITION_PREFIX`].
    pub fn new(rows: Vec<PositionRow>, now: Stamp) -> Self {
        let mut saved: HashMap<String, HashMap<String, PositionRow>> = HashMap::new();
        for mut row in rows {
            let Some((name, path)) = split_name(&row.path) else { continue };
            let (name, path) = (name.to_owned(), path.to_owned());
            row.path.clone_from(&path);
            saved.entry(name).or_default().insert(path, row);
        }
        Self {
            streams: Vec::new(),
            saved,
            unsaved: Rows::new(),
            process: now.0.unsigned_abs(),
            serials: 0,
            next: 0,
            couriers_lost: 0,
            told: HashMap::new(),
            left_out: HashMap::new(),
            failing: BTreeSet::new(),
            notices: Vec::new(),
            more: 0,
            looked: None,
            states: Vec::new(),
            changed: false,
        }
    }

    /// Takes over which logs go where. A stream that is configured as it was goes on; the logs of
    /// all others are to be passed again.
    pub fn take_over(&mut self, tables: &[AwsLogs]) {
        let mut before = std::mem::take(&mut self.streams);
        let share = share(tables.len());
        let names = names(tables);
        // Also of those that are made anew, what is known of them now counts.
        let is_kept = |stream: &Stream| {
            let mut all = names.iter().zip(tables);
            all.any(|(name, logs)| *name == stream.name && stream.is_of(logs, share))
        };
        let (mut kept, other): (Vec<Stream>, Vec<Stream>) = before.drain(..).partition(is_kept);
        for mut stream in other {
            self.unsaved.extend(ledger_rows(&mut stream));
            self.left_out.remove(&stream.serial);
            self.failing.remove(&stream.serial);
            self.saved.insert(stream.name.clone(), stream.into_rows());
        }
        for (number, (name, logs)) in (0..).zip(names.into_iter().zip(tables)) {
            if let Some(at) = kept.iter().position(|stream| stream.name == name) {
                let mut stream = kept.swap_remove(at);
                stream.number = number;
                self.streams.push(stream);
                continue;
            }
            let rows = self.saved.remove(&name).unwrap_or_default();
            self.serials += 1;
            match Stream::new((self.serials, number), (name, logs), share, rows) {
                Ok(stream) => self.streams.push(stream),
                Err(why) => {
                    let values = [("group", logs.group.clone()), ("why", why)];
                    self.notices.push(notice("aws-logs-unfit", &values));
                }
            }
        }
        self.told.clear();
        self.looked = None;
        self.states = self.streams.iter().map(Stream::state).collect();
        self.changed = true;
        self.forget_old();
    }

    /// There is an end to positions that are of no use.
    fn forget_old(&mut self) {
        if self.saved.values().map(HashMap::len).sum::<usize>() <= AWS_POSITIONS_MAX {
            return;
        }
        for (name, rows) in self.saved.drain() {
            let names = rows.into_keys().map(|path| ledger_name(&name, &path));
            self.unsaved.extend(names.map(|name| (name, None)));
        }
    }

    /// Whether any log is sent.
    pub fn is_used(&self) -> bool {
        !self.streams.is_empty()
    }

    /// A file stands at a path. `watched`: the guard watches it.
    pub fn opened(&mut self, path: &str, file: &File, watched: bool, came: Came) {
        for at in 0..self.streams.len() {
            if !self.streams[at].wants(path, watched) {
                // It may have been watched before a reload.
                self.streams[at].dropped(path);
                continue;
            }
            if self.paths() >= AWS_LOG_PATHS_MAX {
                // Before all files of a start are known each that is there is followed.
                self.streams.iter_mut().for_each(Stream::leave_others);
            }
            let is_full = self.paths() >= AWS_LOG_PATHS_MAX;
            let stream = &mut self.streams[at];
            if is_full && !stream.feed.follows(path) {
                let limit = AWS_LOG_PATHS_MAX.to_string();
                self.tell((0, "aws-logs-too-many"), &[("limit", limit)]);
                continue;
            }
            let offered = match file.try_clone() {
                Ok(file) => stream.opened(path, file, came).map_err(|error| format!("{error:?}")),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = offered {
                let values = [("path", path.to_owned()), ("error", error)];
                self.notices.push(notice("source-failed", &values));
            }
        }
        self.bound_candidates();
        self.bound_files();
    }

    fn paths(&self) -> usize {
        self.streams.iter().map(|one| one.feed.sources().count()).sum()
    }

    /// Each file that may be the newest is open.
    fn bound_candidates(&mut self) {
        while self.streams.iter().map(Stream::candidates).sum::<usize>() > AWS_LOG_PATHS_MAX {
            let most = self.streams.iter_mut().max_by_key(|one| one.candidates());
            most.into_iter().for_each(Stream::forget_oldest);
        }
    }

    /// While nothing is sent, logs may be rotated again and again.
    fn bound_files(&mut self) {
        let files = |one: &Stream| one.feed.files();
        while self.streams.iter().map(files).sum::<usize>() > AWS_LOG_FILES_MAX {
            let mut all: Vec<&mut Stream> = self.streams.iter_mut().collect();
            all.sort_by_key(|one| Reverse(files(one)));
            if !all.into_iter().any(|one| one.feed.give_up_oldest()) {
                return;
            }
        }
    }

    /// The file of a path is there no more.
    pub fn gone(&mut self, path: &str) {
        self.streams.iter_mut().for_each(|stream| stream.gone(path));
    }

    /// The configuration names a path no more.
    pub fn dropped(&mut self, path: &str) {
        self.streams.iter_mut().for_each(|stream| stream.dropped(path));
    }

    /// A file may have changed.
    pub fn wake(&mut self, path: &str) {
        self.streams.iter_mut().for_each(|stream| stream.feed.wake(path));
    }

    /// Every file may have changed: to be called once a second.
    pub fn wake_all(&mut self) {
        self.streams.iter_mut().for_each(|stream| stream.feed.wake_all());
    }

    /// Whether a path is followed.
    pub fn follows(&self, path: &str) -> bool {
        self.streams.iter().any(|stream| stream.feed.follows(path))
    }

    /// What the warden is to be asked, and by which stream.
    pub fn wants(&mut self) -> Vec<(u64, Want)> {
        let wants = |one: &mut Stream| {
            let serial = one.serial;
            one.wants_siblings().into_iter().map(move |want| (serial, want))
        };
        self.streams.iter_mut().flat_map(wants).collect()
    }

    /// A part of the answer to a stream.
    pub fn sibling(&mut self, serial: u64, path: &str, file: File) {
        if let Some(stream) = self.streams.iter_mut().find(|one| one.serial == serial) {
            stream.feed.sibling(path, file);
        }
    }

    /// The answer is complete.
    pub fn siblings_end(&mut self, serial: u64, path: &str) {
        if let Some(stream) = self.streams.iter_mut().find(|one| one.serial == serial) {
            stream.feed.siblings_end(path);
        }
        self.bound_files();
    }

    /// Reads a piece for one of the streams, in turns; whether there is more.
    pub fn step(&mut self, means: &mut Means<'_>) -> bool {
        let mut more = false;
        for _ in 0..self.streams.len() {
            self.next = (self.next + 1) % self.streams.len();
            let stream = &mut self.streams[self.next];
            stream.choose();
            more |= stream.step(means);
            if more {
                break;
            }
        }
        self.collect_notices();
        more
    }

    /// Something is to be handed over; asked before it is known whether somebody can be reached.
    pub fn is_due(&mut self, now: Stamp, instant: Instant) -> bool {
        self.has_place() && self.streams.iter_mut().any(|one| one.is_due(now, instant))
    }

    fn has_place(&self) -> bool {
        let underway = self.streams.iter().filter(|one| one.is_underway()).count();
        underway < AWS_LOGS_UNDERWAY_MAX
    }

    /// What is to be handed to the courier now: its id, the number of its stream, and its bytes.
    /// Ask again after [`LogSender::handed`].
    pub fn due(&mut self, now: Stamp, instant: Instant) -> Option<(String, u32, Vec<u8>)> {
        if !self.has_place() {
            return None;
        }
        let count = self.streams.len();
        let order = (0..count).map(|step| (self.next + step) % count.max(1));
        let at = order.into_iter().find(|at| self.streams[*at].is_due(now, instant))?;
        let stream = &self.streams[at];
        let (batch, bytes) = stream.batch()?;
        let id = format!("{BATCH_PREFIX}{:x}-{}-{batch}", self.process, stream.serial);
        Some((id, stream.number, bytes))
    }

    /// The courier has it.
    pub fn handed(&mut self, id: &str, instant: Instant) {
        if let Some((stream, _)) = self.of_id(id) {
            stream.handed(instant);
        }
    }

    /// It could not be handed over, and is not due before then.
    pub fn put_off(&mut self, id: &str, until: Instant) {
        if let Some((stream, _)) = self.of_id(id) {
            stream.put_off(until);
        }
    }

    /// When something is due, if nothing else happens.
    pub fn due_at(&self, now: Stamp, instant: Instant) -> Option<Instant> {
        match self.has_place() {
            true => self.streams.iter().filter_map(|one| one.due_at(now, instant)).min(),
            false => None,
        }
    }

    /// So often a courier went away until now, with what it was given.
    pub fn couriers_lost(&mut self, count: u64) {
        if std::mem::replace(&mut self.couriers_lost, count) != count {
            self.streams.iter_mut().for_each(Stream::lost_courier);
        }
    }

    /// What became of a batch.
    pub fn reported(&mut self, report: &Report, instant: Instant) {
        let chance = instant.elapsed().subsec_nanos();
        let chance = self.process.rotate_left(17) ^ u64::from(chance).wrapping_mul(0x9e37_79b9);
        let Some((stream, batch)) = self.of_id(&report.id) else { return };
        stream.reported(batch, &report.taken, chance, instant);
        let serial = stream.serial;
        let state = stream.state();
        let named = [("group", state.group), ("stream", state.stream)];
        match state.error {
            Some(why) => {
                let [group, stream] = named;
                let bytes = ("bytes", state.backlog_bytes.to_string());
                if self.tell((serial, "aws-logs-failing"), &[group, stream, ("why", why), bytes]) {
                    self.failing.insert(serial);
                }
            }
            None if self.failing.remove(&serial) => {
                self.notices.push(notice("aws-logs-works", &named));
            }
            None => {}
        }
        self.looked = None;
    }

    fn of_id(&mut self, id: &str) -> Option<(&mut Stream, u64)> {
        let mut parts = id.strip_prefix(BATCH_PREFIX)?.split('-');
        if parts.next()? != format!("{:x}", self.process) {
            return None;
        }
        let (serial, batch) = (parts.next()?.parse::<u64>().ok()?, parts.next()?.parse().ok()?);
        let stream = self.streams.iter_mut().find(|one| one.serial == serial)?;
        Some((stream, batch))
    }

    /// Whether the ledger is to be told something soon.
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty() || self.streams.iter().any(Stream::has_unsaved)
    }

    /// For the commit that begins now: positions, and names of those that are to be forgotten.
    pub fn take_unsaved(&mut self) -> (Vec<PositionRow>, Vec<String>) {
        let mut unsaved = std::mem::take(&mut self.unsaved);
        unsaved.extend(self.streams.iter_mut().flat_map(ledger_rows));
        let (mut rows, mut forgotten) = (Vec::new(), Vec::new());
        for (path, row) in unsaved {
            match row {
                Some(row) => rows.push(PositionRow { path, ..row }),
                None => forgotten.push(path),
            }
        }
        (rows, forgotten)
    }

    /// How the streams stand, if the ledger does not know it.
    pub fn take_meta(&mut self) -> Option<(String, String)> {
        let text = std::mem::take(&mut self.changed).then(|| state::written(&self.states))?;
        Some((STATE_META.to_owned(), text))
    }

    /// Looks how the streams stand, now and then; true if the ledger is to know.
    pub fn look(&mut self, instant: Instant) -> bool {
        if self.looked.is_some_and(|looked| instant < looked + LOOK) {
            return false;
        }
        self.looked = Some(instant);
        let states: Vec<StreamState> = self.streams.iter().map(Stream::state).collect();
        self.changed |= states != self.states;
        self.states = states;
        self.changed
    }

    /// What is to be recorded and said on this host.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How many more there would be.
    pub fn take_more(&mut self) -> u64 {
        std::mem::take(&mut self.more)
    }

    fn collect_notices(&mut self) {
        let mut told = Vec::new();
        for stream in &mut self.streams {
            let group = ("group", stream.logs().group.clone());
            for found in stream.feed.notices() {
                told.push(match found {
                    FeedNotice::Lost { path, lost } => {
                        stream.lost += 1;
                        let values = [group.clone(), ("path", path), ("why", lost.to_string())];
                        notice("aws-logs-lost", &values)
                    }
                    FeedNotice::Unreadable { path, why } => {
                        notice("source-failed", &[("path", path), ("error", why)])
                    }
                    FeedNotice::More(count) => {
                        stream.lost += count as u64;
                        self.more += count as u64;
                        continue;
                    }
                });
            }
        }
        self.notices.extend(told);
        self.tell_left_out();
    }

    fn tell_left_out(&mut self) {
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            let (serial, now) = (stream.serial, stream.left_out());
            let before = self.left_out.get(&serial).copied().unwrap_or_default();
            if now == before {
                continue;
            }
            let (group, name) = (stream.logs().group.clone(), stream.logs().stream.clone());
            let values = [
                ("group", group),
                ("stream", name),
                ("old", (now.too_old - before.too_old).to_string()),
                ("ahead", (now.too_new - before.too_new).to_string()),
                ("empty", (now.empty - before.empty).to_string()),
                ("cut", (now.cut - before.cut).to_string()),
                ("refused", (now.refused - before.refused).to_string()),
            ];
            if self.tell((serial, "aws-logs-left-out"), &values) {
                self.left_out.insert(serial, now);
            }
        }
    }

    /// Tells it, unless it was told lately.
    fn tell(&mut self, key: (u64, &'static str), values: &[(&str, String)]) -> bool {
        let now = Instant::now();
        if self.told.get(&key).is_some_and(|told| now < *told + TOLD_EVERY) {
            return false;
        }
        self.told.insert(key, now);
        self.notices.push(notice(key.1, values));
        true
    }
}

/// What the ledger does not know of a stream yet, by its names.
fn ledger_rows(stream: &mut Stream) -> Vec<(String, Option<PositionRow>)> {
    let rows = stream.take_unsaved().into_iter();
    rows.map(|(path, row)| (ledger_name(&stream.name, &path), row)).collect()
}
