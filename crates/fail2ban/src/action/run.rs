//! Runs a command: `/bin/sh -c` in a process group of its own, for a limited time, with nothing
//! of our environment but what the command may need, its output read to the end and kept in part.

use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use monban_model::limits::FAIL2BAN_OUTPUT_MAX;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::native::Fed;
use super::shell::Shell;

/// The shell that fail2ban uses.
const SHELL: &str = "/bin/sh";

/// Where commands are looked for if nobody says: what systemd gives its services.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What commands are passed on from our own environment; a service has hardly more.
const KEPT: [&str; 6] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "LC_TIME", "TZ"];

/// After the end of its time a group has so long to end by itself.
const GRACE: Duration = Duration::from_millis(200);

/// The environment of commands: they get nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was ended because its time was over.
    pub timed_out: bool,
    /// Why it could not be started at all.
    pub not_started: Option<String>,
    /// The beginning of what it printed.
    pub stdout: Vec<u8>,
    /// The beginning of what it complained of.
    pub stderr: Vec<u8>,
    /// Bytes of both that were read and not kept.
    pub cut_bytes: u64,
    /// How long it ran.
    pub took: Duration,
}

impl Outcome {
    /// Whether it did what it should, as far as it says.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0) && !self.timed_out
    }

    pub(super) fn not_started(why: impl ToString) -> Self {
        Self { not_started: Some(why.to_string()), ..Self::default() }
    }
}

impl Environment {
    /// What this process was given of it.
    pub fn of_this_process() -> Self {
        let mut kept: Vec<(String, String)> = Vec::new();
        for name in KEPT {
            if let Ok(value) = std::env::var(name) {
                kept.push((name.to_owned(), value));
            }
        }
        if !kept.iter().any(|(name, _)| name == "PATH") {
            kept.push(("PATH".to_owned(), PATH.to_owned()));
        }
        Self(kept)
    }

    /// The same with another value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Runs a command and waits for its end, at most `timeout` and the grace after it.
pub fn run(shell: &Shell, timeout: Duration, environment: &Environment) -> Outcome {
    if shell.is_empty() {
        return Outcome { code: Some(0), ..Outcome::default() };
    }
    if shell.is_too_long() {
        return Outcome::not_started(Errno::TOOBIG);
    }
    let mut command = Command::new(SHELL);
    command.arg("-c").arg(&shell.text).args(&shell.values).stdin(Stdio::null());
    run_command(command, timeout, environment)
}

/// Runs a program that reads what it shall do, as [`run`].
pub fn run_fed(fed: &Fed, timeout: Duration, environment: &Environment) -> Outcome {
    let Some((program, arguments)) = fed.program.split_first() else {
        return Outcome::not_started(Errno::NOENT);
    };
    match input_of(&fed.input) {
        Ok(input) => {
            let mut command = Command::new(program);
            command.args(arguments).stdin(input);
            run_command(command, timeout, environment)
        }
        Err(error) => Outcome::not_started(error),
    }
}

/// A file in memory: nobody has to write while others read.
fn input_of(text: &str) -> io::Result<std::fs::File> {
    let fd = rustix::fs::memfd_create("monban-input", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn run_command(mut command: Command, timeout: Duration, environment: &Environment) -> Outcome {
    command.env_clear().envs(environment.0.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // fail2ban makes a session. A group is what a kill needs; of the other effect, that there is
    // no terminal, a service has no need.
    command.process_group(0);
    let begun = Instant::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::not_started(error),
    };
    let mut outcome = Outcome::default();
    let ended = watch(&mut child, begun, timeout, &mut outcome);
    match ended {
        Ok(Some(status)) => {
            outcome.code = status.code();
            outcome.signal = status.signal();
        }
        Ok(None) => {}
        Err(error) => outcome.not_started = Some(error.to_string()),
    }
    outcome.took = begun.elapsed();
    outcome
}

/// Reads what a command prints until it ends.
fn watch(
    child: &mut Child,
    begun: Instant,
    timeout: Duration,
    outcome: &mut Outcome,
) -> io::Result<Option<ExitStatus>> {
    let pid = Pid::from_child(child);
    let opened = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from);
    let (ended, mut pipes) = match opened.and_then(|ended| Ok((ended, Pipes::of(child)?))) {
        Ok(opened) => opened,
        Err(error) => {
            let _ = kill_process_group(pid, Signal::KILL);
            child.wait()?;
            return Err(error);
        }
    };
    if pipes.read_until(ended.as_fd(), Some(begun + timeout), outcome) {
        return child.wait().map(Some);
    }
    outcome.timed_out = true;
    let _ = kill_process_group(pid, Signal::TERM);
    pipes.read_until(ended.as_fd(), Some(Instant::now() + GRACE), outcome);
    // Its first process may be gone and others of the group not. Nobody waited for it yet, so
    // that its number is still its own.
    let _ = kill_process_group(pid, Signal::KILL);
    if pipes.read_until(ended.as_fd(), Some(Instant::now() + GRACE), outcome) {
        return child.wait().map(Some);
    }
    // It hangs in the kernel: it is left behind.
    child.try_wait()
}

/// What a command prints to.
struct Pipes {
    stdout: Option<std::fs::File>,
    stderr: Option<std::fs::File>,
}

impl Pipes {
    fn of(child: &mut Child) -> io::Result<Self> {
        let stdout =
            child.stdout.take().map(|pipe| std::fs::File::from(std::os::fd::OwnedFd::from(pipe)));
        let stderr =
            child.stderr.take().map(|pipe| std::fs::File::from(std::os::fd::OwnedFd::from(pipe)));
        for pipe in stdout.iter().chain(&stderr) {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { stdout, stderr })
    }

    /// Reads until a process ends; false if the deadline comes first. What it printed before its
    /// end is read; that something of it may still hold the pipes is not waited for.
    fn read_until(
        &mut self,
        ended: BorrowedFd<'_>,
        deadline: Option<Instant>,
        outcome: &mut Outcome,
    ) -> bool {
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut watched = vec![PollFd::from_borrowed_fd(ended, PollFlags::IN)];
            for pipe in self.stdout.iter().chain(&self.stderr) {
                watched.push(PollFd::new(pipe, PollFlags::IN));
            }
            let ready = match poll(&mut watched, left.as_ref()) {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(_) => 0,
            };
            let is_over = watched.first().is_some_and(|one| !one.revents().is_empty());
            drop(watched);
            read_some(&mut self.stdout, &mut outcome.stdout, &mut outcome.cut_bytes);
            read_some(&mut self.stderr, &mut outcome.stderr, &mut outcome.cut_bytes);
            if is_over || ready == 0 {
                return is_over;
            }
        }
    }
}

/// Reads what is there, at most so much that the others get their turn.
fn read_some(pipe: &mut Option<std::fs::File>, kept: &mut Vec<u8>, cut_bytes: &mut u64) {
    let mut buffer = [0; 8192];
    for _ in 0..16 {
        let Some(open) = pipe else { return };
        match rustix::io::read(&*open, &mut buffer) {
            Ok(0) => *pipe = None,
            Ok(count) => {
                let room = FAIL2BAN_OUTPUT_MAX.saturating_sub(kept.len()).min(count);
                kept.extend(buffer.iter().take(room));
                *cut_bytes += (count - room) as u64;
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return,
            Err(_) => *pipe = None,
        }
    }
}
