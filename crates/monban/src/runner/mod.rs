//! The runner starts the programs that take messages: sendmail, and commands of the administrator.
//! The message is their standard input, as it comes; it is not looked at here.

mod program;

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use monban_model::limits::EQUIPMENT_BYTES_MAX;
use monban_model::wire::{
    Equipment, Errand, FromRunner, Report, Taken, ToRunner, decode_equipment,
};
use monban_model::{Endpoint, MailBy};
use monban_warden::{Channel, Received, read_memory_file};

use crate::lane::{Finished, wait_for};
use program::Program;

/// Programs that run at once.
const AT_ONCE: usize = 8;

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
    let (done, ended) = channel();
    let mut runner = Runner {
        warden,
        lane: None,
        reload: 0,
        programs: HashMap::new(),
        running: HashSet::new(),
        finished: Finished::default(),
        ringer,
        done,
        ended,
        worked: Instant::now(),
    };
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
        if runner.running.is_empty() && runner.worked.elapsed() >= IDLE {
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
    running: HashSet<String>,
    finished: Finished,
    ringer: UnixStream,
    done: Sender<Report>,
    ended: Receiver<Report>,
    worked: Instant,
}

impl Runner {
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
        if self.running.contains(&id) {
            return;
        }
        if let Some(report) = self.finished.get(&id) {
            return self.report(report);
        }
        let words = self.programs.get(&endpoint).filter(|_| reload == self.reload);
        let (Some(words), Some(file)) = (words, file) else {
            return self.report(refused(&id, "another configuration is in force"));
        };
        if self.running.len() >= AT_ONCE {
            return self.report(refused(&id, "too many programs run"));
        }
        let program = Program { words: words.clone(), values, input: file };
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
    }

    fn report(&mut self, report: Report) {
        if let Some(lane) = &mut self.lane
            && lane.post(&report, None).is_err()
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
    use super::*;

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
