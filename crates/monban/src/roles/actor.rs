//! The actor: it runs the commands of fail2ban's actions, and `ignorecommand`, with the rights of
//! whoever started the warden. It reads frames of the warden only: numbers, and the values of a
//! ban. Which command follows, and its text, comes from the configuration.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use monban_fail2ban::action::{
    Actor, Elements, Environment, Hostnames, Kernel, Lanes, Refused, Shell, Table, Ticket, Waiting,
    ignore_command, run,
};
use monban_fail2ban::config::Jail;
use monban_firewall::{NotWritten, SetWriter};
use monban_model::wire::{FromActor, ToActor};
use monban_model::{JailOrder, JailOutcome, SetName};
use monban_warden::{Channel, Received};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

mod words;

use super::jails::{bundle_of, read_held};
use crate::cli::ActorArgs;
use words::{failed, outcome, request};

/// Longest time of `ignorecommand`.
const IGNORE_COMMAND_TIME: Duration = Duration::from_secs(60);

/// `ignorecommand`s that run at once.
const IGNORE_COMMANDS_AT_ONCE: usize = 4;

/// Outcomes that are put into frames together.
const OUTCOMES_AT_ONCE: usize = 1024;

/// The machine's name is asked for at most so long.
const NAME_TIME: Duration = Duration::from_secs(2);

