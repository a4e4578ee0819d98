//! The runner starts the programs that take messages: sendmail, and commands of the administrator.
//! The message is their standard input, as it comes; it is not looked at here.

mod program;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use monban_model::limits::EQUIPMENT_BYTES_MAX;
use monban_model::wire::{
    Equipment, Errand, FromRunner, Report, Returned, Taken, ToRunner, decode_equipment,
};
use monban_model::{Endpoint, MailBy};
use monban_warden::{Channel, Received, read_memory_file};

use crate::lane::{Finished, wait_for};
use program::Program;

/// Programs that run at once.
const AT_ONCE: usize = 8;

/// Messages that wait for a program to end, or for a configuration that is on its way.
const WAITING_MAX: usize = 256;

/// Without work for so long, the warden is told that it may let the runner go.
const IDLE: Duration = Duration::from_secs(60);

/// Starts programs until the warden closes its end.
///
/// # Errors
/// If the warden or the watcher speaks nonsense.
pub fn run(warden: Channel) -> io::Result<()> {
    let (bell, ringer) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    ringer.set_nonblocking(true)?;
    let mut runner = Runner::new(warden, ringer);
    loop {
        let left = (runner.worked + IDLE).saturating_duration_since(Instant::now());
        let channels = [Some(&runner.warden), runner.lane.as_ref()];
        wait_for(channels, &bell, left)?;
        while let Ok(report) = runner.ended.try_recv() {
            runner.finish(report);
        }
        if !runner.hear_warden()? {
            return Ok(());
        }
        runner.hear_lane();
        if runner.running.is_empty() && runner.waiting.is_empty() && runner.worked.elapsed() >= IDLE
        {
            runner.warden.post(&FromRunner::Idle, None)?;
            runner.worked = Instant::now();
        }
    }
}

struct Runner {
    warden: Channel,
    lane: Option<Channel>,
    /// The configuration that the numbers of endpoints are of.
    reload: u32,
    programs: HashMap<u32, Vec<String>>,
    waiting: VecDeque<Waiting>,
    running: HashSet<String>,
    finished: Finished,
    ringer: UnixStream,
    done: Sender<Report>,
    ended: Receiver<Report>,
    worked: Instant,
}

/// A message whose program was not started yet.
struct Waiting {
    id: String,
    reload: u32,
    endpoint: u32,
    values: Vec<(String, String)>,
    input: OwnedFd,
}

impl Runner {
    fn new(warden: Channel, ringer: UnixStream) -> Self {
        let (done, ended) = channel();
        Self {
            warden,
            lane: None,
            reload: 0,
            programs: HashMap::new(),
            waiting: VecDeque::new(),
            running: HashSet::new(),
            finished: Finished::default(),
            ringer,
            done,
            ended,
            worked: Instant::now(),
        }
    }

    /// False once the warden is gone.
    fn hear_warden(&mut self) -> io::Result<bool> {
        self.warden.flush()?;
        loop {
            match self.warden.receive::<ToRunner>()? {
                Received::Frame(ToRunner::Equip { reload }, Some(file)) => {
                    let bytes = read_memory_file(file, EQUIPMENT_BYTES_MAX)?;
                    let all = match bytes.is_empty() {
                        true => Equipment::default(),
                        false => decode_equipment(&bytes).map_err(io::Error::other)?,
                    };
                    let programs = all.endpoints.into_iter();
                    let programs = programs.map(|one| (one.number, program(one.endpoint)));
                    (self.reload, self.programs) = (reload, programs.collect());
                    self.start_waiting();
                }
                Received::Frame(ToRunner::Lane, Some(end)) => {
                    self.lane = Some(Channel::over(end));
                }
                Received::Frame(frame, None) => {
                    return Err(io::Error::other(format!("{frame:?} without a descriptor")));
                }
                Received::Nothing => return Ok(true),
                Received::End => return Ok(false),
            }
        }
    }

    /// A watcher that is gone, or speaks nonsense, loses its lane; the next one gets another.
    fn hear_lane(&mut self) {
        while let Some(lane) = &mut self.lane {
            match lane.flush().and_then(|()| lane.receive::<Errand>()) {
                Ok(Received::Frame(errand, file)) => self.take(errand, file),
                Ok(Received::Nothing) => return,
                Ok(Received::End) | Err(_) => self.lane = None,
            }
        }
    }

    fn take(&mut self, errand: Errand, file: Option<OwnedFd>) {
        let Errand::Run { id, reload, endpoint, values } = errand else { return };
        self.worked = Instant::now();
        if self.running.contains(&id) || self.waiting.iter().any(|it| it.id == id) {
            return;
        }
        if let Some(report) = self.finished.get(&id) {
            return self.report(report);
        }
        let Some(input) = file else {
            return self.report(refused(&id, "there came nothing with it"));
        };
        if self.waiting.len() >= WAITING_MAX {
            return self.report(refused(&id, "too many messages wait for programs to end"));
        }
        self.waiting.push_back(Waiting { id, reload, endpoint, values, input });
        self.start_waiting();
    }

