//! Letters on their way: a few threads, each with one letter at a time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use monban_courier::{Delivered, Dialogue, Failure, Said, Side, deliver};
use monban_model::limits::{
    AWS_BATCH_BYTES_MAX, AWS_SUMS_BYTES_MAX, EQUIPMENT_BYTES_MAX, LETTER_BYTES_MAX,
};
use monban_model::wire::{
    Equipment, Equipped, Errand, Report, Returned, Taken, decode_equipment, decode_letter,
};
use monban_model::{AwsAccount, AwsStream};
use monban_warden::{Channel, Received, read_memory_file};

use super::aws::ToAws;
use crate::lane::Finished;
use crate::watch::now;

/// Letters that are delivered at once.
const THREADS: usize = 8;

/// Batches of logs that are sent at once. They have threads of their own, so that no letter waits
/// for them.
const LOG_THREADS: usize = 2;

/// Letters that wait for a thread, or for the endpoints of a configuration that is on its way.
const WAITING_MAX: usize = 256;

/// A batch of logs as a frame: each event has 12 bytes beside its text, of which AWS counts 26.
const LOGS_BYTES_MAX: usize = AWS_BATCH_BYTES_MAX + 64;

/// Letters, from the watcher to their readers.
pub struct Deliveries {
    lane: Option<Channel>,
    reload: u32,
    endpoints: HashMap<u32, Arc<Equipped>>,
    aws: Option<Arc<AwsAccount>>,
    /// Errands of a configuration that was not told of yet.
    early: VecDeque<(Errand, OwnedFd)>,
    underway: HashSet<String>,
    finished: Finished,
    jobs: Sender<Job>,
    log_jobs: Sender<Job>,
    ended: Receiver<Report>,
    /// What threads are started with, as long as none was.
    idle: Option<Idle>,
}

struct Idle {
    todo: Receiver<Job>,
    logs: Receiver<Job>,
    done: Sender<Report>,
    ringer: UnixStream,
}

struct Job {
    id: String,
    aws: Option<Arc<AwsAccount>>,
    what: What,
}

enum What {
    Letter { talk: bool, equipped: Arc<Equipped>, letter: Vec<u8> },
    Metrics(Vec<u8>),
    Logs(AwsStream, Vec<u8>),
}

impl Deliveries {
    /// Nothing yet; `ringer` is rung when a letter came to its end.
    pub fn new(ringer: UnixStream) -> Self {
        let (jobs, todo) = channel();
        let (log_jobs, logs) = channel();
        let (done, ended) = channel();
        Self {
            lane: None,
            reload: 0,
            endpoints: HashMap::new(),
            aws: None,
            early: VecDeque::new(),
            underway: HashSet::new(),
            finished: Finished::default(),
            jobs,
            log_jobs,
            ended,
            idle: Some(Idle { todo, logs, done, ringer }),
        }
    }

    /// The watcher's lane.
    pub fn lane(&self) -> Option<&Channel> {
        self.lane.as_ref()
    }

    /// Another lane: that of a new watcher.
    pub fn set_lane(&mut self, end: OwnedFd) {
        self.lane = Some(Channel::over(end));
    }

    /// Whether letters are on their way.
    pub fn is_busy(&self) -> bool {
        !self.underway.is_empty()
    }

    /// Other endpoints are in force.
    ///
    /// # Errors
    /// If the warden's file is none, or no thread can be had.
    pub fn equip(&mut self, reload: u32, file: OwnedFd) -> io::Result<()> {
        let bytes = read_memory_file(file, EQUIPMENT_BYTES_MAX)?;
        let all = match bytes.is_empty() {
            true => Equipment::default(),
            false => decode_equipment(&bytes).map_err(io::Error::other)?,
        };
        (self.reload, self.aws) = (reload, all.aws.map(Arc::new));
        self.endpoints = all.endpoints.into_iter().map(|one| (one.number, Arc::new(one))).collect();
        if let Some(idle) = self.idle.take() {
            start_threads(idle)?;
        }
        for (errand, file) in std::mem::take(&mut self.early) {
            self.take(errand, Some(file));
        }
        Ok(())
    }