/// Runs the role. Descriptor 0 is the channel to the warden.
pub fn main(args: &ActorArgs) -> ExitCode {
    match Role::start(args.again).and_then(Role::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monban actor: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Role {
    channel: Channel,
    again: bool,
    environment: Environment,
    hostnames: Hostnames,
    reload: u32,
    jails: Vec<Jail>,
    actor: Option<Actor>,
    /// One lane for each jail.
    questions: Lanes<u32, Question>,
    bell: Arc<Bell>,
    told: Receiver<Told>,
}

struct Question {
    id: u64,
    shell: Shell,
}

/// What threads have to say.
enum Told {
    Outcome(JailOutcome),
    Ignored { id: u64, yes: bool },
    Ended { reload: u32 },
}

/// Wakes the loop.
struct Bell {
    said: Sender<Told>,
    event: OwnedFd,
}

impl Bell {
    fn tell(&self, told: Told) {
        if self.said.send(told).is_ok() {
            // It is full only where it is rung already.
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
    }
}

impl Role {
    fn start(again: bool) -> io::Result<Self> {
        // Ctrl-C and a service manager's TERM are for the warden, which ends this process in
        // order: until then bans must be taken back.
        rustix::process::setsid()?;
        let heard = Arc::new(AtomicBool::new(false));
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&heard))?;
        }
        let channel = Channel::over(io::stdin().as_fd().try_clone_to_owned()?);
        let (said, told) = mpsc::channel();
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let bell = Arc::new(Bell { said, event });
        let environment = Environment::of_this_process();
        let (ring, of_commands) = (Arc::clone(&bell), environment.clone());
        let ask = move |_: &u32, waiting: &mut Waiting<Question>| {
            if let Some((_, Question { id, shell })) = waiting.pop_front() {
                let yes = run(&shell, IGNORE_COMMAND_TIME, &of_commands).is_ok();
                ring.tell(Told::Ignored { id, yes });
            }
        };
        Ok(Self {
            channel,
            again,
            hostnames: hostnames(environment.clone()),
            environment,
            reload: 0,
            jails: Vec::new(),
            actor: None,
            questions: Lanes::new(IGNORE_COMMANDS_AT_ONCE, ask)?,
            bell,
            told,
        })
    }

    /// Works until the warden says stop or is gone; then all jails are ended.
    fn run(mut self) -> io::Result<()> {
        while self.hear()? {
            self.send_told()?;
            let mut watched = [
                PollFd::new(&self.channel, PollFlags::IN),
                PollFd::new(&self.bell.event, PollFlags::IN),
            ];
            match poll(&mut watched, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let _ = rustix::io::read(&self.bell.event, &mut [0; 8]);
        }
        if let Some(actor) = self.actor.take() {
            actor.end_all();
        }
        // The warden may be gone.
        let _ = self.send_told();
        Ok(())
    }

    /// Takes what the warden has sent; false at the end.
    fn hear(&mut self) -> io::Result<bool> {
        loop {
            match self.channel.receive::<ToActor>()? {
                Received::Frame(ToActor::Stop, _) | Received::End => return Ok(false),
                Received::Frame(frame, fd) => self.obey(frame, fd)?,
                Received::Nothing => return Ok(true),
            }
        }
    }

    fn obey(&mut self, frame: ToActor, fd: Option<OwnedFd>) -> io::Result<()> {
        match (frame, fd) {
            (ToActor::Table { reload }, Some(fd)) => {
                self.reload = reload;
                self.take_over(fd)?;
                self.send_fresh()
            }
            (ToActor::Table { .. }, None) => Err(bad("a table without its files")),
            (ToActor::AskFresh, _) => self.send_fresh(),
            (ToActor::Orders(orders), _) => {
                orders.into_iter().for_each(|order| self.carry_out(&order));
                Ok(())
            }
            (ToActor::AskCommand { id, jail, ticket }, _) => {
                self.ask(id, jail, &ticket);
                Ok(())
            }
            (ToActor::Stop, _) => Ok(()),
        }
    }

    fn take_over(&mut self, fd: OwnedFd) -> io::Result<()> {
        let (found, _) = read_held(&bundle_of(fd)?.fail2ban.unwrap_or_default());
        let ipv6 = has_ipv6(found.server.options.get("allowipv6").map(|text| text.as_str()));
        let table = Table::new(&found.jails, &self.hostnames, ipv6);
        self.jails = found.jails;
        match &mut self.actor {
            Some(actor) => {
                let (bell, reload) = (Arc::clone(&self.bell), self.reload);
                actor.take_over(table, move || bell.tell(Told::Ended { reload }));
            }
            None => {
                let (bell, environment) = (Arc::clone(&self.bell), self.environment.clone());
                let report = move |report| bell.tell(Told::Outcome(outcome(&report)));
                let kernel: Box<dyn Kernel> = Box::new(Netlink(SetWriter::open()));
                let again = self.again;
                let actor = Actor::after_another(table, environment, Some(kernel), again, report)?;
                self.actor = Some(actor);
            }
        }
        Ok(())
    }

    fn send_fresh(&mut self) -> io::Result<()> {
        let jails = self.actor.as_ref().map_or_else(Vec::new, Actor::fresh);
        self.channel.send(&FromActor::Fresh { reload: self.reload, jails }, None)
    }

    fn carry_out(&self, order: &JailOrder) {
        let jail = usize::try_from(order.jail).ok().and_then(|at| self.jails.get(at));
        let result = match (request(order, jail), &self.actor) {
            (Ok(request), Some(actor)) => {
                actor.submit(order.id, request).map_err(|full| full.to_string())
            }
            (Err(why), _) => Err(why.to_owned()),
            (Ok(_), None) => Err("there is no configuration yet".to_owned()),
        };
        if let Err(why) = result {
            self.bell.tell(Told::Outcome(failed(order, why)));
        }
    }

    fn ask(&self, id: u64, number: u32, ticket: &[u8]) {
        let jail = usize::try_from(number).ok().and_then(|at| self.jails.get(at));
        let asked = jail.filter(|jail| !jail.ignorecommand.value.is_empty());
        let asked = asked.zip(Ticket::from_bytes(ticket)).and_then(|(jail, who)| {
            let shell = ignore_command(jail, &who, &self.hostnames);
            self.questions.push(number, ticket.len(), Question { id, shell }).ok()
        });
        if asked.is_none() {
            self.bell.tell(Told::Ignored { id, yes: false });
        }
    }

    fn send_told(&mut self) -> io::Result<()> {
        let mut outcomes = Vec::new();
        while let Ok(told) = self.told.try_recv() {
            match told {
                Told::Outcome(outcome) => outcomes.push(outcome),
                Told::Ignored { id, yes } => {
                    self.channel.send(&FromActor::Ignored { id, yes }, None)?;
                }
                Told::Ended { reload } => {
                    self.channel.send(&FromActor::Ended { reload }, None)?;
                }
            }
            if outcomes.len() >= OUTCOMES_AT_ONCE {
                self.send_outcomes(std::mem::take(&mut outcomes))?;
            }
        }
        self.send_outcomes(outcomes)
    }

    fn send_outcomes(&mut self, outcomes: Vec<JailOutcome>) -> io::Result<()> {
        let frames = JailOutcome::frames(outcomes);
        frames.into_iter().try_for_each(|part| self.channel.send(&FromActor::Outcomes(part), None))
    }
}

/// Elements of sets over netlink.
struct Netlink(SetWriter);

impl Kernel for Netlink {
    fn elements(&mut self, changes: &Elements) -> Result<(), Refused> {
        let Elements { set, add, delete } = changes;
        self.0.write(set, add, delete).map_err(|why| match why {
            NotWritten::Gone | NotWritten::Elements => Refused::BySet,
            NotWritten::OtherForm | NotWritten::Kernel(_) => Refused::Unable,
        })
    }

    fn has(&mut self, set: &SetName) -> Option<bool> {
        self.0.has(set).ok()
    }
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The names of this machine. Only its resolver knows the domain.
fn hostnames(environment: Environment) -> Hostnames {
    Hostnames::of_kernel(move || {
        let shell = Shell { text: "hostname --fqdn".to_owned(), values: Vec::new() };
        let said = run(&shell, NAME_TIME, &environment);
        let full = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        (said.is_ok() && !full.is_empty() && full.chars().all(is_name)).then_some(full)
    })
}

/// Whether actions are started for IPv6, too.
fn has_ipv6(allowed: Option<&str>) -> bool {
    match allowed.map(str::to_ascii_lowercase).as_deref() {
        Some("yes" | "true" | "on" | "1") => true,
        Some("no" | "false" | "off" | "0") => false,
        _ => std::fs::read("/proc/net/if_inet6").is_ok_and(|text| !text.is_empty()),
    }
}