    /// Starts as many as may run, in the order in which they came; those of a configuration that
    /// was not told of yet go on waiting.
    fn start_waiting(&mut self) {
        for it in std::mem::take(&mut self.waiting) {
            if it.reload < self.reload {
                self.give_back(Returned::Outdated { id: it.id });
            } else if it.reload > self.reload || self.running.len() >= AT_ONCE {
                self.waiting.push_back(it);
            } else {
                self.start(it);
            }
        }
    }

    fn start(&mut self, it: Waiting) {
        let Waiting { id, endpoint, values, input, .. } = it;
        let Some(words) = self.programs.get(&endpoint).cloned() else {
            return self.report(refused(&id, "there is no such program"));
        };
        let program = Program { words, values, input };
        let (done, ringer) = (self.done.clone(), self.ringer.try_clone());
        let name = id.clone();
        let work = move || {
            let report = Report { id: name, taken: program.run(), dialogue: String::new() };
            if done.send(report).is_ok()
                && let Ok(ringer) = ringer
            {
                // A full socket rings as well.
                let _ = rustix::io::write(&ringer, &[1]);
            }
        };
        match std::thread::Builder::new().name("program".to_owned()).spawn(work) {
            Ok(_) => {
                self.running.insert(id);
            }
            Err(error) => self.report(refused(&id, &error.to_string())),
        }
    }

    fn finish(&mut self, report: Report) {
        self.running.remove(&report.id);
        self.worked = Instant::now();
        self.finished.keep(&report);
        self.report(report);
        self.start_waiting();
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

/// What is started for an endpoint. Who reads a mail is told here: whoever wrote it may be in a
/// stranger's hands, and its head names nobody to `sendmail`.
fn program(endpoint: Endpoint) -> Vec<String> {
    match endpoint {
        Endpoint::Command(words) => words,
        Endpoint::Mail { from, to, by: MailBy::Sendmail(path) } => {
            let options = ["-i".to_owned(), "-f".to_owned(), from];
            std::iter::once(path).chain(options).chain(to).collect()
        }
        _ => Vec::new(),
    }
}

fn refused(id: &str, why: &str) -> Report {
    let taken = Taken::No { permanent: false, retry_after_s: None, why: why.to_owned() };
    Report { id: id.to_owned(), taken, dialogue: String::new() }
}

#[cfg(test)]
mod tests {
    use monban_warden::memory_file;

    use super::*;

    fn errand(id: usize, reload: u32) -> Errand {
        Errand::Run { id: id.to_string(), reload, endpoint: 1, values: Vec::new() }
    }

    /// Hears what is asked, until nothing runs, and what comes back.
    fn work(runner: &mut Runner, watcher: &mut Channel) -> Vec<Returned> {
        runner.hear_lane();
        assert!(runner.running.len() <= AT_ONCE);
        while !runner.running.is_empty() {
            let report = runner.ended.recv_timeout(Duration::from_secs(30)).unwrap();
            runner.finish(report);
        }
        let mut returned = Vec::new();
        while let Received::Frame(frame, _) = watcher.receive().unwrap() {
            returned.push(frame);
        }
        returned
    }

    #[test]
    fn more_messages_than_programs_may_run_wait_for_their_turn() {
        let ((_, warden), (bell, ringer)) = (Channel::pair().unwrap(), UnixStream::pair().unwrap());
        let (here, there) = Channel::pair().unwrap();
        let (mut runner, mut watcher) =
            (Runner::new(Channel::over(warden), ringer), Channel::over(there));
        runner.lane = Some(Channel::over(here));
        runner.reload = 2;
        runner.programs.insert(1, vec!["/bin/cat".to_owned()]);
        let ask = |watcher: &mut Channel, errand| {
            watcher.post(&errand, Some(memory_file(b"hello").unwrap())).unwrap();
        };
        let count = 3 * AT_ONCE;
        (0..count).for_each(|id| ask(&mut watcher, errand(id, 2)));
        ask(&mut watcher, errand(count, 1));
        ask(&mut watcher, errand(count + 1, 3));
        let all = work(&mut runner, &mut watcher);
        let taken = all.iter().filter(|returned| {
            matches!(returned, Returned::Report(Report { taken: Taken::Yes { .. }, .. }))
        });
        assert_eq!(taken.count(), count, "{all:?}");
        assert!(all.contains(&Returned::Outdated { id: count.to_string() }), "{all:?}");
        assert_eq!((all.len(), runner.waiting.len()), (count + 1, 1), "{all:?}");
        runner.reload = 3;
        runner.start_waiting();
        assert_eq!(work(&mut runner, &mut watcher).len(), 1);
        drop(bell);
    }

    /// Whoever wrote the head of a mail cannot add readers to it.
    #[test]
    fn readers_of_a_mail_are_those_of_the_configuration() {
        let mail = |to: &[&str]| Endpoint::Mail {
            from: "monban@web1.example".to_owned(),
            to: to.iter().map(|one| (*one).to_owned()).collect(),
            by: MailBy::Sendmail("/usr/sbin/sendmail".to_owned()),
        };
        let wanted = ["/usr/sbin/sendmail", "-i", "-f", "monban@web1.example", "a@b.c", "d@e.f"];
        assert_eq!(program(mail(&["a@b.c", "d@e.f"])), wanted);
    }
}