    /// Hears the watcher and tells it what became of its letters; true if there was anything.
    pub fn work(&mut self) -> bool {
        let mut worked = false;
        while let Ok(report) = self.ended.try_recv() {
            worked = true;
            self.underway.remove(&report.id);
            self.finished.keep(&report);
            self.report(report);
        }
        while let Some(lane) = &mut self.lane {
            match lane.flush().and_then(|()| lane.receive::<Errand>()) {
                Ok(Received::Frame(errand, file)) => {
                    worked = true;
                    self.take(errand, file);
                }
                Ok(Received::Nothing) => break,
                // A watcher that is gone, or speaks nonsense: the next one gets another lane.
                Ok(Received::End) | Err(_) => self.lane = None,
            }
        }
        worked
    }

    fn take(&mut self, errand: Errand, file: Option<OwnedFd>) {
        let (Errand::Deliver { id, .. }
        | Errand::Run { id, .. }
        | Errand::Metrics { id }
        | Errand::Logs { id, .. }) = &errand;
        let id = id.clone();
        if self.underway.contains(&id) {
            return;
        }
        if let Some(report) = self.finished.get(&id) {
            return self.report(report);
        }
        let Some(file) = file else { return self.refuse(&id, "there came nothing with it") };
        if let Errand::Deliver { reload, .. } | Errand::Logs { reload, .. } = &errand {
            if *reload < self.reload {
                return self.give_back(Returned::Outdated { id });
            }
            if *reload > self.reload && self.early.len() < WAITING_MAX {
                return self.early.push_back((errand, file));
            }
        }
        if self.underway.len() >= WAITING_MAX {
            return self.refuse(&id, "too many letters are on their way");
        }
        let what = match self.open(&errand, file) {
            Ok(what) => what,
            Err(why) => return self.refuse(&id, &why),
        };
        let jobs = if matches!(what, What::Logs(..)) { &self.log_jobs } else { &self.jobs };
        match jobs.send(Job { id: id.clone(), aws: self.aws.clone(), what }) {
            Ok(()) => {
                self.underway.insert(id);
            }
            Err(_) => self.refuse(&id, "the courier has no threads"),
        }
    }

    /// What an errand is about, with what is needed for it.
    fn open(&self, errand: &Errand, file: OwnedFd) -> Result<What, String> {
        let read = |most| read_memory_file(file, most).map_err(|error| error.to_string());
        match errand {
            Errand::Metrics { .. } => read(AWS_SUMS_BYTES_MAX).map(What::Metrics),
            Errand::Logs { reload, stream, .. } => {
                let streams = self.aws.as_ref().filter(|_| *reload == self.reload);
                let stream = streams.and_then(|aws| aws.streams.get(*stream as usize)).cloned();
                let stream = stream.ok_or("another configuration is in force")?;
                Ok(What::Logs(stream, read(LOGS_BYTES_MAX)?))
            }
            Errand::Deliver { reload, endpoint, talk, .. } => {
                let equipped = self.endpoints.get(endpoint).filter(|_| *reload == self.reload);
                let equipped = equipped.cloned().ok_or("another configuration is in force")?;
                let letter = read(LETTER_BYTES_MAX)?;
                Ok(What::Letter { talk: *talk, equipped, letter })
            }
            Errand::Run { .. } => Err("the runner starts programs".to_owned()),
        }
    }

    fn refuse(&mut self, id: &str, why: &str) {
        let taken = Taken::No { permanent: false, retry_after_s: None, why: why.to_owned() };
        self.report(Report { id: id.to_owned(), taken, dialogue: String::new() });
    }

    fn report(&mut self, report: Report) {
        self.give_back(Returned::Report(report));
    }

    fn give_back(&mut self, returned: Returned) {
        if let Some(lane) = &mut self.lane
            && lane.post(&returned, None).is_err()
        {
            self.lane = None;
        }
    }
}

fn start_threads(idle: Idle) -> io::Result<()> {
    let (todo, logs) = (Arc::new(Mutex::new(idle.todo)), Arc::new(Mutex::new(idle.logs)));
    let of_letters = std::iter::repeat_n(&todo, THREADS);
    for todo in of_letters.chain(std::iter::repeat_n(&logs, LOG_THREADS)) {
        let (todo, done) = (todo.clone(), idle.done.clone());
        let ringer = idle.ringer.try_clone()?;
        let work = move || {
            let mut aws = ToAws::default();
            loop {
                let next = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = next else { return };
                if done.send(carry(&job, &mut aws)).is_err() {
                    return;
                }
                // A full socket rings as well.
                let _ = rustix::io::write(&ringer, &[1]);
            }
        };
        std::thread::Builder::new().name("deliver".to_owned()).spawn(work)?;
    }
    Ok(())
}

fn carry(job: &Job, aws: &mut ToAws) -> Report {
    aws.take_over(job.aws.as_ref());
    let mut said = String::new();
    let taken = match &job.what {
        What::Metrics(bytes) => aws.metrics(bytes, now()),
        What::Logs(stream, bytes) => aws.logs(stream, bytes, now()),
        What::Letter { talk, equipped, letter } => {
            let mut dialogue = Dialogue::default();
            let taken = deliver_letter(equipped, letter, aws, &mut dialogue);
            if *talk {
                said = spoken(&dialogue);
            }
            taken
        }
    };
    Report { id: job.id.clone(), taken, dialogue: said }
}

fn deliver_letter(
    equipped: &Equipped,
    letter: &[u8],
    aws: &mut ToAws,
    dialogue: &mut Dialogue,
) -> Taken {
    let Equipped { endpoint, secrets, .. } = equipped;
    match decode_letter(letter) {
        Ok(letter) => taken(deliver(endpoint, secrets, &letter, now(), aws, dialogue)),
        Err(error) => Taken::No { permanent: true, retry_after_s: None, why: error.to_string() },
    }
}

/// What was said, a line each, with who said it.
fn spoken(dialogue: &Dialogue) -> String {
    let line = |said: &Said| {
        let side = match said.side {
            Side::Sent => "-> ",
            Side::Received => "<- ",
            Side::Noted => "   ",
        };
        format!("{side}{}\n", said.text)
    };
    dialogue.lines().iter().map(line).collect()
}

fn taken(done: Result<Delivered, Failure>) -> Taken {
    match done {
        Ok(Delivered { said, refused }) if refused.is_empty() => Taken::Yes { said },
        Ok(Delivered { refused, .. }) => {
            let told: Vec<String> =
                refused.iter().map(|one| format!("{}: {}", one.to, one.why)).collect();
            Taken::Yes { said: told.join("; ") }
        }
        Err(Failure { permanent, retry_after_s, why }) => {
            Taken::No { permanent, retry_after_s, why }
        }
    }
}

#[cfg(test)]
mod tests {
    use monban_model::wire::encode_equipment;
    use monban_warden::memory_file;

    use super::*;

    #[test]
    fn a_letter_of_a_configuration_that_went_is_given_back_untried() {
        let (bell, ringer) = UnixStream::pair().unwrap();
        let (here, there) = Channel::pair().unwrap();
        let (mut deliveries, mut watcher) = (Deliveries::new(ringer), Channel::over(there));
        deliveries.set_lane(here);
        let equipment = || memory_file(&encode_equipment(&Equipment::default())).unwrap();
        deliveries.equip(2, equipment()).unwrap();
        for reload in [1, 3] {
            let id = reload.to_string();
            let errand = Errand::Deliver { id, reload, endpoint: 0, talk: false };
            watcher.post(&errand, Some(memory_file(b"").unwrap())).unwrap();
        }
        assert!(deliveries.work());
        let outdated = |id: &str| Returned::Outdated { id: id.to_owned() };
        let mut next = || match watcher.receive::<Returned>().unwrap() {
            Received::Frame(returned, _) => Some(returned),
            _ => None,
        };
        assert_eq!((next(), next()), (Some(outdated("1")), None));
        deliveries.equip(4, equipment()).unwrap();
        assert_eq!(next(), Some(outdated("3")), "the one that was early is late now");
        drop(bell);
    }
}
